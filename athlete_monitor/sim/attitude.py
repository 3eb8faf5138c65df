"""Quaternions of the sensor's attitude, as arrays with the four components (w, x, y, z) on axis 0.

``q`` turns vectors of the sensor frame (x forward, y left, z up when worn straight) into the world frame (x, y along
the pitch, z up).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from athlete_monitor.arrays import FloatArray


def from_euler(roll_rad: FloatArray, pitch_rad: FloatArray, yaw_rad: FloatArray) -> FloatArray:
    """Unit quaternions [4, ...] of yaw about z, then pitch about y (forward lean is positive), then roll about x."""
    cr, sr = np.cos(roll_rad / 2), np.sin(roll_rad / 2)
    cp, sp = np.cos(pitch_rad / 2), np.sin(pitch_rad / 2)
    cy, sy = np.cos(yaw_rad / 2), np.sin(yaw_rad / 2)
    return np.stack(
        (
            cr * cp * cy + sr * sp * sy,
            sr * cp * cy - cr * sp * sy,
            cr * sp * cy + sr * cp * sy,
            cr * cp * sy - sr * sp * cy,
        )
    )


def multiply(p: FloatArray, q: FloatArray) -> FloatArray:
    """Hamilton product p ⊗ q of quaternions [4, ...]."""
    pw, px, py, pz = p
    qw, qx, qy, qz = q
    return np.stack(
        (
            pw * qw - px * qx - py * qy - pz * qz,
            pw * qx + px * qw + py * qz - pz * qy,
            pw * qy - px * qz + py * qw + pz * qx,
            pw * qz + px * qy - py * qx + pz * qw,
        )
    )


def conjugate(q: FloatArray) -> FloatArray:
    """The opposite rotations of unit quaternions [4, ...]."""
    return np.stack((q[0], -q[1], -q[2], -q[3]))


def rotation_vector(q: FloatArray) -> FloatArray:
    """Axis times angle, rad [3, ...], of unit quaternions [4, ...]: the shorter way round, at most π."""
    sign = np.where(q[0] < 0.0, -1.0, 1.0)
    norm = np.sqrt(q[1] * q[1] + q[2] * q[2] + q[3] * q[3])
    angle = 2.0 * np.arctan2(norm, sign * q[0])
    scale = np.where(norm > 1e-12, angle / np.maximum(norm, 1e-12), 2.0) * sign
    return np.stack((scale * q[1], scale * q[2], scale * q[3]))


def from_rotation_vector(v: FloatArray) -> FloatArray:
    """Unit quaternions [4, ...] of rotation vectors, rad [3, ...]: the inverse of ``rotation_vector``."""
    angle = np.sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2])
    scale = np.where(angle > 1e-12, np.sin(angle / 2) / np.maximum(angle, 1e-12), 0.5)
    return np.stack((np.cos(angle / 2), scale * v[0], scale * v[1], scale * v[2]))


def angular_rate(before: FloatArray, after: FloatArray, dt_s: float) -> FloatArray:
    """Mean angular rate in the sensor frame, rad/s [3, ...], that carries ``before`` into ``after`` in ``dt_s``.

    It is what a gyroscope that averages over its sample interval reads, and integrates back to the attitude exactly:
    after = before ⊗ exp(rate·dt).
    """
    return rotation_vector(multiply(conjugate(before), after)) / dt_s


def to_sensor(q: FloatArray, vector: FloatArray) -> FloatArray:
    """World vectors [3, ...] as seen in the sensor frame [3, ...]."""
    w, x, y, z = q
    vx, vy, vz = vector
    xx, yy, zz = x * x, y * y, z * z
    xy, xz, yz, wx, wy, wz = x * y, x * z, y * z, w * x, w * y, w * z
    return np.stack(
        (
            vx * (1 - 2 * (yy + zz)) + 2 * (vy * (xy + wz) + vz * (xz - wy)),
            vy * (1 - 2 * (xx + zz)) + 2 * (vx * (xy - wz) + vz * (yz + wx)),
            vz * (1 - 2 * (xx + yy)) + 2 * (vx * (xz + wy) + vy * (yz - wx)),
        )
    )
