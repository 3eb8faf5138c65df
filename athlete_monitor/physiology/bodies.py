"""What is known of each athlete's body, as arrays for the squad."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Protocol

import numpy as np

from athlete_monitor.figures import Figure, columns
from athlete_monitor.physiology.energy import resting_kj_per_min
from athlete_monitor.physiology.squad_state import SquadState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athlete_monitor.arrays import BoolArray, FloatArray, IntArray

ASSUMED_HR_REST_BPM: Final = 60.0
"""Default resting heart rate; everything computed with it is marked ``assumed_hr_rest``."""

_MALE: Final[Mapping[str | None, float]] = MappingProxyType({"male": 1.0, "female": 0.0, None: math.nan})


class BodyProfile(Protocol):
    """The values that a profile must have; None is unknown."""

    @property
    def sex(self) -> Literal["male", "female"] | None:
        """Sex that the formulas distinguish."""

    @property
    def age_years(self) -> float | None:
        """Age in years."""

    @property
    def weight_kg(self) -> float | None:
        """Body mass in kg."""

    @property
    def height_cm(self) -> float | None:
        """Height in cm."""

    @property
    def hr_max_bpm(self) -> float | None:
        """Measured maximal heart rate in bpm."""

    @property
    def hr_rest_bpm(self) -> float | None:
        """Measured resting heart rate in bpm."""


@dataclass(frozen=True)
class Body:
    """Bodies of the athletes of one call, each array [k]; NaN is unknown."""

    male: FloatArray
    """1 man, 0 woman."""
    age_years: FloatArray
    weight_kg: FloatArray
    height_cm: FloatArray
    hr_max_measured_bpm: FloatArray
    hr_rest_known_bpm: FloatArray

    @cached_property
    def resting_kj_per_min(self) -> FloatArray:
        """Energy expenditure at rest, kJ/min; NaN unknown."""
        return resting_kj_per_min(self.male, self.age_years, self.weight_kg, self.height_cm)

    @property
    def hr_rest_assumed(self) -> BoolArray:
        """Where the resting heart rate is not known."""
        return np.isnan(self.hr_rest_known_bpm)

    @cached_property
    def hr_rest_bpm(self) -> FloatArray:
        """Resting heart rate, ``ASSUMED_HR_REST_BPM`` where it is not known."""
        return np.where(self.hr_rest_assumed, ASSUMED_HR_REST_BPM, self.hr_rest_known_bpm)


class Bodies(SquadState):
    """The squad's bodies, one column per athlete. They seldom change, so the newest ones are remembered."""

    FIGURES: ClassVar[tuple[Figure, ...]] = (
        Figure("hr_rest_bpm", "Resting heart rate", "bpm", 0, "present", "last", equation="roster; else 60"),
        Figure(
            "assumed_hr_rest", "Resting heart rate assumed", "", 0, "flag", "last",
            equation="true where 60 bpm is assumed: every figure that uses the reserve depends on it",
        ),
    )  # fmt: skip

    FIELDS = MappingProxyType(
        dict.fromkeys(("male", "age_years", "weight_kg", "height_cm", "hr_max_bpm", "hr_rest_bpm"), math.nan)
    )

    _newest: tuple[bytes, Body] | None = None

    def set(self, row: int, profile: BodyProfile) -> None:
        """Store the profile of the athlete in ``row``."""
        known = {name: getattr(profile, name) for name in self.FIELDS if name != "male"}
        self.set_state(row, {**known, "male": _MALE[profile.sex]})

    def reset(self, rows: IntArray) -> None:
        """Forget everything about the athletes ``rows`` [k]."""
        self._newest = None
        super().reset(rows)

    def set_table(self, table: FloatArray) -> None:
        """Use another table [fields, athletes]."""
        self._newest = None
        super().set_table(table)

    def set_state(self, row: int, state: Mapping[str, Any]) -> None:
        """Restore what ``state`` returned; KeyError when a field is missing."""
        self._newest = None
        super().set_state(row, state)

    def set_block(self, rows: IntArray, values: FloatArray) -> None:
        """Restore what ``block`` returned."""
        self._newest = None
        super().set_block(rows, values)

    def take(self, rows: IntArray) -> Body:
        """Bodies of ``rows`` [k]."""
        asked = rows.tobytes()
        if self._newest is None or self._newest[0] != asked:
            self._newest = asked, Body(*self._take(rows))
        return self._newest[1]

    def values(self, rows: IntArray) -> FloatArray:
        """Values of ``FIGURES`` for ``rows`` [k]."""
        body = self.take(rows)
        return columns(
            self.FIGURES, {"hr_rest_bpm": body.hr_rest_bpm, "assumed_hr_rest": body.hr_rest_assumed.astype(np.float64)}
        )
