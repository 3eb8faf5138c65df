"""A season in an archive, written by the journal's own code, with figures that are known in advance."""

from __future__ import annotations

import json
import math
import sqlite3
from typing import TYPE_CHECKING, Any

from athlete_monitor.engine.team.rows import entry_row
from athlete_monitor.team.commands import Command
from tests.archive.kit import add_session

if TYPE_CHECKING:
    from pathlib import Path

START = 1_777_888_800
"""4 May 2026, 10:00 UTC."""
SECONDS = 240
HALF_S = 120
DAY_S = 86_400
NAMES = {
    1: "Ada Example", 2: "O'Neill, Zoë", 3: "=cmd|'/c calc'!A1", 4: "محمد صلاح", 5: "<script>alert(1)</script>",
    6: "An Exceedingly Long Name That Goes On For Sixty Characters ...",
}  # fmt: skip


def message(second: int, athlete: int, *, heart_rate: bool = True) -> dict[str, Any]:
    """Figures of one second: totals that grow evenly, so that any part of them can be computed by hand."""
    bpm = 120 + 5 * athlete + 20 * math.sin(second / 20)
    body = {
        "heart_rate_bpm": bpm, "heart_rate_source": "model" if second % 50 > 40 else "sensor",
        "heart_rate_low_bpm": bpm - 9, "heart_rate_high_bpm": bpm + 9, "strap_heart_rate_bpm": bpm,
        "model_heart_rate_bpm": bpm - 4, "heart_rate_highest_bpm": 140.0 + 5 * athlete,
        "trimp": 0.01 * athlete * second,
        "time_in_zones_s": {"below_50_percent": second * 0.25, "zone_2": second * 0.5, "zone_4": second * 0.25},
    }  # fmt: skip
    return {
        "speed_mps": 2.0 + athlete / 10, "max_speed_mps": 6.0 + athlete / 10,
        "distance_m": (2.0 + athlete / 10) * second,
        "high_speed_running_m": 0.2 * second, "sprints": second // 100, "player_load": 0.05 * second,
        "energy_kcal": 0.1 * second, "x_m": 10 * math.cos(second / 9), "y_m": 5 * math.sin(second / 7),
        **(body if heart_rate else {}),
    }  # fmt: skip


def summary(athlete: int, start_t: float, mode: str, trimp: float, *, heart_rate: bool = True) -> dict[str, Any]:
    """The engine's summary of a session of the kit."""
    last = message(SECONDS - 1, athlete, heart_rate=heart_rate)
    return {
        "name": NAMES[athlete], "athlete_id": athlete, "mode": mode, "start": "",
        "trimp": trimp if heart_rate else None,
        "distance_m": last["distance_m"], "heart_rate_mean_bpm": 120.0 + 5 * athlete if heart_rate else None,
        "max_speed_mps": last["max_speed_mps"], "high_speed_running_m": last["high_speed_running_m"],
        "player_load": last["player_load"], "quality": {"percent": 100.0 if athlete > 1 else 72.0},
        "peak_distance_m": {"1_min": 126.0 + athlete, "3_min": 360.0, "5_min": None, "10_min": None},
        "model_error": {"readings": 9, "bias_bpm": athlete - 2.0},
        "reasons": {} if heart_rate else {"trimp": "heart rate missing", "heart_rate_mean_bpm": "no strap was worn"},
    }  # fmt: skip


def make_archive(path: Path, sessions: int = 6, athletes: tuple[int, ...] = tuple(NAMES)) -> Path:
    """Sessions a week apart, the last one a match with two halves, a substitution, a marker and an alarm.

    Athlete 5 has no heart rate in the last one.
    """
    for index in range(sessions):
        for athlete in athletes:
            _add(path, index, athlete, is_last=index == sessions - 1)
    with sqlite3.connect(path) as connection:
        for index in range(sessions):
            _add_team(connection, index, is_last=index == sessions - 1)
    connection.close()
    return path


def start_of(index: int) -> float:
    """When a session begins."""
    return START + 7 * DAY_S * index


def trimp_of(index: int, athlete: int) -> float:
    """TRIMP of a session; the last one is larger."""
    return 0.01 * athlete * (SECONDS - 1) if index == 5 else 1.0 + athlete + index % 3


def _add(path: Path, index: int, athlete: int, *, is_last: bool) -> None:
    start, number = start_of(index), 100 * index + athlete
    heart_rate = not (is_last and athlete == 5)
    seconds = SECONDS if is_last else 1
    rows = [(start + second + 0.5, message(second, athlete, heart_rate=heart_rate)) for second in range(seconds)]
    add_session(path, number, rows, athlete=athlete, team=f"T{index}", start_t=start, end_t=start + SECONDS)
    told = summary(athlete, start, "game" if index % 2 else "training", trimp_of(index, athlete), heart_rate=heart_rate)
    with sqlite3.connect(path) as connection:
        connection.execute(
            "UPDATE sessions SET summary = ?, load_trimp = ?, facts = ? WHERE id = ?",
            (json.dumps(told), told["trimp"], json.dumps({"profile": {"name": NAMES[athlete]}}), number),
        )
    connection.close()


def _add_team(connection: sqlite3.Connection, index: int, *, is_last: bool) -> None:
    start = start_of(index)
    mode = "game" if index % 2 else "training"
    connection.execute(
        "INSERT INTO team_sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (f"T{index}", start, start + SECONDS, mode, "FC Example", None, "Rovers", "MD"),
    )
    if not is_last:
        return
    for name, kind, a, b in (("1st half", "half", 0, HALF_S), ("2nd half", "half", HALF_S, SECONDS)):
        values = (f"P{a}", f"T{index}", name, kind, json.dumps({}), start + a, start + b)
        connection.execute("INSERT INTO periods VALUES (?, ?, ?, ?, ?, ?, ?, 0)", values)
    connection.execute("INSERT INTO markers VALUES ('M1', ?, ?, 'goal <1:0>', NULL)", (f"T{index}", start + 60))
    connection.execute(
        "INSERT INTO alarms VALUES ('A1', ?, 'hr', 2, 'danger', '95 % for 2 min', ?, NULL, NULL)", (f"T{index}", start)
    )
    for athlete in NAMES:
        span = (start, start + HALF_S) if athlete == 1 else (start, start + SECONDS)
        connection.execute("INSERT INTO pitch VALUES (?, ?, ?, ?, 'on')", (f"T{index}", athlete, *span))


def rate(path: Path, team: str, athlete: int, rpe: float | None, minutes: float | None = None, t: float = 1.0) -> None:
    """Add an athlete's rating of a team session as the engine does; None takes an earlier one back."""
    values = {"athlete": athlete, "rpe": rpe} | ({} if minutes is None else {"minutes": minutes})
    with sqlite3.connect(path) as connection:
        connection.execute(*entry_row(Command(f"{team}.{athlete}.{t}", "rpe", t, values), team))
    connection.close()
