"""The engine's connection to the broker: the network thread queues messages and changes, the loop takes them."""

from __future__ import annotations

import os
import time
import zlib
from collections import deque
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from athlete_monitor.engine.intake.inbox import Inbox
from athlete_monitor.engine.live.acks import Acknowledgements
from athlete_monitor.system.machine import machine_id
from athlete_monitor.wire import topics
from athlete_monitor.wire.mqtt import MqttLink, Will

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from athlete_monitor.config import Config

TAKEN_AFTER_S: Final = 5.0
"""A connection that is lost this soon after it was made may have been taken by another client with the same name."""
TAKEN_TIMES: Final = 3
KEPT_S: Final = 1.0
"""An overloaded engine drops messages of QoS 0 that have waited for longer: the oldest of each device, so that all
devices lose the same and figures stay fresh."""
QOS_1_KEPT_S: Final = 30.0
"""The same for QoS 1: what a broker kept during an outage arrives at once, and is used however long that takes."""
_CONTROL: Final = ((topics.MODEL_UPDATED_FILTER, 1), (topics.TEAM_CONTROL, 1))


def client_id(config: Config, machine: str | None = None) -> str:
    """Return the engine's client id: the same at every start, different on another machine or for another path.

    >>> from athlete_monitor.config import DEFAULT_CONFIG, load_config
    >>> config = load_config(DEFAULT_CONFIG)
    >>> client_id(config, "a") == client_id(config, "a") != client_id(config, "b")
    True
    """
    place = f"{machine_id() if machine is None else machine} {config.paths.journal}"
    return f"athlete-monitor-{zlib.crc32(os.fsencode(place)):08x}"


def engine_status(config: Config, status: Literal["online", "offline"]) -> bytes:
    """Return the message of ``engine/status``."""
    return msgspec.json.encode({"status": status, "box": config.box.label})


class Connection:
    """The link, the inbox, and the changes of the connection.

    Args:
        config: the configuration.
        notice: called with a sentence for the operator, and whether it is bad news.
        is_embedded: the broker belongs to this engine. It ends with the engine, so no messages need to stay open there,
            and it sends what a persistent session has missed as retained messages.
        name: client id at the broker; None for the one of ``client_id``.
    """

    def __init__(
        self, config: Config, notice: Callable[[str, bool], None], *, is_embedded: bool, name: str | None = None
    ) -> None:
        mqtt = config.mqtt
        self._notice = notice
        self.name = name or client_id(config)
        self.inbox = Inbox(config.engine.queue_per_device, config.engine.max_devices, topics.SENSOR_FILTERS[1])
        self.updated_models: deque[int | str] = deque()
        """Athletes (or ``default``) with a new model."""
        self.on_command: Callable[[bytes], None] = lambda _payload: None
        """Receives a command to the team's session, in the network thread."""
        self._news: deque[tuple[bool, str]] = deque(maxlen=100)
        self._connected_s = float("-inf")
        self._taken = 0
        self._is_taking = True
        persistent = mqtt.persistent_session and mqtt.qos == 1
        self.link = MqttLink(
            mqtt,
            self.name,
            subscriptions=[*((name, mqtt.qos) for name in topics.SENSOR_FILTERS), *_CONTROL],
            will=Will(topics.ENGINE_STATUS, engine_status(config, "offline")),
            on_connection=self._on_connection,
            persistent=persistent,
            take_retained=is_embedded,
        )
        self.link.pass_open_messages_to(self._on_message)
        self.acks = Acknowledgements(self.link.acknowledge, self._warn, is_deferred=persistent and not is_embedded)

    def news(self) -> list[tuple[bool, str]]:
        """Return the changes of the connection since the last call: connected or not, and a sentence."""
        return [self._news.popleft() for _ in range(len(self._news))]

    def close_intake(self) -> None:
        """Take no more messages; the broker will send unacknowledged ones again."""
        self._is_taking = False

    def _on_message(self, topic: str, payload: bytes, number: int) -> None:
        """Queue the message; in the network thread."""
        now_s = time.monotonic()
        if topic.startswith("models/"):
            athlete_id = topics.athlete_of(topic)
            if athlete_id is not None:
                self.updated_models.append(athlete_id)
            self._drop(number)
        elif topic == topics.TEAM_CONTROL:
            self.on_command(payload)
            self._drop(number)
        elif self._is_taking:
            token = self.acks.arrived(number, now_s)
            for dropped in self.inbox.put(topic, payload, now_s, token, is_qos_1=number > 0):
                self._drop(dropped)

    def shed(self, now_s: float, waived: Collection[str] = ()) -> None:
        """Drop messages that an overloaded engine cannot use in time, except of the topics ``waived``."""
        tokens = [token for token in self.inbox.shed(now_s - KEPT_S, now_s - QOS_1_KEPT_S, waived) if token]
        if tokens:
            self.acks.used(tokens, now_s)

    def _warn(self, text: str) -> None:
        self._notice(text, True)  # noqa: FBT003 - bad news

    def _drop(self, number: int) -> None:
        if number:
            self.acks.used((number,), time.monotonic())

    def _on_connection(self, connected: bool, text: str) -> None:  # noqa: FBT001 - the link's callback
        now_s = time.monotonic()
        self._notice(text, not connected)
        if connected:
            self._connected_s = now_s
        elif now_s - self._connected_s <= TAKEN_AFTER_S:
            self._taken += 1
            if self._taken == TAKEN_TIMES:
                self._warn(
                    f"the connection is lost again and again: another engine may use the name {self.name} at this "
                    "broker (a copy of this engine with the same machine id and paths.journal)"
                )
        else:
            self._taken = 0
        self._news.append((connected, text))
        self.inbox.wake()
