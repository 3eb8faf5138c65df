"""Cleaning the strap and raising the maximum, against slow and obvious versions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor.physiology.clock import SampleClock
from athlete_monitor.physiology.heart_rate import CleanHeartRate, HeartRateFilter, HeartRateMax

ROW = np.array([0])


def clean(readings, times=None, **options):
    """The filter's output at each of ``readings``."""
    strap = HeartRateFilter(1, **options)
    times = range(len(readings)) if times is None else times
    return strap, [
        strap.update(ROW, np.array([1000.0 + t]), np.array([float(bpm)]))
        for t, bpm in zip(times, readings, strict=True)
    ]


def bpm(outputs):
    return [output.bpm[0] for output in outputs]


def test_readings_out_of_range_are_refused_and_the_last_good_one_held():
    strap, outputs = clean([150, 0, 255, 29.9, 220.1, 151])
    assert bpm(outputs) == [150, 150, 150, 150, 150, 151]
    assert strap.rejected(ROW)[0] == 4
    assert strap.accepted(ROW)[0] == 2
    assert [bool(output.rejected[0]) for output in outputs] == [False, True, True, True, True, False]


def test_a_jump_of_more_than_10_bpm_per_second_is_refused_until_time_explains_it():
    assert bpm(clean([100, 150, 150, 150, 150, 150])[1]) == [100, 100, 100, 100, 100, 150]


def test_ten_bpm_in_a_second_pass():
    assert bpm(clean([100, 110, 100])[1]) == [100, 110, 100]


def test_the_climb_over_seconds_is_limited_even_at_ten_hertz():
    times = np.arange(100) / 10
    outputs = bpm(clean(100 + 3.0 * np.arange(100), times)[1])
    assert np.nanmax(outputs) <= 220
    climbs = [b - a for a, b in zip(outputs, outputs[20:], strict=False)]
    assert max(climbs) <= 30.0 + 1e-9


def test_a_reading_repeated_at_ten_hertz_may_change_within_one_sample():
    strap, outputs = clean([100] * 10 + [105] * 10, np.arange(20) / 10)
    assert bpm(outputs)[10] == 105
    assert strap.rejected(ROW)[0] == 0


def test_a_reading_is_held_between_its_updates_until_it_is_stale():
    strap, outputs = clean([100, np.nan, np.nan], [0, 4.9, 5.1], fresh_s=5.0)
    assert bpm(outputs)[:2] == [100, 100]
    assert np.isnan(bpm(outputs)[2])
    assert strap.reason(0) == "heart rate stale"
    assert strap.reading_t(ROW)[0] == 1000.0
    assert HeartRateFilter(1).reason(0) == "heart rate missing"


@given(st.lists(st.one_of(st.just(np.nan), st.floats(allow_nan=False, width=32)), max_size=40))
def test_what_comes_out_is_always_a_possible_heart_rate(readings):
    strap, outputs = clean(readings)
    values = np.array(bpm(outputs))
    assert ((np.isnan(values)) | ((values >= 30) & (values <= 220))).all()
    assert strap.accepted(ROW)[0] + strap.rejected(ROW)[0] == np.sum(~np.isnan(readings))


def maximum(readings, times=None, measured=np.nan, age=25.0):
    hr_max = HeartRateMax(1)
    hr_max.set(ROW, np.array([measured]), np.array([age]))
    for t, reading in zip(range(len(readings)) if times is None else times, readings, strict=True):
        given_ = np.array([not np.isnan(reading)])
        hr_max.update(ROW, np.array([float(t)]), CleanHeartRate(np.array([float(reading)]), given_, ~given_))
    return hr_max


def slow_maximum(readings, start):
    """Highest level that all readings of some stretch of at least 5 s (one reading a second) reach."""
    stretches = [readings[i : i + 6] for i in range(len(readings) - 5)]
    return max([start, *(min(stretch) for stretch in stretches if not np.isnan(stretch).any())])


def test_the_maximum_comes_from_the_roster_or_the_age_or_is_unknown():
    assert (maximum([], measured=188).bpm(ROW)[0], maximum([], measured=188).source(0)) == (188, "measured")
    assert (maximum([]).bpm(ROW)[0], maximum([]).source(0)) == (195, "nes_2013")
    assert np.isnan(maximum([200] * 10, age=np.nan).bpm(ROW)[0])
    assert maximum([200] * 10, age=np.nan).source(0) is None


def test_a_level_held_for_5_seconds_raises_the_predicted_maximum_only():
    assert maximum([200] * 5).bpm(ROW)[0] == 195
    raised = maximum([200, 201, 199, 203, 204, 205])
    assert (raised.bpm(ROW)[0], raised.source(0)) == (199, "observed")
    assert maximum([200] * 10, measured=190).bpm(ROW)[0] == 190


def test_two_readings_with_a_gap_between_them_are_not_held():
    assert maximum([200, 200], [0, 5]).bpm(ROW)[0] == 195


@given(st.lists(st.one_of(st.just(np.nan), st.integers(190, 210).map(float)), max_size=40))
def test_the_maximum_equals_the_slow_search_over_all_stretches(readings):
    assert maximum(readings).bpm(ROW)[0] == slow_maximum(readings, 195.0)


def test_a_held_reading_without_a_new_one_does_not_raise_the_maximum():
    strap, hr_max = HeartRateFilter(1), HeartRateMax(1)
    hr_max.set(ROW, np.array([np.nan]), np.array([25.0]))
    for i in range(60):
        t = np.array([i / 10])
        reading = np.array([210.0 if i == 0 else np.nan])
        hr_max.update(ROW, t, strap.update(ROW, t, reading))
    assert hr_max.bpm(ROW)[0] == 195


def test_a_gap_counts_two_seconds_and_the_rest_is_missing():
    clock = SampleClock(1)
    steps = [clock.update(ROW, np.array([t]))[0] for t in (10.0, 10.5, 20.5, 19.0, 19.5)]
    assert steps == [0.0, 0.5, 2.0, 0.0, 0.5]
    assert clock.measured_s(ROW)[0] == pytest.approx(3.0)
    assert clock.missing_s(ROW)[0] == pytest.approx(8.0)
