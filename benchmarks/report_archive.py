"""An archive with one match of a squad, as large as asked for: every figure that a report shows, for every second."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from athlete_monitor.archive.schema import close_blocks
from athlete_monitor.engine.journal.file import connect
from tests.archive.kit import Messages

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

START = 1_777_888_800
NAMES = (
    "Haddad", "García", "Kovács", "Wolff", "Nguyễn", "Lindqvist", "Müller", "Rossi", "Ada", "Ito", "Petit", "Novák",
    "O’Brien", "Okoye", "Sato", "Jensen",
)  # fmt: skip


def fill(path: Path, athletes: int, seconds: int) -> None:
    """Write one match of a squad: every figure that a report shows, for every second."""
    connection = connect(path)
    connection.execute("BEGIN")
    connection.execute(
        "INSERT INTO team_sessions VALUES ('M', ?, ?, 'game', 'FC Example', NULL, 'Rovers', 'MD')",
        (START, START + seconds),
    )
    half = seconds / 2
    for name, begin in (("1st half", 0.0), ("2nd half", half)):
        values = (name, "M", name, "half", "{}", START + begin, START + begin + half)
        connection.execute("INSERT INTO periods VALUES (?, ?, ?, ?, ?, ?, ?, 0)", values)
    table = Messages(connection)
    for athlete in range(1, athletes + 1):
        _session(connection, athlete, seconds)
    for minute in range(0, seconds, 60):
        for second in range(minute, minute + 60):
            for athlete in range(1, athletes + 1):
                table.insert(athlete, START + second + 0.5, _figures(second, athlete))
        close_blocks(connection, "TRUE")
    connection.execute("COMMIT")
    connection.close()


def _session(connection: sqlite3.Connection, athlete: int, seconds: int) -> None:
    name = NAMES[(athlete - 1) % len(NAMES)]
    summary = {"name": name, "mode": "game", "trimp": 100.0, "quality": {"percent": 99.0}, "reasons": {}}
    connection.execute(
        "INSERT INTO sessions (id, session_id, device_id, athlete_id, start_t, began_s, facts, end_t, team_session,"
        " load_trimp, summary) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'M', 100, ?)",
        (
            athlete, f"A{athlete}", f"{athlete:03}", athlete, START, START,
            json.dumps({"profile": {"name": name}}), START + seconds, json.dumps(summary),
        ),
    )  # fmt: skip


def _figures(second: int, athlete: int) -> dict[str, object]:
    wave = math.sin(second / 40 + athlete)
    bpm = 140 + 25 * wave
    pace = 1.0 + 0.02 * (athlete % 7)
    return {
        "heart_rate_bpm": bpm, "heart_rate_low_bpm": bpm - 9, "heart_rate_high_bpm": bpm + 9,
        "strap_heart_rate_bpm": bpm, "model_heart_rate_bpm": bpm - 3, "heart_rate_source": "sensor",
        "speed_mps": 2.5 + 2.4 * wave, "max_speed_mps": 7.0 + pace, "distance_m": 1.9 * pace * second,
        "trimp": pace * second / 60, "heart_rate_highest_bpm": 166.0 + athlete % 9,
        "high_speed_running_m": pace * second / 8, "sprints": second // 300, "player_load": second / 9,
        "x_m": 50 + 40 * math.sin(second / 31), "y_m": 34 + 30 * math.cos(second / 23), "energy_kcal": second / 6,
        "time_in_zones_s": {"zone_2": second * 0.5, "zone_4": second * 0.5},
    }  # fmt: skip
