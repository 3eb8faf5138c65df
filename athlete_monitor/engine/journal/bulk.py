"""The journal for recordings that are archived in bulk: written in the caller's thread, many seconds at a time."""

from __future__ import annotations

import sqlite3
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from athlete_monitor.archive.schema import BLOCK_ROWS, insert_blocks
from athlete_monitor.engine.journal.cells import COLUMNS
from athlete_monitor.engine.journal.file import classified
from athlete_monitor.engine.journal.journal import Journal
from athlete_monitor.errors import MonitorError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from athlete_monitor.arrays import FloatArray

_FLUSH_ROWS: Final = 8192


class BulkJournal(Journal):
    """Records wait until ``flush``, which writes them in one transaction.

    Args:
        path: the SQLite file; a live engine may use it too.
        small_blocks: whether whole sessions are written at once, which are divided into blocks of ``BLOCK_ROWS``.

    Raises:
        MonitorError: it cannot be used: locked, on a full disk, or the path is a mistake.
    """

    def __init__(self, path: Path, *, small_blocks: bool = False) -> None:
        self._group = f"session, id / {BLOCK_ROWS}" if small_blocks else "session"
        said: list[str] = []
        self._waiting: list[tuple[str, tuple[Any, ...]]] = []
        self._seconds_waiting: list[tuple[FloatArray, FloatArray, FloatArray]] = []
        self._rows_waiting = 0
        super().__init__(path, time.time, notify=lambda text, _bad: said.append(text))
        if self._file.connection is None:
            cause = said[-1].partition(": ")[2].partition(";")[0] if said else "cannot be used"
            raise MonitorError(f"{path}: {cause}; nothing was archived, import again later")

    def seconds(self, numbers: Sequence[int], t: FloatArray, cells: FloatArray) -> None:
        """Record a second of several sessions: their numbers [k], times [k] and whole numbers [k, columns].

        NaN becomes NULL, and a column of whole numbers stores whole numbers, whatever their type here. The arrays must
        not change afterwards.
        """
        self._seconds_waiting.append((np.array(numbers, dtype=np.float64), t, cells))
        self._rows_waiting += len(numbers)
        if self._rows_waiting >= _FLUSH_ROWS:
            self.flush()

    def flush(self) -> None:
        """Write waiting records.

        Raises:
            MonitorError: the disk is full, or another program holds the file for too long; nothing of it is written.
        """
        connection = self._file.connection
        if connection is None or not (self._waiting or self._seconds_waiting):
            return
        try:
            connection.execute("BEGIN IMMEDIATE")
            self._write_all(connection)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise MonitorError(f"{self._file.path}: {classified(error)}; import again to archive the rest") from error
        self.drop()

    def _write_all(self, connection: sqlite3.Connection) -> None:
        for statement, values in self._waiting:
            self._execute(connection, statement, values)
        if self._seconds_waiting:
            (last,) = connection.execute("SELECT COALESCE(MAX(id), 0) FROM seconds").fetchone()
            self._write_seconds(connection)
            insert_blocks(connection, f"id > {last}", self._group)

    def _write_seconds(self, connection: sqlite3.Connection) -> None:
        """Write the rows by session and time; columns that nobody has are left out, which is half the work."""
        numbers, t, cells = map(np.concatenate, zip(*self._seconds_waiting, strict=True))
        ms = np.floor(t * 1000.0)
        known = np.flatnonzero(~np.isnan(cells).all(axis=0))
        rows = np.column_stack([numbers, ms // 1000, ms % 1000, cells[:, known]])
        connection.executemany(_insert(known.tolist()), rows[np.lexsort((ms, numbers))].tolist())

    def drop(self) -> None:
        """Discard waiting records."""
        self._waiting.clear()
        self._seconds_waiting.clear()
        self._rows_waiting = 0

    def stop(self) -> None:
        """Write waiting records and close the file."""
        try:
            self.flush()
        finally:
            self._stopped = True
            self._file.close()

    def _put(self, statement: str, values: tuple[Any, ...]) -> None:
        self._waiting.append((statement, values))


def _insert(places: Sequence[int]) -> str:
    """Return the statement that writes seconds with the figures at these places of ``COLUMNS``."""
    names = ", ".join(("session", "t", "ms", *(f'"{COLUMNS[place]}"' for place in places)))
    marks = ", ".join("?" * (3 + len(places)))
    return f"INSERT INTO seconds ({names}) VALUES ({marks})"  # noqa: S608 - names of our own
