"""A broker that lets a device publish for itself only says so."""

from __future__ import annotations

import time

import pytest
from paho.mqtt.enums import MQTTProtocolVersion

from athlete_monitor.wire import permission
from athlete_monitor.wire.permission import refused_devices
from tests.helpers import Mosquitto
from tests.wire.test_mqtt import settings

ACL = """\
pattern write player/%u/sensor/data
pattern write club/player/%u/sensor/data
user reader
topic read #
topic write player/002/sensor/data
user coach
topic readwrite #
"""


@pytest.fixture
def strict_broker(mosquitto, tmp_path):
    """A second Mosquitto, with access rights; a user needs no password."""
    path = tmp_path / "acl"
    path.write_text(ACL)
    path.chmod(0o600)
    broker = Mosquitto(tmp_path, settings=f"allow_anonymous true\nacl_file {path}")
    broker.start()
    yield broker
    broker.stop()


@pytest.mark.parametrize(
    ("user", "refused"), [("001", ["002", "003"]), ("coach", []), ("nobody", ["001", "002", "003"])]
)
@pytest.mark.parametrize("prefix", ["", "club/"])
def test_mqtt_5_names_the_devices_that_are_refused(strict_broker, user, refused, prefix):
    asked = settings(strict_broker.port, username=user, topic_prefix=prefix)
    assert refused_devices(asked, ["001", "002", "003"]) == refused


@pytest.mark.parametrize(("user", "refused"), [("reader", ["001", "003"]), ("coach", []), ("001", [])])
def test_an_older_broker_is_asked_by_reading_back_and_a_user_who_may_not_read_is_not_accused(
    strict_broker, monkeypatch, user, refused
):
    monkeypatch.setattr(permission, "MQTTProtocolVersion", OnlyOld)
    asked = settings(strict_broker.port, username=user)
    assert refused_devices(asked, ["001", "002", "003"]) == refused


class OnlyOld:
    """The versions of MQTT, of which the newer one is not there."""

    MQTTv5 = MQTTProtocolVersion.MQTTv311
    MQTTv311 = MQTTProtocolVersion.MQTTv311


def test_without_a_broker_nothing_is_known_and_nobody_waits_long(free_port):
    began = time.monotonic()
    assert refused_devices(settings(free_port, username="001"), ["001"], 0.5) == []
    assert time.monotonic() - began < 10
