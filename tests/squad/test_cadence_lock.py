"""A strap that follows the steps against the model is not believed, and one that is right is not touched."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athlete_monitor.physiology.heart_rate import CleanHeartRate
from athlete_monitor.physiology.reasons import STRAP_COUNTS_STEPS, STRAP_HALF_OR_TWICE, STRAP_REPEATS
from athlete_monitor.squad.cadence_lock import FROZEN_S, WATCHED_S, CadenceLock
from athlete_monitor.squad.heart_rate_source import ModelHeartRate


def beating(second):
    """A heart rate that is not quite steady, as they are, at 131 bpm."""
    return 131 + second % 3


def watched(lock, seconds, bpm, cadence, model, start=0.0, half=8.0):
    """Whether each reading was believed: one a second from ``start`` on."""
    believed = []
    row = np.array([0])
    for s in range(seconds):
        reading = float(bpm(s) if callable(bpm) else bpm)
        strap = CleanHeartRate(np.array([reading]), np.array([True]), np.array([False]))
        guess = ModelHeartRate(*(np.array([model + away]) for away in (0.0, -half, half)))
        shown = lock.check(row, np.array([start + s]), np.array([float(cadence)]), strap, guess)
        believed.append(bool(shown.accepted[0]))
        assert np.isnan(shown.bpm[0]) == (not shown.accepted[0])
    return believed


def test_a_strap_that_counts_steps_is_not_believed_after_a_minute_and_is_again_when_it_is_right():
    lock = CadenceLock(1)
    before = int(WATCHED_S)
    assert all(watched(lock, before, 172, 170, 120.0)), "a model that has just begun does not contradict"
    locked = watched(lock, 120, 172, 170, 120.0, start=before)
    assert all(locked[:59])
    assert not any(locked[61:])
    back = watched(lock, 20, 131, 170, 128.0, start=before + 120)
    assert all(back[12:])
    assert 40.0 < lock.values(np.array([0]))[0, 0] < 80.0


def test_a_heart_rate_near_the_cadence_that_the_model_knows_is_believed():
    assert all(watched(CadenceLock(1), 600, 172, 170, 165.0))


def test_a_heart_rate_far_from_model_and_cadence_is_believed():
    assert all(watched(CadenceLock(1), 600, beating, 150, 120.0))


def test_without_a_cadence_or_a_model_nothing_is_suspect():
    assert all(watched(CadenceLock(1), 600, beating, np.nan, 120.0))
    assert all(watched(CadenceLock(1), 600, 172, 170, np.nan))


@pytest.mark.parametrize(("bpm", "cadence"), [(85, 170), (170, 85), (168, 170)])
@pytest.mark.parametrize("lasts_s", [30, 70, 300])
def test_half_and_twice_the_cadence_are_found_out_after_a_minute_and_not_before(bpm, cadence, lasts_s):
    lock = CadenceLock(1)
    watched(lock, int(WATCHED_S), beating, cadence, 130.0)
    believed = watched(lock, lasts_s, bpm, cadence, 130.0, start=WATCHED_S)
    assert all(believed[:59])
    assert all(believed) == (lasts_s < 60)
    assert all(watched(lock, 60, beating, cadence, 130.0, start=WATCHED_S + lasts_s)[31:])


def test_a_reading_that_is_repeated_for_minutes_is_found_out_when_the_model_disagrees():
    lock = CadenceLock(1)
    watched(lock, int(WATCHED_S), beating, 170, 130.0)
    stuck_s = int(FROZEN_S)
    assert all(watched(lock, 900, 131, 170, 133.0, start=WATCHED_S)), "a model that agrees has nothing against it"
    believed = watched(lock, 120, 131, 170, 170.0, start=WATCHED_S + 900)
    assert all(believed[:18]), "a heart needs a moment to follow"
    assert not any(believed[21:])
    assert all(watched(lock, 60, beating, 170, 130.0, start=WATCHED_S + 1020)[31:])
    assert all(watched(lock, stuck_s + 30, 131, 170, 170.0, start=WATCHED_S + 1080)), "not long enough"


@pytest.mark.parametrize("times", [0.5, 2.0])
@pytest.mark.parametrize("gap_s", [0, 30, 200])
def test_a_strap_that_halves_or_doubles_what_the_model_agreed_with_is_not_believed_at_once(times, gap_s):
    lock, level = CadenceLock(1), 100
    watched(lock, 60, lambda s: level + s % 3, np.nan, 104.0)
    assert lock.reason(0) is None
    believed = watched(lock, 400, lambda s: round(times * level) + s % 3, np.nan, 104.0, start=60.0 + gap_s)
    assert not any(believed)
    assert lock.reason(0) == STRAP_HALF_OR_TWICE
    assert all(watched(lock, 10, level, np.nan, 104.0, start=460.0 + gap_s))
    assert lock.reason(0) is None


def test_a_model_that_never_agreed_does_not_make_half_of_its_value_suspect():
    """On a bicycle without sensors a model of runs says half of the truth, or less."""
    assert all(watched(CadenceLock(1), 900, lambda s: 150 + s % 3, np.nan, 75.0))


def test_a_heart_that_slows_to_half_within_minutes_is_believed():
    def slowing(s):
        return round(max(80.0, 160.0 - 0.4 * s)) + s % 3

    lock = CadenceLock(1)
    watched(lock, 300, lambda s: 160 + s % 3, np.nan, 160.0)
    assert all(watched(lock, 400, slowing, np.nan, 160.0, start=300.0)), "although the model knows nothing of it"


def test_a_reading_that_stays_equal_while_the_model_moves_is_not_believed_and_the_reason_says_so():
    lock = CadenceLock(1)
    assert all(watched(lock, 200, 131, np.nan, 133.0)), "nothing has moved"
    believed = watched(lock, 60, 131, np.nan, 143.0, start=200.0)
    assert all(believed[:18])
    assert not any(believed[21:])
    assert lock.reason(0) == STRAP_REPEATS
    assert all(watched(lock, 30, beating, np.nan, 143.0, start=260.0)[15:])


def test_an_optical_sensor_that_wanders_about_the_steps_is_found_out_and_the_reason_says_so():
    rng = np.random.default_rng(1)
    wander = np.convolve(rng.normal(0.0, 9.0, 400), np.full(12, 1.0 / 12.0), mode="same")
    lock = CadenceLock(1)
    watched(lock, int(WATCHED_S), beating, 170, 130.0)
    believed = watched(lock, 300, lambda s: 170.0 + np.rint(2.0 * wander[s]), 170, 130.0, start=WATCHED_S)
    assert not any(believed[200:])
    assert lock.reason(0) == STRAP_COUNTS_STEPS


def test_a_suspect_strap_that_falls_silent_is_no_longer_called_suspect():
    lock, row = CadenceLock(1), np.array([0])
    watched(lock, 60, 100, np.nan, 104.0)
    watched(lock, 10, 50, np.nan, 104.0, start=60.0)
    assert lock.reason(0) == STRAP_HALF_OR_TWICE
    silent = CleanHeartRate(np.array([np.nan]), np.array([False]), np.array([False]))
    guess = ModelHeartRate(*(np.array([104.0 + away]) for away in (0.0, -8.0, 8.0)))
    lock.check(row, np.array([80.0]), np.array([np.nan]), silent, guess)
    assert lock.reason(0) is None


def test_a_journal_of_an_earlier_version_is_understood():
    lock = CadenceLock(1)
    new = ("still_model_bpm", "agreed_bpm", "agreed_t", "why", "is_fresh")
    earlier = {name: value for name, value in lock.state(0).items() if name not in new}
    lock.set_state(0, {**earlier, "following_s": 30.0})
    assert lock.state(0)["following_s"] == 30.0


@settings(max_examples=4, deadline=None)
@given(st.lists(st.integers(40, 210), min_size=1, max_size=40), st.floats(60.0, 200.0), st.floats(60.0, 200.0))
def test_a_strap_inside_the_interval_is_never_accused(readings, cadence, model):
    half = 60.0
    inside = [min(max(bpm, model - half), model + half) for bpm in readings]
    lock = CadenceLock(1)
    assert all(watched(lock, 800, lambda s: inside[s // 20 % len(inside)], cadence, model, half=half))
