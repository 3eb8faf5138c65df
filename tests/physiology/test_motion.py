"""Speed and position: wrong fixes, sample rates, bands, efforts and power, against slow and obvious versions."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor.arrays import GRAVITY_MPS2
from athlete_monitor.physiology.limits import Limits
from athlete_monitor.physiology.metabolic import metabolic_power_w_kg
from tests.physiology.motion import START_T, intermittent, play, play_many

RATES_HZ = (1, 5, 10, 50)


def shuttle(t):
    """Three times: stand 10 s, up to 8 m/s in 2 s, hold for 6 s, down to 0 in 2 s. Speed [n], m/s."""
    return np.interp(t % 20, [0, 10, 12, 18, 20], [0, 0, 8, 8, 0])


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_a_shuttle_run_has_its_known_totals_at_every_rate_and_with_noise(rate_hz):
    t = np.arange(60 * rate_hz + rate_hz + 1) / rate_hz
    noises = np.array([0.0, 0.1])
    noise = np.random.default_rng(1).normal(0, 1.0, len(t)) * noises[:, None]
    for noise_mps, totals in zip(noises, play_many(START_T + t, np.abs(shuttle(t) + noise)), strict=True):
        assert totals["distance_m"] == pytest.approx(3 * 64, rel=0.03 if noise_mps else 0.005)
        assert totals["high_speed_running_m"] == pytest.approx(3 * (48 + 2 * 0.625 * 6.75), rel=0.02)
        assert (totals["sprints"], totals["accelerations"], totals["decelerations"]) == (3, 3, 3)
        assert totals["max_speed_mps"] == pytest.approx(8.0, abs=5 * noise_mps + 1e-9)


@pytest.mark.parametrize("rate_hz", [5, 10, 50])
def test_the_same_run_from_noisy_positions(rate_hz):
    t = np.arange(60 * rate_hz + rate_hz + 1) / rate_hz
    rng = np.random.default_rng(2)
    x = np.cumsum(shuttle(t)) / rate_hz + rng.normal(0, 0.05, len(t))
    totals = play(START_T + t, None, x, rng.normal(0, 0.05, len(t)))
    assert totals["distance_m"] == pytest.approx(3 * 64, rel=0.03)
    assert (totals["sprints"], totals["accelerations"], totals["decelerations"]) == (3, 3, 3)
    assert totals["max_speed_mps"] == pytest.approx(8.0, abs=0.5)


def test_one_motion_has_the_same_figures_at_1_5_10_50_and_100_hertz():
    played = {}
    for rate_hz in (1, 5, 10, 50, 100):
        t = np.arange(60 * rate_hz + 1) / rate_hz
        played[rate_hz] = play(START_T + t, intermittent(t))
    reference = played[100]
    for rate_hz, figures in played.items():
        assert figures["distance_m"] == pytest.approx(reference["distance_m"], rel=0.002), rate_hz
        assert figures["high_speed_running_m"] == pytest.approx(reference["high_speed_running_m"], rel=0.005), rate_hz
        assert figures["max_speed_mps"] == pytest.approx(reference["max_speed_mps"], abs=0.05), rate_hz
        assert figures["sprints"] == reference["sprints"] == 1.0, rate_hz
        assert figures["efforts"] == reference["efforts"], rate_hz
        assert figures["band_seconds"] == pytest.approx(reference["band_seconds"], abs=0.5), rate_hz
        assert figures["band_metres"] == pytest.approx(reference["band_metres"], abs=2.0), rate_hz
        assert figures["high_load_m"] == pytest.approx(reference["high_load_m"], rel=0.05), rate_hz
        assert figures["mean_w_kg"] == pytest.approx(reference["mean_w_kg"], rel=0.02), rate_hz
        if rate_hz > 1:  # once a second, a band that is crossed between two readings is not entered
            assert figures["band_entries"] == reference["band_entries"], rate_hz


def test_a_real_sprint_at_one_hertz_keeps_its_highest_reading():
    assert play(np.arange(4.0), np.array([9.7, 16.9, 21.7, 15.2]) / 3.6)["max_speed_mps"] == pytest.approx(
        6.03, abs=0.01
    )


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_a_single_wrong_speed_adds_no_distance_no_sprint_and_no_maximum(rate_hz):
    t = np.arange(8 * rate_hz + 40) / rate_hz
    clean, *spiked = cases = np.full((10, len(t)), 3.0)
    for speed, (wrong_mps, where) in zip(spiked, product((9.5, 12.0, 30.0), (0, 30, -1)), strict=True):
        speed[where] = wrong_mps
    expected, *got = play_many(t, cases)
    for totals in got:
        assert (totals["sprints"], totals["max_speed_mps"], totals["high_speed_running_m"]) == (0, 3.0, 0.0)
        assert totals["efforts"] == [0.0] * 6
        assert totals["distance_m"] == pytest.approx(expected["distance_m"], abs=3.0 * max(1 / rate_hz, 0.2) + 1e-9)
    assert (clean == 3.0).all()


@pytest.mark.parametrize("gap_s", [4, 9, 60, 3600])
def test_a_wrong_first_speed_after_a_gap_is_dropped(gap_s):
    t = np.concatenate([np.arange(20), 20 + gap_s + np.arange(20)]).astype(float)
    speed = np.where(np.arange(40) == 20, 9.0, 3.0)
    assert play(t, speed)["max_speed_mps"] == 3.0


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("running_mps", [0.0, 3.0])
def test_a_single_fix_that_jumps_adds_nothing(rate_hz, running_mps):
    t = np.arange(8 * rate_hz + 40) / rate_hz
    y = np.zeros((4, len(t)))
    y[1:, 20] = (15.0, 40.0, 5000.0)
    expected, *got = play_many(t, np.full(y.shape, np.nan), np.tile(running_mps * t, (4, 1)), y)
    for jumped in got:
        assert jumped["distance_m"] == pytest.approx(
            expected["distance_m"], abs=running_mps * max(1 / rate_hz, 0.2) + 0.01
        )
        assert jumped["sprints"] == 0
        assert jumped["max_speed_mps"] == pytest.approx(running_mps, abs=0.01)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_positions_that_stay_where_they_jumped_to_are_believed_without_the_jump(rate_hz):
    t = np.arange(20 * rate_hz + 1) / rate_hz
    x = 3.0 * t + np.where(t >= 10, 200.0, 0.0)
    totals = play(t, None, x, np.zeros(len(t)))
    assert totals["max_speed_mps"] == pytest.approx(3.0, abs=0.01)
    assert totals["distance_m"] == pytest.approx(60.0, abs=7.0)


def test_a_start_that_is_faster_than_usual_is_late_by_one_reading_and_not_lost():
    speed = np.array([0.0, 0.0, 5.8, 7.4, 7.9, 8.0, 8.0, 3.5, 1.0])
    totals = play(np.arange(9.0), speed)
    assert totals["max_speed_mps"] == 8.0
    assert totals["distance_m"] == pytest.approx(np.sum(0.5 * (speed[1:] + speed[:-1])))
    assert totals["sprints"] == 1


def test_standing_still_under_a_jittering_position_system_covers_no_distance():
    rng = np.random.default_rng(3)
    t = np.arange(1000) / 10
    x, y = rng.normal(0, 0.05, (2, 1000))
    assert play(t, None, x, y)["distance_m"] < 5.0


def test_gentle_running_with_noise_holds_no_sprint_and_no_acceleration():
    t = np.arange(1000) / 10
    totals = play(t, 5.0 + np.sin(t / 5) + np.random.default_rng(4).normal(0, 0.1, len(t)))
    assert (totals["sprints"], totals["accelerations"], totals["decelerations"]) == (0, 0, 0)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_a_sprint_is_held_for_a_second_at_every_rate(rate_hz):
    t = np.arange(12 * rate_hz + 1) / rate_hz
    above_s = np.array([0.8, 1.3])[:, None]
    speed = np.maximum(7.0 + above_s - 2.0 * np.abs(t - 6.0), 2.0)
    assert [totals["sprints"] for totals in play_many(t, speed)] == [0.0, 1.0]


def test_a_dip_does_not_make_two_sprints_of_one_and_a_pause_does():
    def sprints(dip_s):
        t = np.arange(200) / 10
        return play(t, np.where((t >= 10) & (t < 10 + dip_s), 6.9, 7.5))["sprints"]

    assert sprints(0.2) == 1
    assert sprints(2.0) == 2


def test_readings_once_a_second_among_ten_samples_count_as_readings_once_a_second():
    t = np.arange(601) / 10
    sparse = np.where(np.arange(601) % 10 == 0, shuttle(t), np.nan)
    assert play(t, sparse) == play(t[::10], shuttle(t[::10]))


def test_a_gap_counts_two_seconds_of_distance():
    assert play(np.array([0.0, 100.0]), [4.0, 4.0])["distance_m"] == 8.0


def test_smart_recorded_speed_counts_in_full():
    t = np.cumsum([0, 1, 2, 3, *np.random.default_rng(5).choice([1, 3, 5, 7], 200)]).astype(float)
    assert play(t, np.full(len(t), 3.0))["distance_m"] == pytest.approx(3.0 * t[-1], rel=0.01)


def test_distance_is_speed_by_time():
    assert play(np.arange(61.0), np.full(61, 2.0))["distance_m"] == pytest.approx(120.0)


def slow_bands(t, speed, edges, parts=1000):
    """Distance and time in bands: each step cut into many small ones."""
    metres, seconds = np.zeros(len(edges) + 1), np.zeros(len(edges) + 1)
    for (t0, v0), (t1, v1) in pairwise(zip(t, speed, strict=True)):
        middle = v0 + (v1 - v0) * (np.arange(parts) + 0.5) / parts
        band = np.searchsorted(edges, middle, side="right")
        seconds += np.bincount(band, minlength=len(edges) + 1) * (t1 - t0) / parts
        metres += np.bincount(band, middle, minlength=len(edges) + 1) * (t1 - t0) / parts
    return metres, seconds


@given(st.lists(st.floats(-2.0, 2.0), min_size=2, max_size=30), st.sampled_from([0.5, 1.0]))
def test_bands_equal_steps_cut_into_pieces_and_add_up_to_the_whole(changes, dt_s):
    speed = np.abs(np.cumsum(np.array(changes) * dt_s) + 4.0)
    t = dt_s * np.arange(len(speed))
    totals = play(t, speed)
    metres, seconds = slow_bands(t, speed, (2.0, 4.0, 5.5, 7.0))
    assert totals["band_metres"] == pytest.approx(metres, abs=0.01 * len(speed))
    assert totals["band_seconds"] == pytest.approx(seconds, abs=0.002 * len(speed))
    assert sum(totals["band_metres"]) == pytest.approx(totals["distance_m"])
    assert sum(totals["band_seconds"]) == pytest.approx(t[-1])
    assert totals["high_speed_running_m"] == pytest.approx(sum(totals["band_metres"][3:]))


def test_an_athletes_own_limits_move_the_bands():
    limits = Limits(speed_mps=(1.0, 2.0, 3.5, 6.0), acceleration_mps2=(1.0, 1.8, 2.6))
    t = np.arange(121) / 2
    totals = play(t, np.full(121, 3.0), limits=limits)
    assert totals["band_seconds"] == [0.0, 0.0, 60.0, 0.0, 0.0]
    rising = np.interp(t, [0, 20, 22, 40, 42], [2, 2, 6, 6, 2])
    assert play(t, rising, limits=limits)["efforts"] == [0.0, 1.0, 0.0, 0.0, 1.0, 0.0]


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_entries_count_stays_of_half_a_second(rate_hz):
    t = np.arange(30 * rate_hz + 1) / rate_hz
    speed = np.interp(t, [0, 5, 6, 10, 11, 15, 16, 20, 21, 30], [1, 1, 3, 3, 5, 5, 3, 3, 5, 5])
    assert play(t, speed)["band_entries"] == [1.0, 2.0, 2.0, 0.0, 0.0]


def test_flickering_about_a_limit_is_one_entry():
    t = np.arange(600) / 10
    speed = np.where((np.arange(600) % 4 < 2) & (t > 10), 4.05, 3.95)
    assert sum(play(t, speed)["band_entries"][1:3]) == 1.0


@pytest.mark.parametrize("rate_hz", [5, 10, 25, 100])
def test_an_effort_counts_once_in_the_band_of_its_peak(rate_hz):
    t = np.arange(16 * rate_hz + 1) / rate_hz
    slopes = np.array([1.8, 2.4, 3.5, 5.0])
    speed = [np.interp(t, [0, 5, 6.2, 9, 9 + 1.2, 16], [1, 1, 1 + 1.2 * a, 1 + 1.2 * a, 1, 1]) for a in slopes]
    got = np.array([totals["efforts"] for totals in play_many(t, speed)]).reshape(4, 2, 3)
    assert (got == np.eye(4)[:, None, 1:]).all()


def test_a_change_of_speed_shorter_than_half_a_second_is_no_effort():
    t = np.arange(1200) / 100
    assert play(t, 3.0 + np.interp(t, [0, 6, 6.2, 6.4], [0, 0, 0.8, 0]))["efforts"] == [0.0] * 6


def slow_power(v, a):
    es = a / GRAVITY_MPS2
    cost = 155.4 * es**5 - 30.4 * es**4 - 43.3 * es**3 + 46.3 * es**2 + 19.5 * es + 3.6
    return v * cost * np.sqrt(1 + es**2) * 1.29


@given(st.floats(0, 12), st.floats(-4.4, 8))
def test_metabolic_power_is_the_published_polynomial(v, a):
    assert metabolic_power_w_kg(np.array([v]), np.array([a]))[0] == pytest.approx(slow_power(v, a), abs=1e-9)


@given(st.floats(0, 12), st.floats(-30, 30))
def test_metabolic_power_is_never_negative(v, a):
    assert metabolic_power_w_kg(np.array([v]), np.array([a]))[0] >= 0.0


def test_distance_at_high_metabolic_load_is_that_above_its_limit():
    t = np.arange(1201) / 10
    steady = play(t, np.where(t < 60, 5.0, 5.6))
    assert steady["high_load_m"] == pytest.approx(60 * 5.6, rel=0.01)
    assert steady["mean_w_kg"] == pytest.approx(slow_power(5.3, 0.0), rel=0.01)


def test_without_speed_nothing_is_known():
    figures = play(np.arange(10.0))
    values = [value for figure in figures.values() for value in (figure if isinstance(figure, list) else [figure])]
    assert np.isnan(values).all()


@given(st.lists(st.tuples(st.floats(0, 12), st.floats(0, 3)), min_size=1, max_size=60))
def test_high_speed_distance_is_a_part_of_the_distance(steps):
    totals = play(np.cumsum([dt_s for _, dt_s in steps]), np.array([v for v, _ in steps]))
    if not np.isnan(totals["distance_m"]):
        assert 0.0 <= totals["high_speed_running_m"] <= totals["distance_m"] + 1e-9
        assert totals["sprints"] >= 0.0
