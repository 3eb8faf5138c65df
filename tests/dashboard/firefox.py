"""Firefox of the distribution, driven by Playwright through WebDriver BiDi.

Playwright drives a Firefox of its own, which has to be downloaded, or the real one over BiDi. Of the latter it wants
commands that not every Firefox has. This file is also the program that Playwright starts in place of Firefox: it passes
everything on, and answers for Firefox where a command of ``emulation`` is unknown, which then changes nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import stat
import sys
from typing import TYPE_CHECKING, Any, Final

import websockets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

NAMES: Final = ("firefox-esr", "firefox")
LISTENING: Final = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
CHANNEL: Final = "moz-firefox"
PREFERENCES: Final[dict[str, str | float | bool]] = {"privacy.reduceTimerPrecision": False}


def installed() -> str | None:
    """Return where Firefox is."""
    return next((found for found in map(shutil.which, NAMES) if found), None)


@contextlib.contextmanager
def open_firefox(folder: Path) -> Iterator[Browser]:
    """Start Firefox with an empty profile."""
    from playwright.sync_api import sync_playwright

    program = folder / "firefox"
    program.write_text(f"#!/bin/sh\nexec '{sys.executable}' '{__file__}' \"$@\"\n", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    with sync_playwright() as playwright:
        browser = playwright.firefox.launch(
            executable_path=program, channel=CHANNEL, headless=True, firefox_user_prefs=PREFERENCES, timeout=120_000
        )
        yield browser
        browser.close()


async def stand_in(arguments: list[str]) -> int:
    """Start Firefox, pass on what Playwright sends, and end with it."""
    program = await asyncio.create_subprocess_exec(installed() or "firefox", *arguments, stderr=asyncio.subprocess.PIPE)
    assert program.stderr is not None
    async for line in program.stderr:
        if found := LISTENING.search(line.decode("utf-8", "replace")):
            break
    else:
        return await program.wait()
    address = found[1]

    async def serve(client: websockets.ServerConnection) -> None:
        path = client.request.path if client.request else "/session"
        async with websockets.connect(address + path, max_size=None) as real:
            asked: set[int] = set()
            ways = [asyncio.create_task(one) for one in (to_firefox(client, real, asked), back(real, client, asked))]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()

    async with websockets.serve(serve, "127.0.0.1", 0, max_size=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        sys.stderr.write(f"WebDriver BiDi listening on ws://127.0.0.1:{port}\n")
        sys.stderr.flush()
        async for _ in program.stderr:
            pass
        return await program.wait()


async def to_firefox(client: Any, real: Any, asked: set[int]) -> None:
    async for message in client:
        command = json.loads(message)
        if command["method"].startswith("emulation."):
            asked.add(command["id"])
        await real.send(message)


async def back(real: Any, client: Any, asked: set[int]) -> None:
    async for message in real:
        answer = json.loads(message)
        missing = answer.get("id") in asked and answer.get("error") == "unknown command"
        await client.send(json.dumps({"type": "success", "id": answer["id"], "result": {}}) if missing else message)


if __name__ == "__main__":
    os.environ["MOZ_HEADLESS"] = "1"
    raise SystemExit(asyncio.run(stand_in(sys.argv[1:])))
