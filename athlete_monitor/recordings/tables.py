"""Tables in text files: CSV, plain or gzip-compressed, as exports of other systems come."""

from __future__ import annotations

import csv
import gzip
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.errors import RecordingError

if TYPE_CHECKING:
    from pathlib import Path

    from athlete_monitor.arrays import FloatArray

_GZIP_MAGIC: Final = b"\x1f\x8b"


@dataclass(frozen=True)
class Table:
    """A header and rows of as many cells.

    Attributes:
        path: where it was read from.
        header: names of the columns.
        rows: cells as text.
        torn_rows: rows with another number of cells, left out.
    """

    path: Path
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    torn_rows: int

    def text(self, name: str) -> list[str]:
        """Return a column's cells."""
        index = self.header.index(name)
        return [row[index] for row in self.rows]

    def numbers(self, name: str) -> FloatArray:
        """Return a column as numbers [n], NaN where the cell is empty.

        Raises:
            RecordingError: a cell holds something else.
        """
        return np.array([self._number(cell, name, row) for row, cell in enumerate(self.text(name), 2)])

    def _number(self, cell: str, name: str, row: int) -> float:
        try:
            number = float(cell) if cell else np.nan
        except ValueError:
            number = np.inf
        if np.isinf(number):
            raise RecordingError(f"{self.path}: row {row}: {name} is {cell[:40]!r}, not a number")
        return number


def read_table(path: Path, *, may_be_empty: bool = False) -> Table:
    """Read a table.

    Args:
        path: the file.
        may_be_empty: whether a header without rows is a table.

    Raises:
        RecordingError: the file cannot be read, is damaged, is no text, or has no rows.
    """
    lines = csv.reader(_text(path).splitlines())
    try:
        header, *rows = [tuple(cell.strip() for cell in line) for line in lines if line]
    except ValueError:
        raise RecordingError(f"{path}: is empty") from None
    except csv.Error as error:
        raise RecordingError(f"{path}: is not CSV: {error}") from None
    whole = tuple(row for row in rows if len(row) == len(header))
    if not whole and not may_be_empty:
        raise RecordingError(f"{path}: holds no rows below its header")
    return Table(path, header, whole, len(rows) - len(whole))


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
        return (gzip.decompress(data) if data.startswith(_GZIP_MAGIC) else data).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RecordingError(f"{path}: is not a text file") from None
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise RecordingError(f"{path}: is damaged: its compressed data end early or are not valid") from None
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read: {error.strerror}") from None
