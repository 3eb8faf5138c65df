"""The rows and columns of tables that other systems have exported, once their layout is known.

They are read in blocks: a file of hours at 100 Hz needs only memory for the columns that are kept.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import itertools
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings import sheets
from athlete_monitor.recordings.cells import number, numbers
from athlete_monitor.recordings.plural import plural
from athlete_monitor.recordings.source import NotARecording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from athlete_monitor.arrays import FloatArray
    from athlete_monitor.recordings.layout import Layout

MOST_CELLS: Final = 48_000_000
"""Kept cells of one file: 384 MB. 100 Hz for 12 hours with eleven columns."""
MOST_BAD: Final = 0.2
"""The share of a column's cells that may be other than a number."""
_FAR: Final = 1.5
"""Times as many rows as can be read: the size of the first lines may not be that of the others."""
_BLOCK_ROWS: Final = 8192
_OTHER_SIGN: Final = (
    ": other cells have another decimal sign, or signs between thousands; save it with one decimal sign"
)
_LONGEST_LINE: Final = 262_144
_LONGEST_NAME: Final = 80
"""Characters of a column's name in a message."""


@dataclass(frozen=True)
class Columns:
    """The content of a table.

    Attributes:
        numbers: columns of numbers, [n], by place.
        texts: columns of text, by place.
        lines: the line number of each row, [n].
        torn: rows with another number of cells, left out.
        bad: cells that are not numbers, left out, by column: how many, and the first with its line.
        zeros: NUL characters in the text, left out.
    """

    numbers: Mapping[int, FloatArray]
    texts: Mapping[int, list[str]]
    lines: FloatArray
    torn: int
    bad: Mapping[int, tuple[int, int, str]]
    zeros: int = 0

    def notes(self, layout: Layout) -> list[str]:
        """Return notes for the user about rows and cells that were left out."""
        found = [f"{plural(self.torn, 'torn row is', 'torn rows are')} left out"] if self.torn else []
        for place, (count, line, cell) in self.bad.items():
            name = layout.header[place][:_LONGEST_NAME]
            cells = plural(count, "cell is not a number and is", "cells are not numbers and are")
            found.append(f"{name}: {cells} left out (row {line}: {cell[:40]!r})")
        if self.zeros:
            zeros = plural(self.zeros, "NUL character is", "NUL characters are")
            found.append(f"{zeros} left out: the file may be damaged")
        return found


def rows_of(layout: Layout, zeros: Counter[str] | None = None) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows below the header, each with its line number.

    Args:
        layout: of the table.
        zeros: counts the NUL characters that are left out of the text.

    Raises:
        RecordingError: the rest of the file cannot be read, or a line is far too long to be a row.
    """
    if sheets.is_sheet(layout.source):
        yield from itertools.islice(sheets.numbered_rows(layout.source), layout.skipped, None)
        return
    with layout.source.opened() as stream:
        text = io.TextIOWrapper(stream, encoding=layout.encoding, errors="replace", newline=None)
        lines = _lines(text, str(layout.source), Counter() if zeros is None else zeros)
        for _ in range(layout.skipped):
            next(lines, None)
        reader = csv.reader(lines, delimiter=layout.delimiter)
        try:
            for row in reader:
                if row:
                    yield layout.skipped + reader.line_num, row
        except csv.Error as error:
            raise RecordingError(
                f"{layout.source}: row {layout.skipped + reader.line_num}: is not CSV: {error}"
            ) from None


def _lines(text: io.TextIOWrapper, label: str, zeros: Counter[str]) -> Iterator[str]:
    while line := text.readline(_LONGEST_LINE):
        if len(line) == _LONGEST_LINE:
            raise RecordingError(f"{label}: holds a line of more than {_LONGEST_LINE} characters; it is not a table")
        if "\0" in line:
            zeros["\0"] += line.count("\0")
            line = line.replace("\0", "")
        yield line


def read_columns(
    layout: Layout,
    wanted: Iterable[int],
    texts: Iterable[int] = (),
    converters: Mapping[int, Callable[[Sequence[str], Sequence[int]], FloatArray]] | None = None,
    *,
    may_be_empty: bool = False,
) -> Columns:
    """Read some columns of a table.

    Args:
        layout: of the table.
        wanted: places of columns of numbers.
        texts: places of columns that stay text.
        converters: for columns that are neither: (cells, line numbers) -> numbers.
        may_be_empty: whether a header without rows is a table.

    Raises:
        RecordingError: the file cannot be read, is too large, holds no rows, or most cells of a column are not numbers.
    """
    places = tuple(dict.fromkeys(wanted))
    _check_size(layout, len({*places, *(converters or ())}))
    collected = _Collected(layout, places, tuple(dict.fromkeys(texts)), dict(converters or {}))
    block: list[tuple[int, list[str]]] = []
    zeros: Counter[str] = Counter()
    for numbered in rows_of(layout, zeros):
        block.append(numbered)
        if len(block) == _BLOCK_ROWS:
            collected.add(block)
            block = []
    collected.add(block)
    if not collected.count and not may_be_empty:
        raise NotARecording(f"{layout.source}: holds no rows below its header")
    return dataclasses.replace(collected.columns(), zeros=zeros.total())


def _check_size(layout: Layout, columns: int) -> None:
    """Refuse a table that is far too long before it is read, which would take minutes."""
    rows = 0.0 if sheets.is_sheet(layout.source) else layout.source.lines_on_disk()
    if rows * max(columns, 1) > _FAR * MOST_CELLS:
        most = f"{MOST_CELLS // max(columns, 1):,} of its {plural(columns, 'column', 'columns')} are read"
        raise RecordingError(f"{layout.source}: has about {rows:,.0f} rows, and at most {most}; split it")


class _Collected:
    """Columns that grow block by block."""

    def __init__(
        self,
        layout: Layout,
        wanted: tuple[int, ...],
        texts: tuple[int, ...],
        converters: Mapping[int, Callable[[Sequence[str], Sequence[int]], FloatArray]],
    ) -> None:
        self._layout = layout
        self._converters = converters
        self._parts: dict[int, list[FloatArray]] = {place: [] for place in (*wanted, *converters)}
        self._texts: dict[int, list[str]] = {place: [] for place in texts}
        self._lines: list[FloatArray] = []
        self._bad: dict[int, tuple[int, int, str]] = {}
        self._torn = self.count = 0

    def add(self, block: Sequence[tuple[int, list[str]]]) -> None:
        whole = [(line, cells) for line, row in block if (cells := self._fitted(row)) is not None]
        self._torn += sum(any(cell.strip() for cell in row) for _, row in block) - len(whole)
        if not whole:
            return
        self.count += len(whole)
        if self.count * max(len(self._parts), 1) > MOST_CELLS:
            raise RecordingError(f"{self._layout.source}: has more than {self.count:,} rows; split it")
        lines = [line for line, _ in whole]
        columns = list(zip(*(cells for _, cells in whole), strict=True))
        for place, part in self._parts.items():
            part.append(self._converted(place, columns[place], lines))
        for place, kept in self._texts.items():
            kept.extend(cell.strip() for cell in columns[place])
        self._lines.append(np.array(lines, dtype=np.float64))

    def _fitted(self, row: list[str]) -> list[str] | None:
        """Return the row with as many cells as the header, None if it is torn."""
        columns = len(self._layout.header)
        if len(row) == columns:
            return row if any(row) else None
        if len(row) > columns:
            return row[:columns] if not any(cell.strip() for cell in row[columns:]) else None
        padded = len(row) == self._layout.width or self._layout.delimiter == sheets.SEPARATOR
        if padded or not any(self._layout.header[len(row) :]):
            return row + [""] * (columns - len(row))
        return None

    def _converted(self, place: int, cells: Sequence[str], lines: Sequence[int]) -> FloatArray:
        if place in self._converters:
            return self._converters[place](cells, lines)
        values, bad = numbers(cells, self._layout.decimal)
        if bad:
            count, line, cell = self._bad.get(place, (0, lines[bad[0]], cells[bad[0]].strip()))
            self._bad[place] = (count + len(bad), line, cell)
        return values

    def columns(self) -> Columns:
        if self._torn > max(self.count, 2):
            whole = f"{len(self._layout.header)} cells as the header has"
            raise RecordingError(f"{self._layout.source}: most rows do not have the {whole}: {self._torn:,}")
        for place, (count, line, cell) in self._bad.items():
            if count > MOST_BAD * self.count:
                name = self._layout.header[place][:_LONGEST_NAME]
                other = number(cell, "." if self._layout.decimal == "," else ",")
                why = "" if other is None or np.isnan(other) else _OTHER_SIGN
                raise RecordingError(f"{self._layout.source}: row {line}: {name} is {cell[:40]!r}, not a number{why}")
        joined = {}
        for place in list(self._parts):
            parts = self._parts.pop(place)
            joined[place] = np.concatenate(parts) if parts else np.empty(0)
        lines = np.concatenate(self._lines) if self._lines else np.empty(0)
        return Columns(joined, self._texts, lines, self._torn, self._bad)
