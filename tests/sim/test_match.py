"""A simulated match against published ones.

Sources: Tierney et al. 2016 (Hum Mov Sci 49:1-8; 46 professionals; the two formations with most of them have 34 and 38
hard accelerations, 57 and 61 hard decelerations, standard deviations of 7 to 12, and one 10.5 km, 642 m of them with
215 m above 5.5 m/s); Di Salvo et al. 2008 (J Sports Med Phys Fitness 48:443-6; goalkeepers 5.6 km, 56 m with 34 m at
high intensity); Kubayi 2020 (S Afr J Sports Med 32:1-4; goalkeepers 4.0 to 6.6 km). The squad holds both sexes and
single matches scatter, so the bounds for one player are wider than those for the mean.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from athlete_monitor.arrays import SPEED
from athlete_monitor.physiology.accelerations import Accelerations
from athlete_monitor.physiology.limits import ACCELERATION_LIMITS_MPS2
from athlete_monitor.physiology.locomotion import Locomotion
from athlete_monitor.physiology.speed import SpeedTrack
from athlete_monitor.sim.energetics import OXYGEN_J_PER_ML, REST_ML_KG_MIN
from tests.sim.squads import Course, course

PLAYERS = range(1, 15)
SEEDS = (1, 2)
SHORTENED_S = 3000.0
"""A match with 45 minutes of play and 5 of rest: counts and distances are doubled."""


@cache
def match(seed: int) -> Course:
    return course(PLAYERS, "game", SHORTENED_S, seed=seed)


@cache
def loads() -> dict[str, np.ndarray]:
    """What the engine counts, for each 90 minutes of play, and the highest speed: [seeds, players]."""
    speeds = np.concatenate([match(seed).values[..., SPEED] for seed in SEEDS])
    playing = np.flatnonzero(match(SEEDS[0]).phase != 1)
    rows, missing = np.arange(len(speeds)), np.full(len(speeds), np.nan)
    track, counted, efforts = SpeedTrack(len(rows)), Locomotion(len(rows)), Accelerations(len(rows))
    limits = np.repeat(np.array(ACCELERATION_LIMITS_MPS2)[:, None], len(rows), axis=1)
    for t, speed in zip(playing[::2] / 10, speeds[:, playing[::2]].T, strict=True):
        for step in track.update(rows, np.full(len(rows), t), speed, missing, missing):
            counted.update(step)
            efforts.update(step, limits[:, step.rows])
    found = {name: 2 * counted.total(name, rows) for name in ("distance_m", "high_speed_running_m", "sprints")}
    found["accelerations"], found["decelerations"] = 2 * efforts.hard(rows)
    found["max_speed_mps"] = counted.total("max_speed_mps", rows)
    return {name: values.reshape(len(SEEDS), -1) for name, values in found.items()}


def outfield() -> np.ndarray:
    return np.array([traits.position != "Goalkeeper" for traits in match(SEEDS[0]).squad])


@pytest.mark.parametrize(
    ("name", "mean", "each"),
    [
        ("distance_m", (9_300, 11_300), (8_500, 12_500)),
        ("high_speed_running_m", (427, 857), (150, 1_500)),
        ("sprints", (3, 20), (0, 30)),
        ("accelerations", (20, 46), (8, 85)),
        ("decelerations", (40, 80), (25, 110)),
        ("max_speed_mps", (7.3, 9.0), (6.5, 9.9)),
    ],
)
def test_outfield_players_do_in_a_match_what_professionals_do(name, mean, each):
    values = loads()[name][:, outfield()]
    assert (mean[0] <= values.mean(axis=1)).all()
    assert (values.mean(axis=1) <= mean[1]).all()
    assert each[0] <= values.min()
    assert values.max() <= each[1]


def test_goalkeepers_cover_half_as_much_and_hardly_run_fast():
    distance_m, fast_m = (loads()[name][:, ~outfield()] for name in ("distance_m", "high_speed_running_m"))
    assert distance_m.size
    assert distance_m.min() >= 4_000
    assert distance_m.max() <= 6_640
    assert fast_m.max() <= 56 + 3 * 34


def test_players_slow_down_hard_more_often_than_they_start_hard():
    """So it is in all team sports but American football (Harper et al. 2019, Sports Med 49:1923-1947)."""
    starts, stops = (loads()[name][:, outfield()].sum(axis=1) for name in ("accelerations", "decelerations"))
    assert (stops > 1.2 * starts).all()
    assert (stops < 3.0 * starts).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_turns_faster_than_the_ground_holds(seed):
    """A soccer shoe holds some 0.8 of the weight on it (Valiant 1990, ASTM STP25349S), 7.8 m/s²."""
    velocity = match(seed).truth("path", "velocity_mps")
    acceleration = match(seed).truth("path", "acceleration_mps2")
    speed = np.hypot(*velocity)
    sideways = np.abs(velocity[0] * acceleration[1] - velocity[1] * acceleration[0]) / np.maximum(speed, 0.3)
    fast = speed > 5.0
    assert np.mean(sideways > 7.0) < 1e-5
    assert sideways.max() < 9.0
    assert np.min(speed[fast] ** 2 / np.maximum(sideways[fast], 1e-9)) > 4.0


@pytest.mark.parametrize("seed", SEEDS)
def test_a_match_costs_the_energy_that_was_measured(seed):
    """61.1 kJ/kg with 6.6 kJ/kg for 399 players of the Serie A (Osgnach et al. 2010, Med Sci Sports Exerc 42:170-8)."""
    playing = match(seed).phase != 1
    above_rest = 2 * match(seed).truth("power_w_kg")[:, playing].sum(axis=1) / 10 / 1000
    at_rest = 90 * REST_ML_KG_MIN * OXYGEN_J_PER_ML / 1000
    energy_kj_kg = (above_rest + at_rest)[outfield()]
    assert energy_kj_kg.mean() == pytest.approx(61.1, abs=6.6)
    assert energy_kj_kg.min() > 61.1 - 3 * 6.6
    assert energy_kj_kg.max() < 61.1 + 3 * 6.6
