"""Significance of a model's gain over a simpler prediction: a paired test over sessions, or over blocks of time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.arrays import FloatArray

LEAST_SESSIONS: Final = 5
"""From this number of sessions, each is one observation; below, blocks of time are."""

BLOCKS_S: Final = (300.0, 60.0, 20.0)
LEAST_BLOCKS: Final = 4
"""Blocks of five minutes, or shorter ones if there are fewer than this: errors within a block are correlated."""

QUANTILES_90: Final = (np.inf, 3.078, 1.886, 1.638, 1.533, 1.476, 1.440, 1.415, 1.397, 1.383, 1.372)
"""90 % quantiles of Student's t by degrees of freedom; for more degrees, the last is a little too strict."""


@dataclass(frozen=True)
class Gain:
    """The reduction of the error, bpm: mean over observations, and its lower bound with 90 % confidence."""

    mean_bpm: float
    least_bpm: float
    count: int
    unit: str

    @property
    def text(self) -> str:
        """For a sentence.

        >>> Gain(0.6, -0.4, 12, "blocks of 300 s").text
        '0.60 bpm on average over 12 blocks of 300 s, with 90 % confidence only -0.40'
        """
        return (
            f"{self.mean_bpm:.2f} bpm on average over {self.count} {self.unit}, "
            f"with 90 % confidence only {self.least_bpm:.2f}"
        )


def gain_over(gains: Sequence[FloatArray], times: Sequence[FloatArray]) -> Gain:
    """Test the gains of several sessions, bpm [n] each, at ``times``, s [n] each."""
    if len(gains) >= LEAST_SESSIONS:
        return _gain(np.array([gain.mean() for gain in gains]), "sessions")
    for block_s in BLOCKS_S:
        means = [mean for gain, t in zip(gains, times, strict=True) for mean in _block_means(gain, t, block_s)]
        if len(means) >= LEAST_BLOCKS:
            break
    return _gain(np.array(means), f"blocks of {block_s:.0f} s")


def beats_chance(gains: FloatArray) -> bool:
    """Whether the mean of gains [n] is positive with 90 % confidence.

    >>> beats_chance(np.array([1.0, 1.2, 0.9])), beats_chance(np.array([3.0, -1.0, 0.5]))
    (True, False)
    """
    return _gain(gains, "").least_bpm > 0.0


def _gain(means: FloatArray, unit: str) -> Gain:
    count = len(means)
    mean = float(means.mean())
    if count < 2:
        return Gain(mean, mean, count, unit)
    quantile = QUANTILES_90[min(count - 1, len(QUANTILES_90) - 1)]
    return Gain(mean, mean - quantile * float(means.std(ddof=1)) / float(np.sqrt(count)), count, unit)


def _block_means(gain: FloatArray, t: FloatArray, block_s: float) -> list[float]:
    number = np.floor((t - t[0]) / block_s)
    return [float(gain[number == block].mean()) for block in np.unique(number)]
