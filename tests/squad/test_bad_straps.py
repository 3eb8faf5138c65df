"""Straps with drop-outs, spikes, impossible values and a dry start: what is shown, and what is learned of the day."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from athlete_monitor.models.day import USUAL, constants
from athlete_monitor.physiology.heart_rate import HeartRateFilter
from athlete_monitor.squad.cadence_lock import CadenceLock
from athlete_monitor.squad.heart_rate_source import ModelCorrection, ModelHeartRate
from athlete_monitor.squad.prediction import Forms

ROW = np.array([0])
MODEL_BPM = 140.0
TRUE_BPM = 146
"""Today the heart beats six times a minute more often than the model says."""

LAST_S = 1200


@cache
def worn(fault, cadence=170.0):
    """Readings that were believed [n, 2] (s, bpm), and the correction ten minutes after the strap was lost."""
    clean, lock, correction = HeartRateFilter(1), CadenceLock(1), ModelCorrection(1)
    forms, believed = Forms(constants(USUAL)[:, None], np.ones(1)), []
    model = ModelHeartRate(*(np.array([MODEL_BPM + away]) for away in (0.0, -8.0, 8.0)))
    rng = np.random.default_rng(3)
    for s in range(LAST_S):
        t, true = np.array([float(s)]), float(TRUE_BPM + s % 3 - 1)
        strap = clean.update(ROW, t, np.array([fault(s, true, rng)]), (model.low_bpm, model.high_bpm))
        strap = lock.check(ROW, t, np.array([cadence]), strap, model)
        doubtful = lock.doubtful(ROW, t, strap, model) | ~strap.accepted
        correction.learn(ROW, t, np.where(doubtful, np.nan, strap.bpm - model.bpm), forms)
        if strap.accepted[0]:
            believed.append((s, strap.bpm[0]))
    return np.array(believed), correction.now(ROW, np.array([LAST_S + 600.0]), forms)[0][0]


def good(_, true, __):
    return true


def with_drop_outs(s, true, rng):
    return np.nan if rng.random() < 0.4 or 300 <= s % 600 < 340 else true


def with_spikes(s, true, rng):
    return true + rng.choice([-70.0, 60.0]) if rng.random() < 0.05 else true


def with_impossible_values(s, true, _):
    return {0: 0.0, 7: 255.0}.get(s % 13, true)


def counting_steps_for_a_while(s, true, _):
    return 170.0 if 500 <= s < 750 else true


def stuck_far_away(s, true, _):
    return 176.0 if s >= 700 else true


@pytest.mark.parametrize("fault", [with_drop_outs, with_spikes, with_impossible_values, counting_steps_for_a_while])
def test_what_is_learned_of_the_day_is_that_of_a_good_strap(fault):
    assert worn(fault)[1] == pytest.approx(worn(good)[1], abs=0.7)


@pytest.mark.parametrize("fault", [with_drop_outs, with_spikes, with_impossible_values])
def test_readings_that_cannot_be_are_never_believed(fault):
    believed, _ = worn(fault)
    assert np.abs(believed[:, 1] - TRUE_BPM).max() < 20.0
    assert len(believed) > 0.5 * LAST_S


def test_a_strap_that_is_stuck_far_away_is_believed_for_three_minutes_and_no_longer():
    believed, after = worn(stuck_far_away)
    assert believed[-1, 0] < 700 + 200
    assert abs(after) < 6.0, "three minutes of it do not decide about the day"


def test_a_dry_strap_that_reads_too_low_and_comes_up_slowly_does_not_decide_about_the_day():
    def dry(s, true, _):
        return true - max(0.0, 40.0 - s / 4.5)

    believed, after = worn(dry)
    assert np.abs(believed[-600:, 1] - TRUE_BPM).max() < 3.0
    assert after > 0.5 * worn(good)[1] > 1.0
