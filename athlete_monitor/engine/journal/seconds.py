"""Writes the archive's seconds: whole numbers in the columns of all figures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from athlete_monitor.archive.schema import close_blocks
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
        self._next_s = -math.inf
        self._limit: int | None = None

    def insert_all(self, seconds: Iterable[tuple[int, float, Sequence[float]]]) -> None:
        """Append seconds: session, time and the whole numbers of ``COLUMNS``; NaN is stored as NULL."""
        self._connection.executemany(
            _INSERT_CELLS,
            ((session, *divmod(math.floor(t * 1000.0), 1000), *cells) for session, t, cells in seconds),
        )

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
