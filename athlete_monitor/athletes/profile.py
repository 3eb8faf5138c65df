"""What is known of one athlete's body on one day."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from athlete_monitor.physiology.limits import Limits

Sex = Literal["male", "female"]


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

    >>> merge(Profile(7, name="Ada"), Profile(7, name="A.", weight_kg=61.5))
    Profile(athlete_id=7, name='Ada', sex=None, age_years=None, weight_kg=61.5, height_cm=None, hr_max_bpm=None, \
hr_rest_bpm=None, limits=None)
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
