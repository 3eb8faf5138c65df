"""The screen's server as a process, one for the tests of a file, and somebody who publishes."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from athlete_monitor.config import load_config
from athlete_monitor.wire.mqtt import MqttLink
from tests.dashboard.browser import open_browser
from tests.dashboard.kit import Engine, Screen, connect, packed
from tests.helpers import MOSQUITTO, ROOT, Mosquitto, Program, unused_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, ConsoleMessage, Page


@pytest.fixture(scope="module")
def broker(tmp_path_factory) -> Iterator[Mosquitto]:
    """A Mosquitto for the tests of a file; skips without one, and fails there in CI."""
    if MOSQUITTO is None:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail("mosquitto is not installed, and CI must run what needs it")
        pytest.skip("mosquitto is not installed")
    made = Mosquitto(tmp_path_factory.mktemp("mosquitto"))
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def configure(tmp_path_factory, broker) -> Callable[..., Path]:
    """``configure(dashboard={...})``: a configuration for that broker, in a folder of its own."""

    def make(**sections: dict[str, Any]) -> Path:
        document = yaml.safe_load((ROOT / "jetson_nano_4gb_config.yaml").read_text(encoding="utf-8"))
        for section, keys in ({"mqtt": {"port": broker.port, "broker": "external"}} | sections).items():
            document[section] |= keys
        path: Path = tmp_path_factory.mktemp("screen") / "config.yaml"
        path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
        return path

    return make


@pytest.fixture(scope="module")
def start_program() -> Iterator[Callable[..., Program]]:
    """``start_program("main.py", config, "--no-ui")``: a program of ours; it ends with the file's tests."""
    started: list[Program] = []

    def start(script: str, config: Path, *options: object) -> Program:
        outputs = [config.parent / f"{len(started)}_{script}.{name}" for name in ("out", "err")]
        command = [sys.executable, str(ROOT / script), "--config", str(config), "--root", str(config.parent)]
        with outputs[0].open("w") as out, outputs[1].open("w") as err:
            process = subprocess.Popen(
                [*command, *map(str, options)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                text=True,
                env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"},
            )
        started.append(Program(process, *outputs))
        return started[-1]

    yield start
    for program in started:
        program.kill()


@pytest.fixture(scope="module")
def start_screen(start_program) -> Iterator[Callable[..., Screen]]:
    """``start_screen(config_file)``: the server, answering and connected to its broker."""
    started: list[Screen] = []

    def start(config: Path) -> Screen:
        port = unused_port()
        program = start_program("dashboard.py", config, "--port", port)
        program.wait_for("screen: http", 60)
        made = Screen(program, port)
        started.append(made)
        wait_until(lambda: made.http.get("/health").json()["broker"], 30, "the connection to the broker")
        return made

    yield start
    for one in started:
        one.http.close()


@pytest.fixture(scope="module")
def screen(start_screen, config):
    """The server of this file's tests."""
    return start_screen(config)


@pytest.fixture
def publish(broker, configure) -> Iterator[Callable[..., Any]]:
    """``publish(topic, document)`` as the engine would."""
    link = MqttLink(load_config(configure(), environ={}).mqtt, "test-publisher")
    link.start(10)
    yield lambda topic, document, **how: link.publish(topic, packed(document), 1, **how)
    link.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as made:
        yield made


@pytest.fixture(scope="module")
def config(configure) -> Path:
    """The configuration of this file's tests."""
    made: Path = configure()
    return made


@pytest.fixture(scope="module")
def engine(config) -> Iterator[Engine]:
    made = connect(config)
    made.status("online")
    yield made
    made.link.stop()


@pytest.fixture
def open_page(browser: Browser, screen) -> Iterator[Callable[..., Page]]:
    """``open_page("/pitch", width=360)``: a page in an empty browser; errors in its console fail the test."""
    pages: list[Page] = []
    problems: list[str] = []

    def open_one(path: str = "/", width: int = 1024, script: str = "", **options: Any) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 768}, **options)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if is_fault(message) else None)
        if script:
            page.add_init_script(script)
        page.goto((options.get("base_url") or screen.address) + path)
        pages.append(page)
        return page

    yield open_one
    for page in pages:
        page.context.close()
    assert problems == []


def is_fault(message: ConsoleMessage) -> bool:
    """Whether a line of the console says more than that the network or the server did not give something."""
    of_the_network = ("Failed to load resource", "WebSocket connection to", "Firefox can’t establish a connection")
    return message.type in {"error", "warning"} and not message.text.startswith(of_the_network)
