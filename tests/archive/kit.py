"""Journals with known contents."""

from __future__ import annotations

import json
import math
from functools import cache
from typing import TYPE_CHECKING, Any

from athlete_monitor.archive.columns import archived, encoded, flat
from athlete_monitor.archive.schema import add_columns, close_blocks, figure_columns
from athlete_monitor.engine.journal.file import connect

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from pathlib import Path

START = 1_750_000_000


def speed_at(second: int, seed: int = 0) -> float:
    """Speed: faster than ever after a while, then slower."""
    return round(4 + 2.5 * math.sin(second / 17 + seed) - abs(second - 200) / 100, 3)


@cache
def highest_until(second: int, seed: int) -> float:
    """The highest speed up to a second."""
    return max(speed_at(each, seed) for each in range(second + 1))


def figures_at(second: int, seed: int = 0) -> dict[str, Any]:
    """A message of a session: totals that only grow, present figures that vary, some of them null."""
    wave = math.sin(second / 17 + seed)
    return {
        "heart_rate_bpm": None if second % 11 == 3 else round(140 + 30 * wave),
        "heart_rate_source": ("sensor", "model")[second // 60 % 2],
        "speed_mps": speed_at(second, seed),
        "max_speed_mps": highest_until(second, seed) + 0.1,
        "distance_m": round(2.5 * second + 3 * wave, 3),
        "trimp": None if second < 3 else round(second / 50, 3),
        "sprints": second // 90,
        "time_in_zones_s": {"zone_1": round(second * 0.5, 1), "zone_2": round(second * 0.5, 1)},
    }


class Messages:
    """Appends the seconds of metrics messages to ``recent``; columns that are missing are added."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection, self._keys = connection, archived()
        self._columns = set(figure_columns(connection))

    def insert(self, session: int, t: float, figures: dict[str, Any]) -> None:
        values = flat(figures, self._keys)
        if not values.keys() <= self._columns:
            self._columns |= set(add_columns(self._connection, values))
        cells = {name: encoded(name, value) for name, value in values.items()}
        row = dict(zip(("session", "t", "ms"), (session, *divmod(math.floor(t * 1000.0), 1000)), strict=True)) | cells
        names, marks = ", ".join(f'"{name}"' for name in row), ", ".join("?" * len(row))
        self._connection.execute(f"INSERT INTO recent ({names}) VALUES ({marks})", tuple(row.values()))


def add_session(path: Path, number: int, messages: Sequence[tuple[float, dict[str, Any]]], **rest: Any) -> None:
    """Write one session of one device; ``block`` seconds at a time become a block, the last ones stay recent."""
    connection = connect(path)
    connection.execute("BEGIN")
    start_t, block = rest.get("start_t", messages[0][0] if messages else START), rest.get("block", 60)
    connection.execute(
        "INSERT INTO sessions (id, session_id, device_id, athlete_id, start_t, began_s, facts, end_t, team_session,"
        " offset_s) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            number, f"s{number}", f"{number:03}", rest.get("athlete", number), start_t, start_t,
            json.dumps({"profile": {"name": f"Athlete {number}"}}), rest.get("end_t"), rest.get("team"),
            rest.get("offset_s", 0.0),
        ),
    )  # fmt: skip
    table = Messages(connection)
    for count, (t, figures) in enumerate(messages, start=1):
        table.insert(number, t, figures)
        if count % block == 0 and count < len(messages):
            close_blocks(connection, "TRUE")
    connection.execute("COMMIT")
    connection.close()
