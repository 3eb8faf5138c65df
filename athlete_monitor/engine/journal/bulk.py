"""The journal for recordings that are archived in bulk: written in the caller's thread, many seconds at a time."""

from __future__ import annotations

import sqlite3
import time
from contextlib import suppress
from operator import itemgetter
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
        self._seconds_waiting: list[tuple[Any, ...]] = []
        super().__init__(path, time.time, notify=lambda text, _bad: said.append(text))
        if self._file.connection is None:
            cause = said[-1].partition(": ")[2].partition(";")[0] if said else "cannot be used"
            raise MonitorError(f"{path}: {cause}; nothing was archived, import again later")
        names = ", ".join(("session", "t", "ms", *(f'"{name}"' for name in COLUMNS)))
        marks = ", ".join("?" * (3 + len(COLUMNS)))
        self._insert = f"INSERT INTO seconds ({names}) VALUES ({marks})"  # noqa: S608 - names of our own

    def seconds(self, numbers: Sequence[int], t: FloatArray, cells: FloatArray) -> None:
        """Record a second of several sessions: their numbers [k], times [k] and whole numbers [k, columns].

        NaN becomes NULL, and a column of whole numbers stores whole numbers, whatever their type here.
        """
        ms = np.floor(t * 1000.0).astype(np.int64)
        self._seconds_waiting += [
            (number, whole, rest, *row)
            for number, whole, rest, row in zip(
                numbers, (ms // 1000).tolist(), (ms % 1000).tolist(), cells.tolist(), strict=True
            )
        ]
        if len(self._seconds_waiting) >= _FLUSH_ROWS:
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
        self._waiting.clear()
        self._seconds_waiting.clear()

    def _write_all(self, connection: sqlite3.Connection) -> None:
        for statement, values in self._waiting:
            self._execute(connection, statement, values)
        if self._seconds_waiting:
            (last,) = connection.execute("SELECT COALESCE(MAX(id), 0) FROM seconds").fetchone()
            connection.executemany(self._insert, sorted(self._seconds_waiting, key=itemgetter(0, 1, 2)))
            insert_blocks(connection, f"id > {last}", self._group)

    def drop(self) -> None:
        """Discard waiting records."""
        self._waiting.clear()
        self._seconds_waiting.clear()

    def stop(self) -> None:
        """Write waiting records and close the file."""
        try:
            self.flush()
        finally:
            self._stopped = True
            self._file.close()

    def _put(self, statement: str, values: tuple[Any, ...]) -> None:
        self._waiting.append((statement, values))
