"""The team's sessions in the live engine: parts of it in the messages, commands, alarms, the published state."""

from __future__ import annotations

import math
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import msgspec

from athlete_monitor.catalogue import FIGURES
from athlete_monitor.engine.sinks.sink import Sink
from athlete_monitor.engine.team import rows
from athlete_monitor.engine.team.alarms import AlarmKeeper, event_of
from athlete_monitor.engine.team.clock import OddClocks, TeamClock, newest_of
from athlete_monitor.engine.team.execution import CommandExecutor
from athlete_monitor.engine.team.members import TeamMembers
from athlete_monitor.engine.team.parts import (
    RunningParts,
    period_figures,
    period_growth,
    period_json,
    pitch_figures,
    pitch_growth,
    pitch_json,
    texts_of,
    totals_of,
)
from athlete_monitor.engine.team.rules import WatchedRules
from athlete_monitor.engine.team.shelf import ArchivedSessions
from athlete_monitor.engine.team.writing import TeamWriter
from athlete_monitor.errors import MonitorError
from athlete_monitor.team.book import TeamBook, state_message
from athlete_monitor.team.state import TeamState
from athlete_monitor.wire import topics

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from athlete_monitor.archive import Archive
    from athlete_monitor.arrays import FloatArray
    from athlete_monitor.athletes import Roster
    from athlete_monitor.engine.figures.outputs import Outputs
    from athlete_monitor.engine.journal.journal import Journal
    from athlete_monitor.engine.sessions.session import Session
    from athlete_monitor.engine.team.members import TeamMember
    from athlete_monitor.engine.team.parts import Growth
    from athlete_monitor.team.records import AlarmRow, Period, TeamSession
    from athlete_monitor.wire.publisher import Publisher
    from athlete_monitor.wire.sample import Sample

PHASES_EVERY_S: Final = 1.0
"""The phases of all senders are counted this often, and at once when one of them changes."""
CLOCKS_EVERY_S: Final = 1.0
"""Interval at which the devices' clocks are compared."""
ANSWERS_KEPT_S: Final = 7 * 86_400.0
_encode = msgspec.json.Encoder().encode


class TeamKeeper(Sink):
    """The team's sessions of a live engine, with its alarms.

    It is a sink, so it gets every session; ``receive`` takes commands from any thread, ``tick`` executes them.

    Args:
        roster: names and groups.
        journal: the journal for all records.
        archive: the same file, for reading.
        publisher: sends answers and the state.
        notify: called with a sentence for the operator.
        rules: of alarms; by default the built-in ones.
        gap_s: the longest break without any device within a team session, s.
        assign: assigns a device to an athlete from now on.
        wall_s: the wall clock.
        box: name of this box, in every message.
    """

    wants_samples = True

    def __init__(  # noqa: PLR0913 - what it is put together from
        self,
        roster: Roster,
        journal: Journal,
        archive: Archive,
        publisher: Publisher,
        notify: Callable[[str], None],
        *,
        gap_s: float = 900.0,
        rules: WatchedRules | None = None,
        assign: Callable[[str, int], None] = lambda _device, _athlete: None,
        wall_s: Callable[[], float] = time.time,
        box: str = "",
    ) -> None:
        self._roster, self._journal, self._archive, self._publisher = roster, journal, archive, publisher
        self._notify, self._assign, self._wall_s, self._box = notify, assign, wall_s, box
        self._clock, self._odd_clocks = TeamClock(wall_s), OddClocks()
        self._clocks_due_s = -math.inf
        self._shelf = ArchivedSessions(archive, self._new_state, notify)
        self.book = TeamBook(self._shelf, gap_s, self._new_state)
        self._members = TeamMembers(roster)
        self._earlier: dict[int, str] = {}
        """Team sessions of the devices' sessions that an earlier engine did not end, by their numbers."""
        self._phases_due_s = -math.inf
        self._published = -1
        self.sink: Sink = Sink()
        """Receiver of alarms in addition to ``team/events``: the engine's sinks."""
        self.alarms = AlarmKeeper(
            rules or WatchedRules(None, notify), self._summaries, self._publish_alarm, self._place_of
        )
        self._writer = TeamWriter(journal, self.book)
        self._executor = CommandExecutor(
            self.book, self.alarms, self._members, archive, self._writer, assign=assign, wall_s=wall_s
        )

    def resume(self) -> None:
        """Resume the team sessions that an earlier engine did not end; call before its sessions are resumed."""
        with suppress(MonitorError):
            self._earlier = self._archive.open_teams()
        for state, last_t in self._shelf.open_sessions():
            self.book.restore(state, last_t)
            self._clock.resume(last_t)
            for device, athlete in state.worn().items():
                self._assign(device, athlete)
            with suppress(MonitorError):
                self.alarms.restore([each for each in self._archive.alarms(state.session.id) if each.cleared_t is None])
        self.book.look_back(self._wall_s())
        with suppress(MonitorError):
            for result in self._archive.results(self._wall_s() - ANSWERS_KEPT_S):
                self.book.remember(result)

    def receive(self, payload: bytes) -> None:
        """Take a command; safe from any thread."""
        self._executor.receive(payload)

    def started(self, session: Session) -> None:
        """A device's session belongs to a team session from its beginning."""
        team = self._known_team(session)
        is_new = team is None
        if team is None:
            team = self.book.device_began(session.device_start_t, session.mode)
            self._journal.keep(("team", session.number), rows.SET_TEAM, (team, session.number))
        else:
            self.book.device_goes_on(team)
        number = session.number
        parts = RunningParts(
            session.device_start_t, lambda t: self._totals_at(number, t), is_new=session.outputs == 0 and is_new
        )
        self._members.add(session, team, parts)
        self._phases_due_s = -math.inf

    def enrich_all(self, outputs: Outputs) -> None:
        """Add the figures of the open parts to the messages of a step."""
        period: list[tuple[Any, Period, Growth]] = []
        pitch: list[tuple[Any, Growth]] = []
        for (session, record), totals in zip(outputs, totals_of(outputs.values), strict=True):
            member = self._members.of(session)
            if member is None:
                continue
            t = self._follow(member, record, totals)
            state = self.book.state_of(member.team)
            if state is None:
                continue
            self._members.look_up(member, state, self.book.revision)
            open_now = [each for each in member.periods if each.holds(t)]
            if open_now:
                record.period = {}
                period += [(record, *each) for each in period_growth(member.parts, open_now)]
            on_pitch = pitch_growth(member.parts, member.stints) if member.stints else None
            if on_pitch is not None:
                pitch.append((record, on_pitch))
        _add_parts(period, pitch)

    def _follow(self, member: TeamMember, record: Any, totals: FloatArray) -> float:  # noqa: ANN401 - a made structure
        """Take an athlete's newest figures and return their time by the device's clock."""
        session = member.session
        t = session.device_t
        member.arrived_s = time.monotonic()
        if session.phases.current != member.phase:
            member.phase = session.phases.current
            self._phases_due_s = -math.inf
        member.parts.follow(t, totals)
        self.alarms.follow(session, record)
        self.book.device_seen(member.team, t)
        return t

    def samples(self, session: Session, samples: Sequence[Sample]) -> None:
        """Take the values that only samples carry."""
        self.alarms.samples(session, samples)

    def event(self, session: Session, event: dict[str, Any]) -> None:
        """Take impacts of alert size."""
        if event["kind"] == "impact":
            self.alarms.impact(session, event)

    def ended(self, session: Session, summary: dict[str, Any]) -> None:
        """Add the figures of every part to the summary; the session leaves its team session."""
        self.paused(session, summary)
        member = self._members.remove(session)
        if member is None:
            return
        self.alarms.forget(session, session.device_t)
        self.book.device_ended(member.team, session.device_t)
        self._journal.release(("team", session.number))

    def paused(self, session: Session, summary: dict[str, Any]) -> None:
        """Add the figures of every part to the summary."""
        member = self._members.of(session)
        if member is None:
            return
        summary["team_session"] = member.team
        state = self.book.state_of(member.team)
        if state is not None:
            self._members.look_up(member, state, self.book.revision)
            summary["periods"] = period_figures(member.parts, member.periods)
            summary["on_pitch"] = pitch_figures(member.parts, member.stints)

    def tick(self) -> None:
        """Execute waiting commands, check the clock, and publish changes."""
        now_t = self.now_t()
        for answer in self._executor.answers(now_t):
            self._publish(topics.TEAM_CONTROL_RESULT, answer)
        self._mention_refused()
        self._mention_odd_clocks(now_t)
        self._follow_phases()
        self.book.tick(now_t)
        if self.alarms.tick(self.book.current, now_t):
            self.book.revision += 1
        self._writer.write()
        if self.book.revision != self._published:
            self.publish_state()

    def publish_again(self) -> None:
        """Publish the state in the next round, because the broker may not have it; safe from any thread."""
        self._published = -1

    def publish_state(self) -> None:
        """Publish and retain the state."""
        self._published = self.book.revision
        book = self.book
        message = state_message(book.current, book.revision, self.alarms.messages(), self.now_t(), rated=book.rated)
        self._publish(topics.TEAM_STATE, message, retain=True)

    def now_t(self) -> float:
        """The present in the time of the samples: the wall clock, unless they use another clock."""
        newest_t = newest_of(self._members.times(), self._wall_s())
        return self._clock.now_t(newest_t, is_running=self.book.current is not None)

    def excuse(self, seconds: float, now_s: float) -> None:
        """Do not count a time in which the engine itself stood still, in seconds, as silence of any device."""
        self._members.excuse(seconds, now_s)
        self.alarms.excuse(seconds, now_s)

    def stop(self) -> None:
        """Write changes, and leave closing the file to the journal, which tidies up when it is the last user."""
        self._writer.write()
        self._archive.close()

    def _publish(self, topic: str, message: dict[str, Any], *, retain: bool = False) -> None:
        self._publisher.publish(topic, _encode({**message, "box": self._box}), 1, retain=retain)

    def _follow_phases(self) -> None:
        """Turn the senders' phases into periods, unless commands have set periods."""
        now_s = time.monotonic()
        if now_s < self._phases_due_s:
            return
        self._phases_due_s = now_s + PHASES_EVERY_S
        for team, each in self._members.phases().items():
            command = self.book.phases(team, each)
            if command is not None:
                result = {"id": command.id, "ok": True, "revision": self.book.revision}
                self._writer.record(rows.command_row(command, team, self._wall_s(), result), team)

    def _publish_alarm(self, alarm: AlarmRow, what: str, session: Session | None) -> None:
        """Publish that an alarm was raised, cleared or acknowledged."""
        moments = {"raised": alarm.raised_t, "cleared": alarm.cleared_t, "acknowledged": alarm.acknowledged_t}
        event = event_of(alarm, what, session, moments[what] or self.now_t())
        member = None if session is None else self._members.of(session)
        state = self.book.current
        team = member.team if member is not None else None if state is None else state.session.id
        self._journal.put(*rows.alarm_row(alarm, team))
        self._publish(topics.TEAM_EVENTS, event)
        if session is not None:
            self.sink.event(session, event)
        if what == "raised":
            self.sink.notice(f"alarm ({alarm.level}): {alarm.text}", bad=alarm.level != "info")

    def _summaries(self, athlete: int, count: int) -> list[dict[str, Any]]:
        try:
            return self._archive.recent_summaries(athlete, count)
        except MonitorError:
            return []

    def _place_of(self, athlete: int) -> tuple[str | None, str | None]:
        known = self._roster.by_id(athlete)
        return getattr(known, "group", None), getattr(known, "position", None)

    def _mention_refused(self) -> None:
        refused = self._executor.newly_refused()
        if refused:
            self._notify(f"{refused} commands refused: they arrive faster than they are executed")

    def _mention_odd_clocks(self, now_t: float) -> None:
        if time.monotonic() >= self._clocks_due_s:
            self._clocks_due_s = time.monotonic() + CLOCKS_EVERY_S
            for text in self._odd_clocks.check(self._members.newest_times(), now_t, self._wall_s()):
                self._notify(text)

    def _new_state(self, session: TeamSession) -> TeamState:
        return TeamState(session, FIGURES, self._name_of)

    def _name_of(self, athlete: int) -> str:
        known = self._roster.by_id(athlete)
        return f"athlete {athlete}" if known is None or known.name is None else f"{known.name} ({athlete})"

    def _known_team(self, session: Session) -> str | None:
        """The team session of a resumed device session, if it has not ended."""
        team = self._earlier.pop(session.number, None)
        return team if team is not None and self.book.state_of(team) is not None else None

    def _totals_at(self, number: int, t: float) -> dict[str, float]:
        try:
            return self._archive.totals_at(number, t)
        except MonitorError:
            return {}


def _add_parts(period: Sequence[tuple[Any, Period, Growth]], pitch: Sequence[tuple[Any, Growth]]) -> None:
    """Add the figures of parts to records, as JSON: all at once, since one by one they cost several times as much."""
    figures = texts_of([*(growth for _, _, growth in period), *(growth for _, growth in pitch)])
    for (record, part, _), found in zip(period, figures, strict=False):
        record.period[part.id] = period_json(part, found)
    for (record, _), found in zip(pitch, figures[len(period) :], strict=True):
        record.on_pitch = pitch_json(found)
