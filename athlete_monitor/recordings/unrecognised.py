"""Why a file is not a recording that can be imported, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings.format import Options
from athlete_monitor.recordings.jsons import is_json

if TYPE_CHECKING:
    from athlete_monitor.recordings.source import Source

_EXPORT: Final = "export FIT, TCX or GPX from its program"
_OTHERS: Final = {
    ".xls": ("an old Excel workbook", "save it as .xlsx or CSV"),
    ".ods": ("an OpenDocument workbook", "save it as .xlsx or CSV"),
    ".kml": ("a Google Earth file", "export GPX"),
    ".kmz": ("a Google Earth file", "export GPX"),
    ".hrm": ("a file of old Polar watches", _EXPORT),
    ".sml": ("a file of Suunto", _EXPORT),
    ".pwx": ("a file of TrainingPeaks", _EXPORT),
    ".fitlog": ("a file of SportTracks", _EXPORT),
    ".srm": ("a file of SRM power meters", _EXPORT),
    ".slf": ("a file of Sigma", _EXPORT),
}
"""Formats of recordings that are known and not read, by their suffix: what they are, and what to do."""
_TABLES: Final = (".csv", ".txt", ".tsv", ".xlsx")
_UNPACK: Final = "unpack it and import the files, or pack them as .zip"
_CLOSED: Final = {
    b"7z\xbc\xaf\x27\x1c": ("a 7-Zip archive", _UNPACK),
    b"Rar!\x1a\x07": ("a RAR archive", _UNPACK),
    b"\x28\xb5\x2f\xfd": ("compressed with Zstandard", _UNPACK),
    b"\x04\x22\x4d\x18": ("compressed with LZ4", _UNPACK),
    b"\x1f\x9d": ("compressed with compress", _UNPACK),
    b"\x1f\xa0": ("compressed with compress", _UNPACK),
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": ("an old Excel workbook or one with a password", "save it as .xlsx or CSV"),
}
"""What may hold recordings and is not opened, by its first bytes: what it is, and what to do."""


def unread(source: Source) -> str:
    """Return why the content of a file is not known, so that it may be a recording; empty if it is known."""
    if not source.head:
        try:
            source.read(1024)
        except RecordingError as error:
            return str(error).removeprefix(f"{source}: ")
    closed = next((what for magic, what in _CLOSED.items() if source.head.startswith(magic)), None)
    return "" if closed is None else f"is {closed[0]}, which is not opened; {closed[1]}"


def unrecognised(source: Source) -> str:
    """Return why a file is not a known recording."""
    if cause := unread(source):
        return cause
    if not source.head.strip():
        return "is empty"
    other = _OTHERS.get(source.name.lower()[source.name.rfind(".") :])
    if other is not None:
        return f"is {other[0]}, which is not read; {other[1]}"
    if is_json(source):
        return (
            "is JSON of an unknown program (read are lists of samples, GoldenCheetah, Polar, Sensor Logger and Strava)"
        )
    cause = _table_cause(source)
    return f"is not recognised as a recording{': ' if cause else ''}{cause}"


def _table_cause(source: Source) -> str:
    """Return why a table is not a recording; of a text without columns, only that it is none."""
    from athlete_monitor.recordings.formats.generic import understood
    from athlete_monitor.recordings.tabular import imported

    try:
        plan = understood(source, Options(start_t=0.0))
        if len(plan.layout.header) < 2 or not source.name.lower().endswith(_TABLES):
            return "it has no columns"
        imported(plan, Options(start_t=0.0))
    except RecordingError as error:
        return str(error).removeprefix(f"{source}: ")
    return ""
