from __future__ import annotations

import numpy as np
import pytest

from athlete_monitor.physiology.heart_rate import CleanHeartRate
from athlete_monitor.squad.heart_rate_source import (
    HeartRate,
    HeartRateTotals,
    LiveError,
    Mode,
    ModelCorrection,
    ModelHeartRate,
    Source,
    choose,
)

NAN = np.nan
ROW = np.array([0])


def chosen(policy, mode, strap_bpm, model_bpm, *, age_s=0.5, add=0.0):
    def array(value):
        return np.array([value], dtype=np.float64)

    strap = CleanHeartRate(array(strap_bpm), np.array([True]), np.array([False]))
    model = ModelHeartRate(array(model_bpm), array(model_bpm - 5), array(model_bpm + 6))
    got = choose(policy, np.array([mode]), strap, array(age_s), model, array(add))
    return got.bpm[0], Source(int(got.source[0])), got.low_bpm[0], got.high_bpm[0]


@pytest.mark.parametrize(
    ("policy", "mode", "strap", "model", "bpm", "source"),
    [
        ("by_mode", Mode.TRAINING, 140.0, 130.0, 140.0, Source.SENSOR),
        ("by_mode", Mode.TRAINING, NAN, 130.0, NAN, Source.NONE),
        ("by_mode", Mode.GAME, 140.0, 130.0, 130.0, Source.MODEL),
        ("by_mode", Mode.GAME, 140.0, NAN, NAN, Source.NONE),
        ("by_mode", Mode.UNKNOWN, 140.0, 130.0, 140.0, Source.SENSOR),
        ("by_mode", Mode.UNKNOWN, NAN, 130.0, 130.0, Source.MODEL),
        ("auto", Mode.GAME, 140.0, 130.0, 140.0, Source.SENSOR),
        ("auto", Mode.TRAINING, NAN, 130.0, 130.0, Source.MODEL),
        ("auto", Mode.TRAINING, NAN, NAN, NAN, Source.NONE),
    ],
)
def test_the_heart_rate_that_counts(policy, mode, strap, model, bpm, source):
    got = chosen(policy, mode, strap, model)
    assert np.array_equal(got[0], bpm, equal_nan=True)
    assert got[1] is source


def test_an_old_reading_is_called_held():
    assert chosen("auto", Mode.TRAINING, 140.0, NAN, age_s=3.0)[1] is Source.HELD


def test_only_a_model_has_an_interval_and_the_correction_moves_it():
    assert np.isnan(chosen("auto", Mode.TRAINING, 140.0, 130.0)[2])
    assert chosen("auto", Mode.TRAINING, NAN, 130.0, add=4.0) == (134.0, Source.MODEL_CORRECTED, 129.0, 140.0)


def test_a_game_by_mode_shows_the_plain_model():
    assert chosen("by_mode", Mode.GAME, 140.0, 130.0, add=4.0)[:2] == (130.0, Source.MODEL)


def test_a_correction_is_learned_and_fades():
    correction = ModelCorrection(1)
    for t in range(60):
        now = correction.update(ROW, np.array([float(t)]), np.array([8.0]))
    assert now == pytest.approx(8.0)
    later = [correction.update(ROW, np.array([t]), np.array([NAN]))[0] for t in (90.0, 400.0, 4000.0)]
    assert 8.0 > later[0] > later[1] > later[2] > 0.0


def test_live_errors_add_up():
    errors = LiveError(1)
    for error in (3.0, -1.0, NAN, 4.0):
        errors.update(ROW, np.array([error]))
    count, bias, mae, rmse = errors.figures(ROW)[:, 0]
    assert (count, bias) == (3.0, 2.0)
    assert mae == pytest.approx(8 / 3)
    assert rmse == pytest.approx(np.sqrt(26 / 3))


def test_seconds_by_source_and_the_mean_leave_out_what_is_unknown():
    totals = HeartRateTotals(1)
    for bpm, source in ((100.0, Source.SENSOR), (NAN, Source.NONE), (150.0, Source.MODEL)):
        strapless = np.array([NAN])
        one = np.array([2.0])
        totals.update(ROW, one, HeartRate(np.array([bpm]), np.array([source]), strapless, strapless))
    assert totals.seconds(ROW)[:, 0].tolist() == [2.0, 2.0, 2.0, 0.0, 0.0]
    assert totals.mean_bpm(ROW).tolist() == [125.0]
