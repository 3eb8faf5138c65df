"""Impacts: peaks of the acceleration."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from athlete_monitor.arrays import GRAVITY_MPS2, MAX_STEP_S, places, some
from athlete_monitor.figures import Figure, columns
from athlete_monitor.physiology.squad_state import SquadState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.arrays import BoolArray, FloatArray, IntArray

BAND_EDGES_G: Final = (5.0, 6.0, 6.5, 7.0, 8.0, 10.0)
"""Lower edges of the bands, g; an impact at an edge belongs to the band above it."""
BANDS: Final = ("5-6 g", "6-6.5 g", "6.5-7 g", "7-8 g", "8-10 g", ">10 g")
MIN_DISTANCE_S: Final = 0.3
TRUSTED_RATE_HZ: Final = 50.0
DEFAULT_ALERT_G: Final = 8.0
RATE_TAU_S: Final = 10.0
"""Time constant over which the sample rate is measured."""
_RATE_KNOWN_S: Final = 1.0
_ROUNDING_HZ: Final = 0.5


@dataclass(frozen=True)
class Impact:
    """One impact."""

    row: int
    t: float
    """Sample time of the peak, s."""
    peak_g: float
    band: int
    """Index into ``BANDS``."""
    alert: bool
    undersampled: bool
    """The sample rate is too low to trust the peak: the true one may be higher, and others may be missed."""
    sample_rate_hz: float | None
    """Measured rate of the samples; None when there are too few."""


class Impacts(SquadState):
    """Finds impacts in the stream of accelerations and counts them by band.

    An impact is a local maximum of the magnitude of the measured acceleration, gravity included, of at least 5 g; of
    maxima less than 0.3 s apart the highest (the first of equals) is the impact. It becomes certain, and is reported,
    with the first sample 0.3 s or more after the peak. Below 50 Hz (measured, or not yet known) it is marked
    ``undersampled``. Bands: practice of rugby's GPS-accelerometer units. A peak on a trunk sensor is not the force of a
    blow to the head.
    """

    FIELDS = MappingProxyType(
        {
            **dict.fromkeys((f"band_{band}" for band in range(len(BANDS))), 0.0),
            "alerts": 0.0,
            "last_g": 0.0,
            "t": np.nan,
            "rising": 0.0,
            "peak_g": 0.0,
            "peak_t": np.nan,
            "recent_samples": 0.0,
            "recent_s": 0.0,
            "samples": 0.0,
        }
    )
    ADDED = (*(f"band_{band}" for band in range(len(BANDS))), "alerts", "samples")
    FIGURES: ClassVar[tuple[Figure, ...]] = (
        Figure(
            "impacts", "Impacts", "", 0, "map", "difference", "peaks_5g_0.3s", needs=("acceleration",), digits=0,
            members=BANDS, more_is_worse=True,
            equation="number of impacts by band of peak acceleration: " + ", ".join(f"`{band}`" for band in BANDS),
        ),
        Figure(
            "impact_alerts", "Hard impacts", "", 0, "count", "difference", needs=("acceleration",), digits=0,
            more_is_worse=True, equation="impacts of `impacts.alert_g` or more",
        ),
    )  # fmt: skip

    def __init__(self, capacity: int, alert_g: float = DEFAULT_ALERT_G) -> None:
        super().__init__(capacity)
        self._alert_g = alert_g

    def update(self, rows: IntArray, t: FloatArray, acc_mps2: FloatArray) -> list[Impact]:
        """Take the measured acceleration [k, 3], m/s^2, at ``t`` [k], s; NaN: none in this sample.

        Returns the impacts that became certain, in the order of ``rows``.
        """
        state = self._open(rows)
        last_g, last_t, rising, _, _, recent_samples, recent_s, samples = state[_MEMORY]
        ax, ay, az = np.ascontiguousarray(acc_mps2.T)
        magnitude_g = np.sqrt(ax * ax + ay * ay + az * az) / GRAVITY_MPS2
        known = ~np.isnan(magnitude_g)
        gap = t - last_t
        counted = known & (gap > 0.0) & (gap <= MAX_STEP_S)
        step_s = np.where(counted, gap, 0.0)
        decay = np.exp(step_s / -RATE_TAU_S)
        recent_samples[:] = recent_samples * decay + counted
        recent_s[:] = recent_s * decay + step_s
        samples += known
        found = self._follow_peaks(rows, state, t, magnitude_g)
        np.copyto(rising, magnitude_g > last_g, where=known)
        np.copyto(last_g, magnitude_g, where=known)
        np.copyto(last_t, t, where=known)
        self._put(rows, state)
        return found

    def foresee(self, before: FloatArray, args: Sequence[Any]) -> None:
        """See ``SquadState``."""
        _, t, acc_mps2 = args
        _, last_t, _, _, _, recent_samples, recent_s, _ = before[_MEMORY]
        gap = t - last_t
        counted = ~np.isnan(acc_mps2.sum(axis=1)) & (gap > 0.0) & (gap <= MAX_STEP_S)
        step_s = np.where(counted, gap, 0.0)
        samples, seconds = recent_samples.item(0), recent_s.item(0)
        found = []
        for decay, step in zip(np.exp(step_s / -RATE_TAU_S).tolist(), step_s.tolist(), strict=True):
            found.append((samples, seconds))
            samples, seconds = samples * decay + (step > 0.0), seconds * decay + step
        recent_samples[:], recent_s[:] = np.array(found).T

    def flush(self, rows: IntArray) -> list[Impact]:
        """End of a session: the impacts of ``rows`` [k] that were waiting to become certain."""
        state = self._open(rows)
        found = self._follow_peaks(rows, state, np.full(len(rows), np.inf), np.zeros(len(rows)))
        state[_RISING] = 0.0
        self._put(rows, state)
        return found

    def _follow_peaks(self, rows: IntArray, state: FloatArray, t: FloatArray, magnitude_g: FloatArray) -> list[Impact]:
        """Check whether the last sample was a peak, and report the peaks that ``t`` makes certain; NaN: no sample."""
        last_g, last_t, rising, peak_g, peak_t = state[_PEAKS]
        if not some(np.maximum(last_g, peak_g) >= BAND_EDGES_G[0]):
            return []
        summit = (rising == 1.0) & (magnitude_g <= last_g) & (last_g >= BAND_EDGES_G[0]) & (last_g > peak_g)
        np.copyto(peak_g, last_g, where=summit)
        np.copyto(peak_t, last_t, where=summit)
        certain = (peak_g > 0.0) & (magnitude_g >= 0.0) & (np.abs(t - peak_t) >= MIN_DISTANCE_S)
        found = self._found(rows, state, certain) if some(certain) else []
        np.copyto(peak_g, 0.0, where=certain)
        return found

    def counts(self, rows: IntArray) -> FloatArray:
        """Impacts in each of ``BANDS`` so far [6, k]; NaN for athletes without acceleration."""
        measured = self._field("samples", rows) > 0.0
        return np.where(measured, self._take(rows)[: len(BANDS)], np.nan)

    def values(self, rows: IntArray) -> FloatArray:
        """Values of ``FIGURES`` for ``rows`` [k]."""
        state = self._take(rows)
        counts, alerts, samples = state[: len(BANDS)], state[self._index["alerts"]], state[self._index["samples"]]
        found = columns(self.FIGURES, {"impacts": counts, "impact_alerts": alerts})
        return np.where(samples > 0.0, found, np.nan)

    def sample_rate_hz(self, rows: IntArray) -> FloatArray:
        """Present rate of acceleration samples [k]; NaN until a second has been measured."""
        seconds = self._field("recent_s", rows)
        return self._field("recent_samples", rows) / np.where(seconds >= _RATE_KNOWN_S, seconds, np.nan)

    def _found(self, rows: IntArray, state: FloatArray, certain: BoolArray) -> list[Impact]:
        """Report and count the peaks held in the columns of ``state`` that are ``certain``."""
        return [self._count(int(rows[i]), state[:, i]) for i in places(certain)]

    def _count(self, row: int, column: FloatArray) -> Impact:
        _, _, _, peak_g, peak_t, recent_samples, recent_s, _ = column[_MEMORY].tolist()
        rate_hz = recent_samples / recent_s if recent_s >= _RATE_KNOWN_S else math.nan
        band = int(np.searchsorted(BAND_EDGES_G, peak_g, side="right")) - 1
        alert = peak_g >= self._alert_g
        column[band] += 1.0
        column[len(BANDS)] += alert
        trusted = rate_hz >= TRUSTED_RATE_HZ - _ROUNDING_HZ
        return Impact(row, peak_t, peak_g, band, alert, not trusted, None if math.isnan(rate_hz) else rate_hz)


_MEMORY: Final = slice(len(BANDS) + 1, None)
_PEAKS: Final = slice(len(BANDS) + 1, len(BANDS) + 6)
_RISING: Final = len(BANDS) + 3
