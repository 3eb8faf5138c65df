"""Limits of each athlete that figures use: bands of speed and acceleration, heart-rate zones, threshold."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from athlete_monitor.physiology.squad_state import SquadState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athlete_monitor.arrays import FloatArray, IntArray

SPEED_LIMITS_MPS: Final = (2.0, 4.0, 5.5, 7.0)
"""Default limits between the five bands of speed: those that vendors commonly use."""
SPEED_BANDS: Final = len(SPEED_LIMITS_MPS) + 1
ACCELERATION_LIMITS_MPS2: Final = (2.0, 3.0, 4.0)
"""Default lower limits of the three bands of acceleration and deceleration."""
ACCELERATION_BANDS: Final = len(ACCELERATION_LIMITS_MPS2)
SPEED_BAND_NAMES: Final = tuple(f"band_{band}" for band in range(1, SPEED_BANDS + 1))
ACCELERATION_BAND_NAMES: Final = tuple(f"band_{band}" for band in range(1, ACCELERATION_BANDS + 1))
ZONE_LIMITS: Final = 5
NO_ZONE_BPM: Final = 1e9
"""Lower limit of a zone that an athlete does not have."""

ZoneBasis = Literal["percent_of_max", "percent_of_reserve", "bpm"]


@dataclass(frozen=True)
class ZoneLimits:
    """Lower limits of heart-rate zones 1, 2, ... of an athlete, two to five of them, in the unit of ``basis``."""

    basis: ZoneBasis
    lower: tuple[float, ...]

    def terms(self) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
        """Factors of HRmax, factors of HRrest and bpm [5 each] whose sum is each limit; ``NO_ZONE_BPM``: no such zone.

        >>> ZoneLimits("percent_of_reserve", (60.0, 80.0)).terms()[0]
        (0.6, 0.8, 0.0, 0.0, 0.0)
        """
        padded = self.lower + (NO_ZONE_BPM,) * (ZONE_LIMITS - len(self.lower))
        none = (0.0,) * ZONE_LIMITS
        if self.basis == "bpm":
            return none, none, padded
        share = tuple(0.0 if limit == NO_ZONE_BPM else limit / 100.0 for limit in padded)
        bpm = tuple(limit if limit == NO_ZONE_BPM else 0.0 for limit in padded)
        if self.basis == "percent_of_max":
            return share, none, bpm
        return share, tuple(0.0 if limit == NO_ZONE_BPM else 1.0 - limit / 100.0 for limit in padded), bpm


@dataclass(frozen=True)
class Limits:
    """Limits of one athlete on one day; a limit that is not given has the default."""

    speed_mps: tuple[float, ...] = SPEED_LIMITS_MPS
    acceleration_mps2: tuple[float, ...] = ACCELERATION_LIMITS_MPS2
    zones: ZoneLimits | None = None
    threshold_bpm: float | None = None

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Limits:
        """Return limits from what ``dataclasses.asdict`` returned, also after a round trip through JSON.

        Raises:
            KeyError, TypeError: the data are not limits.
        """
        zones = values["zones"]
        return cls(
            tuple(values["speed_mps"]),
            tuple(values["acceleration_mps2"]),
            None if zones is None else ZoneLimits(zones["basis"], tuple(zones["lower"])),
            values["threshold_bpm"],
        )


DEFAULT_LIMITS: Final = Limits()

_SPEED: Final = tuple(f"speed_{i}_mps" for i in range(len(SPEED_LIMITS_MPS)))
_ACCELERATION: Final = tuple(f"acceleration_{i}_mps2" for i in range(ACCELERATION_BANDS))
_ZONES: Final = tuple(f"zone_{i}_{of}" for of in ("of_max", "of_rest", "bpm") for i in range(1, ZONE_LIMITS + 1))


class SquadLimits(SquadState):
    """The squad's limits, one column per athlete."""

    FIELDS = MappingProxyType(
        {
            **dict(zip(_SPEED, SPEED_LIMITS_MPS, strict=True)),
            **dict(zip(_ACCELERATION, ACCELERATION_LIMITS_MPS2, strict=True)),
            "threshold_bpm": np.nan,
            **dict.fromkeys(_ZONES, np.nan),
        }
    )

    of_heart_rate = False
    """Whether any athlete has had heart-rate limits; figures that need them are not computed before."""

    def set(self, row: int, limits: Limits) -> None:
        """Store the limits of the athlete in ``row``."""
        self.of_heart_rate = self.of_heart_rate or limits.zones is not None or limits.threshold_bpm is not None
        zones = (math.nan,) * len(_ZONES) if limits.zones is None else sum(limits.zones.terms(), ())
        threshold = math.nan if limits.threshold_bpm is None else limits.threshold_bpm
        self._table[:, row] = (*limits.speed_mps, *limits.acceleration_mps2, threshold, *zones)

    def speed_mps(self, rows: IntArray) -> FloatArray:
        """Limits between the bands of speed [4, k]."""
        return self._table[: len(_SPEED)].take(rows, axis=1)

    def acceleration_mps2(self, rows: IntArray) -> FloatArray:
        """Lower limits of the bands of acceleration [3, k]."""
        return self._table[len(_SPEED) : len(_SPEED) + len(_ACCELERATION)].take(rows, axis=1)

    def threshold_bpm(self, rows: IntArray) -> FloatArray:
        """Threshold heart rate [k], bpm; NaN where the athlete has none."""
        return self._field("threshold_bpm", rows)

    def zones_bpm(self, rows: IntArray, hr_max_bpm: FloatArray, hr_rest_bpm: FloatArray) -> FloatArray:
        """Lower limits of the athlete's own zones 1 ... 5 [5, k], bpm; ``NO_ZONE_BPM``: no such zone."""
        of_max, of_rest, bpm = self._table[-len(_ZONES) :].take(rows, axis=1).reshape(3, ZONE_LIMITS, -1)
        of_both = np.where(of_max == 0.0, 0.0, of_max * hr_max_bpm) + np.where(
            of_rest == 0.0, 0.0, of_rest * hr_rest_bpm
        )
        limits: FloatArray = of_both + bpm
        return limits
