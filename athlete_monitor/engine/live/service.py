"""Notifications to systemd over its datagram socket (``sd_notify(3)``): ready, status, watchdog, stopping."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class ServiceNotifier:
    """Sends notifications to the service manager; does nothing if there is none."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._address = _socket_address(environ.get("NOTIFY_SOCKET", ""))
        self._ready = False
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) if self._address else None
        if self._socket is not None:
            self._socket.setblocking(False)  # noqa: FBT003 - the socket's own

    def ready(self) -> None:
        """Report that the service is ready; only the first call is sent."""
        if not self._ready:
            self._ready = True
            self._send("READY=1")

    def status(self, text: str) -> None:
        """Send one line for ``systemctl status``."""
        self._send(f"STATUS={' '.join(text.split())}")

    def alive(self) -> None:
        """Send the watchdog heartbeat."""
        self._send("WATCHDOG=1")

    def stopping(self) -> None:
        """Report that the service is stopping."""
        self._send("STOPPING=1")

    def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, message: str) -> None:
        if self._socket is None or self._address is None:
            return
        try:
            self._socket.sendto(message.encode(), self._address)
        except OSError:  # the manager is gone or busy: the engine cannot fix that
            return


def _socket_address(text: str) -> str | None:
    if not text.startswith(("/", "@")):
        return None
    return "\0" + text[1:] if text.startswith("@") else text
