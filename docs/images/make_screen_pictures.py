"""Draw docs/images/screen_*.png: the coach's screen during a simulated match.

python docs/images/make_screen_pictures.py [--minutes 6] [--folder docs/images]

Mosquitto, the engine, the publisher and the screen's server run as a user would start them; Chromium looks.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import yaml
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.helpers import Mosquitto, unused_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.sync_api import Browser

PROJECT: Final = Path(__file__).resolve().parents[2]
NAMES: Final = (
    "Müller", "Ada", "Ito", "Okoye", "Silva", "García", "Kovács", "Wolff", "Nguyễn", "Lindqvist", "Haddad", "Rossi",
    "Petit", "Novák", "O’Brien", "Sato", "Jensen",
)  # fmt: skip
POSITIONS: Final = (
    "MF",
    "FW",
    "MF",
    "DF",
    "DF",
    "DF",
    "DF",
    "DF",
    "MF",
    "MF",
    "GK",
    "MF",
    "FW",
    "GK",
    "DF",
    "MF",
    "FW",
)
NUMBERS: Final = (7, 9, 10, 14, 17, 2, 3, 4, 5, 6, 1, 8, 11, 12, 13, 15, 16)
SILENT: Final = 17
"""Whose device is not switched on."""
SHOTS: Final = (
    ("squad_light", "/", (1024, 768), "light"),
    ("squad_dark", "/", (1024, 768), "dark"),
    ("athlete", "/athlete/001", (1024, 1100), "light"),
    ("pitch", "/pitch", (1024, 768), "dark"),
    ("control", "/control", (1024, 768), "light"),
    ("phone", "/", (360, 740), "dark"),
    ("desktop", "/", (1920, 1080), "light"),
)
COMMANDS: Final = (
    ("session", "edit", "--name", "FC Example", "--opponent", "Rovers"),
    ("pitch", "1-11", "on"),
    ("pitch", "12-16", "off"),
    ("marker", "pressing"),
    ("target", "7", "distance_m", "900"),
    ("target", "9", "distance_m", "1100"),
    ("target", "10", "trimp", "20"),
)
FLAGS: Final = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


def configure(folder: Path, broker: Mosquitto) -> int:
    """Write configuration and roster; return the port of the screen."""
    port = unused_port()
    document = yaml.safe_load((PROJECT / "jetson_nano_4gb_config.yaml").read_text(encoding="utf-8"))
    document["mqtt"] |= {"port": broker.port, "broker": "external"}
    document["dashboard"] |= {"port": port}
    (folder / "config.yaml").write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    people = [
        {
            "id": at,
            "device": f"{at:03d}",
            "name": name,
            "number": number,
            "position": position,
            "sex": "female",
            "age": 24,
        }
        for at, (name, number, position) in enumerate(zip(NAMES, NUMBERS, POSITIONS, strict=True), 1)
    ]
    (folder / "athletes.yaml").write_text(json.dumps({"athletes": people}, ensure_ascii=False), encoding="utf-8")
    return port


@contextlib.contextmanager
def programs(folder: Path) -> Iterator[None]:
    """Run engine, publisher and screen."""
    players = ",".join(str(at) for at in range(1, len(NAMES) + 1) if at != SILENT)
    wanted: Sequence[tuple[str, ...]] = (
        ("main.py", "--no-ui"),
        ("dashboard.py",),
        ("publisher.py", "--players", f"[{players}]", "--mode", "game", "--duration", "90", "--seed", "7"),
    )
    running = []
    try:
        for command in wanted:
            running.append(subprocess.Popen(arguments(folder, command), env=os.environ | {"OMP_NUM_THREADS": "1"}))
            time.sleep(15)
        yield
    finally:
        for process in reversed(running):
            process.terminate()
            process.wait(20)


def arguments(folder: Path, command: Sequence[str]) -> list[str]:
    """Return the command line of a program of ours."""
    script, *options = command
    return [
        sys.executable,
        str(PROJECT / script),
        *options,
        "--config",
        str(folder / "config.yaml"),
        "--root",
        str(folder),
    ]


def tell_engine(folder: Path, command: Sequence[str]) -> None:
    """Give the engine a command; it may still be starting."""
    for _ in range(20):
        if subprocess.run(arguments(folder, ("control.py", *command)), check=False).returncode == 0:
            return
        time.sleep(3)
    raise SystemExit(f"the engine does not answer: {command}")


def shoot(browser: Browser, address: str, folder: Path) -> None:
    """Make the pictures."""
    for name, path, (width, height), theme in SHOTS:
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(address + path)
        page.wait_for_timeout(12_000)
        page.screenshot(path=folder / f"screen_{name}.png")
        context.close()
        print(name, flush=True)


def main() -> int:
    """Play a match and look at it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=6.0, help="how long the match has gone on by then")
    parser.add_argument("--folder", type=Path, default=PROJECT / "docs" / "images")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        broker = Mosquitto(folder)
        broker.start()
        address = f"http://127.0.0.1:{configure(folder, broker)}"
        with programs(folder):
            for command in COMMANDS:
                tell_engine(folder, command)
            time.sleep(args.minutes * 60)
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
            shoot(browser, address, args.folder)
            browser.close()
        broker.stop()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
