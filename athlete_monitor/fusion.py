"""Orientation of the sensor, and its acceleration without gravity.

Quaternions are [w, x, y, z] and turn vectors of the sensor frame into an earth frame whose z axis points up. A sensor at
rest measures +1 g along up (specific force). Tilt (roll and pitch) is observable from gravity; the heading is not, unless
there is a magnetometer: without one it starts at zero and drifts. Gravity-free acceleration needs the tilt alone.

The real sample period of each sample is used. Where a sample has no gyroscope, gravity is a slow low-pass of the
acceleration, whichever filter was chosen.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Protocol

import ahrs
import imufusion
import numpy as np

from athlete_monitor.arrays import GRAVITY_MPS2, MAX_STEP_S
from athlete_monitor.physiology.squad_state import SquadState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from athlete_monitor.arrays import BoolArray, FloatArray, IntArray

GRAVITY_TAU_S: Final = 1.0
"""Time constant of the low-pass that stands for gravity where there is no gyroscope."""


class OrientationFilter(Protocol):
    """Follows the attitude of one sensor per athlete. Each athlete appears at most once in a call."""

    def update(
        self, rows: IntArray, t: FloatArray, acc_mps2: FloatArray, gyro_rad_s: FloatArray, mag_ut: FloatArray
    ) -> FloatArray:
        """Take acc [k, 3] m/s^2, gyro [k, 3] rad/s and mag [k, 3] uT (NaN: none) of the samples at ``t`` [k], s.

        Returns the linear acceleration [k, 3], m/s^2, gravity removed, in the sensor frame; NaN where acc is NaN.
        """

    def quaternions(self, rows: IntArray) -> FloatArray:
        """Attitudes [k, 4]; NaN before the first acceleration."""

    def grow(self, capacity: int) -> None:
        """Make room for ``capacity`` athletes."""

    def reset(self, rows: IntArray) -> None:
        """Forget ``rows`` [k]."""

    def state(self, row: int) -> dict[str, Any]:
        """State of one athlete, JSON types only."""

    def set_state(self, row: int, state: Mapping[str, Any]) -> None:
        """Restore what ``state`` returned."""


def tilt_quaternion(up: FloatArray) -> FloatArray:
    """Shortest rotations [4, k] that turn the sensor-frame directions ``up`` [3, k] upwards; heading is arbitrary."""
    x, y, z = up / np.sqrt(up[0] * up[0] + up[1] * up[1] + up[2] * up[2])
    w = np.sqrt(np.maximum(0.5 * (1.0 + z), 0.0))
    flipped = w < 1e-6
    scale = 0.5 / np.where(flipped, 1.0, w)
    return np.stack([np.where(flipped, 0.0, w), np.where(flipped, 1.0, y * scale), -x * scale * ~flipped, 0.0 * z])


def up_in_sensor_frame(quaternion: FloatArray) -> FloatArray:
    """Unit vectors [3, k] that point up, seen from the sensor, for attitudes [4, k]."""
    w, x, y, z = quaternion
    return np.stack([2.0 * (x * z - w * y), 2.0 * (y * z + w * x), w * w - x * x - y * y + z * z])


class LowPassGravity(SquadState):
    """Gravity as the acceleration averaged over 1 s: for devices without a gyroscope.

    It starts from the first sample, and anew after a gap of more than 2 s.
    """

    FIELDS = MappingProxyType({"x": np.nan, "y": np.nan, "z": np.nan, "t": np.nan})

    def update(
        self,
        rows: IntArray,
        t: FloatArray,
        acc_mps2: FloatArray,
        gyro_rad_s: FloatArray | None = None,  # noqa: ARG002 - the protocol's
        mag_ut: FloatArray | None = None,  # noqa: ARG002
    ) -> FloatArray:
        """See ``OrientationFilter.update``; gyroscope and magnetometer are not used."""
        state = self._take(rows)
        gap = np.fmax(t - state[3], 0.0)
        weight = np.where(gap <= MAX_STEP_S, -np.expm1(gap / -GRAVITY_TAU_S), 1.0)
        weight = np.where(np.isnan(state[3]), 1.0, weight)
        acc = np.ascontiguousarray(acc_mps2.T)
        known = ~np.isnan(acc[0] + acc[1] + acc[2])
        gravity = np.where(weight >= 1.0, acc, state[:3] + weight * (acc - state[:3]))
        np.copyto(state[:3], gravity, where=known)
        np.copyto(state[3], t, where=known)
        self._put(rows, state)
        return (acc - gravity).T

    def quaternions(self, rows: IntArray) -> FloatArray:
        """Attitudes [k, 4] with an arbitrary heading; NaN before the first acceleration."""
        return tilt_quaternion(self._take(rows)[:3]).T


class _PerAthleteFilter(SquadState):
    """What filters with a gyroscope share: starting from the tilt, the fallback, gaps, and removing gravity."""

    FIELDS = MappingProxyType(
        {"w": np.nan, "x": np.nan, "y": np.nan, "z": np.nan, "t": np.nan, "settled_s": 0.0}
    )

    def __init__(self, capacity: int) -> None:
        super().__init__(capacity)
        self._fallback = LowPassGravity(capacity)

    def update(
        self, rows: IntArray, t: FloatArray, acc_mps2: FloatArray, gyro_rad_s: FloatArray, mag_ut: FloatArray
    ) -> FloatArray:
        """See ``OrientationFilter.update``."""
        slow = self._fallback.update(rows, t, acc_mps2)
        usable = np.isfinite(gyro_rad_s).all(axis=1) & np.isfinite(acc_mps2).all(axis=1)
        if not usable.any():
            return slow
        state = self._take(rows)
        gap = t - state[4]
        fresh = usable & ~(gap <= MAX_STEP_S)
        quaternion = state[:4]
        np.copyto(quaternion, tilt_quaternion(np.ascontiguousarray(acc_mps2.T)), where=fresh)
        self._advance(rows, np.where(fresh, 0.0, np.fmax(gap, 0.0)), acc_mps2, gyro_rad_s, mag_ut, quaternion, usable)
        np.copyto(state[4], t, where=usable)
        self._put(rows, state)
        linear = acc_mps2 - GRAVITY_MPS2 * up_in_sensor_frame(quaternion).T
        return np.where(usable[:, None], linear, slow)

    def _advance(self, *args: Any) -> None:
        raise NotImplementedError

    def quaternions(self, rows: IntArray) -> FloatArray:
        """Attitudes [k, 4]; NaN before the first sample with a gyroscope."""
        return self._take(rows)[:4].T


class ImuFusion(_PerAthleteFilter):
    """Madgwick's revised filter (chapter 7 of his thesis), from the imufusion library."""


class AhrsMadgwick(_PerAthleteFilter):
    """Madgwick's gradient-descent filter, from the ahrs library."""


FILTERS: Final[Mapping[str, Callable[[int], OrientationFilter]]] = MappingProxyType(
    {"imufusion": ImuFusion, "ahrs": AhrsMadgwick}
)
"""Filters by their name in the configuration (``sensors.fusion``)."""
