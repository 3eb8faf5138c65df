"""The acceleration-speed profile of an athlete, out of training and matches as they are.

Whoever runs at a speed v can still accelerate by at most a(v), and this falls about linearly from A0 at rest to nothing
at S0 (Morin et al., J Biomech 123, 110524, 2021). Normal sessions hold enough full efforts to see the line: of each
0.2 m/s from 3 m/s to the highest speed the two largest accelerations are taken, a straight line is laid through them,
points outside its 95 % interval are left out, and it is laid again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from athlete_monitor.arrays import FloatArray

LEAST_SPEED_MPS: Final = 3.0
BIN_MPS: Final = 0.2
PER_BIN: Final = 2
LEAST_BINS: Final = 12
"""Speeds must reach from 3 to 5.4 m/s at least: a line through less says nothing of a sprint."""
_INTERVAL: Final = 1.96


@dataclass(frozen=True)
class AccelerationSpeed:
    """The line of the largest accelerations.

    Attributes:
        a0_mps2: acceleration at rest, m/s².
        s0_mps: speed at which none is left, m/s.
        r2: share of the spread that the line explains, 0 to 1.
        points: how many points it rests on.
    """

    a0_mps2: float
    s0_mps: float
    r2: float
    points: int


def acceleration_speed(speed_mps: FloatArray, acceleration_mps2: FloatArray) -> AccelerationSpeed | None:
    """Return the profile of many moments; None where they hold too few speeds or no falling line.

    Args:
        speed_mps: [n]; NaN is unknown.
        acceleration_mps2: forward acceleration at the same moments, [n].

    Example:
        >>> speed = np.repeat(np.arange(0.1, 9.0, 0.1), 5)
        >>> found = acceleration_speed(speed, (1 - speed / 9.0) * 7.0 * np.tile([1.0, 0.9, 0.5, 0.1, -0.5], 89))
        >>> round(found.a0_mps2, 1), round(found.s0_mps, 1), found.r2 > 0.9
        (7.0, 9.0, True)
    """
    speed, acceleration = largest(speed_mps, acceleration_mps2)
    if len(speed) < PER_BIN * LEAST_BINS:
        return None
    slope, intercept = np.polyfit(speed, acceleration, 1)
    residual = acceleration - (intercept + slope * speed)
    kept = np.abs(residual - residual.mean()) <= _INTERVAL * max(float(residual.std()), 1e-9)
    speed, acceleration = speed[kept], acceleration[kept]
    slope, intercept = np.polyfit(speed, acceleration, 1)
    if slope >= 0 or intercept <= 0:
        return None
    left = acceleration - (intercept + slope * speed)
    spread = float(np.var(acceleration))
    r2 = 1.0 - float(np.var(left)) / spread if spread > 0 else 0.0
    return AccelerationSpeed(float(intercept), float(-intercept / slope), r2, len(speed))


def largest(speed_mps: FloatArray, acceleration_mps2: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the two largest accelerations of each 0.2 m/s from 3 m/s on, with their speeds."""
    good = (speed_mps >= LEAST_SPEED_MPS) & (acceleration_mps2 > 0)
    speed, acceleration = speed_mps[good], acceleration_mps2[good]
    bins = np.floor((speed - LEAST_SPEED_MPS) / BIN_MPS + 1e-9)
    order = np.lexsort((-acceleration, bins))
    bins, speed, acceleration = bins[order], speed[order], acceleration[order]
    starts = np.searchsorted(bins, bins)
    first = np.arange(len(bins)) - starts < PER_BIN
    full = np.bincount(bins.astype(np.int64), minlength=1)[bins.astype(np.int64)] >= PER_BIN if len(bins) else first
    return speed[first & full], acceleration[first & full]


def by_second(t_s: FloatArray, speed_mps: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return speeds [n - 1] and accelerations [n - 1] between seconds that follow each other; others are NaN.

    An acceleration over a whole second is lower than its peak within it, and so is the A0 that follows from it.
    """
    steps = np.diff(t_s)
    follows = (steps > 0.5) & (steps < 1.5)
    change = np.diff(speed_mps) / np.where(follows, steps, np.nan)
    return (speed_mps[:-1] + speed_mps[1:]) / 2, change
