"""A strap that was wrong for minutes is not learned from; one that was right is kept whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from athlete_monitor.features import GROUPS, FeatureSpec
from athlete_monitor.training.assembling import enough
from athlete_monitor.training.errors import TooFewSessionsError
from athlete_monitor.training.rows import AthleteData, SessionRows
from athlete_monitor.training.suspect import CADENCE, without_suspects
from athlete_monitor.wire.sample import NO_PROFILE

SPEC = FeatureSpec()
COLUMNS = SPEC.columns(("cadence",))


def session(heart, n=1800, seed=1):
    """Half an hour of a cadence that rises from 60 to 180, in features that repeat it with noise."""
    rng = np.random.default_rng(seed)
    cadence = np.linspace(60.0, 180.0, n)
    X = np.repeat(cadence[:, None], len(COLUMNS), axis=1).astype(np.float32)
    X += rng.normal(0.0, 1.0, X.shape).astype(np.float32)
    X[:, SPEC.names(("cadence",)).index(CADENCE)] = cadence
    y = heart(cadence, 70.0 + 0.4 * cadence + rng.normal(0.0, 2.0, n))
    t = np.arange(float(n))
    available = np.ones((n, len(GROUPS)), dtype=bool)
    return SessionRows(f"s{seed}", f"s{seed}", t, X, COLUMNS, available, y, np.arange(n), 1.0, NO_PROFILE)


def locked(cadence, true):
    t = np.arange(len(cadence))
    return np.where((t >= 1500) & (t < 1700), cadence + 1.0, true)


def test_minutes_that_follow_the_steps_are_left_out_with_a_note():
    whole = session(lambda _, true: true)
    data = AthleteData(1, ("cadence",), (whole, session(locked, seed=2)), ())
    trusted = without_suspects(data, SPEC)
    assert len(trusted.sessions[0]) == 1800
    left_out = 1800 - len(trusted.sessions[1])
    assert 150 <= left_out <= 200
    assert trusted.sessions[1].notes == (f"{left_out} rows left out: the strap follows the step rate",)


def test_a_heart_that_beats_as_fast_as_the_steps_is_kept():
    data = AthleteData(1, ("cadence",), (session(lambda cadence, _: cadence),), ())
    assert without_suspects(data, SPEC).rows == 1800


def test_minutes_of_one_repeated_reading_are_left_out_where_the_others_disagree():
    def stuck(_, true):
        t = np.arange(len(true))
        return np.where(t >= 1300, np.round(true[1300]) - 12.0, true)

    data = AthleteData(1, ("cadence",), (session(lambda _, true: true), session(stuck, seed=2)), ())
    trusted = without_suspects(data, SPEC)
    assert len(trusted.sessions[0]) == 1800
    assert len(trusted.sessions[1]) == 1300
    assert trusted.sessions[1].notes == ("500 rows left out: the strap repeats one reading for minutes",)


def test_a_simulated_athlete_whose_heart_rate_never_changes_is_kept():
    data = AthleteData(1, ("cadence",), (session(lambda _, true: np.full(len(true), 140.0)),), ())
    assert without_suspects(data, SPEC).rows == 1800


def half_of(first_s, last_s):
    """A strap that reads half the heart rate for a while."""

    def read(_, true):
        t = np.arange(len(true))
        return np.where((t >= first_s) & (t < last_s), np.round(true / 2.0), true)

    return read


@pytest.mark.parametrize("others", [1, 3])
def test_minutes_of_half_the_heart_rate_are_left_out_from_their_beginning_to_their_end(others):
    wrong = session(half_of(1100, 1400), seed=9)
    good = [session(lambda _, true: true, seed=seed) for seed in range(others)]
    trusted = without_suspects(AthleteData(1, ("cadence",), (*good, wrong), ()), SPEC)
    assert [len(each) for each in trusted.sessions] == [*[1800] * others, 1500]
    assert trusted.sessions[-1].notes == ("300 rows left out: the strap reads half or twice the heart rate",)
    assert not ((trusted.sessions[-1].t >= 1100) & (trusted.sessions[-1].t < 1400)).any()


def test_an_only_session_is_its_own_witness():
    trusted = without_suspects(AthleteData(1, ("cadence",), (session(half_of(1100, 1400)),), ()), SPEC)
    assert trusted.rows == 1500


def test_a_run_that_is_half_from_its_start_is_left_out_if_another_was_right():
    def running(seed, heart):
        made = session(heart, seed=seed)
        cadence = 150.0 + made.t / 60.0
        X = made.X.copy()
        X[:, SPEC.names(("cadence",)).index(CADENCE)] = cadence
        return replace(made, X=X)

    good, wrong = running(1, lambda _, true: true + 40.0), running(2, lambda _, true: np.round((true + 40.0) / 2.0))
    trusted = without_suspects(AthleteData(1, ("cadence",), (good, wrong), ()), SPEC)
    assert [len(each) for each in trusted.sessions] == [1800, 0]
    with pytest.raises(TooFewSessionsError, match="1800 rows left out: the strap reads half or twice the heart rate"):
        enough(trusted, 2, 60)
    assert len(enough(trusted, 1, 60).sessions) == 1


def test_a_day_with_a_slower_heart_is_kept():
    slower = session(lambda _, true: true - 30.0, seed=4)
    good = [session(lambda _, true: true, seed=seed) for seed in range(3)]
    assert without_suspects(AthleteData(1, ("cadence",), (*good, slower), ()), SPEC).rows == 4 * 1800
