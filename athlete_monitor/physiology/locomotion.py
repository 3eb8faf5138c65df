"""External load from speed or position: distance, high-speed running, sprints and the highest speed."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np

from athlete_monitor.arrays import some
from athlete_monitor.figures import Figure, columns
from athlete_monitor.physiology.reasons import SPEED_NEEDS
from athlete_monitor.physiology.speed import JITTER_S
from athlete_monitor.physiology.squad_state import SquadState

if TYPE_CHECKING:
    from athlete_monitor.arrays import FloatArray, IntArray
    from athlete_monitor.physiology.speed import MotionStep

HIGH_SPEED_MPS: Final = 5.5
SPRINT_MPS: Final = 7.0
SPRINT_HELD_S: Final = 1.0
SPRINT_DIP_S: Final = 0.5
"""Falling below the sprint speed for no longer than this does not end a sprint."""

_TOTALS: Final = ("distance_m", "high_speed_running_m", "sprints", "max_speed_mps", "measured_s")
_RUNNING: Final = ("steps", "sprint_since", "sprint_end", "sprint_counted")


class Locomotion(SquadState):
    """Distance, high-speed running, sprints and the highest speed of the session so far, from steps of motion.

    Between two readings the speed is assumed to change evenly. A limit is therefore crossed between them and not at one
    of them, and figures hardly depend on the sample rate. Thresholds vary between sports and systems (Sweeting et al.
    2017, Front Physiol 8:432); these are absolute and not fitted to a person.

    - distance_m: speed over time, trapezoids
    - high_speed_running_m: the part of it at 5.5 m/s or more
    - sprints: 7 m/s or more held for 1 s, dips of up to 0.5 s allowed
    - max_speed_mps: highest speed held for half a second, or of one accepted reading where readings are rarer
    """

    FIELDS = MappingProxyType(
        {**dict.fromkeys((*_TOTALS, *_RUNNING), 0.0), "sprint_since": np.nan, "sprint_end": np.nan}
    )

    ADDED = ("distance_m", "high_speed_running_m", "sprints", "measured_s", "steps")
    LARGEST = ("max_speed_mps",)
    MOMENTS: ClassVar[tuple[Figure, ...]] = (
        Figure(
            "speed_mps", "Speed", "m/s", 1, "present", "mean", needs=SPEED_NEEDS, scope="moment",
            equation="as measured, else from positions; a single reading that no other supports is ignored",
        ),
    )  # fmt: skip
    FIGURES: ClassVar[tuple[Figure, ...]] = (
        Figure(
            "max_speed_mps", "Maximal speed", "m/s", 1, "total", "maximum", needs=SPEED_NEEDS,
            equation="highest speed held for 0.5 s, or of one accepted reading where readings are rarer",
        ),
        Figure(
            "high_speed_running_m", "High-speed running", "m", 0, "total", "difference", needs=SPEED_NEEDS,
            equation="distance at 5.5 m/s or more",
        ),
        Figure(
            "sprints", "Sprints", "", 0, "count", "difference", needs=SPEED_NEEDS, digits=0,
            equation="7 m/s or more held for 1 s",
        ),
    )  # fmt: skip

    def update(self, step: MotionStep) -> None:
        """Take one step of some athletes."""
        state = self._open(step.rows)
        totals, running = state[: len(_TOTALS)], state[len(_TOTALS) :]
        totals[0] += step.distance_m
        totals[1] += _distance_from(step, HIGH_SPEED_MPS)
        np.fmax(totals[3], step.held_mps, out=totals[3])
        totals[4] += step.dt_s
        running[0] += 1.0
        _count_sprints(totals[2], running, step)
        self._put(step.rows, state)

    def total(self, name: str, rows: IntArray) -> FloatArray:
        """Total of ``name`` [k]: a distance, a count or ``max_speed_mps`` as the class names them.

        NaN for athletes without speed so far.
        """
        return np.where(self._field("steps", rows) > 0.0, self._field(name, rows), np.nan)

    def values(self, rows: IntArray) -> FloatArray:
        """Values of ``FIGURES`` for ``rows`` [k]."""
        return columns(self.FIGURES, {figure.key: self.total(figure.key, rows) for figure in self.FIGURES})

    def known_s(self, rows: IntArray) -> FloatArray:
        """Seconds in which the speed was known so far [k]."""
        return self._field("measured_s", rows)


def _distance_from(step: MotionStep, limit_mps: float) -> FloatArray:
    """Distance [k], m, of the part of a step at ``limit_mps`` or more."""
    top, bottom = np.maximum(step.from_mps, step.speed_mps), np.minimum(step.from_mps, step.speed_mps)
    if not some(top >= limit_mps):
        return np.zeros(len(top))
    above = np.maximum(bottom, limit_mps)
    share = (top - above) / np.where(top > bottom, top - bottom, np.nan)
    share = np.where(np.isnan(share), 1.0, share)
    return np.where(top >= limit_mps, share * step.dt_s * 0.5 * (top + above), 0.0)


def _count_sprints(sprints: FloatArray, running: FloatArray, step: MotionStep) -> None:
    _, since, end, counted = running
    was_fast, fast = step.joined & (step.from_mps >= SPRINT_MPS), step.speed_mps >= SPRINT_MPS
    if not some(was_fast | fast):
        return
    crossed = step.crossed_t(SPRINT_MPS)
    goes_on = was_fast | (crossed - end <= SPRINT_DIP_S)
    begins = fast & ~goes_on
    np.copyto(since, crossed, where=begins)
    np.copyto(counted, 0.0, where=begins)
    np.copyto(end, np.where(fast, step.t, crossed), where=fast | was_fast)
    held = (fast | was_fast) & (end - since >= SPRINT_HELD_S - JITTER_S) & (counted == 0.0)
    np.copyto(counted, 1.0, where=held)
    sprints += held
