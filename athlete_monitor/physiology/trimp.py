"""Training impulse and time in heart-rate zones: the internal load of a session."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np

from athlete_monitor.figures import Figure, columns
from athlete_monitor.physiology.reasons import TRIMP_NEEDS, ZONES_NEEDS
from athlete_monitor.physiology.squad_state import RateIntegral, SquadState

if TYPE_CHECKING:
    from athlete_monitor.arrays import FloatArray, IntArray

BANISTER_FORMULA: Final = "banister_1991"
EDWARDS_FORMULA: Final = "edwards_1993"
ZONE_EDGES: Final = (0.5, 0.6, 0.7, 0.8, 0.9)
"""Lower edges of the zones 1 ... 5 as fractions of the maximal heart rate; zone 0 is below them."""
ZONES: Final = len(ZONE_EDGES) + 1
ZONE_NAMES: Final = ("below_50_percent", *(f"zone_{zone}" for zone in range(1, ZONES)))


def banister_rate(reserve: FloatArray, male: FloatArray) -> FloatArray:
    """Training impulse per minute, x a e^(b x), for the reserve fraction x and ``male`` (1 man, 0 woman); NaN unknown.

    a = 0.64, b = 1.92 for men; a = 0.86, b = 1.67 for women: the rise of blood lactate with the heart-rate reserve.
    Source: Banister 1991, in Physiological Testing of Elite Athletes; Morton, Fitz-Clarke & Banister 1990, J Appl
    Physiol 69:1171-1177. Holds for steady work of trained adults; short intervals are underrated.
    """
    man, woman = male == 1.0, male == 0.0
    a = np.where(man, 0.64, np.where(woman, 0.86, np.nan))
    b = np.where(man, 1.92, 1.67)
    return reserve * a * np.exp(b * reserve)


class BanisterTrimp(RateIntegral):
    """Training impulse of the session so far (Banister 1991), summed sample by sample."""

    FIGURES: ClassVar[tuple[Figure, ...]] = (
        Figure(
            "trimp", "TRIMP", "", 1, "total", "difference", BANISTER_FORMULA, needs=TRIMP_NEEDS,
            equation="training impulse: minutes · x · 0.64 e^(1.92 x) for men, 0.86 e^(1.67 x) for women, x the "
            "fraction of the heart-rate reserve (Banister 1991)",
        ),
    )  # fmt: skip

    def update(self, rows: IntArray, dt_s: FloatArray, reserve: FloatArray, male: FloatArray) -> FloatArray:
        """Add ``dt_s`` [k] at the reserve fraction [k]; unknown inputs add nothing. Returns the totals [k]."""
        return self.add(rows, dt_s, banister_rate(reserve, male))

    def values(self, rows: IntArray) -> FloatArray:
        """Values of ``FIGURES`` for ``rows`` [k]."""
        return columns(self.FIGURES, {"trimp": self.total(rows)})


def zone_of(heart_rate_bpm: FloatArray, hr_max_bpm: FloatArray) -> IntArray:
    """Zone 0 (below 50 % of the maximum) ... 5 (90 % and above) of each heart rate; -1 where unknown."""
    fraction = heart_rate_bpm / hr_max_bpm
    zone = np.searchsorted(ZONE_EDGES, fraction, side="right")
    return np.where(np.isnan(fraction), -1, zone)


def edwards_trimp(zone_seconds: FloatArray) -> FloatArray:
    """Sum over the zones of minutes in zone k times k, for ``zone_seconds`` [6, ...], zone 0 first.

    Source: Edwards 1993, The Heart Rate Monitor Book; zones of 50-60, 60-70, 70-80, 80-90 and 90-100 % of the maximal
    heart rate.
    """
    minutes: FloatArray = zone_seconds / 60.0
    impulse: FloatArray = minutes[1] + 2.0 * minutes[2] + 3.0 * minutes[3] + 4.0 * minutes[4] + 5.0 * minutes[5]
    return impulse


class HeartRateZones(SquadState):
    """Seconds in each of the five zones and below them; they add up to the time with a known heart rate and maximum.

    A heart rate above the maximum counts in zone 5.
    """

    FIELDS = MappingProxyType(
        {f"zone_{zone}_s": 0.0 for zone in range(ZONES)}
        | {"samples": 0.0}
        | {f"own_zone_{zone}_s": 0.0 for zone in range(ZONES)}
        | {"own_samples": 0.0}
    )
    ADDED = tuple(FIELDS)
    MOMENTS: ClassVar[tuple[Figure, ...]] = (
        Figure(
            "heart_rate_zone", "Zone", "", 0, "present", needs=ZONES_NEEDS, scope="moment", digits=0,
            equation="0 below 50 % of the maximum, then 1 to 5 in steps of 10 %, or the athlete's own zones",
        ),
    )  # fmt: skip
    FIGURES: ClassVar[tuple[Figure, ...]] = (
        Figure(
            "time_in_zones_s", "Time in zones", "s", 0, "map", "difference", EDWARDS_FORMULA, needs=ZONES_NEEDS,
            digits=1, members=ZONE_NAMES,
            equation="`below_50_percent`, `zone_1` to `zone_5`; adds up to the time with a known heart rate. Where the "
            "athlete has zones of their own: below zone 1, then those",
        ),
        Figure(
            "trimp_edwards", "Edwards", "", 1, "total", "difference", EDWARDS_FORMULA, needs=ZONES_NEEDS,
            equation="minutes in zone k times k, zones in percent of the maximum (Edwards 1993)",
        ),
    )  # fmt: skip

    def update(
        self,
        rows: IntArray,
        dt_s: FloatArray,
        heart_rate_bpm: FloatArray,
        hr_max_bpm: FloatArray,
        own_bpm: FloatArray | None = None,
    ) -> IntArray:
        """Add ``dt_s`` [k] to the zone of each heart rate [k]; returns the zones [k], -1 where unknown.

        ``own_bpm`` [5, k] are the lower limits of the athletes' own zones, bpm: NaN for athletes without own zones, and
        far above any heart rate for zones that an athlete does not have.
        """
        zone = zone_of(heart_rate_bpm, hr_max_bpm)
        known = zone >= 0
        self._table[zone * known, rows] += dt_s * known
        self._table[ZONES, rows] += known
        return zone if own_bpm is None else self._count_own(rows, dt_s, zone, heart_rate_bpm, own_bpm)

    def _count_own(
        self, rows: IntArray, dt_s: FloatArray, zone: IntArray, heart_rate_bpm: FloatArray, own_bpm: FloatArray
    ) -> IntArray:
        has_own = ~np.isnan(own_bpm[0])
        own = (heart_rate_bpm >= own_bpm).sum(axis=0)
        known = has_own & ~np.isnan(heart_rate_bpm)
        self._table[ZONES + 1 + own * known, rows] += dt_s * known
        self._table[2 * ZONES + 1, rows] += known
        return np.where(has_own, np.where(known, own, -1), zone)

    def seconds(self, rows: IntArray) -> FloatArray:
        """Seconds in zones 0 ... 5 [6, k]; NaN for athletes whose zone was never known."""
        values = self._take(rows)
        return np.where(values[ZONES] > 0.0, values[:ZONES], np.nan)

    def own_seconds(self, rows: IntArray) -> FloatArray:
        """Seconds below the athlete's own zones and in zones 1 ... 5 [6, k]; NaN where the athlete has none."""
        values = self._take(rows)[ZONES + 1 :]
        return np.where(values[ZONES] > 0.0, values[:ZONES], np.nan)

    def values(self, rows: IntArray) -> FloatArray:
        """Values of ``FIGURES`` for ``rows`` [k]."""
        seconds, own = self.seconds(rows), self.own_seconds(rows)
        shown = np.where(np.isnan(own), seconds, own)
        return columns(self.FIGURES, {"time_in_zones_s": shown, "trimp_edwards": edwards_trimp(seconds)})
