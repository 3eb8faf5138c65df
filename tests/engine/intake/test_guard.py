from __future__ import annotations

import doctest

from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor.engine.intake import guard as module
from athlete_monitor.engine.intake.guard import CHANGE_EVERY_S, MOST_CHANGES, IntakeBudgets, Pace


def test_the_examples_hold():
    assert doctest.testmod(module).failed == 0


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(0, 100)), max_size=50))
def test_nobody_gets_more_than_the_budget_and_what_it_has_refilled(asked):
    pace, now_s, taken = Pace(per_s=10.0, most=40.0), 0.0, 0
    for pause_s, wanted in asked:
        now_s += pause_s
        got = pace.take(now_s, wanted)
        assert 0 <= got <= wanted
        taken += got
    assert taken <= 40.0 + 10.0 * now_s + 1e-6


def test_a_device_that_sends_at_the_highest_rate_loses_nothing():
    guard = IntakeBudgets(max_rate_hz=100.0)
    assert sum(guard.samples("001", i / 10, 10) for i in range(5000)) == 50_000


def test_a_flood_from_one_device_takes_nothing_from_another():
    guard = IntakeBudgets(max_rate_hz=10.0)
    guard.samples("001", 0.0, 1_000_000)
    assert guard.is_exhausted("001", 0.5)
    assert guard.samples("002", 0.5, 5) == 5
    assert not guard.is_exhausted("002", 0.5)


def test_wearers_change_at_most_every_ten_seconds_and_not_for_ever():
    guard = IntakeBudgets(max_rate_hz=10.0)
    changes = sum(guard.may_change_wearer("001", i / 10) for i in range(round(10 * 5 * CHANGE_EVERY_S)))
    assert changes == 5
    assert sum(guard.may_change_wearer("001", 100.0 + i * CHANGE_EVERY_S) for i in range(200)) == MOST_CHANGES - 5


def test_recordings_have_no_limits():
    guard = IntakeBudgets()
    assert guard.samples("001", 0.0, 10**6) == 10**6
    assert all(guard.may_change_wearer("001", 0.0) and guard.may_begin_session("001", 0.0) for _ in range(1000))
