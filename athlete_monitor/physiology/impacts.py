"""Impacts: peaks of the acceleration."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.physiology.squad_state import SquadState

if TYPE_CHECKING:
    from athlete_monitor.arrays import FloatArray, IntArray

BAND_EDGES_G: Final = (5.0, 6.0, 6.5, 7.0, 8.0, 10.0)
BANDS: Final = ("5-6 g", "6-6.5 g", "6.5-7 g", "7-8 g", "8-10 g", ">10 g")
MIN_DISTANCE_S: Final = 0.3
TRUSTED_RATE_HZ: Final = 50.0
DEFAULT_ALERT_G: Final = 8.0


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
    """The sample rate was too low for the peak to be trusted: the true one may be higher, others may be missed."""
    sample_rate_hz: float | None


class Impacts(SquadState):
    """Finds impacts in the stream of accelerations and counts them by band."""

    FIELDS = MappingProxyType(dict.fromkeys((f"band_{i}" for i in range(len(BANDS))), 0.0) | {"alerts": 0.0})

    def __init__(self, capacity: int, alert_g: float = DEFAULT_ALERT_G) -> None:
        super().__init__(capacity)
        self._alert_g = alert_g

    def update(self, rows: IntArray, t: FloatArray, acc_mps2: FloatArray) -> list[Impact]:
        """Take the measured acceleration [k, 3], m/s^2 (gravity included); returns the impacts that became certain."""
        return []

    def flush(self, rows: IntArray) -> list[Impact]:
        """End of a session: the impacts that were waiting to become certain."""
        return []

    def counts(self, rows: IntArray) -> FloatArray:
        """Impacts in each of ``BANDS`` so far [6, k]; NaN for athletes without acceleration."""
        return self._take(rows)[: len(BANDS)]

    def alerts(self, rows: IntArray) -> FloatArray:
        """Impacts at or above the alert level so far [k]."""
        return self._field("alerts", rows)

    def sample_rate_hz(self, rows: IntArray) -> FloatArray:
        """Present rate of acceleration samples [k]; NaN until a second has been measured."""
        return np.full(len(rows), np.nan)
