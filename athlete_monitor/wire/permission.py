"""Whether the broker lets this user publish: an MQTT 3.1.1 broker drops forbidden messages, yet acknowledges them.

So a publisher tests this before it starts, for each device: some brokers disconnect after a forbidden message
(Mosquitto 2.0.11 with ``max_queued_messages 0``). With MQTT 5 the broker answers each message with a reason code. With
a broker that supports only MQTT 3.1.1 the messages are read back: one that does not return, while others do, was
dropped. The test messages are empty batches, which the engine ignores.
"""

from __future__ import annotations

import secrets
import threading
from typing import TYPE_CHECKING, Final

import msgspec
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from athlete_monitor.wire import topics
from athlete_monitor.wire.mqtt import authenticate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paho.mqtt.client import ConnectFlags, MQTTMessage
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode

    from athlete_monitor.config import Mqtt

ANSWER_S: Final = 10.0
"""Time limit for all answers of the broker; what it has not answered by then is unknown."""
_RETURN_S: Final = 1.0
_RETRY_S: Final = 0.05


def refused_devices(settings: Mqtt, devices: Sequence[str], timeout_s: float = ANSWER_S) -> list[str]:
    """Return the devices for which the broker drops this user's samples; none if that cannot be determined.

    Raises:
        BrokerError: the password file or a TLS file cannot be used.
    """
    for version in (MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311):
        question = _Question(settings, devices, version)
        if question.ask(timeout_s):
            return question.refused()
    return []


class _Question:
    """One connection that tests all devices."""

    def __init__(self, settings: Mqtt, devices: Sequence[str], version: MQTTProtocolVersion) -> None:
        self._settings, self._version = settings, version
        self._topics = {f"{settings.topic_prefix}{topics.sensor_data(device)}": device for device in devices}
        self._asked: dict[int, str] = {}
        self._failed: dict[str, bool] = {}
        self._returned: set[str] = set()
        self._accepted = False
        self._answered, self._done, self._all_back = (threading.Event() for _ in range(3))
        self._client = Client(CallbackAPIVersion.VERSION2, f"permission-{secrets.token_hex(6)}", protocol=version)
        authenticate(self._client, settings)
        self._client.reconnect_delay_set(_RETRY_S, 1.0)  # type: ignore[arg-type]  # takes fractions all the same
        self._client.on_connect = self._on_connect
        self._client.on_connect_fail = lambda *_: self._answered.set()
        self._client.on_disconnect = lambda *_: self._answered.set()
        self._client.on_subscribe = lambda *_: self._publish_next()
        self._client.on_publish = self._on_publish
        self._client.on_message = self._on_message

    def ask(self, timeout_s: float) -> bool:
        """Send the test messages and wait for the answers; return whether the broker supports this version of MQTT."""
        self._client.connect_async(self._settings.host, self._settings.port, self._settings.keepalive_s)
        self._client.loop_start()
        try:
            self._answered.wait(timeout_s)
            if self._accepted:
                self._done.wait(timeout_s)
            if self._accepted and self._reads_back:
                self._all_back.wait(min(timeout_s, _RETURN_S))
            return self._accepted
        finally:
            self._client.disconnect()
            self._client.loop_stop()

    def refused(self) -> list[str]:
        """The devices whose messages were dropped, as far as is known."""
        if self._reads_back:
            dropped = set(self._topics) - self._returned if self._returned else set()
        else:
            dropped = {topic for topic, failed in self._failed.items() if failed}
        return [device for topic, device in self._topics.items() if topic in dropped]

    @property
    def _reads_back(self) -> bool:
        return self._version == MQTTProtocolVersion.MQTTv311

    def _on_connect(
        self,
        _client: Client,
        _userdata: object,
        _flags: ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._accepted = self._accepted or not reason.is_failure
        if not reason.is_failure and self._reads_back:
            self._client.subscribe([(topic, 1) for topic in self._topics])
        elif not reason.is_failure:
            self._publish_next()
        self._answered.set()

    def _publish_next(self) -> None:
        topic = next((topic for topic in self._topics if topic not in self._failed), None)
        if topic is None:
            self._done.set()
            return
        payload = msgspec.json.encode({"device_id": self._topics[topic], "samples": []})
        self._asked[self._client.publish(topic, payload, 1).mid] = topic

    def _on_publish(
        self, _client: Client, _userdata: object, mid: int, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        self._failed[self._asked[mid]] = reason.is_failure
        self._publish_next()

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        self._returned.add(message.topic)
        if len(self._returned) == len(self._topics):
            self._all_back.set()
