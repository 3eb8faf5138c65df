"""The publisher's end of MQTT: sends messages, and at full speed no faster than they are taken.

The broker's acknowledgement does not mean that the engine has received anything, and Mosquitto drops what a slow
subscriber lets pile up beyond 1000 messages. So at full speed the publisher listens to the engine's metrics, which show
how far each device's samples are processed, and keeps its lead short.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Final

import msgspec

from athlete_monitor.errors import PayloadError
from athlete_monitor.wire import topics
from athlete_monitor.wire.codec import encode_batch, encode_sample
from athlete_monitor.wire.timestamps import parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from athlete_monitor.config import Config
    from athlete_monitor.sim.pacing import Stop
    from athlete_monitor.wire.mqtt import MqttLink
    from athlete_monitor.wire.sample import Sample

LEAD_MESSAGES: Final = 800
"""Messages of all devices that may be ahead of the engine: fewer than Mosquitto keeps for a subscriber (1000)."""
WINDOW: Final = 400
"""Messages that may wait for the broker's acknowledgement."""
FIRST_ANSWER_S: Final = 3.0
"""An engine that has not answered by then is not there."""
NEXT_ANSWER_S: Final = 30.0
_POLL_S: Final = 0.002
_CONNECT_POLL_S: Final = 0.02
_FLUSH_S: Final = 60.0


class _Metrics(msgspec.Struct):
    timestamp: str | float


_METRICS: Final = msgspec.json.Decoder(_Metrics)


class Echo:
    """How far the engine is with each device, as its metrics show.

    Args:
        lead_s: by how much sample time a device may be ahead of the engine.
        stop: ends every wait.
        warn: called when the engine does not answer any more.
    """

    def __init__(self, lead_s: float, stop: Stop, warn: Callable[[str], None]) -> None:
        self._lead_s, self._stop, self._warn = lead_s, stop, warn
        self._devices: dict[str, str] = {}
        self._sent: dict[str, float] = {}
        self._reached: dict[str, float] = {}
        self._mute: set[str] = set()
        self._answers = 0
        self._absent = False

    def heard(self, topic: str, payload: bytes) -> None:
        """Take a metrics message; called in the network thread."""
        device = self._devices.get(topic)
        if device is None:
            return
        try:
            self._reached[device] = parse_timestamp(_METRICS.decode(payload).timestamp)
        except (msgspec.DecodeError, PayloadError):
            return
        self._answers += 1
        self._mute.discard(device)
        self._absent = False

    def admit(self, sample: Sample) -> None:
        """Wait until the engine is close enough behind this sample's device, or the end is wished."""
        device = sample.device_id
        if device not in self._sent:
            self._devices[topics.metrics(device)] = device
            self._sent[device] = self._reached[device] = sample.t
        answers, since = self._answers, time.monotonic()
        while self._lead_of(device) > self._lead_s and not self._stop.wait(_POLL_S):
            if self._answers != answers:
                answers, since = self._answers, time.monotonic()
            self._lose_patience(device, time.monotonic() - since)
        self._sent[device] = sample.t

    def ended(self, device: str) -> None:
        """Forget how far a device was: its next session may be of another day."""
        self._sent.pop(device, None)
        self._reached.pop(device, None)

    def _lead_of(self, device: str) -> float:
        return 0.0 if self._absent or device in self._mute else self._sent[device] - self._reached[device]

    def _lose_patience(self, device: str, silent_s: float) -> None:
        if silent_s > (NEXT_ANSWER_S if self._answers else FIRST_ANSWER_S):
            self._mute.add(device)
            self._absent = True
            if self._answers:
                self._warn(f"the engine has not answered for {silent_s:.0f} s; going on without waiting for it")


def lead_limit_s(config: Config, devices: int, messages_hz: float) -> float:
    """Return how many seconds of samples may be ahead of the engine: as many as make ``LEAD_MESSAGES``.

    It is never so short that the engine, which answers in steps of its metrics rate and holds samples back to put them
    in order, could not answer.
    """
    shortest = 1.0 / config.outputs.metrics_rate_hz + config.engine.late_tolerance_s + 0.5
    of_all = LEAD_MESSAGES / (devices * messages_hz)
    of_one = 0.8 * config.engine.queue_per_device / messages_hz
    return max(shortest, min(of_all, of_one))


def batch_for_lead(config: Config, devices: int, rate_hz: float) -> int:
    """Return how many samples a message must hold so that the shortest lead is no more than ``LEAD_MESSAGES``."""
    shortest = 1.0 / config.outputs.metrics_rate_hz + config.engine.late_tolerance_s + 0.5
    return max(1, math.ceil(devices * rate_hz * shortest / LEAD_MESSAGES))


class Uplink:
    """Encodes and publishes.

    Args:
        link: the connection.
        qos: quality of service of samples; the end of a session always goes with 1.
        echo: the engine's progress, where it is to be waited for.
        stop: ends every wait.
        hold: wait for the broker rather than lose messages.
    """

    def __init__(self, link: MqttLink, qos: int, echo: Echo | None, stop: Stop, *, hold: bool) -> None:
        self._link, self._qos, self._echo, self._stop, self._hold = link, qos, echo, stop, hold
        self._unconfirmed = 0
        self.sent = 0
        self.unsent = 0

    def wait_for_broker(self, limit_s: float = math.inf, unless: Callable[[], bool] = bool) -> float:
        """Wait for the broker, until the time is over, ``unless`` holds or the end is wished; return the seconds."""
        began = time.monotonic()
        while not self._link.connected and not unless() and time.monotonic() - began < limit_s:
            if self._stop.wait(_CONNECT_POLL_S):
                break
        return time.monotonic() - began

    def send(self, samples: list[Sample]) -> float:
        """Publish one message; return the seconds spent waiting for the broker."""
        waited = self._clear_the_way(samples[-1])
        ends = samples[0].end
        payload = encode_sample(samples[0]) if len(samples) == 1 else encode_batch(samples)
        if self._link.publish(topics.sensor_data(samples[0].device_id), payload, 1 if ends else self._qos):
            self.sent += 1
        else:
            self.unsent += 1
        return waited

    def close(self, timeout_s: float) -> bool:
        """Wait for what is underway and end the connection; False where something may not have arrived."""
        arrived = self._link.connected and self._link.flush(timeout_s)
        self._link.stop()
        return arrived

    def _clear_the_way(self, sample: Sample) -> float:
        if not self._hold:
            return 0.0
        waited = 0.0 if self._link.connected else self.wait_for_broker()
        if self._echo is not None and sample.end:
            self._echo.ended(sample.device_id)
        elif self._echo is not None:
            self._echo.admit(sample)
        self._unconfirmed += 1
        if self._qos and self._unconfirmed >= WINDOW:
            self._link.flush(_FLUSH_S)
            self._unconfirmed = 0
        return waited
