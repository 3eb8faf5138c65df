"""Writes the archive's seconds: whole numbers in columns that are created when a figure is first seen."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from athlete_monitor.archive.columns import archived, encoded, flat
from athlete_monitor.archive.schema import add_columns, close_blocks, figure_columns
from athlete_monitor.engine.journal.cells import COLUMNS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

BLOCK_EVERY_S: Final = 60.0
SETTLED_S: Final = 5.0
"""A session that is resumed after a kill may repeat its last seconds: for this long they can still be deleted."""


_NAMES: Final = ", ".join(("session", "t", "ms", *(f'"{name}"' for name in COLUMNS)))
_INSERT_CELLS: Final = f"INSERT INTO recent ({_NAMES}) VALUES ({', '.join('?' * (3 + len(COLUMNS)))})"  # noqa: S608 - ours


class SecondsTable:
    """Inserts seconds on the connection of the writing thread, within its transactions."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._keys = archived()
        self._columns: list[str] = []
        self._statement = ""
        self.follow()
        self._next_s = -math.inf
        self._limit: int | None = None

    def follow(self) -> None:
        """Read the columns of the table."""
        columns = self._columns = figure_columns(self._connection)
        names = ", ".join(("session", "t", "ms", *(f'"{name}"' for name in columns)))
        marks = ", ".join("?" * (3 + len(columns)))
        self._statement = f"INSERT INTO recent ({names}) VALUES ({marks})"  # noqa: S608 - names of our own

    def insert_all(self, seconds: Iterable[tuple[int, float, Sequence[float]]]) -> None:
        """Append seconds: session, time and the whole numbers of ``COLUMNS``; NaN is stored as NULL."""
        self._connection.executemany(
            _INSERT_CELLS,
            ((session, *divmod(math.floor(t * 1000.0), 1000), *cells) for session, t, cells in seconds),
        )

    def insert(self, session: int, t: float, figures: dict[str, Any]) -> None:
        """Append one second of a session."""
        values = flat(figures, self._keys)
        if not values.keys() <= set(self._columns):
            add_columns(self._connection, values)
            self.follow()
        whole, ms = divmod(math.floor(t * 1000.0), 1000)
        row = [_encoded(name, values.get(name)) for name in self._columns]
        self._connection.execute(self._statement, (session, whole, ms, *row))

    def is_due(self, now_s: float) -> bool:
        """Whether ``tidy`` has something to do."""
        return now_s >= self._next_s

    def tidy(self, now_s: float) -> None:
        """About once a minute, move seconds that are a few seconds old to the table that is sorted by session."""
        if not self.is_due(now_s):
            return
        if self._limit is None:
            self._limit, self._next_s = self._last_id(), now_s + SETTLED_S
            return
        close_blocks(self._connection, f"r.id <= {self._limit}")
        self._limit, self._next_s = None, now_s + BLOCK_EVERY_S - SETTLED_S

    def _last_id(self) -> int:
        return int(self._connection.execute("SELECT COALESCE(MAX(id), 0) FROM recent").fetchone()[0])


def _encoded(name: str, value: Any) -> int | None:  # noqa: ANN401 - of a message
    """The whole number of a value; None for anything else, so that a wrong figure only costs its own cell."""
    try:
        return None if value is None else encoded(name, value)
    except (ValueError, TypeError, OverflowError):
        return None
