"""Models are judged on later time, with honest figures and baselines."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from athlete_monitor.features import FeatureSpec
from athlete_monitor.models.manifest import Holdout
from athlete_monitor.training.athlete import train_athlete
from athlete_monitor.training.contest import choose_kind, left_out
from athlete_monitor.training.errors import TrainingError
from athlete_monitor.training.evaluation import (
    COVERED,
    baseline_errors,
    coverage,
    interval_of,
    judge,
    quantiles,
    split,
)
from athlete_monitor.training.fitting import task
from athlete_monitor.training.gain import Gain, beats_chance, gain_over
from athlete_monitor.training.gate import decide
from athlete_monitor.training.rows import AthleteData, SessionRows
from athlete_monitor.wire.sample import NO_PROFILE

GROUPS = ("cadence",)
COLUMNS = FeatureSpec().columns(GROUPS)
WIDTH = len(COLUMNS)


def made(name, start, n=400, seed=0, slope=1.0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, WIDTH)).astype(np.float32)
    y = 120.0 + slope * 10.0 * X[:, 0] + rng.normal(0.0, 1.0, n)
    t = start + np.arange(n, dtype=np.float64)
    return SessionRows(
        name, name, t, X, COLUMNS, np.ones((n, 5), dtype=bool), y, np.arange(n) + int(start), 1.0, NO_PROFILE
    )


def data(*sessions):
    return AthleteData(1, GROUPS, sessions, ())


def test_the_latest_session_is_held_out_whole():
    parts = split(data(made("a", 0.0, seed=1), made("b", 1e4, seed=2), made("c", 2e4, n=300, seed=3)), 0.3)
    assert parts.kind == "latest_session"
    assert (len(parts.train_y), len(parts.test_y)) == (800, 300)
    assert parts.held_out == "c"
    assert not {row.tobytes() for row in parts.test_X} & {row.tobytes() for row in parts.train_X}


def test_of_one_session_the_last_part_in_time_is_held_out():
    parts = split(data(made("a", 0.0, n=1000)), 0.3)
    assert parts.kind == "last_part_of_session"
    assert len(parts.test_y) == 300
    np.testing.assert_array_equal(parts.test_t, np.arange(700, 1000))


def test_too_few_rows_on_one_side_are_refused():
    with pytest.raises(TrainingError, match="training rows"):
        split(data(made("a", 0.0, n=50)), 0.3)


def test_figures_agree_with_their_definitions():
    measured = np.array([100.0, 110.0, 120.0, 130.0])
    holdout = judge(measured, measured + np.array([1.0, -1.0, 3.0, 1.0]), {}, "latest_session", None)
    assert holdout.mae_bpm == 1.5
    assert holdout.bias_bpm == -1.0, "strap - model"
    assert holdout.rmse_bpm == pytest.approx(np.sqrt(3.0))
    assert holdout.r2 == pytest.approx(1.0 - 3.0 / 125.0)
    assert holdout.coverage_80 is None


def test_figures_that_cannot_be_had_are_none():
    holdout = judge(np.full(50, 70.0), np.full(50, 71.0), {}, "latest_session", None)
    assert holdout.r2 is None
    assert holdout.correlation is None


def test_the_interval_covers_80_percent_of_errors_it_has_not_seen():
    residuals = np.random.default_rng(0).normal(2.0, 5.0, 20_000)
    assert coverage(np.array_split(residuals, 4)) == pytest.approx(0.8, abs=0.01)
    interval = quantiles(residuals)
    assert interval.q10 == pytest.approx(2.0 - 1.2816 * 5.0, abs=0.2)
    assert interval.q90 == pytest.approx(2.0 + 1.2816 * 5.0, abs=0.2)


def test_coverage_is_honest_where_errors_drift():
    covered = coverage([np.random.default_rng(0).normal(0.0, 1.0, 500), np.full(500, 30.0)])
    assert covered is not None
    assert covered < 0.2


def test_coverage_needs_parts_that_can_be_compared():
    assert coverage([np.zeros(500)]) is None
    assert coverage([np.zeros(500), np.zeros(5)]) is None


def test_the_interval_knows_that_days_differ(quick):
    """Each session has a bias of its own; an interval from only the latest would cover only that day's."""
    settings, rises = quick().training, FeatureSpec().rises(GROUPS)
    biases = (0.0, 12.0, -12.0, 6.0, -6.0)
    days = [made(str(day), 1e4 * day, seed=day) for day in range(len(biases))]
    *known, unseen = (replace(day, y=day.y + bias) for day, bias in zip(days, biases, strict=True))
    trained = train_athlete(data(*known), settings, rises)
    error = unseen.y - trained.model.predict(unseen.X)
    within = (error >= trained.interval.q10) & (error <= trained.interval.q90)
    assert within.mean() > 0.7
    assert trained.interval.q90 - trained.interval.q10 > 15.0
    assert trained.holdout.coverage_80 is not None


def test_a_session_that_outweighs_the_others_is_not_judged_by_them(quick):
    settings, rises = quick().training, FeatureSpec().rises(GROUPS)
    long, short = made("a", 0.0, n=900, seed=1), made("b", 1e4, n=100, seed=2)
    assert left_out((long, short), settings, rises, "random_forest") == []
    assert [len(part.t) for part in left_out((short, long), settings, rises, "random_forest")] == [100]


def test_with_one_session_the_interval_is_that_of_its_end(quick):
    settings, rises = quick().training, FeatureSpec().rises(GROUPS)
    assert choose_kind((made("a", 0.0),), settings, rises) == (settings.kinds[-1], [])
    trained = train_athlete(data(made("a", 0.0, n=600)), settings, rises)
    residual = trained.test_y - trained.test_X[:, 0] * 10.0 - 120.0
    assert abs(trained.interval.q90 - trained.interval.q10) < 20.0 + np.ptp(residual)
    assert trained.holdout.kind == "last_part_of_session"


def test_the_kind_that_is_better_on_earlier_sessions_is_chosen_and_the_latest_has_no_say(quick):
    """A straight line far beyond what trees have seen: trees cannot follow it."""
    rises = FeatureSpec().rises(GROUPS) * 0
    days = [made(str(day), 1e4 * day, seed=day, slope=3.0) for day in range(5)]
    settings = quick(training={"kinds": ["random_forest", "forest_and_line"]}).training
    assert choose_kind(days, settings, rises)[0] == "forest_and_line"
    cautious = quick(training={"kinds": ["forest_and_line", "random_forest"]}).training
    assert choose_kind(days[:2], cautious, rises)[0] == "random_forest", "too few sessions to choose"
    spoilt = replace(days[-1], y=days[-1].y[::-1].copy())
    assert choose_kind([*days[:-1], spoilt], settings, rises)[0] == "forest_and_line"


def test_newer_sessions_weigh_more_and_all_sessions_share_the_rows(quick):
    settings = quick(training={"max_rows": 500}).training
    days = [made(str(day), 1e4 * day, n=400) for day in range(9)]
    learned = task(days, settings, FeatureSpec().rises(GROUPS))
    assert len(learned.y) <= 500
    assert set(learned.session.tolist()) == set(range(9))
    newest, oldest = learned.weight[learned.session == 8][0], learned.weight[learned.session == 0][0]
    assert newest == pytest.approx(2.0 * oldest)
    assert learned.weight.mean() == pytest.approx(1.0)


def test_baselines_stand_on_the_same_rows():
    parts = split(data(made("a", 0.0, seed=1), made("b", 1e4, seed=2)), 0.3)
    errors = baseline_errors(parts)
    assert errors["median"] == pytest.approx(np.abs(parts.test_y - np.median(parts.train_y)).mean())
    assert errors["last_value"] == pytest.approx(np.abs(parts.test_y - parts.train_y[-1]).mean())
    assert errors["ridge"] is not None
    assert errors["ridge"] < 1.5


def test_a_trained_model_beats_the_median_and_repeats_itself(quick):
    athlete = data(made("a", 0.0, seed=1), made("b", 1e4, seed=2))
    rises = FeatureSpec().rises(GROUPS)
    first, second = (train_athlete(athlete, quick().training, rises) for _ in range(2))
    assert first.holdout.mae_bpm < (first.holdout.baselines["median"] or 0.0)
    assert first.model.predict(first.test_X).tobytes() == second.model.predict(second.test_X).tobytes()


def test_more_effort_never_means_a_lower_heart_rate(quick):
    settings = quick(training={"kinds": ["random_forest"]}).training
    rises = FeatureSpec().rises(GROUPS)
    column = int(np.flatnonzero(rises)[0])
    athlete = data(made("a", 0.0, seed=1), made("b", 1e4, seed=2))
    forest = train_athlete(athlete, settings, rises).model
    X = np.repeat(athlete.sessions[0].X[:1], 50, axis=0)
    X[:, column] = np.linspace(-3.0, 3.0, 50)
    assert (np.diff(forest.predict(X)) >= 0.0).all()


def holdout(mae, median=15.0, rmse=None):
    base = {"median": median, "last_value": None, "ridge": None}
    return Holdout(
        mae_bpm=mae,
        rmse_bpm=rmse or mae,
        bias_bpm=0.0,
        r2=None,
        correlation=None,
        coverage_80=None,
        baselines=base,
        rows=100,
        kind="x",
    )


def gain(least, mean=5.0):
    return Gain(mean, least, 12, "sessions")


def test_the_gate_lets_only_useful_models_pass(quick):
    settings = quick().retraining
    assert decide(holdout(5.0), gain(1.0), None, settings).deploy
    assert decide(holdout(5.0), gain(1.0), 4.8, settings, gain(0.3)).deploy
    uncovered = msgspec.structs.replace(holdout(5.0), coverage_80=0.0)
    refusals = {
        "beat the athlete's median by more than 0 bpm and chance: 0.60 bpm on average over 12 sessions": decide(
            holdout(5.0), gain(-0.9, 0.6), None, settings
        ),
        "beat the squad's model, which serves instead, by more than chance: 0.40 bpm": decide(
            holdout(5.0), gain(1.0), None, settings, gain(-0.1, 0.4)
        ),
        "its 80 % interval covers 0% of rows that did not make it": decide(uncovered, gain(1.0), None, settings),
        "worse than 4.00 bpm of the model in service": decide(holdout(5.0), gain(1.0), 4.0, settings),
        "RMSE 60.0 bpm": decide(holdout(5.0, rmse=60.0), gain(1.0), None, settings),
    }
    for text, decision in refusals.items():
        assert not decision.deploy
        assert text in decision.reason


def test_an_interval_is_widened_until_it_covers_what_did_not_make_it():
    rng = np.random.default_rng(8)
    days = [rng.normal(day, 2.0, 300) for day in (-6.0, 5.0, 0.0, 8.0)]
    interval, covered = interval_of(days)
    narrow = quantiles(np.concatenate(days))
    assert (coverage(days) or 1.0) < 0.7
    assert covered is not None
    assert covered >= COVERED
    assert interval.q10 < narrow.q10
    assert interval.q90 > narrow.q90
    fine = [rng.normal(0.0, 2.0, 300) for _ in range(8)]
    assert interval_of(fine)[0] == quantiles(np.concatenate(fine)), "what covers enough stays"
    assert interval_of(fine[:1]) == (quantiles(fine[0]), None)


def test_a_gain_counts_only_beyond_chance():
    rng = np.random.default_rng(4)
    t = np.arange(5400.0)
    sure, chance = rng.normal(2.0, 4.0, 5400), np.repeat(rng.normal(0.3, 6.0, 18), 300)
    assert gain_over([sure], [t]).least_bpm > 1.0
    assert gain_over([chance], [t]).least_bpm < 0.0, "eighteen blocks, each of which says one thing 300 times"
    assert gain_over([sure], [t]).unit == "blocks of 300 s"
    assert gain_over([sure[:400]], [t[:400]]).unit == "blocks of 60 s"
    assert gain_over(np.split(sure, 6), np.split(t, 6)).unit == "sessions"


def test_chance_is_beaten_in_one_case_of_ten_where_nothing_is_to_be_gained():
    rng = np.random.default_rng(11)
    wins = [beats_chance(rng.normal(0.0, 1.0, n)) for n in (3, 5, 9, 20) for _ in range(2000)]
    assert np.mean(wins) == pytest.approx(0.1, abs=0.015)
