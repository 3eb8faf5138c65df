"""Discovery messages against Home Assistant's published facts, and their life at a real broker."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor.athletes import Profile
from athlete_monitor.club.home_assistant import Announced, chosen_figures, discovery_message, discovery_topic
from athlete_monitor.config import load_config
from athlete_monitor.engine.sessions.wearers import Wearer
from athlete_monitor.engine.sinks.home_assistant import make
from athlete_monitor.engine.sinks.registry import SinkContext
from athlete_monitor.errors import ConfigError
from athlete_monitor.wire.mqtt import MqttLink
from tests.helpers import wait_until

# Home Assistant's facts: components/sensor/const.py (units and state classes of a device class), components/mqtt/
# discovery.py (topics) and schemas.py (required keys), sensor.py and entity schema (keys of a sensor).
UNITS = {
    "distance": {"mm", "cm", "m", "km", "in", "ft", "yd", "mi", "nmi"},
    "speed": {"ft/s", "in/d", "in/h", "in/s", "km/h", "kn", "m/s", "mph", "mm/d", "mm/s", "Beaufort"},
    "duration": {"d", "h", "min", "s", "ms"},
    "energy": {"J", "kJ", "MJ", "GJ", "mWh", "Wh", "kWh", "MWh", "GWh", "TWh", "cal", "kcal", "Mcal", "Gcal"},
    "frequency": {"mHz", "Hz", "kHz", "MHz", "GHz"},
}
STATE_CLASSES = {
    "distance": {"measurement", "total", "total_increasing"},
    "speed": {"measurement"},
    "duration": {"measurement", "total", "total_increasing"},
    "energy": {"total", "total_increasing"},
    "frequency": {"measurement"},
    None: {"measurement", "total", "total_increasing"},
}
TOPIC = re.compile(r"(?P<component>\w+)/(?:(?P<node>[a-zA-Z0-9_-]+)/)?(?P<object>[a-zA-Z0-9_-]+)/config")
SHARED = {"availability", "availability_mode", "state_topic", "command_topic", "qos", "encoding"}
SENSOR = {
    "platform", "name", "unique_id", "value_template", "state_class", "suggested_display_precision",
    "unit_of_measurement", "device_class", "expire_after", "icon", "entity_category", "enabled_by_default",
}  # fmt: skip
DEVICE = {
    "identifiers", "connections", "name", "manufacturer", "model", "model_id", "sw_version", "hw_version",
    "serial_number", "suggested_area", "via_device", "configuration_url",
}  # fmt: skip

texts = st.text(min_size=1, max_size=64)


@given(st.integers(0, 1_000_000), st.from_regex(r"[A-Za-z0-9_-]{1,32}", fullmatch=True), texts, texts)
def test_every_message_keeps_home_assistants_rules(athlete, device, name, box):
    whose = Announced(athlete, device, name, box)
    match = TOPIC.fullmatch(discovery_topic("homeassistant", whose.object_id).removeprefix("homeassistant/"))
    assert match is not None
    assert match["component"] == "device"
    message = json.loads(json.dumps(discovery_message(whose, chosen_figures(None))))
    assert set(message) <= SHARED | {"device", "origin", "components"}
    assert set(message["device"]) <= DEVICE
    assert message["device"]["identifiers"]
    assert set(message["origin"]) <= {"name", "sw_version", "support_url"}
    assert message["origin"]["name"]
    assert message["availability_mode"] in {"all", "any", "latest"}
    for each in message["availability"]:
        assert set(each) == {"topic", "value_template", "payload_available", "payload_not_available"}


def test_every_figure_is_a_sensor_with_a_unit_that_its_class_allows():
    figures = chosen_figures(None)
    sensors = discovery_message(Announced(7, "007", "Ada", "box"), figures)["components"]
    assert list(sensors) == [figure.key for figure in figures]
    assert len({each["unique_id"] for each in sensors.values()}) == len({e["name"] for e in sensors.values()}) > 40
    for sensor in sensors.values():
        assert {"platform", "unique_id", "value_template", "state_class"} <= set(sensor) <= SENSOR
        device_class = sensor.get("device_class")
        assert device_class is None or sensor["unit_of_measurement"] in UNITS[device_class]
        assert sensor["state_class"] in STATE_CLASSES[device_class]


def test_what_a_session_adds_up_may_begin_again():
    sensors = discovery_message(Announced(7, "007", "Ada", "box"), chosen_figures(None))["components"]
    assert sensors["distance_m"]["state_class"] == sensors["energy_kcal"]["state_class"] == "total_increasing"
    assert sensors["heart_rate_bpm"]["state_class"] == sensors["acwr"]["state_class"] == "measurement"


@pytest.mark.parametrize(("key", "why"), [("heart_rate", "allowed: heart_rate_bpm"), ("impacts", "no single number")])
def test_an_unknown_figure_is_refused_with_what_is_allowed(key, why):
    with pytest.raises(ConfigError, match=rf"home_assistant.figures: '{key}' is not allowed.*{why}"):
        chosen_figures(["distance_m", key])


def test_two_boxes_announce_different_devices_of_one_athlete():
    names = ["box 3", "box_3", "box-3", "Box 3", "bøx 3"]
    assert len({Announced(7, "007", "Ada", box).object_id for box in names}) == len(names)


class Home:
    """A Home Assistant that keeps what is published to it."""

    def __init__(self, config):
        self.devices: dict[str, dict[str, Any]] = {}
        self.link = MqttLink(
            config.mqtt.model_copy(update={"topic_prefix": ""}),
            "home",
            on_message=self.hear,
            subscriptions=[("homeassistant/#", 1)],
        )
        self.link.start(10.0)

    def hear(self, topic, payload):
        if payload:
            self.devices[topic] = json.loads(payload)
        else:
            self.devices.pop(topic, None)

    @property
    def names(self):
        return sorted(each["device"]["name"] for each in list(self.devices.values()))


@pytest.fixture
def run(make_config, mosquitto):
    """``run(enabled, roster, *sessions)``: an engine's start, as far as Home Assistant sees it."""

    def start(enabled, roster, *sessions):
        sections = {
            "mqtt": {
                "host": mosquitto.host,
                "port": mosquitto.port,
                "broker": "external",
                "topic_prefix": "club/box3/",
            },
            "home_assistant": {"enabled": enabled, "figures": ["heart_rate_bpm", "distance_m"]},
            "box": {"name": "box3"},
        }
        config = load_config(make_config(**sections), environ={})
        config.athletes.roster.write_text(roster)
        link = MqttLink(config.mqtt, "engine")
        link.start(10.0)
        sink = make(SinkContext(config, link=link))
        for device, athlete in sessions:
            assert sink is not None
            session = SimpleNamespace(
                device_id=device, athlete_id=athlete, wearer=Wearer(device, Profile(athlete, name=f"Guest {athlete}"))
            )
            sink.started(session)  # type: ignore[arg-type]
        assert link.flush(10.0)
        link.stop()
        return config

    return start


ROSTER = """athletes:
  - {id: 1, device: "001", name: Ada}
  - {id: 2, device: "002", name: Bo, consent: CONSENT}
"""
BOTH, ADA = ROSTER.replace("CONSENT", "true"), ROSTER.replace("CONSENT", "false")


@pytest.mark.integration
def test_athletes_come_and_go_with_roster_consent_and_configuration(run):
    home = Home(run(True, BOTH))
    wait_until(lambda: home.names == ["Ada", "Bo"], what="the roster's athletes")
    (ada,) = (each for each in home.devices.values() if each["device"]["name"] == "Ada")
    assert ada["state_topic"] == "club/box3/player/001/metrics"
    assert [each["topic"] for each in ada["availability"]] == ["club/box3/engine/status", "club/box3/player/001/status"]
    assert set(ada["components"]) == {"heart_rate_bpm", "distance_m"}
    run(True, BOTH, ("009", 9), ("031", 1))
    wait_until(lambda: home.names == ["Bo", "Guest 1", "Guest 9"], what="a guest, and another device of Ada's")
    run(True, ADA)
    wait_until(lambda: home.names == ["Ada"], what="only who agreed")
    run(False, ADA)
    wait_until(lambda: home.names == [], what="nobody")
    late = Home(run(False, ADA))
    assert late.link.flush(5.0)
    assert late.names == []
    for each in (home, late):
        each.link.stop()
