"""Connections that ask for nothing are closed: a server of a small box must not run out of them."""

from __future__ import annotations

import resource
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

REQUEST_S: Final = 20.0
"""A connection has so long for each whole request, head and body: enough for the largest over a slow Wi-Fi."""
MOST_FILES: Final = 4096
"""Open files and connections that the server asks the system for."""


class PatientProtocol(H11Protocol):
    """uvicorn's HTTP with a limit on how long a request may take to arrive, and the first one to begin."""

    _waiting: asyncio.TimerHandle | None = None
    _is_websocket = False

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401 - uvicorn's own signature
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._waiting = self.loop.call_later(REQUEST_S, self._give_up)

    def handle_events(self) -> None:
        """Read what has come; the clock runs as long as a request has begun and is not whole."""
        super().handle_events()
        if self._is_websocket or not self._is_incomplete:
            self._stop_waiting()
        elif self._waiting is None:
            self._waiting = self.loop.call_later(REQUEST_S, self._give_up)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Leave the connection to the WebSocket: it stays as long as both sides want it."""
        self._is_websocket = True  # h11 waits for the end of a request that is over for it
        super().handle_websocket_upgrade(event)

    def eof_received(self) -> bool:  # type: ignore[override]  # asyncio's own signature
        """Answer whoever says that nothing more will be asked; over TLS the connection ends with that."""
        cycle: Any = self.cycle  # None before the first request
        is_answering = cycle is not None and not cycle.response_complete and not self._is_websocket
        if not is_answering or self.transport.get_extra_info("sslcontext") is not None:
            return False
        cycle.keep_alive = False
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_waiting()
        super().connection_lost(exc)

    @property
    def _is_incomplete(self) -> bool:
        state = self.conn.their_state
        return state is h11.SEND_BODY or (state is h11.IDLE and bool(self.conn.trailing_data[0]))

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_up(self) -> None:
        self._waiting = None
        self.transport.abort()


def raise_file_limit() -> None:
    """Allow as many connections as the system does, up to ``MOST_FILES``."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
