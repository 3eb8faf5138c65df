"""From sample times to steps: how long each sample counts."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from athlete_monitor.arrays import MAX_STEP_S, FloatArray, IntArray
from athlete_monitor.physiology.squad_state import SquadState


class SampleClock(SquadState):
    """Seconds that each sample stands for, from the times of the samples alone.

    A sample counts for the time since the one before, at most ``MAX_STEP_S``; what a longer gap holds beyond that is
    missing time and never effort. The first sample, and one whose clock stands still or goes back, counts for nothing.
    """

    FIELDS = MappingProxyType({"t": np.nan, "measured_s": 0.0, "missing_s": 0.0})

    def update(self, rows: IntArray, t: FloatArray) -> FloatArray:
        """Advance to the sample times ``t`` [k], s; returns the steps ``dt_s`` [k], 0 ... ``MAX_STEP_S``."""
        state = self._take(rows)
        last, measured_s, missing_s = state
        gap = np.fmax(t - last, 0.0)
        dt_s: FloatArray = np.minimum(gap, MAX_STEP_S)
        measured_s += dt_s
        missing_s += gap - dt_s
        last[:] = t
        self._put(rows, state)
        return dt_s

    def measured_s(self, rows: IntArray) -> FloatArray:
        """Seconds of sample time counted so far [k]."""
        return self._field("measured_s", rows)

    def missing_s(self, rows: IntArray) -> FloatArray:
        """Seconds lost in gaps longer than one step [k]."""
        return self._field("missing_s", rows)
