"""The acceleration-speed profile, against lines that are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor.physiology.acceleration_speed import acceleration_speed, by_second, largest


def sessions(a0: float, s0: float, seed: int, moments: int = 40_000) -> tuple[np.ndarray, np.ndarray]:
    """Moments below a line; one in a hundred is a full effort, a few are faults of the device."""
    chance = np.random.default_rng(seed)
    speed = chance.uniform(0.0, 0.95 * s0, moments)
    most = a0 * (1 - speed / s0)
    effort = np.where(
        chance.random(moments) < 0.02, chance.normal(1.0, 0.02, moments), chance.uniform(-1.0, 0.7, moments)
    )
    return speed, most * effort


@given(st.floats(5.0, 9.0), st.floats(7.5, 10.5), st.integers(0, 10_000))
def test_the_line_of_full_efforts_is_found_among_easy_running(a0, s0, seed):
    found = acceleration_speed(*sessions(a0, s0, seed))
    assert found is not None
    assert found.a0_mps2 == pytest.approx(a0, rel=0.06)
    assert found.s0_mps == pytest.approx(s0, rel=0.04)
    assert found.r2 > 0.9


def test_single_faults_of_a_device_do_not_move_it():
    speed, acceleration = sessions(7.0, 9.0, 1)
    clean = acceleration_speed(speed, acceleration)
    broken = acceleration_speed(np.append(speed, [4.1, 6.3]), np.append(acceleration, [11.0, 9.0]))
    assert clean is not None
    assert broken is not None
    assert broken.a0_mps2 == pytest.approx(clean.a0_mps2, rel=0.05)


def test_walking_has_no_profile():
    assert acceleration_speed(np.full(500, 1.4), np.full(500, 0.1)) is None
    assert acceleration_speed(np.array([]), np.array([])) is None


def test_of_each_fifth_of_a_metre_a_second_two_points_count():
    speed, acceleration = largest(np.array([3.05, 3.1, 3.15, 3.3]), np.array([1.0, 3.0, 2.0, 4.0]))
    assert sorted(acceleration.tolist()) == [2.0, 3.0]
    assert np.all(speed < 3.2)


def test_a_gap_is_no_acceleration():
    speed, change = by_second(np.array([0.0, 1.0, 9.0, 10.0]), np.array([1.0, 3.0, 8.0, 8.5]))
    assert speed.tolist() == [2.0, 5.5, 8.25]
    assert change[0] == 2.0
    assert np.isnan(change[1])
