"""The engine's messages on MQTT."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from athlete_monitor.engine.sinks.sink import Sink
from athlete_monitor.wire import topics
from athlete_monitor.wire.publisher import Publisher

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.engine.figures.outputs import Outputs
    from athlete_monitor.engine.sessions.session import Session
    from athlete_monitor.engine.sinks.registry import SinkContext

_encode = msgspec.json.Encoder().encode


def make(context: SinkContext) -> MqttSink | None:
    """Return the sink of the live engine."""
    return None if context.link is None else MqttSink(context.link, context.config.box.label)


class SinkLink(Publisher, Protocol):
    """The connection to the broker: an ``MqttLink``."""

    @property
    def connected(self) -> bool:
        """Whether the broker is connected."""

    @property
    def dropped(self) -> int:
        """Messages that the broker could not take."""

    def publish_all(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Send messages of QoS 0; never blocks."""

    def publish_lasting(self, messages: Sequence[tuple[str, bytes, bool]]) -> None:
        """Send messages of QoS 1: topic, payload, and whether to retain it; never blocks."""


class MqttSink(Sink):
    """Publishes figures (QoS 0), events and summaries (QoS 1), and the retained status of each device.

    A status or a summary waits for the next round or figures: those of thousands of devices are sent together.
    """

    def __init__(self, link: SinkLink, box: str) -> None:
        self._link, self._box = link, box
        self._waiting: list[tuple[str, bytes, bool]] = []

    def health(self) -> dict[str, object]:
        """Whether the broker is connected, and how many messages it could not take."""
        return {"broker_connected": self._link.connected, "unsent": self._link.dropped}

    def started(self, session: Session) -> None:
        """The device is online."""
        self.status(session.device_id, session.status)

    def metrics_all(self, outputs: Outputs, payloads: Sequence[bytes]) -> None:
        """Publish the figures."""
        self.settle()
        names = (topics.metrics(session.device_id) for session in outputs.sessions)
        self._link.publish_all(list(zip(names, payloads, strict=True)))

    def event(self, session: Session, event: dict[str, Any]) -> None:
        """Publish an event."""
        self.settle()
        self._link.publish(topics.events(session.device_id), _encode(event), 1)

    def status(self, device_id: str, status: str) -> None:
        """Publish the retained status of a device."""
        message = {"device_id": device_id, "status": status, "box": self._box}
        self._waiting.append((topics.status(device_id), _encode(message), True))

    def ended(self, session: Session, summary: dict[str, Any]) -> None:
        """Publish the summary; the device is offline."""
        self._waiting.append((topics.session(session.device_id), _encode(summary), False))
        self.status(session.device_id, "offline")

    def settle(self) -> None:
        """Send what waits."""
        if self._waiting:
            messages, self._waiting = self._waiting, []
            self._link.publish_lasting(messages)

    def stop(self) -> None:
        """Send what waits."""
        self.settle()
