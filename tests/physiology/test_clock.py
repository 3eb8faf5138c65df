"""How long each sample counts: gaps, devices that record when they like, and slow, obvious arithmetic."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor.physiology.clock import SampleClock

ROW = np.array([0])


def play(times):
    clock = SampleClock(1)
    return clock, [clock.update(ROW, np.array([float(t)])).item() for t in times]


def test_a_gap_of_a_fast_device_counts_two_seconds_and_the_rest_is_missing():
    clock, steps = play([10.0, 10.5, 20.5, 19.0, 19.5])
    assert steps == [0.0, 0.5, 2.0, 0.0, 0.5]
    assert clock.measured_s(ROW)[0] == pytest.approx(3.0)
    assert clock.missing_s(ROW)[0] == pytest.approx(8.0)


def test_a_device_that_sends_once_a_second_may_miss_three():
    assert play([*range(20), 22, 30])[1][-2:] == [3.0, pytest.approx(3.0, rel=0.15)]


def test_a_watch_that_records_every_one_to_seven_seconds_is_counted_in_full():
    gaps = np.random.default_rng(1).choice([1, 2, 3, 4, 5, 6, 7], 300)
    times = np.cumsum([0, 1, 1, 2, *gaps])
    clock, _ = play(times)
    assert clock.missing_s(ROW)[0] <= 0.005 * times[-1]
    assert clock.measured_s(ROW)[0] + clock.missing_s(ROW)[0] == times[-1]


def test_a_pause_of_a_slow_device_counts_ten_seconds_at_most():
    clock, steps = play([*range(0, 100, 7), 1000])
    assert steps[-1] == 10.0
    assert clock.longest_s(ROW)[0] == 10.0


def slow_steps(times):
    """The rule, one step after another."""
    steps, gaps = [0.0], []
    usual = None
    for before, now in itertools.pairwise(times):
        gap = max(now - before, 0.0)
        longest = 2.0 if usual is None else min(max(3 * usual, 2.0), 10.0)
        steps.append(min(gap, longest))
        if gap > 0:
            gaps.append(min(gap, 10.0))
            usual = gaps[-1] if usual is None else usual + (gaps[-1] - usual) / min(len(gaps), 16)
    return steps


@given(st.lists(st.floats(-2, 30), max_size=60))
def test_the_steps_equal_the_rule_written_out(gaps):
    times = np.cumsum([0.0, *gaps]).tolist()
    clock, steps = play(times)
    assert steps == pytest.approx(slow_steps(times))
    assert clock.measured_s(ROW)[0] == pytest.approx(sum(steps))
