"""Files that are not session files, recognised by their first bytes, so that a message can name their kind.

>>> foreign_kind(b'{"RIDE": {}}'), foreign_kind(b"timestamp,athlete_id")
('a JSON file', None)
"""

from __future__ import annotations

import codecs
from typing import Final

_BOMS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SNIFFED: Final = 4096
_MAGIC: Final = (
    (b"PK\x03\x04", "a ZIP archive (or a spreadsheet)"),
    (b"SQLite format 3\x00", "a SQLite database"),
    (b"%PDF", "a PDF document"),
    (b"\x89HDF", "an HDF5 file"),
    (b"PAR1", "a Parquet file"),
    (b"\x80\x04", "a Python pickle"),
)
_XML: Final = (
    (b"<TrainingCenterDatabase", "a TCX file"),
    (b"<gpx", "a GPX file"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"<?xml", "an XML file"),
)


def foreign_kind(data: bytes) -> str | None:
    """Return the kind of file, with its article; None if it may be a session file."""
    head = data[:_SNIFFED]
    if head[8:12] == b".FIT":
        return "a FIT file"
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head.startswith(_BOMS) or head[1:40:2].count(0) > 10:
        return "text in UTF-16 (save it as UTF-8)"
    text = head.removeprefix(codecs.BOM_UTF8).lstrip()
    if text.startswith((b"{", b"[")):
        return "a JSON file"
    if text.startswith(b"<"):
        lower = text.lower()
        return next((kind for mark, kind in _XML if mark.lower() in lower), "an XML file")
    return None
