"""Steps, from the cadence that a watch or a foot pod reports."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from athlete_monitor.arrays import some
from athlete_monitor.figures import Figure, columns
from athlete_monitor.physiology.clock import foresee_usual, learn_usual, longest_step_s
from athlete_monitor.physiology.reasons import CADENCE_NEEDS
from athlete_monitor.physiology.squad_state import SquadState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.arrays import FloatArray, IntArray


class StepCount(SquadState):
    """Number of steps and mean cadence of the session so far; a reading counts for the time since the one before.

    >>> steps, row = StepCount(1), np.array([0])
    >>> for second in range(61):
    ...     steps.update(row, np.array([float(second)]), np.array([170.0]))
    >>> round(steps.total(row).item(), 6), round(steps.mean_spm(row).item(), 6)
    (170.0, 170.0)
    """

    FIELDS = MappingProxyType(
        {"cadence_spm": np.nan, "t": np.nan, "usual_s": 0.0, "steps": 1.0, "total": 0.0, "measured_s": 0.0}
    )

    ADDED = ("total", "measured_s")
    FIGURES: ClassVar[tuple[Figure, ...]] = (
        Figure(
            "steps", "Steps", "", 0, "count", "difference", needs=CADENCE_NEEDS, digits=0,
            equation="cadence over time",
        ),
        Figure(
            "cadence_mean_spm", "Mean cadence", "spm", 0, "total", needs=CADENCE_NEEDS, digits=1,
            equation="steps a minute of both feet, over the time with a cadence",
        ),
    )  # fmt: skip

    def update(self, rows: IntArray, t: FloatArray, cadence_spm: FloatArray) -> None:
        """Take the cadence [k], steps a minute of both feet, at ``t`` [k], s; NaN: no reading in this sample."""
        read = ~np.isnan(cadence_spm)
        if not some(read):
            return
        rows, t, cadence_spm = rows[read], t[read], cadence_spm[read]
        state = self._open(rows)
        cadence, last, usual_s, steps, total, measured_s = state
        gap_s = np.fmax(t - last, 0.0)
        dt_s = np.minimum(gap_s, longest_step_s(usual_s))
        learn_usual(usual_s, steps, gap_s)
        total += cadence_spm * dt_s / 60.0
        measured_s += dt_s
        cadence[:] = cadence_spm
        last[:] = t
        self._put(rows, state)

    def foresee(self, before: FloatArray, args: Sequence[Any]) -> None:
        """See ``SquadState``."""
        _, t, cadence_spm = args
        foresee_usual(before[2], before[3], np.where(np.isnan(cadence_spm), 0.0, np.fmax(t - before[1], 0.0)))

    def total(self, rows: IntArray) -> FloatArray:
        """Steps so far [k]; NaN without a cadence."""
        return np.where(self._field("measured_s", rows) > 0.0, self._field("total", rows), np.nan)

    def mean_spm(self, rows: IntArray) -> FloatArray:
        """Mean cadence so far [k], steps a minute; NaN without one."""
        seconds = self._field("measured_s", rows)
        return 60.0 * self._field("total", rows) / np.where(seconds > 0.0, seconds, np.nan)

    def values(self, rows: IntArray) -> FloatArray:
        """Values of ``FIGURES`` for ``rows`` [k]."""
        return columns(self.FIGURES, {"steps": np.floor(self.total(rows)), "cadence_mean_spm": self.mean_spm(rows)})
