"""What phone apps send: Sensor Logger's batches of readings, and OwnTracks' locations.

Sensor Logger documents its messages and units in its repository (``PUSHING.md``, ``UNITS.md``), OwnTracks in its
booklet (``tech/json``).

>>> message = read_message(b'{"messageId": 4, "sessionId": "s", "deviceId": "d", "payload": [{"name": "accelerometer",'
...                        b' "time": 1698501144401773000, "values": {"x": 0.1, "y": 0, "z": -0.2}}]}')
>>> message.number, message.readings[0].sensor, message.readings[0].values["x"]
(4, 'accelerometer', 0.1)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from athlete_monitor.errors import PayloadError
from athlete_monitor.wire.push import MOST_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MOST_READINGS: Final = 200_000
SENSORS: Final = frozenset(
    ("accelerometer", "gravity", "totalacceleration", "gyroscope", "magnetometer", "location", "heartrate", "barometer",
     "battery")
)  # fmt: skip
"""Sensors that are used, by their names in small letters without blanks; others are skipped."""
_NO_VALUES: Final = frozenset(("name", "time", "accuracy"))
_KMH: Final = 1 / 3.6
_decode: Final = msgspec.json.Decoder().decode


@dataclass(frozen=True)
class Reading:
    """One reading of one sensor: when, by the phone's clock (epoch seconds), and its numbers."""

    sensor: str
    t_s: float
    values: Mapping[str, float]


@dataclass(frozen=True)
class PhoneMessage:
    """A message.

    Attributes:
        sender: which recording of which phone sends: phones of one id differ in it.
        number: running number of the message in the recording; None where it has none.
        readings: in the order of the message, without those that cannot be used.
        skipped: readings of used sensors that were not valid.
    """

    sender: str
    number: int | None
    readings: tuple[Reading, ...]
    skipped: int = 0


def read_message(payload: bytes) -> PhoneMessage:
    """Read a message of one of the apps.

    Raises:
        PayloadError: it is none, or too large.
    """
    if len(payload) > MOST_BYTES:
        raise PayloadError(f"larger than {MOST_BYTES // 1024 // 1024} MB")
    try:
        document = _decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise PayloadError("not JSON") from None
    if isinstance(document, dict) and isinstance(document.get("payload"), list):
        return _sensor_logger(document)
    if isinstance(document, dict) and document.get("_type") == "location":
        return _owntracks(document)
    raise PayloadError("neither Sensor Logger nor a location of OwnTracks")


def _sensor_logger(document: dict[str, Any]) -> PhoneMessage:
    rows = document["payload"]
    if len(rows) > MOST_READINGS:
        raise PayloadError(f"more than {MOST_READINGS} readings in one message")
    wanted = [row for row in rows if isinstance(row, dict) and _plain(row.get("name")) in SENSORS]
    readings = tuple(reading for row in wanted if (reading := _reading(row)) is not None)
    number = document.get("messageId")
    return PhoneMessage(
        f"{document.get('deviceId')}/{document.get('sessionId')}"[:128],
        number if isinstance(number, int) and not isinstance(number, bool) else None,
        readings,
        len(wanted) - len(readings),
    )


def _reading(row: dict[str, Any]) -> Reading | None:
    nested = row.get("values")
    values = dict(_numbers(nested if isinstance(nested, dict) else row))
    t_s = _seconds(row.get("time"))
    return None if t_s is None or not values else Reading(_plain(row["name"]), t_s, values)


def _numbers(values: dict[str, Any]) -> Iterator[tuple[str, float]]:
    for name, value in values.items():
        if name not in _NO_VALUES and isinstance(value, int | float) and not isinstance(value, bool):
            number = _finite(value)
            if number is not None:
                yield name, number


def _plain(name: Any) -> str:  # noqa: ANN401 - of a foreign message
    return name.lower().replace(" ", "").replace("_", "") if isinstance(name, str) else ""


def _seconds(time: Any) -> float | None:  # noqa: ANN401 - of a foreign message
    """Return epoch seconds of nanoseconds, which some versions write as text."""
    if isinstance(time, str) and time.isascii() and time.isdigit() and len(time) <= 20:
        time = int(time)
    if not isinstance(time, int | float) or isinstance(time, bool):
        return None
    number = _finite(time)
    return number / 1e9 if number is not None and 1e17 < number < 1e19 else None


def _finite(value: float) -> float | None:
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _owntracks(document: dict[str, Any]) -> PhoneMessage:
    found = dict(_numbers(document))
    if not {"lat", "lon", "tst"} <= found.keys() or not 1e8 < found["tst"] < 1e10:
        raise PayloadError("a location of OwnTracks without lat, lon or tst")
    location = {"latitude": found["lat"], "longitude": found["lon"]}
    location |= {
        ours: found[theirs] for theirs, ours in (("acc", "horizontalAccuracy"), ("alt", "altitude")) if theirs in found
    }
    if found.get("vel", -1.0) >= 0.0:
        location["speed"] = found["vel"] * _KMH
    readings = [Reading("location", found["tst"], location)]
    if 0.0 <= found.get("batt", -1.0) <= 100.0:
        readings.append(Reading("battery", found["tst"], {"batteryLevel": found["batt"] / 100.0}))
    return PhoneMessage(f"owntracks/{document.get('tid')}"[:128], None, tuple(readings))
