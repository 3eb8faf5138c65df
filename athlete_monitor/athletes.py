"""The roster: who wears which device, and what is known of their body."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import Field, StringConstraints, ValidationInfo, field_validator, model_validator

from athlete_monitor.arguments import DEVICE_PATTERN, DEVICE_WORDS, LARGEST_ID
from athlete_monitor.config import Allowed, Section, read_yaml_model
from athlete_monitor.physiology.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Sex = Literal["male", "female"]
DAYS_PER_YEAR: Final = 365.2425


@dataclass(frozen=True)
class Profile:
    """What is known of an athlete's body; None where it is not known."""

    athlete_id: int
    name: str | None = None
    sex: Sex | None = None
    age_years: float | None = None
    weight_kg: float | None = None
    height_cm: float | None = None
    hr_max_bpm: float | None = None
    hr_rest_bpm: float | None = None
    limits: Limits | None = None

    def __post_init__(self) -> None:
        limits: object = self.limits
        if isinstance(limits, dict):  # as the journal returns it
            object.__setattr__(self, "limits", Limits.from_dict(limits))


def merge(roster: Profile | None, wire: Profile | None) -> Profile:
    """Join two profiles of one athlete, field by field; the roster's value wins.

    Raises:
        ValueError: both are None.
    """
    if roster is None or wire is None:
        only = roster or wire
        if only is None:
            msg = "a profile is needed from the roster or the wire"
            raise ValueError(msg)
        return only
    chosen = {f.name: getattr(roster, f.name) for f in fields(Profile)}
    missing = {name: getattr(wire, name) for name, value in chosen.items() if value is None}
    return Profile(**{**chosen, **missing})


class Athlete(Section):
    """One entry of the roster."""

    id: int = Field(ge=1, le=LARGEST_ID)
    device: Annotated[str, StringConstraints(pattern=DEVICE_PATTERN), Allowed(DEVICE_WORDS)]
    name: Annotated[str, StringConstraints(min_length=1, max_length=80)] | None = None
    sex: Sex | None = None
    birth_date: date | None = None
    age: float | None = Field(default=None, ge=5, le=100)
    weight_kg: float | None = Field(default=None, ge=20, le=250)
    height_cm: float | None = Field(default=None, ge=90, le=250)
    hr_max_bpm: float | None = Field(default=None, ge=120, le=230)
    hr_rest_bpm: float | None = Field(default=None, ge=25, le=110)

    @model_validator(mode="after")
    def _consistent(self) -> Athlete:
        if self.birth_date is not None and self.age is not None:
            msg = "give birth_date or age, not both"
            raise ValueError(msg)
        if self.hr_max_bpm is not None and self.hr_rest_bpm is not None and self.hr_rest_bpm >= self.hr_max_bpm:
            msg = "hr_rest_bpm must be below hr_max_bpm"
            raise ValueError(msg)
        return self

    def profile(self, on: date) -> Profile:
        """Return the profile as of the given day (the age follows from the birth date)."""
        age = (on - self.birth_date).days / DAYS_PER_YEAR if self.birth_date else self.age
        return Profile(
            athlete_id=self.id,
            name=self.name,
            sex=self.sex,
            age_years=age,
            weight_kg=self.weight_kg,
            height_cm=self.height_cm,
            hr_max_bpm=self.hr_max_bpm,
            hr_rest_bpm=self.hr_rest_bpm,
        )


class RosterFile(Section):
    """The roster as it stands in the file."""

    athletes: tuple[Athlete, ...] = Field(strict=False)

    @field_validator("athletes")
    @classmethod
    def _unique(cls, athletes: tuple[Athlete, ...], _info: ValidationInfo) -> tuple[Athlete, ...]:
        for key in ("id", "device"):
            seen: set[object] = set()
            for athlete in athletes:
                value = getattr(athlete, key)
                if value in seen:
                    msg = f"{key} {value!r} stands twice"
                    raise ValueError(msg)
                seen.add(value)
        return athletes


class Roster:
    """The athletes of a roster file, found by id or by device."""

    def __init__(self, athletes: tuple[Athlete, ...] = ()) -> None:
        self._athletes = athletes
        self._by_id = {athlete.id: athlete for athlete in athletes}
        self._by_device = {athlete.device: athlete for athlete in athletes}

    @classmethod
    def load(cls, path: Path) -> Roster:
        """Read a roster file; a file that does not exist is an empty roster.

        Raises:
            ConfigError: the file is not a valid roster.
        """
        return cls(read_yaml_model(path, RosterFile).athletes) if path.exists() else cls()

    def by_id(self, athlete_id: int) -> Athlete | None:
        """Return the athlete of this id, or None."""
        return self._by_id.get(athlete_id)

    def by_device(self, device_id: str) -> Athlete | None:
        """Return the athlete who wears this device, or None."""
        return self._by_device.get(device_id)

    def __iter__(self) -> Iterator[Athlete]:
        return iter(self._athletes)

    def __len__(self) -> int:
        return len(self._athletes)
