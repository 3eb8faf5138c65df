"""The MQTT client: a thin layer around paho, whose network thread only passes messages on."""

from __future__ import annotations

import ssl
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from paho.mqtt.enums import MQTTErrorCode

from athlete_monitor.errors import BrokerError
from athlete_monitor.wire.mqtt_client import QuickClient

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessageInfo
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode

    from athlete_monitor.config import Mqtt, Tls

MAX_OUTGOING: Final = 10_000
"""Messages of each QoS that may wait to be sent; further ones are dropped and counted."""
_MAX_QOS_1: Final = 60_000  # message identifiers are 16 bits wide
_FIRST_RETRY_S: Final = 0.25
_CONNECT_TIMEOUT_S: Final = 5.0
_STOP_TIMEOUT_S: Final = 3.0
_POLL_S: Final = 0.005
_IN_FLIGHT: Final = 1000


@dataclass(frozen=True)
class Will:
    """The last will: published by the broker for a client that disappears without a DISCONNECT."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = True


class MqttLink:
    """A connection that reconnects by itself.

    At the broker, every topic has the prefix ``mqtt.topic_prefix``; here, topics have no prefix.
    It subscribes again at each connect, and retries with growing pauses (0.25 s up to ``mqtt.reconnect_max_s``) while
    the broker cannot be reached, also at the first connect. ``publish`` never blocks and never raises.

    Args:
        settings: the ``mqtt`` section of the configuration.
        client_id: name at the broker; two clients with the same name disconnect each other.
        on_message: called with topic and payload in the network thread; must only enqueue.
        subscriptions: pairs of topic filter and QoS.
        will: the last will.
        on_connection: called in the network thread with the new state and a sentence when either changes, but not for
            our own disconnect.
        persistent: the broker keeps subscriptions and QoS 1 messages while the client is disconnected.
        take_retained: pass on messages that were retained before the subscription.

    Raises:
        BrokerError: the password file or a TLS file cannot be used.
    """

    def __init__(
        self,
        settings: Mqtt,
        client_id: str,
        *,
        on_message: Callable[[str, bytes], None] | None = None,
        subscriptions: Sequence[tuple[str, int]] = (),
        will: Will | None = None,
        on_connection: Callable[[bool, str], None] | None = None,
        persistent: bool = False,
        take_retained: bool = True,
    ) -> None:
        self._settings = settings
        self._prefix = settings.topic_prefix
        self._subscriptions = [(f"{self._prefix}{name}", qos) for name, qos in subscriptions]
        self._on_connection = on_connection
        self._bounds = (MAX_OUTGOING, min(MAX_OUTGOING, _MAX_QOS_1))
        self._waiting: tuple[deque[MQTTMessageInfo], deque[MQTTMessageInfo]] = (deque(), deque())
        self._dropped = 0
        self._reported: tuple[bool, str] = (False, "")
        self._refused = False
        self._connected = threading.Event()
        self._answered = threading.Event()
        self._client = self._build(client_id, will, persistent=persistent)
        self._lock = self._client.publishing
        self._take_retained = take_retained
        if on_message is not None:
            handle = _without(self._prefix, lambda topic, payload, _number: on_message(topic, payload))
            self._client.pass_messages_to(handle, take_retained=take_retained)

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted the client and is connected."""
        return self._connected.is_set()

    @property
    def running(self) -> bool:
        """Whether the network thread is alive: without it nothing is received or sent."""
        return self._client.is_running

    @property
    def dropped(self) -> int:
        """Messages refused by ``publish``, or lost with a connection."""
        with self._lock:
            self._settle()
            return self._dropped

    @property
    def address(self) -> str:
        """Host and port of the broker."""
        return f"{self._settings.host}:{self._settings.port}"

    def start(self, timeout_s: float | None = None) -> None:
        """Start connecting, and keep trying in the background.

        Args:
            timeout_s: time to wait for the connection; None does not wait.

        Raises:
            BrokerError: no connection in time, or the broker refuses the client; the link is then stopped.
        """
        self._client.connect_async(self._settings.host, self._settings.port, self._settings.keepalive_s)
        self._client.loop_start()
        if timeout_s is not None:
            self.wait(timeout_s)

    def wait(self, timeout_s: float) -> None:
        """Wait until the broker has accepted the client.

        Raises:
            BrokerError: as for ``start``.
        """
        self._answered.wait(timeout_s)
        if not self.connected:
            self.stop()
            raise BrokerError(
                self._reported[1] or f"the broker at {self.address} does not answer within {timeout_s:g} s"
            )

    def pass_open_messages_to(self, handle: Callable[[str, bytes, int], None]) -> None:
        """Call ``handle``, instead of ``on_message``, with topic, payload and number of each message.

        The number is 1 or more for a message of QoS 1, which the broker keeps until ``acknowledge`` gets the number,
        and 0 for any other message. Call before ``start``; ``handle`` runs in the network thread and must only enqueue.
        """
        handle = _without(self._prefix, handle)
        self._client.pass_messages_to(handle, take_retained=self._take_retained, acknowledge=False)

    def publish(
        self, topic: str, payload: bytes, qos: int = 0, *, retain: bool = False, has_prefix: bool = True
    ) -> bool:
        """Send a message, or leave it to the network thread if the socket is busy; safe from any thread.

        At QoS 0 a message is sent now or not at all; at QoS 1 it waits for the broker and is sent again until it is
        acknowledged. ``has_prefix`` is False for topics that do not belong to this box.

        Returns:
            False if the message will not be sent.
        """
        topic = f"{self._prefix}{topic}" if has_prefix else topic
        if not qos and not retain and self._client.send_now(topic, payload):
            return True
        with self._lock:
            accepted = self._has_room(qos) and self._hand_over(topic, payload, qos, retain=retain)
            self._dropped += not accepted
        return accepted

    def publish_all(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Send messages of QoS 0 as ``publish`` does, at a fraction of the cost; safe from any thread."""
        prefixed = [(f"{self._prefix}{topic}", payload) for topic, payload in messages] if self._prefix else messages
        for topic, payload in messages[self._client.send_many(prefixed) :]:
            self.publish(topic, payload)

    def publish_lasting(self, messages: Sequence[tuple[str, bytes, bool]]) -> None:
        """Send messages of QoS 1 (topic, payload, whether to retain) as ``publish`` does, several with one call.

        Safe from any thread.
        """
        with self._lock, self._client.gathering():
            for topic, payload, retain in messages:
                self.publish(topic, payload, 1, retain=retain)

    def acknowledge(self, numbers: Sequence[int]) -> None:
        """Acknowledge these messages to the broker; safe from any thread."""
        self._client.acknowledge_all(numbers)

    def flush(self, timeout_s: float) -> bool:
        """Wait until all messages are written (QoS 0) or acknowledged (QoS 1); False if not in time."""
        deadline = time.monotonic() + timeout_s
        while self._unsettled():
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_S)
        return True

    def stop(self) -> None:
        """Send waiting messages as far as the broker takes them within 3 s, disconnect and end the network thread."""
        if self.connected and not self.flush(_STOP_TIMEOUT_S):
            self._client.hang_up()
        self._client.disconnect()
        self._client.loop_stop()
        self._connected.clear()

    def _build(self, client_id: str, will: Will | None, *, persistent: bool) -> QuickClient:
        client = QuickClient(client_id, clean_session=not persistent)
        client.connect_timeout = _CONNECT_TIMEOUT_S
        client.max_inflight_messages = _IN_FLIGHT
        longest_s = max(self._settings.reconnect_max_s, _FIRST_RETRY_S)
        client.reconnect_delay_set(_FIRST_RETRY_S, longest_s)  # type: ignore[arg-type]  # takes fractions all the same
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_connect_fail = self._on_connect_fail
        client.on_subscribe = self._on_subscribe
        if will is not None:
            client.will_set(f"{self._prefix}{will.topic}", will.payload, will.qos, will.retain)
        authenticate(client, self._settings)
        return client

    def _has_room(self, qos: int) -> bool:
        waiting = self._waiting[qos]
        self._settle()
        return len(waiting) < self._bounds[qos]

    def _hand_over(self, topic: str, payload: bytes, qos: int, *, retain: bool) -> bool:
        info = self._client.publish(topic, payload, qos, retain)
        if info.rc == MQTTErrorCode.MQTT_ERR_NO_CONN and qos:
            info.rc = MQTTErrorCode.MQTT_ERR_SUCCESS  # kept, and sent at the next connect
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            return False
        self._waiting[qos].append(info)
        return True

    def _settle(self) -> None:
        """Remove the messages that are sent or lost, and count the lost ones."""
        for waiting in self._waiting:
            while waiting and _is_settled(waiting[0]):
                self._dropped += waiting.popleft().rc != MQTTErrorCode.MQTT_ERR_SUCCESS

    def _unsettled(self) -> bool:
        with self._lock:
            self._settle()
            return any(self._waiting)

    def _on_connect(
        self,
        client: Client,
        _userdata: object,
        _flags: ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._refused = reason.is_failure
        if self._refused:
            self._report(connected=False, text=self._refusal(reason))
        else:
            if self._subscriptions:
                client.subscribe(self._subscriptions)
            self._connected.set()
            self._report(connected=True, text=f"connected to the broker at {self.address}")
        self._answered.set()

    def _on_disconnect(
        self,
        _client: Client,
        _userdata: object,
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        was_connected = self._connected.is_set()
        self._connected.clear()
        if not reason.is_failure or self._refused:  # our own disconnect, or reported already
            return
        if was_connected:
            self._report(connected=False, text=f"connection to the broker at {self.address} lost")
        else:
            act = "does not answer" if self._client.gave_up else "closes the connection without an MQTT answer"
            self._report(connected=False, text=f"the server at {self.address} {act}")

    def _on_connect_fail(self, _client: Client, _userdata: object) -> None:
        if problem := self._client.last_tls_problem:
            self._report(connected=False, text=f"no encrypted connection to the broker at {self.address}: {problem}")
        else:
            self._report(connected=False, text=f"no broker answers at {self.address}: {self._client.last_error}")

    def _on_subscribe(
        self, _client: Client, _userdata: object, _mid: int, reasons: list[ReasonCode], _properties: Properties | None
    ) -> None:
        refused = [name for (name, _), reason in zip(self._subscriptions, reasons, strict=False) if reason.is_failure]
        if refused:
            self._report(connected=True, text=f"the broker at {self.address} refuses to subscribe {', '.join(refused)}")

    def _refusal(self, reason: ReasonCode) -> str:
        user = "a client without user" if self._settings.username is None else f"user {self._settings.username!r}"
        words = str(reason).lower()
        return f"the broker at {self.address} refuses {user}: {words} (mqtt.username, mqtt.password_file)"

    def _report(self, *, connected: bool, text: str) -> None:
        if self._reported != (connected, text):
            self._reported = (connected, text)
            if self._on_connection is not None:
                self._on_connection(connected, text)


def _without(prefix: str, handle: Callable[[str, bytes, int], None]) -> Callable[[str, bytes, int], None]:
    """Return a wrapper of ``handle`` that removes this prefix from topics."""
    if not prefix:
        return handle
    length = len(prefix)
    return lambda topic, payload, number: handle(topic[length:], payload, number)


def _is_settled(info: MQTTMessageInfo) -> bool:
    try:
        return info.is_published()
    except RuntimeError:  # lost with its connection
        return True


def authenticate(client: Client, settings: Mqtt) -> None:
    """Give a client the user, the password and the TLS of the configuration.

    Raises:
        BrokerError: the password file or a TLS file cannot be used.
    """
    if settings.username is not None:
        client.username_pw_set(settings.username, _password(settings.password_file))
    if settings.tls.enabled:
        client.tls_set_context(_tls_context(settings.tls))


def _password(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise BrokerError(f"mqtt.password_file {path}: cannot be read: {reason}") from None


def _tls_context(tls: Tls) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
        if tls.cert_file is not None:
            context.load_cert_chain(tls.cert_file, tls.key_file)
    except OSError as error:  # ssl.SSLError is one
        files = ", ".join(str(path) for path in (tls.ca_file, tls.cert_file, tls.key_file) if path is not None)
        raise BrokerError(f"mqtt.tls: {files or 'the system certificates'}: {error.strerror or error}") from None
    return context
