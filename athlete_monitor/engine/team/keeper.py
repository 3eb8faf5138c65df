"""The team's session in the live engine: executes commands, answers, keeps the state, writes the archive."""

from __future__ import annotations

import math
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from athlete_monitor.catalogue import FIGURES
from athlete_monitor.engine.sinks.sink import Sink
from athlete_monitor.engine.team import rows
from athlete_monitor.engine.team.alarms import AlarmKeeper, event_of
from athlete_monitor.engine.team.clock import OddClocks, TeamClock, newest_of
from athlete_monitor.engine.team.parts import (
    RunningParts,
    messages,
    period_figures,
    period_growth,
    period_message,
    pitch_figures,
    pitch_growth,
    pitch_message,
    totals_of,
)
from athlete_monitor.engine.team.ratings import minutes_played, with_load
from athlete_monitor.engine.team.rules import WatchedRules
from athlete_monitor.engine.team.shelf import ArchiveShelf
from athlete_monitor.errors import MonitorError
from athlete_monitor.team.book import TeamBook, state_message
from athlete_monitor.team.commands import Command, RefusedError, read_command
from athlete_monitor.team.state import TeamState
from athlete_monitor.wire import topics
from athlete_monitor.wire.timestamps import parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from athlete_monitor.archive import Archive
    from athlete_monitor.arrays import FloatArray
    from athlete_monitor.athletes import Roster
    from athlete_monitor.engine.figures.outputs import Outputs
    from athlete_monitor.engine.journal.journal import Journal
    from athlete_monitor.engine.sessions.session import Session
    from athlete_monitor.engine.team.parts import Growth
    from athlete_monitor.team.records import AlarmRow, Period, Stint, TeamSession
    from athlete_monitor.wire.sample import Sample

WAITING: Final = 2000
"""Most commands that may wait; further ones are refused."""
PER_ROUND: Final = 50
"""Most commands that are executed in one round, so that samples are not delayed."""
FRESH_S: Final = 10.0
PHASES_EVERY_S: Final = 1.0
"""The phases of all senders are counted this often, and at once when one of them changes."""
CLOCKS_EVERY_S: Final = 1.0
"""Interval at which the devices' clocks are compared."""
ANSWERS_KEPT_S: Final = 7 * 86_400.0
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Publisher(Protocol):
    """The sender: an ``MqttLink``."""

    def publish(self, topic: str, payload: bytes, qos: int = 0, *, retain: bool = False) -> bool:
        """Queue a message; never blocks."""


@dataclass
class _Member:
    """A device's session that is part of a team session."""

    session: Session
    team: str
    parts: RunningParts
    arrived_s: float = 0.0
    phase: str | None = None
    """The phase that the sender named last."""
    revision: int = -1
    """Of the team session, when ``periods`` and ``stints`` were looked up."""
    periods: Sequence[Period] = ()
    """Those that the athlete takes part in."""
    stints: Sequence[Stint] = ()


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
        self._shelf = ArchiveShelf(archive, self._new_state, notify)
        self.book = TeamBook(self._shelf, gap_s, self._new_state)
        self._members: dict[int, _Member] = {}
        self._waiting: deque[bytes] = deque()
        self._dropped = self._dropped_reported = 0
        self._phases_due_s = -math.inf
        self._published = -1
        self.sink: Sink = Sink()
        """Receiver of alarms in addition to ``team/events``: the engine's sinks."""
        self.alarms = AlarmKeeper(
            rules or WatchedRules(None, notify), self._summaries, self._publish_alarm, self._place_of
        )
        self._commands: dict[str, list[rows.Statement]] = {}
        self._generation = journal.generation

    def resume(self) -> None:
        """Resume the team sessions that an earlier engine did not end; call before its sessions are resumed."""
        for state, last_t in self._shelf.open_sessions():
            self.book.restore(state, last_t)
            self._clock.resume(last_t)
            for device, athlete in state.worn().items():
                self._assign(device, athlete)
            with suppress(MonitorError):
                self.alarms.restore([each for each in self._archive.alarms(state.session.id) if each.cleared_t is None])
        with suppress(MonitorError):
            for result in self._archive.results(self._wall_s() - ANSWERS_KEPT_S):
                self.book.remember(result)

    def receive(self, payload: bytes) -> None:
        """Take a command; safe from any thread."""
        if len(self._waiting) >= WAITING:
            self._dropped += 1
        else:
            self._waiting.append(payload)

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
        self._members[number] = _Member(session, team, parts, time.monotonic())
        self._phases_due_s = -math.inf

    def enrich_all(self, outputs: Outputs) -> None:
        """Add the figures of the open parts to the messages of a step."""
        period: list[tuple[Any, Period, Growth]] = []
        pitch: list[tuple[Any, Growth]] = []
        for (session, record), totals in zip(outputs, totals_of(outputs.values), strict=True):
            member = self._members.get(session.number)
            if member is None:
                continue
            t = self._follow(member, record, totals)
            state = self.book.state_of(member.team)
            if state is None:
                continue
            self._look_up(member, state)
            open_now = [each for each in member.periods if each.holds(t)]
            if open_now:
                record.period = {}
                period += [(record, *each) for each in period_growth(member.parts, open_now)]
            on_pitch = pitch_growth(member.parts, member.stints) if member.stints else None
            if on_pitch is not None:
                pitch.append((record, on_pitch))
        _add_parts(period, pitch)

    def _follow(self, member: _Member, record: Any, totals: FloatArray) -> float:  # noqa: ANN401 - a made structure
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
        member = self._members.pop(session.number, None)
        if member is None:
            return
        self.alarms.forget(session, session.device_t)
        self.book.device_ended(member.team, session.device_t)
        self._journal.release(("team", session.number))

    def paused(self, session: Session, summary: dict[str, Any]) -> None:
        """Add the figures of every part to the summary."""
        member = self._members.get(session.number)
        if member is None:
            return
        summary["team_session"] = member.team
        state = self.book.state_of(member.team)
        if state is not None:
            self._look_up(member, state)
            summary["periods"] = period_figures(member.parts, member.periods)
            summary["on_pitch"] = pitch_figures(member.parts, member.stints)

    def tick(self) -> None:
        """Execute waiting commands, check the clock, and publish changes."""
        now_t = self.now_t()
        for _ in range(min(len(self._waiting), PER_ROUND)):
            self._carry_out(self._waiting.popleft(), now_t)
        self._mention_dropped()
        self._mention_odd_clocks(now_t)
        self._follow_phases()
        self.book.tick(now_t)
        if self.alarms.tick(self.book.current, now_t):
            self.book.revision += 1
        self._write()
        if self.book.revision != self._published:
            self.publish_state()

    def publish_again(self) -> None:
        """Publish the state in the next round, because the broker may not have it; safe from any thread."""
        self._published = -1

    def publish_state(self) -> None:
        """Publish and retain the state."""
        self._published = self.book.revision
        message = state_message(self.book.current, self.book.revision, self.alarms.messages(), self.now_t())
        self._publish(topics.TEAM_STATE, message, retain=True)

    def now_t(self) -> float:
        """The present in the time of the samples: the wall clock, unless they use another clock."""
        newest_t = newest_of(list(self._fresh_times().values()), self._wall_s())
        return self._clock.now_t(newest_t, is_running=self.book.current is not None)

    def _fresh_times(self) -> dict[str, float]:
        """Time of the newest sample of each device that is sending, by its own clock."""
        limit = time.monotonic() - FRESH_S
        members = self._members.values()
        return {each.session.device_id: each.session.device_t for each in members if each.arrived_s >= limit}

    def stop(self) -> None:
        """Write changes, and leave closing the file to the journal, which tidies up when it is the last user."""
        self._write()
        self._archive.close()

    def _publish(self, topic: str, message: dict[str, Any], *, retain: bool = False) -> None:
        self._publisher.publish(topic, _encode({**message, "box": self._box}), 1, retain=retain)

    def _carry_out(self, payload: bytes, now_t: float) -> None:
        result = self._answer(payload, now_t)
        self._publish(topics.TEAM_CONTROL_RESULT, result)

    def _answer(self, payload: bytes, now_t: float) -> dict[str, Any]:
        number = None
        try:
            message = _read_json(payload)
            number = message.get("id") if isinstance(message, dict) else None
            known = self.book.known_result(number) if isinstance(number, str) else None
            if known is not None:
                return known
            return self._obey(read_command(message, now_t, parse_timestamp), now_t)
        except RefusedError as error:
            result = {"id": number, "ok": False, "error": str(error), "revision": self.book.revision}
            return self.book.remember(result) if isinstance(number, str) and len(number) <= 64 else result

    def _obey(self, command: Command, now_t: float) -> dict[str, Any]:
        if command.do == "alarm_ack":
            self.alarms.acknowledge(command.values["alarm"], command.at)
        elif command.do == "alarm_mute":
            until_t = now_t + 60.0 * command.values["minutes"]
            self.alarms.mute(command.values["rule"], command.values.get("athlete"), until_t)
        state = self.book.command(command, now_t)
        if command.do == "rpe" and state is not None:
            command = self._with_minutes(command, state)
        if command.do == "assign":
            self._assign(command.values["device"], command.values["athlete"])
        team = None if state is None else state.session.id
        result = {"id": command.id, "ok": True, "revision": self.book.revision, "team_session": team}
        if command.do == "rpe":
            load = with_load(command.values)
            result |= {"minutes": load.get("minutes"), "srpe_load": load.get("srpe_load")}
        self.book.remember(result)
        self._record(rows.command_row(command, team, self._wall_s(), result), team)
        if command.do in {"rpe", "wellness"}:
            self._record(rows.entry_row(command, team), team)
        return result

    def _with_minutes(self, command: Command, state: TeamState) -> Command:
        """Return a rating with the minutes of the session that it is about, if somebody has not given them."""
        athlete = command.values["athlete"]
        if command.values.get("minutes") is not None:
            return command
        stints = [stint for stint in state.stints() if stint.athlete_id == athlete]
        until_t = min(command.at, state.session.end_t or command.at)
        minutes = minutes_played(self._spans_of(athlete, state.session.id), stints, until_t)
        if minutes is None:
            return command
        timed = Command(command.id, command.do, command.at, {**command.values, "minutes": round(minutes, 1)})
        state.apply(timed)
        return timed

    def _spans_of(self, athlete: int, team: str) -> list[tuple[float, float]]:
        """Return from when to when the sessions of an athlete in a team session were, or have been so far."""
        found: dict[int, tuple[float, float]] = {}
        with suppress(MonitorError):
            for each in self._archive.sessions(team):
                if each.athlete_id == athlete and each.end_t is not None:
                    found[each.number] = each.start_t, each.end_t
        for number, member in self._members.items():
            if member.team == team and member.session.athlete_id == athlete:
                found[number] = member.session.device_start_t, member.session.device_t
        return list(found.values())

    def _record(self, statement: rows.Statement, team: str | None) -> None:
        """Journal a row, and keep it for a new file while its team session runs."""
        if team is not None and self.book.state_of(team) is not None:
            self._commands.setdefault(team, []).append(statement)
        self._journal.put(*statement)

    def _follow_phases(self) -> None:
        """Turn the senders' phases into periods, unless commands have set periods."""
        now_s = time.monotonic()
        if now_s < self._phases_due_s:
            return
        self._phases_due_s = now_s + PHASES_EVERY_S
        by_team: dict[str, list[tuple[str | None, float]]] = {}
        limit = now_s - FRESH_S
        for member in self._members.values():
            if member.arrived_s >= limit:
                phases, offset_s = member.session.phases, member.session.stream.offset_s
                by_team.setdefault(member.team, []).append((phases.current, phases.since_t - offset_s))
        for team, each in by_team.items():
            command = self.book.phases(team, each)
            if command is not None:
                result = {"id": command.id, "ok": True, "revision": self.book.revision}
                self._record(rows.command_row(command, team, self._wall_s(), result), team)

    def _write(self) -> None:
        if self._journal.generation != self._generation:
            self._generation = self._journal.generation
            self._write_again()
        for state in self.book.take_changed():
            for statement in rows.state_rows(state):
                self._journal.put(*statement)
            if self.book.state_of(state.session.id) is None:
                self._commands.pop(state.session.id, None)

    def _write_again(self) -> None:
        """Fill a new file with the data of the running team sessions."""
        for state in self.book.states():
            for statement in (*rows.state_rows(state), *self._commands.get(state.session.id, ())):
                self._journal.put(*statement)

    def _publish_alarm(self, alarm: AlarmRow, what: str, session: Session | None) -> None:
        """Publish that an alarm was raised, cleared or acknowledged."""
        moments = {"raised": alarm.raised_t, "cleared": alarm.cleared_t, "acknowledged": alarm.acknowledged_t}
        event = event_of(alarm, what, session, moments[what] or self.now_t())
        member = None if session is None else self._members.get(session.number)
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

    def _mention_dropped(self) -> None:
        new = self._dropped - self._dropped_reported
        if new:
            self._notify(f"{new} commands refused: they arrive faster than they are executed")
            self._dropped_reported = self._dropped

    def _mention_odd_clocks(self, now_t: float) -> None:
        if time.monotonic() >= self._clocks_due_s:
            self._clocks_due_s = time.monotonic() + CLOCKS_EVERY_S
            for text in self._odd_clocks.check(self._fresh_times(), now_t, self._wall_s()):
                self._notify(text)

    def _new_state(self, session: TeamSession) -> TeamState:
        return TeamState(session, FIGURES, self._name_of)

    def _name_of(self, athlete: int) -> str:
        known = self._roster.by_id(athlete)
        return f"athlete {athlete}" if known is None or known.name is None else f"{known.name} ({athlete})"

    def _known_team(self, session: Session) -> str | None:
        """The team session of a resumed device session, if it has not ended."""
        with suppress(MonitorError):
            team = self._archive.team_of(session.number)
            if team is not None and self.book.state_of(team) is not None:
                return team
        return None

    def _look_up(self, member: _Member, state: TeamState) -> None:
        """Bring a member's periods and stints up to date; every change of a team session has a new revision."""
        if member.revision != self.book.revision:
            session = member.session
            member.periods = [each for each in state.periods() if self._takes_part(session, each.whose)]
            member.stints = [stint for stint in state.stints() if stint.athlete_id == session.athlete_id]
            member.revision = self.book.revision

    def _takes_part(self, session: Session, whose: Any) -> bool:  # noqa: ANN401
        known = self._roster.by_id(session.athlete_id)
        return bool(whose.includes(session.athlete_id, getattr(known, "group", None)))

    def _totals_at(self, number: int, t: float) -> dict[str, float]:
        try:
            return self._archive.totals_at(number, t)
        except MonitorError:
            return {}


def _add_parts(period: Sequence[tuple[Any, Period, Growth]], pitch: Sequence[tuple[Any, Growth]]) -> None:
    """Add the figures of parts to records: all at once, since rounding them one by one costs several times as much."""
    figures = messages([*(growth for _, _, growth in period), *(growth for _, growth in pitch)])
    for (record, part, _), found in zip(period, figures, strict=False):
        record.period[part.id] = period_message(part, found)
    for (record, _), found in zip(pitch, figures[len(period) :], strict=True):
        record.on_pitch = pitch_message(found)


def _read_json(payload: bytes) -> Any:  # noqa: ANN401 - of a message
    try:
        return _decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RefusedError("a command is a JSON object with id, do and at") from None
