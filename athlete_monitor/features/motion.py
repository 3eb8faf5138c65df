"""The quantities of one sample: movement without gravity, steps, speed, slope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from athlete_monitor.arrays import ACC, ALTITUDE, CADENCE, GYRO, SPEED
from athlete_monitor.decay import remaining
from athlete_monitor.features.layout import (
    ACCELERATION,
    CADENCES,
    GRADE,
    GRAVITY,
    PREVIOUS_ACC,
    ROTATION,
    SIDE,
    SIGNAL_COLUMN,
    SIGNALS,
    SMOOTH_ALTITUDE,
    SMOOTH_SPEED,
    SPEEDS,
)

if TYPE_CHECKING:
    from athlete_monitor.arrays import BoolArray, FloatArray

CLIMB_TAU_S: Final = 15.0
_STEP_THRESHOLD_MPS2: Final = 0.6
_LEAST_SPEED_MPS: Final = 0.5
_LEAST_GRAVITY_MPS2: Final = 0.1
_STEEPEST_GRADE: Final = 0.3

Signals: TypeAlias = "dict[str, FloatArray]"
"""Quantities by name, float64 [k] each."""


def signals_of(
    state: FloatArray,
    known: FloatArray,
    elapsed: FloatArray,
    relax: FloatArray,
    present: BoolArray,
    gravity_keep: FloatArray,
) -> FloatArray:
    """Every quantity of this sample, [k, len(SIGNALS)]; advances the short memories of ``state`` on the way.

    A group that no row has now is left at 0: it gets no weight.
    """
    now: list[bool] = np.logical_or.reduce(present, axis=0).tolist()
    signals: Signals = {}
    if now[ACCELERATION]:
        signals.update(_motion(state, known[:, ACC], elapsed[:, ACCELERATION], relax[:, ACCELERATION], gravity_keep))
    if now[ROTATION]:
        signals["rotation_rad_s"] = length_of(known[:, GYRO])
    if now[SPEEDS]:
        signals["speed_mps"] = known[:, SPEED]
        signals["speed_sq_m2ps2"] = known[:, SPEED] * known[:, SPEED]
    if now[CADENCES]:
        signals["cadence_spm"] = known[:, CADENCE]
    if now[GRADE]:
        signals.update(_slope(state, known[:, SPEED], known[:, ALTITUDE], relax[:, GRADE]))
    columns = np.zeros((len(state), len(SIGNALS)))
    for name, values in signals.items():
        columns[:, SIGNAL_COLUMN[name]] = values
    return columns


def _motion(
    state: FloatArray, acc: FloatArray, elapsed: FloatArray, relax: FloatArray, gravity_keep: FloatArray
) -> Signals:
    """Movement without gravity, for any orientation of the sensor: along gravity, across it, jerk and steps."""
    # A row without acceleration now has relax 0: nothing here moves, and its signals get no weight.
    gravity = state[:, GRAVITY]
    previous = state[:, PREVIOUS_ACC]
    gravity += (1.0 - gravity_keep) * (acc - gravity)
    signals, moves, rate = movement(acc, gravity, previous, elapsed)
    signals["acc_step_rate_hz"] = _steps(state, signals["acc_vertical_mps2"], moves) * rate
    np.copyto(previous, acc, where=(relax > 0.0)[:, None])
    return signals


def movement(
    acc: FloatArray, gravity: FloatArray, previous: FloatArray, elapsed: FloatArray
) -> tuple[Signals, BoolArray, FloatArray]:
    """Everything about movement but steps, from vectors [..., 3]; where time has passed, and 1/s for jerk and steps."""
    dynamic = acc - gravity
    vectors = np.array([dynamic, gravity, acc, acc - previous])
    squares = _dot(vectors, vectors)
    dynamic_length, gravity_length, resultant, change = np.sqrt(squares)
    vertical = _dot(dynamic, gravity) / np.fmax(gravity_length, _LEAST_GRAVITY_MPS2)
    dynamic_sq = squares[0]
    moves = elapsed > 0.0
    rate = np.where(moves, 1.0, 0.0) / np.where(moves, elapsed, 1.0)
    signals = {
        "acc_x_mps2": acc[..., 0],
        "acc_y_mps2": acc[..., 1],
        "acc_z_mps2": acc[..., 2],
        "acc_vertical_mps2": vertical,
        "acc_horizontal_mps2": np.sqrt(np.fmax(dynamic_sq - vertical * vertical, 0.0)),
        "acc_resultant_mps2": resultant,
        "acc_dynamic_mps2": dynamic_length,
        "acc_dynamic_sq_m2ps4": dynamic_sq,
        "acc_jerk_mps3": change * rate,
    }
    return signals, moves, rate


def _steps(state: FloatArray, vertical: FloatArray, moves: BoolArray) -> BoolArray:
    """Whether the vertical acceleration rises through zero, with hysteresis: once a step or bound."""
    side = state[:, SIDE]
    now, changes = sides(vertical, moves)
    step: BoolArray = changes & (now > 0.0) & (side < 0.0)
    np.copyto(side, now, where=changes)
    return step


def sides(vertical: FloatArray, moves: BoolArray) -> tuple[FloatArray, BoolArray]:
    """On which side of zero the vertical acceleration is, 1 or -1, and where that is clear."""
    rises = vertical > _STEP_THRESHOLD_MPS2
    return np.where(rises, 1.0, -1.0), moves & (rises | (vertical < -_STEP_THRESHOLD_MPS2))


def _slope(state: FloatArray, speed: FloatArray, altitude: FloatArray, relax: FloatArray) -> Signals:
    """Climbing speed (m/s) and the metabolic power of running on this slope (W/kg).

    Cost of running by slope: Minetti et al. 2002 (J Appl Physiol 93:1039), slopes within ±0.45; here held to ±0.3.
    """
    keep = remaining(relax * (1.0 / CLIMB_TAU_S))
    smooth = state[:, SMOOTH_ALTITUDE]
    smooth += (1.0 - keep) * (altitude - smooth)
    pace = state[:, SMOOTH_SPEED]
    pace += (1.0 - keep) * (speed - pace)
    return climbing(speed, altitude, smooth, pace)


def climbing(speed: FloatArray, altitude: FloatArray, smooth: FloatArray, pace: FloatArray) -> Signals:
    """The signals of ``_slope``, from altitude (m) and speed (m/s) and their averages, all of one shape."""
    climb = (altitude - smooth) * (1.0 / CLIMB_TAU_S)
    grade = np.fmin(np.fmax(climb / np.fmax(pace, _LEAST_SPEED_MPS), -_STEEPEST_GRADE), _STEEPEST_GRADE)
    cost = 3.6 + grade * (19.5 + grade * (46.3 + grade * (-43.3 + grade * (-30.4 + grade * 155.4))))
    return {"grade_power_w_kg": cost * speed, "grade_climb_mps": climb}


def _dot(a: FloatArray, b: FloatArray) -> FloatArray:
    """Inner products of the rows of two [..., 3] arrays, in a fixed order."""
    products = a * b
    total: FloatArray = products[..., 0] + products[..., 1] + products[..., 2]
    return total


def length_of(a: FloatArray) -> FloatArray:
    """Lengths of the vectors of a [..., 3] array."""
    return np.sqrt(_dot(a, a))
