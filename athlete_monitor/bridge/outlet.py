"""Where a bridge's samples and links go: to the broker, in the wire format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from athlete_monitor.wire import link, topics

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athlete_monitor.wire.link import Link

MOST_SAMPLES: Final = 100
"""Of one message: it stays far below 64 KiB."""
_encode: Final = msgspec.json.Encoder().encode


class Broker(Protocol):
    """What takes messages: ``wire.mqtt.MqttLink``, or a list in tests."""

    def publish(self, topic: str, payload: bytes, qos: int = 0, *, retain: bool = False) -> bool:
        """Send a message; False where it is not going to be sent."""


class Outlet:
    """Publishes samples, numbered for each device, and how devices are heard.

    Args:
        broker: what takes the messages.
        qos: quality of service of samples.
    """

    def __init__(self, broker: Broker, qos: int = 1) -> None:
        self._broker, self._qos = broker, qos
        self._next: dict[str, int] = {}
        self.sent = 0
        self.not_sent = 0

    def samples(self, device_id: str, samples: Sequence[Mapping[str, Any]], **message: Any) -> None:  # noqa: ANN401
        """Publish samples of a device; ``message`` are keys that hold for all of them."""
        for first in range(0, len(samples), MOST_SAMPLES):
            self._publish(device_id, samples[first : first + MOST_SAMPLES], message)

    def link(self, told: Link) -> None:
        """Publish how a device is heard; the broker keeps it."""
        self._broker.publish(topics.link(told.device_id), link.encode(told), 1, retain=True)

    def _publish(self, device_id: str, samples: Sequence[Mapping[str, Any]], message: Mapping[str, Any]) -> None:
        number = self._next.get(device_id, 0)
        self._next[device_id] = number + len(samples)
        body = samples[0] if len(samples) == 1 else {"samples": samples}
        payload = _encode({"device_id": device_id, "seq": number, **message, **body})
        accepted = self._broker.publish(topics.sensor_data(device_id), payload, self._qos)
        self.sent += accepted
        self.not_sent += not accepted
