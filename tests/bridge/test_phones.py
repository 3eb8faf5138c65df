"""Phones reach the engine by WebSockets and by HTTP, with equal figures."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import Any

import msgspec
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from athlete_monitor.athletes import Athlete
from athlete_monitor.bridge.outlet import STRAPS_FIRST, Joined, Outlet
from athlete_monitor.bridge.phone_messages import PhoneMessage
from athlete_monitor.bridge.phones import PhoneBridge, PhoneInbox, device_of
from athlete_monitor.config import load_config
from athlete_monitor.errors import PayloadError
from athlete_monitor.wire import push
from athlete_monitor.wire.link import decode
from athlete_monitor.wire.mqtt import MqttLink
from tests.bridge.logger import UUID, message, readings, recording
from tests.helpers import accepts_connections, unused_port, wait_until

NOW = 1.7e9
FACTORS = {"acc": 1.0, "gyro": 1.0}


class Heard:
    def __init__(self):
        self.samples, self.links, self.joins = {}, {}, set()

    def publish(self, topic, payload, _qos=0, *, retain=False):
        device = topic.split("/")[1]
        if topic.endswith("/joins"):
            self.joins.add(device)
        elif retain:
            self.links[device] = decode(payload)
        else:
            found = msgspec.json.decode(payload)
            self.samples.setdefault(device, []).extend(found.get("samples", [found]))
        return True


def bridge(heard):
    roster = [Athlete(id=7, device="007")]
    return PhoneBridge(Outlet(heard), lambda: roster, rate_hz=50.0, factors=FACTORS)


def test_a_phone_stands_for_the_device_in_its_topic_or_for_itself():
    sender = PhoneMessage(f"{UUID}/session", 0, ())
    assert device_of("phone/007", sender) == "007"
    assert device_of("phone/AA:BB:CC:00:11:22", sender) == "AABBCC001122"
    assert device_of("owntracks/007/iphone", sender) == "007"
    assert device_of("sensor-logger", sender) == UUID.replace("-", "")
    with pytest.raises(PayloadError, match="last level"):
        device_of("phone/a b", sender)


def test_one_phone_that_sends_nonsense_does_not_stop_the_others():
    heard = Heard()
    phones = bridge(heard)
    for number, payload in enumerate(recording(2.0, origin_s=NOW)):
        phones.take("phone/008", b"nonsense", NOW)
        phones.take("strap/007", b"[1]", NOW)
        phones.take("phone/a b", payload, NOW)
        phones.take("phone/007", payload, NOW + number / 2 + 0.6)
    phones.tick(NOW + 2.0)
    assert len(heard.samples["007"]) > 90
    assert heard.links["007"].athlete_id == 7
    assert sum(count for reason, count in phones.refused.items() if "Expected `object`" in reason) == 4
    phones.refused = {reason: count for reason, count in phones.refused.items() if "Expected" not in reason}
    assert phones.refused == {"not JSON": 4, "no device: the last level of the topic is its id, such as phone/007": 4}


def test_the_last_samples_are_published_when_no_more_comes_and_a_silent_phone_is_lost():
    heard = Heard()
    phones = bridge(heard)
    phones.take("phone/007", recording(1.0, each_s=1.0, origin_s=NOW)[0], NOW + 1.1)
    before = len(heard.samples["007"])
    phones.tick(NOW + 4.0)
    assert len(heard.samples["007"]) == before + 1
    phones.tick(NOW + 20.0)
    assert heard.links["007"].state == "lost"
    phones.end(NOW + 21.0)
    assert heard.links["007"].state == "off"


def strap_message(t_s, bpm, *beats):
    return msgspec.json.encode({"device_id": "007", "seq": 5, "timestamp": t_s, "heart_rate_bpm": bpm,
                                "rr_intervals_ms": beats, "battery_percent": 80})  # fmt: skip


@pytest.mark.parametrize("clock_s", [0.0, 4.0, -4.0, 3600.0])
def test_a_strap_and_a_phone_of_one_athlete_become_one_stream_whatever_the_phones_clock_says(clock_s):
    heard = Heard()
    phones = bridge(heard)
    for number, payload in enumerate(recording(6.0, origin_s=NOW + clock_s, heart=False)):
        now_s = NOW + (number + 1) / 2
        phones.take("phone/007", payload, now_s)
        phones.take("strap/007", strap_message(now_s - 0.1, 120 + number, 500.0 + number), now_s)
    phones.tick(NOW + 20.0)
    samples = heard.samples["007"]
    times = [each["timestamp"] for each in samples]
    assert times == sorted(times)
    assert [each["heart_rate_bpm"] for each in samples if "heart_rate_bpm" in each] == [120 + n for n in range(12)]
    assert [beat for each in samples for beat in each.get("rr_intervals_ms", [])] == [500.0 + n for n in range(12)]
    assert sum("acc_x" in each for each in samples) == pytest.approx(300, abs=2)


def test_a_strap_whose_phone_is_not_known_here_is_passed_on():
    heard = Heard()
    bridge(heard).take("strap/007", strap_message(NOW, 120), NOW)
    assert heard.samples["007"] == [
        {
            "device_id": "007",
            "seq": 0,
            "timestamp": NOW,
            "heart_rate_bpm": 120,
            "rr_intervals_ms": [],
            "battery_percent": 80,
        }
    ]


def test_straps_send_to_the_bridge_of_phones_while_it_says_that_it_joins_them():
    now_s, topics_ = [0.0], []
    joined = Joined(lambda: now_s[0])

    class Broker:
        def publish(self, topic, payload, _qos=0, *, retain=False):
            topics_.append((topic, msgspec.json.decode(payload)["seq"]))
            return True

    outlet = Outlet(Broker(), first=STRAPS_FIRST, joined=joined)
    outlet.samples("007", [{"timestamp": NOW}])
    joined.take("phone/007/joins", b"true")
    outlet.samples("007", [{"timestamp": NOW}])
    outlet.samples("008", [{"timestamp": NOW}])
    now_s[0] = 6.0
    outlet.samples("007", [{"timestamp": NOW}])
    data = "player/007/sensor/data"
    assert [topic for topic, _ in topics_] == [data, "strap/007", "player/008/sensor/data", data]
    assert [number for _, number in topics_] == [10**9, 10**9 + 1, 10**9, 10**9 + 2]


def test_an_inbox_that_is_full_counts_what_it_drops():
    inbox = PhoneInbox()
    for _ in range(2005):
        inbox.put("phone/007", b"")
    assert inbox.dropped == 5
    found = inbox.get(0.0)
    assert found is not None
    assert found[:2] == ("phone/007", b"")


def by_websocket(port):
    client = paho.Client(CallbackAPIVersion.VERSION2, transport="websockets")
    client.connect("127.0.0.1", port)
    client.loop_start()
    wait_until(client.is_connected, 30)
    return client


def by_http(url, payload, **headers):
    request = urllib.request.Request(url, payload, {"content-type": "application/json", **headers})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.status


@pytest.fixture
def box(mosquitto, make_config, run_program, tmp_path):
    """Return configuration, ports and broker of a box: a Mosquitto with WebSockets, and the screen's server."""
    websocket = unused_port()
    mosquitto.settings += f"\nlistener {websocket} 127.0.0.1\nprotocol websockets\nsocket_domain ipv4"
    mosquitto.restart()
    people = "".join(
        f'  - {{id: {n}, device: "{device}", weight_kg: 70, height_cm: 180, sex: male, age: 25}}\n'
        for n, device in ((1, "001"), (2, "002"))
    )
    (tmp_path / "athletes.yaml").write_text(f"athletes:\n{people}")
    port = unused_port()
    config = make_config(
        athletes={"roster": "athletes.yaml"},
        mqtt={"port": mosquitto.port, "broker": "external"},
        dashboard={"port": port},
        outputs={"metrics_rate_hz": 100},  # of every sample: the engine spreads devices over the second else
        bridge={"push_secret_file": "secret"},
    )
    run_program("dashboard.py", "--config", config)
    wait_until(lambda: accepts_connections(port), 60)
    return config, websocket, port


@pytest.mark.campaign
@pytest.mark.integration
def test_a_phone_by_websockets_and_one_by_http_give_equal_figures(box, run_program, tmp_path):
    config, websocket, port = box
    settings = load_config(config)
    engine, phones = (
        run_program("main.py", "--config", config, "--no-ui"),
        run_program("bridge.py", "phone", "--config", config),
    )
    phones.wait_for("phones send to", 60)
    other = "002"
    token = push.token_of(push.make_secret(settings.bridge.push_secret_file), other)
    got: dict[str, bytes] = {}
    metrics: dict[str, list[dict[str, Any]]] = {"001": [], other: []}

    def take(topic, payload):
        got[topic] = payload
        if topic.endswith("/metrics"):
            metrics[topic.split("/")[1]].append(msgspec.json.decode(payload))

    listener = MqttLink(settings.mqtt, "listener", on_message=take, subscriptions=[("#", 0)])
    listener.start(30.0)
    client = by_websocket(websocket)
    url = f"http://127.0.0.1:{port}/push/{other}?token={token}"
    wait_until(lambda: msgspec.json.decode(got.get("engine/status", b"{}")).get("status") == "online", 60)
    wait_until(
        lambda: b'"broker_connected":true' in urllib.request.urlopen(f"http://127.0.0.1:{port}/api/system").read(), 60
    )
    origin_s = float(int(time.time()))
    for number, payload in enumerate(recording(16.0, origin_s=origin_s)):
        due_s = origin_s + (number + 1) / 2
        wait_until(lambda due_s=due_s: time.time() >= due_s, 30)  # type: ignore[misc]
        client.publish("phone/001", payload, 0).wait_for_publish(10)
        assert by_http(url, payload) == 200
    wait_until(lambda: all(len(found) >= 600 for found in metrics.values()), 60)
    client.loop_stop()
    listener.stop()
    for program in (phones, engine):
        program.terminate()
        program.wait()
    one, two = ({each["t_s"]: each for each in metrics[device]} for device in ("001", other))
    common = sorted(one.keys() & two.keys())
    assert len(common) >= 600
    own = {"device_id", "athlete_id", "name", "session_id"}
    for t in common:
        figures = [{key: value for key, value in found[t].items() if key not in own} for found in (one, two)]
        assert figures[0] == figures[1]
    assert one[common[-1]]["distance_m"] > 25.0
    assert 138 < one[common[-1]]["heart_rate_bpm"] < 146


@pytest.mark.campaign
@pytest.mark.integration
def test_http_push_wants_the_token_of_the_device_and_a_size_that_can_be_taken(box):
    config, _, port = box
    settings = load_config(config)
    secret = push.make_secret(settings.bridge.push_secret_file)
    got: list[tuple[str, bytes]] = []
    listener = MqttLink(settings.mqtt, "listener", on_message=lambda topic, payload: got.append((topic, payload)),
                        subscriptions=[("phone/#", 1)])  # fmt: skip
    listener.start(30.0)
    url, token = f"http://127.0.0.1:{port}/push/007", push.token_of(secret, "007")

    def status(payload, address=url, **headers):
        try:
            return by_http(address, payload, **headers)
        except urllib.error.HTTPError as error:
            return error.code
        except (urllib.error.URLError, ConnectionError):
            return "hung up"  # refused before everything was sent

    small, large = message(0, readings(0, 0.5), origin_s=NOW), b" " * 10_000_000
    wait_until(lambda: status(small, f"{url}?token={token}") == 200, 30)
    assert status(small, authorization=f"Bearer {token}") == 200
    assert status(large, authorization=f"Bearer {token}") == 200
    assert status(b" " * (push.MOST_BYTES + 1), authorization=f"Bearer {token}") in {413, "hung up"}
    assert [status(small, url + query) for query in ("", "?token=x", f"?token={push.token_of(secret, '008')}")] == [
        401
    ] * 3
    assert status(small, f"http://127.0.0.1:{port}/api/control", authorization=f"Bearer {token}") in {
        403,
        404,
        405,
        422,
    }
    wait_until(lambda: len(got) >= 3, 30)
    listener.stop()
    assert {topic for topic, _ in got} == {"phone/007"}
    assert json.loads(got[0][1])["messageId"] == 0
