"""The archive as the sink of recordings in bulk: sessions, seconds, events, and at the end their loads."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from athlete_monitor.engine.journal.earlier import PastLoad
from athlete_monitor.engine.journal.keeper import facts_of
from athlete_monitor.engine.journal.replayed import SKIPPED, ReplaySink
from athlete_monitor.engine.sessions.history import LoadHistory
from athlete_monitor.engine.side_by_side import seconds_of
from athlete_monitor.engine.team.rows import SET_TEAM, command_row
from athlete_monitor.physiology.chronic import CHRONIC
from athlete_monitor.team.commands import Command
from athlete_monitor.team.refusals import RefusedError
from athlete_monitor.team.state import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from athlete_monitor.archive import Archive
    from athlete_monitor.arrays import FloatArray
    from athlete_monitor.engine.blocks import Moment
    from athlete_monitor.engine.gathering import GatheredSession
    from athlete_monitor.engine.journal.bulk import BulkJournal
    from athlete_monitor.engine.sessions.session import Session
    from athlete_monitor.engine.side_by_side import Phase
    from athlete_monitor.squad.kernel import Squad
    from athlete_monitor.squad.present import StepResult
    from athlete_monitor.team.state import TeamState

_FORGET: Final = (
    """DELETE FROM seconds WHERE id IN (SELECT x.id FROM blocks b CROSS JOIN seconds x
        ON x.id BETWEEN b.first_id AND b.last_id WHERE b.session = ?1 AND x.session = ?1)""",
    "DELETE FROM blocks WHERE session = ?1",
    "DELETE FROM events WHERE session = ?1",
    "DELETE FROM sessions WHERE id = ?1",
)
_AS_ENDED: Final = "UPDATE sessions SET end_t = start_t WHERE id = ?"


@dataclass(frozen=True)
class Ended:
    """A session that has ended and waits for the load of the weeks before it."""

    number: int
    athlete_id: int
    name: str
    start_t: float
    end_t: float
    mode: str | None
    summary: dict[str, Any]

    @classmethod
    def of(cls, session: Session, summary: dict[str, Any]) -> Ended:
        """Return the facts of a session that ends."""
        span_t = session.device_start_t, session.device_t
        return cls(session.number, session.athlete_id, session.wearer.name, *span_t, session.mode, summary)


class ArchiveSink(ReplaySink):
    """Collects the output of the sessions; their ends are written by ``finish``, oldest first.

    Args:
        journal: the journal.
        archive: the same file, for reading.
    """

    def __init__(self, journal: BulkJournal, archive: Archive) -> None:
        super().__init__(journal, archive)
        self._bulk = journal
        self._history = LoadHistory(journal.past_loads())
        stored = archive.sessions()
        self._known = {each.session_id for each in stored if each.summary is not None or each.end_t is None}
        self._torn = {each.session_id: each.number for each in stored if each.session_id not in self._known}
        self._open: dict[int, str] = {}
        self.ended_sessions: list[Ended] = []
        self.archived = 0

    def knows(self, name: str) -> bool:
        """Whether the archive holds a session."""
        return name in self._known

    def begin(self, session: Session) -> int:
        """Record a new session; it replaces the remains of an interrupted import."""
        return self.begun(session.session_id, session.device_id, session.athlete_id, session.start_t, facts_of(session))

    def begun(self, name: str, device_id: str, athlete_id: int, start_t: float, facts: dict[str, Any]) -> int:
        """Record a new session; returns its number, or ``SKIPPED`` if it is already in the archive."""
        if name in self._known:
            self.skipped += 1
            return SKIPPED
        self._known.add(name)
        self._forget_torn(name)
        number = self._journal.begin(name, device_id, athlete_id, start_t, facts)
        self._journal.put(_AS_ENDED, (number,))
        self._open[number] = name
        return number

    def take(self, gathered: GatheredSession) -> bool:
        """Record a session that another process has computed; return False where the archive has it."""
        number = self.begun(
            gathered.session_id, gathered.device_id, gathered.athlete_id, gathered.start_t, gathered.facts
        )
        if number == SKIPPED:
            return False
        for event in gathered.events:
            self.happened(number, event)
        self.many_seconds([number] * len(gathered.t), gathered.t, gathered.cells)
        ended = Ended(number, gathered.athlete_id, gathered.name, *gathered.span_t, gathered.mode, gathered.summary)
        self.over(ended, gathered.offset_s)
        return True

    def seconds(self, sessions: Sequence[Session | Moment], squad: Squad, result: StepResult) -> None:
        """Record the seconds that are due with a step: the first sample of each whole second."""
        due = [index for index in result.due.tolist() if self._is_new(sessions[index])]
        if due:
            chosen = [sessions[index] for index in due]
            t, cells = seconds_of(chosen, squad, result, due)
            self._bulk.seconds([session.number for session in chosen], t, cells)

    def many_seconds(self, numbers: Sequence[int], t: FloatArray, cells: FloatArray) -> None:
        """Record seconds: the numbers of their sessions [n], times [n] and whole numbers [n, columns]."""
        new = np.array(numbers) != SKIPPED
        if new.all():
            self._bulk.seconds(numbers, t, cells)
        elif new.any():
            self._bulk.seconds([number for number in numbers if number != SKIPPED], t[new], cells[new])

    def happened(self, number: int, event: dict[str, Any]) -> None:
        """Record an event of a session."""
        if number != SKIPPED:
            self._journal.event(number, event["t_s"], event["kind"], event)

    def ended(self, session: Session, summary: dict[str, Any]) -> None:
        """Keep the summary until all recordings have been used."""
        self._last.pop(session.number, None)
        self.over(Ended.of(session, summary), session.stream.offset_s)

    def over(self, ended: Ended, offset_s: float) -> None:
        """Keep the summary of a session until all recordings have been used."""
        if ended.number == SKIPPED:
            return
        if offset_s:
            self._journal.set_clock(ended.number, ended.start_t, offset_s)
        self._open.pop(ended.number, None)
        self.ended_sessions.append(ended)

    def finish(self, phases: Iterable[Phase] = ()) -> None:
        """Write the ends of all sessions with the load of the weeks before each, and their periods."""
        teams: dict[str, tuple[TeamState, list[Ended]]] = {}
        for each in sorted(self.ended_sessions, key=lambda ended: ended.start_t):
            self._end(each)
            state = self._team_of(each.start_t, each.end_t, each.mode)
            self._journal.put(SET_TEAM, (state.session.id, each.number))
            teams.setdefault(state.session.id, (state, []))[1].append(each)
        finished = list(phases)
        for state, members in teams.values():
            if state.session.id in self._new:
                self._add_periods(state, members, finished)
        self.archived += len(self.ended_sessions)
        self.ended_sessions.clear()
        self._bulk.flush()

    def abandon(self) -> None:
        """Discard the sessions that have begun and not ended."""
        self._bulk.drop()
        for number in self._open:
            for statement in _FORGET:
                self._journal.put(statement, (number,))
        for each in self.ended_sessions:
            for statement in _FORGET:
                self._journal.put(statement, (each.number,))

    def _forget_torn(self, name: str) -> None:
        torn = self._torn.pop(name, None)
        for statement in _FORGET if torn is not None else ():
            self._journal.put(statement, (torn,))

    def _is_new(self, session: Session | Moment) -> bool:
        if session.number == SKIPPED:
            return False
        second = int(session.last_t)
        is_new = second != self._last.get(session.number)
        self._last[session.number] = second
        return is_new

    def _end(self, each: Ended) -> None:
        load = PastLoad(each.start_t, each.end_t, each.summary["trimp"])
        figures, reasons = self._history.figures(each.athlete_id, load)
        self._history.add(each.athlete_id, load)
        keys = {figure.key for figure in CHRONIC}
        kept = {key: text for key, text in each.summary["reasons"].items() if key not in keys}
        summary = {**each.summary, **{key: figures[key] for key in keys}, "reasons": {**kept, **reasons}}
        self._journal.end(each.number, (each.start_t, each.end_t), load.trimp, summary)

    def _add_periods(self, state: TeamState, members: Sequence[Ended], phases: Iterable[Phase]) -> None:
        """Create periods from the phases of a new team session, for the athletes who were in them."""
        everyone = sorted({each.athlete_id for each in members})
        inside = [phase for phase in phases if _is_within(phase, members)]
        for count, group in enumerate(_groups(inside)):
            name, first = group[0].name, group[0].athlete_id
            athletes = sorted({phase.athlete_id for phase in group})
            whose = None if athletes == everyone else {"athletes": athletes}
            span = statistics.median(p.start_t for p in group), statistics.median(p.end_t for p in group)
            for called in (name, f"{name} (athlete {first})"):
                if self._period(state, f"{state.session.id}_{count}", called, span, whose):
                    break
        self._write(state)

    def _period(
        self, state: TeamState, number: str, name: str, span: tuple[float, float], whose: dict[str, Any] | None
    ) -> bool:
        values = {"period": number, "name": name, "kind": kind_of(name)} | ({} if whose is None else {"whose": whose})
        started = Command(f"{number}-start", "period_start", span[0], values)
        ended = Command(f"{number}-end", "period_end", span[1], {"period": number})
        try:
            state.apply(started)
            state.apply(ended)
        except RefusedError:
            return False
        for command in (started, ended):
            self._journal.put(*command_row(command, state.session.id, command.at, {"id": command.id, "ok": True}))
        return True


def _is_within(phase: Phase, members: Iterable[Ended]) -> bool:
    middle = (phase.start_t + phase.end_t) / 2
    return any(each.athlete_id == phase.athlete_id and each.start_t <= middle <= each.end_t for each in members)


def _groups(phases: Iterable[Phase]) -> Iterator[list[Phase]]:
    """Yield phases that are one part of the session, in the order of their starts."""
    left = sorted(phases, key=lambda phase: (phase.start_t, phase.end_t))
    while left:
        group = [phase for phase in left if phase.is_same(left[0])]
        left = [phase for phase in left if phase not in group]
        yield group
