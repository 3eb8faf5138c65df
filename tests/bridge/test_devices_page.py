"""Each example of docs/devices.md does what the page says."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from athlete_monitor.bridge.mapping import load_mapping
from athlete_monitor.bridge.outlet import Outlet
from athlete_monitor.bridge.translating import MapBridge
from athlete_monitor.wire.codec import Decoder
from athlete_monitor.wire.topics import device_of
from tests.helpers import ROOT

PAGE = (ROOT / "docs/devices.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (\d\. [^\n]+)\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE))
MAPPED = {title: text for title, text in SECTIONS.items() if "```yaml" in text}
SI = {"acc": 1.0, "gyro": 1.0}
STAND_INS = Path(__file__).parent / "arduino"


class Sent:
    def __init__(self):
        self.messages = []

    def publish(self, topic, payload, _qos=0, *, retain=False):
        self.messages.append((topic, payload))
        return True


def blocks(text, kind):
    return re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)


def test_the_page_has_six_examples_and_five_of_them_a_mapping():
    assert (len(SECTIONS), len(MAPPED)) == (6, 5)


@pytest.mark.parametrize("title", MAPPED)
def test_a_mapping_of_the_page_turns_the_message_into_what_the_page_shows(title, tmp_path):
    text = MAPPED[title]
    [mapping] = blocks(text, "yaml")
    (tmp_path / "map.yaml").write_text(mapping)
    message, *expected = blocks(text, "json")
    found = re.search(r"^`([^`]+)`(?:, arriving at ([\d.]+))?:$", text, re.MULTILINE)
    assert found is not None
    sent = Sent()
    bridge = MapBridge(load_mapping(tmp_path / "map.yaml"), Outlet(sent), SI)
    bridge.take(found[1], message.encode(), float(found[2] or 1767261601.0))
    assert bridge.refused == {}
    assert [json.loads(payload) for _, payload in sent.messages] == [json.loads(each) for each in expected]
    for topic, payload in sent.messages:
        assert Decoder().decode(payload, device_of(topic))


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler")
def test_the_sketch_for_the_esp32_compiles_and_sends_our_format_with_numbers_and_times(tmp_path):
    sketch = ROOT / "examples/esp32/athlete_sensor.ino"
    (tmp_path / "sketch.cpp").write_text(f'#include "run.h"\n#include "{sketch}"\n#include "main.h"\n')
    command = [
        "g++",
        "-std=c++17",
        "-Wall",
        "-Werror",
        "-I",
        str(STAND_INS),
        "-o",
        str(tmp_path / "sketch"),
        str(tmp_path / "sketch.cpp"),
    ]
    subprocess.run(command, check=True, capture_output=True)
    lines = subprocess.run([tmp_path / "sketch"], check=True, capture_output=True, text=True).stdout.splitlines()
    samples = []
    for line in lines:
        topic, _, payload = line.partition(" ")
        assert topic == "player/007/sensor/data"
        assert len(payload) < 2048
        samples += Decoder().decode(payload.encode(), device_of(topic))
    assert [sample.seq for sample in samples] == list(range(30))
    steps = [b.t - a.t for a, b in pairwise(samples)]
    assert steps == pytest.approx([0.02] * 29, abs=0.002)
    assert samples[0].values[:6] == pytest.approx((0.0, -9.80665, 19.6133, 1.0644, 0.0, -1.0644), abs=0.001)
    assert msgspec.json.decode(lines[0].partition(" ")[2])["device_id"] == "007"


def test_the_sketch_is_about_sixty_lines():
    assert len((ROOT / "examples/esp32/athlete_sensor.ino").read_text().splitlines()) <= 70
