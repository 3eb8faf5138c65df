"""What phone apps send is read, or refused with a reason."""

from __future__ import annotations

import doctest
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athlete_monitor.bridge import phone_messages
from athlete_monitor.bridge.phone_messages import read_message
from athlete_monitor.errors import PayloadError
from tests.bridge.logger import message, readings

JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
                    lambda each: st.lists(each, max_size=4) | st.dictionaries(
                        st.sampled_from(["name", "time", "values", "payload", "x", "messageId", "_type", "lat"]), each),
                    max_leaves=12)  # fmt: skip


def test_both_forms_of_a_reading_are_the_same():
    found = readings(0.0, 0.5)
    assert read_message(message(3, found, origin_s=1.7e9)) == read_message(message(3, found, origin_s=1.7e9, flat=True))


def test_the_names_of_sensors_are_taken_whatever_their_spelling():
    for name in ("heart rate", "HeartRate", "heart_rate", "Heart Rate"):
        [reading] = read_message(message(0, [(name, 0.0, {"bpm": 99})], origin_s=1.7e9)).readings
        assert reading.sensor == "heartrate"


@settings(max_examples=40)
@given(JSON)
def test_whatever_comes_is_read_or_refused(document):
    try:
        found = read_message(json.dumps({"payload": document} if isinstance(document, list) else document).encode())
    except PayloadError:
        return
    assert all(reading.t_s > 0 for reading in found.readings)


@pytest.mark.parametrize(
    ("payload", "says"),
    [(b"", "not JSON"), (b"[1]", "neither"), (b"\xff\xfe", "not JSON"), (b"[" * 200_000, "not JSON"),
     (b'{"_type": "location", "lat": 1}', "without lat"), (b'{"_type": "lwt"}', "neither"),
     (b" " * 2**24 + b"1", "larger")],
)  # fmt: skip
def test_a_message_that_is_none_says_why(payload, says):
    with pytest.raises(PayloadError, match=says):
        read_message(payload)


def test_ten_megabytes_are_read():
    picture = [("camera", 0.0, {"image": "x" * 10_000_000})]
    assert len(read_message(message(0, picture + readings(0.0, 0.1), origin_s=1.7e9)).readings) > 30


def test_a_broken_reading_costs_only_itself():
    rows = json.loads(message(0, readings(0.0, 0.02, heart=False), origin_s=1.7e9))["payload"]
    good = len(rows)
    rows += [{"name": "gravity"}, {"name": "gravity", "time": "x", "values": {"x": 1}}, "?", None,
             {"name": "gravity", "time": 1, "values": {"x": 1}},
             {"name": "gravity", "time": -5e300, "values": {"x": 1}}]  # fmt: skip
    found = read_message(json.dumps({"payload": rows}).encode())
    assert (len(found.readings), found.skipped) == (good, 4)


def test_a_location_of_owntracks_is_read_in_si_units():
    payload = {
        "_type": "location",
        "lat": 47.1,
        "lon": 8.2,
        "tst": 1700000000,
        "acc": 5,
        "alt": 410,
        "vel": 36,
        "batt": 81,
    }
    place, battery = read_message(json.dumps(payload).encode()).readings
    assert place.t_s == 1.7e9
    assert place.values == {"latitude": 47.1, "longitude": 8.2, "horizontalAccuracy": 5, "altitude": 410, "speed": 10.0}
    assert battery.values == {"batteryLevel": 0.81}


def test_the_examples_run():
    assert doctest.testmod(phone_messages).failed == 0
