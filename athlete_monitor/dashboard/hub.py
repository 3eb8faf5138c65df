"""Sends every screen the same text: one frame a second, encoded once, whatever the number of screens."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

WAITING: Final = 8
"""Messages that may wait for a slow screen; then the oldest goes, and the screen asks for what it missed."""


class ConnectedScreen:
    """One connected screen and what waits for it."""

    def __init__(self, *, sees_heart_rate: bool) -> None:
        self.sees_heart_rate = sees_heart_rate
        self.dropped = 0
        self._waiting: deque[str] = deque()
        self._arrived = asyncio.Event()
        self._closed = False

    def put(self, text: str) -> None:
        """Queue a message; never blocks."""
        if len(self._waiting) >= WAITING:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(text)
        self._arrived.set()

    def close(self) -> None:
        """Send nothing more."""
        self._closed = True
        self._arrived.set()

    async def forward(self, send: Callable[[str], Awaitable[None]]) -> None:
        """Send what comes, until the screen is closed."""
        while not self._closed:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting and not self._closed:
                await send(self._waiting.popleft())


class Hub:
    """The connected screens."""

    def __init__(self) -> None:
        self.screens: set[ConnectedScreen] = set()
        self.sent = 0

    def join(self, *, sees_heart_rate: bool) -> ConnectedScreen:
        """Add a screen."""
        screen = ConnectedScreen(sees_heart_rate=sees_heart_rate)
        self.screens.add(screen)
        return screen

    def leave(self, screen: ConnectedScreen) -> None:
        """Forget a screen."""
        screen.close()
        self.screens.discard(screen)

    def send(self, encode: Callable[[bool], str]) -> None:
        """Send one message to all; ``encode(sees_heart_rate)`` is called once for each kind of screen there is."""
        for kind in (True, False):
            screens = [one for one in self.screens if one.sees_heart_rate is kind]
            if screens:
                text = encode(kind)
                self.sent += len(screens)
                for one in screens:
                    one.put(text)

    def close(self) -> None:
        """End all connections."""
        for one in list(self.screens):
            self.leave(one)
