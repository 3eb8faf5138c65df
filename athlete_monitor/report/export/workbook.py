"""Excel workbooks written row by row: ``benchmarks/season_exports.py`` has the comparison with openpyxl.

Source: ECMA-376, Office Open XML. Texts stand in their cells, so that no table of texts grows in memory. The zip file
has no 64-bit extensions, which make Excel offer a repair; so a part ends before it has two gigabytes.
"""

from __future__ import annotations

import zipfile
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, Final
from xml.sax.saxutils import escape, quoteattr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

SHEET_ROWS: Final = 1_048_576
LONGEST_TEXT: Final = 32_767
LARGEST_PART: Final = 1_900_000_000
_ROWS_A_WRITE: Final = 256
_XML: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS: Final = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_SHEET_START: Final = (
    f'{_XML}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
    '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetData>'
)
"""The headings stay in view."""


class Workbook:
    """A workbook that is being written; ``close`` completes it."""

    def __init__(self, path: Path) -> None:
        self._zip = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=3)
        self._names: list[str] = []
        self._rows: _Rows | None = None

    @contextmanager
    def sheet(self, name: str) -> Iterator[Callable[[Sequence[Any]], None]]:
        """A new sheet; what it yields writes a row of texts, numbers, truth values and None for an empty cell."""
        self._names.append(name)
        with self._zip.open(f"xl/worksheets/sheet{len(self._names)}.xml", "w") as file:
            self._rows = rows = _Rows(file)
            yield rows.write
            rows.close()

    @property
    def is_full(self) -> bool:
        """Whether the sheet must end, although it has rows left."""
        return self._rows is not None and self._rows.size >= LARGEST_PART

    def close(self) -> None:
        """Write the parts that name the sheets."""
        sheets = list(enumerate(self._names, start=1))
        kinds = "".join(
            f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_TYPES}.worksheet+xml"/>'
            for n, _ in sheets
        )
        named = "".join(f'<sheet name={quoteattr(name)} sheetId="{n}" r:id="rId{n}"/>' for n, name in sheets)
        relations = "".join(
            f'<Relationship Id="rId{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>'
            for n, _ in sheets
        )
        parts = {
            "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPES}.sheet.main+xml"/>{kinds}</Types>',
            "_rels/.rels": f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="rId1" '
            f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
            "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{named}</sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_RELATIONS}">{relations}</Relationships>',
        }
        for name, content in parts.items():
            self._zip.writestr(name, _XML + content)
        self._zip.close()


class _Rows:
    """Rows of a sheet, written some hundred at a time."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._parts = [_SHEET_START]
        self._letters: list[str] = []
        self._count = 0
        self.size = 0

    def write(self, values: Sequence[Any]) -> None:
        self._count += 1
        for place in range(len(self._letters), len(values)):
            self._letters.append(letters(place))
        cells = [
            _cell(f"{letter}{self._count}", value)
            for letter, value in zip(self._letters, values, strict=False)
            if value is not None
        ]
        self._parts.append(f'<row r="{self._count}">{"".join(cells)}</row>')
        if len(self._parts) >= _ROWS_A_WRITE:
            self._flush()

    def close(self) -> None:
        self._parts.append("</sheetData></worksheet>")
        self._flush()

    def _flush(self) -> None:
        content = "".join(self._parts).encode()
        self.size += len(content)
        self._file.write(content)
        self._parts.clear()


def _cell(place: str, value: Any) -> str:  # noqa: ANN401 - a text or a number
    kind = type(value)
    if kind is float or kind is int:
        return f'<c r="{place}"><v>{value!r}</v></c>'
    if kind is bool:
        return f'<c r="{place}" t="b"><v>{value:d}</v></c>'
    text = escape(_cut(str(value)))
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


def _cut(text: str) -> str:
    """As much of a text as a cell holds: Excel counts a character beyond U+FFFF as two."""
    if len(text) <= LONGEST_TEXT // 2:
        return text
    return text.encode("utf-16-le")[: 2 * LONGEST_TEXT].decode("utf-16-le", errors="ignore")


def letters(place: int) -> str:
    """The letters of a column, counted from 0.

    >>> letters(0), letters(25), letters(26), letters(701), letters(702)
    ('A', 'Z', 'AA', 'ZZ', 'AAA')
    """
    found = ""
    place += 1
    while place:
        place, digit = divmod(place - 1, 26)
        found = chr(65 + digit) + found
    return found
