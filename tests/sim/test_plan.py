import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athlete_monitor.arrays import GRAVITY_MPS2
from athlete_monitor.sim import match_plan, pulses, training_plan
from athlete_monitor.sim.corners import ACCELERATION, PLACE, VELOCITY
from athlete_monitor.sim.match_plan import timetable, write_match
from athlete_monitor.sim.plan import (
    MARGIN_M,
    PITCH_LENGTH_M,
    PITCH_WIDTH_M,
    MovementPlan,
    Walker,
    Zone,
    fall,
    jump,
    tackle,
)
from athlete_monitor.sim.randomness import generator
from athlete_monitor.sim.traits import traits_of

ZONE = Zone(50.0, 30.0, 20.0, 20.0)


def walker(seed=1, athlete_id=9):
    return Walker(generator(seed), traits_of(athlete_id), 0.0, 50.0, 30.0, 0.0)


def ends(plan: MovementPlan):
    legs = plan.legs
    until = np.append(legs[1:, 0], plan.end_s)
    lasts = (until - legs[:, 0])[:, None]
    return legs[:, PLACE] + (legs[:, VELOCITY] + 0.5 * legs[:, ACCELERATION] * lasts) * lasts, until


def assert_sound(plan: MovementPlan, end_s: float):
    reached, until = ends(plan)
    assert plan.end_s == pytest.approx(end_s, abs=1e-6)
    assert (until >= plan.legs[:, 0]).all()
    assert reached[:-1] == pytest.approx(plan.legs[1:, PLACE], abs=1e-6)
    assert reached.min() >= MARGIN_M - 1e-6
    assert (reached <= np.array([PITCH_LENGTH_M, PITCH_WIDTH_M]) - MARGIN_M + 1e-6).all()
    for table in (plan.blows, plan.poses, plan.flights):
        assert (table[:, 0] >= 0).all()
        assert (table[:, 1] > 0).all()


@given(st.integers(0, 2**32), st.integers(1, 100))
@settings(max_examples=25, deadline=None)
def test_training_cycles_are_seamless_and_on_the_pitch(seed, athlete_id):
    made = walker(seed, athlete_id)
    for cycle in range(2):
        training_plan.write_cycle(made, seed, cycle)
    assert_sound(made.finished(), 1200.0)


@given(st.integers(0, 2**32), st.integers(1, 100), st.floats(10.0, 1200.0))
@settings(max_examples=25, deadline=None)
def test_matches_are_seamless_and_on_the_pitch(seed, athlete_id, duration_s):
    made = walker(seed, athlete_id)
    write_match(made, timetable(duration_s))
    assert_sound(made.finished(), duration_s)


def test_the_whole_squad_does_the_same_drill():
    def intensities(athlete_id):
        made = walker(3, athlete_id)
        for cycle in range(4):
            training_plan.write_cycle(made, 3, cycle)
        plan = made.finished()
        return [plan.events.get(name, 0) > 0 for name in ("jump", "pass")]

    assert intensities(1) == intensities(2)


@pytest.mark.parametrize(
    ("duration_s", "expected"),
    [
        (None, (2700, 3600, 6300)),
        (5400.0, (2430, 2970, 5400)),
        (120.0, (54, 66, 120)),
        (36_000.0, (17_550, 18_450, 36_000)),
    ],
)
def test_the_halves_share_the_time_around_the_interval(duration_s, expected):
    assert timetable(duration_s).phase_ends_s == pytest.approx(expected)


@given(st.integers(0, 2**32))
def test_a_jump_keeps_momentum(seed):
    made = walker(seed)
    jump(made)
    flight = made.flights[0].duration_s
    impulses = [2 / math.pi * blow.up_mps2 * blow.duration_s for blow in made.blows]
    assert sum(impulses) == pytest.approx(GRAVITY_MPS2 * flight)
    assert 2.5 < made.blows[1].up_mps2 / GRAVITY_MPS2 + 1 < 8


@given(st.integers(0, 2**32))
def test_blows_are_of_realistic_strength_and_length(seed):
    made = walker(seed)
    tackle(made)
    fall(made)
    for blow in made.blows:
        peak_g = np.linalg.norm(blow[2:]) / GRAVITY_MPS2
        assert 3.0 - 1e-9 <= peak_g <= 12.0 + 1e-9
        assert 0.05 <= blow.duration_s <= 0.13
        assert blow.start_s + blow.duration_s <= made.t_s
    for pose in made.poses:
        assert pose.start_s + pose.rise_s + pose.hold_s + pose.fall_s <= made.t_s + 0.5


@given(st.floats(0.1, 60), st.floats(0.2, 9))
def test_going_about_takes_exactly_the_time_and_never_exceeds_the_speed(duration_s, speed_mps):
    made = walker()
    made.go(duration_s, speed_mps, ZONE)
    legs = made.finished().legs
    assert made.t_s == pytest.approx(duration_s, abs=1e-9)
    assert np.hypot(legs[:, 3], legs[:, 4]).max() <= speed_mps + 1e-9


def test_a_body_turns_by_the_shorter_way():
    made = walker()
    made.go(600.0, 3.0, ZONE)
    assert np.abs(np.diff(made.finished().legs[:, 5])).max() <= math.pi + 1e-9


def test_pulses_are_the_same_however_the_time_is_cut():
    made = walker(5)
    for _ in range(6):
        made.go(3.0, 3.0, ZONE)
        tackle(made)
        jump(made)
    plan = made.finished()
    t = np.arange(0.0, made.t_s, 0.01)
    whole = pulses.Pulses.none(1, len(t))
    pulses.put(whole, 0, plan, t)
    parts = []
    for piece in np.array_split(t, 17):
        part = pulses.Pulses.none(1, len(piece))
        pulses.put(part, 0, plan, piece)
        parts.append(part)
    assert np.array_equal(np.concatenate([p.acceleration_mps2 for p in parts], axis=-1), whole.acceleration_mps2)
    assert np.array_equal(np.concatenate([p.turn_rad for p in parts], axis=-1), whole.turn_rad)
    assert np.abs(whole.turn_rad[..., -1]).max() < 0.7


def test_every_position_has_a_home():
    assert {match_plan.home(traits_of(i)).x_m for i in range(1, 31)} == {7.0, 30.0, 52.0, 74.0}
