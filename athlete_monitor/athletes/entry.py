"""One athlete of the roster."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from athlete_monitor.arguments import DEVICE_PATTERN, DEVICE_WORDS, LARGEST_ID
from athlete_monitor.athletes.limits import DatedLimits, in_force
from athlete_monitor.athletes.profile import Profile, Sex
from athlete_monitor.athletes.values import day_of
from athlete_monitor.config import Allowed, Section

DAYS_PER_YEAR: Final = 365.2425
YOUNGEST: Final = 5
OLDEST: Final = 100
LARGEST_NUMBER: Final = 999


def _age(birth_date: date, on: date) -> float:
    return (on - birth_date).days / DAYS_PER_YEAR


def _born(value: date | None) -> date | None:
    if value is None:
        return None
    age = _age(value, date.today())  # noqa: DTZ011 - a roster is read where the athletes are
    if not YOUNGEST <= age <= OLDEST:
        msg = f"an age of {YOUNGEST} to {OLDEST} years is expected, this would be {int(age // 1)}"
        raise ValueError(msg)
    return value


Text = Annotated[str, StringConstraints(min_length=1, max_length=40, strip_whitespace=True)]
"""A position, a group: free text."""


class Athlete(Section):
    """One entry of the roster; only ``id`` and ``device`` are required."""

    id: int = Field(ge=1, le=LARGEST_ID)
    device: Annotated[str, StringConstraints(pattern=DEVICE_PATTERN), Allowed(DEVICE_WORDS)]
    name: Annotated[str, StringConstraints(min_length=1, max_length=80)] | None = None
    number: int | None = Field(default=None, ge=0, le=LARGEST_NUMBER)
    position: Text | None = None
    group: Text | None = None
    strap: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    available: bool = True
    consent: bool = True
    sex: Sex | None = None
    birth_date: Annotated[date | None, BeforeValidator(day_of), AfterValidator(_born)] = None
    age: float | None = Field(default=None, ge=YOUNGEST, le=OLDEST)
    weight_kg: float | None = Field(default=None, ge=20, le=250)
    height_cm: float | None = Field(default=None, ge=90, le=250)
    hr_max_bpm: float | None = Field(default=None, ge=120, le=230)
    hr_rest_bpm: float | None = Field(default=None, ge=25, le=110)
    limits: Annotated[tuple[DatedLimits, ...], Field(strict=False), BeforeValidator(lambda given: given or ())] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Athlete:
        if self.birth_date is not None and self.age is not None:
            msg = "give birth_date or age, not both"
            raise ValueError(msg)
        if self.hr_max_bpm is not None and self.hr_rest_bpm is not None and self.hr_rest_bpm >= self.hr_max_bpm:
            msg = "hr_rest_bpm must be below hr_max_bpm"
            raise ValueError(msg)
        days = [entry.since for entry in self.limits]
        if len(set(days)) < len(days):
            msg = "limits: two entries have the same from"
            raise ValueError(msg)
        percents = any(entry.speed_bands_percent for entry in self.limits)
        if percents and not any(entry.max_speed_mps for entry in self.limits):
            msg = "limits: speed_bands_percent needs max_speed_mps, the athlete's own maximum"
            raise ValueError(msg)
        return self

    def profile(self, on: date) -> Profile:
        """Return the profile of the given day: the age follows from the birth date, limits are those of the day."""
        return Profile(
            athlete_id=self.id,
            name=self.name,
            sex=self.sex,
            age_years=_age(self.birth_date, on) if self.birth_date else self.age,
            weight_kg=self.weight_kg,
            height_cm=self.height_cm,
            hr_max_bpm=self.hr_max_bpm,
            hr_rest_bpm=self.hr_rest_bpm,
            limits=in_force(self.limits, on),
        )
