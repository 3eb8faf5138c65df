"""The readings that ``HeartRateFilter`` accepts, for one whole recording at once: its answer, many times faster.

The filter advances many athletes by one sample. Here one athlete advances by many samples, in plain floating-point
numbers: the same comparisons of the same values, without an array for each of them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from athlete_monitor.physiology.heart_rate import (
    CONTACT_S,
    MAX_BPM,
    MAX_CHANGE_BPM_PER_S,
    MIN_BPM,
    SECOND_SHARE,
    WIDENS_S,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from athlete_monitor.arrays import BoolArray, FloatArray


class StrapReadings:
    """The filter's state for one athlete, without what only the live process shows.

    Args:
        fresh_s: as in ``HeartRateFilter``.
        reading_interval_s: as in ``HeartRateFilter``.

    >>> StrapReadings().accepted(np.arange(4.0), np.array([205.0, 120.0, 121.0, 122.0])).tolist()
    [False, False, True, True]
    """

    def __init__(self, fresh_s: float = 5.0, reading_interval_s: float = 1.0) -> None:
        self._fresh_s, self._interval_s = fresh_s, reading_interval_s
        self._anchor = self._waiting = (math.nan, math.nan)

    def accepted(self, t: FloatArray, reading_bpm: FloatArray) -> BoolArray:
        """Which of the next readings [n] are accepted, bool [n].

        Args:
            t: times, s, finite, [n].
            reading_bpm: bpm, NaN where a sample has none, [n].
        """
        result = np.zeros(len(t), dtype=np.bool_)
        places = np.flatnonzero((reading_bpm >= MIN_BPM) & (reading_bpm <= MAX_BPM))
        readings = zip(t[places].tolist(), reading_bpm[places].tolist(), strict=True)
        result[places] = list(self._each(readings))
        return result

    def _each(self, readings: Iterable[tuple[float, float]]) -> Iterator[bool]:
        """Whether each reading is accepted; most repeat the newest one, which is seen without a further call."""
        near_s, near_bpm = self._interval_s, MAX_CHANGE_BPM_PER_S * min(self._interval_s, WIDENS_S)
        for t, bpm in readings:
            anchor_bpm, anchor_t = self._anchor
            if abs(t - anchor_t) < near_s and abs(bpm - anchor_bpm) <= near_bpm:
                self._waiting = (math.nan, self._waiting[1])
                yield True
            else:
                yield self._accepts(t, bpm)

    def _accepts(self, t: float, bpm: float) -> bool:
        anchor_bpm, anchor_t = self._anchor
        elapsed_s = abs(t - anchor_t)
        if self._agree(bpm - anchor_bpm, elapsed_s):
            self._waiting = (math.nan, self._waiting[1])
        elif not self._seconded(t, bpm, stale=not elapsed_s < self._fresh_s):
            return False
        if not elapsed_s < self._interval_s:
            self._anchor = (bpm, t)
        return True

    def _agree(self, change_bpm: float, elapsed_s: float) -> bool:
        widened_s = min(max(elapsed_s, self._interval_s), WIDENS_S) if elapsed_s <= CONTACT_S else self._interval_s
        return abs(change_bpm) <= MAX_CHANGE_BPM_PER_S * widened_s

    def _seconded(self, t: float, bpm: float, *, stale: bool) -> bool:
        """Whether a doubtful reading agrees with the waiting one and replaces a stale one; otherwise it may wait."""
        waiting_bpm, waiting_t = self._waiting
        since_s = abs(t - waiting_t)
        agree = since_s <= CONTACT_S and self._agree(bpm - waiting_bpm, since_s)
        if agree and stale and since_s >= SECOND_SHARE * self._interval_s:
            self._waiting = (math.nan, waiting_t)
            return True
        if not agree or since_s >= self._interval_s:
            self._waiting = (bpm, t)
        return False
