"""From a strap's notifications to samples, and how it is heard."""

from __future__ import annotations

import doctest

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athlete_monitor.bridge import strap as module
from athlete_monitor.bridge.strap import Strap
from athlete_monitor.wire.codec import Decoder


def connected(now_s=100.0, **options):
    strap = Strap("007", "A0:9E:1A:00:00:07", athlete_id=7, **options)
    strap.found("Polar H10", "hci0", -60.0, now_s)
    return strap


def measurement(bpm, *beats, contact=None):
    flags = 0x10 | (0 if contact is None else 0x06 if contact else 0x04)
    return bytes([flags, bpm]) + b"".join(each.to_bytes(2, "little") for each in beats)


def frame(t_s, vectors):
    axes = b"".join(value.to_bytes(2, "little", signed=True) for vector in vectors for value in vector)
    return bytes([2]) + round(t_s * 1e9).to_bytes(8, "little") + bytes([1]) + axes


@settings(max_examples=40)
@given(st.lists(st.tuples(st.binary(max_size=12), st.floats(0.0, 3.0)), max_size=30), st.booleans())
def test_whatever_a_strap_sends_the_samples_are_valid_and_their_times_ascend(messages, moves):
    now_s, decoder, times = 1.8e9, Decoder(), []
    strap = connected(now_s)
    if moves:
        strap.accelerates(50.0, 1.0, now_s)
    for data, pause_s in messages:
        now_s += pause_s
        for sample in [*strap.take_heart_rate(data, now_s), *strap.take_measurement(data, now_s)]:
            [decoded] = decoder.decode(msgspec.json.encode({"device_id": "007", **sample}))
            times.append(decoded.t)
    assert times == sorted(set(times))
    assert all(t <= now_s + 0.1 for t in times)


def test_0_and_255_bpm_are_left_out_but_their_beats_are_not():
    samples = connected().take_heart_rate(measurement(0, 819), 101.0) + connected().take_heart_rate(
        measurement(255, 819), 101.0
    )
    assert [("heart_rate_bpm" in each, each["rr_intervals_ms"]) for each in samples] == [(False, [799.8])] * 2


def test_lost_contact_is_passed_on_without_a_heart_rate():
    [sample] = connected().take_heart_rate(measurement(90, contact=False), 101.0)
    assert sample == {"timestamp": 101.0, "contact": False}


def test_beats_that_come_again_after_a_reconnect_are_published_once():
    strap = connected()
    first = strap.take_heart_rate(measurement(75, 810, 820, 830), 101.0)
    strap.is_away("connection lost", 102.0)
    strap.found("Polar H10", "hci0", -60.0, 108.0)
    second = strap.take_heart_rate(measurement(75, 820, 830, 840), 109.0)
    assert [len(each["rr_intervals_ms"]) for each in first + second] == [3, 1]


def test_readings_follow_the_beats_and_not_the_jitter_of_the_radio():
    strap, late_s = connected(), [0.0, 0.4, 0.1, 0.5, 0.0, 0.3]
    times = [strap.take_heart_rate(measurement(60, 1024), 101.0 + number + late)[0]["timestamp"]
             for number, late in enumerate(late_s)]  # fmt: skip
    assert times == pytest.approx([101.0 + number for number in range(6)], abs=0.06)


def test_a_heart_rate_travels_with_the_acceleration_and_both_are_published_once():
    strap = connected(acc_unit=1.0)
    strap.accelerates(50.0, 1.0, 100.0)
    assert strap.take_heart_rate(measurement(120, 512), 100.5) == []
    samples = strap.take_measurement(frame(7.0, [(0, 0, 1000)] * 25), 101.0)
    assert samples[0]["heart_rate_bpm"] == 120.0
    assert [each["acc_z"] for each in samples] == [1.0] * 25
    assert sum("heart_rate_bpm" in each for each in samples) == 1
    assert samples[-1]["timestamp"] == 101.0
    assert samples[-1]["timestamp"] - samples[0]["timestamp"] == pytest.approx(24 / 50.0)


def test_a_heart_rate_does_not_wait_for_acceleration_that_has_ceased():
    strap = connected()
    strap.accelerates(50.0, 1.0, 100.0)
    assert strap.take_heart_rate(measurement(120), 101.0) == []
    assert [each["heart_rate_bpm"] for each in strap.take_heart_rate(measurement(121), 103.5)] == [120.0, 121.0]


def test_what_still_waits_is_published_when_the_strap_is_lost():
    strap = connected()
    strap.accelerates(50.0, 1.0, 100.0)
    strap.take_heart_rate(measurement(120), 101.0)
    assert [each["heart_rate_bpm"] for each in strap.is_away("connection lost", 102.0)] == [120.0]


def test_pulse_intervals_travel_with_the_next_heart_rate_that_has_none():
    strap = connected()
    pulse = bytes([3]) + bytes(9) + b"\x00\x20\x03\x05\x00\x00" + b"\x00\x20\x03\x05\x00\x01"
    assert strap.take_measurement(pulse, 100.5) == []
    [sample] = strap.take_heart_rate(bytes([0, 75]), 101.0)
    assert sample["rr_intervals_ms"] == [800.0]


def test_the_link_says_how_the_strap_is_heard():
    strap = connected()
    strap.take_battery(80.0)
    strap.take_heart_rate(measurement(75, 819, contact=True), 101.0)
    link = strap.link(102.0)
    assert (link.state, link.since_s, link.seen_s, link.battery_percent, link.contact) == (
        "connected",
        100.0,
        101.0,
        80.0,
        True,
    )
    strap.is_away("connection lost", 103.0)
    strap.is_away("not in range", 110.0)
    assert (strap.link(111.0).state, strap.link(111.0).since_s, strap.link(111.0).reason) == (
        "lost",
        103.0,
        "not in range",
    )
    strap.found(None, "hci1", None, 120.0)
    assert (strap.link(121.0).reconnects, strap.link(121.0).reason, strap.link(121.0).name) == (1, None, "Polar H10")


def test_a_host_clock_that_is_set_back_does_not_squeeze_the_samples_together():
    strap = connected()
    strap.take_heart_rate(bytes([0, 75]), 10_000.0)
    times = [strap.take_heart_rate(bytes([0, 75]), t)[0]["timestamp"] for t in (5_000.0, 5_001.0)]
    assert times == [5_000.0, 5_001.0]


def test_the_examples_run():
    assert doctest.testmod(module).failed == 0


def test_only_pulse_intervals_that_the_sensor_trusts_travel_with_a_heart_rate():
    strap = connected()
    trusted, refused = bytes([75]) + (800).to_bytes(2, "little"), bytes([75]) + (300).to_bytes(2, "little")
    rest = (10).to_bytes(2, "little")
    strap.take_measurement(
        bytes([3]) + bytes(8) + bytes([0]) + trusted + rest + b"\x06" + refused + rest + b"\x07", 100.5
    )
    [sample] = strap.take_heart_rate(bytes([0x06, 75]), 101.0)
    assert sample["rr_intervals_ms"] == [800.0]


def test_samples_of_a_frame_are_as_far_apart_as_its_sensor_takes_them_unless_frames_were_lost():
    strap = connected()
    strap.accelerates(10.0, 1.0, 100.0)
    strap.take_measurement(frame(1.0, [(0, 0, 1000)] * 10), 101.0)
    slower = strap.take_measurement(frame(2.2, [(0, 0, 1000)] * 10), 102.2)
    after_a_gap = strap.take_measurement(frame(9.2, [(0, 0, 1000)] * 10), 109.2)
    steps_s = [found[-1]["timestamp"] - found[-2]["timestamp"] for found in (slower, after_a_gap)]
    assert steps_s == pytest.approx([0.12, 0.1], abs=0.005)


def test_health_is_the_charge_and_the_signal_each_under_its_own_name():
    strap = connected()
    strap.take_battery(83.0)
    assert strap.health() == {"battery_percent": 83.0, "rssi_dbm": -60.0}
