"""The sender of messages, as far as those who publish through it need to know it."""

from __future__ import annotations

from typing import Protocol


class Publisher(Protocol):
    """The sender: an ``MqttLink``, or a list in tests."""

    def publish(self, topic: str, payload: bytes, qos: int = 0, *, retain: bool = False) -> bool:
        """Queue a message; never blocks. False if it will not be sent."""
