"""Tests the access rights of a broker without disturbing other clients: a few packets of MQTT 5 over a plain socket.

A publication of QoS 2 has two steps. The broker checks the right to write in the first, and delivers the message in the
second, which is never sent here. Only an MQTT 5 broker answers "not authorized".
"""

from __future__ import annotations

import socket
import struct
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from athlete_monitor.wire.tls_problems import tls_problem

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

_CONNECT, _PUBLISH_QOS1, _PUBLISH_QOS2, _SUBSCRIBE, _PING, _DISCONNECT = 0x10, 0x32, 0x34, 0x82, 0xC0, 0xE0
_CONNACK, _PUBLISH, _PUBACK, _PUBREC, _SUBACK, _PONG = 0x20, 0x30, 0x40, 0x50, 0x90, 0xD0
_WITH_REASON: Final = 3
_REFUSED: Final = 0x80
_REASONS: Final = {0x84: "does not support MQTT 5", 0x86: "wrong user or password", 0x87: "not authorized"}


class ProbeError(Exception):
    """The server does not answer like a broker, or refuses the log-in; the text gives the reason."""


@dataclass(frozen=True)
class Listener:
    """The address of a broker; ``tls`` for an encrypted listener."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    timeout_s: float = 5.0


class ProbeSession:
    """A logged-in client."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._last_id = 0
        self._early: set[str] = set()

    def may_write(self, topic: str) -> bool:
        """Return whether this user may publish on the topic. Nothing is delivered."""
        number = self._next()
        self._send(_PUBLISH_QOS2, _text(topic) + struct.pack("!H", number) + b"\x00")
        body = self._wait_for(_PUBREC, number)
        return len(body) < _WITH_REASON or body[2] < _REFUSED

    def subscribe(self, topic: str) -> bool:
        """Subscribe; return whether the broker agrees. Mosquitto always does, and then delivers nothing."""
        number = self._next()
        self._send(_SUBSCRIBE, struct.pack("!H", number) + b"\x00" + _text(topic) + b"\x00")
        body = self._wait_for(_SUBACK, number)
        return body[-1] < _REFUSED

    def publish(self, topic: str) -> bool:
        """Publish an empty message; return whether the broker accepted it. By then its subscribers have it."""
        number = self._next()
        self._send(_PUBLISH_QOS1, _text(topic) + struct.pack("!H", number) + b"\x00")
        body = self._wait_for(_PUBACK, number)
        return len(body) < _WITH_REASON or body[2] < _REFUSED

    def heard(self) -> set[str]:
        """Return the topics of all messages that have arrived: the broker's answer to a ping comes after them."""
        self._send(_PING, b"")
        topics = set(self._early)
        while True:
            kind, body = self._receive()
            if kind == _PONG:
                return topics
            topics |= _topic_of(kind, body)

    def _next(self) -> int:
        self._last_id += 1
        return self._last_id

    def _wait_for(self, kind: int, number: int) -> bytes:
        while True:
            found, body = self._receive()
            if found & 0xF0 == kind and struct.unpack_from("!H", body)[0] == number:
                return body
            self._early |= _topic_of(found, body)

    def _send(self, kind: int, body: bytes) -> None:
        self._link.sendall(bytes([kind]) + _length(len(body)) + body)

    def _receive(self) -> tuple[int, bytes]:
        kind = self._read(1)[0]
        size = shift = 0
        while True:
            part = self._read(1)[0]
            size |= (part & 0x7F) << shift
            shift += 7
            if part < _REFUSED:
                return kind, self._read(size)

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = self._link.recv(size - len(data))
            if not part:
                raise ProbeError("the broker closed the connection")
            data += part
        return data


@contextmanager
def log_in(listener: Listener, user: str, password: str) -> Iterator[ProbeSession]:
    """Stay logged in inside the block.

    Raises:
        ProbeError: the broker refuses, or the server is not a broker.
        OSError: it cannot be reached, or its certificate is not valid.
    """
    with (
        socket.create_connection((listener.host, listener.port), listener.timeout_s) as plain,
        _encrypted(plain, listener) as link,
    ):
        session = ProbeSession(link)
        body = b"\x00\x04MQTT\x05\xc2\x00\x1e\x00" + _text("") + _text(user) + _text(password)
        session._send(_CONNECT, body)  # noqa: SLF001 - the session begins with it
        kind, answer = session._receive()  # noqa: SLF001
        if kind != _CONNACK or len(answer) < 2:
            raise ProbeError("not an MQTT broker")
        if answer[1] >= _REFUSED:
            raise ProbeError(_REASONS.get(answer[1], f"refused (code {answer[1]})"))
        yield session
        session._send(_DISCONNECT, b"")  # noqa: SLF001


def _encrypted(plain: socket.socket, listener: Listener) -> socket.socket:
    if listener.tls is None:
        return plain
    try:
        return listener.tls.wrap_socket(plain, server_hostname=listener.host)
    except OSError as error:
        if problem := tls_problem(error):
            raise ConnectionError(problem) from None
        raise


def _topic_of(kind: int, body: bytes) -> set[str]:
    if kind & 0xF0 != _PUBLISH:
        return set()
    return {body[2 : 2 + struct.unpack_from("!H", body)[0]].decode("utf-8", "replace")}


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("!H", len(data)) + data


def _length(size: int) -> bytes:
    parts = []
    while True:
        size, part = divmod(size, 128)
        parts.append(part | (_REFUSED if size else 0))
        if not size:
            return bytes(parts)
