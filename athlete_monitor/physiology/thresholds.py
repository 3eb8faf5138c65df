"""Time above the athlete's own threshold heart rate."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from athlete_monitor.arrays import some
from athlete_monitor.figures import Figure
from athlete_monitor.physiology.reasons import THRESHOLD_NEEDS
from athlete_monitor.physiology.squad_state import SquadState

if TYPE_CHECKING:
    from athlete_monitor.arrays import FloatArray, IntArray


class ThresholdTime(SquadState):
    """Seconds at or above the athlete's threshold heart rate from the roster.

    >>> above, row = ThresholdTime(1), np.array([0])
    >>> for bpm in (150.0, 171.0, 172.0):
    ...     above.update(row, np.array([10.0]), np.array([bpm]), np.array([171.0]))
    >>> above.seconds(row).item()
    20.0
    """

    FIELDS = MappingProxyType({"seconds": 0.0, "samples": 0.0})
    ADDED = tuple(FIELDS)

    FIGURES: ClassVar[tuple[Figure, ...]] = (
        Figure(
            "time_above_threshold_s", "Time above threshold", "s", 0, "total", "difference", needs=THRESHOLD_NEEDS,
            digits=1, equation="at or above the athlete's own threshold heart rate (`threshold_bpm` or `lt2_bpm`)",
        ),
    )  # fmt: skip

    def update(self, rows: IntArray, dt_s: FloatArray, heart_rate_bpm: FloatArray, threshold_bpm: FloatArray) -> None:
        """Add ``dt_s`` [k] at the heart rate [k]; NaN where the heart rate or the threshold is not known."""
        known = ~np.isnan(heart_rate_bpm - threshold_bpm)
        if some(known):
            self._table[0, rows] += np.where(heart_rate_bpm >= threshold_bpm, dt_s, 0.0)
            self._table[1, rows] += known

    def seconds(self, rows: IntArray) -> FloatArray:
        """Seconds so far [k]; NaN where nothing was known."""
        return np.where(self._field("samples", rows) > 0.0, self._field("seconds", rows), np.nan)

    def values(self, rows: IntArray) -> FloatArray:
        """Values of ``FIGURES`` for ``rows`` [k]."""
        return self.seconds(rows)[None]
