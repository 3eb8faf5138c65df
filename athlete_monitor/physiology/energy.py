"""Energy expenditure from the heart rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np

from athlete_monitor.figures import Figure, columns
from athlete_monitor.physiology.reasons import ENERGY_NEEDS
from athlete_monitor.physiology.squad_state import RateIntegral

if TYPE_CHECKING:
    from athlete_monitor.arrays import FloatArray, IntArray

KJ_PER_KCAL: Final = 4.184
MINUTES_PER_DAY: Final = 1440.0
ENERGY_FORMULA: Final = "keytel_2005_mifflin_1990"
KEYTEL_FROM_FRACTION: Final = 0.6
"""Fraction of the maximal heart rate above which only Keytel's equation is used."""


def _by_sex(male: FloatArray, man: FloatArray | float, woman: FloatArray | float) -> FloatArray:
    return np.where(male == 1.0, man, np.where(male == 0.0, woman, np.nan))


def keytel_2005_kj_per_min(
    heart_rate_bpm: FloatArray, male: FloatArray, age_years: FloatArray, weight_kg: FloatArray
) -> FloatArray:
    """Energy expenditure of exercise, kJ/min; ``male`` is 1 for men, 0 for women; NaN where an input is unknown.

    Source: Keytel et al. 2005, J Sports Sci 23:289-297, the equation without VO2max: 115 regularly exercising adults of
    18-45 years and 47-120 kg, at 57-90 % of the maximal heart rate (r = 0.857). Negative at low heart rates, where it
    does not hold.
    """
    man = -55.0969 + 0.6309 * heart_rate_bpm + 0.1988 * weight_kg + 0.2017 * age_years
    woman = -20.4022 + 0.4472 * heart_rate_bpm - 0.1263 * weight_kg + 0.0740 * age_years
    return _by_sex(male, man, woman)


def mifflin_st_jeor_1990_kcal_per_day(
    male: FloatArray, age_years: FloatArray, weight_kg: FloatArray, height_cm: FloatArray
) -> FloatArray:
    """Resting energy expenditure, kcal/day.

    Source: Mifflin, St Jeor et al. 1990, Am J Clin Nutr 51:241-247 (498 healthy adults of 19-78 years, normal weight to
    obese).
    """
    return 10.0 * weight_kg + 6.25 * height_cm - 5.0 * age_years + _by_sex(male, 5.0, -161.0)


def resting_kj_per_min(
    male: FloatArray, age_years: FloatArray, weight_kg: FloatArray, height_cm: FloatArray
) -> FloatArray:
    """Resting energy expenditure, kJ/min (Mifflin-St Jeor 1990)."""
    kcal_per_day = mifflin_st_jeor_1990_kcal_per_day(male, age_years, weight_kg, height_cm)
    return kcal_per_day * (KJ_PER_KCAL / MINUTES_PER_DAY)


def energy_rate_kj_per_min(
    heart_rate_bpm: FloatArray,
    hr_rest_bpm: FloatArray,
    hr_max_bpm: FloatArray,
    male: FloatArray,
    age_years: FloatArray,
    weight_kg: FloatArray,
    height_cm: FloatArray,
    rest_kj_per_min: FloatArray | None = None,
) -> FloatArray:
    """Energy expenditure, kJ/min, at every heart rate; all arrays [k]; NaN where an input that it needs is unknown.

    From 60 % of the maximal heart rate Keytel's equation; at or below the resting heart rate the resting expenditure;
    between them the straight line from the one to the other, so the rate is continuous, and it is never negative.
    Above 60 % the height is not used, yet without it the rate is unknown there too: otherwise a total of only the hard
    minutes would look like the session's total. The line in between is published practice of Hexoskin; no study
    validates this interpolation. ``rest_kj_per_min`` is ``resting_kj_per_min`` of these bodies, if the caller has it.
    The rate is continuous only if the resting heart rate is below 60 % of the maximum.
    """
    upper_bpm = KEYTEL_FROM_FRACTION * hr_max_bpm
    exercise_bpm = np.maximum(heart_rate_bpm, upper_bpm)
    exercise = np.maximum(keytel_2005_kj_per_min(exercise_bpm, male, age_years, weight_kg), 0.0)
    rest = rest_kj_per_min
    if rest is None:
        rest = resting_kj_per_min(male, age_years, weight_kg, height_cm)
    share = np.maximum((heart_rate_bpm - hr_rest_bpm) / np.fmax(upper_bpm - hr_rest_bpm, 1e-9), 0.0)
    between = rest + share * (exercise - rest)
    return np.where((heart_rate_bpm >= upper_bpm) & ~np.isnan(rest), exercise, between)


class EnergyExpenditure(RateIntegral):
    """Energy spent in the session so far, kJ, summed sample by sample (see ``energy_rate_kj_per_min``)."""

    FIGURES: ClassVar[tuple[Figure, ...]] = (
        Figure(
            "energy_kj", "Energy", "kJ", 0, "total", "difference", ENERGY_FORMULA, needs=ENERGY_NEEDS,
            equation="energy spent: Keytel 2005 from 60 % of the maximal heart rate, Mifflin-St Jeor 1990 at rest, "
            "a straight line in between",
        ),
        Figure(
            "energy_kcal", "Energy", "kcal", 0, "total", "difference", ENERGY_FORMULA, needs=ENERGY_NEEDS,
            equation="the same in kcal (1 kcal = 4.184 kJ)",
        ),
    )  # fmt: skip
    MOMENTS: ClassVar[tuple[Figure, ...]] = (
        Figure(
            "energy_rate_kj_per_min", "Energy rate", "kJ/min", 1, "present", "mean", ENERGY_FORMULA,
            needs=ENERGY_NEEDS, scope="moment", equation="energy expenditure at present",
        ),
    )  # fmt: skip

    def update(self, rows: IntArray, dt_s: FloatArray, rate_kj_per_min: FloatArray) -> FloatArray:
        """Add ``dt_s`` [k] at the rate [k]; an unknown rate adds nothing. Returns the totals [k], kJ."""
        return self.add(rows, dt_s, rate_kj_per_min)

    def values(self, rows: IntArray) -> FloatArray:
        """Values of ``FIGURES`` for ``rows`` [k]."""
        total_kj = self.total(rows)
        return columns(self.FIGURES, {"energy_kj": total_kj, "energy_kcal": total_kj / KJ_PER_KCAL})
