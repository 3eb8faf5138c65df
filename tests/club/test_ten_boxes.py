"""Ten engines on one broker: each hears its own devices only, and every message says which box it is from."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from typing import Any

import pytest

from athlete_monitor.config import load_config
from athlete_monitor.wire import topics
from athlete_monitor.wire.codec import encode_sample
from athlete_monitor.wire.mqtt import MqttLink
from tests.engine.kit import START, sample
from tests.helpers import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.campaign, pytest.mark.timeout(600)]

BOXES = range(1, 11)
KINDS = ("player/001/metrics", "player/001/status", "player/001/session", "engine/status", "engine/stats",
         "team/state", "team/control/result")  # fmt: skip


def test_ten_engines_on_one_broker_keep_to_themselves_and_name_their_box(make_config, run_program, mosquitto, tmp_path):
    heard: dict[str, list[dict[str, Any]]] = defaultdict(list)
    mqtt = {"host": mosquitto.host, "port": mosquitto.port, "broker": "external"}
    plain = load_config(make_config(mqtt=mqtt), environ={}).mqtt
    club = MqttLink(
        plain,
        "club",
        on_message=lambda topic, payload: heard[topic].append(json.loads(payload)),
        subscriptions=[("club/+/player/+/metrics", 0), ("club/+/player/+/status", 1), ("club/+/player/+/session", 1),
                       ("club/+/engine/#", 1), ("club/+/team/#", 1)],
    )  # fmt: skip
    club.start(10.0)
    engines = []
    for number in BOXES:
        sections = {
            "mqtt": mqtt | {"topic_prefix": f"club/box{number}/"},
            "box": {"name": f"Box {number}"},
            "engine": {"stats_interval_s": 1},
            "model_loading": {"runtime": "onnx"},
        }
        path = make_config(**sections).rename(tmp_path / f"box{number}.yaml")
        engines.append(run_program("main.py", "--no-ui", "--config", path, "--root", tmp_path / f"box{number}"))
    wait_until(lambda: all(heard[f"club/box{n}/engine/stats"] for n in BOXES), 300, "ten engines")

    began = time.time()
    for index in range(40):
        for number in BOXES:
            each = sample(began - START + index / 10, athlete=number, seq=index, acc_x=0.0, acc_y=0.0, acc_z=9.8)
            club.publish(f"club/box{number}/{topics.sensor_data('001')}", encode_sample(each), 1)
    for number in BOXES:
        club.publish(f"club/box{number}/team/control", json.dumps({"id": f"c{number}", "do": "nonsense"}).encode(), 1)
    assert club.flush(30.0)
    wait_until(lambda: all(heard[f"club/box{n}/player/001/metrics"] for n in BOXES), 120, "figures of ten boxes")
    wait_until(lambda: all(heard[f"club/box{n}/team/control/result"] for n in BOXES), 60, "ten answers")
    for engine in engines:
        engine.terminate()
    assert [engine.wait() for engine in engines] == [0] * len(BOXES)
    wait_until(lambda: all(heard[f"club/box{n}/player/001/session"] for n in BOXES), 60, "ten summaries")
    club.stop()

    for number in BOXES:
        for kind in KINDS:
            messages = heard[f"club/box{number}/{kind}"]
            assert messages, kind
            assert {message["box"] for message in messages if "do" not in message} == {f"Box {number}"}, kind
        (athlete,) = {message["athlete_id"] for message in heard[f"club/box{number}/player/001/metrics"]}
        assert athlete == number
        assert {message["id"] for message in heard[f"club/box{number}/team/control/result"]} == {f"c{number}"}
        assert heard[f"club/box{number}/engine/status"][-1] == {"status": "offline", "box": f"Box {number}"}
        assert len(list((tmp_path / f"box{number}").rglob("TR*.csv"))) == 1
