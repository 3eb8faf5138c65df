"""Any CSV whose columns carry our names: ``timestamp`` and channels, each with its unit in brackets where not SI.

``timestamp`` is any time that the wire accepts too. A channel is one of ``arrays.CHANNELS`` or ``heart_rate``, alone or
with a unit: ``acc_x``, ``acc_x [g]``, ``gyro_z (deg/s)``, ``speed [km/h]``. Other columns are left out, and said so; a
table without times, without any channel, or with a unit that is not known is refused.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.arrays import CHANNEL_INDEX, CHANNELS, GRAVITY_MPS2, FloatArray
from athlete_monitor.errors import PayloadError, RecordingError
from athlete_monitor.recordings.imported import Imported, checked
from athlete_monitor.recordings.tables import Table, read_table
from athlete_monitor.wire.timestamps import parse_timestamp

if TYPE_CHECKING:
    from pathlib import Path

_HEADER: Final = re.compile(r"(?P<name>[a-z_]+)\s*(?:[\[(](?P<unit>[^\])]+)[\])])?")
_ALIASES: Final = {
    "heart_rate": "heart_rate_bpm",
    "speed": "speed_mps",
    "altitude": "altitude_m",
    "cadence": "cadence_spm",
    "x": "x_m",
    "y": "y_m",
}
_ACC: Final = {"m/s2": 1.0, "m/s^2": 1.0, "m/s²": 1.0, "g": GRAVITY_MPS2, "mg": GRAVITY_MPS2 / 1000}
_UNITS: Final[dict[str, dict[str, float]]] = {
    "acc": _ACC,
    "gyro": {"rad/s": 1.0, "deg/s": math.pi / 180, "°/s": math.pi / 180},
    "mag": {"uT": 1.0, "µT": 1.0, "G": 100.0},
    "heart": {"bpm": 1.0, "1/min": 1.0},
    "speed": {"m/s": 1.0, "km/h": 1 / 3.6},
    "x": {"m": 1.0},
    "y": {"m": 1.0},
    "altitude": {"m": 1.0},
    "cadence": {"spm": 1.0, "1/min": 1.0},
}


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
    name = _ALIASES.get(match["name"], match["name"]) if match else ""
    if match is None or name not in CHANNEL_INDEX:
        return None
    units = _UNITS[name.partition("_")[0]]
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
