"""One strap: from its notifications to samples of the wire format, and how it is heard. No radio and no clock in here.

>>> strap = Strap("007", "A0:9E:1A:00:00:07", athlete_id=7)
>>> strap.found("Polar H10", "hci0", -60.0, 100.0)
>>> strap.take_heart_rate(bytes([0x10, 120, 0x00, 0x02]), 100.5)
[{'timestamp': 100.5, 'heart_rate_bpm': 120.0, 'rr_intervals_ms': [500.0]}]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from athlete_monitor.bridge import polar
from athlete_monitor.bridge.beats import Artefacts, Repeats, SteadyClock
from athlete_monitor.bridge.heart_rate import TICKS_PER_S, read_heart_rate
from athlete_monitor.channels import GRAVITY_MPS2
from athlete_monitor.errors import PayloadError
from athlete_monitor.wire.link import LinkMessage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.wire.link import LinkState

Values = dict[str, Any]

WAITS_S: Final = 2.0
"""A heart rate waits so long for acceleration to travel with."""
LEAST_STEP_S: Final = 0.001
CLOCK_STEP_S: Final = 5.0
"""A sample so far behind the last one means that the host's clock was set back; the engine knows what to do then."""
_USUAL_RATE_HZ: Final = 50.0


class Strap:
    """What a strap has sent and what is known of its connection.

    The ``take_…`` methods return samples: keys of the wire format without device and number. Their times ascend, unless
    the host's clock is set back.

    Args:
        device_id: under which its samples are published.
        address: its Bluetooth address.
        athlete_id: who wears it; None where nobody is known.
        acc_unit: what one ``g`` of acceleration is in the unit of the wire.
    """

    def __init__(
        self, device_id: str, address: str, *, athlete_id: int | None = None, acc_unit: float = GRAVITY_MPS2
    ) -> None:
        self.device_id, self.address, self.athlete_id = device_id, address, athlete_id
        self.state: LinkState = "searching"
        self.refused = 0
        self.rate_hz = _USUAL_RATE_HZ
        self.factor = 1.0
        self._acc_unit = acc_unit / 1000.0
        self.name: str | None = None
        self._adapter: str | None = None
        self._reason: str | None = None
        self._rssi_dbm: float | None = None
        self._battery_percent: float | None = None
        self._contact: bool | None = None
        self._since_s = self._seen_s = self._heard_s = float("nan")
        self._reconnects = 0
        self._repeats, self._artefacts = Repeats(), Artefacts()
        self._beats_s = 0.0
        self._t = 0.0
        self._clock = SteadyClock()
        self._frames = SteadyClock(drift=0.001)
        self._frame_t_s = self._frame_arrived_s = float("-inf")
        self._waiting: Values | None = None
        self._pulses: list[float] = []

    def found(self, name: str | None, adapter: str, rssi_dbm: float | None, now_s: float) -> None:
        """It is connected now."""
        if self.state == "lost":
            self._reconnects += 1
        self.name, self._adapter, self._rssi_dbm = name or self.name, adapter, rssi_dbm
        self._change("connected", now_s, None)
        self._repeats.reconnected()
        self._clock, self._frames = SteadyClock(), SteadyClock(drift=0.001)
        self._frame_t_s = self._frame_arrived_s = float("-inf")
        self._heard_s = now_s

    def accelerates(self, rate_hz: float, factor: float, now_s: float) -> None:
        """Acceleration was asked for, at this rate; compressed samples are multiplied with the factor."""
        self.rate_hz, self.factor, self._frame_arrived_s = rate_hz, factor, now_s

    def is_away(self, reason: str, now_s: float) -> list[Values]:
        """It is not connected any more, or not yet; return what still waited."""
        if self.state == "connected":
            self._change("lost", now_s, reason)
        else:
            self._since_s = now_s if self._since_s != self._since_s else self._since_s
            self._reason = reason
        self._contact = None
        self._pulses = []
        return self._release()

    def is_off(self, now_s: float) -> list[Values]:
        """The bridge ends; return what still waited."""
        self._change("off", now_s, "the bridge was stopped")
        return self._release()

    def silent_s(self, now_s: float) -> float:
        """How long nothing has come, s."""
        return now_s - self._heard_s

    def link(self, now_s: float) -> LinkMessage:
        """How it is heard."""
        return LinkMessage(
            self.device_id,
            self.state,
            round(now_s if self._since_s != self._since_s else self._since_s, 3),
            round(now_s, 3),
            None if self._seen_s != self._seen_s else round(self._seen_s, 3),
            self.athlete_id,
            self.name,
            self.address,
            self._adapter,
            self._rssi_dbm,
            self._battery_percent,
            self._contact,
            self._artefacts.percent,
            self._reconnects,
            self._reason,
        )

    def health(self) -> Values:
        """What a message says of the strap itself."""
        known = {"battery_percent": self._battery_percent, "rssi_dbm": self._rssi_dbm}
        return {key: value for key, value in known.items() if value is not None}

    def take_battery(self, percent: float | None) -> None:
        """Its battery's charge, %."""
        self._battery_percent = self._battery_percent if percent is None else percent

    def take_heart_rate(self, data: bytes, now_s: float) -> list[Values]:
        """Take a notification of the heart rate service."""
        try:
            reading = read_heart_rate(data)
        except PayloadError:
            self.refused += 1
            return []
        self._seen_s = self._heard_s = now_s
        self._contact = reading.contact
        beats = self._repeats.new(reading.beats)
        intervals = [round(1000.0 * beat / TICKS_PER_S, 2) for beat in beats]
        self._artefacts.take(intervals)
        if not reading.beats and self._pulses:
            intervals, self._pulses = self._pulses, []
        sample = _known(
            heart_rate_bpm=reading.heart_rate_bpm, contact=reading.contact, rr_intervals_ms=intervals or None
        )
        return self._joined({"timestamp": self._moment(beats, now_s), **sample}, now_s)

    def take_measurement(self, data: bytes, now_s: float) -> list[Values]:
        """Take a notification of Polar's measurement service."""
        try:
            if polar.measurement_of(data) == polar.INTERVALS:
                self._take_pulses(polar.read_intervals(data))
                return []
            found = polar.read_acceleration(data, self.factor)
        except PayloadError:
            self.refused += 1
            return []
        self._seen_s = self._heard_s = now_s
        return self._frame(found, now_s)

    def _take_pulses(self, intervals: Sequence[polar.Interval]) -> None:
        self._artefacts.take([float(each.ms) if each.good else 0.0 for each in intervals])
        self._pulses += [float(each.ms) for each in intervals if each.good]

    def _moment(self, beats: Sequence[int], now_s: float) -> float:
        """When a reading was taken: the time of its last beat, or of its arrival where it has none."""
        if not beats:
            return now_s
        self._beats_s += sum(beats) / TICKS_PER_S
        return self._clock.time(self._beats_s, now_s)

    def _frame(self, found: polar.Acceleration, now_s: float) -> list[Values]:
        count = len(found.mg)
        passed_s = found.t_s - self._frame_t_s
        usual_s = count / self.rate_hz
        step_s = (passed_s if 0.5 * usual_s < passed_s < 2.0 * usual_s else usual_s) / count
        last_s = self._frames.time(found.t_s, now_s)
        self._frame_t_s, self._frame_arrived_s = found.t_s, now_s
        samples = [
            {"timestamp": last_s - (count - 1 - place) * step_s, **self._axes(vector)}
            for place, vector in enumerate(found.mg)
        ]
        if self._waiting is not None:
            samples[0] = {**self._waiting, **samples[0]}
            self._waiting = None
        return [self._stamped(sample) for sample in samples]

    def _axes(self, vector: polar.Vector) -> Values:
        return {f"acc_{axis}": round(value * self._acc_unit, 4) for axis, value in zip("xyz", vector, strict=True)}

    def _joined(self, sample: Values, now_s: float) -> list[Values]:
        """Return what may go now: a heart rate waits for the acceleration that it belongs to."""
        earlier = self._release()
        if now_s - self._frame_arrived_s <= WAITS_S:
            self._waiting = sample
            return earlier
        return [*earlier, self._stamped(sample)]

    def _release(self) -> list[Values]:
        waiting, self._waiting = self._waiting, None
        return [] if waiting is None else [self._stamped(waiting)]

    def _stamped(self, sample: Values) -> Values:
        t = sample["timestamp"]
        set_back = t < self._t - CLOCK_STEP_S
        self._t = t if set_back else max(t, self._t + LEAST_STEP_S)
        return {**sample, "timestamp": round(self._t, 3)}

    def _change(self, state: LinkState, now_s: float, reason: str | None) -> None:
        self.state, self._since_s, self._reason = state, now_s, reason


def _known(**values: Any) -> Values:  # noqa: ANN401 - values of a message
    return {key: value for key, value in values.items() if value is not None}
