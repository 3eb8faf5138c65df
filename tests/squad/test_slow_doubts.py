"""Straps that read half from a session's start, or drift away, are found where something besides the model says so."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from athlete_monitor.physiology.heart_rate import CleanHeartRate
from athlete_monitor.physiology.reasons import STRAP_DRIFTS, STRAP_HALF_OR_TWICE
from athlete_monitor.squad.cadence_lock import CadenceLock
from athlete_monitor.squad.heart_rate_source import ModelHeartRate

ROW = np.array([0])
RUNNING, STANDING = 170.0, np.nan


def watched(lock, seconds, strap, model, cadence=RUNNING, *, start=0, hills=True, body=None):
    """Whether each reading was believed; ``strap`` and ``model`` are functions of the seconds since the start, bpm."""
    believed = []
    for s in range(start, start + seconds):
        reading = CleanHeartRate(np.array([float(strap(s))]), np.array([True]), np.array([False]))
        bpm = np.array([float(model(s))])
        guess = ModelHeartRate(bpm, bpm - 8.0, bpm + 8.0, np.array([hills]))
        shown = lock.check(ROW, np.array([float(s)]), np.array([cadence]), reading, guess, body)
        believed.append(bool(shown.accepted[0]))
    return believed


def limits(rest=np.nan, highest=np.nan):
    return SimpleNamespace(hr_rest_known_bpm=np.array([rest]), hr_max_measured_bpm=np.array([highest]))


def run(s):
    """A heart in a run: from 90 to 150 bpm in some minutes, never quite steady."""
    return 150.0 - 60.0 * np.exp(-s / 60.0) + s % 3


def resting(s):
    return 76.0 + s % 3


def test_half_from_the_start_of_a_run_is_found_within_two_minutes_and_a_right_reading_is_believed_again():
    lock = CadenceLock(1)
    believed = watched(lock, 600, lambda s: round(0.5 * run(s)), run)
    assert all(believed[:59])
    assert not any(believed[120:])
    assert lock.reason(0) == STRAP_HALF_OR_TWICE
    assert all(watched(lock, 120, run, run, start=600)[30:])
    assert lock.reason(0) is None


def test_a_runner_whose_model_is_a_third_too_high_is_believed():
    assert all(watched(CadenceLock(1), 900, lambda s: round(0.67 * run(s)), run))


def test_a_heart_that_starts_from_rest_into_a_run_is_believed():
    assert all(watched(CadenceLock(1), 600, lambda s: round(160.0 - 90.0 * np.exp(-s / 60.0)), lambda _: 160.0))


def test_half_without_a_cadence_is_found_once_model_and_strap_have_moved_together():
    def effort(s):
        return 90.0 if s < 200 else min(90.0 + 0.5 * (s - 200), 165.0)

    believed = watched(CadenceLock(1), 600, lambda s: round(0.5 * effort(s)) + s % 2, effort, STANDING)
    assert all(believed[:200])
    assert not any(believed[400:])


def test_a_heart_at_rest_in_a_car_that_a_model_takes_for_effort_is_believed():
    def car(s):
        return 150.0 + 30.0 * np.sin(s / 60.0)

    assert all(watched(CadenceLock(1), 900, resting, car, STANDING))


@pytest.mark.parametrize("cadence", [STANDING, 85.0])
def test_a_bicycle_that_a_model_of_runs_takes_for_half_of_the_effort_is_believed(cadence):
    assert all(watched(CadenceLock(1), 900, run, lambda s: 0.5 * run(s), cadence))


def test_readings_beyond_what_the_heart_can_do_are_not_believed_where_its_limits_are_known():
    def twice(s):
        return 2.0 * resting(s) + 40.0

    known, unknown = limits(highest=175.0), limits()
    assert not any(watched(CadenceLock(1), 300, twice, lambda s: resting(s) + 20.0, STANDING, body=known)[40:])
    assert all(watched(CadenceLock(1), 300, twice, lambda s: resting(s) + 20.0, STANDING, body=unknown))
    low = watched(CadenceLock(1), 300, lambda s: 0.5 * resting(s), resting, STANDING, body=limits(rest=50.0))
    assert not any(low[40:])
    assert all(watched(CadenceLock(1), 300, lambda s: 0.5 * resting(s), resting, STANDING, body=limits(rest=38.0)))


def drifting(s):
    return round(150.0 + min(max(s - 300, 0) / 4.0, 40.0)) + s % 2


def steady(_):
    return 150.0


def test_a_strap_that_drifts_away_in_a_steady_run_is_found_and_the_reason_says_so():
    lock = CadenceLock(1)
    believed = watched(lock, 600, drifting, steady)
    assert all(believed[: 300 + 4 * 25 + 59])
    assert not any(believed[500:])
    assert lock.reason(0) == STRAP_DRIFTS
    assert all(watched(lock, 120, steady, steady, start=600)[30:])


def test_what_may_be_a_hill_an_unknown_effort_or_the_model_is_no_drift():
    assert all(watched(CadenceLock(1), 600, drifting, steady, hills=False)), "nothing shows hills"
    assert all(watched(CadenceLock(1), 600, drifting, steady, STANDING)), "nobody runs"
    assert all(watched(CadenceLock(1), 600, drifting, lambda s: 150.0 - min(max(s - 300, 0) / 4.0, 40.0))), "it moved"
    assert all(watched(CadenceLock(1), 600, lambda s: 192.0 + s % 2, steady)), "the strap never agreed"
    assert all(watched(CadenceLock(1), 600, lambda s: min(drifting(s), 172.0 + s % 2), steady, 190.0)), "not far"


def test_the_first_minute_on_a_bicycle_is_believed_although_the_heart_doubles_its_rate():
    def starting(s):
        return round(150.0 - 76.0 * np.exp(-s / 25.0)) + s % 3

    assert all(watched(CadenceLock(1), 600, starting, resting, STANDING))


def test_while_there_is_no_model_nothing_changes_whoever_else_has_one():
    lock = CadenceLock(1)
    watched(lock, 70, lambda s: round(0.5 * run(s)), run)
    before = lock.table[14:].copy()
    assert before[0, 0] > 0.0
    watched(lock, 30, run, lambda _: np.nan, start=70)
    assert lock.table[14:].tobytes() == before.tobytes()
