"""A real browser for the tests of the pages, and a Wi-Fi that can fail."""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import socket
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Error

from tests.dashboard.firefox import installed, open_firefox
from tests.dashboard.webkit import WebDriverError, missing, open_webkit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


# What is wider than the screen or must be scrolled sideways, apart from the strip of alarms.
SIDEWAYS = """[document.documentElement, ...document.querySelectorAll('body *')].filter((one) => {
  const scrolls = one === document.documentElement || ['auto', 'scroll'].includes(getComputedStyle(one).overflowX);
  return scrolls && one.scrollWidth > one.clientWidth + 1 && !one.matches('.alarms') && one.checkVisibility();
}).map((one) => `${one.tagName}.${one.className} ${one.scrollWidth} > ${one.clientWidth}`)"""


BROWSER = os.environ.get("SCREEN_BROWSER", "chromium")
"""Which browser the tests of the pages use: chromium, firefox or webkit."""


@contextlib.contextmanager
def open_browser(name: str = BROWSER) -> Iterator[Browser]:
    """Start a browser. Without Chromium CI fails; else, and without the other two, the tests are skipped."""
    with tempfile.TemporaryDirectory(prefix="screen-browser-") as folder, STARTS[name](Path(folder)) as browser:
        yield browser


@contextlib.contextmanager
def _chromium(_folder: Path) -> Iterator[Browser]:
    if shutil.which(CHROMIUM) is None:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(f"{CHROMIUM} is not installed, and CI must run what needs it")
        pytest.skip(f"{CHROMIUM} is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@contextlib.contextmanager
def _firefox(folder: Path) -> Iterator[Browser]:
    if installed() is None:
        pytest.skip("Firefox is not installed: sudo apt-get install firefox-esr")
    with open_firefox(folder) as browser:
        yield browser


@contextlib.contextmanager
def _webkit(folder: Path) -> Iterator[Any]:
    if lacking := missing():
        pytest.skip(f"{lacking} not installed: sudo apt-get install webkit2gtk-driver epiphany-browser xvfb")
    with open_webkit(folder / "webkit") as browser:
        yield browser


STARTS = {"chromium": _chromium, "firefox": _firefox, "webkit": _webkit}


def until(page: Page, expression: str, timeout_s: float = 60.0) -> Any:
    """Return the expression's first true value in the page (whose policy forbids Playwright's own way of waiting)."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        with contextlib.suppress(Error, WebDriverError):  # the page is being loaded again
            if value := page.evaluate(expression):
                return value
        page.wait_for_timeout(50)
    pytest.fail(f"not within {timeout_s:g} s: {expression}\n{page.inner_text('body')[:2000]}")


def until_python(page: Page, condition: Callable[[], Any], what: str, timeout_s: float = 60.0) -> Any:
    """Return the condition's first true value; the page goes on meanwhile."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if value := condition():
            return value
        page.wait_for_timeout(50)
    pytest.fail(f"not within {timeout_s:g} s: {what}\n{page.inner_text('body')[:2000]}")


class Wifi:
    """Passes bytes on between a browser and the server; while it is out, they are lost without a word."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.out = False
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._ended = threading.Event()
        self._peers: dict[socket.socket, socket.socket] = {}
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join(5)
        for sock in [*self._peers, self._listener]:
            sock.close()
        self._selector.close()

    def _run(self) -> None:
        while not self._ended.is_set():
            for key, _ in self._selector.select(0.05):
                sock = key.fileobj
                assert isinstance(sock, socket.socket)
                if sock is self._listener:
                    self._accept()
                elif sock in self._peers:
                    self._pass_on(sock)

    def _accept(self) -> None:
        near, _ = self._listener.accept()
        if self.out:
            near.close()
            return
        try:
            far = socket.create_connection(("127.0.0.1", self._target), 2)
        except OSError:
            near.close()
            return
        for one, other in ((near, far), (far, near)):
            self._peers[one] = other
            self._selector.register(one, selectors.EVENT_READ)

    def _pass_on(self, sock: socket.socket) -> None:
        other = self._peers[sock]
        try:
            data = sock.recv(65536)
            if data and not self.out:
                other.sendall(data)
        except OSError:
            data = b""
        if not data:
            for one in (sock, other):
                self._selector.unregister(one)
                self._peers.pop(one, None)
                one.close()
