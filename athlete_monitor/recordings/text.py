"""The beginning of a text file: its encoding, and its first lines."""

from __future__ import annotations

import codecs
import contextlib
import csv
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from athlete_monitor.recordings.source import HEAD_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from athlete_monitor.recordings.source import Source

LOOKED_AT_LINES: Final = 80
"""Number of lines from the beginning of a file in which its layout is looked for."""
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
SEPARATOR_LINE: Final = re.compile(r"sep=(?P<sign>[,;\t|])", re.IGNORECASE)
"""A first line that gives the delimiter to spreadsheets."""


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
    lines = (line.strip() for line in (text_head(source) or "").splitlines()[:LOOKED_AT_LINES])
    return next((line for line in lines if line.strip(',;\t" ') and not SEPARATOR_LINE.fullmatch(line.strip('"'))), "")


def cells_of(lines: Iterable[str], delimiter: str = ",") -> list[list[str]]:
    r"""Return the rows of a CSV text without NUL characters, up to the first row that is not CSV.

    >>> cells_of(['a,"b,c"', "1\0,2"])
    [['a', 'b,c'], ['1', '2']]
    """
    # Python 3.10 refuses a NUL that later versions pass on; a field beyond the limit of the csv module fails in all.
    reader = csv.reader((line.replace("\0", "") for line in lines), delimiter=delimiter)
    rows: list[list[str]] = []
    with contextlib.suppress(csv.Error):
        rows.extend(reader)
    return rows
