"""The layout of a table that another system has exported, found in its first 64 KiB.

Encoding (UTF-8 or UTF-16 with and without a byte-order mark, Windows 1252), delimiter (comma, semicolon, tab, bar),
decimal sign, lines before the header, header, and a row of units below it.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings import sheets
from athlete_monitor.recordings.cells import number, plainly
from athlete_monitor.recordings.source import HEAD_BYTES
from athlete_monitor.recordings.text import LOOKED_AT_LINES, SEPARATOR_LINE, cells_of, encoding_of, text_head

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.recordings.source import Source

DELIMITERS: Final = (",", ";", "\t", "|")
_MOST_COLUMNS: Final = 10_000
_DECIMAL_COMMA: Final = re.compile(r"[+-]?(\d+|\d{1,3}([.'\u00a0]\d{3})+),\d+")
_THOUSANDS: Final = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
_DECIMAL_POINT: Final = re.compile(r"[+-]?(\d*|\d{1,3}([,'\u00a0]\d{3})+)\.\d+")
_UNIT: Final = re.compile(r"[\[(]?[A-Za-zµμ°²/^%·*0-9_.-]{0,16}[\])]?")
_DATE: Final = re.compile(r"\d{1,4}[-/.:]\d{1,2}([-/.:]\d{1,4})?.*")


@dataclass(frozen=True)
class Layout:
    """The layout of a table.

    Attributes:
        source: the file.
        encoding: of its text.
        delimiter: between cells.
        decimal: ``.`` or ``,``.
        preamble: lines before the header, without their line ends.
        header: names of the columns.
        units: the row of units below the header, empty if there is none.
        first_row: the line number of the first row of data, from 1.
        width: number of cells of a usual row.
    """

    source: Source
    encoding: str
    delimiter: str
    decimal: str
    preamble: tuple[str, ...]
    header: tuple[str, ...]
    units: tuple[str, ...]
    first_row: int
    width: int
    skipped: int = 0

    def column(self, *names: str) -> int | None:
        """Return the place of the first of these columns that exists, ignoring case."""
        folded = [name.strip().casefold() for name in self.header]
        return next((folded.index(name.casefold()) for name in names if name.casefold() in folded), None)


@lru_cache(maxsize=32)
def layout_of(source: Source, first_line: int = 0) -> Layout:
    """Find the layout of a table.

    Args:
        source: the file.
        first_line: the line from which the header is looked for, from 0.

    Raises:
        RecordingError: it is not a table.
    """
    if sheets.is_sheet(source):
        rows = sheets.head_lines(source, LOOKED_AT_LINES)
        return _layout(source, "utf-8", sheets.SEPARATOR, _sheet_decimal(rows), rows)
    text = text_head(source)
    if text is None:
        if not source.head:
            source.read(HEAD_BYTES)
            raise RecordingError(f"{source}: is empty")
        raise RecordingError(f"{source}: is not a text file")
    encoding = encoding_of(source.head, whole=len(source.head) < HEAD_BYTES) or "utf-8"
    lines = list(itertools.islice(text.splitlines(), LOOKED_AT_LINES))
    if not any(line.strip() for line in lines):
        raise RecordingError(f"{source}: is empty")
    said = SEPARATOR_LINE.fullmatch(lines[0].strip().strip('"'))
    if said:
        lines[0] = ""
    delimiter = said["sign"] if said else _delimiter(lines[first_line:])
    return _layout(source, encoding, delimiter, _decimal(lines[first_line:], delimiter), lines, first_line)


def _split(line: str, delimiter: str) -> list[str]:
    if '"' not in line and "\0" not in line and "\r" not in line and len(line) < csv.field_size_limit():
        return [cell.strip() for cell in line.split(delimiter)] if line else []
    return [cell.strip() for row in cells_of([line], delimiter)[:1] for cell in row]


def _delimiter(lines: Sequence[str]) -> str:
    """Return the delimiter under which most lines have the same number of cells, two or more."""
    full = [line for line in lines if line.strip() and not line.startswith("#")]
    best, most = ",", (0.0, 0)
    for delimiter in DELIMITERS:
        widths = Counter(len(_split(line, delimiter)) for line in full)
        width, times = max(
            ((width, times) for width, times in widths.items() if width > 1),
            key=lambda item: (item[1], item[0]),
            default=(0, 0),
        )
        if (times / max(len(full), 1), width) > most and times:
            best, most = delimiter, (times / len(full), width)
    return best


def _decimal(lines: Sequence[str], delimiter: str) -> str:
    cells = [cell for line in lines for cell in _split(plainly(line), delimiter)]
    commas = sum(_DECIMAL_COMMA.fullmatch(cell) is not None for cell in cells)
    if delimiter == "," and commas == sum(_THOUSANDS.fullmatch(cell) is not None for cell in cells):
        return "."
    points = sum(_DECIMAL_POINT.fullmatch(cell) is not None for cell in cells)
    return "," if commas > points else "."


def _sheet_decimal(rows: Sequence[str]) -> str:
    """Return the decimal sign of numbers that a workbook holds as text; its own numbers have a point."""
    cells = {cell.strip() for row in rows for cell in row.split(sheets.SEPARATOR)}
    return "," if any(_DECIMAL_COMMA.fullmatch(cell) and not _THOUSANDS.fullmatch(cell) for cell in cells) else "."


def _is_value(cell: str, decimal: str) -> bool:
    return number(cell, decimal) is not None or _DATE.fullmatch(cell) is not None


def _layout(
    source: Source, encoding: str, delimiter: str, decimal: str, lines: Sequence[str], first_line: int = 0
) -> Layout:
    cells = [_split(line, delimiter) if line.strip() else [] for line in lines]
    looked_at = [[] if line < first_line else row for line, row in enumerate(cells)]
    at = _header_line(looked_at, decimal)
    at = _header_line(looked_at, decimal, in_comment=True) if at is None else at
    if at is None:
        raise RecordingError(f"{source}: has no header row that names its columns")
    header = cells[at]
    header[0] = header[0].lstrip("#\ufeff ").strip()
    if len(header) > _MOST_COLUMNS:
        raise RecordingError(f"{source}: has more than {_MOST_COLUMNS} columns")
    below = [row for row in cells[at + 1 :] if row]
    units = _units_row(below[0], decimal) if below else ()
    data = below[1:] if units else below
    widths = Counter(map(len, data))
    width = max(widths, key=lambda w: (widths[w], w == len(header)), default=len(header))
    start = at + 1 + (next(i for i, row in enumerate(cells[at + 1 :]) if row) + 1 if units else 0)
    return Layout(
        source, encoding, delimiter, decimal, tuple(lines[:at]), tuple(header), units, start + 1, width, start
    )


def _header_line(cells: Sequence[Sequence[str]], decimal: str, *, in_comment: bool = False) -> int | None:
    """Return the line that names the columns: one of words, with the longest run of rows of values below it.

    Of equal ones, as in files that were written one behind the other, it is the first.
    """
    best, most = None, -1
    kinds = {id(row): [_is_value(cell, decimal) for cell in row if cell] for row in cells}
    for at, row in enumerate(cells):
        if not row or row[0].startswith("# ") is not in_comment or not _is_header(row, kinds[id(row)]):
            continue
        below = [later for later in cells[at + 1 :] if later]
        alike = _run(row, below, [any(kinds[id(later)]) for later in below])
        if alike > most and (alike or not below):
            best, most = at, alike
    return None if best is None else next(at for at, row in enumerate(cells) if row == cells[best])


def _run(header: Sequence[str], below: Sequence[Sequence[str]], has_values: Sequence[bool]) -> int:
    """Return how many rows of values of the header's width follow it; one row of units may come first."""
    first = 1 if below and not has_values[0] else 0
    rows = below[first:]
    fits = (valued and _same_width(header, row) for row, valued in zip(rows, has_values[first:], strict=True))
    return next((place for place, fit in enumerate(fits) if not fit), len(rows))


def _same_width(header: Sequence[str], row: Sequence[str]) -> bool:
    return len(row) == len(header) or (len(row) > 1 and not any([*header[len(row) :], *row[len(header) :]]))


def _is_header(row: Sequence[str], values: Sequence[bool]) -> bool:
    """Whether less than half of the cells that are not empty are values, and at least half are not empty."""
    return bool(values) and sum(values) * 2 < len(values) and len(values) * 2 >= len(row)


def _units_row(row: Sequence[str], decimal: str) -> tuple[str, ...]:
    named = [cell for cell in row if cell]
    if not named or any(_is_value(cell, decimal) for cell in named):
        return ()
    return tuple(row) if all(_UNIT.fullmatch(cell) for cell in named) else ()
