"""The broker: one that already runs, or an embedded one hosted here for the lifetime of this process."""

from __future__ import annotations

import ipaddress
import logging
import os
import selectors
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from athlete_monitor.errors import BrokerError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

    from athlete_monitor.config import Mqtt

_log = logging.getLogger(__name__)

DRAIN: Final = "drain\n"
"""Sent to the embedded broker's standard input: it ends when all clients have disconnected."""
DRAIN_S: Final = 5.0
_WATCH_S: Final = 0.25
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 10.0
_PROBE_S: Final = 1.0
_START_S: Final = 20.0
_STOP_S: Final = 5.0
_READY: Final = "ready"
_PACKAGE_ROOT: Final = Path(__file__).resolve().parents[2]


class BrokerHandle:
    """The broker in use; as a context manager it stops on exit what it started.

    An embedded broker that ends unexpectedly is restarted, with growing pauses while that fails; both are logged and
    counted in ``restarts``. What it held in memory is lost; its clients reconnect by themselves.

    Args:
        start: starts the embedded broker; None if the broker is external.

    Raises:
        BrokerError: it does not start.
    """

    def __init__(self, start: Callable[[], subprocess.Popen[str]] | None = None) -> None:
        self.restarts = 0
        self._start = start
        self._stopping = threading.Event()
        self._process = None if start is None else start()
        self._watcher = threading.Thread(target=self._watch, name="broker", daemon=True)
        if self._process is not None:
            self._watcher.start()

    @property
    def embedded(self) -> bool:
        """Whether this process hosts the broker."""
        return self._process is not None

    @property
    def pid(self) -> int | None:
        """Process id of the embedded broker."""
        return None if self._process is None else self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the embedded broker runs; always True for an external broker, whose state is not known."""
        return self._process is None or self._process.poll() is None

    def drain(self, timeout_s: float = DRAIN_S) -> None:
        """Stop the embedded broker as soon as its clients have disconnected, at the latest after the timeout."""
        if self._process is not None:
            self._stopping.set()
            self._watcher.join()
            _ask_to_drain(self._process)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout_s)
        self.stop()

    def stop(self) -> None:
        """Stop the embedded broker and wait until its port is free; may be called again."""
        if self._process is not None:
            self._stopping.set()
            self._watcher.join()
            _end(self._process)

    def _watch(self) -> None:
        while not self._stopping.wait(_WATCH_S):
            if not self.alive:
                self._revive()

    def _revive(self) -> None:
        """Restart the broker until it runs or is to stop."""
        assert self._process is not None  # noqa: S101 - what is watched
        _log.error("event=embedded_broker_ended pid=%d code=%s", self._process.pid, self._process.returncode)
        _close_pipes(self._process)
        pause_s, logged = _FIRST_PAUSE_S, ""
        while reason := self._refusal():
            if reason != logged:
                _log.error("event=embedded_broker_not_restarted reason=%r", reason)
                logged = reason
            if self._stopping.wait(pause_s):
                return
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        self.restarts += 1
        _log.warning("event=embedded_broker_restarted pid=%d restarts=%d", self._process.pid, self.restarts)

    def _refusal(self) -> str:
        """Start the broker; return why that fails, or an empty text."""
        assert self._start is not None  # noqa: S101 - what has started it
        try:
            self._process = self._start()
        except (BrokerError, OSError) as error:
            return str(error)
        return ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _ask_to_drain(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None  # noqa: S101 - opened in _start
    with suppress(OSError):  # it has ended
        process.stdin.write(DRAIN)
        process.stdin.flush()


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    _close_pipes(process)


def open_broker(settings: Mqtt, listener: str = "") -> BrokerHandle:
    """Provide the broker that ``mqtt.broker`` asks for.

    ``external`` starts nothing and checks nothing. ``auto`` starts the embedded broker only if nothing answers at
    ``mqtt.host`` and ``mqtt.port`` and that host is this machine without TLS. ``embedded`` always starts it.

    The embedded broker is amqtt in a process of its own, so that it does not share the interpreter lock with the
    engine (``benchmarks/mqtt.py``); if it is killed, it is restarted. It listens on loopback only, accepts any user,
    and has no TLS. Retained messages, last wills and persistent sessions are held in its memory: they survive its
    clients, not the broker. It delivers with the QoS of the subscription, whatever the QoS of the publication; what a
    persistent session missed arrives with the retain flag set, and a resumed session is sent the retained messages of
    all subscriptions. If the name of a listening client is given, other clients are accepted only after it has
    subscribed.

    Raises:
        BrokerError: the embedded broker is required and cannot start.
    """
    if settings.broker == "external":
        return BrokerHandle()
    if settings.broker == "auto" and (not _can_host(settings) or answers(settings.host, settings.port)):
        return BrokerHandle()
    _check_can_host(settings)
    address = "127.0.0.1" if settings.host == "localhost" else settings.host
    return BrokerHandle(partial(_start, address, settings.port, listener))


def answers(host: str, port: int, timeout_s: float = _PROBE_S) -> bool:
    """Return whether anything accepts a TCP connection there within the timeout."""
    try:
        with socket.create_connection((host, port), timeout_s):
            return True
    except (OSError, ValueError):  # ValueError: a host name that cannot be looked up
        return False


def is_loopback(host: str) -> bool:
    """Return whether this host name or address is this machine and nothing else."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _can_host(settings: Mqtt) -> bool:
    return is_loopback(settings.host) and not settings.tls.enabled


def _check_can_host(settings: Mqtt) -> None:
    where = f"embedded broker at {settings.host}:{settings.port}"
    if not is_loopback(settings.host):
        raise BrokerError(f"{where}: mqtt.host must be 127.0.0.1, ::1 or localhost")
    if settings.tls.enabled:
        raise BrokerError(f"{where}: it has no TLS; set mqtt.tls.enabled to false or mqtt.broker to external")
    if answers(settings.host, settings.port):
        raise BrokerError(f"{where}: the port is taken; set mqtt.port to a free one or mqtt.broker to auto")


def _start(address: str, port: int, listener: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(  # noqa: S603 - our own module, with an address, a number and a name of ours
        [sys.executable, "-m", "athlete_monitor.wire.embedded_broker", address, str(port), listener],
        stdin=subprocess.PIPE,  # held open for our lifetime: when it closes, the broker ends
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": _search_path()},
        start_new_session=True,
    )
    answer = _first_line(process)
    if answer != _READY:
        _end(process)
        raise BrokerError(f"embedded broker at {address}:{port} does not start: {answer or 'no answer in time'}")
    return process


def _search_path() -> str:
    inherited = os.environ.get("PYTHONPATH")
    return os.pathsep.join([str(_PACKAGE_ROOT), inherited] if inherited else [str(_PACKAGE_ROOT)])


def _first_line(process: subprocess.Popen[str]) -> str:
    """Return the first line that the process prints within the timeout, or an empty text."""
    assert process.stdout is not None  # noqa: S101 - opened above
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        return process.stdout.readline().strip() if selector.select(_START_S) else ""


def _close_pipes(process: subprocess.Popen[str]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):  # buffered for a broker that has ended
                pipe.close()
