"""A strap that follows the steps against the model is not believed, and one that is right is not touched."""

from __future__ import annotations

import numpy as np

from athlete_monitor.physiology.heart_rate import CleanHeartRate
from athlete_monitor.squad.cadence_lock import WATCHED_S, CadenceLock
from athlete_monitor.squad.heart_rate_source import ModelHeartRate


def watched(lock, seconds, bpm, cadence, model, start=0.0, half=8.0):
    """Whether each reading was believed: one a second from ``start`` on."""
    believed = []
    row = np.array([0])
    for s in range(seconds):
        strap = CleanHeartRate(np.array([float(bpm)]), np.array([True]), np.array([False]))
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
    assert all(watched(CadenceLock(1), 600, 172, 150, 120.0))


def test_without_a_cadence_or_a_model_nothing_is_suspect():
    assert all(watched(CadenceLock(1), 600, 172, np.nan, 120.0))
    assert all(watched(CadenceLock(1), 600, 172, 170, np.nan))
