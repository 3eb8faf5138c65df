"""Single beats: intervals that swing with the breath, more at rest than at work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from athlete_monitor.arrays import FloatArray

STEPS_PER_S: Final = 10
REST_BREATHS_HZ: Final = 0.22
WORK_BREATHS_HZ: Final = 0.85
"""From about 13 breaths a minute at rest to about 50 at the limit."""
REST_SWING: Final = 0.055
_SWING_FADES_BY: Final = 0.18
_STRAY: Final = 0.004


@dataclass
class BeatState:
    """How far one heart is to the next beat (0 to 1), in the breath (0 to 1), and its last beat (s; NaN: none yet)."""

    beat: float = 0.0
    breath: float = 0.0
    last_s: float = float("nan")


def respiratory_swing(reserve_share: FloatArray) -> FloatArray:
    """Relative amplitude of the rate's swing with the breath at a share of the heart-rate reserve, 0 to 1.

    About 5 % at rest (RMSSD of some 40 ms at 60 bpm), a tenth of it at half the reserve (Yamamoto et al. 1991: vagal
    modulation has withdrawn there).
    """
    return REST_SWING * np.exp(-np.clip(reserve_share, 0.0, 1.0) / _SWING_FADES_BY) + 0.002


def intervals(
    state: BeatState, start_s: float, rate_bpm: FloatArray, reserve_share: FloatArray, draws: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the times (s) of the beats that end in these seconds, and the intervals before them (ms, whole numbers).

    Args:
        state: of one athlete; is advanced.
        start_s: time of the first second.
        rate_bpm: mean rate in each second [seconds].
        reserve_share: share of the heart-rate reserve in each second [seconds].
        draws: standard normal numbers [seconds · 10], beats' own irregularity.
    """
    rate = np.repeat(rate_bpm, STEPS_PER_S)
    share = np.repeat(np.clip(reserve_share, 0.0, 1.0), STEPS_PER_S)
    breath_hz = REST_BREATHS_HZ + (WORK_BREATHS_HZ - REST_BREATHS_HZ) * share
    breath = state.breath + np.cumsum(breath_hz) / STEPS_PER_S
    swing = 1.0 + respiratory_swing(share) * np.sin(2 * np.pi * breath) + _STRAY * draws
    phase = state.beat + np.concatenate(([0.0], np.cumsum(rate * swing) / (60.0 * STEPS_PER_S)))
    clock = start_s + np.arange(phase.size) / STEPS_PER_S
    times = np.interp(np.arange(1, int(phase[-1]) + 1), phase, clock)
    before = np.concatenate(([state.last_s], times))
    state.beat, state.breath = float(phase[-1] % 1.0), float(breath[-1] % 1.0)
    state.last_s = float(before[-1])
    gaps = np.rint(np.diff(before) * 1000.0)
    return times[~np.isnan(gaps)], gaps[~np.isnan(gaps)]
