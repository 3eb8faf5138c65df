"""Steps from sample times: how long each sample counts."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from athlete_monitor.arrays import every
from athlete_monitor.figures import Figure, columns
from athlete_monitor.physiology.squad_state import SquadState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.arrays import FloatArray, IntArray

LEAST_STEP_S: Final = 2.0
"""A step up to this length always counts in full."""
LONGEST_STEP_S: Final = 10.0
"""A longer step never counts for more than this."""
USUAL_INTERVALS: Final = 3.0
"""Between the two, a step counts in full up to this many of the device's usual intervals."""
USUAL_STEPS: Final = 16.0
"""Number of steps over which the usual interval is averaged.

Of 11,700 s of a watch that records every 1 to 13 s, 18 s are missing in steps of up to 10 s; averaged over 4 steps it
is 50 s (``benchmarks/usual_interval.py``).
"""


def longest_step_s(usual_s: FloatArray) -> FloatArray:
    """Longest step [k], s, that counts in full for a device with the usual interval ``usual_s`` [k]; 0: unknown.

    >>> longest_step_s(np.array([0.1, 1.0, 3.0, 7.0, 0.0])).tolist()
    [2.0, 3.0, 9.0, 10.0, 2.0]
    """
    return np.minimum(np.maximum(USUAL_INTERVALS * usual_s, LEAST_STEP_S), LONGEST_STEP_S)


def learn_usual(usual_s: FloatArray, steps: FloatArray, gap_s: FloatArray) -> None:
    """Update the usual interval ``usual_s`` [k], first 0, with the steps ``gap_s`` [k], 0 or more, in place.

    ``steps`` [k] is the number of the next step, first 1. The usual interval is the mean of the first 16 steps, then an
    exponential average over 16. A step of 0 is ignored, and a pause counts as a step of 10 s.
    """
    forward = gap_s > 0.0
    usual_s += forward * (np.minimum(gap_s, LONGEST_STEP_S) - usual_s) / steps
    np.minimum(steps + forward, USUAL_STEPS, out=steps)


def foresee_usual(usual_s: FloatArray, steps: FloatArray, gap_s: FloatArray) -> None:
    """Fill in ``usual_s`` [n] and ``steps`` [n] before each moment of one athlete, from the first, as ``learn_usual``.

    ``gap_s`` [n] is the step of each moment.
    """
    usual, count = usual_s.item(0), steps.item(0)
    if count == USUAL_STEPS and every((gap_s == usual) | (gap_s == 0.0)):
        usual_s[:], steps[:] = usual, count
        return
    found = []
    for gap in gap_s.tolist():
        found.append((usual, count))
        if gap > 0.0:
            usual += (min(gap, LONGEST_STEP_S) - usual) / count
            count = min(count + 1.0, USUAL_STEPS)
    usual_s[:], steps[:] = np.array(found).T


class SampleClock(SquadState):
    """Seconds that each sample covers, computed only from the times of the samples.

    A step counts in full up to three of the device's usual intervals, at least 2 s and at most 10 s. The rest of a
    longer gap is missing time and never effort. So a watch that records every one to seven seconds is counted in full,
    and a device that sends ten times a second may miss 2 s. The first sample, and one whose time does not advance, adds
    no time.

    >>> clock, row = SampleClock(1), np.array([0])
    >>> [clock.update(row, np.array([t])).item() for t in (0.0, 1.0, 2.0, 9.0)]
    [0.0, 1.0, 1.0, 3.0]
    >>> clock.missing_s(row).item()
    4.0
    """

    FIELDS = MappingProxyType({"t": np.nan, "measured_s": 0.0, "missing_s": 0.0, "usual_s": 0.0, "steps": 1.0})
    ADDED = ("measured_s", "missing_s")
    FIGURES: ClassVar[tuple[Figure, ...]] = (
        Figure(
            "measured_s", "Measured time", "s", 0, "total", "difference", equation="time covered by the samples"
        ),
        Figure(
            "missing_s", "Missing time", "s", 0, "total", "difference", more_is_worse=True,
            equation="time lost in gaps longer than three usual intervals of the device, at least 2 s and at most 10 s",
        ),
    )  # fmt: skip

    def update(self, rows: IntArray, t: FloatArray) -> FloatArray:
        """Advance to the sample times ``t`` [k], s; returns the steps ``dt_s`` [k], 0 ... ``LONGEST_STEP_S``."""
        state = self._open(rows)
        last, measured_s, missing_s, usual_s, steps = state
        gap = np.fmax(t - last, 0.0)
        dt_s: FloatArray = np.minimum(gap, longest_step_s(usual_s))
        measured_s += dt_s
        missing_s += gap - dt_s
        learn_usual(usual_s, steps, gap)
        last[:] = t
        self._put(rows, state)
        return dt_s

    def foresee(self, before: FloatArray, args: Sequence[Any]) -> None:
        """See ``SquadState``."""
        _, t = args
        foresee_usual(before[3], before[4], np.fmax(t - before[0], 0.0))

    def measured_s(self, rows: IntArray) -> FloatArray:
        """Seconds of sample time counted so far [k]."""
        return self._field("measured_s", rows)

    def missing_s(self, rows: IntArray) -> FloatArray:
        """Seconds lost in gaps longer than one step [k]."""
        return self._field("missing_s", rows)

    def longest_s(self, rows: IntArray) -> FloatArray:
        """Longest step that counts in full at present [k], s."""
        return longest_step_s(self._field("usual_s", rows))

    def values(self, rows: IntArray) -> FloatArray:
        """Values of ``FIGURES`` for ``rows`` [k]."""
        return columns(
            self.FIGURES, {"measured_s": self._field("measured_s", rows), "missing_s": self._field("missing_s", rows)}
        )
