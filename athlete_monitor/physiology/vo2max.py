"""Maximal oxygen uptake from two heart rates."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np

from athlete_monitor.figures import Figure, columns

if TYPE_CHECKING:
    from athlete_monitor.arrays import FloatArray, IntArray
    from athlete_monitor.physiology.bodies import Bodies
    from athlete_monitor.physiology.heart_rate import HeartRateMax

VO2MAX_FORMULA: Final = "uth_2004"


def vo2max_uth_2004(hr_max_bpm: FloatArray, hr_rest_known_bpm: FloatArray) -> FloatArray:
    """Maximal oxygen uptake, ml/kg/min, 15.3 HRmax/HRrest: a constant of the athlete, not of the present heart rate.

    Needs a known resting heart rate; pass NaN where it is only assumed, and the estimate is NaN.
    Source: Uth et al. 2004, Eur J Appl Physiol 91:111-115 (46 well-trained men of 21-51 years; standard error 4.5 %,
    and 7.8 % with a predicted maximum). Not validated for women or untrained people.
    """
    return 15.3 * hr_max_bpm / np.where(hr_rest_known_bpm > 0.0, hr_rest_known_bpm, np.nan)


class Vo2Max:
    """The estimate for each athlete of a squad, from the bodies and maxima that the squad keeps."""

    FIGURES: ClassVar[tuple[Figure, ...]] = (
        Figure(
            "vo2max_ml_kg_min", "VO2max, estimate", "ml/kg/min", 1, "present", "last", VO2MAX_FORMULA,
            needs=("hr_max_bpm", "hr_rest_known_bpm"),
            equation="15.3 HRmax/HRrest (Uth 2004), a constant of the athlete; needs a known resting heart rate",
        ),
    )  # fmt: skip

    def __init__(self, hr_max: HeartRateMax, bodies: Bodies) -> None:
        self._hr_max, self._bodies = hr_max, bodies

    def values(self, rows: IntArray) -> FloatArray:
        """Values of ``FIGURES`` for ``rows`` [k]."""
        estimate = vo2max_uth_2004(self._hr_max.bpm(rows), self._bodies.take(rows).hr_rest_known_bpm)
        return columns(self.FIGURES, {"vo2max_ml_kg_min": estimate})
