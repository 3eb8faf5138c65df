"""Where a bridge's samples and links go: to the broker, in the wire format."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Final

import msgspec

from athlete_monitor.wire import link, topics

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from athlete_monitor.wire.link import LinkMessage
    from athlete_monitor.wire.publisher import Publisher

_log = logging.getLogger(__name__)

MOST_SAMPLES: Final = 100
"""Of one message: it stays far below 64 KiB."""
JOINED_S: Final = 5.0
"""So long after the bridge of phones has said so, it joins what a strap sends."""
STRAPS_FIRST: Final = 1_000_000_000
"""Number of a strap's first sample, far from those of phones: where one takes over, the engine sees a new beginning."""
WARN_EVERY_S: Final = 10.0
"""Samples that are not sent are mentioned at most this often."""
_encode: Final = msgspec.json.Encoder().encode


class Joined:
    """Which devices the bridge of phones joins now; it says so every second.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._heard_s: dict[str, float] = {}

    def take(self, topic: str, _payload: bytes) -> None:
        """Take a message of the bridge of phones; called in the network thread."""
        self._heard_s[topic.split("/")[1]] = self._clock()

    def __call__(self, device_id: str) -> bool:
        """Return whether the samples of this device are joined."""
        return self._clock() - self._heard_s.get(device_id, float("-inf")) < JOINED_S


class Outlet:
    """Publishes samples, numbered for each device, and how devices are heard.

    Args:
        broker: what takes the messages.
        qos: quality of service of samples.
        first: number of each device's first sample.
        joined: whether another bridge joins the samples of a device with its own; then they go there.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        broker: Publisher,
        qos: int = 1,
        *,
        first: int = 0,
        joined: Callable[[str], bool] = lambda _device: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._broker, self._qos, self._first, self._joined, self._clock = broker, qos, first, joined, clock
        self._next: dict[str, int] = {}
        self._not_sent = 0
        self._warned_s = float("-inf")

    def samples(self, device_id: str, samples: Sequence[Mapping[str, Any]], **message: Any) -> None:  # noqa: ANN401
        """Publish samples of a device; ``message`` are keys that hold for all of them."""
        for first in range(0, len(samples), MOST_SAMPLES):
            self._publish(device_id, samples[first : first + MOST_SAMPLES], message)

    def link(self, found: LinkMessage) -> None:
        """Publish how a device is heard; the broker keeps it."""
        self._broker.publish(topics.link(found.device_id), link.encode(found), 1, retain=True)

    def joins(self, device_id: str) -> None:
        """Publish that the samples of this device's strap are joined here, for the next few seconds."""
        self._broker.publish(topics.joins(device_id), b"true")

    def _publish(self, device_id: str, samples: Sequence[Mapping[str, Any]], message: Mapping[str, Any]) -> None:
        number = self._next.get(device_id, self._first)
        self._next[device_id] = number + len(samples)
        body = samples[0] if len(samples) == 1 else {"samples": samples}
        payload = _encode({"device_id": device_id, "seq": number, **message, **body})
        topic = topics.strap(device_id) if self._joined(device_id) else topics.sensor_data(device_id)
        if not self._broker.publish(topic, payload, self._qos):
            self._mention_lost(len(samples))

    def _mention_lost(self, count: int) -> None:
        """Count samples that will not be sent, and say it from time to time."""
        self._not_sent += count
        now_s = self._clock()
        if now_s - self._warned_s >= WARN_EVERY_S:
            self._warned_s = now_s
            _log.warning("event=samples_not_sent total=%d reason='the broker has not taken them'", self._not_sent)
