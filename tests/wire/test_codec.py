"""Payloads to samples and back, and everything that is no payload."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athlete_monitor.arrays import BATTERY, CHANNEL_INDEX, CHANNELS, CONTACT, GRAVITY_MPS2, HEART_RATE, RSSI, SPEED
from athlete_monitor.channels import ALIASES, TABLE
from athlete_monitor.errors import PayloadError
from athlete_monitor.wire.codec import (
    MAX_PAYLOAD_BYTES,
    Decoder,
    encode_batch,
    encode_sample,
    unused_keys,
)
from athlete_monitor.wire.sample import NOT_MEASURED, Sample, Tags, WireProfile
from athlete_monitor.wire.timestamps import EARLIEST, LATEST

LIMITS = [channel.limits for channel in TABLE]
VALID = {
    "device_id": "001",
    "timestamp": "2026-01-01 10:00:00.250",
    "athlete_id": 1,
    "acc_x": 1.5,
    "acc_y": -2.5,
    "acc_z": 9.75,
    "heart_rate_bpm": 120,
}

texts = st.text(max_size=64)
channel_values = st.tuples(
    *(st.just(math.nan) | st.floats(low, high, allow_nan=False, allow_subnormal=False) for low, high in LIMITS)
)
tags = st.builds(
    Tags,
    session_phase=st.none() | texts,
    intensity_level=st.none() | texts,
    mode=st.none() | st.sampled_from(["training", "game"]),
    position=st.none() | texts,
    playing_style=st.none() | texts,
    fitness_level=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    fatigue_rate=st.none() | st.floats(allow_nan=False, allow_infinity=False),
)
profiles = st.builds(
    WireProfile,
    age_years=st.none() | st.floats(5, 100),
    weight_kg=st.none() | st.floats(20, 250),
    height_cm=st.none() | st.floats(90, 250),
    sex=st.sampled_from([None, "male", "female"]),
)
samples = st.builds(
    Sample,
    device_id=st.from_regex(r"\A[A-Za-z0-9_-]{1,32}\Z"),
    t=st.floats(EARLIEST, LATEST, exclude_max=True),
    values=channel_values,
    athlete_id=st.none() | st.integers(1, 1_000_000),
    seq=st.none() | st.integers(0, 2**53),
    profile=profiles,
    tags=tags,
    rr_intervals_ms=st.lists(st.floats(100, 10_000), max_size=5).map(tuple),
)


def same(a: Sample, b: Sample) -> bool:
    """Equal, NaN counting as equal to NaN."""
    return bool(np.array_equal(a.values, b.values, equal_nan=True)) and all(
        getattr(a, name) == getattr(b, name) for name in a.__struct_fields__ if name != "values"
    )


def payload(**changes: Any) -> bytes:
    return json.dumps({key: value for key, value in {**VALID, **changes}.items() if value is not ...}).encode()


@given(samples)
def test_what_is_encoded_decodes_to_the_same_sample(sample):
    [decoded] = Decoder().decode(encode_sample(sample), sample.device_id)
    assert same(decoded, sample)


@given(samples)
def test_the_end_of_a_session_survives_the_wire_without_measurements(sample):
    end = Sample(sample.device_id, sample.t, NOT_MEASURED, sample.athlete_id, sample.seq, end=True)
    [decoded] = Decoder().decode(encode_sample(end), None)
    assert decoded.end
    assert same(decoded, end)


@settings(max_examples=50)
@given(samples, st.lists(st.tuples(channel_values, tags), min_size=1, max_size=8))
def test_a_batch_decodes_to_the_same_samples_in_order(first, rest):
    batch = [first] + [
        Sample(first.device_id, first.t, values, first.athlete_id, None, first.profile, tag) for values, tag in rest
    ]
    decoded = Decoder().decode(encode_batch(batch), first.device_id)
    assert len(decoded) == len(batch)
    assert all(map(same, decoded, batch))


def test_units_of_the_wire_become_si():
    [sample] = Decoder("g", "deg/s").decode(payload(acc_x=2.0, gyro_z=180.0), "001")
    assert sample.values[0] == 2.0 * GRAVITY_MPS2
    assert sample.values[CHANNEL_INDEX["gyro_z"]] == pytest.approx(math.pi)
    assert math.isnan(sample.values[CHANNEL_INDEX["gyro_x"]])
    assert sample.values[CHANNEL_INDEX["heart_rate_bpm"]] == 120


@pytest.mark.parametrize(("unit", "limit"), [("m/s2", 200 * GRAVITY_MPS2), ("g", 200.0)])
def test_the_range_of_acceleration_is_the_same_in_every_unit(unit, limit):
    Decoder(unit).decode(payload(acc_x=limit * 0.999), None)
    with pytest.raises(PayloadError, match="acc_x"):
        Decoder(unit).decode(payload(acc_x=limit * 1.001), None)


def test_a_missing_or_null_measurement_is_not_measured():
    [sample] = Decoder().decode(payload(heart_rate_bpm=None, acc_x=...), "001")
    assert math.isnan(sample.values[CHANNEL_INDEX["heart_rate_bpm"]])
    assert math.isnan(sample.values[0])
    assert sample.values[1] == -2.5


@pytest.mark.parametrize("topic_device", ["001", None])
def test_unknown_keys_are_ignored(topic_device):
    [sample] = Decoder().decode(payload(battery=0.5, firmware={"a": [1]}), topic_device)
    assert sample.device_id == "001"


@pytest.mark.parametrize(
    ("gender", "sex"), [(1, "male"), (0, "female"), ("Male", "male"), ("Female", "female"), (None, None)]
)
def test_gender_is_a_word_or_a_number(gender, sex):
    [sample] = Decoder().decode(payload(gender=gender, age=20, weight=70.5, height=180), "001")
    assert sample.profile == WireProfile(20, 70.5, 180, sex)


def test_the_items_of_a_batch_share_the_devices_keys_and_tags():
    items = [{"timestamp": 1.7e9, "acc_x": 1.0}, {"timestamp": 1.7e9 + 0.02, "acc_x": 2.0, "session_phase": "sprint"}]
    first, second = Decoder().decode(payload(timestamp=..., samples=items, seq=10, session_phase="warm-up"), "001")
    assert (first.seq, second.seq) == (10, 11)
    assert (first.tags.session_phase, second.tags.session_phase) == ("warm-up", "sprint")
    assert (first.athlete_id, second.values[0]) == (1, 2.0)


def test_an_end_needs_device_and_time_alone():
    [sample] = Decoder().decode(b'{"device_id":"7","timestamp":1700000000,"event":"end"}', "7")
    assert sample.end
    assert all(map(math.isnan, sample.values))


@pytest.mark.parametrize("after", [b"\0", b"\0" * 400, b"\r\n", b" \0"])
@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("keys", [{"acc_x": 1.5}, {"accX": 1.5, "firmware": 3}])
def test_what_c_strings_and_windows_put_around_a_payload_is_ignored(before, after, keys):
    [sample] = Decoder().decode(before + payload(**{"acc_x": ..., **keys}) + after, "001")
    assert sample.values[0] == 1.5


MALFORMED: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "not JSON: it is empty"),
    "no JSON": (b"hello", "not JSON"),
    "torn": (payload()[:-5], "not JSON: it ends too early"),
    "two documents": (payload() + payload(), "not JSON: something follows the object"),
    "not UTF-8": (b'{"device_id": "\xff\xfe"}', "not JSON: it is not in UTF-8"),
    "bytes": (bytes(range(256)), "not JSON"),
    "nested too deep": (b"[" * 60_000, "expected an object, got a list"),
    "nested too deep in a key": (b'{"x":' + b"[" * 60_000, "not JSON"),
    "a list": (b"[]", "expected an object, got a list"),
    "a number": (b"1", "expected an object, got a whole number"),
    "null": (b"null", "expected an object, got null"),
    "NaN": (payload()[:-1] + b', "acc_x": NaN}', "not JSON: NaN and Infinity are not allowed, send null"),
    "Infinity": (payload()[:-1] + b', "acc_x": Infinity}', "not JSON: NaN and Infinity are not allowed, send null"),
    "-Infinity": (payload()[:-1] + b', "acc_x": -Infinity}', "not JSON: NaN and Infinity are not allowed, send null"),
    "UTF-16": (payload().decode().encode("utf-16"), "not JSON: it is in UTF-16"),
    "decimal comma": (payload()[:-1] + b', "acc_x": 0,5}', "not JSON: a decimal comma"),
    "single quotes": (payload().replace(b'"', b"'"), "not JSON: keys need double quotes"),
    "athlete too large": (payload(athlete_id=10**7), "`athlete_id` is above 1000000"),
    "beyond float": (payload()[:-1] + b', "acc_x": 1e999}', "the number is too large"),
    "text for a number": (payload(acc_x="1.5"), "`acc_x`: expected a number, got text"),
    "list for a number": (payload(acc_x=[1.5]), "`acc_x`: expected a number, got a list"),
    "true for a number": (payload(acc_x=True), "`acc_x`: expected a number, got true or false"),
    "acceleration": (payload(acc_x=5000), "`acc_x` is above 1961.33"),
    "rotation": (payload(gyro_y=-101), "`gyro_y` is below -100"),
    "field": (payload(mag_z=1e5), "`mag_z`"),
    "negative heart rate": (payload(heart_rate_bpm=-1), "`heart_rate_bpm`"),
    "heart rate": (payload(heart_rate_bpm=301), "`heart_rate_bpm`"),
    "negative speed": (payload(speed_mps=-0.1), "`speed_mps`"),
    "speed": (payload(speed_mps=61), "`speed_mps`"),
    "cadence": (payload(cadence_spm=501), "`cadence_spm`"),
    "altitude": (payload(altitude_m=1e6), "`altitude_m`"),
    "interval of text": (payload(rr_intervals_ms=["800"]), "`rr_intervals_ms[...]`"),
    "no device": (payload(device_id=...), "`device_id` is missing"),
    "null device": (payload(device_id=None), "`device_id` is missing"),
    "another device": (payload(device_id="002"), "device_id does not match the topic"),
    "empty device": (payload(device_id=""), "`device_id`"),
    "long device": (payload(device_id="a" * 33), "`device_id`"),
    "device with a slash": (payload(device_id="../../etc"), "`device_id`"),
    "device with a line end": (payload(device_id="001\n"), "`device_id`"),
    "device of number": (payload(device_id=1), "`device_id`"),
    "no time": (payload(timestamp=...), "`timestamp` is missing"),
    "null time": (payload(timestamp=None), "`timestamp` is missing"),
    "no such day": (payload(timestamp="2026-02-30 10:00:00"), "`timestamp` is not understood"),
    "words for a time": (payload(timestamp="yesterday"), "`timestamp` is not understood"),
    "time before 2000": (payload(timestamp=12), "before the year 2000: the device's clock is not set"),
    "time in ms": (payload(timestamp=1_700_000_000_000), "`timestamp` looks like milliseconds"),
    "time as list": (payload(timestamp=[1]), "`timestamp`"),
    "athlete 0": (payload(athlete_id=0), "`athlete_id`"),
    "athlete of text": (payload(athlete_id="1"), "`athlete_id`"),
    "half an athlete": (payload(athlete_id=1.5), "`athlete_id`"),
    "negative seq": (payload(seq=-1), "`seq`"),
    "mode": (payload(mode="match"), "`mode`: allowed are `training` or `game`"),
    "gender of text": (payload(gender="other"), "`gender`: allowed are `Male`"),
    "gender of number": (payload(gender=2), "`gender` is not 1, 0, Male or Female"),
    "age": (payload(age=3), "`age`"),
    "weight": (payload(weight=1000), "`weight`"),
    "height in m": (payload(height=1.8), "`height`"),
    "long phase": (payload(session_phase="x" * 65), "`session_phase`"),
    "samples of no list": (payload(samples={}), "`samples`"),
    "a sample of no object": (payload(samples=[1]), "`samples[...]`"),
    "a sample without time": (payload(samples=[{"acc_x": 1}]), "`timestamp` is missing"),
    "bad samples only": (payload(samples=[{"timestamp": 1.7e9, "acc_x": 1e9}, 5]), "`samples[...].acc_x`"),
    "a bad sample, then one nested too deep": (
        payload(samples=[1])[:-2] + b"," + b"[" * 5000 + b"]" * 5000 + b"]}",
        "nested too deep",
    ),
    "an end with samples": (payload(event="end", samples=[{"timestamp": 1.7e9}]), "an end message holds no samples"),
    "larger than 64 KiB": (payload(note="x" * MAX_PAYLOAD_BYTES), "larger than 64 KiB"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_payload_is_refused_with_a_reason_to_count_by(name):
    data, reason = MALFORMED[name]
    with pytest.raises(PayloadError) as told:
        Decoder().decode(data, "001")
    assert reason in str(told.value)


@pytest.mark.parametrize("value", ["a", "b", "<script>", "x" * 40])
def test_reasons_do_not_repeat_what_the_sender_wrote(value):
    for key in ("mode", "gender", "device_id", "timestamp", "acc_x", "samples"):
        with pytest.raises(PayloadError) as told:
            Decoder().decode(payload(**{key: f"{value}\x00!"}), "001")
        assert value not in str(told.value) or value in {"a", "b"}


def test_a_payload_of_exactly_64_kib_is_read():
    padding = MAX_PAYLOAD_BYTES - len(payload(note=""))
    data = payload(note="x" * padding)
    assert len(data) == MAX_PAYLOAD_BYTES
    assert len(Decoder().decode(data, "001")) == 1


def test_a_batch_of_several_devices_or_none_is_not_encoded():
    a, b = Sample("a", 1.7e9), Sample("b", 1.7e9)
    for batch in ([], [a, b], [a, Sample("a", 1.7e9, end=True)]):
        with pytest.raises(PayloadError):
            encode_batch(batch)


def test_many_different_tags_and_profiles_do_not_fill_the_memory():
    decoder = Decoder()
    for number in range(10_000):
        decoder.decode(payload(session_phase=f"phase {number}", weight=50 + number / 100), "001")
    assert len(decoder._tags) <= 4096
    assert len(decoder._profiles) <= 4096


@pytest.mark.parametrize("alias", ["heart_rate", "hr", "heartRateBpm", "heartRate", "hr_bpm"])
def test_a_misspelt_key_that_can_mean_one_channel_only_is_that_channel(alias):
    [sample] = Decoder().decode(payload(heart_rate_bpm=..., **{alias: 141}), "001")
    assert sample.values[HEART_RATE] == 141.0
    [item] = Decoder().decode(payload(samples=[{"ts": 1.7e9, alias: 141}]), "001")
    assert item.values[HEART_RATE] == 141.0


def test_every_alias_is_read_as_what_it_means():
    for alias, name in ALIASES.items():
        value = [800.0] if name == "rr_intervals_ms" else 1.0
        [sample] = Decoder().decode(
            payload(heart_rate_bpm=..., acc_x=..., acc_y=..., acc_z=..., **{alias: value}), "001"
        )
        if name == "rr_intervals_ms":
            assert sample.rr_intervals_ms == (800.0,)
        else:
            assert [name for name, v in zip(CHANNELS, sample.values, strict=True) if v == 1.0] == [name]


def test_a_key_of_ours_wins_over_its_alias_and_a_bad_alias_is_refused_by_its_name():
    [sample] = Decoder().decode(payload(heart_rate_bpm=120, heart_rate=60), "001")
    assert sample.values[HEART_RATE] == 120
    with pytest.raises(PayloadError, match="`heart_rate` is above 300"):
        Decoder().decode(payload(heart_rate=400), "001")


def test_a_speed_without_its_unit_is_not_guessed():
    [sample] = Decoder().decode(payload(speed=28), "001")
    assert math.isnan(sample.values[SPEED])


@pytest.mark.parametrize("named", ["AA:bb:0C:1D:2E:3F", "AAbb0C1D2E3F"])
@pytest.mark.parametrize("topic", ["AA:bb:0C:1D:2E:3F", "AAbb0C1D2E3F", None])
def test_a_mac_address_is_a_device_without_its_colons(named, topic):
    [sample] = Decoder().decode(payload(device_id=named), topic)
    assert sample.device_id == "AAbb0C1D2E3F"


@pytest.mark.parametrize("odd", ["AA:BB", "AA:BB:CC:DD:EE:FF:00", "GG:BB:CC:DD:EE:FF", "a:b"])
def test_colons_are_only_taken_out_of_a_mac_address(odd):
    with pytest.raises(PayloadError, match="device_id"):
        Decoder().decode(payload(device_id=odd), None)


def test_an_interval_out_of_range_is_left_out_and_its_message_stays():
    [sample] = Decoder().decode(payload(rr_intervals_ms=[800, 99, None, 0, 20_000, 812.5]), "001")
    assert sample.rr_intervals_ms == (800.0, 812.5)
    assert sample.values[HEART_RATE] == 120


@pytest.mark.parametrize(("said", "value"), [(True, 1.0), (False, 0.0), (1, 1.0), (0, 0.0), (None, math.nan)])
def test_contact_is_true_or_1_false_or_0(said, value):
    [sample] = Decoder().decode(payload(contact=said), "001")
    assert sample.values[CONTACT] == pytest.approx(value, nan_ok=True)
    assert all(type(each) is float or each == 120 for each in sample.values)


def test_a_batch_gives_the_state_of_its_sensor_once_and_a_sample_may_differ():
    items = [{"timestamp": 1.7e9, "acc_x": 1.0}, {"timestamp": 1.7e9 + 0.02, "acc_x": 2.0, "contact": False}]
    first, second = Decoder().decode(payload(timestamp=..., samples=items, battery_percent=81, contact=True), "001")
    assert (first.values[BATTERY], second.values[BATTERY]) == (81, 81)
    assert (first.values[CONTACT], second.values[CONTACT]) == (1.0, 0.0)
    assert math.isnan(first.values[RSSI])


def test_keys_that_are_not_used_are_named_with_what_they_resemble():
    data = payload(heartrate_bmp=1, firmware={"a": 1}, samples=[{"timestamp": 1.7e9, "acx_x": 1}])
    assert unused_keys(data) == {"heartrate_bmp": "heart_rate_bpm", "firmware": None, "acx_x": "acc_x"}
    assert unused_keys(payload(hr=1)) == {}
    assert unused_keys(payload(speed=28)) == {"speed": "speed_mps"}


def test_a_device_is_asked_about_its_keys_once():
    told, decoder = [], Decoder()
    decoder.on_unused = lambda device, unused: told.append((device, unused))
    for extra in ({}, {"speed": 28}, {"speed": 29}, {"firmware": 3}):
        decoder.decode(payload(**extra), "001")
    assert told == [("001", {"speed": "speed_mps"})]


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ({"timestamp": 1.7e9 + 1, "acc_x": 1e9}, "`samples[...].acc_x` is above"),
        ({"timestamp": 1.7e9 + 1, "acc_x": "1"}, "expected a number, got text"),
        ({"timestamp": 1.7e12}, "looks like milliseconds"),
        ({"acc_x": 1.0}, "`timestamp` is missing"),
        (None, "expected an object"),
    ],
)
def test_a_bad_sample_is_left_out_of_its_batch_and_the_others_keep_their_numbers(bad, why):
    reader, left_out = Decoder(), []
    reader.on_left_out = lambda *each: left_out.append(each)
    batch = payload(seq=7, samples=[{"timestamp": 1.7e9}, bad, {"timestamp": 1.7e9 + 2, "heart_rate": 99}])
    assert [(sample.t, sample.seq) for sample in reader.decode(batch)] == [(1.7e9, 7), (1.7e9 + 2, 9)]
    [(device, reason, count)] = left_out
    assert (device, count) == ("001", 1)
    assert why in reason


def test_nothing_is_reported_of_a_device_that_the_topic_does_not_name():
    reader, left_out = Decoder(), []
    reader.on_left_out = lambda *each: left_out.append(each)
    batch = payload(samples=[{"timestamp": 1.7e9}, {"timestamp": 1.7e9 + 1, "acc_x": "1"}])
    with pytest.raises(PayloadError, match="does not match the topic"):
        reader.decode(batch, "002")
    assert left_out == []
