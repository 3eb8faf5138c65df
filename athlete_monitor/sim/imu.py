"""The sensor between the shoulder blades: what it measures of the motion, with the errors of a consumer part.

Errors are those of common MEMS data sheets (BMI270, BMM150): accelerometer offset some 0.05 m/s², gyroscope offset
some 0.5 °/s, magnetometer offset after calibration some 1 µT. Samples are points in time, not averages, except the
gyroscope's, which is the mean rate since the sample before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.sim import attitude

if TYPE_CHECKING:
    from athlete_monitor.arrays import FloatArray

EARTH_FIELD_UT: Final = (18.3, 10.6, -45.3)
"""50 µT, dipping by 65° (central Europe), north 30° to the left of the pitch's long axis."""
ACC_NOISE_MPS2: Final = 0.04
ACC_NOISE_PER_MPS: Final = 0.10
"""Straps and clothes make the trunk's signal less regular the faster it goes."""
GYRO_NOISE_RAD_S: Final = 0.006
GYRO_NOISE_PER_MPS: Final = 0.02
MAG_NOISE_UT: Final = 0.4
ACC_BIAS_MPS2: Final = 0.05
GYRO_BIAS_RAD_S: Final = 0.008
MAG_BIAS_UT: Final = 1.0
MOUNT_RAD: Final = (0.05, 0.06, 0.05)
MOUNT_PITCH_RAD: Final = 0.12
"""The upper back leans forward by some 7° in a man who stands."""
NOISE_CHANNELS: Final = 10
"""White noise that ``measure`` wants: acceleration, rotation, magnetic field (3 each), speed."""


@dataclass(frozen=True)
class SensorErrors:
    """Constant errors of each sensor in this session: [3, athletes, 1], and how it sits (roll, pitch, yaw; rad)."""

    acc_bias_mps2: FloatArray
    gyro_bias_rad_s: FloatArray
    mag_bias_ut: FloatArray
    mount_rad: FloatArray

    @classmethod
    def of(cls, draws: FloatArray) -> SensorErrors:
        """Make the devices from standard normal numbers [athletes, 12]."""
        parts = np.clip(draws, -2.5, 2.5).reshape(-1, 4, 3).transpose(1, 2, 0)[..., None]
        mount = parts[3] * np.array(MOUNT_RAD)[:, None, None]
        mount[1] += MOUNT_PITCH_RAD
        return cls(ACC_BIAS_MPS2 * parts[0], GYRO_BIAS_RAD_S * parts[1], MAG_BIAS_UT * parts[2], mount)


@dataclass(frozen=True)
class Ideal:
    """What a perfect sensor would read, [3, athletes, time] in m/s², rad/s and µT, and its attitude [4, ...]."""

    force_mps2: FloatArray
    rotation_rad_s: FloatArray
    field_ut: FloatArray
    attitude: FloatArray


def ideal(
    world_force_mps2: FloatArray, angles_rad: tuple[FloatArray, FloatArray, FloatArray], before: FloatArray, dt_s: float
) -> Ideal:
    """Return the perfect readings of a sensor in this attitude.

    Args:
        world_force_mps2: acceleration less gravity, in world axes [3, athletes, time].
        angles_rad: roll, pitch and yaw of the sensor [athletes, time].
        before: attitude one sample before the first [4, athletes].
        dt_s: time between samples.
    """
    now = attitude.from_euler(*angles_rad)
    previous = np.concatenate((before[..., None], now[..., :-1]), axis=-1)
    field = np.array(EARTH_FIELD_UT)[:, None, None]
    return Ideal(
        force_mps2=attitude.to_sensor(now, world_force_mps2),
        rotation_rad_s=attitude.angular_rate(previous, now, dt_s),
        field_ut=attitude.to_sensor(now, field),
        attitude=now,
    )


def measure(
    perfect: Ideal, device: SensorErrors, speed_mps: FloatArray, noise: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return acceleration, rotation and field as read, [3, athletes, time].

    ``noise`` holds standard normal numbers [``NOISE_CHANNELS``, athletes, time].
    """
    acc = perfect.force_mps2 + device.acc_bias_mps2 + (ACC_NOISE_MPS2 + ACC_NOISE_PER_MPS * speed_mps) * noise[0:3]
    gyro_noise = GYRO_NOISE_RAD_S + GYRO_NOISE_PER_MPS * speed_mps
    gyro = perfect.rotation_rad_s + device.gyro_bias_rad_s + gyro_noise * noise[3:6]
    return acc, gyro, perfect.field_ut + device.mag_bias_ut + MAG_NOISE_UT * noise[6:9]
