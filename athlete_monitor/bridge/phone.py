"""One phone: its messages become samples of a set rate. No network and no clock in here.

Messages may come twice, out of order or late, from a phone whose clock is an hour off, or from two phones that were
given the same id.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

from athlete_monitor.bridge.gravity import Gravity
from athlete_monitor.bridge.joining import Joiner
from athlete_monitor.bridge.wire_values import to_wire
from athlete_monitor.wire.link import LinkMessage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athlete_monitor.bridge.gravity import Sign
    from athlete_monitor.bridge.phone_messages import PhoneMessage, Reading
    from athlete_monitor.wire.link import LinkState

Values = dict[str, Any]

MOTION: Final = ("accelerometer", "gravity", "totalacceleration", "gyroscope", "magnetometer")
OF_STRAPS: Final = ("heart_rate_bpm", "rr_intervals_ms", "contact")
CLOCK_S: Final = 5.0
"""A clock that differs by more is not trusted: its time is shifted."""
STEP_S: Final = 30.0
"""A message in its turn that is older than the one before by more: the phone's clock was set back."""
HOLD_S: Final = 2.0
"""Samples wait so long, in the phone's own time, for a message that is missing."""
HANDS_OVER_S: Final = 3.0
"""A recording that is silent for so long gives the id to another one."""
SILENT_S: Final = 10.0
REMEMBERED: Final = 500
_TOGETHER_S: Final = 1.0


class Phone:
    """Takes the messages of one device.

    ``take`` and ``rest`` return samples: keys of the wire format without device and number, their times ascend.

    Args:
        device_id: under which its samples are published.
        rate_hz: samples a second.
        factors: units of the wire, see ``wire_values``.
        sign: of gravity, see ``gravity``.
        athlete_id: who carries it; None where nobody is known.
    """

    def __init__(
        self,
        device_id: str,
        *,
        rate_hz: float,
        factors: Mapping[str, float],
        sign: Sign = "auto",
        athlete_id: int | None = None,
    ) -> None:
        self.device_id, self.athlete_id = device_id, athlete_id
        self.duplicates = self.refused = 0
        self._rate_hz, self._factors, self._sign = rate_hz, factors, sign
        self._sender: str | None = None
        self._heard_s = self._intruded_s = self._changed_s = float("-inf")
        self._state: LinkState = "searching"
        self._battery_percent: float | None = None
        self._begin(None)

    def take(self, message: PhoneMessage, now_s: float) -> list[Values]:
        """Take a message that arrived at this time, epoch seconds."""
        left: list[Values] = []
        if message.sender != self._sender:
            if now_s - self._heard_s <= HANDS_OVER_S:
                self._intruded_s = now_s
                self.refused += len(message.readings)
                return []
            left = self.rest()
            self._begin(message.sender)
        self._heard_s = now_s
        if message.number is not None and message.number in self._numbers:
            self.duplicates += 1
            return left
        self.refused += message.skipped
        self._set_clock(message, now_s)
        for reading in message.readings:
            self._read(reading)
        self._count(message.number)
        return left + self._samples(self._joiner.release(self._until()))

    def join(self, sample: Mapping[str, Any]) -> None:
        """Take a sample of the strap that the same athlete wears; its times are those of the box."""
        values = {name: sample[name] for name in OF_STRAPS if sample.get(name) is not None}
        if values:
            self._joiner.put_now(float(sample["timestamp"]), values)

    def rest(self) -> list[Values]:
        """Return what still waits for more."""
        return self._samples(self._joiner.flush())

    def silent_s(self, now_s: float) -> float:
        """How long nothing has come, s."""
        return now_s - self._heard_s

    def health(self) -> Values:
        """What a message says of the phone itself."""
        return {} if self._battery_percent is None else {"battery_percent": self._battery_percent}

    def link(self, now_s: float, *, off: bool = False) -> LinkMessage:
        """How it is heard."""
        state: LinkState = "off" if off else "lost" if self.silent_s(now_s) > SILENT_S else "connected"
        if state != self._state:
            self._state, self._changed_s = state, now_s
        return LinkMessage(
            self.device_id,
            state,
            round(self._changed_s, 3),
            round(now_s, 3),
            round(self._heard_s, 3),
            self.athlete_id,
            "phone",
            self._sender,
            battery_percent=self._battery_percent,
            reason=self._reason(state, now_s),
        )

    def _reason(self, state: LinkState, now_s: float) -> str | None:
        if state != "connected":
            return "the bridge was stopped" if state == "off" else f"sends nothing for {SILENT_S:g} s"
        if now_s - self._intruded_s <= SILENT_S:
            return "another phone sends under the same id; it is not used"
        if self._offset_s:
            return f"its clock is {abs(self._offset_s):.0f} s {'behind' if self._offset_s > 0 else 'ahead'}; corrected"
        return self._gravity.note

    def _begin(self, sender: str | None) -> None:
        """A recording begins."""
        self._sender = sender
        self._joiner, self._gravity = Joiner(self._rate_hz), Gravity(self._sign)
        self._numbers: deque[int] = deque(maxlen=REMEMBERED)
        self._missing: set[int] = set()
        self._next_number: int | None = None
        self._offset_s: float | None = None
        self._newest: dict[str, float] = {}
        self._gap_t = self._released_t = float("-inf")
        self._base_m: float | None = None
        self._height_m: float | None = None

    def _set_clock(self, message: PhoneMessage, now_s: float) -> None:
        """Find out by how much the phone's clock is off: not at all, where the message can be in time."""
        if not message.readings:
            return
        newest_s = max(reading.t_s for reading in message.readings)
        direct_s = now_s - newest_s
        offset_s = self._offset_s
        if offset_s is None:
            self._offset_s = direct_s if abs(direct_s) > CLOCK_S else 0.0
        elif newest_s + offset_s > now_s + CLOCK_S or self._was_set_back(message, newest_s + offset_s):
            self._offset_s = direct_s

    def _was_set_back(self, message: PhoneMessage, newest_s: float) -> bool:
        in_turn = message.number is not None and message.number == self._next_number
        return in_turn and newest_s < max(self._newest.values(), default=newest_s) - STEP_S

    def _read(self, reading: Reading) -> None:
        t_s = reading.t_s + (self._offset_s or 0.0)
        self._newest[reading.sensor] = max(t_s, self._newest.get(reading.sensor, t_s))
        if reading.sensor in MOTION:
            if {"x", "y", "z"} <= reading.values.keys():
                axes = reading.values["x"], reading.values["y"], reading.values["z"]
                self._joiner.add(reading.sensor, t_s, axes)
        elif seldom := self._seldom(reading):
            self._joiner.put(t_s, seldom)

    def _seldom(self, reading: Reading) -> Values:
        """Return what a reading of a slow sensor means on the wire."""
        values = reading.values
        if reading.sensor == "heartrate":
            bpm = values.get("bpm", 0.0)
            return {"heart_rate_bpm": bpm} if 20.0 <= bpm <= 250.0 else {}
        if reading.sensor == "battery":
            level = values.get("batteryLevel", -1.0)
            self._battery_percent = round(100.0 * level) if 0.0 <= level <= 1.0 else self._battery_percent
            return {}
        if reading.sensor == "barometer":
            return self._altitude(values.get("relativeAltitude"))
        return self._location(values)

    def _location(self, values: Mapping[str, float]) -> Values:
        """Return place and speed; the app marks what is not valid with negative numbers."""
        accuracy_m, speed_mps = values.get("horizontalAccuracy"), values.get("speed", -1.0)
        found: Values = {"speed_mps": speed_mps} if speed_mps >= 0.0 else {}
        if accuracy_m is None or accuracy_m >= 0.0:
            found |= {
                "latitude": values.get("latitude"),
                "longitude": values.get("longitude"),
                "horizontal_accuracy_m": accuracy_m,
            }
        if "altitude" in values and values.get("verticalAccuracy", 0.0) >= 0.0:
            self._base_m = values["altitude"] - (self._height_m or 0.0) if self._base_m is None else self._base_m
            found |= {"altitude_m": values["altitude"]} if self._height_m is None else {}
        return {name: value for name, value in found.items() if value is not None}

    def _altitude(self, height_m: float | None) -> Values:
        """Return the altitude by the barometer, which feels a step; the location says where its zero is."""
        if height_m is None:
            return {}
        if self._height_m is None and self._base_m is not None:
            self._base_m -= height_m
        self._height_m = height_m
        return {} if self._base_m is None else {"altitude_m": self._base_m + height_m}

    def _count(self, number: int | None) -> None:
        """Keep account of which messages are missing."""
        if number is None:
            return
        self._numbers.append(number)
        self._missing.discard(number)
        if self._next_number is not None and number > self._next_number:
            if not self._missing:
                self._gap_t = self._released_t
            self._missing.update(range(max(self._next_number, number - REMEMBERED), number))
        self._next_number = max(number + 1, self._next_number or 0)

    def _until(self) -> float:
        """Return until when everything has come that may still come in order."""
        newest_s = self._motion_s()
        if self._missing and newest_s - self._gap_t > HOLD_S:
            self._missing.clear()
        until_s = min(newest_s, self._gap_t) if self._missing else newest_s
        self._released_t = max(until_s, self._released_t)
        return until_s

    def _motion_s(self) -> float:
        """Return the time up to which all sensors of motion have sent; of the others, where it has none of these."""
        motion = [t_s for sensor, t_s in self._newest.items() if sensor in MOTION]
        if not motion:
            return max(self._newest.values(), default=float("-inf")) + 1.0 / self._rate_hz
        return min(t_s for t_s in motion if t_s > max(motion) - _TOGETHER_S)

    def _samples(self, joined: list[tuple[float, dict[str, Any]]]) -> list[Values]:
        return [sample for t_s, sensors in joined if len(sample := self._sample(t_s, sensors)) > 1]

    def _sample(self, t_s: float, sensors: dict[str, Any]) -> Values:
        values = {name: value for name, value in sensors.items() if name not in MOTION}
        values |= _axes("acc", self._gravity.total(sensors, t_s))
        values |= _axes("gyro", sensors.get("gyroscope")) | _axes("mag", sensors.get("magnetometer"))
        return {"timestamp": round(t_s, 3), **to_wire(values, self._factors)}


def _axes(name: str, vector: tuple[float, float, float] | None) -> Values:
    return {} if vector is None else {f"{name}_{axis}": value for axis, value in zip("xyz", vector, strict=True)}
