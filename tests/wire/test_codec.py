"""Payloads to samples and back, and everything that is no payload."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athlete_monitor.arrays import CHANNEL_INDEX, GRAVITY_MPS2
from athlete_monitor.channels import TABLE
from athlete_monitor.errors import PayloadError
from athlete_monitor.wire.codec import (
    MAX_PAYLOAD_BYTES,
    Decoder,
    encode_batch,
    encode_sample,
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


MALFORMED: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "not JSON"),
    "no JSON": (b"hello", "not JSON"),
    "torn": (payload()[:-5], "not JSON"),
    "two documents": (payload() + payload(), "not JSON"),
    "not UTF-8": (b'{"device_id": "\xff\xfe"}', "not JSON"),
    "bytes": (bytes(range(256)), "not JSON"),
    "nested too deep": (b"[" * 60_000, "Expected `object`, got `array`"),
    "nested too deep in a key": (b'{"x":' + b"[" * 60_000, "not JSON"),
    "a list": (b"[]", "Expected `object`, got `array`"),
    "a number": (b"1", "Expected `object`, got `int`"),
    "null": (b"null", "Expected `object`, got `null`"),
    "NaN": (payload()[:-1] + b', "acc_x": NaN}', "not JSON"),
    "Infinity": (payload()[:-1] + b', "acc_x": Infinity}', "not JSON"),
    "-Infinity": (payload()[:-1] + b', "acc_x": -Infinity}', "not JSON"),
    "beyond float": (payload()[:-1] + b', "acc_x": 1e999}', "Number out of range"),
    "text for a number": (payload(acc_x="1.5"), "Expected `float | null`, got `str` - at `$.acc_x`"),
    "list for a number": (payload(acc_x=[1.5]), "Expected `float | null`, got `array` - at `$.acc_x`"),
    "true for a number": (payload(acc_x=True), "Expected `float | null`, got `bool` - at `$.acc_x`"),
    "acceleration": (payload(acc_x=5000), "Expected `float` <= 1961.33 - at `$.acc_x`"),
    "rotation": (payload(gyro_y=-101), "Expected `float` >= -100.0 - at `$.gyro_y`"),
    "field": (payload(mag_z=1e5), "- at `$.mag_z`"),
    "negative heart rate": (payload(heart_rate_bpm=-1), "- at `$.heart_rate_bpm`"),
    "heart rate": (payload(heart_rate_bpm=301), "- at `$.heart_rate_bpm`"),
    "negative speed": (payload(speed_mps=-0.1), "- at `$.speed_mps`"),
    "speed": (payload(speed_mps=61), "- at `$.speed_mps`"),
    "cadence": (payload(cadence_spm=501), "- at `$.cadence_spm`"),
    "altitude": (payload(altitude_m=1e6), "- at `$.altitude_m`"),
    "short interval": (payload(rr_intervals_ms=[800, 99]), "- at `$.rr_intervals_ms[...]`"),
    "interval of text": (payload(rr_intervals_ms=["800"]), "- at `$.rr_intervals_ms[...]`"),
    "no device": (payload(device_id=...), "device_id is missing"),
    "null device": (payload(device_id=None), "device_id is missing"),
    "another device": (payload(device_id="002"), "device_id does not match the topic"),
    "empty device": (payload(device_id=""), "- at `$.device_id`"),
    "long device": (payload(device_id="a" * 33), "- at `$.device_id`"),
    "device with a slash": (payload(device_id="../../etc"), "- at `$.device_id`"),
    "device with a line end": (payload(device_id="001\n"), "- at `$.device_id`"),
    "device of number": (payload(device_id=1), "- at `$.device_id`"),
    "no time": (payload(timestamp=...), "timestamp is missing"),
    "null time": (payload(timestamp=None), "timestamp is missing"),
    "no such day": (payload(timestamp="2026-02-30 10:00:00"), "timestamp not understood"),
    "words for a time": (payload(timestamp="yesterday"), "timestamp not understood"),
    "time before 2000": (payload(timestamp=12), "timestamp out of range"),
    "time in ms": (payload(timestamp=1_700_000_000_000), "timestamp out of range"),
    "time as list": (payload(timestamp=[1]), "- at `$.timestamp`"),
    "athlete 0": (payload(athlete_id=0), "- at `$.athlete_id`"),
    "athlete of text": (payload(athlete_id="1"), "- at `$.athlete_id`"),
    "half an athlete": (payload(athlete_id=1.5), "- at `$.athlete_id`"),
    "negative seq": (payload(seq=-1), "- at `$.seq`"),
    "mode": (payload(mode="match"), "not an allowed value - at `$.mode`"),
    "gender of text": (payload(gender="other"), "not an allowed value - at `$.gender`"),
    "gender of number": (payload(gender=2), "gender is not 1, 0, Male or Female"),
    "age": (payload(age=3), "- at `$.age`"),
    "weight": (payload(weight=1000), "- at `$.weight`"),
    "height in m": (payload(height=1.8), "- at `$.height`"),
    "long phase": (payload(session_phase="x" * 65), "- at `$.session_phase`"),
    "samples of no list": (payload(samples={}), "- at `$.samples`"),
    "a sample of no object": (payload(samples=[1]), "- at `$.samples[...]`"),
    "a sample without time": (payload(samples=[{"acc_x": 1}]), "timestamp is missing"),
    "a bad sample among good ones": (
        payload(samples=[{"timestamp": 1.7e9}, {"timestamp": 1.7e9, "acc_x": 1e9}]),
        "- at `$.samples[...].acc_x`",
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
