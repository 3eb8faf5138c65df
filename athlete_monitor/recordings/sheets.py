"""Excel workbooks as rows of text: the sheet with the most rows, read row by row, without formulas or links."""

from __future__ import annotations

import itertools
import zipfile
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from athlete_monitor.errors import RecordingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from athlete_monitor.recordings.source import Source

SEPARATOR: Final = "\x1f"
_ZIP_MAGIC: Final = b"PK\x03\x04"
_MOST_UNPACKED: Final = 512 * 2**20
_MOST_ROWS: Final = 1_048_576
_MOST_COLUMNS: Final = 2000


def is_sheet(source: Source) -> bool:
    """Whether a file is a workbook."""
    return source.head.startswith(_ZIP_MAGIC) and source.name.lower().endswith((".xlsx", ".xlsm"))


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

    try:
        with source.opener() as raw:
            _check_size(source, raw)
            raw.seek(0)
            book = openpyxl.load_workbook(raw, read_only=True, data_only=True, keep_links=False)
            sheet = max(book.worksheets, key=lambda sheet: sheet.max_row or 0)
            for number, row in enumerate(sheet.iter_rows(values_only=True, max_row=_MOST_ROWS), 1):
                yield number, _trimmed([_text(cell) for cell in row[:_MOST_COLUMNS]])
    except (RecordingError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - the library raises many kinds for damaged workbooks
        cause = " ".join(str(error).split())[:100] or type(error).__name__
        raise RecordingError(f"{source}: is not a readable workbook: {cause}") from None


def _trimmed(row: list[str]) -> list[str]:
    while row and not row[-1]:
        row.pop()
    return row


def _check_size(source: Source, raw: object) -> None:
    with zipfile.ZipFile(raw) as archive:  # type: ignore[call-overload]
        if sum(info.file_size for info in archive.infolist()) > _MOST_UNPACKED:
            raise RecordingError(f"{source}: would unpack to more than {_MOST_UNPACKED // 2**20} MB")


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
