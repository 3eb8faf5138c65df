"""Execution of the commands that come from ``team/control``: each is read, executed once, journalled and answered."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import msgspec

from athlete_monitor.engine.team import rows
from athlete_monitor.engine.team.ratings import with_load
from athlete_monitor.errors import MonitorError
from athlete_monitor.team.commands import Command, read_command
from athlete_monitor.team.minutes import minutes_played
from athlete_monitor.team.refusals import RefusedError
from athlete_monitor.wire.timestamps import parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from athlete_monitor.archive import Archive
    from athlete_monitor.engine.team.alarms import AlarmKeeper
    from athlete_monitor.engine.team.members import TeamMembers
    from athlete_monitor.engine.team.writing import TeamWriter
    from athlete_monitor.team.book import TeamBook
    from athlete_monitor.team.state import TeamState

WAITING: Final = 2000
"""Most commands that may wait; further ones are refused."""
PER_ROUND: Final = 50
"""Most commands that are executed in one round, so that samples are not delayed."""
_decode = msgspec.json.Decoder().decode


class CommandExecutor:
    """Executes commands on the team's sessions and alarms.

    Args:
        book: the team sessions.
        alarms: the open alarms.
        members: the running sessions of devices.
        archive: the earlier sessions of athletes.
        writer: journals what was executed.
        assign: assigns a device to an athlete from now on.
        wall_s: the wall clock.
    """

    def __init__(
        self,
        book: TeamBook,
        alarms: AlarmKeeper,
        members: TeamMembers,
        archive: Archive,
        writer: TeamWriter,
        *,
        assign: Callable[[str, int], None],
        wall_s: Callable[[], float],
    ) -> None:
        self._book, self._alarms, self._members, self._archive = book, alarms, members, archive
        self._writer, self._assign, self._wall_s = writer, assign, wall_s
        self._waiting: deque[bytes] = deque()
        self._refused = self._refused_reported = 0

    def receive(self, payload: bytes) -> None:
        """Take a command; safe from any thread."""
        if len(self._waiting) >= WAITING:
            self._refused += 1
        else:
            self._waiting.append(payload)

    def answers(self, now_t: float) -> Iterator[dict[str, Any]]:
        """Execute waiting commands, at most ``PER_ROUND``, and yield the answer to each."""
        for _ in range(min(len(self._waiting), PER_ROUND)):
            yield self._answer(self._waiting.popleft(), now_t)

    def newly_refused(self) -> int:
        """Return how many commands were refused since the last call because too many were waiting."""
        new = self._refused - self._refused_reported
        self._refused_reported += new
        return new

    def _answer(self, payload: bytes, now_t: float) -> dict[str, Any]:
        number = None
        try:
            message = _read_json(payload)
            number = message.get("id") if isinstance(message, dict) else None
            known = self._book.known_result(number) if isinstance(number, str) else None
            if known is not None:
                return known
            return self._execute(read_command(message, now_t, parse_timestamp), now_t)
        except RefusedError as error:
            result = {"id": number, "ok": False, **error.answer(), "revision": self._book.revision}
            return self._book.remember(result) if isinstance(number, str) and len(number) <= 64 else result

    def _execute(self, command: Command, now_t: float) -> dict[str, Any]:
        if command.do == "alarm_ack":
            self._alarms.acknowledge(command.values["alarm"], command.at)
        elif command.do == "alarm_mute":
            until_t = now_t + 60.0 * command.values["minutes"]
            self._alarms.mute(command.values["rule"], command.values.get("athlete"), until_t)
        state = self._book.command(command, now_t)
        is_given = command.values.get("minutes") is not None
        if command.do == "rpe" and state is not None:
            command = self._with_minutes(command, state)
        if command.do == "assign":
            self._assign(command.values["device"], command.values["athlete"])
        team = None if state is None else state.session.id
        result = {"id": command.id, "ok": True, "revision": self._book.revision, "team_session": team}
        if command.do == "rpe":
            load = with_load(command.values)
            result |= {"minutes": load.get("minutes"), "srpe_load": load.get("srpe_load")}
        self._book.remember(result)
        self._writer.record(rows.command_row(command, team, self._wall_s(), result), team)
        if command.do in {"rpe", "wellness"}:
            self._writer.record(rows.entry_row(command, team, is_measured=not is_given), team)
        return result

    def _with_minutes(self, command: Command, state: TeamState) -> Command:
        """Return a rating with the minutes of the session that it is about, if somebody has not given them."""
        athlete = command.values["athlete"]
        if command.values.get("minutes") is not None or command.values["rpe"] is None:
            return command
        stints = [stint for stint in state.stints() if stint.athlete_id == athlete]
        until_t = min(command.at, state.session.end_t or command.at)
        minutes = minutes_played(self._spans_of(athlete, state.session.id), stints, until_t)
        if minutes is None:
            return command
        timed = Command(command.id, command.do, command.at, {**command.values, "minutes": minutes})
        state.apply(timed)
        return timed

    def _spans_of(self, athlete: int, team: str) -> list[tuple[float, float]]:
        """Return from when to when the sessions of an athlete in a team session were, or have been so far."""
        found: dict[int, tuple[float, float]] = {}
        with suppress(MonitorError):
            for each in self._archive.sessions(team):
                if each.athlete_id == athlete and each.end_t is not None:
                    found[each.number] = each.start_t, each.end_t
        return list((found | self._members.spans(athlete, team)).values())


def _read_json(payload: bytes) -> Any:  # noqa: ANN401 - of a message
    try:
        return _decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RefusedError("command_unreadable") from None
