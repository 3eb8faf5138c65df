"""When predictions and outputs are due, in sample time."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np

from athlete_monitor.figures import Figure
from athlete_monitor.physiology.heart_rate import HeartRateFilter
from athlete_monitor.physiology.squad_state import SquadState

if TYPE_CHECKING:
    from athlete_monitor.arrays import BoolArray, FloatArray, IntArray


_TICK_SLACK: Final = 1e-4
_MOTION_TAU_S: Final = 1.0


class Ticks(SquadState):
    """When predictions and outputs were last due, the prediction held until the next, and the smoothed motion."""

    FIELDS = MappingProxyType(
        dict.fromkeys(("prediction", "output", "model_bpm", "low_bpm", "high_bpm", "motion_mps2"), np.nan)
        | {"phase": 0.0, "second": np.nan}
    )
    MOMENTS: ClassVar[tuple[Figure, ...]] = (
        Figure(
            "motion_mps2", "Motion", "m/s²", 1, "present", "mean", needs=("acceleration",), scope="moment",
            equation="length of the gravity-free acceleration, averaged over a second",
        ),
    )  # fmt: skip

    def set_phase(self, row: int, phase: float) -> None:
        """Shift an athlete's outputs by a part of their interval, so that not all athletes are due at once."""
        self._table[6, row] = phase

    def prediction_due(self, rows: IntArray, t: FloatArray, rate_hz: float) -> BoolArray:
        """Whether a prediction at ``rate_hz`` is due at ``t`` [k]; stores its tick."""
        return self._due(0, rows, t * rate_hz)

    def output_due(self, rows: IntArray, t: FloatArray, rate_hz: float) -> BoolArray:
        """Whether an output is due at ``t`` [k]; stores its tick."""
        return self._due(1, rows, t * rate_hz + self._table[6].take(rows))

    def second_due(self, rows: IntArray, t: FloatArray) -> BoolArray:
        """Whether a sample is the first of its whole second [k]; stores the second."""
        return self._due(7, rows, t)

    def would_be_output(self, row: int, t: float, rate_hz: float) -> bool:
        """Whether an output would be due with a sample of one athlete at ``t``; the state does not change."""
        output, phase = self._table.item(1, row), self._table.item(6, row)
        return math.floor(t * rate_hz + phase + _TICK_SLACK) != output

    def _due(self, field: int, rows: IntArray, position: FloatArray) -> BoolArray:
        tick = np.floor(position + _TICK_SLACK)
        changed: BoolArray = tick != self._before(field, rows, tick)
        self._table[field, rows] = tick
        return changed

    def _before(self, field: int, rows: IntArray, tick: FloatArray) -> FloatArray:  # noqa: ARG002 - ``TicksOverTime``
        """The ticks [k] of the samples before, if those of these samples are ``tick`` [k]."""
        before: FloatArray = self._table[field].take(rows)
        return before

    def hold(self, rows: IntArray, prediction: FloatArray) -> None:
        """Store predictions [3, k]: value, low, high."""
        self._table[2:5, rows] = prediction

    def held(self, rows: IntArray) -> FloatArray:
        """The present predictions [3, k]."""
        return self._table[2:5].take(rows, axis=1)

    def motion(self, rows: IntArray) -> FloatArray:
        """The average as of the last acceleration [k], m/s²; NaN before the first."""
        motion: FloatArray = self._table[5].take(rows)
        return motion

    def smooth_motion(self, rows: IntArray, dt_s: FloatArray, motion_mps2: FloatArray) -> FloatArray:
        """Average over a second of |gravity-free acceleration| [k], m/s^2; NaN before the first."""
        last = self._table[5].take(rows)
        start = np.where(np.isnan(last), motion_mps2, last)
        smooth = start + motion_weight(dt_s) * (motion_mps2 - start)
        smooth = np.where(np.isnan(smooth), last, smooth)
        self._table[5, rows] = smooth
        return smooth


def motion_weight(dt_s: FloatArray) -> FloatArray:
    """Weight [k] of a motion in its average after ``dt_s`` [k]."""
    weight: FloatArray = dt_s / (dt_s + _MOTION_TAU_S)
    return weight


class CleanReadings(HeartRateFilter):
    """The strap's clean readings, with the time of the newest."""

    def reading_t(self, rows: IntArray) -> FloatArray:
        """Sample time of the last accepted reading [k], s; NaN before the first."""
        return self._field("t", rows)
