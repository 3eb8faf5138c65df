"""Maximal oxygen uptake from two heart rates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from athlete_monitor.arrays import FloatArray

VO2MAX_FORMULA: Final = "uth_2004"
SEE_MEASURED_HR_MAX: Final = 0.045
"""Standard error, as a fraction of the estimate, with a measured maximal heart rate."""
SEE_PREDICTED_HR_MAX: Final = 0.078
"""Standard error, as a fraction of the estimate, with a predicted maximal heart rate."""


def vo2max_uth_2004(hr_max_bpm: FloatArray, hr_rest_known_bpm: FloatArray) -> FloatArray:
    """Maximal oxygen uptake, ml/kg/min, 15.3 HRmax/HRrest: a constant of the athlete, not of the present heart rate.

    Needs a known resting heart rate; pass NaN where it is only assumed, and the estimate is NaN.
    Source: Uth et al. 2004, Eur J Appl Physiol 91:111-115 (46 well-trained men of 21-51 years; standard error 4.5 %,
    and 7.8 % with a predicted maximum). Not validated for women or untrained people.
    """
    return 15.3 * hr_max_bpm / np.where(hr_rest_known_bpm > 0.0, hr_rest_known_bpm, np.nan)
