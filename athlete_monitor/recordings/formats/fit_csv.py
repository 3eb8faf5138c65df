"""The messages of a FIT file as a table, one a row, as Garmin's FitCSVTool writes it.

``Data`` rows of ``record`` are read, each with its own fields, values and units. Times are seconds since the end of
1989, as in FIT; those that would be after 2030 are taken as seconds since 1970, as other programs write them.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Final

from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings.cells import given
from athlete_monitor.recordings.fit_messages import EPOCH_S
from athlete_monitor.recordings.format import Format, Options
from athlete_monitor.recordings.layout import layout_of
from athlete_monitor.recordings.plans import plan_of
from athlete_monitor.recordings.rewritten import as_table
from athlete_monitor.recordings.source import NotARecording
from athlete_monitor.recordings.tabular import imported
from athlete_monitor.recordings.text import encoding_of, first_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from athlete_monitor.recordings.imported import Imported
    from athlete_monitor.recordings.source import Source

_HEAD: Final = ("type", "local number", "message", "field 1")
_FIRST_FIELD: Final = 3
_LATEST: Final = 1_900_000_000.0
_ON_FOOT: Final = {"1", "11", "17", "running", "walking", "hiking"}
"""Sports of the FIT profile whose cadence counts strides."""
_MOST_BYTES: Final = 48 * 2**20
_OWN: Final = {"timestamp": "time"}
_BARE: Final = {"timestamp", "cadence", "fractional_cadence"}
"""Fields without their unit: the cadence is in rpm, whatever it counts."""


def recognise(source: Source) -> bool:
    """Whether the header is that of the program."""
    cells = first_line(source).replace('"', "").lower().split(",")
    return tuple(cell.strip() for cell in cells[:4]) == _HEAD


def read(source: Source, options: Options) -> list[Imported]:
    """Read the records.

    Raises:
        NotARecording: it holds no record.
        RecordingError: the table is not readable.
    """
    records, sports = _records(source)
    if not records:
        raise NotARecording(f"{source}: holds the messages of a FIT file without a record")
    names = list(dict.fromkeys(name for record in records for name in record))
    cadence = {} if not sports else {"cadence": "cadence_spm*2" if sports & _ON_FOOT else ""}
    return imported(plan_of(layout_of(as_table(source, names, records)), "fit-csv", {**_OWN, **cadence}), options)


FORMAT: Final = Format("fit-csv", "FIT as a table (FitCSVTool)", recognise, read, suffixes=(".csv",))


def _records(source: Source) -> tuple[list[dict[str, object]], set[str]]:
    """Return the records, and the sports of the sessions."""
    data = source.read(_MOST_BYTES)
    text = data.decode(encoding_of(data[:65_536]) or "utf-8", "replace").replace("\0", "")
    records: list[dict[str, str]] = []
    sports: set[str] = set()
    try:
        for row in csv.reader(text.splitlines()):
            if [cell.strip().lower() for cell in row[:3:2]] == ["data", "record"]:
                records.append({_name(*field): field[1].strip() for field in _fields(row)})
            elif [cell.strip().lower() for cell in row[:3:2]] == ["data", "session"]:
                sports |= {value.strip().lower() for name, value, _ in _fields(row) if name.strip().lower() == "sport"}
    except csv.Error as error:
        raise RecordingError(f"{source}: is not a readable table: {error}") from None
    return _timed(records), sports


def _fields(row: Sequence[str]) -> Iterable[tuple[str, str, str]]:
    names, values, units = (row[place::3] for place in range(_FIRST_FIELD, _FIRST_FIELD + 3))
    units = [*units, *([""] * len(names))]
    return ((name, value, unit) for name, value, unit in zip(names, values, units, strict=False) if name.strip())


def _name(name: str, _value: str, unit: str) -> str:
    name, unit = name.strip(), unit.strip()
    return name if name in _BARE or not unit else f"{name} [{unit}]"


def _timed(records: Sequence[Mapping[str, str]]) -> list[dict[str, object]]:
    """Return the records that have a time, as seconds since 1970."""
    return [{**record, "timestamp": at} for record in records if (at := _moment(record)) is not None]


def _moment(record: Mapping[str, str]) -> float | None:
    at = given(record.get("timestamp", ""))
    if at is None:
        return None
    return at + EPOCH_S if at + EPOCH_S < _LATEST else at
