"""Where the body is and how it moves: the plan's straight legs, smoothed as a body smooths them.

Position follows the planned one through three first-order lags (decision, trunk, legs). Their response is positive
and adds up to one, so the path stays in the convex hull of the plan: inside the pitch. Together they give the
exponential rise of speed of sprinting (Furusawa, Hill & Parkinson 1927; di Prampero 2005) and accelerations up to
some 6 m/s².
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from athlete_monitor.arrays import FloatArray

PATH_TAUS_S: Final = (0.2, 0.3, 0.5)
FACING_TAUS_S: Final = (0.15, 0.2)


@dataclass
class PathState:
    """Memory of the lags: position [3, 2, athletes] m, facing [2, athletes] rad; last velocity [2, athletes] m/s."""

    lags_m: FloatArray
    facing_rad: FloatArray
    velocity_mps: FloatArray


@dataclass(frozen=True)
class MovementPath:
    """The movement, arrays [2, athletes, time] in the axes of the pitch: position m, velocity m/s, acceleration m/s².

    ``facing_rad`` [athletes, time] is the way the body faces, counted on over full turns. Velocity is the mean over
    the sample before, so that summing it gives the position, and acceleration likewise gives the velocity.
    """

    position_m: FloatArray
    velocity_mps: FloatArray
    acceleration_mps2: FloatArray
    facing_rad: FloatArray


def at_rest(position_m: FloatArray, facing_rad: FloatArray) -> PathState:
    """Return the state of athletes who stand at these positions [2, athletes], facing so [athletes]."""
    return PathState(
        np.stack([position_m] * len(PATH_TAUS_S)),
        np.stack([facing_rad] * len(FACING_TAUS_S)),
        np.zeros_like(position_m),
    )


def follow(state: PathState, planned_m: FloatArray, planned_facing_rad: FloatArray, dt_s: float) -> MovementPath:
    """Advance along planned positions [2, athletes, time] and facings [athletes, time]; return the movement."""
    before = state.lags_m[-1].copy()
    position = _cascade(planned_m, state.lags_m, PATH_TAUS_S, dt_s)
    velocity = _rate(position, before, dt_s)
    acceleration = _rate(velocity, state.velocity_mps, dt_s)
    state.velocity_mps = velocity[..., -1].copy()
    facing = _cascade(planned_facing_rad, state.facing_rad, FACING_TAUS_S, dt_s)
    return MovementPath(position, velocity, acceleration, facing)


def _cascade(signal: FloatArray, memory: FloatArray, taus_s: tuple[float, ...], dt_s: float) -> FloatArray:
    """Pass a signal [..., time] through first-order lags one after another; ``memory`` [lag, ...] is advanced."""
    for index, tau in enumerate(taus_s):
        signal = lag(signal, memory[index], dt_s / tau)
        memory[index] = signal[..., -1]
    return signal


def lag(signal: FloatArray, before: FloatArray, steps: float) -> FloatArray:
    """Return y with y[n] = k·y[n−1] + (1 − k)·x[n], k = exp(−steps), for a signal x [..., time] and y[−1] = ``before``.

    It is summed with weights that grow as exp(n·steps), which is exact to rounding as long as they stay finite: up to
    some 700 time constants at once.
    """
    growth = np.exp(steps * np.arange(1, signal.shape[-1] + 1))
    total = np.cumsum(signal * growth, axis=-1)
    return np.asarray((before[..., None] - np.expm1(-steps) * total) / growth)


def _rate(values: FloatArray, before: FloatArray, dt_s: float) -> FloatArray:
    steps = np.empty_like(values)
    steps[..., 0] = values[..., 0] - before
    np.subtract(values[..., 1:], values[..., :-1], out=steps[..., 1:])
    return steps / dt_s
