"""Polar's measurement data service (PMD): acceleration and pulse-to-pulse intervals of H10, H9, OH1 and Verity Sense.

The service is described in Polar's measurement data specification and in the sources of its SDK. A command is written
to the control point, which answers by an indication; data come as notifications, whose time stamp (ns) is that of the
last sample in them.

>>> frame = bytes([2, *(36_000_000).to_bytes(8, "little"), 1, 0x18, 0xFC, 0, 0, 0, 0, 0xE8, 3, 0, 0, 0, 0])
>>> read_acceleration(frame)
Acceleration(t_s=0.036, mg=((-1000.0, 0.0, 0.0), (1000.0, 0.0, 0.0)))
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from athlete_monitor.errors import PayloadError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CONTROL: Final = "fb005c81-02e7-f387-1cad-8acd2d8df0c8"
DATA: Final = "fb005c82-02e7-f387-1cad-8acd2d8df0c8"

ACCELERATION: Final = 2
INTERVALS: Final = 3
MOST_MG: Final = 100_000.0
_FEATURES: Final = 0x0F
_ANSWER: Final = 0xF0
_ASK, _START = 1, 2
_HEAD: Final = 10
_AXES: Final = 3
_COMPRESSED: Final = 0x80
_BYTES_OF_RAW: Final = {0: 1, 1: 2, 2: 3}
_SIZES: Final = {0: 2, 1: 2, 2: 2, 3: 2, 4: 1, 5: 4}
"""Bytes of a value of each setting: rate (Hz), resolution (bits), range (± g), range (± mg), channels, factor."""
_RATE, _FACTOR = 0, 5

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class ControlPointAnswer:
    """What the control point answers to a command for a measurement; ``error`` 0 means that it was carried out."""

    measurement: int
    error: int
    settings: Mapping[int, tuple[int, ...]]

    @property
    def factor(self) -> float:
        """What compressed samples are multiplied with."""
        raw = self.settings.get(_FACTOR, ())
        return float(struct.unpack("<f", raw[0].to_bytes(4, "little"))[0]) if raw else 1.0


@dataclass(frozen=True)
class Acceleration:
    """Samples of one notification: the sensor's time of the last one, s, and the axes in thousandths of g."""

    t_s: float
    mg: tuple[Vector, ...]


@dataclass(frozen=True)
class Interval:
    """A pulse-to-pulse interval, ms, and whether the sensor itself trusts it."""

    ms: int
    good: bool


def features(data: bytes) -> frozenset[int]:
    """Return which measurements a sensor offers, from what its control point holds."""
    if len(data) < 2 or data[0] != _FEATURES:
        return frozenset()
    return frozenset(number for number in range(8) if data[1] >> number & 1)


def ask(measurement: int) -> bytes:
    """Return the command that asks for the settings of a measurement."""
    return bytes([_ASK, measurement])


def start(measurement: int, settings: Mapping[int, tuple[int, ...]], rate_hz: float) -> bytes:
    """Return the command that starts a measurement, with the offered rate nearest to ``rate_hz``.

    >>> start(ACCELERATION, {0: (25, 50, 100), 1: (16,), 2: (2, 8)}, 52.0).hex(" ")
    '02 02 00 01 32 00 01 01 10 00 02 01 08 00'
    """
    chosen = {kind: max(values) for kind, values in settings.items() if values and kind != _FACTOR}
    if settings.get(_RATE):
        chosen[_RATE] = min(settings[_RATE], key=lambda rate: abs(rate - rate_hz))
    parts = (bytes([kind, 1]) + value.to_bytes(_SIZES[kind], "little") for kind, value in sorted(chosen.items()))
    return bytes([_START, measurement]) + b"".join(parts)


def rate_of(command: bytes) -> float | None:
    """Return the rate that a start command asks for, Hz; None where it names none."""
    return next((float(values[0]) for kind, values in _settings(command[2:]) if kind == _RATE), None)


def read_answer(data: bytes) -> ControlPointAnswer:
    """Read an indication of the control point.

    Raises:
        PayloadError: it is no answer.
    """
    if len(data) < 4 or data[0] != _ANSWER:
        raise PayloadError("Polar: no answer of the control point")
    return ControlPointAnswer(data[2], data[3], dict(_settings(data[5:])))


def _settings(data: bytes) -> Iterator[tuple[int, tuple[int, ...]]]:
    place = 0
    while place + 2 <= len(data) and data[place] in _SIZES:
        kind, count, size = data[place], data[place + 1], _SIZES[data[place]]
        values = data[place + 2 : place + 2 + count * size]
        yield kind, tuple(int.from_bytes(values[at : at + size], "little") for at in range(0, len(values), size))
        place += 2 + count * size


def read_acceleration(data: bytes, factor: float = 1.0) -> Acceleration:
    """Read a notification with acceleration.

    Args:
        data: the notification.
        factor: of the answer to the start command; for compressed samples.

    Raises:
        PayloadError: it holds something else, or is cut off.
    """
    kind = _kind(data, ACCELERATION)
    if kind & _COMPRESSED:
        steps = _unpacked(data[_HEAD:])
        scale = {0: factor * 1000.0, 1: factor}.get(kind & ~_COMPRESSED)
    else:
        steps, scale = _raw(data[_HEAD:], _BYTES_OF_RAW.get(kind, 0)), 1.0
    if scale is None or not steps:
        raise PayloadError(f"Polar: acceleration in a form that is not known ({kind:#x})")
    found = tuple((x * scale, y * scale, z * scale) for x, y, z in steps)
    if not all(abs(value) <= MOST_MG for vector in found for value in vector):
        raise PayloadError("Polar: acceleration beyond what a sensor measures")
    return Acceleration(_time(data), found)


def read_intervals(data: bytes) -> tuple[Interval, ...]:
    """Read a notification with pulse-to-pulse intervals.

    An interval is good if the sensor reports no disturbing movement, and skin contact if it measures that.

    Raises:
        PayloadError: it holds something else.
    """
    if _kind(data, INTERVALS) != 0:
        raise PayloadError("Polar: intervals in a form that is not known")
    rows = (data[place : place + 6] for place in range(_HEAD, len(data) - 5, 6))
    return tuple(Interval(int.from_bytes(row[1:3], "little"), _is_good(row[5])) for row in rows)


def _is_good(flags: int) -> bool:
    moved, contact, knows_contact = flags & 1, flags & 2, flags & 4
    return not moved and bool(contact or not knows_contact)


def measurement_of(data: bytes) -> int | None:
    """Return which measurement a notification belongs to; None where it is too short."""
    return data[0] if len(data) > _HEAD else None


def _kind(data: bytes, measurement: int) -> int:
    if measurement_of(data) != measurement:
        raise PayloadError("Polar: another measurement, or a notification that is cut off")
    return data[_HEAD - 1]


def _time(data: bytes) -> float:
    return int.from_bytes(data[1:9], "little") / 1e9


def _raw(data: bytes, size: int) -> list[tuple[int, int, int]]:
    if not size or len(data) % (size * _AXES):
        raise PayloadError("Polar: acceleration that is cut off")
    numbers = [int.from_bytes(data[at : at + size], "little", signed=True) for at in range(0, len(data), size)]
    return list(zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True))


def _unpacked(data: bytes) -> list[tuple[int, int, int]]:
    """Return compressed samples: the first in full, then groups of differences that take a few bits each."""
    if len(data) < 2 * _AXES:
        raise PayloadError("Polar: acceleration that is cut off")
    first = _raw(data[: 2 * _AXES], 2)
    differences: list[tuple[int, int, int]] = []
    place = 2 * _AXES
    while place + 2 <= len(data):
        bits, count = data[place], data[place + 1]
        length = -(-bits * count * _AXES // 8)
        group = data[place + 2 : place + 2 + length]
        if len(group) < length or not bits:
            raise PayloadError("Polar: acceleration that is cut off")
        differences += _group(int.from_bytes(group, "little"), bits, count)
        place += 2 + length
    return list(accumulate([*first, *differences], _add))


def _group(packed: int, bits: int, count: int) -> list[tuple[int, int, int]]:
    sign, mask = 1 << (bits - 1), (1 << bits) - 1
    raw = [packed >> (bits * place) & mask for place in range(count * _AXES)]
    numbers = [value - (mask + 1) if value & sign else value for value in raw]
    return list(zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True))


def _add(a: tuple[int, int, int], b: tuple[int, int, int]) -> tuple[int, int, int]:
    return a[0] + b[0], a[1] + b[1], a[2] + b[2]
