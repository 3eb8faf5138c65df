"""Orientation of the sensor, and its acceleration without gravity.

Quaternions are [w, x, y, z] and turn vectors of the sensor frame into an earth frame whose z axis points up. A sensor
at rest measures +1 g along up (specific force). Tilt (roll and pitch) is observable from gravity; the heading is not,
unless there is a magnetometer: without one it starts at an arbitrary value and drifts. Gravity-free acceleration needs
only the tilt.

The gait of a runner swings the acceleration by more than 1 g, several times a second, and both Madgwick filters take
the direction of each single sample for that of gravity. They therefore get the acceleration averaged over a second, in
a frame that the gyroscope keeps from turning (``SteadyForce``): swings average out, gravity remains. On simulated
running this reduces the tilt error from 6.6 to 1.2 degrees RMS. Sustained acceleration (seconds of sprinting, tight
bends) cannot be distinguished from tilt by an inertial sensor, whatever the filter.

The real sample period of each sample is used. For a sample without a gyroscope reading, the averaged acceleration
itself is taken as gravity with every filter.
"""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Protocol

import imufusion
import numpy as np

from athlete_monitor.arrays import GRAVITY_MPS2, MAX_STEP_S, every, places, some
from athlete_monitor.physiology.squad_state import SquadState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from athlete_monitor.arrays import BoolArray, FloatArray, IntArray

GRAVITY_TAU_S: Final = 1.0
"""Time constant of the average that smooths the acceleration."""
STARTUP_S: Final = 3.0
"""Time over which a filter trusts the accelerometer more, until it has settled."""
_NEXT: Final = np.array([1, 2, 0])
_AFTER: Final = np.array([2, 0, 1])
_IMUFUSION_UNITS: Final = np.array([1.0 / GRAVITY_MPS2, 180.0 / np.pi, 1.0])[:, None, None]
_NEARLY_STILL_RAD_S: Final = 1e-12
"""The ahrs library does not update the attitude at exactly zero rotation."""


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
        """Grow to ``capacity`` athletes."""

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
    return np.array([2.0 * (x * z - w * y), 2.0 * (y * z + w * x), w * w - x * x - y * y + z * z])


class SteadyForce(SquadState):
    """Acceleration averaged with a time constant of 1 s, in a frame that does not turn with the sensor.

    With a gyroscope the average is rotated with every turn of the sensor; without one, it is a plain low-pass. It
    starts as the mean of the first samples, and restarts after a gap of more than 2 s.
    """

    FIELDS = MappingProxyType({"x": np.nan, "y": np.nan, "z": np.nan, "t": np.nan, "since": np.nan})
    ADVANCES = "follow"

    def follow(self, rows: IntArray, t: FloatArray, acc: FloatArray, gyro_rad_s: FloatArray | None) -> FloatArray:
        """Take acc [3, k] and gyro [3, k] (NaN, or None for all: none) at ``t`` [k], s.

        Returns the average [3, k] in the unit of acc.

        Where acc is NaN the average is NaN and the state does not change.
        """
        state = self._open(rows)
        force, last = state[:3], state[3]
        known = ~np.isnan(acc[0] + acc[1] + acc[2])
        starts, dt_s, weight = _weights(state, t, known)
        carried = force
        if gyro_rad_s is not None:
            carried = _turned(force, np.where(np.isnan(gyro_rad_s), 0.0, gyro_rad_s) * dt_s)
        averaged: FloatArray = np.where(starts, acc, carried + weight * (acc - carried))
        np.copyto(force, averaged, where=known)
        np.copyto(last, t, where=known)
        self._put(rows, state)
        return averaged

    def foresee(self, before: FloatArray, args: Sequence[Any]) -> None:
        """See ``SquadState``."""
        _, t, acc, gyro_rad_s = args
        known = ~np.isnan(acc[0] + acc[1] + acc[2])
        starts, dt_s, weights = _weights(before.copy(), t, known)
        angles = np.zeros_like(acc) if gyro_rad_s is None else np.where(np.isnan(gyro_rad_s), 0.0, gyro_rad_s) * dt_s
        force, found = before[:3, 0].tolist(), []
        for push, angle, weight, begins in zip(
            acc.T.tolist(), angles.T.tolist(), weights.tolist(), starts.tolist(), strict=True
        ):
            found.append(force)
            if begins:
                force = push
            elif not math.isnan(weight):
                carried = _turned_one(force, angle)
                force = [old + weight * (new - old) for old, new in zip(carried, push, strict=True)]
        before[:3] = np.array(found).T


def _weights(state: FloatArray, t: FloatArray, known: BoolArray) -> tuple[BoolArray, FloatArray, FloatArray]:
    """Where averages start [k], the time that counts, s [k], and the weight of the sample [k]; stores the starts."""
    gap = t - state[3]
    starts = known & ~(np.abs(gap) <= MAX_STEP_S)
    np.copyto(state[4], t, where=starts)
    dt_s = np.where(starts, 0.0, np.maximum(gap, 0.0))
    weight = np.maximum(-np.expm1(dt_s / -GRAVITY_TAU_S), dt_s / np.maximum(t - state[4], dt_s + 1e-9))
    return starts, dt_s, np.where(known, weight, np.nan)


def _turned_one(vector: list[float], angle: list[float]) -> list[float]:
    """One vector, as ``_turned`` turns it."""
    (x, y, z), (a, b, c) = vector, angle
    fx, fy, fz = y * c - z * b, z * a - x * c, x * b - y * a
    return [x + fx + 0.5 * (fy * c - fz * b), y + fy + 0.5 * (fz * a - fx * c), z + fz + 0.5 * (fx * b - fy * a)]


def _turned(vector: FloatArray, angle: FloatArray) -> FloatArray:
    """Earth-fixed vectors [3, k] as the sensor sees them after turning by ``angle`` [3, k], rad, to second order."""
    angle_next, angle_after = angle.take(_NEXT, axis=0), angle.take(_AFTER, axis=0)
    first = vector.take(_NEXT, axis=0) * angle_after - vector.take(_AFTER, axis=0) * angle_next
    second = first.take(_NEXT, axis=0) * angle_after - first.take(_AFTER, axis=0) * angle_next
    turned: FloatArray = vector + first + 0.5 * second
    return turned


class LowPassGravity(SteadyForce):
    """Gravity as the acceleration averaged over 1 s: for devices without a gyroscope."""

    def update(
        self,
        rows: IntArray,
        t: FloatArray,
        acc_mps2: FloatArray,
        gyro_rad_s: FloatArray,  # noqa: ARG002 - every filter takes the same
        mag_ut: FloatArray,  # noqa: ARG002
    ) -> FloatArray:
        """See ``OrientationFilter.update``; gyroscope and magnetometer are not used."""
        gravity = self.follow(rows, t, np.ascontiguousarray(acc_mps2.T), None)
        return acc_mps2 - gravity.T

    def quaternions(self, rows: IntArray) -> FloatArray:
        """Attitudes [k, 4] with an arbitrary heading; NaN before the first acceleration."""
        return tilt_quaternion(self._take(rows)[:3]).T


class _GyroscopeFilter(SquadState):
    """What the filters with a gyroscope share: the steadied acceleration, the start from its tilt, gaps, gravity.

    After a gap of more than 2 s the attitude restarts.
    """

    FIELDS = MappingProxyType({"w": np.nan, "x": np.nan, "y": np.nan, "z": np.nan, "t": np.nan, "since": np.nan})

    def __init__(self, capacity: int) -> None:
        super().__init__(capacity)
        self._steady = SteadyForce(capacity)

    def update(
        self, rows: IntArray, t: FloatArray, acc_mps2: FloatArray, gyro_rad_s: FloatArray, mag_ut: FloatArray
    ) -> FloatArray:
        """See ``OrientationFilter.update``."""
        acc, gyro = np.ascontiguousarray(acc_mps2.T), np.ascontiguousarray(gyro_rad_s.T)
        turned = ~np.isnan(gyro[0] + gyro[1] + gyro[2])
        force = self._steady.follow(rows, t, acc, None if every(np.isnan(gyro)) else gyro)
        usable = turned & ~np.isnan(force[0])
        gravity = force.T
        if some(usable):
            attitude = self._turn(rows, t, force, gyro_rad_s, mag_ut, usable)
            gravity = np.where(usable, GRAVITY_MPS2 * up_in_sensor_frame(attitude), force).T
        return acc_mps2 - gravity

    def _turn(
        self,
        rows: IntArray,
        t: FloatArray,
        force: FloatArray,
        gyro_rad_s: FloatArray,
        mag_ut: FloatArray,
        usable: BoolArray,
    ) -> FloatArray:
        state = self._open(rows)
        gap = t - state[4]
        starts = usable & ~(np.abs(gap) <= MAX_STEP_S)
        if some(starts):
            np.copyto(state, np.vstack([tilt_quaternion(force), t, t]), where=starts)
            self._forget(rows[starts])
        moves = usable & (gap > 0.0) & ~starts
        moving = places(moves)
        if len(moving):
            elapsed = np.array([gap, t - state[5]]).take(moving, axis=1).T.tolist()
            vectors = np.array([force.T, gyro_rad_s, mag_ut]).take(moving, axis=1)
            before = state[:4, moving].T
            attitudes = self._steps(rows[moving].tolist(), elapsed, vectors, before)
            state[:4, moving] = np.concatenate(attitudes).reshape(-1, 4).T  # numpy.array of a list costs ten times that
        np.copyto(state[4], t, where=usable)
        self._put(rows, state)
        return state[:4]

    def _steps(
        self, rows: list[int], elapsed: list[list[float]], vectors: FloatArray, before: FloatArray
    ) -> list[FloatArray]:
        """Attitudes [k][4] after one step each, from those ``before`` [k, 4].

        ``elapsed`` [k][2] is the time since the last sample and since the start, s; ``vectors`` [3, k, 3] are the
        steadied acceleration, the gyroscope and the magnetometer.
        """
        raise NotImplementedError

    def _forget(self, rows: IntArray) -> None:
        """Drop state that is held outside the fields."""

    def quaternions(self, rows: IntArray) -> FloatArray:
        """Attitudes [k, 4]; NaN before the first sample with a gyroscope."""
        return self._take(rows)[:4].T

    @property
    def steady(self) -> SteadyForce:
        """The steadied acceleration."""
        return self._steady

    def grow(self, capacity: int) -> None:
        """Grow to ``capacity`` athletes."""
        super().grow(capacity)
        self._steady.grow(capacity)

    def reset(self, rows: IntArray) -> None:
        """Forget ``rows`` [k]."""
        super().reset(rows)
        self._steady.reset(rows)
        self._forget(rows)

    def state(self, row: int) -> dict[str, Any]:
        """State of one athlete, JSON types only."""
        return {**super().state(row), "steady": self._steady.state(row)}

    def set_state(self, row: int, state: Mapping[str, Any]) -> None:
        """Restore what ``state`` returned."""
        super().set_state(row, state)
        self._steady.set_state(row, state["steady"])
        self._forget(np.array([row]))


class ImuFusion(_GyroscopeFilter):
    """Madgwick's revised filter (chapter 7 of his thesis, 2014), from the imufusion library: 1-2 us a sample.

    The library's gain of 0.5 is kept, and its ramp down from 10 over the first 3 s; its rejection of accelerations is
    off, since the acceleration is steadied before. A magnetometer, where there is one, sets the heading.
    """

    def __init__(self, capacity: int) -> None:
        super().__init__(capacity)
        self._filters: dict[int, imufusion.Ahrs] = {}

    @property
    def filters(self) -> dict[int, imufusion.Ahrs]:
        """The library's filters by row."""
        return self._filters

    def _steps(
        self, rows: list[int], elapsed: list[list[float]], vectors: FloatArray, before: FloatArray
    ) -> list[FloatArray]:
        units = (vectors * _IMUFUSION_UNITS).astype(np.float32)  # the library's own type: else it converts each vector
        force, gyro, mag = units
        has_mag = (~np.isnan(mag[:, 0])).tolist()
        attitudes, filters = [], self._filters
        for i, (row, (step_s, since_start_s), turn, push) in enumerate(zip(rows, elapsed, gyro, force, strict=True)):
            held = filters.get(row)
            if held is None:
                held = filters[row] = _started(before[i], step_s, since_start_s - step_s)
            held.set_sample_period(step_s)
            if has_mag[i]:
                held.update(turn, push, mag[i])
            else:
                held.update_no_magnetometer(turn, push)
            attitudes.append(held.get_quaternion())
        return attitudes

    def _forget(self, rows: IntArray) -> None:
        for row in rows.tolist():
            self._filters.pop(row, None)


def _started(attitude: FloatArray, step_s: float, since_start_s: float) -> imufusion.Ahrs:
    """A filter that goes on from ``attitude`` [4]; ``step_s`` is about its sample period."""
    settings = imufusion.AhrsSettings()
    settings.sample_rate = 1.0 / step_s
    started = imufusion.Ahrs()
    started.set_settings(settings)
    started.set_quaternion(attitude)
    if since_start_s >= STARTUP_S:
        started.skip_startup()
    return started


class AhrsMadgwick(_GyroscopeFilter):
    """Madgwick's first filter, by gradient descent (2011), from the ahrs library: 50-100 us a sample.

    The library's gain of 0.033 rad/s, reached from 1 over the first 3 s as the revised filter does. No magnetometer.
    """

    def __init__(self, capacity: int) -> None:
        import ahrs

        super().__init__(capacity)
        self._filter = ahrs.filters.Madgwick()

    def _steps(
        self,
        rows: list[int],  # noqa: ARG002 - the library's filter holds nothing between samples
        elapsed: list[list[float]],
        vectors: FloatArray,
        before: FloatArray,
    ) -> list[FloatArray]:
        force, gyro, _ = vectors
        still = ~gyro.any(axis=1)
        gyro[still] = _NEARLY_STILL_RAD_S
        return [self._step(before[i], elapsed[i], gyro[i], force[i]) for i in range(len(before))]

    def _step(self, attitude: FloatArray, elapsed: list[float], gyro: FloatArray, force: FloatArray) -> FloatArray:
        step_s, since_start_s = elapsed
        self._filter.gain = max(self._filter.gain_imu, 1.0 - since_start_s / STARTUP_S)
        after: FloatArray = self._filter.updateIMU(attitude, gyro, force, step_s)
        return after


FILTERS: Final[Mapping[str, Callable[[int], OrientationFilter]]] = MappingProxyType(
    {"imufusion": ImuFusion, "ahrs": AhrsMadgwick}
)
"""Filters by their name in the configuration (``sensors.fusion``)."""
