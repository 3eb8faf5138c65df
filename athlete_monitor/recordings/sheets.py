"""Excel workbooks as rows of text: the sheet with the most rows, read row by row, without formulas or links."""

from __future__ import annotations

import io
import itertools
import warnings
import zipfile
from contextlib import redirect_stdout
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final

from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings.source import is_office

if TYPE_CHECKING:
    from collections.abc import Iterator

    from athlete_monitor.recordings.source import Source

SEPARATOR: Final = "\x1f"
_MOST_UNPACKED: Final = 512 * 2**20
_MOST_BESIDE: Final = 64 * 2**20
"""Texts and styles are in memory as a whole."""
_MOST_ROWS: Final = 1_048_576
_HEAD_ROWS: Final = 1000
_MOST_CELLS: Final = 30_000_000
_MOST_COLUMNS: Final = 2000


def is_sheet(source: Source) -> bool:
    """Whether a file is a workbook."""
    return is_office(source) and (source.name.lower().endswith((".xlsx", ".xlsm")) or b"xl/" in source.head)


def head_lines(source: Source, count: int) -> list[str]:
    """Return the first rows as lines, their cells with ``SEPARATOR`` between."""
    lines = [SEPARATOR.join(row) for _, row in itertools.islice(numbered_rows(source), count)]
    return [line if line.strip(SEPARATOR) else "" for line in lines]


def numbered_rows(source: Source) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of the sheet with the most rows, each with its number from 1; of equal ones, of the first.

    Raises:
        RecordingError: the workbook is damaged, protected, or unpacks to too much.
    """
    import openpyxl

    warnings.filterwarnings("ignore", module="openpyxl")  # what it leaves out of a damaged workbook is not read

    try:
        with source.opener() as raw:
            _check_size(source, raw)
            raw.seek(0)
            with redirect_stdout(io.StringIO()):  # it prints what it finds wrong with styles
                book = openpyxl.load_workbook(raw, read_only=True, data_only=True, keep_links=False)
            sheet = max(book.worksheets, key=lambda sheet: sheet.max_row or 0)
            yield from _rows(source, sheet)
    except (RecordingError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - the library raises many kinds for damaged workbooks
        cause = " ".join(str(error).split())[:100] or type(error).__name__
        raise RecordingError(f"{source}: is not a readable workbook: {cause}") from None


def _rows(source: Source, sheet: Any) -> Iterator[tuple[int, list[str]]]:  # noqa: ANN401 - a sheet of the library
    """Yield the rows of a sheet; the size that it declares does not count."""
    sheet.reset_dimensions()
    left = _MOST_CELLS
    for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
        left -= len(row)
        if left < 0 or number > _MOST_ROWS:
            raise RecordingError(f"{source}: holds more than {_MOST_CELLS // 10**6} million cells or too many rows")
        if row or number <= _HEAD_ROWS:  # a gap of a million rows takes no time
            yield number, _trimmed([_text(cell) for cell in row[:_MOST_COLUMNS]])


def _trimmed(row: list[str]) -> list[str]:
    while row and not row[-1]:
        row.pop()
    return row


def _check_size(source: Source, raw: object) -> None:
    with zipfile.ZipFile(raw) as archive:  # type: ignore[call-overload]
        parts = archive.infolist()
    if sum(info.file_size for info in parts) > _MOST_UNPACKED:
        raise RecordingError(f"{source}: would unpack to more than {_MOST_UNPACKED // 2**20} MB")
    beside = sum(info.file_size for info in parts if "/worksheets/" not in info.filename)
    if beside > _MOST_BESIDE:
        raise RecordingError(f"{source}: holds more than {_MOST_BESIDE // 2**20} MB beside its sheets")


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell.total_seconds())
    return repr(cell) if isinstance(cell, float) else str(cell)
