"""Peak demands: the largest growth of a running total in any 1, 3, 5 and 10 minutes of the session."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from athlete_monitor.arrays import places
from athlete_monitor.figures import Figure
from athlete_monitor.physiology.clock import LONGEST_STEP_S
from athlete_monitor.physiology.reasons import SPEED_NEEDS, TRIMP_NEEDS
from athlete_monitor.physiology.squad_state import SquadState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athlete_monitor.arrays import Float32Array, FloatArray, IntArray

WINDOWS_S: Final = (60, 180, 300, 600)
WINDOW_NAMES: Final = tuple(f"{seconds // 60}_min" for seconds in WINDOWS_S)
TOTALS: Final = ("distance_m", "high_speed_running_m", "player_load", "trimp")
"""The running totals whose peaks are published."""
_RING: Final = WINDOWS_S[-1] + 1
_WINDOWS: Final = np.array(WINDOWS_S)[:, None]
_KEPT_S: Final = np.arange(0, _RING, 10)


class PeakDemands(SquadState):
    """Largest growth of several running totals in any window of 1, 3, 5 and 10 min so far, in steps of a second.

    A window must have passed before it counts, pauses included. Totals are read with the first sample of each second
    of sample time and are taken to grow evenly over steps of up to 10 s. The memory of the last ten minutes is kept
    apart from the peaks: 2.4 kB for each total of each athlete.

    >>> peaks, row = PeakDemands(1), np.array([0])
    >>> for second in range(100):
    ...     peaks.update(row, np.array([float(second)]), np.full((4, 1), 2.0 * second))
    >>> peaks.peaks(row)[0, :, 0].tolist()
    [120.0, nan, nan, nan]
    """

    FIELDS = MappingProxyType(
        dict.fromkeys((f"{total}_{window}" for total in TOTALS for window in WINDOW_NAMES), np.nan)
    )
    LARGEST = tuple(FIELDS)
    FIGURES: ClassVar[tuple[Figure, ...]] = tuple(
        Figure(
            f"peak_{key}", f"Peak {label}", unit, decimals, "map", needs=needs, members=WINDOW_NAMES, scope="summary",
            rate_bound=key == "player_load",
            equation=f"largest growth of `{key}` in any 1, 3, 5 and 10 min",
        )
        for key, label, unit, decimals, needs in (
            ("distance_m", "distance", "m", 0, SPEED_NEEDS),
            ("high_speed_running_m", "high-speed running", "m", 0, SPEED_NEEDS),
            ("player_load", "PlayerLoad", "", 1, ("acceleration",)),
            ("trimp", "TRIMP", "", 1, TRIMP_NEEDS),
        )
    )  # fmt: skip

    def __init__(self, capacity: int) -> None:
        super().__init__(capacity)
        self.recent = RecentTotals(capacity, len(TOTALS))

    def update(self, rows: IntArray, t: FloatArray, totals: FloatArray) -> None:
        """Take ``TOTALS`` [4, k] of athletes at ``t`` [k], s, once for each second of sample time; NaN: unknown."""
        unknown = np.isnan(totals)
        grown = self.recent.add(rows, np.floor(t).astype(np.int64), np.where(unknown, 0.0, totals))
        np.copyto(grown, np.nan, where=unknown[:, None])
        peaks = self._open(rows)
        np.fmax(peaks, grown.reshape(len(peaks), -1), out=peaks)
        self._put(rows, peaks)

    def peaks(self, rows: IntArray) -> FloatArray:
        """Peaks so far [4 totals, 4 windows, k]; NaN where the session is shorter than the window."""
        return self._take(rows).reshape(len(TOTALS), len(WINDOWS_S), -1)

    def values(self, rows: IntArray) -> FloatArray:
        """Values of ``FIGURES`` for ``rows`` [k]."""
        return self._take(rows)


class RecentTotals:
    """Totals at the last 601 seconds of each athlete, as differences from the first ones."""

    def __init__(self, capacity: int, totals: int) -> None:
        self._ring: Float32Array = np.full((capacity, totals, _RING), np.nan, dtype=np.float32)
        self._second: IntArray = np.full(capacity, -1, dtype=np.int64)
        self._base: FloatArray = np.zeros((capacity, totals))

    def add(self, rows: IntArray, second: IntArray, totals: FloatArray) -> FloatArray:
        """Remember totals [n, k] at the seconds [k]; returns the growth over each window [n, 4, k], NaN: too short."""
        last = self._second[rows]
        begins = (last < 0) | (second <= last)
        bridged = {}
        for i in places(begins | (second > last + 1)).tolist():
            if begins[i]:
                self._begin(int(rows[i]), totals[:, i])
            else:
                bridged[i] = self._bridge(int(rows[i]), int(last[i]), int(second[i]), totals[:, i])
        now = totals - self._base[rows].T
        self._ring[rows, :, second % _RING] = now.T
        self._second[rows] = second
        before = self._ring[rows, :, (second - _WINDOWS) % _RING]  # [4, k, n]
        grown = now[:, None] - before.transpose(2, 0, 1)
        for i, between in bridged.items():
            grown[:, :, i] = np.fmax(grown[:, :, i], between)
        return grown

    def add_many(self, row: int, second: IntArray, totals: FloatArray) -> FloatArray:
        """Remember totals [n, k] of one athlete at k seconds, as ``add`` does one after another; [n, 4, k]."""
        last = np.concatenate([self._second[row : row + 1], second[:-1]])
        goes_on = (last >= 0) & (second > last) & (second < last + WINDOWS_S[0])
        grown = np.empty((len(totals), len(WINDOWS_S), len(second)))
        begin = 0
        for end in (*places(~goes_on).tolist(), len(second)):
            if end > begin:
                grown[:, :, begin:end] = self._continue(row, second[begin:end], totals[:, begin:end])
            one = slice(end, end + 1)
            if end < len(second):
                grown[:, :, one] = self.add(np.array([row]), second[one], totals[:, one])
            begin = end + 1
        return grown

    def _continue(self, row: int, second: IntArray, totals: FloatArray) -> FloatArray:
        """Remember totals at seconds less than the shortest window apart, and what lies between them."""
        ring, last = self._ring[row], int(self._second[row])
        now = totals - self._base[row][:, None]
        every_second = np.arange(last + 1, second[-1] + 1)
        of = np.searchsorted(second, every_second)  # the next second that has totals
        grows_s = np.minimum(np.diff(second, prepend=last).astype(np.float64), LONGEST_STEP_S)[of]
        share = np.clip((every_second - (second[of] - grows_s)) / grows_s, 0.0, 1.0)
        before = np.hstack([ring[:, last % _RING, None], now.astype(np.float32)[:, :-1]]).astype(np.float64)[:, of]
        values = before + (now[:, of] - before) * share
        values[:, second - last - 1] = now
        known = np.hstack([ring[:, np.arange(last + 1 - _RING, last + 1) % _RING], values.astype(np.float32)])
        growth = values[:, None] - known[:, np.arange(_RING, known.shape[1]) - _WINDOWS]
        ring[:, every_second[-_RING:] % _RING] = known[:, _RING:][:, -_RING:]
        self._second[row] = second[-1]
        begins = np.concatenate([[0], second[:-1] - last])
        grown: FloatArray = np.fmax.reduceat(growth, begins, axis=2)
        return grown

    def _begin(self, row: int, totals: FloatArray) -> None:
        self._ring[row] = np.nan
        self._base[row] = totals

    def _bridge(self, row: int, last: int, second: int, totals: FloatArray) -> FloatArray:
        """Fill the seconds between the last one of a row and ``second``; returns the growth of windows that end there.

        Returns the largest growth [n, 4]; NaN where no window of that length has passed.
        """
        ring = self._ring[row]
        past = ring[:, np.arange(last - _RING + 1, last + 1) % _RING].astype(np.float64)
        missing = np.arange(last + 1, min(second, last + _RING))
        grows_s = min(float(second - last), LONGEST_STEP_S)
        share = np.clip((missing - (second - grows_s)) / grows_s, 0.0, 1.0)
        start = past[:, -1:]
        filled = start + (totals[:, None] - self._base[row][:, None] - start) * share
        latest = np.arange(max(last + 1, second - _RING + 1), second)
        ring[:, latest % _RING] = start
        ring[:, missing % _RING] = filled
        known = np.hstack([past, filled])
        ends = np.arange(_RING, known.shape[1])
        growth = [known[:, ends] - known[:, ends - window] for window in WINDOWS_S]
        return np.stack([np.fmax.reduce(each, axis=1, initial=np.nan) for each in growth], axis=1)

    def grow(self, capacity: int) -> None:
        """Make room for ``capacity`` athletes."""
        more = RecentTotals(max(0, capacity - len(self._second)), self._ring.shape[1])
        self._ring = np.concatenate([self._ring, more._ring])
        self._second = np.concatenate([self._second, more._second])
        self._base = np.concatenate([self._base, more._base])

    def reset(self, rows: IntArray) -> None:
        """Forget everything about ``rows`` [k]."""
        self._second[rows] = -1

    def state(self, row: int) -> dict[str, Any]:
        """State of one athlete, JSON types only; every tenth second of it, to spare memory cards."""
        last = int(self._second[row])
        kept = np.round(self._ring[row][:, (last - _KEPT_S) % _RING].astype(np.float64), 2)
        return {
            "second": last,
            "base": self._base[row].tolist(),
            "recent": [[None if math.isnan(value) else value for value in values] for values in kept.tolist()],
        }

    def set_state(self, row: int, state: Mapping[str, Any]) -> None:
        """Restore what ``state`` returned; the seconds between those kept are interpolated."""
        last = int(state["second"])
        self._second[row] = last
        self._base[row] = state["base"]
        seconds = np.arange(_RING)
        for ring, kept in zip(self._ring[row], np.array(state["recent"], dtype=np.float64), strict=True):
            ring[(last - seconds) % _RING] = np.interp(seconds, _KEPT_S, kept)
