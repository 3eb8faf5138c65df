"""One phone, and everything that phones do."""

from __future__ import annotations

import doctest
import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athlete_monitor.bridge import gravity, wire_values
from athlete_monitor.bridge.phone import Phone
from athlete_monitor.bridge.phone_messages import read_message
from athlete_monitor.wire.codec import Decoder
from tests.bridge.logger import UUID, message, readings, recording

NOW = 1.7e9
FACTORS = {"acc": 1.0, "gyro": 1.0}


def phone(**options):
    return Phone("007", rate_hz=50.0, factors=FACTORS, **options)


def play(device, payloads, *, each_s=0.5, latency_s=0.1):
    """What a phone's messages become, in order of their arrival."""
    samples = []
    for number, payload in enumerate(payloads):
        samples += device.take(read_message(payload), NOW + (number + 1) * each_s + latency_s)
    return samples + device.rest()


def test_a_phone_becomes_samples_of_the_set_rate_with_all_its_sensors():
    samples = play(phone(), recording(4.0, origin_s=NOW))
    assert len(samples) == pytest.approx(200, abs=1)
    steps = [b["timestamp"] - a["timestamp"] for a, b in pairwise(samples)]
    assert steps == pytest.approx([0.02] * len(steps), abs=0.0011)
    assert all({"acc_x", "acc_y", "acc_z", "gyro_x", "gyro_y", "gyro_z"} <= each.keys() for each in samples)
    assert [each["heart_rate_bpm"] for each in samples if "heart_rate_bpm" in each] == [140, 141, 142, 143]
    places = [each for each in samples if "latitude" in each]
    assert [each["speed_mps"] for each in places] == [3.0] * 4
    assert places[0]["horizontal_accuracy_m"] == 3.0
    assert places[0]["altitude_m"] == 400.0


def test_the_acceleration_of_ios_and_android_is_the_same_once_the_phone_has_lain_on_the_table():
    found = {}
    for ios in (False, True):
        device = phone()
        resting = play(device, recording(2.0, origin_s=NOW, ios=ios, still=True))
        moving = [message(10 + n, readings(2 + n / 2, 2.5 + n / 2, ios=ios), origin_s=NOW) for n in range(4)]
        samples = [each for n, one in enumerate(moving) for each in device.take(read_message(one), NOW + 2.6 + n / 2)]
        found[ios] = [(each["acc_x"], each["acc_y"], each["acc_z"]) for each in samples]
        assert resting[-1]["acc_z"] == pytest.approx(9.807, abs=0.002)
    assert found[True] == pytest.approx(found[False], abs=0.1)


@pytest.mark.parametrize(("sign", "expected"), [("as-sent", -9.807), ("turned", 9.807), ("auto", 9.807)])
def test_the_sign_of_gravity_can_be_set(sign, expected):
    samples = play(phone(sign=sign), recording(3.0, origin_s=NOW, ios=True, still=True))
    assert samples[-1]["acc_z"] == pytest.approx(expected, abs=0.002)


def test_a_phone_that_is_carried_keeps_its_sign_while_nothing_is_known():
    samples = play(phone(), recording(3.0, origin_s=NOW, ios=True))
    assert sum(each["acc_y"] for each in samples) < 0.0


@settings(max_examples=8)
@given(st.randoms(use_true_random=False), st.integers(0, 6))
def test_messages_that_come_twice_and_out_of_order_give_the_same_samples(chance, repeats):
    payloads = recording(2.0, origin_s=NOW)
    expected = play(phone(), payloads)
    mixed = list(range(len(payloads)))
    for place in range(0, len(mixed) - 1, 2):
        if chance.random() < 0.5:
            mixed[place], mixed[place + 1] = mixed[place + 1], mixed[place]
    mixed += [chance.choice(mixed) for _ in range(repeats)]
    device = phone()
    found = [
        each for number in mixed for each in device.take(read_message(payloads[number]), NOW + 3.1)
    ] + device.rest()
    assert [each["timestamp"] for each in found] == sorted(each["timestamp"] for each in found)
    if mixed[0] == 0:
        assert found == expected
    assert device.duplicates == repeats


def test_a_lost_message_holds_the_others_up_for_two_seconds_at_most():
    payloads = recording(6.0, origin_s=NOW)
    device, released = phone(), []
    for number, payload in enumerate(payloads):
        if number != 3:
            released.append(len(device.take(read_message(payload), NOW + (number + 1) * 0.5)))
    assert released[3:6] == [0, 0, 0]
    assert sum(released) > 250


@pytest.mark.parametrize("off_s", [-3600.0, 3600.0, 86_400.0])
def test_a_clock_that_is_far_off_is_corrected_to_the_time_of_arrival(off_s):
    device = phone()
    samples = play(device, recording(4.0, origin_s=NOW + off_s))
    assert samples[0]["timestamp"] == pytest.approx(NOW, abs=0.3)
    assert len(samples) == pytest.approx(200, abs=1)
    assert f"{abs(off_s):.0f} s {'ahead' if off_s > 0 else 'behind'}" in device.link(NOW + 4.2).reason


def test_a_clock_that_is_set_back_during_the_recording_does_not_stop_it():
    payloads = recording(2.0, origin_s=NOW)
    payloads += [message(4 + n, readings(2 + n / 2, 2.5 + n / 2), origin_s=NOW - 3600.0) for n in range(4)]
    samples = play(phone(), payloads)
    assert samples[-1]["timestamp"] == pytest.approx(NOW + 4.0, abs=0.3)
    assert len(samples) == pytest.approx(200, abs=15)


def test_a_first_message_that_was_long_on_its_way_does_not_shift_the_others():
    first, *others = recording(4.0, origin_s=NOW)
    device = phone()
    device.take(read_message(first), NOW + 20.0)
    samples = [
        each for n, payload in enumerate(others) for each in device.take(read_message(payload), NOW + 20.1 + n / 2)
    ]
    assert samples[-1]["timestamp"] <= NOW + 24.0


def test_of_two_phones_with_one_id_the_first_counts_until_it_is_silent():
    one, two = (recording(3.0, origin_s=NOW, device=name) for name in (UUID, "another"))
    device = phone()
    for number, (mine, theirs) in enumerate(zip(one, two, strict=True)):
        assert device.take(read_message(mine), NOW + number / 2) or number == 0
        assert device.take(read_message(theirs), NOW + number / 2 + 0.1) == []
    assert "another phone" in device.link(NOW + 3.0).reason
    assert device.take(read_message(two[-1]), NOW + 30.0)


def test_a_new_recording_of_the_same_phone_goes_on():
    device = phone()
    play(device, recording(2.0, origin_s=NOW))
    later = recording(2.0, origin_s=NOW + 10.0, session="two")
    assert len(device.take(read_message(later[0]), NOW + 10.6)) > 10


@pytest.mark.parametrize(
    ("values", "kept"),
    [({"horizontalAccuracy": -1, "speed": -1}, {"altitude_m"}),
     ({"speed": -1}, {"latitude", "longitude", "horizontal_accuracy_m", "altitude_m"}),
     ({"verticalAccuracy": -1}, {"latitude", "longitude", "horizontal_accuracy_m", "speed_mps"}),
     ({"latitude": 99.0}, {"longitude", "horizontal_accuracy_m", "altitude_m", "speed_mps"})],
)  # fmt: skip
def test_what_a_location_marks_as_invalid_is_left_out(values, kept):
    place = {
        "latitude": 47.0,
        "longitude": 8.0,
        "altitude": 400.0,
        "horizontalAccuracy": 3.0,
        "verticalAccuracy": 4.0,
        "speed": 3.0,
    }
    [sample] = play(phone(), [message(0, [("location", 0.4, place | values)], origin_s=NOW)])
    assert sample.keys() - {"timestamp"} == kept


def test_the_barometer_gives_the_altitude_once_the_location_says_where_its_zero_is():
    place = {"latitude": 47.0, "longitude": 8.0, "altitude": 400.0, "horizontalAccuracy": 3.0, "verticalAccuracy": 4.0}
    found = [("barometer", 0.1, {"relativeAltitude": 2.0, "pressure": 960.0}), ("location", 0.2, place),
             ("barometer", 0.3, {"relativeAltitude": 3.5, "pressure": 959.8})]  # fmt: skip
    samples = play(phone(), [message(0, found, origin_s=NOW)])
    assert [each["altitude_m"] for each in samples if "altitude_m" in each] == [401.5]


def test_battery_and_silence_are_in_the_link():
    device = phone()
    device.take(
        read_message(message(0, [("battery", 0.1, {"batteryLevel": 0.5}), *readings(0, 0.5)], origin_s=NOW)), NOW + 0.6
    )
    assert (device.health(), device.link(NOW + 1.0).state) == ({"battery_percent": 50}, "connected")
    assert device.link(NOW + 20.0).state == "lost"
    assert device.link(NOW + 21.0, off=True).state == "off"


def test_everything_that_is_published_is_valid_on_the_wire():
    import msgspec

    chance, decoder = random.Random(5), Decoder()
    found = [(name, t, {key: chance.choice([value, value * 1e6, -1e9, 0.0]) for key, value in values.items()})
             for name, t, values in readings(0.0, 2.0)]  # fmt: skip
    for sample in play(phone(), [message(0, found, origin_s=NOW)], each_s=2.0):
        decoder.decode(msgspec.json.encode({"device_id": "007", **sample}))


def test_the_examples_run():
    assert doctest.testmod(gravity).failed == 0
    assert doctest.testmod(wire_values).failed == 0
