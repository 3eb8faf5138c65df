"""The athlete's profile, as inputs of the squad's model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from athlete_monitor.arrays import Float32Array
    from athlete_monitor.athletes import Profile

PROFILE_FEATURES: Final = (
    "profile_male",
    "profile_age_years",
    "profile_weight_kg",
    "profile_height_cm",
    "profile_hr_max_bpm",
    "profile_hr_rest_bpm",
)
PROFILE_UNKNOWN: Final = -1.0
"""Marks an unknown profile feature; the default model is trained with such values too."""


def profile_row(profile: Profile | None) -> Float32Array:
    """Profile features of an athlete, float32 [len(PROFILE_FEATURES)]; ``PROFILE_UNKNOWN`` where not known."""
    if profile is None:
        return np.full(len(PROFILE_FEATURES), PROFILE_UNKNOWN, dtype=np.float32)
    male = None if profile.sex is None else float(profile.sex == "male")
    known = (male, profile.age_years, profile.weight_kg, profile.height_cm, profile.hr_max_bpm, profile.hr_rest_bpm)
    return np.array([PROFILE_UNKNOWN if value is None else value for value in known], dtype=np.float32)
