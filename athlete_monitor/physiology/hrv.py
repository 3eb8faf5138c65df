"""Heart-rate variability from beat-to-beat intervals; there is none in a stream of beats per minute.

Movement, lost beats and ectopic beats distort these measures far more than a mean heart rate. So intervals are cleaned
before they are used (``clean_beats``), artefacts are left out rather than replaced, differences are taken only between
neighbouring clean beats, and no figure is given for stretches that are too short or have too many artefacts.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from athlete_monitor.figures import Figure
from athlete_monitor.physiology.reasons import RR_CONSTANT, RR_REQUIRED, TOO_FEW_BEATS, TOO_MANY_ARTEFACTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athlete_monitor.arrays import BoolArray, FloatArray, IntArray

RMSSD_FORMULA: Final = "task_force_1996"
BAEVSKY_FORMULA: Final = "baevsky_2008"
WINDOW_S: Final = 300.0
"""Five minutes: the Task Force's standard for short recordings."""
MIN_RR_MS: Final = 60_000.0 / 220.0
MAX_RR_MS: Final = 60_000.0 / 30.0
MAX_DEVIATION: Final = 0.2
MEDIAN_BEATS: Final = 5
BIN_MS: Final = 50.0
MIN_CLEAN_S: Final = 60.0
"""Clean time needed: one minute of RMSSD agrees well with five in resting athletes (Esco & Flatt 2014)."""
MIN_CLEAN_BEATS: Final = 100
"""Clean beats needed for Baevsky's index, which counts a histogram."""
MIN_CLEAN_SHARE: Final = 0.8
AHEAD_S: Final = 1.0
"""Intervals may run ahead of the time that has passed by this: straps report their beats once a second."""
SLACK_S: Final = 0.5
"""A longer delay of messages counts as lost beats."""


@dataclass(frozen=True)
class Variability:
    """Heart-rate variability of one athlete over the last minutes; None where it is unknown, with the reason."""

    rmssd_ms: float | None
    sdnn_ms: float | None
    pnn50_percent: float | None
    baevsky_index: float | None
    beats: int
    clean_percent: float | None
    """Share of the intervals that were clean."""
    reasons: Mapping[str, str]


def clean_beats(rr_ms: FloatArray) -> BoolArray:
    """Which intervals [n], ms, are normal beats.

    Normal is an interval of 30-220 bpm that differs by at most 20 % from the median of the five around it: the 20 % of
    the common rule for ectopic beats (Malik 1989), taken against a median so that one early beat does not exclude the
    pause after it and the beat after that. With fewer than five intervals only the range is checked.
    """
    in_range = (rr_ms >= MIN_RR_MS) & (rr_ms <= MAX_RR_MS)
    if len(rr_ms) < MEDIAN_BEATS:
        return in_range
    around = np.pad(rr_ms, MEDIAN_BEATS // 2, mode="reflect")
    median = np.median(np.lib.stride_tricks.sliding_window_view(around, MEDIAN_BEATS), axis=1)
    usual: BoolArray = in_range & (np.abs(rr_ms - median) <= MAX_DEVIATION * median)
    return usual


def successive_differences_ms(rr_ms: FloatArray, clean: BoolArray, follows: BoolArray) -> FloatArray:
    """Differences, ms, between neighbouring intervals [n] that are both ``clean`` [n].

    ``follows`` [n] is False where an interval does not directly follow the one before (something was lost between).
    """
    pairs = clean[1:] & clean[:-1] & follows[1:]
    return np.diff(rr_ms)[pairs]


def rmssd_ms(differences_ms: FloatArray) -> float:
    """Root mean square of successive differences [n], ms; NaN for none.

    Source: Task Force of the ESC and NASPE 1996, Circulation 93:1043-1065. Meant for rest; in exercise it falls to a
    few ms, and then what is left is largely breathing and noise.
    """
    return float(np.sqrt(np.mean(np.square(differences_ms)))) if len(differences_ms) else math.nan


def sdnn_ms(clean_rr_ms: FloatArray) -> float:
    """Standard deviation (n - 1) of clean intervals [n], ms (Task Force 1996); NaN for fewer than two."""
    return float(np.std(clean_rr_ms, ddof=1)) if len(clean_rr_ms) > 1 else math.nan


def pnn50_percent(differences_ms: FloatArray) -> float:
    """Percent of successive differences [n] greater than 50 ms (Task Force 1996); NaN for none."""
    return float(100.0 * np.mean(np.abs(differences_ms) > 50.0)) if len(differences_ms) else math.nan


def baevsky_stress_index(clean_rr_ms: FloatArray) -> float:
    """Baevsky's index of regulatory strain, 1/s^2, of clean intervals [n], ms: AMo / (2 Mo MxDMn).

    Over bins of 50 ms, Mo is the centre of the fullest bin, s (the shorter one of equals), AMo the percent of intervals
    in it, and MxDMn the range of the intervals, s. NaN where the intervals do not vary, or there are none.
    Source: Baevsky & Berseneva 2008; resting adults 50-150. Some software reports its square root.
    """
    if len(clean_rr_ms) == 0 or float(np.ptp(clean_rr_ms)) == 0.0:
        return math.nan
    counts = np.bincount((clean_rr_ms // BIN_MS).astype(np.int64))
    fullest = int(np.argmax(counts))
    amo_percent = 100.0 * float(counts[fullest]) / len(clean_rr_ms)
    mo_s = (fullest + 0.5) * BIN_MS / 1000.0
    mxdmn_s = float(np.ptp(clean_rr_ms)) / 1000.0
    return amo_percent / (2.0 * mo_s * mxdmn_s)


def variability(rr_ms: FloatArray, follows: BoolArray) -> Variability:
    """Every measure over the intervals [n], ms, oldest first; ``follows`` [n] as in ``successive_differences_ms``."""
    clean = clean_beats(rr_ms)
    normal_ms = rr_ms[clean]
    differences_ms = successive_differences_ms(rr_ms, clean, follows)
    figures = {
        "rmssd_ms": rmssd_ms(differences_ms),
        "sdnn_ms": sdnn_ms(normal_ms),
        "pnn50_percent": pnn50_percent(differences_ms),
        "baevsky_index": baevsky_stress_index(normal_ms),
    }
    reasons = _missing(clean, normal_ms, figures)
    known = {name: None if name in reasons else value for name, value in figures.items()}
    share = 100.0 * float(np.mean(clean)) if len(rr_ms) else None
    return Variability(**known, beats=len(rr_ms), clean_percent=share, reasons=reasons)


def _missing(clean: BoolArray, normal_ms: FloatArray, figures: Mapping[str, float]) -> dict[str, str]:
    """The unknown figures, each with the reason."""
    if len(clean) == 0:
        return dict.fromkeys(figures, RR_REQUIRED)
    if float(np.mean(clean)) < MIN_CLEAN_SHARE:
        return dict.fromkeys(figures, TOO_MANY_ARTEFACTS)
    if float(np.sum(normal_ms)) < 1000.0 * MIN_CLEAN_S:
        return dict.fromkeys(figures, TOO_FEW_BEATS)
    missing = {name: RR_CONSTANT for name, value in figures.items() if math.isnan(value)}
    few = {"baevsky_index": TOO_FEW_BEATS} if len(normal_ms) < MIN_CLEAN_BEATS else {}
    return {**missing, **few}


class HeartRateVariability:
    """The last minutes of beat-to-beat intervals by row, for each athlete who has them.

    Memory is allocated as intervals arrive: about 50 kB for five minutes of an athlete.
    """

    BEATS: ClassVar[tuple[Figure, ...]] = (
        Figure(
            "hrv_rmssd_ms", "RMSSD", "ms", 0, "present", "last", RMSSD_FORMULA, digits=2,
            equation="root mean square of successive differences (Task Force 1996) of the beat-to-beat intervals of "
            "the five minutes up to the last beat; meant for rest, hardly meaningful in exercise",
        ),
        Figure(
            "hrv_sdnn_ms", "SDNN", "ms", 0, "present", "last", RMSSD_FORMULA, digits=2,
            equation="standard deviation of the clean intervals (Task Force 1996), over the same beats",
        ),
        Figure(
            "hrv_pnn50_percent", "pNN50", "%", 0, "present", "last", RMSSD_FORMULA, digits=2,
            equation="share of successive differences greater than 50 ms (Task Force 1996), over the same beats",
        ),
        Figure(
            "baevsky_index", "Baevsky index", "1/s²", 0, "present", "last", BAEVSKY_FORMULA, digits=2,
            more_is_worse=True,
            equation="AMo/(2 Mo MxDMn): Baevsky's index of regulatory strain (Baevsky 2008), over the same beats",
        ),
    )  # fmt: skip

    def __init__(self, window_s: float = WINDOW_S) -> None:
        self._window_s = window_s
        self._beats: dict[int, deque[tuple[float, float]]] = {}
        self._pulse_t: dict[int, float] = {}

    def add(self, row: int, t: float, rr_intervals_ms: Sequence[float]) -> None:
        """Take the intervals, ms, oldest first, that arrived with the sample at ``t``, s: the last beat was then.

        Intervals that add up to more time than has passed are left out: some devices repeat the last one with every
        sample.
        """
        beats = self._beats.setdefault(row, deque())
        ends_s = t - np.cumsum([0.0, *reversed(rr_intervals_ms[1:])])[::-1] / 1000.0
        for end_s, rr_ms in zip(ends_s.tolist(), rr_intervals_ms, strict=True):
            earliest_s = end_s - AHEAD_S - rr_ms / 1000.0
            pulse_s = max(self._pulse_t.get(row, earliest_s), earliest_s) + rr_ms / 1000.0
            if pulse_s <= end_s + AHEAD_S:
                self._pulse_t[row] = pulse_s
                beats.append((end_s, rr_ms))
        while beats and beats[0][0] < t - self._window_s:
            beats.popleft()

    def variability(self, row: int, t: float | None = None) -> Variability:
        """Variability over the window that ends at ``t``, s, by default with the last beat.

        Some 0.2 ms of work, so ask at most once a second.
        """
        beats = np.array(self._beats.get(row, ()), dtype=np.float64).reshape(-1, 2)
        newest = beats[:, 0].max(initial=-np.inf) if t is None else t
        ends_s, rr_ms = beats[beats[:, 0] >= newest - self._window_s].T
        unexplained_s = np.diff(ends_s, prepend=np.nan) - rr_ms / 1000.0
        return variability(rr_ms, np.abs(unexplained_s) <= rr_ms / 1000.0 + SLACK_S)

    def reset(self, rows: IntArray) -> None:
        """Forget everything about ``rows`` [k]."""
        for row in rows.tolist():
            self._beats.pop(row, None)
            self._pulse_t.pop(row, None)

    def grow(self, capacity: int) -> None:
        """Nothing to do: rows are added as needed."""

    def state(self, row: int) -> dict[str, Any]:
        """State of one athlete, JSON types only."""
        return {"beats": [list(beat) for beat in self._beats.get(row, ())]}

    def set_state(self, row: int, state: Mapping[str, Any]) -> None:
        """Restore what ``state`` returned."""
        self._beats[row] = deque((end_s, rr_ms) for end_s, rr_ms in state["beats"])
