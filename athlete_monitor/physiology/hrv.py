"""Heart-rate variability from beat-to-beat intervals; there is none in a stream of beats per minute."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from athlete_monitor.physiology.reasons import RR_CONSTANT, RR_REQUIRED, TOO_FEW_BEATS, TOO_MANY_ARTEFACTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athlete_monitor.arrays import BoolArray, FloatArray, IntArray

MIN_RR_MS: Final = 60_000.0 / 220.0
MAX_RR_MS: Final = 60_000.0 / 30.0
MAX_DEVIATION: Final = 0.2
MEDIAN_BEATS: Final = 5
BIN_MS: Final = 50.0
MIN_CLEAN_S: Final = 60.0
MIN_CLEAN_BEATS: Final = 100
MIN_CLEAN_SHARE: Final = 0.8
BREAK_S: Final = 2.0


@dataclass(frozen=True)
class Variability:
    """Heart-rate variability of one athlete over the last minutes; None with a reason where it cannot be told."""

    rmssd_ms: float | None
    sdnn_ms: float | None
    pnn50_percent: float | None
    baevsky_index: float | None
    beats: int
    clean_percent: float | None
    reasons: Mapping[str, str]


def clean_beats(rr_ms: FloatArray) -> BoolArray:
    """Which intervals [n], ms, are normal beats: 30-220 bpm and within 20 % of the median of the five around them."""
    in_range = (rr_ms >= MIN_RR_MS) & (rr_ms <= MAX_RR_MS)
    if len(rr_ms) < MEDIAN_BEATS:
        return in_range
    half = MEDIAN_BEATS // 2
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(rr_ms, half, mode="reflect"), MEDIAN_BEATS)
    median = np.median(windows, axis=1)
    return in_range & (np.abs(rr_ms - median) <= MAX_DEVIATION * median)


def rmssd_ms(rr_ms: FloatArray, clean: BoolArray, follows: BoolArray) -> float:
    """Root mean square of successive differences, ms, over pairs of neighbouring clean beats."""
    pairs = clean[1:] & clean[:-1] & follows[1:]
    return float(np.sqrt(np.mean(np.square(np.diff(rr_ms)[pairs])))) if pairs.any() else np.nan


def baevsky_stress_index(rr_ms: FloatArray) -> float:
    """Baevsky's index of regulatory strain, 1/s^2: AMo / (2 Mo MxDMn) of clean intervals [n], ms."""
    bins = np.floor(rr_ms / BIN_MS).astype(np.int64)
    counts = np.bincount(bins)
    mode = int(np.argmax(counts))
    amo_percent = 100.0 * counts[mode] / len(rr_ms)
    mo_s = (mode + 0.5) * BIN_MS / 1000.0
    mxdmn_s = float(np.ptp(rr_ms)) / 1000.0
    return float(amo_percent / (2.0 * mo_s * mxdmn_s)) if mxdmn_s > 0.0 else np.nan


class HeartRateVariability:
    """The last minutes of beat-to-beat intervals of each athlete who has them."""

    def __init__(self, window_s: float = 300.0) -> None:
        self._window_s = window_s
        self._beats: dict[int, list[tuple[float, float, bool]]] = {}

    def add(self, row: int, t: float, rr_intervals_ms: Sequence[float]) -> None:
        """Take the intervals that arrived with the sample at ``t``, s, oldest first."""

    def variability(self, row: int) -> Variability:
        """Variability over the window up to the last interval."""
        raise NotImplementedError

    def grow(self, capacity: int) -> None:
        """Nothing to do: memory is taken as intervals arrive."""

    def reset(self, rows: IntArray) -> None:
        """Forget everything about ``rows`` [k]."""

    def state(self, row: int) -> dict[str, Any]:
        """State of one athlete, JSON types only."""
        return {}

    def set_state(self, row: int, state: Mapping[str, Any]) -> None:
        """Restore what ``state`` returned."""
