"""Sensor Logger: a folder or archive with one table for each sensor of a phone, or one list of rows as JSON.

In JSON, the rows of all sensors are one list. ``time`` counts nanoseconds since 1970. On Android ``TotalAcceleration``
is with gravity; on iOS gravity is in a table of its own and the sum is taken, with the sign inverted unless the file
says that it has standard units. All sensors are resampled to the rows of the acceleration, or without one to those of
the location. A negative speed means no speed. Uncalibrated acceleration of iOS and that of its watch (``WristMotion``)
are in g. The time zone of the metadata gives the local time.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.arrays import GRAVITY_MPS2
from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings import jsons
from athlete_monitor.recordings.cells import numbers
from athlete_monitor.recordings.format import Format, Options
from athlete_monitor.recordings.imported import Imported
from athlete_monitor.recordings.layout import layout_of
from athlete_monitor.recordings.source import NotARecording, Source
from athlete_monitor.recordings.table import read_columns
from athlete_monitor.recordings.text import cells_of, text_head
from athlete_monitor.recordings.zones import zone_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athlete_monitor.arrays import FloatArray

_MOTION: Final = ("TotalAcceleration.csv", "Accelerometer.csv", "AccelerometerUncalibrated.csv", "Gravity.csv")
_OTHERS: Final = (
    *("Gyroscope.csv", "GyroscopeUncalibrated.csv", "Magnetometer.csv", "MagnetometerUncalibrated.csv"),
    *("Location.csv", "LocationGps.csv", "HeartRate.csv", "Heart Rate.csv", "Metadata.csv", "Orientation.csv"),
    *("Barometer.csv", "Pedometer.csv", "Annotation.csv", "Battery.csv", "Light.csv", "Microphone.csv"),
    *("WatchAccelerometer.csv", "WristMotion.csv", "WatchLocation.csv"),
)
_NAMES: Final = frozenset((*_MOTION, *_OTHERS))
_GYROSCOPES: Final = ("Gyroscope.csv", "GyroscopeUncalibrated.csv")
_TIMES: Final = ("time", "seconds_elapsed")
_STALE_S: Final = 3.0
_LOOKED_AT_ROWS: Final = 100
_LOCATION: Final = {
    "latitude": "latitude",
    "longitude": "longitude",
    "altitude": "altitude_m",
    "speed": "speed_mps",
    "horizontalAccuracy": "horizontal_accuracy_m",
}


def recognise(source: Source) -> bool:
    """Whether the file is the table of a sensor, or has the rows of all sensors."""
    if jsons.is_json(source):
        return all(name in source.head for name in (b'"sensor"', b'"seconds_elapsed"', b'"time"'))
    if source.name not in _NAMES:
        return False
    text = text_head(source)
    first = text.partition("\n")[0] if text else ""
    return "seconds_elapsed" in first or (source.name == "Metadata.csv" and "recording" in first.lower())


def read(source: Source, _options: Options) -> list[Imported]:
    """Read the sensors of a recording.

    Raises:
        RecordingError: a table is not readable.
        NotARecording: there is no usable sensor.
    """
    sensors, metadata = _of_json(source) if jsons.is_json(source) else _of_folder(source)
    base = next(
        (
            name
            for name in (
                *_MOTION[:3],
                "WristMotion.csv",
                "Location.csv",
                "LocationGps.csv",
                "WatchLocation.csv",
                "HeartRate.csv",
                "Heart Rate.csv",
                "Gyroscope.csv",
            )
            if name in sensors
        ),
        None,
    )
    if base is None:
        raise NotARecording(f"{source}: holds no usable sensor")
    t = sensors[base]["t"]
    channels, notes = _acceleration(sensors, t, standard=_standard(metadata))
    turns = _wrist(sensors.get("WristMotion.csv"), t, "rotationRate") if base == "WristMotion.csv" else None
    channels |= _named(turns, "gyro") if turns else _vector(sensors, _GYROSCOPES, "gyro", t)
    channels |= _vector(sensors, ("Magnetometer.csv", "MagnetometerUncalibrated.csv"), "mag", t)
    channels |= _sparse(sensors, t)
    offset_s = _offset(metadata, float(t[0]) if len(t) else 0.0)
    return [
        Imported(
            source.path if source.member or jsons.is_json(source) else source.path.parent,
            t,
            channels,
            notes=tuple(notes),
            label=str(source) if jsons.is_json(source) else str(source).removesuffix(source.name).rstrip("/ :"),
            kind="sensor-logger",
            offset_s=offset_s,
        )
    ]


FORMAT: Final = Format(
    "sensor-logger",
    "Sensor Logger (folder or zip)",
    recognise,
    read,
    lambda source: frozenset() if jsons.is_json(source) else _NAMES - {source.name},
    suffixes=(".zip", ".json"),
)


def _of_folder(source: Source) -> tuple[dict[str, dict[str, FloatArray]], dict[str, str]]:
    """Return the tables of a folder by the names of their files, and what the app says about the recording."""
    files = {**source.siblings(), source.name: source}
    sensors = {name: table for name in files if name in _NAMES and (table := _table(files[name])) is not None}
    return sensors, _metadata(files)


def _of_json(source: Source) -> tuple[dict[str, dict[str, FloatArray]], dict[str, str]]:
    """Return the same of JSON: a list of rows, each with the name of its sensor and its numbers as text."""
    rows: dict[str, list[dict[str, object]]] = {}
    for row in jsons.objects(jsons.load(source)):
        rows.setdefault(f"{row.get('sensor')}.csv", []).append(row)
    about = {name.lower(): str(value) for name, value in next(iter(rows.get("Metadata.csv", [])), {}).items()}
    known = {name: _of_rows(rows[name]) for name in rows if name in _NAMES and _numeric(name)}
    return {name: table for name, table in known.items() if len(table.get("t", ()))}, about


def _of_rows(rows: list[dict[str, object]]) -> dict[str, FloatArray]:
    names = dict.fromkeys(name for row in rows[:_LOOKED_AT_ROWS] for name in row if name != "sensor")
    table = {name: numbers([str(row.get(name, "")) for row in rows])[0] for name in names}
    return _in_order(table, table["time"]) if "time" in table else {}


def _table(source: Source) -> dict[str, FloatArray] | None:
    """Return the columns of a sensor's table by their names, and ``t``; None if it is empty or of another kind."""
    try:
        layout = layout_of(source)
    except RecordingError:
        return None
    place = layout.column(*_TIMES[:1])
    if place is None:
        return None
    columns = (
        read_columns(layout, range(len(layout.header)), may_be_empty=True) if _numeric(layout.source.name) else None
    )
    if columns is None or not len(columns.lines):
        return None
    table = {name: columns.numbers[at] for at, name in enumerate(layout.header) if at in columns.numbers}
    return _in_order(table, table[layout.header[place]])


def _in_order(table: Mapping[str, FloatArray], times: FloatArray) -> dict[str, FloatArray]:
    """Return the rows that have a time, in its order, and the times in seconds as ``t``."""
    order = np.argsort(times, kind="stable")
    order = order[~np.isnan(times[order])]
    return {name: column[order] for name, column in table.items()} | {"t": times[order] * _scale(times)}


def _numeric(name: str) -> bool:
    return name not in {"Metadata.csv", "Annotation.csv", "Battery.csv"}


def _scale(times: FloatArray) -> float:
    present = times[~np.isnan(times)]
    usual = float(np.median(present)) if len(present) else 0.0
    return 1e-9 if usual > 1e17 else 1e-6 if usual > 1e14 else 1e-3 if usual > 1e11 else 1.0


def _metadata(files: Mapping[str, Source]) -> dict[str, str]:
    """Return what the app says about the recording, by names in lower case."""
    text = text_head(files["Metadata.csv"]) if "Metadata.csv" in files else None
    lines = cells_of(text.splitlines()[:2]) if text else []
    return {} if len(lines) < 2 else dict(zip(map(str.lower, lines[0]), lines[1], strict=False))


def _offset(metadata: Mapping[str, str], start_t: float) -> int | None:
    """Return how far the recording's local time was ahead of UTC, s; None where the file gives no time zone."""
    name = metadata.get("recording timezone", "").strip()
    try:
        offset = datetime.fromtimestamp(start_t, zone_of(name)).utcoffset() if name else None
    except (ValueError, OSError, OverflowError):
        return None
    return None if offset is None else int(offset.total_seconds())


def _standard(metadata: Mapping[str, str]) -> bool | None:
    """Whether the app wrote standard units; None where it does not say whether the phone is an iPhone."""
    fields = {name: value.lower() for name, value in metadata.items()}
    if "android" in fields.get("platform", ""):  # its own units and signs are the standard ones
        return True
    if "standardisation" in fields or "standardized" in fields:
        return fields.get("standardisation", fields.get("standardized")) == "true"
    return False if "ios" in fields.get("platform", "") else None


def _acceleration(
    sensors: Mapping[str, dict[str, FloatArray]], t: FloatArray, *, standard: bool | None
) -> tuple[dict[str, FloatArray], list[str]]:
    total = _axes(sensors.get("TotalAcceleration.csv"), t)
    if total is not None:
        return _named(total, "acc"), []
    linear, gravity = _axes(sensors.get("Accelerometer.csv"), t), _axes(sensors.get("Gravity.csv"), t)
    if linear is not None and gravity is not None:
        sign = -1.0 if standard is False else 1.0
        note = "acceleration is the sum of the accelerometer and gravity" + (
            ", with the sign of a sensor at rest" if sign < 0 else ""
        )
        return _named([sign * (a + b) for a, b in zip(linear, gravity, strict=True)], "acc"), [note]
    raw = _axes(sensors.get("AccelerometerUncalibrated.csv"), t)
    if raw is not None:
        return _named([axis * (-GRAVITY_MPS2 if standard is False else 1.0) for axis in raw], "acc"), []
    wrist = (
        _wrist(sensors.get("WristMotion.csv"), t, "acceleration"),
        _wrist(sensors.get("WristMotion.csv"), t, "gravity"),
    )
    if wrist[0] is not None and wrist[1] is not None:
        factor = 1.0 if standard else -GRAVITY_MPS2
        note = "acceleration is that of the watch"
        return _named([factor * (a + b) for a, b in zip(wrist[0], wrist[1], strict=True)], "acc"), [note]
    if linear is not None:
        return _named(linear, "acc"), ["the acceleration is without gravity: there is no table of gravity"]
    return {}, []


def _axes(table: dict[str, FloatArray] | None, t: FloatArray) -> list[FloatArray] | None:
    return _three(table, t, ("x", "y", "z"))


def _wrist(table: dict[str, FloatArray] | None, t: FloatArray, name: str) -> list[FloatArray] | None:
    """Return three columns of the watch's table, which has all of its sensors."""
    return _three(table, t, tuple(f"{name}{axis}" for axis in "XYZ"))


def _three(table: dict[str, FloatArray] | None, t: FloatArray, names: tuple[str, ...]) -> list[FloatArray] | None:
    if table is None or not set(names) <= table.keys():
        return None
    return [_at(t, table["t"], table[name]) for name in names]


def _at(t: FloatArray, known_t: FloatArray, value: FloatArray) -> FloatArray:
    """Return a signal at other times, by straight lines; NaN where its own rows are far away."""
    if len(known_t) == len(t) and (known_t == t).all():
        return value
    good = ~np.isnan(value)
    if good.sum() < 2:
        return np.full(len(t), np.nan)
    line = np.interp(t, known_t[good], value[good], left=np.nan, right=np.nan)
    after = np.minimum(np.searchsorted(known_t[good], t), good.sum() - 1)
    before = np.maximum(after - 1, 0)
    far = known_t[good][after] - known_t[good][before] > 1.0
    return np.where(far, np.nan, line)


def _named(axes: list[FloatArray], name: str) -> dict[str, FloatArray]:
    return {f"{name}_{axis}": column for axis, column in zip("xyz", axes, strict=True)}


def _vector(
    sensors: Mapping[str, dict[str, FloatArray]], names: tuple[str, ...], channel: str, t: FloatArray
) -> dict[str, FloatArray]:
    axes = next((axes for name in names if (axes := _axes(sensors.get(name), t)) is not None), None)
    return {} if axes is None else _named(axes, channel)


def _sparse(sensors: Mapping[str, dict[str, FloatArray]], t: FloatArray) -> dict[str, FloatArray]:
    """Return location and heart rate, each reading at the first row at or after it."""
    found: dict[str, FloatArray] = {}
    location = sensors.get("Location.csv") or sensors.get("LocationGps.csv") or sensors.get("WatchLocation.csv")
    if location is not None:
        fields = {channel: location[name] for name, channel in _LOCATION.items() if name in location}
        if "speed_mps" in fields:
            fields["speed_mps"] = np.where(fields["speed_mps"] < 0, np.nan, fields["speed_mps"])
        found |= {channel: _placed(t, location["t"], column) for channel, column in fields.items()}
    heart = sensors.get("HeartRate.csv") or sensors.get("Heart Rate.csv")
    if heart is not None:
        column = next((heart[name] for name in ("bpm", "heartRate", "heart_rate", "value") if name in heart), None)
        if column is not None:
            found["heart_rate_bpm"] = _placed(t, heart["t"], column)
    return found


def _placed(t: FloatArray, known_t: FloatArray, value: FloatArray) -> FloatArray:
    rows = np.searchsorted(t, known_t)
    placed = np.full(len(t), np.nan)
    inside = rows < len(t)
    near = np.zeros(len(rows), dtype=np.bool_)
    near[inside] = t[rows[inside]] - known_t[inside] < _STALE_S
    placed[rows[near]] = value[near]
    return placed
