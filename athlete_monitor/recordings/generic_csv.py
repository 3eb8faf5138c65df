"""Any CSV whose columns carry our names: ``timestamp`` and channels, each with its unit in brackets where not SI.

``timestamp`` is any time that the wire accepts too. A channel is one of ``arrays.CHANNELS`` or ``heart_rate``, alone or
with a unit: ``acc_x``, ``acc_x [g]``, ``gyro_z (deg/s)``, ``speed [km/h]``. Other columns are left out, and said so; a
table without times, without any channel, or with a unit that is not known is refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.arrays import CHANNEL_INDEX, CHANNELS, FloatArray
from athlete_monitor.channels import BY_NAME, resolve
from athlete_monitor.errors import PayloadError, RecordingError
from athlete_monitor.recordings.imported import Imported, checked
from athlete_monitor.recordings.tables import Table, read_table
from athlete_monitor.wire.timestamps import parse_timestamp

if TYPE_CHECKING:
    from pathlib import Path

_HEADER: Final = re.compile(r"(?P<name>[A-Za-z_0-9]+)\s*(?:[\[(](?P<unit>[^\])]+)[\])])?")


def read_generic_csv(path: Path, rate_hz: float) -> Imported:  # noqa: ARG001 - rows are kept at their own times
    """Read a table of our columns, its rows at their own times.

    Args:
        path: the file, plain or gzip-compressed.
        rate_hz: not used.

    Raises:
        RecordingError: the layout or a unit is not known, or a cell cannot be read.
    """
    table = read_table(path)
    if "timestamp" not in table.header:
        raise RecordingError(f"{path}: the header lacks timestamp")
    factors = {column: found for column in table.header if (found := _channel(path, column)) is not None}
    if not factors:
        raise RecordingError(f"{path}: no column is a channel; known: heart_rate, {', '.join(CHANNELS)}")
    values = np.full((len(table.rows), len(CHANNELS)), np.nan)
    for column, (channel, factor) in factors.items():
        values[:, channel] = table.numbers(column) * factor
    return checked(Imported(path, _times(table), values, notes=_notes(table, set(factors))))


def _channel(path: Path, column: str) -> tuple[int, float] | None:
    """Return the channel and the factor to SI of a column, None for a column that is none of ours."""
    match = _HEADER.fullmatch(column)
    name = (match and resolve(match["name"], loose=True)) or ""
    if match is None or name not in BY_NAME:
        return None
    units = BY_NAME[name].units
    unit = match["unit"] or next(iter(units))
    if unit not in units:
        raise RecordingError(f"{path}: column {column!r}: unit {unit!r} is not known; allowed: {', '.join(units)}")
    return CHANNEL_INDEX[name], units[unit]


def _times(table: Table) -> FloatArray:
    return np.array([_time(table.path, row, text) for row, text in enumerate(table.text("timestamp"), 2)])


def _time(path: Path, row: int, text: str) -> float:
    try:
        return parse_timestamp(float(text) if text.replace(".", "", 1).isdecimal() else text)
    except PayloadError as error:
        raise RecordingError(f"{path}: row {row}: {error}: {text[:40]!r}") from None


def _notes(table: Table, used: set[str]) -> tuple[str, ...]:
    unused = [name for name in table.header if name not in used and name != "timestamp"]
    notes = [f"columns left out: {', '.join(unused)}"] if unused else []
    if table.torn_rows:
        notes.append(f"{table.torn_rows} torn rows are left out")
    return tuple(notes)
