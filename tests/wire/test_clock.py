"""A recorder's clock that is set while it records."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athlete_monitor.wire.clock import straighten

T0 = 1_767_261_600.0


def through(t, values=None):
    t = np.asarray(t, dtype=float)
    values = np.arange(len(t), dtype=float)[:, None] if values is None else values
    return straighten(t, values, np.arange(len(t)) + 2)


@pytest.mark.parametrize("rate_hz", [1, 10])
@pytest.mark.parametrize("by_s", [-7200, -3600, -3, -90_000, -40_000_000, 40_000_000])
@pytest.mark.parametrize("at", [40, 300, 560])
def test_after_a_step_of_the_clock_time_goes_on_by_the_usual_interval(rate_hz, by_s, at):
    if by_s > 0 and at == 300:
        pytest.skip("a jump ahead by more than a day in the middle is two sessions of different days")
    true = T0 + np.arange(600) / rate_hz
    recorded = true.copy()
    recorded[at:] += by_s
    result = through(recorded)
    assert len(result.rows) == 600
    assert np.diff(result.t) == pytest.approx(1 / rate_hz, abs=1e-5)
    longest = slice(at, None) if at < 300 else slice(None, at)
    assert (result.t[longest] == recorded[longest]).all()
    assert len(result.notes) == 1
    assert f"on line {at + 2}" in result.notes[0]


def test_pauses_and_other_days_stay_as_they_are():
    for gap in (5.0, 3000.0, 200_000.0):
        t = T0 + np.concatenate([np.arange(300), 300 + gap + np.arange(300)])
        result = through(t)
        assert result.t.tolist() == t.tolist()
        assert result.notes == ()


def test_rows_that_arrive_late_are_put_in_order_and_none_is_lost():
    order = np.arange(100)
    order[[10, 11]] = 11, 10
    order[50:54] = 51, 52, 53, 50
    result = through(T0 + order / 10)
    assert result.rows.tolist() == np.argsort(order).tolist()
    assert result.t == pytest.approx(T0 + np.arange(100) / 10)
    assert "put in order" in result.notes[0]


def test_rows_that_a_lost_connection_sent_twice_are_left_out():
    sent = np.concatenate([np.arange(60), np.arange(45, 60), np.arange(60, 100)])
    result = through(T0 + sent, sent[:, None].astype(float))
    assert result.t.tolist() == (T0 + np.arange(100)).tolist()
    assert result.notes == ("15 rows occur twice; one of each is ignored",)


@pytest.mark.parametrize("odd", [1, 3])
@pytest.mark.parametrize("by_s", [7200.0, 4e7, -7200.0, -4e7])
def test_a_few_rows_of_another_time_are_left_out(odd, by_s):
    t = T0 + np.arange(300.0)
    t[100 : 100 + odd] += by_s
    result = through(t)
    kept = np.concatenate([np.arange(100), np.arange(100 + odd, 300)])
    assert np.diff(result.t).min() > 0
    assert result.t[-1] == T0 + 299
    if by_s > 0:
        assert result.rows.tolist() == kept.tolist()
    assert result.notes


@settings(max_examples=300)
@given(
    st.lists(
        st.tuples(st.sampled_from([1.0, 0.1, 0.0, -0.1, -3.0, -7200.0, 90.0, 9e4, -3e8, 3e8]), st.integers(1, 12)),
        min_size=1,
        max_size=12,
    )
)
def test_whatever_the_clock_does_time_never_falls_and_rows_are_not_invented(steps):
    t = T0 + np.cumsum([step for step, times in steps for _ in range(times)])
    result = through(t)
    assert (np.diff(result.t) >= 0).all()
    assert len(set(result.rows.tolist())) == len(result.rows) <= len(t)
    assert len(result.rows) == len(t) or result.notes
