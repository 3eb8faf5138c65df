"""Readings of several sensors become samples of one rate."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athlete_monitor.bridge import joining
from athlete_monitor.bridge.joining import Joiner

TIMES = st.lists(st.floats(1000.0, 1010.0), max_size=80)


@settings(max_examples=40)
@given(TIMES, TIMES, st.lists(st.floats(1000.0, 1012.0), max_size=6))
def test_the_samples_are_the_means_of_their_bins_however_they_are_released(acc, gyro, stops):
    joiner, found = Joiner(10.0), []
    for t in acc:
        joiner.add("acc", t, (t, 0.0, 1.0))
    for t in gyro:
        joiner.add("gyro", t, (0.0, t, 0.0))
    for stop in sorted(stops):
        found += joiner.release(stop)
    found += joiner.flush()
    bins = sorted({int(t * 10.0) for t in acc} | {int(t * 10.0) for t in gyro})
    assert [t for t, _ in found] == pytest.approx([(number + 0.5) / 10.0 for number in bins])
    for number, (_, sample) in zip(bins, found, strict=True):
        inside = [t for t in acc if int(t * 10.0) == number]
        assert ("acc" in sample) == bool(inside)
        if inside:
            assert sample["acc"][0] == pytest.approx(sum(inside) / len(inside))


def test_what_comes_too_late_is_counted_and_what_comes_seldom_travels_with_the_next_sample():
    joiner = Joiner(10.0)
    joiner.add("acc", 100.0, (0, 0, 0))
    assert len(joiner.release(101.0)) == 1
    joiner.add("acc", 100.5, (0, 0, 0))
    joiner.put(100.6, {"speed_mps": 3.0})
    joiner.put(90.0, {"speed_mps": 9.0})
    joiner.add("acc", 101.0, (0, 0, 0))
    [(_, sample)] = joiner.flush()
    assert sample["speed_mps"] == 3.0
    assert joiner.late == 2


def test_memory_is_bounded():
    joiner = Joiner(200.0)
    for number in range(joining.MOST_BINS + 500):
        joiner.add("acc", (number + 0.5) / 200.0, (0, 0, 0))
    assert len(joiner.flush()) == joining.MOST_BINS
    assert joiner.late == 500


def test_the_examples_run():
    assert doctest.testmod(joining).failed == 0


def test_a_bin_that_has_not_ended_waits():
    joiner = Joiner(10.0)
    joiner.add("acc", 100.05, (0, 0, 0))
    joiner.add("acc", 100.15, (0, 0, 0))
    assert [round(t, 3) for t, _ in joiner.release(100.12)] == [100.05]
