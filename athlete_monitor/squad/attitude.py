"""The orientation of the sensor at many moments of one athlete: see ``squad/timeline.py``."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from athlete_monitor.arrays import MAX_STEP_S, places
from athlete_monitor.fusion import ImuFusion, OrientationFilter, tilt_quaternion
from athlete_monitor.squad.over_time import OverTime

if TYPE_CHECKING:
    from athlete_monitor.arrays import BoolArray, FloatArray, IntArray


class FusionOverTime(Protocol):
    """What a step uses of ``OrientationFilter``, and the athlete whose moments follow."""

    def follow(self, row: int) -> None:
        """Follow an athlete of the squad."""

    def update(
        self, rows: IntArray, t: FloatArray, acc_mps2: FloatArray, gyro_rad_s: FloatArray, mag_ut: FloatArray
    ) -> FloatArray:
        """See ``OrientationFilter``; rows are all moments."""

    def finish(self) -> None:
        """Give the athlete's row the state after the last moment."""


def over_time(squads: OrientationFilter) -> FusionOverTime:
    """Return the orientation over time for a filter of a squad."""
    return ImuFusionOverTime(squads) if isinstance(squads, ImuFusion) else OneByOne(squads)


class OneByOne:
    """Any filter, moment by moment.

    Args:
        squads: that of the squad.
    """

    def __init__(self, squads: OrientationFilter) -> None:
        self._squads, self._row = squads, np.zeros(1, dtype=np.int64)

    def follow(self, row: int) -> None:
        """See ``FusionOverTime``."""
        self._row = np.array([row])

    def update(
        self, rows: IntArray, t: FloatArray, acc_mps2: FloatArray, gyro_rad_s: FloatArray, mag_ut: FloatArray
    ) -> FloatArray:
        """See ``FusionOverTime``."""
        linear = np.full((len(rows), 3), np.nan)
        for at in places(~np.isnan(acc_mps2.sum(axis=1))).tolist():
            one = slice(at, at + 1)
            linear[one] = self._squads.update(self._row, t[one], acc_mps2[one], gyro_rad_s[one], mag_ut[one])
        return linear

    def finish(self) -> None:
        """See ``FusionOverTime``: the squad's filter has it already."""


class ImuFusionOverTime(ImuFusion):
    """The filter of the imufusion library, whose own state goes from moment to moment.

    Args:
        squads: that of the squad.
    """

    ADVANCES = ""  # not by ``OverTime``

    def __init__(self, squads: ImuFusion) -> None:
        super().__init__(1)
        self._squads, self._row, self._start = squads, 0, self._table[:, 0]
        self._filters = squads.filters
        self._force = OverTime(self._steady)

    def follow(self, row: int) -> None:
        """See ``FusionOverTime``."""
        self._row, self._start = row, self._squads.table[:, row].copy()
        self._table = self._start[:, None]

    def update(
        self, rows: IntArray, t: FloatArray, acc_mps2: FloatArray, gyro_rad_s: FloatArray, mag_ut: FloatArray
    ) -> FloatArray:
        """See ``FusionOverTime``."""
        steady = self._squads.steady.table[:, self._row, None]
        self._force.begin(np.repeat(steady, len(rows), axis=1))
        linear = super().update(rows, t, acc_mps2, gyro_rad_s, mag_ut)
        self._squads.steady.table[:, self._row] = self._steady.table[:, -1]
        return linear

    def finish(self) -> None:
        """See ``FusionOverTime``."""
        self._squads.table[:, self._row] = self._table[:, -1]

    def _turn(
        self,
        rows: IntArray,
        t: FloatArray,
        force: FloatArray,
        gyro_rad_s: FloatArray,
        mag_ut: FloatArray,
        usable: BoolArray,
    ) -> FloatArray:
        """See ``ImuFusion``: from start to start, all moments in one go."""
        last_t = _newest(self._start[4], t, usable)
        gap = t - last_t[:-1]
        starts = usable & ~(np.abs(gap) <= MAX_STEP_S)
        moves = usable & (gap > 0.0) & ~starts
        since = _newest(self._start[5], t, starts)[1:]
        attitude, tilt = np.empty((4, len(rows))), tilt_quaternion(force)
        spans = np.array([gap, t - since])
        vectors = np.array([force.T, gyro_rad_s, mag_ut])
        before = self._start[:4]
        for begin, end in pairwise((0, *places(starts).tolist(), len(rows))):
            if begin < end and starts[begin]:
                before = tilt[:, begin]
                self._filters.pop(self._row, None)
            moving = places(moves[begin:end]) + begin
            attitude[:, begin:end] = self._attitudes(before, moving, spans, vectors)[
                :, np.searchsorted(moving, np.arange(begin, end), side="right")
            ]
            before = attitude[:, end - 1] if end > begin else before
        self._table = np.vstack([attitude, last_t[1:], since])
        return attitude

    def _attitudes(self, before: FloatArray, moving: IntArray, spans: FloatArray, vectors: FloatArray) -> FloatArray:
        """Attitudes [4, 1 + n] before and after the moments ``moving`` [n]."""
        if not len(moving):
            return before[:, None]
        elapsed: Any = spans.take(moving, axis=1).T.tolist()
        rows = [self._row] * len(moving)
        found = self._steps(rows, elapsed, vectors.take(moving, axis=1), before[None].repeat(len(moving), axis=0))
        return np.vstack([before, *found]).T


def _newest(start: float, t: FloatArray, chosen: BoolArray) -> FloatArray:
    """The newest ``chosen`` time before each moment [n] and after the last one, [n + 1]; ``start`` before any."""
    newest = np.maximum.accumulate(np.concatenate([[0], np.where(chosen, np.arange(1, len(t) + 1), 0)]))
    times: FloatArray = np.concatenate([[start], t])[newest]
    return times
