"""Tables exported by other systems: the layout is found first, then the wanted columns are read row by row.

Encoding (UTF-8 or UTF-16 with and without a byte-order mark, Windows 1252), delimiter (comma, semicolon, tab, bar),
decimal sign, lines before the header, header, and a row of units below it are found in the first 64 KiB. The rest is
read in blocks: a file of hours at 100 Hz needs only memory for the columns that are kept.
"""

from __future__ import annotations

import codecs
import csv
import dataclasses
import io
import itertools
import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings import sheets
from athlete_monitor.recordings.cells import number, numbers
from athlete_monitor.recordings.source import HEAD_BYTES, NotARecording, Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from athlete_monitor.arrays import FloatArray

DELIMITERS: Final = (",", ";", "\t", "|")
MOST_CELLS: Final = 48_000_000
"""Kept cells of one file: 384 MB. 100 Hz for 12 hours with eleven columns."""
MOST_BAD: Final = 0.2
"""The share of a column's cells that may be other than a number."""
_BLOCK_ROWS: Final = 8192
_LONGEST_LINE: Final = 262_144
_LOOKED_AT_LINES: Final = 80
_MOST_COLUMNS: Final = 10_000
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECIMAL_COMMA: Final = re.compile(r"[+-]?\d+,\d+")
_THOUSANDS: Final = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
_DECIMAL_POINT: Final = re.compile(r"[+-]?\d*\.\d+")
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_UNIT: Final = re.compile(r"[\[(]?[A-Za-zµμ°²/^%·*0-9_.-]{0,16}[\])]?")
_SEPARATOR_LINE: Final = re.compile(r"sep=(?P<sign>[,;\t|])", re.IGNORECASE)
"""A first line that gives the delimiter to spreadsheets."""
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
            name = layout.header[place]
            cells = plural(count, "cell is not a number and is", "cells are not numbers and are")
            found.append(f"{name}: {cells} left out (row {line}: {cell[:40]!r})")
        if self.zeros:
            zeros = plural(self.zeros, "NUL character is", "NUL characters are")
            found.append(f"{zeros} left out: the file may be damaged")
        return found


def plural(count: int, one: str, many: str) -> str:
    """Return a count with its singular or plural words.

    >>> plural(1, "row is", "rows are"), plural(2300, "row is", "rows are")
    ('1 row is', '2,300 rows are')
    """
    return f"{count:,} {one if count == 1 else many}"


# --------------------------------------------------------------------------------------------------------- the layout


def encoding_of(head: bytes, *, whole: bool = False) -> str | None:
    r"""Return the encoding of a text from its first bytes, None if it is not a text.

    >>> encoding_of("Größe".encode("cp1252"), whole=True), encoding_of(b"\x00\x01\x02", whole=True)
    ('cp1252', None)
    """
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return encoding
    if len(head) >= 4 and head.count(b"\0") * 3 > len(head):
        return _wide(head)
    if len(_CONTROL.findall(head)) * 100 > len(head):
        return None
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, final=whole)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _wide(head: bytes) -> str | None:
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if min(even, odd) * 10 > max(even, odd):
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


@lru_cache(maxsize=32)
def text_head(source: Source) -> str | None:
    """Return the first part of a text without its last, perhaps cut line; None if the file is not a text."""
    head = source.head
    encoding = encoding_of(head, whole=len(head) < HEAD_BYTES)
    if not head or encoding is None:
        return None
    text = head.decode(encoding, "ignore")
    if len(head) < HEAD_BYTES:
        return text
    return text[: text.rfind("\n") + 1] or text


def first_line(source: Source) -> str:
    """Return the first line of a text that holds more than blanks and a spreadsheet's ``sep=``; empty if none does."""
    lines = (line.strip() for line in (text_head(source) or "").splitlines()[:_LOOKED_AT_LINES])
    return next((line for line in lines if line.strip(',;\t" ') and not _SEPARATOR_LINE.fullmatch(line.strip('"'))), "")


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
        rows = sheets.head_lines(source, _LOOKED_AT_LINES)
        return _layout(source, "utf-8", sheets.SEPARATOR, _sheet_decimal(rows), rows)
    text = text_head(source)
    if text is None:
        if not source.head:
            source.read(HEAD_BYTES)
            raise RecordingError(f"{source}: is empty")
        raise RecordingError(f"{source}: is not a text file")
    encoding = encoding_of(source.head, whole=len(source.head) < HEAD_BYTES) or "utf-8"
    lines = list(itertools.islice(text.splitlines(), _LOOKED_AT_LINES))
    if not any(line.strip() for line in lines):
        raise RecordingError(f"{source}: is empty")
    said = _SEPARATOR_LINE.fullmatch(lines[0].strip().strip('"'))
    if said:
        lines[0] = ""
    delimiter = said["sign"] if said else _delimiter(lines[first_line:])
    return _layout(source, encoding, delimiter, _decimal(lines[first_line:], delimiter), lines, first_line)


def _split(line: str, delimiter: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([line.replace("\0", "")], delimiter=delimiter), [])]
    except csv.Error:
        return []


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
    cells = [cell for line in lines for cell in _split(line, delimiter)]
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
    """Return the line that names the columns: one of words, with the longest run of rows of values below it."""
    best, most = None, -1
    for at, row in enumerate(cells):
        if not row or row[0].startswith("# ") is not in_comment or not _is_header(row, decimal):
            continue
        below = [later for later in cells[at + 1 :] if later]
        alike = _run(row, below, decimal)
        if alike > most and (alike or not below):
            best, most = at, alike
    return best


def _run(header: Sequence[str], below: Sequence[Sequence[str]], decimal: str) -> int:
    """Return how many rows of values of the header's width follow it; one row of units may come first."""
    first = 1 if below and not any(_is_value(cell, decimal) for cell in below[0] if cell) else 0
    rows = below[first:]
    fits = (_same_width(header, row) and any(_is_value(cell, decimal) for cell in row if cell) for row in rows)
    return next((place for place, fit in enumerate(fits) if not fit), len(rows))


def _same_width(header: Sequence[str], row: Sequence[str]) -> bool:
    return len(row) == len(header) or (len(row) > 1 and not any([*header[len(row) :], *row[len(header) :]]))


def _is_header(row: Sequence[str], decimal: str) -> bool:
    named = [cell for cell in row if cell]
    values = sum(_is_value(cell, decimal) for cell in named)
    return bool(named) and values * 2 < len(named) and len(named) * 2 >= len(row)


def _units_row(row: Sequence[str], decimal: str) -> tuple[str, ...]:
    named = [cell for cell in row if cell]
    if not named or any(_is_value(cell, decimal) for cell in named):
        return ()
    return tuple(row) if all(_UNIT.fullmatch(cell) for cell in named) else ()


# ----------------------------------------------------------------------------------------------------------- the rows


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
    collected = _Collected(layout, tuple(dict.fromkeys(wanted)), tuple(dict.fromkeys(texts)), dict(converters or {}))
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
                name = self._layout.header[place]
                raise RecordingError(f"{self._layout.source}: row {line}: {name} is {cell[:40]!r}, not a number")
        joined = {}
        for place in list(self._parts):
            parts = self._parts.pop(place)
            joined[place] = np.concatenate(parts) if parts else np.empty(0)
        lines = np.concatenate(self._lines) if self._lines else np.empty(0)
        return Columns(joined, self._texts, lines, self._torn, self._bad)
