"""The MQTT client: a thin edge around paho, whose network thread hands messages on and does nothing else."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from athlete_monitor.errors import BrokerError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from paho.mqtt.client import ConnectFlags, DisconnectFlags, MQTTMessage, MQTTMessageInfo, SocketLike
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode

    from athlete_monitor.config import Mqtt, Tls

MAX_OUTGOING: Final = 10_000
_MAX_QOS_1: Final = 60_000  # message identifiers are 16 bits wide
_READ_BYTES: Final = 1 << 16
_FIRST_RETRY_S: Final = 0.25
_CONNECT_TIMEOUT_S: Final = 5.0
_STOP_TIMEOUT_S: Final = 3.0
_POLL_S: Final = 0.005
_IN_FLIGHT: Final = 1000
_COMMAND: Final = 0xF0
_PUBLISH: Final = 0x30
_LEAST_MESSAGE: Final = 5
_CONTINUES: Final = 0x80
_QUICK_ACK: Final[int | None] = getattr(socket, "TCP_QUICKACK", None)  # Linux; to be asked for after each read


@dataclass(frozen=True)
class Will:
    """What the broker publishes for a client that vanishes without a word."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = True


class MqttLink:
    """A connection that mends itself.

    It subscribes anew at each connect, tries again with growing pauses (0.25 s up to ``mqtt.reconnect_max_s``) when the
    broker is away, at the first connect too, and never blocks or fails the caller of ``publish``.

    Args:
        settings: the ``mqtt`` section of the configuration.
        client_id: name at the broker; two clients of one name throw each other out.
        on_message: called with topic and payload in the network thread; must only enqueue.
        subscriptions: pairs of topic filter and QoS.
        will: the last will.
        on_connection: called in the network thread with the new state and a sentence, at each change of either; not for
            our own goodbye.
        persistent: the broker keeps subscriptions and QoS 1 messages while the client is away.
        max_outgoing: messages of each QoS that may wait to be sent; further ones are dropped and counted.

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
        max_outgoing: int = MAX_OUTGOING,
    ) -> None:
        self._settings = settings
        self._subscriptions = list(subscriptions)
        self._on_connection = on_connection
        self._bounds = (max_outgoing, min(max_outgoing, _MAX_QOS_1))
        self._waiting: tuple[deque[MQTTMessageInfo], deque[MQTTMessageInfo]] = (deque(), deque())
        self._dropped = 0
        self._lock = threading.Lock()
        self._told: tuple[bool, str] = (False, "")
        self._refused = False
        self._connected = threading.Event()
        self._answered = threading.Event()
        self._client = self._build(client_id, will, persistent=persistent)
        if on_message is not None:
            self._client.pass_messages_to(on_message)

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted the client and the connection stands."""
        return self._connected.is_set()

    @property
    def dropped(self) -> int:
        """Messages given to ``publish`` that were refused for lack of room or connection, or lost with a connection."""
        with self._lock:
            self._settle()
            return self._dropped

    @property
    def address(self) -> str:
        """Host and port of the broker."""
        return f"{self._settings.host}:{self._settings.port}"

    def start(self, timeout_s: float | None = None) -> None:
        """Begin to connect, and go on trying in the background.

        Args:
            timeout_s: wait so long for the connection; None does not wait.

        Raises:
            BrokerError: no connection in time, or the broker refuses the client; the link is stopped then.
        """
        self._client.connect_async(self._settings.host, self._settings.port, self._settings.keepalive_s)
        self._client.loop_start()
        if timeout_s is None:
            return
        self._answered.wait(timeout_s)
        if not self.connected:
            self.stop()
            raise BrokerError(self._told[1] or f"the broker at {self.address} does not answer within {timeout_s:g} s")

    def publish(self, topic: str, payload: bytes, qos: int = 0, *, retain: bool = False) -> bool:
        """Send a message, or leave it to the network thread where the socket is busy; safe from any thread.

        At QoS 0 a message goes out now or not at all; at QoS 1 it waits for the broker and is sent again until
        acknowledged.

        Returns:
            False where the message is not going to be sent.
        """
        with self._lock:
            accepted = self._has_room(qos) and self._hand_over(topic, payload, qos, retain=retain)
            self._dropped += not accepted
        return accepted

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything handed over is written (QoS 0) or acknowledged (QoS 1); False if not in time."""
        deadline = time.monotonic() + timeout_s
        while self._unsettled():
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_S)
        return True

    def stop(self) -> None:
        """Send what is waiting, as far as the broker takes it within 3 s, say goodbye and end the network thread."""
        if self.connected and not self.flush(_STOP_TIMEOUT_S):
            self._client.hang_up()
        self._client.disconnect()
        self._client.loop_stop()
        self._connected.clear()

    def _build(self, client_id: str, will: Will | None, *, persistent: bool) -> _Client:
        client = _Client(client_id, clean_session=not persistent)
        client.connect_timeout = _CONNECT_TIMEOUT_S
        client.max_inflight_messages = _IN_FLIGHT
        longest_s = max(self._settings.reconnect_max_s, _FIRST_RETRY_S)
        client.reconnect_delay_set(_FIRST_RETRY_S, longest_s)  # type: ignore[arg-type]  # takes fractions all the same
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_connect_fail = self._on_connect_fail
        client.on_subscribe = self._on_subscribe
        if will is not None:
            client.will_set(will.topic, will.payload, will.qos, will.retain)
        if self._settings.username is not None:
            client.username_pw_set(self._settings.username, _password(self._settings.password_file))
        if self._settings.tls.enabled:
            client.tls_set_context(_tls_context(self._settings.tls))
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
        """Forget the messages that are sent or lost, and count the lost ones."""
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
            self._tell(connected=False, text=self._refusal(reason))
        else:
            if self._subscriptions:
                client.subscribe(self._subscriptions)
            self._connected.set()
            self._tell(connected=True, text=f"connected to the broker at {self.address}")
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
        if not reason.is_failure or self._refused:  # our own goodbye, or told already
            return
        if was_connected:
            self._tell(connected=False, text=f"connection to the broker at {self.address} lost")
        else:
            self._tell(connected=False, text=f"what listens at {self.address} hangs up without an MQTT answer")

    def _on_connect_fail(self, _client: Client, _userdata: object) -> None:
        self._tell(connected=False, text=f"no broker answers at {self.address}: {self._client.last_error}")

    def _on_subscribe(
        self, _client: Client, _userdata: object, _mid: int, reasons: list[ReasonCode], _properties: Properties | None
    ) -> None:
        refused = [name for (name, _), reason in zip(self._subscriptions, reasons, strict=False) if reason.is_failure]
        if refused:
            self._tell(connected=True, text=f"the broker at {self.address} refuses to subscribe {', '.join(refused)}")

    def _refusal(self, reason: ReasonCode) -> str:
        user = "a client without user" if self._settings.username is None else f"user {self._settings.username!r}"
        words = str(reason).lower()
        return f"the broker at {self.address} refuses {user}: {words} (mqtt.username, mqtt.password_file)"

    def _tell(self, *, connected: bool, text: str) -> None:
        if self._told != (connected, text):
            self._told = (connected, text)
            if self._on_connection is not None:
                self._on_connection(connected, text)


class _Client(Client):
    """paho's client with cheaper reads and writes, remembering why it could not connect.

    paho asks the kernel three times for each packet and once more whether there is another; here the socket is
    buffered, and messages of QoS 0 that have arrived behind another one are taken out of the buffer as they are. And
    paho wakes its network thread for every message to be sent; here the publishing thread writes by itself, and the
    network thread writes what the socket does not take at once. ``benchmarks/mqtt.py`` tells what that saves.
    """

    last_error = ""
    _pass_on: Callable[[str, bytes], None] | None = None

    def __init__(self, client_id: str, *, clean_session: bool) -> None:
        super().__init__(CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=clean_session)
        self._writing = threading.RLock()

    def reconnect(self) -> MQTTErrorCode:
        try:
            return super().reconnect()
        except (OSError, ValueError) as error:  # ValueError: a host name that cannot be looked up
            self.last_error = getattr(error, "strerror", None) or str(error)
            raise ConnectionError(self.last_error) from error

    def pass_messages_to(self, handle: Callable[[str, bytes], None]) -> None:
        """Call ``handle`` with topic and payload of every message; topics that are not UTF-8 are none of ours."""

        def pass_on(_client: Client, _userdata: object, message: MQTTMessage) -> None:
            with suppress(UnicodeDecodeError):
                handle(message.topic, bytes(message.payload))

        self.on_message = pass_on
        self._pass_on = handle

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        code = super().loop_read(max_packets)
        while code == MQTTErrorCode.MQTT_ERR_SUCCESS and self._more_is_buffered():
            self._take_messages()
            if self._more_is_buffered():
                code = super().loop_read(max_packets)
        return code

    def _take_messages(self) -> None:
        """Pass on the messages at the head of the buffer, up to the first packet that is for paho."""
        sock = self.socket()
        if self._pass_on is None or self._in_packet["command"] or not isinstance(sock, _BufferedSocket):
            return
        while (message := sock.take_message()) is not None:
            with suppress(UnicodeDecodeError):
                self._pass_on(message[0].decode(), message[1])

    def _packet_queue(
        self, command: int, packet: bytes | bytearray, mid: int, qos: int, info: MQTTMessageInfo | None = None
    ) -> MQTTErrorCode:
        in_network_thread = threading.current_thread() is self._thread
        if not in_network_thread and (command & _COMMAND != _PUBLISH or not self._writes_anywhere()):
            return super()._packet_queue(command, packet, mid, qos, info)
        self._out_packet.append(
            {
                "command": command,
                "mid": mid,
                "qos": qos,
                "pos": 0,
                "to_process": len(packet),
                "packet": packet,
                "info": info,
            }
        )
        if in_network_thread:  # it looks for what is to be written before it waits
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        self._packet_write()
        if self._out_packet and self._sockpairW is not None:
            with suppress(BlockingIOError):  # it has been woken already
                self._sockpairW.send(b"0")
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _packet_write(self) -> MQTTErrorCode:
        with self._writing:
            return super()._packet_write()

    def _writes_anywhere(self) -> bool:
        """Whether the socket may be written in one thread while it is read in another."""
        sock = self.socket()
        return self._thread is not None and isinstance(sock, _BufferedSocket) and not sock.is_encrypted

    def hang_up(self) -> None:
        """Break the connection, for a broker that takes nothing more."""
        sock = self.socket()
        if isinstance(sock, _BufferedSocket):
            sock.shut_down()

    def _more_is_buffered(self) -> bool:
        sock = self.socket()
        return isinstance(sock, _BufferedSocket) and sock.buffered() > 0

    def _create_socket(self) -> SocketLike:
        sock = super()._create_socket()
        if not isinstance(sock, socket.socket):
            return sock
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return _BufferedSocket(sock)


class _BufferedSocket:
    """A socket whose small reads are served from one large one, and acknowledged at once.

    Mosquitto, as it is configured by default, holds a small message back until the one before is acknowledged, and
    Linux may take 40 ms over that.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._chunk = b""
        self._position = 0
        self.send = sock.send
        self.close = sock.close
        self.fileno = sock.fileno
        self.setblocking = sock.setblocking

    def recv(self, size: int) -> bytes:
        """Return up to ``size`` bytes; empty at the end of the stream. Raises what the socket raises."""
        start = self._position
        if start >= len(self._chunk):
            self._chunk = self._sock.recv(_READ_BYTES)
            start = 0
            if _QUICK_ACK is not None:
                self._sock.setsockopt(socket.IPPROTO_TCP, _QUICK_ACK, 1)
        piece = self._chunk[start : start + size]
        self._position = start + len(piece)
        return piece

    @property
    def is_encrypted(self) -> bool:
        """Whether the bytes pass through TLS, whose sockets are for one thread at a time."""
        return isinstance(self._sock, ssl.SSLSocket)

    def take_message(self) -> tuple[bytes, bytes] | None:
        """Return topic and payload if a whole message, QoS 0 and not retained, is next in the buffer."""
        chunk, start = self._chunk, self._position
        if len(chunk) - start < _LEAST_MESSAGE or chunk[start] != _PUBLISH:
            return None
        length, topic = _length_at(chunk, start + 1)
        end = topic + length
        payload = topic + 2 + int.from_bytes(chunk[topic : topic + 2], "big")
        if not length or payload > end or end > len(chunk):
            return None
        self._position = end
        return chunk[topic + 2 : payload], chunk[payload:end]

    def buffered(self) -> int:
        """Return the number of bytes at hand."""
        return len(self._chunk) - self._position

    def pending(self) -> int:
        """Return the number of bytes that can be had without asking the kernel."""
        return self.buffered() + (self._sock.pending() if isinstance(self._sock, ssl.SSLSocket) else 0)

    def shut_down(self) -> None:
        """Break the connection in both directions; the next read or write fails."""
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:  # it is broken already
            self._chunk = b""


def _is_settled(info: MQTTMessageInfo) -> bool:
    try:
        return info.is_published()
    except RuntimeError:  # lost with its connection
        return True


def _length_at(chunk: bytes, at: int) -> tuple[int, int]:
    """Return a packet's length, and where what it counts begins; 0 if it is not there in full (MQTT 3.1.1, 2.2.3)."""
    length = 0
    for shift in (0, 7, 14, 21):
        if at >= len(chunk):
            break
        byte = chunk[at]
        at += 1
        length |= (byte & 127) << shift
        if byte < _CONTINUES:
            return length, at
    return 0, at


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
