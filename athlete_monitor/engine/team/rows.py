"""Rows of the archive's team tables, as statements for the journal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from athlete_monitor.engine.team.ratings import with_load
from athlete_monitor.team.book import whose_message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from athlete_monitor.team.commands import Command
    from athlete_monitor.team.records import AlarmRow
    from athlete_monitor.team.state import TeamState

Statement = tuple[str, tuple[Any, ...]]

SET_TEAM: Final = "UPDATE sessions SET team_session = ? WHERE id = ?"
_SESSION: Final = "INSERT OR REPLACE INTO team_sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_COMMAND: Final = "INSERT OR IGNORE INTO commands VALUES (?, ?, ?, ?, ?, ?)"
_PERIOD: Final = "INSERT OR REPLACE INTO periods VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_MARKER: Final = "INSERT OR REPLACE INTO markers VALUES (?, ?, ?, ?, ?)"
_STINT: Final = "INSERT INTO pitch VALUES (?, ?, ?, ?, ?)"
_ENTRY: Final = "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?)"
_ALARM: Final = "INSERT OR REPLACE INTO alarms VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"


def command_row(command: Command, team_session: str | None, now_t: float, result: dict[str, Any]) -> Statement:
    """An executed command with its answer."""
    body, answer = json.dumps(command.to_dict()), json.dumps(result)
    return _COMMAND, (command.id, team_session, now_t, command.at, body, answer)


def entry_row(command: Command, team_session: str | None, *, is_measured: bool = False) -> Statement:
    """A rating: session RPE or wellness; ``is_measured`` where nobody gave its minutes."""
    values = with_load(command.values)
    if is_measured and "minutes" in values:
        values["measured"] = True
    athlete = values.pop("athlete")
    return _ENTRY, (command.id, team_session, athlete, command.at, command.do, json.dumps(values))


def alarm_row(alarm: AlarmRow, team_session: str | None) -> Statement:
    """An alarm as it is now."""
    return _ALARM, (
        alarm.id, team_session, alarm.rule, alarm.athlete_id, alarm.level, alarm.text, alarm.raised_t, alarm.cleared_t,
        alarm.acknowledged_t,
    )  # fmt: skip


def state_rows(state: TeamState) -> Iterator[Statement]:
    """All rows of a team session, replacing its earlier rows."""
    session = state.session
    yield _SESSION, (
        session.id, session.start_t, session.end_t, session.mode, session.name, session.note, session.opponent,
        session.day_code,
    )  # fmt: skip
    for table in ("periods", "markers", "pitch"):
        yield f"DELETE FROM {table} WHERE team_session = ?", (session.id,)  # noqa: S608 - one of three
    for period in state.periods():
        whose = whose_message(period)
        shown = json.dumps({} if whose == "all" else whose)
        yield _PERIOD, (
            period.id, session.id, period.name, period.kind, shown, period.start_t, period.end_t, period.automatic,
        )  # fmt: skip
    for marker in state.markers():
        yield _MARKER, (marker.id, session.id, marker.t, marker.text, marker.athlete_id)
    for stint in state.stints():
        yield _STINT, (session.id, stint.athlete_id, stint.start_t, stint.end_t, stint.state)
