"""Motion with known attitude: a torso-worn sensor on an athlete who stands, walks, runs and sprints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from athlete_monitor.arrays import GRAVITY_MPS2, FloatArray


@dataclass(frozen=True)
class Motion:
    """One athlete over time (axis 0); the truth beside what a consumer sensor measures."""

    t: FloatArray
    acc_mps2: FloatArray
    gyro_rad_s: FloatArray
    up: FloatArray
    """True direction of up in the sensor frame [n, 3]."""
    linear_mps2: FloatArray
    """True acceleration without gravity, in the sensor frame [n, 3]."""


def running(
    seed: int,
    seconds: float = 60.0,
    rate_hz: float = 100.0,
    *,
    effort: float = 1.0,
    surge_mps2: float = 0.5,
    jitter: float = 0.1,
    ideal_sensor: bool = False,
) -> Motion:
    """One scene. ``effort`` scales gait and turns: 0 stands still, 1 runs; ``surge_mps2`` is slow speeding up and down.

    Sample times jitter by a share of the period. The gyroscope gives the mean rate over each sample period, as
    integrating sensors do. Sensor errors are those of a consumer part: gyroscope 0.3 deg/s noise (RMS) and up to
    0.3 deg/s of bias on each axis, accelerometer 0.05 m/s^2 noise and up to 0.05 m/s^2 of bias.
    """
    rng = np.random.default_rng(seed)
    n = int(seconds * rate_hz)
    t = np.arange(n) / rate_hz + jitter / rate_hz * rng.uniform(-0.5, 0.5, n)
    phase = rng.uniform(0, 2 * np.pi, 12)

    def attitude(at: FloatArray) -> Rotation:
        step = 2 * np.pi * 2.7 * at
        roll = 0.1 * np.sin(2 * np.pi * 0.05 * at + phase[0]) + 0.06 * np.sin(step / 2 + phase[1])
        pitch = 0.25 * np.sin(2 * np.pi * 0.03 * at + phase[2]) + 0.05 * np.sin(step + phase[3])
        yaw = 2.0 * np.sin(2 * np.pi * 0.06 * at + phase[4]) + 0.12 * np.sin(step / 2 + phase[5])
        mounted = Rotation.from_euler("xyz", phase[9:12])
        return Rotation.from_euler("ZYX", effort * np.stack([yaw, pitch, roll], axis=-1)) * mounted

    def acceleration(at: FloatArray) -> FloatArray:
        step = 2 * np.pi * 2.7 * at
        heading = effort * 2.0 * np.sin(2 * np.pi * 0.06 * at + phase[4])
        ahead = 3.0 * np.sin(step + phase[6]) + surge_mps2 * np.sin(2 * np.pi * 0.15 * at + phase[7])
        aside = 2.0 * np.sin(step / 2 + phase[8])
        upwards = 9.0 * np.sin(step) + 3.0 * np.sin(2 * step + phase[6])
        east, north = np.cos(heading), np.sin(heading)
        return effort * np.stack([ahead * east - aside * north, ahead * north + aside * east, upwards], axis=-1)

    to_earth = attitude(t)
    to_sensor = to_earth.inv()
    linear = to_sensor.apply(acceleration(t))
    up = to_sensor.apply([0.0, 0.0, 1.0])
    before = attitude(np.concatenate([[2 * t[0] - t[1]], t[:-1]]))
    gyro = (before.inv() * to_earth).as_rotvec() / np.diff(t, prepend=2 * t[0] - t[1])[:, None]
    acc = linear + GRAVITY_MPS2 * up
    if not ideal_sensor:
        gyro = gyro + rng.normal(0, 0.005, gyro.shape) + rng.uniform(-0.005, 0.005, 3)
        acc = acc + rng.normal(0, 0.05, acc.shape) + rng.uniform(-0.05, 0.05, 3)
    return Motion(t + 1.75e9, acc, gyro, up, linear)


def tilt_error_deg(quaternions: FloatArray, up: FloatArray) -> FloatArray:
    """Angle [n], degrees, between true and estimated up."""
    w, x, y, z = quaternions.T
    estimated = np.stack([2 * (x * z - w * y), 2 * (y * z + w * x), w * w - x * x - y * y + z * z], axis=-1)
    cross = np.linalg.norm(np.cross(estimated, up), axis=-1)
    error_deg: FloatArray = np.degrees(np.arctan2(cross, np.sum(estimated * up, axis=-1)))
    return error_deg
