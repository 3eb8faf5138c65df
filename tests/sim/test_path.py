import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor.sim.path import at_rest, follow, lag

SIGNALS = st.lists(st.floats(-100, 100), min_size=1, max_size=60)


@given(SIGNALS, st.floats(-100, 100), st.floats(0.01, 5.0))
def test_a_lag_is_its_recursion(signal, before, steps):
    keep, value, expected = np.exp(-steps), before, []
    for x in signal:
        value = keep * value + (1 - keep) * x
        expected.append(value)
    assert lag(np.array([signal]), np.array([before]), steps)[0] == pytest.approx(expected, abs=1e-9)


@given(SIGNALS, st.floats(-100, 100), st.floats(0.01, 5.0))
def test_a_lag_stays_between_what_goes_in(signal, before, steps):
    out = lag(np.array([signal]), np.array([before]), steps)
    assert out.min() >= min(*signal, before) - 1e-9
    assert out.max() <= max(*signal, before) + 1e-9


def test_a_sprint_from_rest_takes_off_as_sprinters_do():
    rate = 100
    planned = 8.0 * np.arange(1, 5 * rate) / rate
    state = at_rest(np.zeros((2, 1)), np.zeros(1))
    moved = follow(state, np.stack((planned, 0 * planned))[:, None], np.zeros((1, planned.size)), 1 / rate)
    speed = moved.velocity_mps[0, 0]
    assert 3.5 < moved.acceleration_mps2[0, 0].max() < 8.0
    assert 0.8 < (speed >= 0.63 * 8.0).argmax() / rate < 1.4
    assert speed[-1] == pytest.approx(8.0, abs=0.05)


def test_turning_round_passes_through_every_direction():
    rate = 100
    state = at_rest(np.zeros((2, 1)), np.zeros(1))
    moved = follow(state, np.zeros((2, 1, 300)), np.full((1, 300), np.pi), 1 / rate)
    turning = np.diff(moved.facing_rad[0]) * rate
    assert (turning >= -1e-9).all()
    assert 4.0 < turning.max() < 9.0
    assert moved.facing_rad[0, -1] == pytest.approx(np.pi, abs=0.01)
