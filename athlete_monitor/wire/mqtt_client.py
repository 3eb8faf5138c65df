"""paho's client with faster reads and writes, the engine's most frequent operations.

paho makes three system calls for each packet and one more to look for another, and passes a message through a dozen
functions; here the socket is buffered, and messages of QoS 0 that have arrived after another one are taken directly
from the buffer. paho also wakes its network thread for every message to be sent; here the publishing thread writes by
itself, and the network thread writes only what the socket does not take at once. Everything else is paho's.
``benchmarks/mqtt.py`` measures the saving.
"""

from __future__ import annotations

import math
import socket
import ssl
import threading
import time
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from paho.mqtt.client import Client, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from athlete_monitor.wire.tls_problems import tls_problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from paho.mqtt.client import MQTTMessage, SocketLike

_READ_BYTES: Final = 1 << 16
_COMMAND: Final = 0xF0
_PUBLISH: Final = 0x30
_PUBACK: Final = bytes((0x40, 2))
_LEAST_MESSAGE: Final = 5
_CONTINUES: Final = 0x80
_REMEMBERED: Final = 8192
"""So many topics, and lengths of messages, are remembered as they are written."""
_SENT_AT_ONCE: Final = 32 * 1024
"""About this many bytes are handed to the socket with one call."""
ANSWER_S: Final = 10.0
"""So long a server may take to answer a connection, s."""
_QUICK_ACK: Final[int | None] = getattr(socket, "TCP_QUICKACK", None)  # Linux only; must be set again after each read


class QuickClient(Client):
    """paho's client with the faster paths; it also keeps the reason of a failed connection."""

    last_error = ""
    last_tls_problem: str | None = None
    gave_up = False
    """Whether the last connection was left because the server did not answer."""
    _dialled_s = math.inf
    _pass_on: Callable[[str, bytes, int], None] | None = None

    def __init__(self, client_id: str, *, clean_session: bool) -> None:
        super().__init__(CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=clean_session)
        self.publishing = threading.RLock()
        """Held while a message is published, so that none comes between messages that are re-sent at a connect."""
        self._writing = threading.RLock()
        self._gathered: list[bytes | bytearray] | None = None
        """Packets of a ``gathering``."""
        self._gatherer = 0

    @property
    def is_running(self) -> bool:
        """Whether the network thread is alive."""
        return self._thread is not None and self._thread.is_alive()

    def reconnect(self) -> MQTTErrorCode:
        """Connect as paho does, and keep the reason if that fails."""
        try:
            return super().reconnect()
        except (OSError, ValueError) as error:  # ValueError: a host name that cannot be looked up
            self.last_tls_problem = tls_problem(error)
            self.last_error = getattr(error, "strerror", None) or str(error)
            raise ConnectionError(self.last_error) from error

    def pass_messages_to(
        self, handle: Callable[[str, bytes, int], None], *, take_retained: bool, acknowledge: bool = True
    ) -> None:
        """Call ``handle`` with topic, payload and number of every message; topics that are not UTF-8 are ignored.

        Without ``acknowledge``, a message of QoS 1 has a number of 1 or more and stays unacknowledged until
        ``acknowledge_all`` gets it; all others have 0.
        """
        self.manual_ack_set(not acknowledge)

        def pass_on(_client: Client, _userdata: object, message: MQTTMessage) -> None:
            number = message.mid if message.qos == 1 and not acknowledge else 0
            try:
                topic = message.topic
            except UnicodeDecodeError:
                topic = ""
            if topic and (take_retained or not message.retain):
                handle(topic, bytes(message.payload), number)
            elif number:
                self.acknowledge_all([number])

        self.on_message = pass_on
        self._pass_on = handle

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Read packets as paho does, and all buffered messages after them."""
        code = super().loop_read(max_packets)
        while code == MQTTErrorCode.MQTT_ERR_SUCCESS and self._more_is_buffered():
            self._take_messages()
            if self._more_is_buffered():
                code = super().loop_read(max_packets)
        return code

    def _take_messages(self) -> None:
        """Pass on the messages at the head of the buffer, up to the first packet that is for paho."""
        sock = self.socket()
        if self._pass_on is None or self._in_packet["command"] or not isinstance(sock, BufferedSocket):
            return
        while (message := sock.take_message()) is not None:
            try:
                topic = message[0].decode()
            except UnicodeDecodeError:
                continue
            self._pass_on(topic, message[1], 0)

    def acknowledge_all(self, numbers: Sequence[int]) -> None:
        """Acknowledge these messages to the broker; safe from any thread."""
        packets = b"".join(_PUBACK + number.to_bytes(2, "big") for number in numbers)
        if packets and self.is_connected():
            self._enqueue(_PUBACK[0], packets, 0, 0, None)
            self._wake()

    def send_now(self, topic: str, payload: bytes) -> bool:
        """Write a message of QoS 0 if nothing waits before it; False if paho has to take it."""
        return self._send(b"".join(_packet(topic, payload)))

    def send_many(self, messages: Sequence[tuple[str, bytes]]) -> int:
        """Write messages of QoS 0, several with one call to the system; return how many of them are on their way."""
        pieces: list[bytes] = []
        size = done = 0
        for number, (topic, payload) in enumerate(messages, 1):
            pieces += _packet(topic, payload)
            size += len(payload)
            if size >= _SENT_AT_ONCE or number == len(messages):
                if not self._send(b"".join(pieces)):
                    break
                pieces, size, done = [], 0, number
        return done

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Write the messages of QoS 1 that are published inside the block with one call to the system, after it.

        The caller holds ``publishing``. Messages of other threads are written as usual.
        """
        self._gathered, self._gatherer = [], threading.get_ident()
        try:
            yield
        finally:
            packets, self._gathered = self._gathered, None
            if packets and self.is_connected():  # else they are sent again at the next connect
                self._enqueue(_PUBLISH, b"".join(packets), 0, 1, None)
                self._packet_write()
                if self._out_packet:
                    self._wake()

    def _send(self, packet: bytes) -> bool:
        with self._writing:
            sock = self.socket()
            if self._out_packet or not self.is_connected() or not self._writes_anywhere() or sock is None:
                return False
            try:
                sent = sock.send(packet)
            except OSError:  # busy or lost: paho handles both
                return False
            if sent < len(packet):
                self._enqueue(_PUBLISH, packet, 0, 0, MQTTMessageInfo(0), sent)
        if sent < len(packet):
            self._wake()
        return True

    def _packet_queue(
        self, command: int, packet: bytes | bytearray, mid: int, qos: int, info: MQTTMessageInfo | None = None
    ) -> MQTTErrorCode:
        in_network_thread = threading.current_thread() is self._thread
        if command & _COMMAND == _PUBLISH and not self.is_connected():
            return (
                MQTTErrorCode.MQTT_ERR_NO_CONN
            )  # before CONNACK, a new PUBLISH would overtake messages that are being re-sent
        if not in_network_thread and (command & _COMMAND != _PUBLISH or not self._writes_anywhere()):
            return super()._packet_queue(command, packet, mid, qos, info)
        if self._gathered is not None and qos and self._gatherer == threading.get_ident():
            self._gathered.append(packet)
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        self._enqueue(command, packet, mid, qos, info)
        if in_network_thread:  # it checks for waiting writes before it waits
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        self._packet_write()
        if self._out_packet:
            self._wake()
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _enqueue(
        self,
        command: int,
        packet: bytes | bytearray,
        mid: int,
        qos: int,
        info: MQTTMessageInfo | None,
        written: int = 0,
    ) -> None:
        self._out_packet.append(
            {
                "command": command,
                "mid": mid,
                "qos": qos,
                "pos": written,
                "to_process": len(packet) - written,
                "packet": packet,
                "info": info,
            }
        )

    def _wake(self) -> None:
        """Let the network thread write what is left."""
        if self._sockpairW is not None:
            with suppress(BlockingIOError):  # it has already been woken
                self._sockpairW.send(b"0")

    def loop_misc(self) -> MQTTErrorCode:
        """See paho; a server that accepts the connection and does not answer is left, which paho does after minutes."""
        if self.socket() is not None and not self.is_connected() and time.monotonic() > self._dialled_s + ANSWER_S:
            self.gave_up = True
            self.hang_up()
        return super().loop_misc()

    def _handle_connack(self) -> MQTTErrorCode:
        with self.publishing:
            return super()._handle_connack()

    def _packet_write(self) -> MQTTErrorCode:
        with self._writing:
            return super()._packet_write()

    def _writes_anywhere(self) -> bool:
        """Whether the socket may be written in one thread while it is read in another."""
        sock = self.socket()
        return self._thread is not None and isinstance(sock, BufferedSocket) and not sock.is_encrypted

    def hang_up(self) -> None:
        """Close the connection to a broker that no longer accepts data."""
        sock = self.socket()
        if isinstance(sock, BufferedSocket):
            sock.shut_down()

    def _more_is_buffered(self) -> bool:
        sock = self.socket()
        return isinstance(sock, BufferedSocket) and sock.buffered() > 0

    def _create_socket(self) -> SocketLike:
        sock = super()._create_socket()
        self._dialled_s, self.gave_up = time.monotonic(), False
        if not isinstance(sock, socket.socket):
            return sock
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return BufferedSocket(sock)


class BufferedSocket:
    """A socket whose small reads are served from one large one, and acknowledged at once.

    Mosquitto in its default configuration holds a small message back until the previous one is acknowledged, and Linux
    may delay that acknowledgement by 40 ms.
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
        """Return up to ``size`` bytes; empty at the end of the stream. Errors of the socket are passed on."""
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
        """Whether the connection uses TLS, whose sockets may be used by only one thread at a time."""
        return isinstance(self._sock, ssl.SSLSocket)

    def take_message(self) -> tuple[bytes, bytes] | None:
        """Return topic and payload if the next packet in the buffer is a whole message of QoS 0, not retained."""
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
        """Return the number of buffered bytes."""
        return len(self._chunk) - self._position

    def pending(self) -> int:
        """Return the number of bytes that are available without a system call."""
        return self.buffered() + (self._sock.pending() if isinstance(self._sock, ssl.SSLSocket) else 0)

    def shut_down(self) -> None:
        """Shut the connection down in both directions; the next read or write fails."""
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:  # it is broken already
            self._chunk = b""


def _packet(topic: str, payload: bytes) -> tuple[bytes, bytes, bytes]:
    """The pieces of a PUBLISH of QoS 0."""
    name = _name(topic)
    return _header(len(name) + len(payload)), name, payload


@lru_cache(maxsize=_REMEMBERED)
def _name(topic: str) -> bytes:
    """A topic with its length (MQTT 3.1.1, 1.5.3)."""
    name = topic.encode()
    return len(name).to_bytes(2, "big") + name


@lru_cache(maxsize=_REMEMBERED)
def _header(length: int) -> bytes:
    """Fixed header of a PUBLISH of QoS 0 that is not retained (MQTT 3.1.1, 2.2)."""
    header = bytearray((_PUBLISH,))
    while length >= _CONTINUES:
        header.append(length & 127 | _CONTINUES)
        length >>= 7
    header.append(length)
    return bytes(header)


def _length_at(chunk: bytes, at: int) -> tuple[int, int]:
    """Return a packet's remaining length and the position after it; 0 if it is incomplete (MQTT 3.1.1, 2.2.3)."""
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
