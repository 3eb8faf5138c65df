"""One conformance suite for every orientation filter, on simulated motion with known attitude."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor.arrays import GRAVITY_MPS2
from athlete_monitor.fusion import FILTERS, AhrsMadgwick, ImuFusion, LowPassGravity, tilt_quaternion, up_in_sensor_frame
from tests.simulated_motion import running, tilt_error_deg

SETTLED_S = 10.0
NO_MAG = np.full((1, 3), np.nan)
ROW = np.array([0])
WITH_GYROSCOPE = [ImuFusion, AhrsMadgwick]
EVERY = [*WITH_GYROSCOPE, LowPassGravity]


def follow(orientation, motion, *, gyroscope=True):
    """Attitudes [n, 4] and linear accelerations [n, 3], sample by sample."""
    gyro = motion.gyro_rad_s if gyroscope else np.full_like(motion.gyro_rad_s, np.nan)
    attitudes, linear = [], []
    for i in range(len(motion.t)):
        at = slice(i, i + 1)
        linear.append(orientation.update(ROW, motion.t[at], motion.acc_mps2[at], gyro[at], NO_MAG)[0])
        attitudes.append(orientation.quaternions(ROW)[0])
    return np.array(attitudes), np.array(linear)


def rms(values):
    return float(np.sqrt(np.mean(np.square(values))))


def settled(motion):
    return motion.t - motion.t[0] > SETTLED_S


@pytest.mark.parametrize("make", WITH_GYROSCOPE)
@pytest.mark.parametrize("effort", [0.0, 0.3, 1.0])
@pytest.mark.parametrize(("rate_hz", "seconds"), [(10, 60), (50, 30), (100, 25)])
def test_tilt_is_within_two_degrees_rms_from_standing_to_running(make, effort, rate_hz, seconds):
    motion = running(seed=7, seconds=seconds, rate_hz=rate_hz, effort=effort)
    attitudes, linear = follow(make(1), motion)
    error_deg = tilt_error_deg(attitudes, motion.up)[settled(motion)]
    assert rms(error_deg) < 2.0
    assert rms(np.linalg.norm(linear - motion.linear_mps2, axis=1)[settled(motion)]) < GRAVITY_MPS2 * np.radians(2.5)


@pytest.mark.parametrize("make", WITH_GYROSCOPE)
def test_seconds_of_speeding_up_and_down_mislead_by_single_degrees_only(make):
    motion = running(seed=7, rate_hz=10, surge_mps2=2.5)
    attitudes, _ = follow(make(1), motion)
    assert rms(tilt_error_deg(attitudes, motion.up)[settled(motion)]) < 8.0


@pytest.mark.parametrize("make", EVERY)
def test_without_a_gyroscope_gravity_is_the_slow_average(make):
    motion = running(seed=3, rate_hz=50, seconds=30, effort=0.3)
    attitudes, linear = follow(make(1), motion, gyroscope=False)
    expected_attitudes, expected = follow(LowPassGravity(1), motion)
    assert np.array_equal(linear, expected)
    assert rms(tilt_error_deg(expected_attitudes, motion.up)[settled(motion)]) < 6.0
    if make is not LowPassGravity:
        assert np.isnan(attitudes).all()


@pytest.mark.parametrize("make", EVERY)
@pytest.mark.parametrize("up", [(0, 0, 1), (0, 0, -1), (1, 0, 0), (-0.5, 0.5, -0.70710678)])
def test_a_sensor_at_rest_in_any_attitude_feels_no_linear_acceleration(make, up):
    orientation = make(1)
    acc = GRAVITY_MPS2 * np.array([up], dtype=np.float64)
    for i in range(600):
        linear = orientation.update(ROW, np.array([i / 50]), acc, np.zeros((1, 3)), NO_MAG)
    assert np.abs(linear).max() < 0.02
    assert tilt_error_deg(orientation.quaternions(ROW), np.array([up]))[0] < 0.2


@pytest.mark.parametrize("make", EVERY)
def test_attitudes_stay_unit_quaternions(make):
    attitudes, _ = follow(make(1), running(seed=5, rate_hz=10, seconds=30, surge_mps2=3.0))
    assert np.linalg.norm(attitudes, axis=1) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("make", EVERY)
def test_after_a_gap_the_attitude_starts_anew(make):
    orientation = make(1)
    gyro = np.zeros((1, 3))
    for i in range(100):
        orientation.update(ROW, np.array([i / 10]), np.array([[0, 0, GRAVITY_MPS2]]), gyro, NO_MAG)
    linear = orientation.update(ROW, np.array([60.0]), np.array([[GRAVITY_MPS2, 0, 0]]), gyro, NO_MAG)
    assert np.abs(linear).max() < 1e-6


@pytest.mark.parametrize("make", EVERY)
def test_a_clock_that_jumps_back_starts_the_attitude_anew_and_spoils_nothing(make):
    before, after = running(seed=1, rate_hz=50, seconds=3), running(seed=2, rate_hz=50, seconds=15, effort=0.3)
    orientation, fresh = make(1), make(1)
    shifted = type(before)(before.t + 3600.0, *list(vars(before).values())[1:])
    follow(orientation, shifted)
    assert np.array_equal(follow(orientation, after)[1], follow(fresh, after)[1])


@pytest.mark.parametrize("make", EVERY)
def test_a_sample_without_acceleration_changes_nothing(make):
    motion = running(seed=2, rate_hz=10, seconds=5)
    orientation, expected = make(1), make(1)
    for i in range(len(motion.t)):
        at = slice(i, i + 1)
        if i == 20:
            void = np.full((1, 3), np.nan)
            assert np.isnan(orientation.update(ROW, motion.t[at], void, motion.gyro_rad_s[at], NO_MAG)).all()
            continue
        for each in (orientation, expected):
            last = each.update(ROW, motion.t[at], motion.acc_mps2[at], motion.gyro_rad_s[at], NO_MAG)
    assert np.isfinite(last).all()
    assert orientation.state(0) == expected.state(0)


def test_a_magnetometer_makes_the_heading_observable():
    orientation = ImuFusion(1)
    heading = np.radians(60.0)
    mag = np.array([[20 * np.cos(heading), -20 * np.sin(heading), -40.0]])
    for i in range(2000):
        orientation.update(ROW, np.array([i / 50]), np.array([[0, 0, GRAVITY_MPS2]]), np.zeros((1, 3)), mag)
    w, _, _, z = orientation.quaternions(ROW)[0]
    assert np.degrees(2 * np.arctan2(z, w)) % 360 == pytest.approx(60.0, abs=1.0)


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=3).filter(lambda v: np.linalg.norm(v) > 0.1))
def test_the_tilt_of_a_direction_points_it_up(direction):
    up = np.array(direction)[:, None] / np.linalg.norm(direction)
    quaternion = tilt_quaternion(up)
    assert np.linalg.norm(quaternion) == pytest.approx(1.0)
    assert up_in_sensor_frame(quaternion) == pytest.approx(up, abs=1e-5)


def test_the_names_of_the_configuration_name_the_filters():
    assert {name: make(1).__class__ for name, make in FILTERS.items()} == {"imufusion": ImuFusion, "ahrs": AhrsMadgwick}
