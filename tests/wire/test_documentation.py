"""docs/inputs.md is true: it is up to date, its messages are read, its publishers publish, its examples run."""

from __future__ import annotations

import doctest
import importlib
import json
import pkgutil
import re
import shutil
import subprocess
import sys

import pytest

import athlete_monitor.wire
from athlete_monitor.arrays import HEART_RATE
from athlete_monitor.channels import NAMES
from athlete_monitor.wire.codec import Decoder
from athlete_monitor.wire.keys import KEYS
from athlete_monitor.wire.mqtt import MqttLink
from athlete_monitor.wire.topics import SENSOR_FILTERS, device_of
from tests.helpers import ROOT, wait_until
from tests.wire.test_mqtt import settings

PAGE = (ROOT / "docs" / "inputs.md").read_text(encoding="utf-8")
MODULES = ["athlete_monitor.channels", "athlete_monitor.arrays"] + [
    f"athlete_monitor.wire.{module.name}" for module in pkgutil.iter_modules(athlete_monitor.wire.__path__)
]


def code(language: str) -> list[str]:
    """The page's blocks of code in this language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def heard(mosquitto):
    """What arrives at the broker on the topics of sensors, decoded."""
    samples, decoder = [], Decoder()

    def take(topic: str, payload: bytes) -> None:
        samples.extend(decoder.decode(payload, device_of(topic)))

    link = MqttLink(
        settings(mosquitto.port), "reader", on_message=take, subscriptions=[(name, 1) for name in SENSOR_FILTERS]
    )
    link.start(10.0)
    link.publish("sensor/data", b'{"device_id": "ready", "timestamp": 1767261600}', 1)
    wait_until(lambda: samples, what="the subscription")
    samples.clear()
    yield samples
    link.stop()


def test_the_page_is_up_to_date():
    made = subprocess.run([sys.executable, ROOT / "docs" / "make_inputs.py", "--check"], check=False)
    assert made.returncode == 0, "run python docs/make_inputs.py"


def test_the_page_names_every_key():
    assert [name for name in (*NAMES, *(key.name for key in KEYS)) if f"| `{name}` |" not in PAGE] == []


def test_the_publisher_of_the_page_publishes(mosquitto, heard):
    [program] = code("python")
    quick = program.replace("1883", str(mosquitto.port)).replace("range(600)", "range(5)").replace("0.1)", "0.001)")
    subprocess.run([sys.executable, "-c", quick], check=True, timeout=30)
    wait_until(lambda: len(heard) == 6, what="the samples")
    assert [sample.seq for sample in heard] == [0, 1, 2, 3, 4, None]
    assert [sample.end for sample in heard] == [False] * 5 + [True]
    assert heard[0].values[HEART_RATE] == 121


def test_the_command_of_the_page_publishes(mosquitto, heard):
    if shutil.which("mosquitto_pub") is None:
        pytest.skip("mosquitto_pub is not installed")
    [command] = code("sh")
    subprocess.run(["sh", "-c", command.replace("1883", str(mosquitto.port))], check=True, timeout=30)
    [sample] = wait_until(lambda: list(heard), what="the sample")
    assert (sample.device_id, sample.values[HEART_RATE]) == ("007", 121)


def test_the_messages_of_the_page_are_read_without_any_key_that_is_not_used():
    batch, end = code("json")
    first, second = Decoder().decode(batch.encode(), "007")
    assert (first.seq, second.seq, second.rr_intervals_ms) == (500, 501, (497.0, 501.0))
    assert Decoder().decode(json.dumps(json.loads(end)).encode(), "007")[0].end


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_are_true(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
