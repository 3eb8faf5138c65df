"""An athlete's own limits in the roster, each with the day from which it is valid."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from athlete_monitor.athletes.values import day_of
from athlete_monitor.config import Allowed, Section
from athlete_monitor.physiology.limits import (
    ACCELERATION_LIMITS_MPS2,
    SPEED_LIMITS_MPS,
    Limits,
    ZoneLimits,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from athlete_monitor.physiology.limits import ZoneBasis

MOST_BPM: Final = 230.0
LEAST_BPM: Final = 30.0
MOST_PERCENT: Final = 120.0
MOST_MPS: Final = 30.0
MOST_MPS2: Final = 15.0


def _ascending(least: float, most: float, counts: tuple[int, ...]) -> Callable[[tuple[float, ...]], tuple[float, ...]]:
    """Return a check of limits: a given count of rising numbers between two bounds."""
    how_many = " or ".join(str(count) for count in counts)

    def check(values: tuple[float, ...]) -> tuple[float, ...]:
        rising = all(a < b for a, b in pairwise(values))
        if len(values) not in counts or not rising or not all(least <= value <= most for value in values):
            shown = ", ".join(f"{value:g}" for value in values)
            msg = f"[{shown}] is not allowed: {how_many} rising numbers from {least:g} to {most:g} are expected"
            raise ValueError(msg)
        return values

    return check


def _numbers(least: float, most: float, *counts: int) -> Any:  # noqa: ANN401 - an annotation
    how_many = " or ".join(str(count) for count in counts)
    return Annotated[
        tuple[float, ...],
        Field(strict=False),
        AfterValidator(_ascending(least, most, counts)),
        Allowed(f"a list of {how_many} rising numbers from {least:g} to {most:g}"),
    ]


if TYPE_CHECKING:
    Percents: TypeAlias = tuple[float, ...]
    ZoneBeats: TypeAlias = tuple[float, ...]
    SpeedLimits: TypeAlias = tuple[float, ...]
    SpeedPercents: TypeAlias = tuple[float, ...]
    AccelerationLimits: TypeAlias = tuple[float, ...]
else:
    Percents = _numbers(10, MOST_PERCENT, 2, 3, 4, 5)
    ZoneBeats = _numbers(LEAST_BPM, MOST_BPM, 2, 3, 4, 5)
    SpeedLimits = _numbers(0.1, MOST_MPS, len(SPEED_LIMITS_MPS))
    SpeedPercents = _numbers(1, MOST_PERCENT, len(SPEED_LIMITS_MPS))
    AccelerationLimits = _numbers(0.1, MOST_MPS2, len(ACCELERATION_LIMITS_MPS2))

Bpm = Annotated[float, Field(ge=LEAST_BPM, le=MOST_BPM)]


class OwnHeartRateZones(Section):
    """Lower limits of an athlete's own heart-rate zones, in one of three units.

    Three numbers are three zones and five are five, with a zone 0 below the first. Two or four numbers are the limits
    between three or five zones, where zone 1 begins at 0.
    """

    percent_of_max: Percents | None = None
    percent_of_reserve: Percents | None = None
    bpm: ZoneBeats | None = None

    @model_validator(mode="after")
    def _one(self) -> OwnHeartRateZones:
        if len(self.model_fields_set) != 1:
            msg = "give the zones in exactly one of percent_of_max, percent_of_reserve and bpm"
            raise ValueError(msg)
        return self

    def limits(self) -> ZoneLimits:
        """Return them as the figures use them.

        >>> OwnHeartRateZones(bpm=(142, 171)).limits()
        ZoneLimits(basis='bpm', lower=(0.0, 142.0, 171.0))
        """
        (basis,) = self.model_fields_set
        lower = tuple(float(value) for value in getattr(self, basis))
        return _zones(basis, lower)  # type: ignore[arg-type]


def _zones(basis: ZoneBasis, lower: tuple[float, ...]) -> ZoneLimits:
    return ZoneLimits(basis, (0.0, *lower) if len(lower) in {2, 4} else lower)


class DatedLimits(Section):
    """Limits that are valid from a day; a limit that is not given stays as it was."""

    since: Annotated[date, BeforeValidator(day_of)] = Field(alias="from")
    heart_rate_zones: OwnHeartRateZones | None = None
    lt1_bpm: Bpm | None = None
    lt2_bpm: Bpm | None = None
    threshold_bpm: Bpm | None = None
    max_speed_mps: float | None = Field(default=None, ge=1, le=MOST_MPS)
    speed_bands_mps: SpeedLimits | None = None
    speed_bands_percent: SpeedPercents | None = None
    acceleration_bands_mps2: AccelerationLimits | None = None

    @model_validator(mode="after")
    def _consistent(self) -> DatedLimits:
        if self.lt1_bpm is not None and self.lt2_bpm is not None and self.lt1_bpm >= self.lt2_bpm:
            msg = "lt1_bpm must be below lt2_bpm"
            raise ValueError(msg)
        if self.speed_bands_mps is not None and self.speed_bands_percent is not None:
            msg = "give speed_bands_mps or speed_bands_percent, not both"
            raise ValueError(msg)
        return self


def in_force(entries: Iterable[DatedLimits], day: date) -> Limits | None:
    """Return the limits of a day from entries in any order; None before the first entry.

    Each key is valid until a later entry sets it again. An athlete without own zones but with both lactate thresholds
    has the three zones between them; the default threshold heart rate is the second lactate threshold.
    """
    known = _known(entry for entry in sorted(entries, key=lambda entry: entry.since) if entry.since <= day)
    if not known:
        return None
    zones = known.get("heart_rate_zones")
    lt1, lt2 = known.get("lt1_bpm"), known.get("lt2_bpm")
    own = zones.limits() if zones else _zones("bpm", (lt1, lt2)) if lt1 is not None and lt2 is not None else None
    return Limits(
        speed_mps=_speed_limits(known),
        acceleration_mps2=known.get("acceleration_bands_mps2", ACCELERATION_LIMITS_MPS2),
        zones=own,
        threshold_bpm=known.get("threshold_bpm", lt2),
    )


def _known(entries: Iterable[DatedLimits]) -> dict[str, Any]:
    known: dict[str, Any] = {}
    for entry in entries:
        given = {name: value for name in entry.model_fields_set if (value := getattr(entry, name)) is not None}
        if "speed_bands_mps" in given:
            known.pop("speed_bands_percent", None)
        if "speed_bands_percent" in given:
            known.pop("speed_bands_mps", None)
        known |= given
    known.pop("since", None)
    return known


def _speed_limits(known: dict[str, Any]) -> tuple[float, ...]:
    percent, fastest = known.get("speed_bands_percent"), known.get("max_speed_mps")
    if percent is not None and fastest is not None:
        return tuple(share * fastest / 100.0 for share in percent)
    limits: tuple[float, ...] = known.get("speed_bands_mps", SPEED_LIMITS_MPS)
    return limits
