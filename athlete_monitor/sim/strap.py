"""What a chest strap reads of the heart: one whole number a second, sometimes none, sometimes a wrong one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from athlete_monitor.arrays import FloatArray

NOISE_BPM: Final = 0.7
EPISODE_S: Final = 8.0
"""Mean length of a loss of contact."""
HOLD_S: Final = 3
"""A strap without contact repeats its last reading for this long before it sends nothing."""
ARTEFACT_SHARE: Final = 0.25
"""So many of the losses end with a false reading: the strap counts steps for beats (cadence lock)."""
_ARTEFACT_SPREAD_BPM: Final = 4.0


@dataclass
class StrapState:
    """Arrays [athletes]: seconds without contact (0: contact), last good reading, and whether steps are counted (1)."""

    lost_s: FloatArray
    last_bpm: FloatArray
    counts_steps: FloatArray


def worn(athletes: int) -> StrapState:
    """Return the state of straps that have contact and have not read anything yet."""
    return StrapState(np.zeros(athletes), np.full(athletes, np.nan), np.zeros(athletes))


class Readings(NamedTuple):
    """Readings [athletes, seconds]: whole numbers in bpm, NaN for none; and contact with the skin, 1 or 0."""

    bpm: FloatArray
    contact: FloatArray


def read(
    state: StrapState, heart_bpm: FloatArray, cadence_spm: FloatArray, draws: FloatArray, dropout: float
) -> Readings:
    """Return the straps' readings; all arrays are [athletes, seconds].

    Args:
        state: is advanced.
        heart_bpm: true rate at each second.
        cadence_spm: steps a minute at each second, which a slipping strap takes for beats.
        draws: standard normal and uniform numbers [athletes, 3, seconds].
        dropout: share of the time without contact, 0 up to (not including) 1.
    """
    clean = np.rint(heart_bpm + NOISE_BPM * draws[:, 0])
    if dropout == 0.0:
        return Readings(clean, np.ones_like(clean))
    readings = Readings(np.empty_like(clean), np.empty_like(clean))
    for second in range(clean.shape[1]):
        now = (clean[:, second], cadence_spm[:, second], draws[:, :, second])
        readings.bpm[:, second] = _one_second(state, *now, dropout)
        readings.contact[:, second] = state.lost_s == 0.0
    return readings


def _one_second(
    state: StrapState, clean: FloatArray, cadence: FloatArray, draws: FloatArray, dropout: float
) -> FloatArray:
    begins = (state.lost_s == 0.0) & (draws[:, 1] < _begin_probability(dropout))
    ends = (state.lost_s > 0.0) & (draws[:, 1] < 1.0 / EPISODE_S)
    state.counts_steps = np.where(begins, draws[:, 2] < ARTEFACT_SHARE, state.counts_steps)
    state.lost_s = np.where(ends, 0.0, np.where(begins | (state.lost_s > 0.0), state.lost_s + 1.0, 0.0))
    contact = state.lost_s == 0.0
    state.last_bpm = np.where(contact, clean, state.last_bpm)
    held = np.where(state.lost_s <= HOLD_S, state.last_bpm, np.nan)
    steps = np.where(cadence > 0.0, np.rint(cadence + _ARTEFACT_SPREAD_BPM * draws[:, 0]), np.nan)
    return np.where(contact, clean, np.where(state.counts_steps > 0.0, steps, held))


def _begin_probability(dropout: float) -> float:
    """Chance that a second with contact is the last one, such that ``dropout`` of all seconds are without."""
    return min(1.0, dropout / ((1.0 - dropout) * EPISODE_S))
