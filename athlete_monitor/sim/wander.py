"""Quantities that wander slowly about their mean: drawn once a second, straight lines between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from athlete_monitor.arrays import FloatArray


class Wander(NamedTuple):
    """How far (standard deviation) and how slowly (s) something wanders."""

    spread: float
    tau_s: float


SLIP: Final = Wander(0.06, 240.0)  # rad; the vest shifts
SWAY: Final = Wander(0.012, 3.0)  # rad; nobody stands like a post
POSITION: Final = Wander(0.25, 10.0)  # m; error of a local positioning system
AROUSAL: Final = Wander(1.1, 60.0)  # bpm; heat, talk, excitement
CHANNELS: Final = (SLIP, SLIP, SLIP, SWAY, SWAY, SWAY, POSITION, POSITION, AROUSAL)
"""Slip and sway (roll, pitch, yaw), position error (x, y), arousal."""

_SPREAD: Final = np.array([c.spread for c in CHANNELS])
_KEEP: Final = np.exp(-1.0 / np.array([c.tau_s for c in CHANNELS]))
_STEP: Final = _SPREAD * np.sqrt(1.0 - _KEEP * _KEEP)


def begin(draws: FloatArray) -> FloatArray:
    """Return a starting point [athletes, channels] from standard normal numbers of that shape."""
    return _SPREAD * draws


def wander(now: FloatArray, draws: FloatArray) -> FloatArray:
    """Return the values at each second from ``now`` [athletes, channels] on: [athletes, channels, seconds + 1].

    ``draws`` are standard normal numbers [athletes, channels, seconds].
    """
    seconds = draws.shape[2]
    knots = np.empty((*now.shape, seconds + 1))
    knots[..., 0] = now
    for second in range(seconds):
        knots[..., second + 1] = _KEEP * knots[..., second] + _STEP * draws[..., second]
    return knots


def between(knots: FloatArray, per_second: int) -> FloatArray:
    """Return straight lines between the knots: [..., seconds + 1] becomes [..., seconds · per_second]."""
    share = np.arange(per_second) / per_second
    lines = knots[..., :-1, None] + np.diff(knots, axis=-1)[..., None] * share
    return lines.reshape(*knots.shape[:-1], -1)
