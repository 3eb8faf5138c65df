"""Foreign streams: the file that describes them, and what they become."""

from __future__ import annotations

import doctest
import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athlete_monitor.bridge import json_path
from athlete_monitor.bridge.command import main
from athlete_monitor.bridge.json_path import JsonPath
from athlete_monitor.bridge.mapping import MappingFile, load_mapping
from athlete_monitor.bridge.outlet import Outlet
from athlete_monitor.bridge.translating import MapBridge
from athlete_monitor.channels import TABLE
from athlete_monitor.errors import ConfigError, MonitorError
from athlete_monitor.wire.codec import Decoder
from athlete_monitor.wire.topics import device_of

SI = {"acc": 1.0, "gyro": 1.0}
NOW = 1.7e9
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda each: st.lists(each, max_size=4) | st.dictionaries(st.sampled_from("abctv"), each),
    max_leaves=12,
)


class Sent:
    def __init__(self):
        self.messages = []

    def publish(self, topic, payload, _qos=0, *, retain=False):
        self.messages.append((topic, msgspec.json.decode(payload)))
        Decoder().decode(payload, device_of(topic))  # whatever is published must be valid
        return True


def translated(stream, document, topic="foreign/007", now_s=NOW, factors=SI):
    sent = Sent()
    stream = {"topic": "foreign/#", "device": "{1}", "values": {"speed_mps": "v"}} | stream
    bridge = MapBridge(MappingFile.model_validate({"streams": [stream]}), Outlet(sent), factors)
    bridge.take(topic, document if isinstance(document, bytes) else json.dumps(document).encode(), now_s)
    return [message for _, message in sent.messages], bridge.refused


@settings(max_examples=40)
@given(
    JSON,
    st.sampled_from([None, "", "a", "a.b[0]"]),
    st.sampled_from([None, "t", "$.a.t", {"path": "t", "unit": "ms", "clock": "boot"}]),
)
def test_whatever_comes_is_translated_to_valid_messages_or_refused(document, samples, timestamp):
    translated(
        {
            "samples": samples,
            "timestamp": timestamp,
            "values": {"speed_mps": "v", "rr_intervals_ms": "c", "contact": "b"},
        },
        document,
    )


@pytest.mark.parametrize(
    ("name", "unit"), [(channel.name, unit) for channel in TABLE for unit in channel.units if not channel.flag]
)
def test_every_unit_of_every_channel_can_be_used(name, unit):
    channel = next(each for each in TABLE if each.name == name)
    value = 0.25 / channel.units[unit]
    [message], _ = translated({"values": {name: {"path": "v", "unit": unit}}}, {"v": value})
    assert message[name] == pytest.approx(0.25, abs=0.5 * 10 ** -max(channel.decimals, 3))


@pytest.mark.parametrize("time", [1767261600.25, 1767261600250, "1767261600250", 1767261600250000, 1767261600250000000,
                                  "2026-01-01T10:00:00.25Z", "2026-01-01T11:00:00.25+01:00"])  # fmt: skip
def test_the_unit_of_a_time_is_seen_from_its_size(time):
    [message], _ = translated({"timestamp": "t"}, {"v": 1, "t": time})
    assert message["timestamp"] == pytest.approx(1767261600.25, abs=0.001)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"nonsense", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"", "not JSON: it is empty"),
        ({"x": 1}, "no value of the mapping"),
        ({"v": "fast"}, "no value"),
        ({"v": 99}, "no value"),
        ({"v": True}, "no value"),
        ({"v": float("nan")}, "no value"),
        (b'{"v": 1e999}', "no value"),
        (b" " * 5_000_000, "larger"),
    ],
)
def test_a_message_that_cannot_be_used_is_counted_by_its_reason(document, reason):
    messages, refused = translated({}, document)
    assert messages == []
    assert len(refused) == 1
    assert next(iter(refused)).startswith(reason)


def test_a_time_that_is_missing_and_a_device_that_is_none_are_refused():
    assert "timestamp" in next(iter(translated({"timestamp": "t"}, {"v": 1})[1]))
    assert "device" in next(iter(translated({}, {"v": 1}, topic="foreign/a b")[1]))
    assert "device" in next(iter(translated({"device": "{id}"}, {"v": 1, "id": "../x"})[1]))


def test_one_bad_value_and_one_bad_sample_cost_only_themselves():
    stream = {"samples": "s", "values": {"speed_mps": "v", "heart_rate_bpm": {"path": "h", "missing": [0]}}}
    [message], _ = translated(stream, {"s": [{"v": 999, "h": 120}, {"h": 0}, {"v": 2.0, "h": 0}]})
    assert [sorted(each.keys() - {"timestamp"}) for each in message["samples"]] == [["heart_rate_bpm"], ["speed_mps"]]


@pytest.mark.parametrize("bad", [{"v": 5, "t": "tomorrow", "id": "9"}, {"v": 5, "t": NOW, "id": "../x"}, 7, None])
def test_a_sample_without_a_time_or_a_device_is_left_out_and_the_others_are_published(bad):
    stream = {"samples": "", "timestamp": "t", "device": "{id}"}
    good = [{"v": 1, "t": NOW, "id": "7"}, {"v": 2, "t": NOW + 1, "id": "7"}]
    [message], refused = translated(stream, [good[0], bad, good[1]])
    assert [each["speed_mps"] for each in message["samples"]] == [1.0, 2.0]
    assert len(refused) == isinstance(bad, dict)


def test_numbers_that_json_does_not_know_are_missing_and_the_rest_counts():
    stream = {"values": {"speed_mps": "v", "heart_rate_bpm": "h"}}
    [message], _ = translated(stream, b'{"v": NaN, "h": 120}')
    assert (message["heart_rate_bpm"], "speed_mps" in message) == (120.0, False)
    assert translated(stream, b'{"v": 1e999, "h": -Infinity}')[0] == []


def test_samples_of_a_message_are_published_in_order_of_time():
    [message], _ = translated({"samples": "", "timestamp": "t"}, [{"v": 2, "t": NOW + 2}, {"v": 1, "t": NOW + 1}])
    assert [each["speed_mps"] for each in message["samples"]] == [1.0, 2.0]


def test_acceleration_is_written_in_the_unit_of_the_configuration():
    [message], _ = translated(
        {"values": {"acc_x": {"path": "v", "unit": "g"}}}, {"v": 2.0}, factors={"acc": 9.80665, "gyro": 1.0}
    )
    assert message["acc_x"] == 2.0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"values": {"sped": "v"}}, "sped is no channel"),
        ({"values": {"speed_mps": {"path": "v", "unit": "knots"}}}, "not measured in knots"),
        ({"values": {"speed_mps": "a..b"}}, "is not allowed; allowed: a path"),
        ({"values": {}}, "values"),
        ({"topik": "x"}, "topik"),
        ({"topic": "a/#/b"}, "an MQTT filter"),
        ({"topic": "a/b+"}, "an MQTT filter"),
        ({"topic": "a/+", "device": "{2}"}, r"\{2} is not a level of a/\+; allowed: \{0} to \{1}"),
        ({"timestamp": {"path": "t", "clock": "boot"}}, "needs its unit"),
    ],
)
def test_a_mistake_in_a_mapping_is_one_line_with_file_and_line(tmp_path, change, says):
    file = tmp_path / "map.yaml"
    file.write_text(json.dumps({"streams": [{"topic": "x", "device": "d", "values": {"speed_mps": "v"}} | change]}))
    with pytest.raises(ConfigError, match=says) as caught:
        load_mapping(file)
    assert str(caught.value).startswith(f"{file}:1:")
    assert len(str(caught.value).splitlines()) == 1


def test_a_mapping_is_tried_without_a_broker(tmp_path, make_config, capsys):
    (tmp_path / "map.yaml").write_text(
        "streams: [{topic: gps/+, device: '{1}', values: {speed_mps: {path: v, unit: km/h}}}]"
    )
    (tmp_path / "message.json").write_text('{"v": 18}')
    words = ["map", str(tmp_path / "map.yaml"), "--config", str(make_config()), "--try", str(tmp_path / "message.json")]
    assert main([*words, "--topic", "gps/12"]) == 0
    topic, _, payload = capsys.readouterr().out.partition(" ")
    assert (topic, json.loads(payload)["speed_mps"]) == ("player/12/sensor/data", 5.0)
    with pytest.raises(MonitorError, match="no stream of the mapping has topic other/1"):
        main([*words, "--topic", "other/1"])
    with pytest.raises(ConfigError, match="give a mapping"):
        main(["map", "--config", str(make_config())])


def test_paths_are_read_or_refused():
    for text in ("a[", "a[x]", ".a", "a..b", '["x"', "a."):
        with pytest.raises(ValueError, match="is not allowed"):
            JsonPath(text)
    assert JsonPath("$").of([1]) == [1]
    assert JsonPath("$[0].a[-1]").of([{"a": [1, 2]}]) == 2


def test_the_examples_run():
    assert doctest.testmod(json_path).failed == 0
