"""Smoothed internal intensity, and the part of the heart rate that movement does not explain."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from athlete_monitor.figures import Figure
from athlete_monitor.physiology.reasons import EXCESS_NEEDS, RESERVE_NEEDS
from athlete_monitor.physiology.squad_state import SquadState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.arrays import FloatArray, IntArray

STRESS_TAU_S: Final = 30.0
STRESS_FORMULA: Final = "hr_reserve_ewma_30s"


EXCESS: Final = Figure(
    "hr_excess_bpm", "Beyond the movement", "bpm", 0, "present", "mean", "strap_minus_model", needs=EXCESS_NEEDS,
    more_is_worse=True, scope="moment",
    equation="strap - model at present: the part of the heart rate that movement does not explain",
)  # fmt: skip


def hr_excess_bpm(strap_bpm: FloatArray, model_bpm: FloatArray) -> FloatArray:
    """Strap minus model: beats per minute that movement does not explain; NaN unless both are known.

    Heat, dehydration, illness, excitement and the model's own error all contribute to it.
    """
    return strap_bpm - model_bpm


class Stress(SquadState):
    """Heart-rate reserve in percent, exponentially averaged over 30 s: internal intensity, not mental stress.

    The average starts from the first known value and decays in real time: after a gap of minutes it no longer depends
    on earlier values.
    """

    FIELDS = MappingProxyType({"percent": np.nan, "t": np.nan})
    MOMENTS: ClassVar[tuple[Figure, ...]] = (
        Figure(
            "stress_percent", "Intensity, 30 s", "%", 0, "present", "mean", STRESS_FORMULA, needs=RESERVE_NEEDS,
            scope="moment", equation="heart-rate reserve averaged over 30 s: internal intensity",
        ),
    )  # fmt: skip

    def update(self, rows: IntArray, t: FloatArray, reserve: FloatArray) -> FloatArray:
        """Take the reserve fractions [k] at ``t`` [k], s; returns percent [k], 0 ... 100, NaN where the reserve is."""
        state = self._open(rows)
        percent, last = state
        weight = -np.expm1(-np.fmax(t - last, 0.0) / STRESS_TAU_S)
        target = 100.0 * reserve
        smoothed = np.where(np.isnan(percent), target, percent + weight * (target - percent))
        known = ~np.isnan(reserve)
        np.copyto(state, (smoothed, t), where=known)
        self._put(rows, state)
        return np.where(known, smoothed, np.nan)

    def foresee(self, before: FloatArray, args: Sequence[Any]) -> None:
        """See ``SquadState``."""
        _, t, reserve = args
        percents, last = before
        weights = -np.expm1(-np.fmax(t - last, 0.0) / STRESS_TAU_S)
        percent, found = percents.item(0), []
        for weight, target in zip(weights.tolist(), (100.0 * reserve).tolist(), strict=True):
            found.append(percent)
            if not math.isnan(target):
                percent = target if math.isnan(percent) else percent + weight * (target - percent)
        percents[:] = found

    def percent(self, rows: IntArray) -> FloatArray:
        """Last known values [k], percent."""
        return self._field("percent", rows)
