"""``bridge.py map``: foreign messages become samples, as a mapping says."""

from __future__ import annotations

import json
import logging
import math
import re
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec
from paho.mqtt.client import topic_matches_sub

from athlete_monitor.arguments import DEVICE_PATTERN
from athlete_monitor.boundary import described
from athlete_monitor.bridge.beats import SteadyClock
from athlete_monitor.bridge.json_path import JsonPath
from athlete_monitor.bridge.mapping import BRACES, TIME_UNITS, factor_of
from athlete_monitor.bridge.wire_values import to_wire
from athlete_monitor.channels import BY_NAME, RR_KEY, RR_LIMITS_MS
from athlete_monitor.errors import PayloadError
from athlete_monitor.wire.reasons import not_json
from athlete_monitor.wire.timestamps import epoch_unit, parse_timestamp
from athlete_monitor.wire.topics import plain_device

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from athlete_monitor.bridge.mapping import MappingFile, Stream, Time, Value
    from athlete_monitor.bridge.outlet import Outlet

_log = logging.getLogger(__name__)

MOST_BYTES: Final = 4 * 1024 * 1024
MOST_SAMPLES: Final = 20_000
MOST_DEVICES: Final = 1000
MOST_REASONS: Final = 100
_EPOCH: Final = {"seconds": 1.0, "milliseconds": 1e3, "microseconds": 1e6, "nanoseconds": 1e9}
_DEVICE: Final = re.compile(DEVICE_PATTERN)
_decode: Final = msgspec.json.Decoder().decode

Values = dict[str, Any]


class MapBridge:
    """Translates the messages of foreign streams.

    Args:
        mapping: which streams there are.
        outlet: where samples go.
        factors: units of the wire, see ``wire_values``.
    """

    def __init__(self, mapping: MappingFile, outlet: Outlet, factors: Mapping[str, float]) -> None:
        self.refused: dict[str, int] = {}
        self._outlet = outlet
        self._streams = [Translator(stream, factors) for stream in mapping.streams]

    @property
    def filters(self) -> list[str]:
        """The topics to subscribe."""
        return list(dict.fromkeys(each.topic for each in self._streams))

    def take(self, topic: str, payload: bytes, now_s: float) -> None:
        """Take a message; what cannot be used is counted by its reason and stops nothing."""
        for stream in self._streams:
            if not topic_matches_sub(stream.topic, topic):
                continue
            try:
                found = stream.translate(topic, payload, now_s, partial(self._refuse, topic))
                for device, samples in found.items():
                    self._outlet.samples(device, samples)
            except PayloadError as error:
                self._refuse(topic, str(error))
            except Exception as error:  # noqa: BLE001 - the boundary: whatever comes, the other messages count
                self._refuse(topic, described(error).cause)

    def tick(self, now_s: float) -> None:
        """Nothing waits here."""

    def end(self, now_s: float) -> None:
        """Nothing waits here."""

    def _refuse(self, topic: str, reason: str) -> None:
        if reason not in self.refused and len(self.refused) < MOST_REASONS:
            _log.warning("event=foreign_message_refused topic=%r reason=%r", topic, reason)
            self.refused[reason] = 0
        if reason in self.refused:
            self.refused[reason] += 1


class Translator:
    """Translates the messages of one stream.

    Args:
        stream: what the mapping says of it.
        factors: units of the wire.
    """

    def __init__(self, stream: Stream, factors: Mapping[str, float]) -> None:
        self.topic = stream.topic
        self._stream, self._factors = stream, factors
        self._samples = None if stream.samples is None else JsonPath(stream.samples)
        self._values = [
            (name, JsonPath(value.path), factor_of(name, value), value) for name, value in stream.values.items()
        ]
        self._time = None if stream.timestamp is None else JsonPath(stream.timestamp.path)
        self._clocks: dict[str, SteadyClock] = {}

    def translate(
        self, topic: str, payload: bytes, now_s: float, left_out: Callable[[str], None]
    ) -> dict[str, list[Values]]:
        """Return the samples of a message by device; ``left_out`` is called with the reason of those without one.

        Raises:
            PayloadError: nothing of it can be used.
        """
        message = _document(payload)
        found: dict[str, list[tuple[float, Values]]] = {}
        items, why = self._items(message), None
        for item in items:
            try:
                values = self._wire(message, item)
                if values:
                    device = self._device(topic, message, item)
                    found.setdefault(device, []).append((self._moment(message, item, now_s), values))
            except PayloadError as error:  # noqa: PERF203 - one bad sample costs only itself
                why = why or str(error)
        if not found and items:
            raise PayloadError(why or "no value of the mapping is in the message")
        if why is not None:
            left_out(f"{why}; the other samples of the message are used")
        return {device: self._dated(device, samples, now_s) for device, samples in found.items()}

    def _items(self, message: Any) -> list[Any]:  # noqa: ANN401 - of a foreign message
        items = [message] if self._samples is None else self._samples.of(message)
        if not isinstance(items, list):
            raise PayloadError(f"samples: there is no list at {self._stream.samples!r}")
        if len(items) > MOST_SAMPLES:
            raise PayloadError(f"more than {MOST_SAMPLES} samples in one message")
        return items

    def _wire(self, message: Any, item: Any) -> Values:  # noqa: ANN401 - of a foreign message
        found: Values = {}
        for name, path, factor, value in self._values:
            raw = path.of(message if path.of_message else item)
            found[name] = _intervals(raw, factor) if name == RR_KEY else _number(name, raw, factor, value)
        return to_wire({name: value for name, value in found.items() if value not in (None, [])}, self._factors)

    def _device(self, topic: str, message: Any, item: Any) -> str:  # noqa: ANN401 - of a foreign message
        levels = topic.split("/")

        def part(match: re.Match[str]) -> str:
            if match[1].isdecimal():
                return levels[int(match[1])] if int(match[1]) < len(levels) else ""
            path = JsonPath(match[1])
            named = path.of(message if path.of_message else item)
            return str(named) if isinstance(named, str | int) else ""

        device = plain_device(BRACES.sub(part, self._stream.device))
        if not _DEVICE.fullmatch(device):
            raise PayloadError(f"device: {device!r} is no id of a device")
        return device

    def _moment(self, message: Any, item: Any, now_s: float) -> float:  # noqa: ANN401 - of a foreign message
        """Return the time of a sample in seconds, by the clock that the mapping names."""
        time = self._stream.timestamp
        if time is None or self._time is None:
            return now_s
        raw = self._time.of(message if self._time.of_message else item)
        return _plain(raw) / TIME_UNITS[time.unit or "s"] if time.clock == "boot" else _wall(raw, time)

    def _dated(self, device: str, samples: list[tuple[float, Values]], now_s: float) -> list[Values]:
        """Return the samples in order, with their times by the wall clock."""
        samples = sorted(samples, key=lambda each: each[0])
        shift_s = 0.0
        if self._stream.timestamp is not None and self._stream.timestamp.clock == "boot":
            newest_s = samples[-1][0]
            shift_s = self._clock(device).time(newest_s, now_s) - newest_s
        return [{"timestamp": round(t_s + shift_s, 4), **values} for t_s, values in samples]

    def _clock(self, device: str) -> SteadyClock:
        if len(self._clocks) >= MOST_DEVICES:
            self._clocks.clear()
        return self._clocks.setdefault(device, SteadyClock(drift=0.001, patience_s=10.0))


def _document(payload: bytes) -> Any:  # noqa: ANN401 - any JSON
    if len(payload) > MOST_BYTES:
        raise PayloadError(f"larger than {MOST_BYTES // 1024 // 1024} MB")
    with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _decode(payload)
    try:
        return json.loads(payload)  # it takes NaN and Infinity too, which devices write where they measure nothing
    except (ValueError, RecursionError) as error:
        raise PayloadError(not_json(payload, error)) from None


def _number(name: str, raw: Any, factor: float, value: Value) -> float | bool | None:  # noqa: ANN401
    if isinstance(raw, bool):
        return raw if BY_NAME[name].flag else None
    number = _float(raw)
    return None if number is None or number in value.missing else number * factor


def _float(raw: Any) -> float | None:  # noqa: ANN401 - of a foreign message
    """Return a number, which some senders write as text; None where it is none."""
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        return None
    try:
        number = float(raw)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _intervals(raw: Any, factor: float) -> list[float]:  # noqa: ANN401 - of a foreign message
    low, high = RR_LIMITS_MS
    numbers = [_float(each) for each in (raw if isinstance(raw, list) else [raw])]
    return [round(each * factor, 2) for each in numbers if each is not None and low <= each * factor <= high]


def _plain(raw: Any) -> float:  # noqa: ANN401 - of a foreign message
    number = _float(raw)
    if number is None:
        raise PayloadError("timestamp: it is missing, or no number")
    return number


def _wall(raw: Any, time: Time) -> float:  # noqa: ANN401 - of a foreign message
    """Return epoch seconds of a time: its size says the unit of a number where the mapping does not."""
    number = _float(raw)
    if number is None:
        if not isinstance(raw, str):
            raise PayloadError("timestamp: it is missing")
        return parse_timestamp(raw)
    if time.unit is not None:
        return parse_timestamp(number / TIME_UNITS[time.unit])
    return parse_timestamp(number / _EPOCH.get(epoch_unit(number) or "", 1.0))
