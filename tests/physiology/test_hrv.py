"""Variability: published definitions, artefacts, breaks, and silence where nothing can be said."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athlete_monitor.physiology import reasons
from athlete_monitor.physiology.hrv import (
    HeartRateVariability,
    baevsky_stress_index,
    clean_beats,
    pnn50_percent,
    rmssd_ms,
    sdnn_ms,
    variability,
)


def resting_rr_ms(n=400, seed=0):
    rng = np.random.default_rng(seed)
    return 900 + 40 * np.sin(2 * np.pi * np.arange(n) / 4.5) + rng.normal(0, 15, n)


def measured(rr_ms):
    return variability(rr_ms, np.ones(len(rr_ms), dtype=bool))


def test_the_measures_by_hand():
    rr_ms = np.array([800.0, 810.0, 790.0, 850.0])
    differences = np.diff(rr_ms)
    assert rmssd_ms(differences) == pytest.approx(math.sqrt((100 + 400 + 3600) / 3))
    assert sdnn_ms(rr_ms) == pytest.approx(np.std(rr_ms, ddof=1))
    assert pnn50_percent(differences) == pytest.approx(100 / 3)


def test_baevskys_index_by_hand():
    rr_ms = np.array([810.0] * 6 + [860.0] * 3 + [910.0])
    assert baevsky_stress_index(rr_ms) == pytest.approx(60.0 / (2 * 0.825 * 0.1))


def test_clean_rest_gives_every_measure():
    rr_ms = resting_rr_ms()
    result = measured(rr_ms)
    assert result.rmssd_ms == pytest.approx(np.sqrt(np.mean(np.diff(rr_ms) ** 2)))
    assert result.clean_percent == 100.0
    assert result.reasons == {}


def test_ectopic_and_lost_beats_hardly_change_the_measures():
    rr_ms = resting_rr_ms()
    spoiled = rr_ms.copy()
    spoiled[50] *= 0.6
    spoiled[51] *= 1.4
    spoiled[200] *= 2.0
    truth, result = measured(rr_ms), measured(spoiled)
    assert result.rmssd_ms == pytest.approx(truth.rmssd_ms, rel=0.03)
    assert result.sdnn_ms == pytest.approx(truth.sdnn_ms, rel=0.03)
    assert result.clean_percent == pytest.approx(100 * 397 / 400)


def test_only_the_early_beat_and_its_pause_are_refused():
    rr_ms = np.full(20, 800.0)
    rr_ms[10:12] = 480.0, 1120.0
    assert np.flatnonzero(~clean_beats(rr_ms)).tolist() == [10, 11]


def test_no_intervals_no_variability():
    result = HeartRateVariability().variability(0, 100.0)
    assert (result.rmssd_ms, result.baevsky_index, result.clean_percent) == (None, None, None)
    assert set(result.reasons.values()) == {reasons.RR_REQUIRED}


def test_short_spoiled_and_constant_stretches_say_why_they_are_silent():
    assert measured(resting_rr_ms(50)).reasons["rmssd_ms"] == reasons.TOO_FEW_BEATS
    spoiled = resting_rr_ms()
    spoiled[::4] = 300.0
    assert measured(spoiled).reasons["rmssd_ms"] == reasons.TOO_MANY_ARTEFACTS
    constant = measured(np.full(200, 800.0))
    assert constant.rmssd_ms == 0.0
    assert constant.reasons == {"baevsky_index": reasons.RR_CONSTANT}
    slow = measured(resting_rr_ms(80))
    assert slow.rmssd_ms is not None
    assert slow.reasons == {"baevsky_index": reasons.TOO_FEW_BEATS}


def stream(rr_ms, lost=(), window_s=300.0):
    """The intervals sent once a second with the beats of that second, messages ``lost`` not arriving."""
    hrv, ends_s = HeartRateVariability(window_s), np.cumsum(rr_ms) / 1000
    for second in range(math.ceil(ends_s[-1]) + 1):
        now = rr_ms[(ends_s > second - 1) & (ends_s <= second)].tolist()
        if now and second not in lost:
            hrv.add(0, 1.75e9 + second, now)
    return hrv, 1.75e9 + math.ceil(ends_s[-1])


def test_streamed_intervals_give_what_the_recording_gives():
    rr_ms = resting_rr_ms(300)
    hrv, t = stream(rr_ms)
    assert hrv.variability(0, t).rmssd_ms == pytest.approx(measured(rr_ms).rmssd_ms, rel=1e-3)


def test_beats_on_both_sides_of_a_loss_are_no_neighbours():
    rr_ms = np.concatenate([np.full(100, 800.0), np.full(100, 900.0)])
    whole, t = stream(rr_ms)
    broken, _ = stream(rr_ms, lost=range(75, 86))
    assert whole.variability(0, t).rmssd_ms > 0.0
    assert broken.variability(0, t).rmssd_ms == 0.0


def test_only_the_window_counts_and_old_intervals_are_forgotten():
    hrv, t = stream(resting_rr_ms(1000), window_s=120.0)
    assert 115 <= hrv.variability(0, t).beats <= 135
    assert hrv.variability(0, t + 400).reasons["rmssd_ms"] == reasons.RR_REQUIRED


def test_state_survives_the_journal_and_reset_forgets():
    hrv, t = stream(resting_rr_ms(200))
    other = HeartRateVariability()
    other.set_state(5, hrv.state(0))
    assert other.variability(5, t) == hrv.variability(0, t)
    other.reset(np.array([5, 6]))
    assert other.variability(5, t).beats == 0


@settings(deadline=None)
@given(st.lists(st.floats(1, 5000), max_size=400))
def test_whatever_arrives_the_measures_are_numbers_or_reasons(rr_ms):
    result = measured(np.array(rr_ms))
    for name in ("rmssd_ms", "sdnn_ms", "pnn50_percent", "baevsky_index"):
        value = getattr(result, name)
        assert (value is None) == (name in result.reasons)
        assert value is None or math.isfinite(value)


def test_an_interval_that_comes_again_with_every_sample_counts_once():
    """A device of 10 Hz repeats the last beat's interval until the next one."""
    rng = np.random.default_rng(4)
    rr_ms = 850.0 + 40.0 * np.sin(np.arange(300) / 3.0) + rng.normal(0.0, 25.0, 300)
    ends_s = np.cumsum(rr_ms) / 1000.0
    once, again = HeartRateVariability(), HeartRateVariability()
    for end_s, interval_ms in zip(ends_s, rr_ms, strict=True):
        once.add(0, float(end_s), [float(interval_ms)])
    for tick in range(10, round(10 * ends_s[-1])):
        last = int(np.searchsorted(ends_s, tick / 10, side="right")) - 1
        if last >= 0:
            again.add(0, tick / 10, [float(rr_ms[last])])
    truth, told = once.variability(0), again.variability(0)
    assert told.beats <= truth.beats + 3
    assert told.rmssd_ms == pytest.approx(truth.rmssd_ms, rel=0.2)
