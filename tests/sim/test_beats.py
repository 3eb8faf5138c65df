import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor.sim.beats import STEPS_PER_S, BeatState, intervals
from athlete_monitor.sim.randomness import generator


def beat(rate, share, seconds, state=None, start=0.0):
    draws = generator(1).standard_normal(seconds * STEPS_PER_S)
    return intervals(state or BeatState(), start, np.full(seconds, rate), np.full(seconds, share), draws)


def rmssd(gaps):
    return np.sqrt(np.mean(np.diff(gaps) ** 2))


@given(st.floats(40, 200))
def test_the_mean_interval_is_that_of_the_rate(rate):
    _, gaps = beat(rate, 0.3, 300)
    assert 60_000 / gaps.mean() == pytest.approx(rate, rel=0.02)


def test_intervals_fill_the_time_between_the_beats():
    times, gaps = beat(75.0, 0.1, 120)
    assert np.diff(times) * 1000 == pytest.approx(gaps[1:], abs=0.51)


def test_variability_is_large_at_rest_and_small_at_work():
    assert 20 < rmssd(beat(55.0, 0.0, 600)[1]) < 100
    assert rmssd(beat(170.0, 0.85, 600)[1]) < 6


def test_a_beat_over_the_border_of_two_blocks_is_not_lost():
    state = BeatState()
    first = beat(61.0, 0.1, 10, state)
    second = beat(61.0, 0.1, 10, state, start=10.0)
    times = np.concatenate((first[0], second[0]))
    gaps = np.concatenate((first[1], second[1]))
    assert np.diff(times) * 1000 == pytest.approx(gaps[1:], abs=0.51)
