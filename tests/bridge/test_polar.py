"""Polar's measurement data: commands, answers, samples."""

from __future__ import annotations

import contextlib
import doctest

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athlete_monitor.bridge import polar
from athlete_monitor.bridge.polar import Interval, read_acceleration, read_answer, read_intervals
from athlete_monitor.errors import PayloadError

# from Polar's specification: what an H10 answers when asked for the settings of acceleration
H10_SETTINGS = bytes.fromhex("00 04 19 00 32 00 64 00 c8 00 01 01 10 00 02 03 02 00 04 00 08 00")
AXIS = st.integers(-32768, 32767)


def head(kind, measurement=2, t_ns=10**9):
    return bytes([measurement]) + t_ns.to_bytes(8, "little") + bytes([kind])


def packed(values, bits):
    total = sum((value & ((1 << bits) - 1)) << (bits * place) for place, value in enumerate(values))
    return total.to_bytes(-(-bits * len(values) // 8), "little")


@settings(max_examples=40)
@given(st.lists(st.tuples(AXIS, AXIS, AXIS), min_size=1, max_size=40))
def test_raw_samples_of_16_bits_are_thousandths_of_g(rows):
    data = head(1) + b"".join(value.to_bytes(2, "little", signed=True) for row in rows for value in row)
    found = read_acceleration(data)
    assert (found.t_s, found.mg) == (1.0, tuple(tuple(map(float, row)) for row in rows))


@settings(max_examples=40)
@given(st.tuples(*[st.integers(-2000, 2000)] * 3), st.lists(st.tuples(*[st.integers(-30, 30)] * 3), max_size=60))
def test_compressed_samples_are_the_first_one_plus_the_differences(first, steps):
    data = head(0x81) + b"".join(value.to_bytes(2, "little", signed=True) for value in first)
    for place in range(0, len(steps), 25):
        group = steps[place : place + 25]
        data += bytes([6, len(group)]) + packed([value for step in group for value in step], 6)
    expected, last = [first], first
    for step in steps:
        last = tuple(a + b for a, b in zip(last, step, strict=True))
        expected.append(last)
    assert read_acceleration(data, 2.0).mg == tuple(tuple(2.0 * value for value in row) for row in expected)


@pytest.mark.parametrize("read", [read_acceleration, read_intervals, read_answer])
@settings(max_examples=40)
@given(data=st.binary(max_size=60))
def test_whatever_comes_is_read_or_refused(read, data):
    with contextlib.suppress(PayloadError):
        read(data)


def test_a_cut_off_or_unknown_frame_is_refused():
    for data in (
        head(1) + b"\x00" * 5,
        head(0x81) + b"\x00" * 6 + bytes([6, 25, 1]),
        head(7) + b"\x00" * 6,
        head(0x87) + b"\x00" * 6,
    ):
        with pytest.raises(PayloadError):
            read_acceleration(data)


def test_the_start_command_takes_the_offered_rate_that_is_nearest_and_the_widest_range():
    answer = read_answer(bytes([0xF0, 1, 2, 0, 0]) + H10_SETTINGS)
    assert answer.settings == {0: (25, 50, 100, 200), 1: (16,), 2: (2, 4, 8)}
    command = polar.start(polar.ACCELERATION, answer.settings, 60.0)
    assert command.hex() == "02020001320001011000020108" + "00"
    assert polar.rate_of(command) == 50.0


def test_the_factor_of_an_answer_is_a_float_and_one_where_it_is_missing():
    assert read_answer(bytes([0xF0, 2, 2, 0, 0, 5, 1]) + bytes.fromhex("0000803e")).factor == 0.25
    assert read_answer(bytes([0xF0, 2, 2, 0, 0])).factor == 1.0


def test_the_features_are_bits():
    assert polar.features(bytes([0x0F, 0x0C])) == {polar.ACCELERATION, polar.INTERVALS}
    assert polar.features(b"") == polar.features(bytes([0xF0, 0xFF])) == frozenset()


def test_an_interval_is_good_without_movement_and_with_contact_where_that_is_known():
    rows = [(800, 0b000), (810, 0b001), (820, 0b110), (830, 0b100)]
    data = head(0, 3) + b"".join(
        bytes([0]) + ms.to_bytes(2, "little") + b"\x05\x00" + bytes([flags]) for ms, flags in rows
    )
    assert read_intervals(data) == (
        Interval(800, True),
        Interval(810, False),
        Interval(820, True),
        Interval(830, False),
    )


def test_the_examples_run():
    assert doctest.testmod(polar).failed == 0


def test_an_answer_names_the_measurement_and_the_error():
    found = read_answer(bytes([0xF0, 2, 3, 6, 0]))
    assert (found.measurement, found.error) == (3, 6)
