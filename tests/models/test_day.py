"""The day's form: how much of a strap's error lasts, how much passes, and how wide the interval is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athlete_monitor.models.day import (
    BLANK,
    CONSTANTS,
    FORGET_S,
    SETTLE_S,
    USUAL,
    DayForm,
    constants,
    correction,
    learn,
    next_session,
    todays_spread,
)

LASTS = DayForm(day_variance=20.0, moment_variance=10.0, day_s=21600.0, moment_s=60.0)
NOTHING_LASTS = DayForm(day_variance=0.0, moment_variance=30.0, day_s=3600.0, moment_s=60.0)


def forms(form, athletes=1):
    return np.repeat(constants(form)[:, None], athletes, axis=1)


def blank(athletes=1):
    return np.tile(np.array(BLANK)[:, None], (1, athletes))


def after(errors, form=LASTS, dt=1.0, start=0.0, state=None, model=1.0):
    """State after these errors, and the time of the last."""
    state = blank() if state is None else state
    t = start
    for i, error in enumerate(errors):
        t = start + i * dt
        state = learn(state, np.array([t]), np.array([float(error)]), forms(form), np.array([model]))
    return state, t


def told(state, t, form=LASTS):
    add, wider = correction(state, np.array([t]), forms(form))
    return float(add[0]), float(wider[0])


def test_without_any_reading_nothing_is_added_and_the_interval_is_that_of_the_model():
    state, t = after([np.nan] * 400)
    assert told(state, t) == (0.0, 1.0)


def test_what_lasts_is_added_for_the_rest_of_the_day_and_what_passes_is_not():
    state, t = after([8.0] * 600)
    assert told(state, t)[0] == pytest.approx(8.0, abs=0.1)
    hour = told(state, t + 3600.0)[0]
    assert 5.0 < hour < 8.0
    passing, t = after([8.0] * 600, NOTHING_LASTS)
    assert told(passing, t, NOTHING_LASTS)[0] == pytest.approx(8.0, abs=0.1)
    assert told(passing, t + 600.0, NOTHING_LASTS)[0] == pytest.approx(0.0, abs=0.02)


def test_a_passing_error_fades_within_minutes():
    state, t = after([0.0] * 600 + [20.0] * 6)
    assert told(state, t)[0] > 15.0
    assert abs(told(state, t + 300.0)[0]) < 2.0


def test_the_first_readings_count_in_full_at_once_but_are_not_taken_for_the_day():
    state, t = after([9.0] * 60)
    assert told(state, t)[0] == pytest.approx(9.0)
    assert abs(told(state, t + 1200.0)[0]) < 0.5
    assert t < SETTLE_S


def test_the_interval_is_narrow_after_readings_and_widens_to_what_the_day_leaves_open():
    state, t = after([3.0] * 900)
    width = [told(state, t + age)[1] for age in (0.0, 30.0, 120.0, 1200.0, 4 * 3600.0, 15 * 3600.0)]
    assert width == sorted(width)
    assert width[0] < 0.5
    assert 0.7 * np.sqrt(10.0 / 30.0) < width[3] < 0.9, "the moment is open, the day is known less and less"
    assert width[-1] == pytest.approx(1.0, abs=0.1)


def test_the_interval_is_as_wide_as_the_errors_of_today_are():
    rng = np.random.default_rng(3)
    unsteady = np.repeat(rng.normal(0.0, 1.0, 45), 20)
    after_ten_minutes = {}
    for size in (1.0, 3.0, 9.0):
        state, t = after(size * unsteady)
        after_ten_minutes[size] = told(state, t + 600.0)[1]
    few, t = after(9.0 * unsteady[:160])
    assert after_ten_minutes[1.0] < after_ten_minutes[3.0] < after_ten_minutes[9.0]
    assert after_ten_minutes[1.0] < 0.75
    assert after_ten_minutes[9.0] > 1.5 * after_ten_minutes[1.0]
    assert told(few, t + 600.0)[1] < after_ten_minutes[9.0], "little was seen yet"


def test_one_reading_that_is_far_out_widens_the_interval_little():
    calm, t = after([1.0] * 900)
    wild, _ = after([1.0] * 600 + [90.0] + [1.0] * 299)
    assert told(wild, t + 900.0)[1] < 1.3 * told(calm, t + 900.0)[1]


@pytest.mark.parametrize("dt", [0.5, 5.0])
def test_how_often_a_strap_reads_changes_the_width_little(dt):
    rng = np.random.default_rng(4)
    each_second = np.repeat(rng.normal(0.0, 4.0, 60), 20)
    usual, t = after(each_second)
    other, _ = after(np.interp(np.arange(0.0, 1200.0, dt), np.arange(1200.0), each_second), dt=dt)
    assert told(other, t + 600.0)[1] == pytest.approx(told(usual, t + 600.0)[1], rel=0.12)


def test_the_beginning_of_a_session_is_as_wide_as_was_seen():
    early = DayForm(early=(4.0, 3.0, 2.0, 1.5))
    state, _ = after([np.nan], early)
    assert [told(state, t, early)[1] for t in (0.0, 61.0, 130.0, 200.0, 301.0)] == [4.0, 3.0, 2.0, 1.5, 1.0]
    read, t = after([5.0] * 30, early)
    assert told(read, t, early)[1] < 1.0, "a strap that speaks now knows better"


def test_a_second_session_of_the_day_begins_with_the_day_and_another_day_does_not():
    state, t = after([8.0] * 900)
    kept = next_session(state[:, 0])[:, None]
    same_day, now = after([np.nan], start=t + 3600.0, state=kept.copy())
    assert 4.0 < told(same_day, now)[0] < 8.0
    for away in (FORGET_S + 3600.0, -FORGET_S - 3600.0):
        other_day, now = after([np.nan], start=t + away, state=kept.copy())
        assert told(other_day, now) == (0.0, 1.0)


def test_the_error_of_one_model_says_nothing_about_another():
    state, t = after([8.0] * 900)
    changed, now = after([np.nan], start=t + 1.0, state=state, model=2.0)
    assert told(changed, now) == (0.0, 1.0)
    without, now = after([np.nan], start=t + 1.0, state=after([8.0] * 900)[0], model=np.nan)
    back, now = after([np.nan], start=now + 1.0, state=without)
    assert told(back, now)[0] == pytest.approx(8.0, abs=0.5), "a model that was away for a moment is the same"


@pytest.mark.parametrize(("rate", "seed"), [(1, 1), (2, 2)])
def test_what_is_learned_hardly_depends_on_the_rate_of_the_readings(rate, seed):
    changes = np.cumsum(np.random.default_rng(seed).normal(0.0, 0.05, 4000))
    fine, t = after(changes, dt=0.1)
    coarse, _ = after(changes[10 // rate - 1 :: 10 // rate], dt=1.0 / rate, start=1.0 / rate - 0.1)
    for age in (0.0, 600.0):
        assert told(fine, t + age)[0] == pytest.approx(told(coarse, t + age)[0], abs=1.2)
        assert told(fine, t + age)[1] == pytest.approx(told(coarse, t + age)[1], abs=0.05)


@given(st.data())
@settings(max_examples=10)
def test_athletes_do_not_mix_and_the_company_does_not_matter(data):
    seeds = data.draw(st.lists(st.integers(0, 99), min_size=2, max_size=6))
    errors = np.stack([np.random.default_rng(seed).normal(3.0, 4.0, 40) for seed in seeds])
    errors[errors > 8.0] = np.nan
    state = blank(len(seeds))
    for i in range(40):
        t = np.full(len(seeds), 10.0 * i)
        state = learn(state, t, errors[:, i], forms(LASTS, len(seeds)), np.arange(float(len(seeds))))
    for place in range(len(seeds)):
        alone, _ = after(errors[place], dt=10.0, model=float(place))
        np.testing.assert_array_equal(alone[:, 0], state[:, place])


def test_time_that_stands_still_or_runs_back_teaches_nothing_and_breaks_nothing():
    state, t = after([4.0] * 700)
    for back in (t, t - 100.0):
        state = learn(state, np.array([back]), np.array([50.0]), forms(LASTS), np.array([1.0]))
    assert told(state, t)[0] == pytest.approx(4.0, abs=0.2)


def test_the_usual_form_takes_more_than_half_of_a_steady_warm_up_for_the_day():
    state, t = after([3.0] * 600, USUAL)
    assert 1.5 < told(state, t + 900.0, USUAL)[0] < 3.0
    assert len(constants(USUAL)) == CONSTANTS


@pytest.mark.parametrize("settled", [[4.0], [4.0, 4.5, 1.0, -2.0, 3.0], list(np.linspace(6.0, -1.0, 40))])
def test_the_filter_knows_what_two_processes_that_add_up_would_let_a_statistician_know(settled):
    ask, dt = 300.0, 20.0
    errors = [np.nan] * round(SETTLE_S / dt) + settled
    state, t = after(errors, dt=dt)
    times = np.arange(len(errors)) * dt
    read = times[times >= SETTLE_S]
    smooth = [settled[0]]  # as the state smooths the newest errors
    for error in settled[1:]:
        smooth.append(smooth[-1] + 10.0 / 13.0 * (error - smooth[-1]))

    def covariance(a, b, form=LASTS):
        apart = np.abs(a[:, None] - b[None])
        day = form.day_variance * np.exp(-apart / form.day_s)
        return day + form.moment_variance * np.exp(-apart / form.moment_s)

    now = np.array([t + ask])
    weights = np.linalg.solve(covariance(read, read), covariance(read, now))
    mean = float((np.array(smooth) @ weights)[0])
    variance = float((covariance(now, now) - covariance(now, read) @ weights)[0, 0])
    add, wider = told(state, t + ask)
    assert add == pytest.approx(mean, abs=0.15)
    wider /= float(todays_spread(state, np.array([np.exp(-ask / LASTS.day_s)]))[0])
    assert wider**2 * (LASTS.day_variance + LASTS.moment_variance) == pytest.approx(variance, rel=0.03)


def test_a_minute_of_nonsense_hardly_decides_about_the_day():
    calm, t = after([4.0] * 600)
    odd, _ = after([4.0] * 300 + [60.0] * 60 + [4.0] * 240)
    assert told(odd, t + 1800.0)[0] - told(calm, t + 1800.0)[0] < 2.0


def test_after_the_last_reading_the_interval_is_as_wide_as_was_seen():
    late = DayForm(late=(0.6, 0.7, 0.8, 0.9, 1.2))
    plain = DayForm()
    state, t = after([2.0] * 600, plain)
    ages = (60.0, 300.0, 600.0, 1200.0, 1600.0)
    assert [told(state, t + age, late)[1] / told(state, t + age, plain)[1] for age in ages] == pytest.approx(late.late)
    assert told(blank(), 5000.0, late)[1] == 1.0, "where nothing was read, nothing was lost"
