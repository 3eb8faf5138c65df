"""The correction of a model by its recent error."""

from __future__ import annotations

import numpy as np
import pytest

from athlete_monitor.models.correction import BLANK, correction, learn


def blank(athletes=1):
    return np.tile(np.array(BLANK)[:, None], (1, athletes))


def after(errors, dt=1.0):
    state = blank()
    for i, error in enumerate(errors):
        state = learn(state, np.array([i * dt]), np.array([float(error)]))
    return state, (len(errors) - 1) * dt


def test_without_an_error_ever_seen_nothing_is_added():
    assert correction(blank(3), np.zeros(3)).tolist() == [0.0, 0.0, 0.0]


def test_a_constant_error_is_added_in_full_and_fades_over_a_quarter_of_an_hour():
    state, t = after([8.0] * 300)
    assert correction(state, np.array([t]))[0] == pytest.approx(8.0)
    assert correction(state, np.array([t + 900.0]))[0] == pytest.approx(8.0 * np.exp(-1.0), rel=0.01)


def test_a_passing_error_fades_within_minutes():
    state, t = after([0.0] * 300 + [20.0] * 6)
    assert correction(state, np.array([t]))[0] > 16.0
    assert correction(state, np.array([t + 180.0]))[0] < 2.5


def test_the_first_readings_count_in_full():
    state, t = after([5.0, 5.0])
    assert correction(state, np.array([t]))[0] == pytest.approx(5.0)


def test_what_is_learned_hardly_depends_on_the_rate_of_the_readings():
    slow_changes = np.cumsum(np.random.default_rng(2).normal(0.0, 0.05, 3000))
    fine, t = after(slow_changes, dt=0.1)
    coarse, _ = after(slow_changes[9::10], dt=1.0)
    assert correction(fine, np.array([t]))[0] == pytest.approx(correction(coarse, np.array([t]))[0], abs=1.0)


def test_samples_without_a_reading_change_nothing_and_athletes_do_not_mix():
    state = learn(blank(2), np.array([0.0, 0.0]), np.array([4.0, np.nan]))
    again = learn(state, np.array([1.0, 1.0]), np.array([np.nan, np.nan]))
    np.testing.assert_array_equal(state, again)
    assert correction(again, np.array([0.0, 0.0])).tolist() == [4.0, 0.0]
