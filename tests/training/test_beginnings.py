"""Beginnings with hard movement and a resting heart are not learned from; all others are kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from athlete_monitor.arrays import CADENCE, HEART_RATE, SPEED
from athlete_monitor.config import DEFAULT_CONFIG, load_config
from athlete_monitor.features import FeatureSpec
from athlete_monitor.training.beginnings import SETTLED_S, without_false_beginnings
from athlete_monitor.training.fitting import fit, task
from athlete_monitor.training.replaying import ReplayTrack, replay
from athlete_monitor.training.rows import AthleteData
from athlete_monitor.training.sessions import SessionFile
from athlete_monitor.training.squad import members, sample
from athlete_monitor.wire.sample import NO_PROFILE

SPEC = FeatureSpec()
GROUPS = ("speed", "cadence")
SETTINGS = load_config(DEFAULT_CONFIG).training.model_copy(update={"n_estimators": 10})


def bouts(seed, first_mps, first_min=1):
    """Bouts of a minute after a first one of a given speed; speed and a heart that follows it."""
    rng = np.random.default_rng(seed)
    speed = np.repeat([*[first_mps] * first_min, *rng.uniform(0.0, 5.0, 14)], 60)
    heart, level = np.empty(len(speed)), 60.0
    for i, pace in enumerate(speed):
        level += (60.0 + 25.0 * pace - level) / 40.0
        heart[i] = level
    return speed, heart + rng.normal(0.0, 1.0, len(speed))


def sessions(*pairs):
    tracks = []
    for number, (speed, heart) in enumerate(pairs):
        values = np.stack([speed, 30.0 * speed, heart], axis=1)
        t = 86400.0 * (number + 1) + np.arange(float(len(speed)))
        columns = np.array([SPEED, CADENCE, HEART_RATE])
        tracks.append(ReplayTrack(SessionFile(Path(f"s{number}.csv"), f"s{number}"), t, columns, values, NO_PROFILE))
    rows = replay(tracks, SPEC, 1.0, 400)
    wanted = SPEC.columns(GROUPS)
    return tuple(each.keep(np.logical_and.reduce(np.isfinite(each.X), axis=1), wanted) for each in rows)


def marked(*pairs):
    return without_false_beginnings(AthleteData(1, GROUPS, sessions(*pairs), ()), SPEC).sessions


@pytest.mark.parametrize("count", [1, 3])
def test_rows_of_a_hard_beginning_with_a_resting_heart_are_not_learned_from(count):
    found = marked(*(bouts(seed, 4.5) for seed in range(count)))
    for each in found:
        left_out = ~each.trusted
        assert left_out[:20].all()
        assert 20 <= left_out.sum() < SETTLED_S
        assert len(each.learned) == len(each) - left_out.sum()
    assert len(task(found, SETTINGS, SPEC.rises(GROUPS)).y) == sum(len(each.learned) for each in found)
    profile = np.zeros(6, dtype=np.float32)
    data = AthleteData(1, GROUPS, found, ())
    assert not (~found[0].trusted)[members([sample(data)], [profile], SPEC, GROUPS)[0].places[:100]].any()


@pytest.mark.parametrize("first_mps", [0.0, 0.4])
def test_a_beginning_from_rest_is_kept(first_mps):
    assert all(each.trusted.all() for each in marked(*(bouts(seed, first_mps) for seed in range(3))))


def test_a_beginning_in_the_middle_of_effort_is_kept():
    cut = [tuple(values[240:] for values in bouts(seed, 4.0, first_min=6)) for seed in range(3)]
    assert all(each.trusted.mean() > 0.98 for each in marked(*cut))


def test_a_low_heart_rate_later_in_a_session_is_kept():
    speed, heart = bouts(1, 0.0)
    heart[400:500] -= 50.0
    assert marked((speed, heart), bouts(2, 0.0))[0].trusted.all()


def test_too_little_data_are_kept_whole():
    assert all(each.trusted.all() for each in marked(tuple(values[:400] for values in bouts(1, 4.5))))


def test_a_model_that_ignores_false_beginnings_is_better_later():
    learned = marked(*(bouts(seed, 5.0) for seed in range(2)))
    judged = sessions(bouts(9, 0.0))[0]
    rises = SPEC.rises(GROUPS)
    errors = [
        float(np.abs(judged.y - fit(known, SETTINGS, rises, "forest_and_line").predict(judged.X)).mean())
        for known in (learned, [replace(each, false_beginning=None) for each in learned])
    ]
    assert errors[0] < 0.8 * errors[1]
