"""Reasons of missing figures: the vocabulary of the ``reasons`` that are published with null values.

A metric names what it needs (``TRIMP_NEEDS``, ``ENERGY_NEEDS``, ...); ``first_missing`` finds the first unmet need.
"""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HEART_RATE_MISSING: Final = "heart rate missing"
HEART_RATE_STALE: Final = "heart rate stale"
READINGS_REFUSED: Final = (
    "heart rate missing: the strap's readings cannot be (30 to 220 bpm, at most 10 bpm/s of change)"
)
STRAP_COUNTS_STEPS: Final = "strap suspect: it follows the step rate and the model disagrees"
STRAP_REPEATS: Final = "strap suspect: it repeats one reading although the movement changed"
STRAP_HALF_OR_TWICE: Final = "strap suspect: it reads half or twice the heart rate"
STRAP_DRIFTS: Final = "strap suspect: it drifted away although the run did not change"
MODEL_MISSING: Final = "model heart rate missing"
STRAP_MISSING: Final = "strap heart rate missing"
NEVER_BOTH: Final = "no moment with both strap and model heart rate"
RR_REQUIRED: Final = "rr_intervals required"
TOO_FEW_BEATS: Final = "too few clean rr_intervals"
TOO_MANY_ARTEFACTS: Final = "too many rr_intervals are artefacts"
RR_CONSTANT: Final = "rr_intervals do not vary"
HR_MAX_UNKNOWN: Final = "hr_max unknown: neither measured nor age known"
HR_REST_UNKNOWN: Final = "hr_rest unknown"
HR_LIMITS_INVALID: Final = "hr_rest not below hr_max"
SEX_UNKNOWN: Final = "sex unknown"
AGE_UNKNOWN: Final = "age unknown"
WEIGHT_UNKNOWN: Final = "weight unknown"
HEIGHT_UNKNOWN: Final = "height unknown"
ACCELERATION_MISSING: Final = "acceleration missing"
SPEED_MISSING: Final = "speed or position missing"
POSITION_MISSING: Final = "position missing"
CADENCE_MISSING: Final = "cadence missing"
THRESHOLD_UNKNOWN: Final = "threshold_bpm unknown: not in the roster's limits"
NO_RECOVERY: Final = "no minute of rest after a minute at 80 % of hr_max or more, with the strap"
RATING_MISSING: Final = "the athlete gave no rating"
RATED_TIME_UNKNOWN: Final = "the minutes that the rating is about are unknown"
SESSION_TOO_SHORT: Final = "session shorter than a minute"
NOT_YET_MEASURED: Final = "not enough samples yet"
HISTORY_28_DAYS: Final = "28 days of history required"
HISTORY_7_DAYS: Final = "7 days of history required"
NO_CHRONIC_LOAD: Final = "no load in the last weeks"
LOAD_CONSTANT: Final = "daily load does not vary"

REASON_OF: Final[Mapping[str, str]] = MappingProxyType(
    {
        "heart_rate_bpm": HEART_RATE_MISSING,
        "strap_bpm": STRAP_MISSING,
        "model_bpm": MODEL_MISSING,
        "hr_max_bpm": HR_MAX_UNKNOWN,
        "hr_rest_bpm": HR_REST_UNKNOWN,
        "hr_rest_known_bpm": HR_REST_UNKNOWN,
        "male": SEX_UNKNOWN,
        "age_years": AGE_UNKNOWN,
        "weight_kg": WEIGHT_UNKNOWN,
        "height_cm": HEIGHT_UNKNOWN,
        "acceleration": ACCELERATION_MISSING,
        "speed_mps": SPEED_MISSING,
        "position": POSITION_MISSING,
        "cadence_spm": CADENCE_MISSING,
        "threshold_bpm": THRESHOLD_UNKNOWN,
    }
)
"""The reason given when a named input is NaN or None."""

RESERVE_NEEDS: Final = ("heart_rate_bpm", "hr_max_bpm", "hr_rest_bpm")
TRIMP_NEEDS: Final = ("heart_rate_bpm", "hr_max_bpm", "hr_rest_bpm", "male")
ZONES_NEEDS: Final = ("heart_rate_bpm", "hr_max_bpm")
ENERGY_NEEDS: Final = ("heart_rate_bpm", "hr_max_bpm", "hr_rest_bpm", "male", "age_years", "weight_kg", "height_cm")
SPEED_NEEDS: Final = ("speed_mps",)
CADENCE_NEEDS: Final = ("cadence_spm",)
THRESHOLD_NEEDS: Final = ("heart_rate_bpm", "threshold_bpm")
EXCESS_NEEDS: Final = ("strap_bpm", "model_bpm")


def first_missing(needs: Sequence[str], inputs: Mapping[str, float | None]) -> str | None:
    """Reason for the first of ``needs`` that ``inputs`` lacks (absent, None or NaN); None when none is missing."""
    for name in needs:
        value = inputs.get(name)
        if value is None or math.isnan(value):
            return REASON_OF[name]
    return None
