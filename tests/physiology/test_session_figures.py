"""Peaks, recovery, odometer, steps, thresholds, own zones and positions in degrees, against slow, obvious versions."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athlete_monitor.physiology.clock import SampleClock
from athlete_monitor.physiology.geodesy import LocalPlane
from athlete_monitor.physiology.heart_rate import hr_reserve_fraction
from athlete_monitor.physiology.limits import DEFAULT_LIMITS, Limits, SquadLimits, ZoneLimits
from athlete_monitor.physiology.locomotion import Locomotion
from athlete_monitor.physiology.odometer import Distance, Odometer
from athlete_monitor.physiology.peaks import TOTALS, WINDOWS_S, PeakDemands
from athlete_monitor.physiology.recovery import HeartRateRecovery
from athlete_monitor.physiology.session_rpe import srpe_load
from athlete_monitor.physiology.speed import SpeedTrack
from athlete_monitor.physiology.steps import StepCount
from athlete_monitor.physiology.trimp import HeartRateZones

ROW = np.array([0])
NAN = np.array([np.nan])


def one(value):
    return np.array([float(value)])


def peaks_of(seconds, totals):
    peaks = PeakDemands(1)
    for second, total in zip(seconds, totals, strict=True):
        peaks.update(ROW, one(second), np.outer([1.0, 2.0, 3.0, 4.0], one(total)))
    return peaks


def test_constant_speed_has_its_peaks_from_the_moment_that_a_window_has_passed():
    seconds = np.arange(1.75e9, 1.75e9 + 601)
    assert peaks_of(seconds, 2.0 * np.arange(601)).peaks(ROW)[0, :, 0] == pytest.approx([120, 360, 600, 1200])
    assert np.isnan(peaks_of(seconds[:60], 2.0 * np.arange(60)).peaks(ROW)).all()


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10_000))
def test_peaks_equal_the_largest_difference_over_every_window(seed):
    rng = np.random.default_rng(seed)
    total = np.cumsum(rng.exponential(3.0, rng.integers(50, 700)) * (rng.random() < rng.random()))
    found = peaks_of(np.arange(len(total)), total).peaks(ROW)[:, :, 0]
    for w, window in enumerate(WINDOWS_S):
        expected = np.max(total[window:] - total[:-window]) if len(total) > window else np.nan
        assert found[:, w] == pytest.approx(expected * np.array([1.0, 2.0, 3.0, 4.0]), rel=1e-4, abs=0.01, nan_ok=True)


def test_a_pause_counts_in_a_window_and_a_short_gap_grows_evenly():
    seconds = [*range(30), *range(90, 130)]
    total = np.minimum(np.arange(len(seconds)), 29.0)
    assert peaks_of(seconds, total).peaks(ROW)[0, 0, 0] == pytest.approx(29.0)
    smart = np.cumsum([0, *[7] * 20])
    assert peaks_of(smart, 3.0 * smart).peaks(ROW)[0, 0, 0] == pytest.approx(180.0)


def test_peaks_go_on_from_their_memory_to_within_ten_seconds_of_interpolation():
    rng = np.random.default_rng(3)
    total = np.cumsum(rng.exponential(3.0, 900))
    whole, first, second = (PeakDemands(1) for _ in range(3))
    for i in range(900):
        for peaks in [whole, first if i < 500 else second]:
            if i == 500:
                second.set_state(0, first.state(0))
                second.recent.set_state(0, json.loads(json.dumps(first.recent.state(0))))
            peaks.update(ROW, one(i), np.tile(one(total[i]), (len(TOTALS), 1)))
    assert second.peaks(ROW)[0, :, 0] == pytest.approx(whole.peaks(ROW)[0, :, 0], abs=10.0)


def recovery_of(bpm, motion, *, hr_max=190.0, speed=None):
    recovery = HeartRateRecovery(1)
    for second, (beats, moves) in enumerate(zip(bpm, motion, strict=True)):
        fast = NAN if speed is None else one(speed[second])
        recovery.update(ROW, one(second), one(beats), one(hr_max), one(moves), fast)
    return recovery.latest_bpm(ROW).item()


HARD_THEN_REST = np.concatenate([np.full(70, 170.0), 170.0 - 40.0 * np.minimum(np.arange(80) / 60, 1.0)])


def test_recovery_is_the_fall_over_a_minute_of_rest_after_a_hard_minute():
    motion = np.where(np.arange(150) < 70, 6.0, 0.2)
    assert recovery_of(HARD_THEN_REST, motion) == pytest.approx(40.0, abs=1.0)
    nothing = np.full(150, np.nan)
    assert recovery_of(HARD_THEN_REST, nothing, speed=np.where(np.arange(150) < 70, 4.0, 0.0)) == pytest.approx(
        40, abs=1
    )


@pytest.mark.parametrize(
    ("bpm", "motion"),
    [
        (HARD_THEN_REST, np.full(150, 6.0)),  # no rest
        (HARD_THEN_REST, np.where(np.arange(150) < 70, 6.0, np.where(np.arange(150) == 100, 3.0, 0.2))),  # a step aside
        (HARD_THEN_REST - 30.0, np.where(np.arange(150) < 70, 6.0, 0.2)),  # not hard
        (HARD_THEN_REST[30:], np.where(np.arange(120) < 40, 6.0, 0.2)),  # hard for 40 s only
        (HARD_THEN_REST[:120], np.where(np.arange(120) < 70, 6.0, 0.2)),  # rest of 50 s
        (HARD_THEN_REST, np.full(150, np.nan)),  # nobody knows whether there was rest
    ],
)
def test_without_a_hard_minute_and_a_minute_of_rest_there_is_no_recovery(bpm, motion):
    assert np.isnan(recovery_of(bpm, motion))


def test_the_odometer_wins_and_the_other_distance_is_shown():
    track, move, odometer, clock = SpeedTrack(1), Locomotion(1), Odometer(1), SampleClock(1)
    distance = Distance(move, odometer, clock)
    for second in range(101):
        clock.update(ROW, one(second))
        for step in track.update(ROW, one(second), one(2.0), NAN, NAN):
            move.update(step)
        reading = NAN if second < 20 else one(5000 + 3.0 * (second - 20))
        odometer.update(ROW, one(second), reading, move.total("distance_m", ROW))
    total, per_min = distance.values(ROW)[:, 0]
    assert total == pytest.approx(20 * 2.0 + 80 * 3.0)
    assert per_min == pytest.approx(60 * total / 100)
    assert distance.summary_values(ROW)[:, 0].tolist() == [1.0, 200.0]


def test_without_an_odometer_the_speed_counts():
    distance = Distance(Locomotion(1), Odometer(1), SampleClock(1))
    assert np.isnan(distance.values(ROW)).all()
    assert distance.summary_values(ROW)[0, 0] == 0.0


@given(st.lists(st.tuples(st.floats(0, 8), st.sampled_from(["on", "reset", "jump", "none"])), max_size=40))
def test_an_odometer_adds_its_advance_and_nothing_when_it_is_set_anew(steps):
    odometer, reading, expected = Odometer(1), 100.0, 0.0
    odometer.update(ROW, one(0), one(reading), one(0))
    for second, (advance, kind) in enumerate(steps, 1):
        if kind == "none":
            odometer.update(ROW, one(second), NAN, one(0))
            continue
        reading = {"on": reading + advance, "reset": 0.0, "jump": reading + 1e5}[kind]
        expected += advance if kind == "on" else 0.0
        odometer.update(ROW, one(second), one(reading), one(0))
    resets = [kind for _, kind in steps if kind != "none"]
    if "reset" not in resets or reading > 0.0:
        assert odometer.distance_m(ROW, one(0)).item() == pytest.approx(expected)


def test_steps_are_the_cadence_over_time_whatever_the_rate_of_the_samples():
    for rate_hz in (1, 10):
        steps = StepCount(1)
        for i in range(60 * rate_hz + 1):
            steps.update(ROW, one(i / rate_hz), one(180) if i % rate_hz == 0 else NAN)
        assert steps.total(ROW).item() == pytest.approx(180.0)
        assert steps.mean_spm(ROW).item() == pytest.approx(180.0)
    assert np.isnan(StepCount(1).total(ROW)).all()


def zones_of(bpm, limits, hr_max=200.0, hr_rest=50.0):
    zones, own = HeartRateZones(1), SquadLimits(1)
    own.set(0, limits)
    for beats in bpm:
        zone = zones.update(ROW, one(1), one(beats), one(hr_max), own.zones_bpm(ROW, one(hr_max), one(hr_rest)))
    return zones, int(zone[0])


@pytest.mark.parametrize(
    ("limits", "edges"),
    [
        (ZoneLimits("bpm", (0.0, 142.0, 171.0)), (0, 142, 171)),
        (ZoneLimits("percent_of_max", (55.0, 65.0, 75.0, 85.0, 95.0)), (110, 130, 150, 170, 190)),
        (ZoneLimits("percent_of_reserve", (50.0, 60.0, 70.0, 80.0, 90.0)), (125, 140, 155, 170, 185)),
    ],
)
def test_time_in_an_athletes_own_zones(limits, edges):
    bpm = np.random.default_rng(1).uniform(90, 200, 300)
    zones, last = zones_of(bpm, Limits(zones=limits))
    expected = np.bincount(np.searchsorted(edges, bpm, side="right"), minlength=6)
    assert zones.values(ROW)[:6, 0].tolist() == expected.tolist()
    assert last == np.searchsorted(edges, bpm[-1], side="right")


def test_edwards_and_everybody_elses_zones_stay_those_of_the_maximum():
    bpm = np.random.default_rng(2).uniform(90, 200, 300)
    own, _ = zones_of(bpm, Limits(zones=ZoneLimits("bpm", (0.0, 142.0, 171.0))))
    usual, _ = zones_of(bpm, DEFAULT_LIMITS)
    assert own.values(ROW)[-1] == usual.values(ROW)[-1]
    assert usual.values(ROW)[:6].tobytes() == usual.seconds(ROW).tobytes()


def test_zones_in_beats_need_no_maximum():
    zones, last = zones_of([150.0], Limits(zones=ZoneLimits("bpm", (0.0, 142.0, 171.0))), hr_max=np.nan)
    assert last == 2
    assert zones.own_seconds(ROW)[2, 0] == 1.0


def test_degrees_become_metres_on_the_plane_of_the_first_fix():
    plane = LocalPlane(1)
    fixes = [(48.0, 179.9999), (48.001, -179.9999), (48.0, 179.9999)]
    found = [plane.metres(ROW, NAN, NAN, one(lat), one(lon), NAN) for lat, lon in fixes]
    x, y = np.array(found)[:, :, 0].T
    assert y == pytest.approx([0.0, 111.195, 0.0], abs=0.01)
    assert x == pytest.approx([0.0, 14.88, 0.0], abs=0.01)


def test_bad_fixes_are_left_out_and_metres_are_kept_as_given():
    plane = LocalPlane(1)
    assert np.isnan(plane.metres(ROW, NAN, NAN, one(48), one(11), one(80))).all()
    assert [float(value[0]) for value in plane.metres(ROW, one(3), one(4), one(48), one(11), NAN)] == [3.0, 4.0]


@pytest.mark.parametrize(("rpe", "minutes", "load"), [(7, 60, 420.0), (0, 90, 0.0), (10, 0, 0.0)])
def test_session_rpe_load(rpe, minutes, load):
    assert srpe_load(rpe, minutes) == load


@pytest.mark.parametrize(("rpe", "minutes"), [(11, 60), (-1, 60), (5, -1), (float("nan"), 60)])
def test_a_rating_that_there_is_not_is_refused(rpe, minutes):
    with pytest.raises(ValueError, match="not allowed"):
        srpe_load(rpe, minutes)


def test_reserve_zones_agree_with_the_reserve():
    own = SquadLimits(1)
    own.set(0, Limits(zones=ZoneLimits("percent_of_reserve", (50.0, 80.0))))
    body = SimpleNamespace(hr_rest=one(52), hr_max=one(193))
    limits = own.zones_bpm(ROW, body.hr_max, body.hr_rest)[:2, 0]
    assert hr_reserve_fraction(limits, body.hr_rest, body.hr_max) == pytest.approx([0.5, 0.8])
