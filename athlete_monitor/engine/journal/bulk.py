"""The journal for recordings that are archived in bulk: written in the caller's thread, many seconds at a time."""

from __future__ import annotations

import sqlite3
import time
from contextlib import suppress
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from athlete_monitor.archive.columns import SOURCES, archived, column, entry_name
from athlete_monitor.archive.schema import BLOCK_ROWS, insert_blocks
from athlete_monitor.engine.journal.file import classified
from athlete_monitor.engine.journal.journal import Journal
from athlete_monitor.errors import MonitorError
from athlete_monitor.physiology.hrv import HeartRateVariability
from athlete_monitor.squad.heart_rate_source import SOURCE_NAMES
from athlete_monitor.squad.kernel import PRESENT_FIGURES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from athlete_monitor.arrays import FloatArray

_FLUSH_ROWS: Final = 8192
_SOURCE: Final = "heart_rate_source"
_CODES: Final = np.array([SOURCES.index(name) if name else np.nan for name in SOURCE_NAMES])
"""The archive's code of a source by the kernel's."""
BEATS: Final = tuple(figure.key for figure in HeartRateVariability.BEATS)
BESIDE: Final = ("quality__received", "quality__lost", *BEATS)
"""Columns that are not among the kernel's present figures."""


def _kernel_columns() -> Iterator[tuple[str, int, int]]:
    """Yield the columns that ``Squad.present_values`` fills: name, row, and the row that shows whether it is known."""
    kept, place = frozenset(archived()), 0
    for figure in PRESENT_FIGURES:
        if figure.key in kept:
            names = [entry_name(figure.key, each) for each in figure.members] or [figure.key]
            yield from ((name, place + offset, place) for offset, name in enumerate(names))
        place += figure.width


_KERNEL: Final = tuple(_kernel_columns())
COLUMNS: Final = (*(name for name, _, _ in _KERNEL), *BESIDE)
"""Columns of a bulk row, in order."""
_ROWS: Final = np.array([row for _, row, _ in _KERNEL])
_KNOWN: Final = np.array([known for _, _, known in _KERNEL])
_SCALES: Final = np.array([[column(name).scale] for name, _, _ in _KERNEL])
_SOURCE_ROW: Final = COLUMNS.index(_SOURCE)


def kernel_cells(values: FloatArray) -> FloatArray:
    """Return the archive's whole numbers [columns, k] of present values [figures, k]; NaN where not known."""
    cells = np.rint(values[_ROWS] * _SCALES)
    cells[np.isnan(values[_KNOWN])] = np.nan
    sources = values[_ROWS[_SOURCE_ROW]]
    cells[_SOURCE_ROW] = _CODES[np.nan_to_num(sources).astype(np.int64)]
    return np.asarray(cells)


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
        """Record a second of several sessions: their numbers [k], times [k] and whole numbers [k, columns]."""
        ms = np.floor(t * 1000.0).astype(np.int64)
        rows = cells.astype(object)
        rows[np.isnan(cells)] = None
        self._seconds_waiting += [
            (number, whole, rest, *row)
            for number, whole, rest, row in zip(
                numbers, (ms // 1000).tolist(), (ms % 1000).tolist(), rows.tolist(), strict=True
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
