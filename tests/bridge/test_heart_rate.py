"""What straps send, read as the heart rate service defines it."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athlete_monitor.bridge import heart_rate
from athlete_monitor.bridge.heart_rate import HeartRateNotification, read_battery, read_heart_rate
from athlete_monitor.errors import PayloadError


def written(bpm, contact, energy, beats, *, wide):
    """A measurement, byte by byte as section 3.1 of the service has it."""
    flags = wide | ({None: 0, False: 2, True: 3}[contact] << 1) | ((energy is not None) << 3) | (bool(beats) << 4)
    data = bytes([flags]) + bpm.to_bytes(2 if wide else 1, "little")
    data += b"" if energy is None else energy.to_bytes(2, "little")
    return data + b"".join(each.to_bytes(2, "little") for each in beats)


@settings(max_examples=40)
@given(st.integers(0, 255), st.sampled_from([None, False, True]), st.none() | st.integers(0, 65535),
       st.lists(st.integers(0, 65535), max_size=9), st.booleans())  # fmt: skip
def test_every_form_of_the_measurement_is_read(bpm, contact, energy, beats, wide):
    bpm += 300 * wide
    assert read_heart_rate(written(bpm, contact, energy, beats, wide=wide)) == HeartRateNotification(
        bpm, contact, energy, tuple(beats)
    )


@settings(max_examples=40)
@given(st.binary(max_size=20))
def test_whatever_comes_is_read_or_refused(data):
    try:
        found = read_heart_rate(data)
    except PayloadError:
        return
    assert 0 <= found.bpm <= 65535


@pytest.mark.parametrize(("bpm", "contact", "counts"), [(0, None, None), (255, None, None), (120, False, None),
                                                        (120, True, 120.0), (120, None, 120.0)])  # fmt: skip
def test_0_and_255_and_lost_contact_are_no_heart_rate(bpm, contact, counts):
    assert HeartRateNotification(bpm, contact).heart_rate_bpm == counts


def test_a_battery_is_a_percentage_or_unknown():
    assert [read_battery(data) for data in (b"\x50", b"\x64", b"\x65", b"\xff", b"")] == [80.0, 100.0, None, None, None]


def test_the_examples_run():
    assert doctest.testmod(heart_rate).failed == 0


def test_20_and_250_bpm_are_heart_rates_and_19_and_251_are_none():
    found = [read_heart_rate(bytes([0, bpm])).heart_rate_bpm for bpm in (19, 20, 250, 251)]
    assert found == [None, 20.0, 250.0, None]
