"""The readings of a whole recording are accepted exactly as the live filter accepts them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from athlete_monitor.physiology.heart_rate import HeartRateFilter
from athlete_monitor.physiology.strap_readings import StrapReadings

STEPS_S = st.sampled_from([0.0, 0.1, 0.5, 0.95, 1.0, 1.1, 2.0, 4.9, 5.0, 5.1, 9.9, 10.0, 10.1, 60.0])
READINGS = st.one_of(
    st.sampled_from([np.nan, 0.0, 29.9, 30.0, 120.0, 130.0, 130.1, 140.0, 140.1, 219.9, 220.0, 220.1, np.inf]),
    st.floats(100.0, 150.0),
)


def by_the_filter(t, bpm):
    """The same readings through the live filter, one by one."""
    strap, row = HeartRateFilter(1), np.array([0])
    return [bool(strap.update(row, t[i : i + 1], bpm[i : i + 1]).accepted[0]) for i in range(len(t))]


@given(st.lists(st.tuples(STEPS_S, READINGS), min_size=1, max_size=60), st.floats(0.0, 2e9))
def test_any_recording_is_accepted_as_by_the_live_filter(samples, start):
    t = start + np.cumsum([step for step, _ in samples])
    bpm = np.array([reading for _, reading in samples])
    assert StrapReadings().accepted(t, bpm).tolist() == by_the_filter(t, bpm)


@given(arrays(np.float64, 40, elements=READINGS), st.lists(st.integers(0, 40), max_size=4))
def test_where_a_recording_is_divided_does_not_matter(bpm, cuts):
    t = 0.5 * np.arange(40.0)
    strap, edges = StrapReadings(), [0, *sorted(cuts), 40]
    parts = [strap.accepted(t[a:b], bpm[a:b]) for a, b in pairwise(edges)]
    assert np.concatenate(parts).tolist() == StrapReadings().accepted(t, bpm).tolist()


def test_a_long_noisy_recording_is_accepted_as_by_the_live_filter():
    rng = np.random.default_rng(5)
    t = np.cumsum(rng.choice([0.1, 0.1, 0.1, 1.0, 7.0, 12.0], 3000))
    bpm = 130.0 + np.cumsum(rng.normal(0.0, 3.0, 3000)) + rng.choice([0.0, 0.0, 0.0, 45.0], 3000)
    bpm[rng.random(3000) < 0.3] = np.nan
    accepted = StrapReadings().accepted(t, bpm).tolist()
    assert accepted == by_the_filter(t, bpm)
    assert 0 < sum(accepted) < 3000
