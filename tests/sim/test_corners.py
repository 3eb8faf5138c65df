import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor.sim.corners import ACCELERATION, PLACE, START, VELOCITY, rounded
from athlete_monitor.sim.plan import Walker, Zone
from athlete_monitor.sim.randomness import generator
from athlete_monitor.sim.traits import traits_of

ZONE = Zone(50.0, 30.0, 20.0, 20.0)


def walked(seed=1, change_mps2=math.inf, legs=20):
    made = Walker(generator(seed), traits_of(9), 0.0, 50.0, 30.0, 0.0, change_mps2=change_mps2)
    for _ in range(legs):
        made.go(made.draw(1.0, 6.0), made.draw(1.0, 8.0), ZONE)
        made.stand(made.draw(0.5, 4.0))
    return made


def ends(legs, end_s):
    """Where each leg ends, and how fast it then is."""
    lasts = np.diff(legs[:, START], append=end_s)[:, None]
    velocity = legs[:, VELOCITY] + legs[:, ACCELERATION] * lasts
    return legs[:, PLACE] + (legs[:, VELOCITY] + velocity) / 2 * lasts, velocity


@given(st.integers(0, 2**32), st.floats(0.5, 10.0))
def test_rounding_leaves_no_jump_of_place_or_velocity(seed, change_mps2):
    made = walked(seed, change_mps2)
    legs = made.finished().legs
    places, velocities = ends(legs, made.t_s)
    assert (np.diff(legs[:, START]) > 0).all()
    assert places[:-1] == pytest.approx(legs[1:, PLACE], abs=1e-5)
    assert velocities[:-1] == pytest.approx(legs[1:, VELOCITY], abs=1e-5)


def test_rounding_begins_and_ends_where_the_straight_legs_do():
    made = walked(3, 2.0)
    sharp, smooth = walked(3).finished().legs, made.finished().legs
    assert smooth[0, PLACE] == pytest.approx(sharp[0, PLACE])
    assert ends(smooth, made.t_s)[0][-1] == pytest.approx(ends(sharp, made.t_s)[0][-1], abs=1e-6)


def corner(turn_rad, speed_mps, change_mps2, lasts_s=10.0):
    """Two legs that meet at a corner after ``lasts_s``, rounded."""
    legs = np.zeros((2, 10))
    legs[1, START] = lasts_s
    legs[0, VELOCITY] = speed_mps, 0.0
    legs[1, VELOCITY] = speed_mps * math.cos(turn_rad), speed_mps * math.sin(turn_rad)
    legs[1, PLACE] = speed_mps * lasts_s, 0.0
    return rounded(legs, np.array([change_mps2, change_mps2]), 2 * lasts_s)


@given(st.floats(0.2, math.pi), st.floats(1.0, 9.0), st.floats(1.9, 8.0))
def test_a_corner_with_room_is_taken_with_the_acceleration_wanted(turn_rad, speed_mps, change_mps2):
    bent = np.hypot(*corner(turn_rad, speed_mps, change_mps2)[:, ACCELERATION].T)
    assert bent.max() == pytest.approx(change_mps2)


def test_the_sharper_a_turn_the_slower_it_is_taken():
    slowest = [np.hypot(*corner(turn, 6.0, 3.0)[:, VELOCITY].T).min() for turn in np.radians([30, 90, 180])]
    assert slowest == pytest.approx([6.0 * math.cos(math.radians(half)) for half in (15, 45, 90)], abs=1e-9)


def test_a_corner_without_room_takes_as_long_as_the_legs_allow():
    legs = corner(math.pi / 2, 6.0, 0.5, lasts_s=1.0)
    assert legs[:, START].tolist() == pytest.approx([0.0, 1.0])
    assert np.hypot(*legs[0, ACCELERATION]) == pytest.approx(6.0 * math.sqrt(2) / 2.0)


def test_an_infinite_change_leaves_the_corners():
    legs = walked(5).finished().legs
    assert (legs[:, ACCELERATION] == 0.0).all()
    assert len(legs) == len(walked(5).legs)
