"""Beats that come twice, the time of readings, and artefacts."""

from __future__ import annotations

import doctest
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athlete_monitor.bridge import beats
from athlete_monitor.bridge.beats import REMEMBERED, Artefacts, Repeats, SteadyClock

BEATS = st.lists(st.integers(300, 2000), max_size=40)


@settings(max_examples=40)
@given(BEATS, st.integers(0, REMEMBERED), st.lists(st.integers(2001, 4000), max_size=8))
def test_after_a_reconnect_exactly_the_repeated_beats_are_removed(before, repeated, after):
    repeats = Repeats()
    assert repeats.new(before) == tuple(before)
    repeats.reconnected()
    tail = before[max(0, len(before) - repeated) :]
    assert repeats.new([*tail, *after]) == tuple(after)


@settings(max_examples=40)
@given(st.lists(BEATS, max_size=6))
def test_without_a_reconnect_every_beat_counts_even_equal_ones(messages):
    repeats = Repeats()
    assert [repeats.new(each) for each in messages] == [tuple(each) for each in messages]


def test_an_empty_message_after_a_reconnect_leaves_the_suspicion():
    repeats = Repeats()
    repeats.new([800, 810])
    repeats.reconnected()
    assert [repeats.new([]), repeats.new([810]), repeats.new([810])] == [(), (), (810,)]


@pytest.mark.parametrize("rest_s", [0.4, 0.8, 1.1])
def test_the_steady_clock_removes_the_jitter_of_the_radio(rest_s):
    jitter, clock = random.Random(7), SteadyClock()
    errors = []
    for number in range(600):
        taken_s = 1000.0 + number * rest_s
        arrival_s = taken_s + 0.02 + jitter.random() * 0.8
        errors.append(clock.time(number * rest_s, arrival_s) - taken_s)
        assert errors[-1] <= arrival_s - taken_s + 1e-9
    settled = errors[100:]
    assert max(settled) - min(settled) < 0.4  # the jitter itself is 0.8 s wide


def test_the_steady_clock_begins_anew_where_beats_were_lost():
    clock = SteadyClock()
    clock.time(0.0, 100.0)
    clock.time(1.0, 101.0)
    assert clock.time(2.0, 130.0) == pytest.approx(130.0)


def test_a_rhythm_that_slows_down_has_no_artefacts_and_impossible_or_single_odd_beats_are_some():
    slow = Artefacts()
    slow.take([700.0 + 5.0 * number for number in range(100)])
    assert slow.percent == 0.0
    odd = Artefacts()
    odd.take([800.0, 805.0, 795.0, 1600.0, 800.0, 3000.0, 400.0, 790.0, 800.0, 810.0])
    assert odd.percent == pytest.approx(30.0)


def test_the_examples_run():
    assert doctest.testmod(beats).failed == 0
