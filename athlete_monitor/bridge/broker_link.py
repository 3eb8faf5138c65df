"""A bridge's connection to the broker."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from athlete_monitor.wire.mqtt import MqttLink

if TYPE_CHECKING:
    from collections.abc import Iterator

    from athlete_monitor.config import Config

_log = logging.getLogger(__name__)


@contextmanager
def broker_link(config: Config, what: str, **options: Any) -> Iterator[MqttLink]:  # noqa: ANN401 - of MqttLink
    """Connect to the broker, for as long as the block lasts; it reconnects by itself."""
    link = MqttLink(config.mqtt, f"athlete-bridge-{what}-{os.getpid()}", on_connection=_say_connection, **options)
    link.start()
    try:
        yield link
    finally:
        link.stop()


def _say_connection(connected: bool, text: str) -> None:  # noqa: FBT001 - the link's own call
    """Say where the broker cannot be reached; that it can be again is worth a line only after that."""
    if not connected:
        print(text, file=sys.stderr, flush=True)
    _log.info("event=broker connected=%s text=%r", connected, text)
