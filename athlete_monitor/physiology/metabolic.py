"""Metabolic power of running from speed and acceleration, and the distance at high metabolic load.

Disputed for intermittent running: against measured oxygen uptake the method was found to underestimate the energy of
team-sport movements, which are not running on a slope (Buchheit et al. 2015, Int J Sports Med 36:1149; Brown et al.
2016, J Sports Sci 34:1). It is useful for comparing sessions of one athlete measured with one system.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np

from athlete_monitor.arrays import GRAVITY_MPS2
from athlete_monitor.figures import Figure, columns
from athlete_monitor.physiology.reasons import SPEED_NEEDS
from athlete_monitor.physiology.squad_state import SquadState

if TYPE_CHECKING:
    from athlete_monitor.arrays import FloatArray, IntArray
    from athlete_monitor.physiology.speed import MotionStep

METABOLIC_FORMULA: Final = "di_prampero_2005_osgnach_2010"
HIGH_LOAD_W_KG: Final = 25.5
TERRAIN: Final = 1.29
"""Factor for grass instead of a treadmill."""
STEEPEST_DESCENT: Final = -0.45
"""The energy cost was measured on slopes of -0.45 to 0.45; below, the polynomial becomes negative."""


def metabolic_power_w_kg(speed_mps: FloatArray, acceleration_mps2: FloatArray) -> FloatArray:
    """Metabolic power, W/kg, of running at ``speed_mps`` while accelerating by ``acceleration_mps2``; by broadcasting.

    Accelerated running on the flat counts as running up the slope with the same lean of the body: P = v EC with
    EC = (155.4 ES^5 - 30.4 ES^4 - 43.3 ES^3 + 46.3 ES^2 + 19.5 ES + 3.6) EM 1.29 J/(kg m), ES = a/g and
    EM = sqrt(1 + ES^2).
    Source: di Prampero et al. 2005, J Exp Biol 208:2809-2816 (12 sprinters); Osgnach et al. 2010, Med Sci Sports Exerc
    42:170-178 (399 football players), from Minetti's energy cost on slopes up to 0.45. See the module for its limits.

    >>> metabolic_power_w_kg(np.array([5.0, 4.0, 6.0]), np.array([0.0, 2.0, -2.0])).round(2).tolist()
    [23.22, 48.12, 14.29]
    """
    slope = np.maximum(acceleration_mps2 / GRAVITY_MPS2, STEEPEST_DESCENT)
    mass = np.sqrt(1.0 + slope * slope)
    cost = ((((155.4 * slope - 30.4) * slope - 43.3) * slope + 46.3) * slope + 19.5) * slope + 3.6
    power: FloatArray = speed_mps * cost * mass * TERRAIN
    return power


class MetabolicPower(SquadState):
    """Distance at high metabolic load, more than 25.5 W/kg, and mean metabolic power of the session so far.

    Speed and acceleration are means over the same half second (a whole interval at rates below 2 Hz), so they lag by
    half of it.
    """

    FIELDS = MappingProxyType({"power_w_kg": np.nan, "high_load_m": 0.0, "energy_j_kg": 0.0, "measured_s": 0.0})

    ADDED = ("high_load_m", "energy_j_kg", "measured_s")
    FIGURES: ClassVar[tuple[Figure, ...]] = (
        Figure(
            "high_metabolic_load_m", "High metabolic load distance", "m", 0, "total", "difference", METABOLIC_FORMULA,
            needs=SPEED_NEEDS, equation="distance at more than 25.5 W/kg; disputed for intermittent running",
        ),
        Figure(
            "metabolic_power_mean_w_kg", "Mean metabolic power", "W/kg", 1, "total", "none", METABOLIC_FORMULA,
            needs=SPEED_NEEDS,
            equation="v (155.4 ES⁵ - 30.4 ES⁴ - 43.3 ES³ + 46.3 ES² + 19.5 ES + 3.6) EM 1.29, ES = a/g, EM² = 1 + ES² "
            "(di Prampero 2005, Osgnach 2010); disputed for intermittent running",
        ),
    )  # fmt: skip

    def update(self, step: MotionStep) -> None:
        """Take one step of some athletes."""
        state = self._open(step.rows)
        power = metabolic_power_w_kg(0.5 * (step.earlier_mps + step.speed_mps), step.acceleration_mps2)
        known = ~np.isnan(power)
        state[0] = power
        state[1] += np.where(power > HIGH_LOAD_W_KG, step.distance_m, 0.0)
        state[2] += np.where(known, power * step.dt_s, 0.0)
        state[3] += np.where(known, step.dt_s, 0.0)
        self._put(step.rows, state)

    def high_load_m(self, rows: IntArray) -> FloatArray:
        """Distance at more than 25.5 W/kg so far [k], m; NaN where the power was never known."""
        return np.where(self._field("measured_s", rows) > 0.0, self._field("high_load_m", rows), np.nan)

    def mean_w_kg(self, rows: IntArray) -> FloatArray:
        """Mean metabolic power so far [k], W/kg; NaN where it was never known."""
        seconds = self._field("measured_s", rows)
        return self._field("energy_j_kg", rows) / np.where(seconds > 0.0, seconds, np.nan)

    def values(self, rows: IntArray) -> FloatArray:
        """Values of ``FIGURES`` for ``rows`` [k]."""
        found = {"high_metabolic_load_m": self.high_load_m(rows), "metabolic_power_mean_w_kg": self.mean_w_kg(rows)}
        return columns(self.FIGURES, found)
