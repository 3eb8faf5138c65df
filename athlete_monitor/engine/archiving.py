"""Import of recordings into the archive, many in parallel: it takes minutes where a replay takes an hour.

An athlete's figures depend only on that athlete's samples, so recordings of different days, even of one athlete, may
share the steps of the squad. Every recording begins without the previous day's form.
"""

from __future__ import annotations

import statistics
from collections.abc import Sized
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from athlete_monitor.archive import Archive
from athlete_monitor.athletes import Roster
from athlete_monitor.engine.build import kernel_settings, open_loader, source_of
from athlete_monitor.engine.counts import Counts
from athlete_monitor.engine.figures.variability import variability_figures
from athlete_monitor.engine.journal.bulk import BulkJournal
from athlete_monitor.engine.journal.cells import BESIDE, beside, kernel_cells
from athlete_monitor.engine.journal.journal import PastLoad
from athlete_monitor.engine.journal.keeper import facts_of
from athlete_monitor.engine.journal.replayed import SKIPPED, ReplaySink
from athlete_monitor.engine.monitor import Monitor
from athlete_monitor.engine.reporting import Reporter
from athlete_monitor.engine.sessions.history import LoadHistory
from athlete_monitor.engine.sessions.session import session_id
from athlete_monitor.engine.sessions.wearers import Wearers
from athlete_monitor.engine.stepping import Stepper
from athlete_monitor.engine.team.rows import SET_TEAM, command_row
from athlete_monitor.physiology.chronic import CHRONIC
from athlete_monitor.squad.kernel import Squad
from athlete_monitor.squad.prediction import ModelBook, NoModels
from athlete_monitor.team.commands import Command, RefusedError
from athlete_monitor.team.state import kind_of
from athlete_monitor.wire.codec import Decoder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from athlete_monitor.arrays import FloatArray
    from athlete_monitor.config import Config
    from athlete_monitor.engine.archive_workers import Workers
    from athlete_monitor.engine.gathering import GatheredSession
    from athlete_monitor.engine.offline import Recorded
    from athlete_monitor.engine.sessions.session import Session
    from athlete_monitor.engine.sinks.sink import Sink
    from athlete_monitor.squad.prediction import ModelSource
    from athlete_monitor.squad.present import StepResult
    from athlete_monitor.team.state import TeamState
    from athlete_monitor.wire.sample import Sample, Tags

SIDE_BY_SIDE: Final = 192
LEAST_FOR_A_WORKER: Final = 16
"""Fewer recordings are computed faster by one process: it starts sooner, and each step is of more athletes."""
_SAMPLES_A_ROUND: Final = 64
_SAME_PART_S: Final = 60.0
"""Phases of one name that begin and end within a minute of each other are one period of several athletes."""
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


@dataclass(frozen=True)
class Phase:
    """A part of a recording that its samples name: a lap, a half, a drill."""

    athlete_id: int
    name: str
    start_t: float
    end_t: float

    def is_same(self, other: Phase) -> bool:
        """Whether two athletes were in the same part."""
        apart_s = max(abs(self.start_t - other.start_t), abs(self.end_t - other.end_t))
        return self.name == other.name and apart_s <= _SAME_PART_S


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

    def seconds(self, sessions: Sequence[Session], squad: Squad, result: StepResult) -> None:
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

    def _is_new(self, session: Session) -> bool:
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


class Archiver:
    """Runs recordings into the archive of a configuration.

    Args:
        config: the configuration.
        models: the source of models; by default the configuration's folders.
        workers: the most processes that compute; one means this process.

    Raises:
        MonitorError: the archive cannot be used.
    """

    def __init__(self, config: Config, models: ModelSource | None = None, workers: int = 1) -> None:
        self._config = config
        self._journal = BulkJournal(config.paths.journal)
        self._sink = ArchiveSink(self._journal, Archive(config.paths.journal))
        self._roster = Roster.load(config.athletes.roster)
        self._wearers = Wearers(self._roster, "all")
        self._side_by_side = SideBySide(config, self._wearers, models)
        self._most_workers, self._workers = workers, None
        self._phases: list[Phase] = []

    _workers: Workers | None

    @property
    def archived(self) -> int:
        """Sessions that were archived."""
        return self._sink.archived + len(self._sink.ended_sessions)

    def add(
        self, recordings: Iterable[Recorded], on_progress: Callable[[int, int], None] = lambda _done, _of: None
    ) -> None:
        """Run some recordings; those that the archive already holds are skipped.

        Args:
            recordings: in any order.
            on_progress: called with the number of samples that were used, and their total as far as it is known.

        Raises:
            MonitorError: the archive cannot be written, or a worker was lost.
        """
        new = [recording for recording in recordings if self._is_new(recording)]
        total = sum(len(recording) if isinstance(recording, Sized) else 0 for recording in new)
        on_progress(0, total)
        if workers := self._workers_for(len(new)):
            self._phases += workers.run(new, self._sink, lambda ended: on_progress(total * ended // len(new), total))
            return
        used = _Used()
        phases = self._side_by_side.run(
            (used.counted(recording.samples()) for recording in new),
            self._sink,
            lambda _place: self._sink.begin,
            lambda _ended: on_progress(used.samples, total),
        )
        self._phases += chain.from_iterable(phases)

    def close(self) -> None:
        """Write what is still open.

        Raises:
            MonitorError: the archive cannot be written.
        """
        try:
            self._sink.finish(self._phases)
        finally:
            self._stop()

    def abandon(self) -> None:
        """Remove sessions that are not complete."""
        self._sink.abandon()
        self._stop()

    def _stop(self) -> None:
        if self._workers is not None:
            self._workers.end()
        self._sink.stop()

    def _is_new(self, recording: Recorded) -> bool:
        first = next(iter(recording.samples()), None)
        return first is not None and not self._sink.knows(session_id(self._wearers.of(first), first.t))

    def _workers_for(self, recordings: int) -> Workers | None:
        """Return the workers, if so many recordings are worth them."""
        if self._workers is None:
            from athlete_monitor.engine.archive_workers import Workers

            count = min(self._most_workers, recordings // LEAST_FOR_A_WORKER)
            if count > 1:
                self._workers = Workers(count, self._config, self._roster)
        return self._workers


class _Used:
    """Counts the samples that recordings have given."""

    samples = 0

    def counted(self, samples: Iterable[Sample]) -> Iterator[Sample]:
        """Yield samples, counting them."""
        for each in samples:
            self.samples += 1
            yield each


class SecondsSink(Protocol):
    """What takes the seconds of many sessions at once."""

    def seconds(self, sessions: Sequence[Session], squad: Squad, result: StepResult) -> None:
        """Take the seconds that fall due with a step."""


class SideBySide:
    """Runs recordings side by side, those of one call in a squad of their own.

    Args:
        config: the configuration.
        wearers: who wears which device.
        models: where models come from; those of the configuration's folders by default.
    """

    def __init__(self, config: Config, wearers: Wearers, models: ModelSource | None = None) -> None:
        self._config, self._wearers, self._models = config, wearers, models

    def run(
        self,
        streams: Iterable[Iterator[Sample]],
        sink: Sink,
        begin: Callable[[int], Callable[[Session], int]],
        on_progress: Callable[[int], None] = lambda _done: None,
    ) -> list[list[Phase]]:
        """Run recordings to their ends, at most ``SIDE_BY_SIDE`` at a time; return the phases of each.

        Args:
            streams: the samples of each recording; the next one is taken when another one has ended.
            sink: gets events and ends, and as a ``SecondsSink`` the seconds.
            begin: for the place of a recording, what records its sessions and returns their numbers.
            on_progress: called with how many recordings have ended.
        """
        settings = kernel_settings(self._config)
        squad = Squad(settings, ModelBook(self._source(), settings.features))
        counts = Counts()
        stepper = Stepper(squad, SecondsReporter(squad, self._config, sink, counts), counts)
        decoder = Decoder(self._config.sensors.acc_unit, self._config.sensors.gyro_unit)
        waiting = enumerate(streams)
        lanes: list[_Lane] = []
        running: list[_Lane] = []
        while True:
            for place, stream in islice(waiting, SIDE_BY_SIDE - len(running)):
                squad.forget_days()
                monitor = Monitor(self._config, squad, decoder, self._wearers, sink, begin=begin(place))
                monitor.stepper = stepper
                running.append(_Lane(monitor, stream))
                lanes.append(running[-1])
            if not running:
                return [lane.phases for lane in lanes]
            ended = [lane for lane in running if not lane.push(_SAMPLES_A_ROUND)]
            stepper.advance()
            for lane in ended:
                lane.monitor.end_all("end_of_recording")
            running = [lane for lane in running if not lane.is_over]
            on_progress(len(lanes) - len(running))

    def _source(self) -> ModelSource:
        if self._models is None:
            found = any(self._config.paths.hb_tensors_updated.glob("hb_*_model.json"))
            self._models = source_of(open_loader(self._config), self._config) if found else NoModels()
        return self._models


class SecondsReporter(Reporter):
    """Passes the seconds to the archive as arrays; nothing is published."""

    def __init__(self, squad: Squad, config: Config, sink: Any, counts: Counts) -> None:  # noqa: ANN401 - both protocols
        super().__init__(squad, config.outputs, LoadHistory(), sink, counts)
        self._seconds_sink: SecondsSink = sink

    def step(self, sessions: Sequence[Session], result: StepResult) -> None:
        """A step has advanced ``sessions``."""
        super().step(sessions, replace(result, due=result.due[:0]))
        self._seconds_sink.seconds(sessions, self._squad, result)


@dataclass
class _Lane:
    """A recording in progress, with its own sessions."""

    monitor: Monitor
    stream: Iterator[Sample]
    phases: list[Phase] = field(default_factory=list)
    is_over: bool = False
    _tags: Tags | None = None
    _phase: Phase | None = None
    _last_t: float = 0.0

    def push(self, most: int) -> bool:
        """Take some samples; return whether more may follow."""
        taken = list(islice(self.stream, most))
        for sample in taken:
            if sample.tags is not self._tags:
                self._follow(sample)
            elif self._phase is not None:
                self._last_t = sample.t
        if not (taken and self.monitor.accept_run(taken, taken[-1].t)):
            for sample in taken:
                self.monitor.accept(sample, sample.t)
        if len(taken) < most:
            self._close()
            self.is_over = True
        return not self.is_over

    def _follow(self, sample: Sample) -> None:
        self._tags = sample.tags
        name = sample.tags.session_phase
        if self._phase is not None and self._phase.name == name:
            return
        self._last_t = sample.t
        self._close()
        self._phase = Phase(sample.athlete_id or 0, name, sample.t, sample.t) if name else None

    def _close(self) -> None:
        if self._phase is not None and self._last_t > self._phase.start_t:
            self.phases.append(replace(self._phase, end_t=self._last_t))
        self._phase = None


def seconds_of(
    sessions: Sequence[Session], squad: Squad, result: StepResult, due: Sequence[int]
) -> tuple[FloatArray, FloatArray]:
    """Return the times [k] and the archive's whole numbers [k, columns] of the sessions at places ``due`` of a step."""
    cells = kernel_cells(squad.present_values(result.present.take(np.array(due))))
    counts = [session.stream.quality_at(session.received) for session in sessions]
    others = np.full((len(sessions), len(BESIDE)), np.nan)
    others[:, 0] = [each.received for each in counts]
    others[:, 1] = [each.lost for each in counts]
    for place, session in enumerate(sessions):
        if session.has_beats:
            beats, _ = variability_figures(squad, session.row, has_beats=True)
            others[place] = beside(counts[place].received, counts[place].lost, beats)
    return np.array([session.last_t for session in sessions]), np.concatenate([cells.T, others], axis=1)


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
