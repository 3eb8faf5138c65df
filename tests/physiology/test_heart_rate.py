"""Cleaning the strap and raising the maximum, against slow and obvious versions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor.physiology.extremes import HeldExtremes
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
    strap, outputs = clean([150, 150, 0, 255, 29.9, 220.1, 151])
    assert bpm(outputs)[1:] == [150, 150, 150, 150, 150, 151]
    assert strap.rejected(ROW)[0] == 4
    assert strap.accepted(ROW)[0] == 3
    assert [bool(output.rejected[0]) for output in outputs] == [False, False, True, True, True, True, False]


def test_a_jump_of_more_than_10_bpm_per_second_is_refused_until_time_explains_it():
    assert bpm(clean([100, 100, 150, 150, 150, 150, 150, 150])[1])[1:] == [100, 100, 100, 100, 100, 150, 150]


def test_ten_bpm_in_a_second_pass():
    assert bpm(clean([100, 110, 100])[1])[1:] == [110, 100]


def test_the_first_reading_counts_when_a_second_agrees():
    strap, outputs = clean([120, 121, 122])
    assert [bool(output.accepted[0]) for output in outputs] == [False, True, True]
    assert np.isnan(bpm(outputs)[0])
    assert (strap.accepted(ROW)[0], strap.rejected(ROW)[0]) == (3, 0)


@pytest.mark.parametrize("spike", [205.0, 60.0])
@pytest.mark.parametrize("repeats", [1, 10])
def test_a_first_reading_that_no_other_agrees_with_is_never_believed(spike, repeats):
    strap, outputs = clean([spike] * repeats + [120.0] * 3 * repeats, np.arange(4 * repeats) / repeats)
    assert np.nanmin(bpm(outputs)) == np.nanmax(bpm(outputs)) == 120.0
    assert strap.rejected(ROW)[0] == repeats


@pytest.mark.parametrize("gap_s", [4, 6, 12, 600])
@pytest.mark.parametrize("spike", [205.0, 145.0])
def test_a_spike_after_a_gap_is_not_believed_however_long_the_gap(gap_s, spike):
    times = [0, 1, 2, 2 + gap_s, 3 + gap_s, 4 + gap_s]
    outputs = bpm(clean([120, 120, 120, spike, 121, 122], times)[1])
    assert np.nanmax(outputs) == outputs[-1] == 122.0


def test_a_new_level_after_a_gap_is_believed_with_its_second_reading():
    outputs = bpm(clean([120, 120, 170, 171], [0, 1, 61, 62])[1])
    assert np.isnan(outputs[2])
    assert outputs[3] == 171.0


def test_a_model_supports_a_first_reading_within_its_bounds():
    def first(reading):
        support = (np.array([110.0]), np.array([150.0]))
        return HeartRateFilter(1).update(ROW, np.array([0.0]), np.array([reading]), support).bpm[0]

    assert first(130.0) == 130.0
    assert np.isnan(first(205.0))
    nothing = np.array([np.nan])
    assert np.isnan(HeartRateFilter(1).update(ROW, np.array([0.0]), np.array([130.0]), (nothing, nothing)).bpm[0])


def test_readings_seven_seconds_apart_support_each_other():
    outputs = bpm(clean([120, 124, 130, 126], [0, 7, 14, 20])[1])
    assert outputs[1:] == [124, 130, 126]


def test_the_climb_over_seconds_is_limited_even_at_ten_hertz():
    times = np.arange(100) / 10
    outputs = bpm(clean(np.concatenate([np.full(20, 100.0), 100 + 3.0 * np.arange(80)]), times)[1])
    assert np.nanmax(outputs) <= 220
    climbs = [b - a for a, b in zip(outputs, outputs[20:], strict=False)]
    assert 0.0 < np.nanmax(climbs) <= 30.0 + 1e-9


def test_a_reading_repeated_at_ten_hertz_may_change_within_one_sample():
    strap, outputs = clean([100] * 20 + [105] * 10, np.arange(30) / 10)
    assert bpm(outputs)[20] == 105
    assert strap.rejected(ROW)[0] == 0


def test_a_reading_is_held_between_its_updates_until_it_is_stale():
    strap, outputs = clean([100, 100, np.nan, np.nan], [-1, 0, 4.9, 5.1], fresh_s=5.0)
    assert bpm(outputs)[1:3] == [100, 100]
    assert np.isnan(bpm(outputs)[3])
    assert strap.reason(0) == "heart rate stale"
    assert strap.reading_t(ROW)[0] == 1000.0
    assert HeartRateFilter(1).reason(0) == "heart rate missing"


@given(st.lists(st.one_of(st.just(np.nan), st.floats(allow_nan=False, width=32)), max_size=40))
def test_what_comes_out_is_always_a_possible_heart_rate(readings):
    strap, outputs = clean(readings)
    values = np.array(bpm(outputs))
    assert ((np.isnan(values)) | ((values >= 30) & (values <= 220))).all()
    counted = strap.accepted(ROW)[0] + strap.rejected(ROW)[0] + strap.state(0)["waiting"]
    assert counted == np.sum(~np.isnan(readings))


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


def held(values, times=None):
    """Highest and lowest held level of ``values``, one a second."""
    extremes = HeldExtremes(1)
    for t, value in zip(range(len(values)) if times is None else times, values, strict=True):
        extremes.update(ROW, np.array([float(t)]), np.array([float(value)]))
    return extremes.figures(ROW)[:, 0].tolist()


@given(st.lists(st.integers(100, 120).map(float), max_size=40))
def test_the_held_extremes_equal_the_slow_search_at_one_reading_a_second(values):
    stretches = [values[i : i + 6] for i in range(len(values) - 5)]
    highest, lowest = held(values)
    assert (np.isnan(highest) and not stretches) or highest == max(map(min, stretches))
    assert (np.isnan(lowest) and not stretches) or lowest == min(map(max, stretches))


@given(st.integers(1, 200), st.integers(0, 1000))
def test_the_held_extremes_lie_between_levels_held_for_5_and_for_6_seconds(rate_hz, seed):
    t = np.arange(20 * rate_hz) / rate_hz
    values = 150 + 20 * np.sin(np.cumsum(np.random.default_rng(seed).normal(0, 2.0 / np.sqrt(rate_hz), len(t))))
    spans = {s: int(s * rate_hz) + 1 for s in (5, 6)}
    slow = {s: np.lib.stride_tricks.sliding_window_view(values, n).min(axis=1).max() for s, n in spans.items()}
    assert slow[6] <= held(values, t)[0] <= slow[5]


def test_single_readings_are_neither_the_highest_nor_the_lowest():
    assert held([120] * 10 + [190] + [120] * 10 + [40] + [120] * 10) == [120.0, 120.0]


def test_the_extremes_of_smart_recorded_readings_are_held_between_them():
    extremes = HeldExtremes(1)
    for t, value in zip([0, 4, 11, 17], [150.0, 170.0, 172.0, 160.0], strict=True):
        extremes.update(ROW, np.array([float(t)]), np.array([value]), np.array([9.0]))
    assert extremes.figures(ROW)[:, 0].tolist() == [170.0, 172.0]


def test_a_dropout_is_not_held_through():
    assert np.isnan(held([150, 150, 150, 150, 150], [0, 1, 30, 31, 32])).all()
