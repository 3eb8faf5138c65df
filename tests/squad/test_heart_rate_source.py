from __future__ import annotations

import numpy as np
import pytest

from athlete_monitor.models.day import EARLY_EDGES_S, USUAL, constants
from athlete_monitor.physiology.heart_rate import CleanHeartRate
from athlete_monitor.squad.heart_rate_source import (
    HeartRate,
    HeartRateSource,
    HeartRateTotals,
    LiveError,
    ModelCorrection,
    ModelHeartRate,
    SessionMode,
    choose,
)
from athlete_monitor.squad.prediction import Forms

NAN = np.nan
ROW = np.array([0])


def chosen(policy, mode, strap_bpm, model_bpm, *, age_s=0.5, add=0.0, wider=1.0):
    def array(value):
        return np.array([value], dtype=np.float64)

    strap = CleanHeartRate(array(strap_bpm), np.array([True]), np.array([False]))
    model = ModelHeartRate(array(model_bpm), array(model_bpm - 5), array(model_bpm + 6))
    got = choose(policy, np.array([mode]), strap, array(age_s), model, lambda: (array(add), array(wider)))
    return got.bpm[0], HeartRateSource(int(got.source[0])), got.low_bpm[0], got.high_bpm[0]


@pytest.mark.parametrize(
    ("policy", "mode", "strap", "model", "bpm", "source"),
    [
        ("by_mode", SessionMode.TRAINING, 140.0, 130.0, 140.0, HeartRateSource.SENSOR),
        ("by_mode", SessionMode.TRAINING, NAN, 130.0, NAN, HeartRateSource.NONE),
        ("by_mode", SessionMode.GAME, 140.0, 130.0, 130.0, HeartRateSource.MODEL),
        ("by_mode", SessionMode.GAME, 140.0, NAN, NAN, HeartRateSource.NONE),
        ("by_mode", SessionMode.UNKNOWN, 140.0, 130.0, 140.0, HeartRateSource.SENSOR),
        ("by_mode", SessionMode.UNKNOWN, NAN, 130.0, 130.0, HeartRateSource.MODEL),
        ("auto", SessionMode.GAME, 140.0, 130.0, 140.0, HeartRateSource.SENSOR),
        ("auto", SessionMode.TRAINING, NAN, 130.0, 130.0, HeartRateSource.MODEL),
        ("auto", SessionMode.TRAINING, NAN, NAN, NAN, HeartRateSource.NONE),
    ],
)
def test_the_heart_rate_that_counts(policy, mode, strap, model, bpm, source):
    got = chosen(policy, mode, strap, model)
    assert np.array_equal(got[0], bpm, equal_nan=True)
    assert got[1] is source


def test_an_old_reading_is_called_held():
    assert chosen("auto", SessionMode.TRAINING, 140.0, NAN, age_s=3.0)[1] is HeartRateSource.HELD


def test_only_a_model_has_an_interval_and_the_correction_moves_it():
    assert np.isnan(chosen("auto", SessionMode.TRAINING, 140.0, 130.0)[2])
    assert chosen("auto", SessionMode.TRAINING, NAN, 130.0, add=4.0) == (
        134.0,
        HeartRateSource.MODEL_CORRECTED,
        129.0,
        140.0,
    )


def test_the_interval_is_as_wide_as_the_days_form_leaves_it():
    assert chosen("auto", SessionMode.TRAINING, NAN, 130.0, add=4.0, wider=0.5)[2:] == (131.5, 137.0)
    assert chosen("by_mode", SessionMode.GAME, NAN, 130.0, add=4.0, wider=0.5)[2:] == (125.0, 136.0)


def test_a_game_by_mode_shows_the_plain_model():
    assert chosen("by_mode", SessionMode.GAME, 140.0, 130.0, add=4.0)[:2] == (130.0, HeartRateSource.MODEL)


def test_a_correction_is_learned_and_fades():
    correction, forms = ModelCorrection(1), Forms(constants(USUAL)[:, None], np.ones(1))
    for t in range(600):
        now, _ = correction.update(ROW, np.array([float(t)]), np.array([8.0]), forms)
    assert now == pytest.approx(8.0)
    later = [correction.update(ROW, np.array([t]), np.array([NAN]), forms)[0][0] for t in (630.0, 900.0, 9000.0)]
    assert 8.0 > later[0] > later[1] > later[2] > 0.0


def test_the_day_outlives_a_session_but_not_its_last_minute():
    correction, forms = ModelCorrection(1), Forms(constants(USUAL)[:, None], np.ones(1))
    for t in range(900):
        now, _ = correction.update(ROW, np.array([float(t)]), np.array([8.0]), forms)
    kept = correction.leave(0)
    correction.reset(ROW)
    correction.enter(0, kept)
    correction.update(ROW, np.array([1800.0]), np.array([NAN]), forms)
    again, wider = correction.update(ROW, np.array([1800.0 + EARLY_EDGES_S[-1]]), np.array([NAN]), forms)
    assert 2.0 < again[0] < now[0]
    assert wider[0] < 1.0


def test_a_state_of_an_earlier_version_goes_on():
    forms = Forms(constants(USUAL)[:, None], np.array([1.0]))
    old, new = ModelCorrection(1), ModelCorrection(1)
    for t in range(600):
        old.learn(ROW, np.array([float(t)]), np.array([8.0]), forms)
    known = old.state(0)
    del known["moments"], known["moments_square"]
    new.set_state(0, known)
    assert new.now(ROW, np.array([900.0]), forms)[0] == old.now(ROW, np.array([900.0]), forms)[0]


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
    for bpm, source in ((100.0, HeartRateSource.SENSOR), (NAN, HeartRateSource.NONE), (150.0, HeartRateSource.MODEL)):
        strapless = np.array([NAN])
        one = np.array([2.0])
        totals.update(ROW, one, HeartRate(np.array([bpm]), np.array([source]), strapless, strapless))
    assert totals.seconds(ROW)[:, 0].tolist() == [2.0, 2.0, 2.0, 0.0, 0.0]
    assert totals.mean_bpm(ROW).tolist() == [125.0]
