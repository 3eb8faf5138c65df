import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor.sim.energetics import aerobic_power
from athlete_monitor.sim.heart import HeartTraits, advance, demanded_bpm, saturated, settled
from athlete_monitor.sim.traits import traits_of

SQUAD = [traits_of(i) for i in range(1, 31)]
TRAITS = HeartTraits.of(SQUAD, np.zeros(30))


def constant(share, seconds):
    power = share * np.array([[aerobic_power(t.vo2max)] for t in SQUAD])
    return np.broadcast_to(power, (30, seconds)).copy()


def rates(state, share, seconds):
    return advance(TRAITS, state, constant(share, seconds), np.zeros((30, seconds)))


def seconds_to_63_percent(course):
    target = course[:, :1] + (course[:, -1:] - course[:, :1]) * (1 - np.exp(-1))
    rising = course[:, -1] > course[:, 0]
    reached = np.where(rising[:, None], course >= target, course <= target)
    return reached.argmax(axis=1)


def test_the_heart_follows_effort_with_a_lag_of_20_to_50_seconds():
    lag = seconds_to_63_percent(rates(settled(TRAITS, 0.0), 0.6, 240))
    assert (lag >= 20).all()
    assert (lag <= 50).all()
    assert np.corrcoef(lag, TRAITS.tau_up_s)[0, 1] > 0.98


def test_it_recovers_more_slowly_within_40_to_100_seconds():
    state = settled(TRAITS, 0.0)
    rates(state, 0.6, 300)
    lag = seconds_to_63_percent(rates(state, 0.0, 400))
    assert (lag >= 40).all()
    assert (lag <= 100).all()


def test_hard_work_drifts_upward():
    state = settled(TRAITS, 0.0)
    course = rates(state, 0.6, 3600)
    drift = course[:, -1] - course[:, 300]
    assert (drift > 2).all()
    assert (drift < 9).all()


@given(st.floats(0, 5), st.lists(st.floats(0, 60), min_size=1, max_size=30))
def test_no_effort_takes_the_heart_out_of_its_range(start, power):
    state = settled(TRAITS, start)
    course = advance(TRAITS, state, np.tile(power, (30, 1)), np.zeros((30, len(power))))
    assert (course <= TRAITS.max_bpm[:, None]).all()
    assert (course >= TRAITS.rest_bpm[:, None] - 1e-9).all()


@given(st.lists(st.floats(0, 30), min_size=2, max_size=40), st.data())
def test_cutting_the_time_changes_nothing(power, data):
    cut = data.draw(st.integers(1, len(power) - 1))
    effort, calm = np.tile(power, (30, 1)), np.zeros((30, len(power)))
    whole, state = settled(TRAITS, 0.1), settled(TRAITS, 0.1)
    expected = advance(TRAITS, whole, effort, calm)
    first = advance(TRAITS, state, effort[:, :cut], calm[:, :cut])
    second = advance(TRAITS, state, effort[:, cut:], calm[:, cut:])
    assert np.array_equal(np.hstack((first, second)), expected)


def test_the_share_of_power_is_the_share_of_the_reserve_until_near_the_limit():
    half = demanded_bpm(TRAITS, np.full(30, 0.5))
    assert half == pytest.approx((TRAITS.rest_bpm + TRAITS.max_bpm) / 2, abs=1.0)
    assert saturated(np.array([0.0, 0.3, 10.0])) == pytest.approx([0.0, 0.3, 1.0], abs=1e-3)
