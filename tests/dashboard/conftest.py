"""The screen's server as a process, and somebody who publishes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from athlete_monitor.wire.mqtt import MqttLink
from tests.dashboard.kit import Screen, packed
from tests.helpers import unused_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def start_screen(run_door) -> Iterator[Callable[..., Screen]]:
    """``start_screen(config_file)``: the server, answering."""
    started: list[Screen] = []

    def start(config: Path, *options: object) -> Screen:
        port = unused_port()
        door = run_door("dashboard.py", "--config", config, "--root", config.parent, "--port", port, *options)
        door.wait_for("screen: http", 40)
        started.append(Screen(door, port))
        return started[-1]

    yield start
    for screen in started:
        screen.http.close()


@pytest.fixture
def screen(start_screen, make_config, mosquitto):
    """The server, connected to a broker of its own."""
    made = start_screen(make_config(mqtt={"port": mosquitto.port, "broker": "external"}))
    wait_until(lambda: made.http.get("/health").json()["broker"], 20, "the connection to the broker")
    return made


@pytest.fixture
def publish(mosquitto, sample_config) -> Iterator[Callable[..., Any]]:
    """``publish(topic, document)`` as the engine would."""
    link = MqttLink(sample_config(mqtt={"port": mosquitto.port}).mqtt, "test-publisher")
    link.start(10)
    yield lambda topic, document, **how: link.publish(topic, packed(document), 1, **how)
    link.stop()
