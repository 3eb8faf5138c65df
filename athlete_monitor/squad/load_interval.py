"""How far load and energy are uncertain because a model, not a strap, said the heart rate."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from athlete_monitor.arrays import every
from athlete_monitor.figures import Figure, columns
from athlete_monitor.physiology.energy import ENERGY_FORMULA, energy_rate_kj_per_min
from athlete_monitor.physiology.heart_rate import hr_reserve_fraction
from athlete_monitor.physiology.reasons import ENERGY_NEEDS, TRIMP_NEEDS
from athlete_monitor.physiology.squad_state import SquadState
from athlete_monitor.physiology.trimp import BANISTER_FORMULA, banister_rate

if TYPE_CHECKING:
    from athlete_monitor.arrays import FloatArray, IntArray
    from athlete_monitor.physiology.bodies import Body
    from athlete_monitor.squad.heart_rate_source import HeartRate

_TRIMP = (
    "TRIMP made from the {} end of the heart rate's 80 % interval throughout; equal to `trimp` where a strap was read"
)
_ENERGY = "energy made from the {} end of that interval throughout"


class LoadInterval(SquadState):
    """What TRIMP and energy would be with the ends of the heart rate's interval instead of the heart rate.

    Only the differences are summed, so that straps, which have no interval, cost nothing.
    """

    FIELDS = MappingProxyType({"trimp_below": 0.0, "trimp_above": 0.0, "energy_below_kj": 0.0, "energy_above_kj": 0.0})
    ADDED = tuple(FIELDS)
    FIGURES: ClassVar[tuple[Figure, ...]] = (
        Figure("trimp_low", "TRIMP, low end", "", 1, "total", "difference", BANISTER_FORMULA, needs=TRIMP_NEEDS,
               scope="summary", equation=_TRIMP.format("low")),
        Figure("trimp_high", "TRIMP, high end", "", 1, "total", "difference", BANISTER_FORMULA, needs=TRIMP_NEEDS,
               scope="summary", equation=_TRIMP.format("high")),
        Figure("energy_low_kj", "Energy, low end", "kJ", 0, "total", "difference", ENERGY_FORMULA, needs=ENERGY_NEEDS,
               scope="summary", equation=_ENERGY.format("low")),
        Figure("energy_high_kj", "Energy, high end", "kJ", 0, "total", "difference", ENERGY_FORMULA, needs=ENERGY_NEEDS,
               scope="summary", equation=_ENERGY.format("high")),
    )  # fmt: skip

    def update(
        self,
        rows: IntArray,
        dt_s: FloatArray,
        heart_rate: HeartRate,
        hr_max_bpm: FloatArray,
        body: Body,
        reserve: FloatArray,
        energy_rate_kj_per_min: FloatArray,
    ) -> None:
        """Add ``dt_s`` [k] at the heart rate, with what was computed from it: reserve and energy rate [k]."""
        ends = np.array([heart_rate.low_bpm, heart_rate.high_bpm])
        if every(np.isnan(ends[0])):
            return
        trimp = banister_rate(hr_reserve_fraction(ends, body.hr_rest_bpm, hr_max_bpm), body.male)
        energy = _energy_rate(ends, body, hr_max_bpm)
        away = np.concatenate([trimp - banister_rate(reserve, body.male), energy - energy_rate_kj_per_min])
        state = self._open(rows)
        state += np.abs(np.where(np.isnan(away), 0.0, away)) * dt_s / 60.0
        self._put(rows, state)

    def values(self, rows: IntArray, trimp: FloatArray, energy_kj: FloatArray) -> FloatArray:
        """Values of ``FIGURES`` for ``rows`` [k], given their totals; NaN where those are."""
        trimp_below, trimp_above, energy_below, energy_above = self._take(rows)
        return columns(
            self.FIGURES,
            {
                "trimp_low": trimp - trimp_below,
                "trimp_high": trimp + trimp_above,
                "energy_low_kj": energy_kj - energy_below,
                "energy_high_kj": energy_kj + energy_above,
            },
        )


def _energy_rate(bpm: FloatArray, body: Body, hr_max_bpm: FloatArray) -> FloatArray:
    return energy_rate_kj_per_min(
        bpm, body.hr_rest_bpm, hr_max_bpm, body.male, body.age_years, body.weight_kg, body.height_cm
    )
