"""Distance by the device's own odometer, which is preferred to the integrated speed."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np

from athlete_monitor.arrays import some
from athlete_monitor.figures import Figure, columns
from athlete_monitor.physiology.reasons import SPEED_NEEDS
from athlete_monitor.physiology.squad_state import SquadState

if TYPE_CHECKING:
    from athlete_monitor.arrays import BoolArray, FloatArray, IntArray
    from athlete_monitor.physiology.clock import SampleClock
    from athlete_monitor.physiology.locomotion import Locomotion

FASTEST_MPS: Final = 30.0
"""An odometer that advances faster than this was reset; no athlete is as fast, not even on a bicycle or skates."""
READING_M: Final = 10.0
"""Largest step of an odometer: some devices report every ten metres."""


class Odometer(SquadState):
    """Distance of the session so far: by the odometer where the device has one, else by its speed or positions.

    The odometer counts since it was started, so its increase is used, over gaps too. One that decreases, or advances
    faster than 30 m/s, was reset and adds nothing at that moment. The distance before its first reading is taken from
    the speed.

    >>> odometer, row = Odometer(1), np.array([0])
    >>> for t, reading in ((0.0, 500.0), (10.0, 530.0), (20.0, 10.0), (30.0, 45.0)):
    ...     odometer.update(row, np.array([t]), np.array([reading]), np.array([0.0]))
    >>> odometer.distance_m(row, np.array([60.0])).item()
    65.0
    """

    FIELDS = MappingProxyType({"reading_m": np.nan, "t": np.nan, "before_m": 0.0, "advanced_m": 0.0})
    ADDED = ("advanced_m",)

    def update(self, rows: IntArray, t: FloatArray, reading_m: FloatArray, by_speed_m: FloatArray) -> None:
        """Take the odometer [k], m (NaN: no reading now), at ``t`` [k], s.

        ``by_speed_m`` [k] is the distance by speed so far; NaN or 0 where there is none.
        """
        read = ~np.isnan(reading_m)
        if not some(read):
            return
        state = self._open(rows)
        reading, last_t, before, advanced = state
        step_m = reading_m - reading
        possible = (step_m >= 0.0) & (step_m <= READING_M + FASTEST_MPS * np.abs(t - last_t))
        np.copyto(before, np.fmax(by_speed_m, 0.0), where=read & np.isnan(reading))
        advanced += np.where(read & possible, step_m, 0.0)
        np.copyto(reading, reading_m, where=read)
        np.copyto(last_t, t, where=read)
        self._put(rows, state)

    def used(self, rows: IntArray) -> BoolArray:
        """Whether the device has shown an odometer [k]."""
        return ~np.isnan(self._field("reading_m", rows))

    def distance_m(self, rows: IntArray, by_speed_m: FloatArray) -> FloatArray:
        """Distance so far [k], m; ``by_speed_m`` [k] is returned where there is no odometer."""
        own = self._field("before_m", rows) + self._field("advanced_m", rows)
        return np.where(self.used(rows), own, by_speed_m)


class Distance:
    """Distance of the session, its source, and the distance by the other source; metres per minute."""

    FIGURES: ClassVar[tuple[Figure, ...]] = (
        Figure(
            "distance_m", "Distance", "m", 0, "total", "difference", needs=SPEED_NEEDS,
            equation="by the device's odometer where it has one, else speed over time, or from positions",
        ),
        Figure(
            "metres_per_min", "Metres per minute", "m/min", 1, "total", needs=SPEED_NEEDS,
            equation="`distance_m` by the minutes in which it was measured",
        ),
    )  # fmt: skip
    SUMMARY: ClassVar[tuple[Figure, ...]] = (
        Figure(
            "distance_from_odometer", "Distance from the odometer", "", 0, "flag", scope="summary",
            equation="whether `distance_m` is the device's own",
        ),
        Figure(
            "distance_by_speed_m", "Distance by speed", "m", 0, "total", "difference", needs=SPEED_NEEDS,
            scope="summary", equation="speed over time, or from positions, also where the odometer is used",
        ),
    )  # fmt: skip

    def __init__(self, locomotion: Locomotion, odometer: Odometer, clock: SampleClock) -> None:
        self._locomotion = locomotion
        self._odometer = odometer
        self._clock = clock

    def total_m(self, rows: IntArray) -> FloatArray:
        """Distance so far [k], m; NaN unknown."""
        return self._odometer.distance_m(rows, self._locomotion.total("distance_m", rows))

    def values(self, rows: IntArray) -> FloatArray:
        """Values of ``FIGURES`` for ``rows`` [k]."""
        total_m = self.total_m(rows)
        seconds = np.where(self._odometer.used(rows), self._clock.measured_s(rows), self._locomotion.known_s(rows))
        per_min = 60.0 * total_m / np.where(seconds > 0.0, seconds, np.nan)
        return columns(self.FIGURES, {"distance_m": total_m, "metres_per_min": per_min})

    def summary_values(self, rows: IntArray) -> FloatArray:
        """Values of ``SUMMARY`` for ``rows`` [k]."""
        used = self._odometer.used(rows).astype(np.float64)
        by_speed = self._locomotion.total("distance_m", rows)
        return columns(self.SUMMARY, {"distance_from_odometer": used, "distance_by_speed_m": by_speed})
