"""Heart rate: cleaning the strap's readings, the maximum, and the reserve.

None of these is a diagnosis.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from athlete_monitor.arrays import every, places, some
from athlete_monitor.figures import Figure, columns
from athlete_monitor.physiology.clock import LEAST_STEP_S
from athlete_monitor.physiology.reasons import HEART_RATE_MISSING, HEART_RATE_STALE, READINGS_REFUSED, RESERVE_NEEDS
from athlete_monitor.physiology.squad_state import SquadState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athlete_monitor.arrays import BoolArray, FloatArray, IntArray

MIN_BPM: Final = 30.0
MAX_BPM: Final = 220.0
MAX_CHANGE_BPM_PER_S: Final = 10.0
WIDENS_S: Final = 2.0
"""The limit of change widens with the time since the last accepted reading, but only up to this time."""
CONTACT_S: Final = 10.0
"""Two readings farther apart than this do not support each other."""
SECOND_SHARE: Final = 0.95
"""After this share of the strap's interval, a reading counts as a new one and not as a repetition."""
HELD_S: Final = 5.0
"""A reading must last this long to raise the maximum."""


def hr_max_nes_2013(age_years: FloatArray) -> FloatArray:
    """Predicted maximal heart rate, bpm, same shape as ``age_years``: 211 - 0.64 age.

    Source: Nes et al. 2013, Scand J Med Sci Sports 23:697-704 (HUNT Fitness Study, 3320 healthy men and women of
    19-89 years; standard error of estimate 10.8 bpm). For one person the prediction may be wrong by 20 bpm.
    """
    return 211.0 - 0.64 * age_years


_MAXIMUM_SOURCES: Final = ("measured", "nes_2013", "observed", None)
RESERVE: Final = Figure(
    "heart_rate_reserve_percent", "Heart-rate reserve", "%", 0, "present", "mean", "karvonen_1957",
    needs=RESERVE_NEEDS, scope="moment", equation="(heart rate - rest)/(max - rest), 0 to 100 (Karvonen 1957)",
)  # fmt: skip


def hr_reserve_fraction(heart_rate_bpm: FloatArray, hr_rest_bpm: FloatArray, hr_max_bpm: FloatArray) -> FloatArray:
    """Fraction of the heart-rate reserve, 0 ... 1 (clamped), by broadcasting.

    NaN where an input is NaN or ``hr_rest_bpm`` is not below ``hr_max_bpm``.
    Source: Karvonen, Kentala & Mustala 1957, Ann Med Exp Biol Fenn 35:307-315 (healthy young men).
    """
    span = hr_max_bpm - hr_rest_bpm
    reserve = (heart_rate_bpm - hr_rest_bpm) / np.where(span > 0.0, span, np.nan)
    return np.minimum(np.maximum(reserve, 0.0), 1.0)


@dataclass(frozen=True)
class CleanHeartRate:
    """The strap after cleaning, each array [k]."""

    bpm: FloatArray
    """Last accepted reading while it is fresh, else NaN."""
    accepted: BoolArray
    """Whether this sample brought an accepted reading."""
    rejected: BoolArray
    """Whether this sample brought a reading that was refused."""


class HeartRateFilter(SquadState):
    """The strap's readings without the impossible ones, each held until the next or until it is stale.

    A reading is accepted when it lies within 30-220 bpm and either a model or a second reading agrees: the two differ
    by at most 10 bpm for each second between them. The second reading is the accepted one before it, or, at first
    contact, after a gap or after a jump, the next one: straps often report wrong values until the electrodes are wet.

    Straps report about once a second, so the change is taken over at least ``reading_interval_s``: readings that a
    device repeats at 10 Hz are not refused for changing within one sample, they cannot climb faster than the limit, and
    a repeated reading does not count as the second one. The limit widens for at most 2 s, to 20 bpm, and after a gap of
    more than 10 s the reading before it supports no more than 10 bpm. While the last accepted reading is fresh,
    readings that jump are refused, even if they agree with each other. NaN is "no reading in this sample". Source of
    the limits: as the Athlytics package flags implausible heart rates.

    >>> strap, row = HeartRateFilter(1), np.array([0])
    >>> [strap.update(row, np.array([t]), np.array([bpm])).bpm.item() for t, bpm in ((0.0, 205.0), (1.0, 120.0))]
    [nan, nan]
    >>> strap.update(row, np.array([2.0]), np.array([121.0])).bpm.item()
    121.0
    """

    FIELDS = MappingProxyType(
        {
            "bpm": np.nan,
            "t": np.nan,
            "anchor_bpm": np.nan,
            "anchor_t": np.nan,
            "waiting_bpm": np.nan,
            "waiting_t": np.nan,
            "accepted": 0.0,
            "rejected": 0.0,
            "waiting": 0.0,
        }
    )
    ADDED = ("accepted", "rejected")
    MOMENTS: ClassVar[tuple[Figure, ...]] = (
        Figure(
            "strap_heart_rate_bpm", "Strap", "bpm", 0, "present", "mean", scope="moment",
            equation="the last clean reading of the strap: 30 to 220 bpm, at most 10 bpm/s of change",
        ),
    )  # fmt: skip

    def __init__(self, capacity: int, fresh_s: float = 5.0, reading_interval_s: float = 1.0) -> None:
        super().__init__(capacity)
        self._fresh_s = fresh_s
        self._interval_s = reading_interval_s

    def update(
        self,
        rows: IntArray,
        t: FloatArray,
        reading_bpm: FloatArray,
        support: tuple[FloatArray, FloatArray] | None = None,
    ) -> CleanHeartRate:
        """Take the readings [k] (NaN: none) of the samples at ``t`` [k], s.

        ``support`` is the lower and upper bound [k] of a model's heart rate, bpm; a reading between them needs no
        second one. NaN: no estimate.
        """
        missing = np.isnan(reading_bpm)
        if every(missing):
            bpm, bpm_t = self._table[:2].take(rows, axis=1)
            nothing = np.zeros(len(rows), dtype=np.bool_)
            return CleanHeartRate(self._fresh(bpm, t - bpm_t), nothing, nothing)
        state = self._open(rows)
        bpm, bpm_t, anchor_bpm, anchor_t, waiting_bpm, _, accepted, rejected, waiting = state
        elapsed = np.abs(t - anchor_t)
        in_range = (reading_bpm >= MIN_BPM) & (reading_bpm <= MAX_BPM)
        good = in_range & self._agree(reading_bpm - anchor_bpm, elapsed)
        if support is not None:
            good |= in_range & (reading_bpm >= support[0]) & (reading_bpm <= support[1])
        bad = ~(missing | in_range)
        doubtful = in_range & ~good
        rejected += bad + np.where(good, waiting, 0.0)
        np.copyto(waiting, 0.0, where=good)
        np.copyto(waiting_bpm, np.nan, where=good)
        if some(doubtful):
            stale = ~(elapsed < self._fresh_s)
            good |= self._seconded(state, t, reading_bpm, doubtful, stale)
            bad |= doubtful & ~stale
        moves = good & ~(elapsed < self._interval_s)
        np.copyto(state[:2], (reading_bpm, t), where=good)
        np.copyto(state[2:4], (reading_bpm, t), where=moves)
        accepted += good
        self._put(rows, state)
        return CleanHeartRate(self._fresh(bpm, t - bpm_t), good, bad)

    def _fresh(self, bpm: FloatArray, age_s: FloatArray) -> FloatArray:
        return np.where(np.abs(age_s) <= self._fresh_s, bpm, np.nan)

    def _agree(self, change_bpm: FloatArray, elapsed_s: FloatArray) -> BoolArray:
        widened_s = np.where(elapsed_s <= CONTACT_S, np.clip(elapsed_s, self._interval_s, WIDENS_S), self._interval_s)
        agree: BoolArray = np.abs(change_bpm) <= MAX_CHANGE_BPM_PER_S * widened_s
        return agree

    def _seconded(
        self, state: FloatArray, t: FloatArray, reading_bpm: FloatArray, doubtful: BoolArray, stale: BoolArray
    ) -> BoolArray:
        """Which ``doubtful`` readings [k] agree with the waiting one; the others wait, or are refused."""
        _, _, _, _, waiting_bpm, waiting_t, accepted, rejected, waiting = state
        since_s = np.abs(t - waiting_t)
        agree: BoolArray = doubtful & (since_s <= CONTACT_S) & self._agree(reading_bpm - waiting_bpm, since_s)
        second: BoolArray = agree & stale & (since_s >= SECOND_SHARE * self._interval_s)
        replaced = doubtful & ~agree
        accepted += np.where(second, waiting, 0.0)
        rejected += np.where(replaced, waiting, 0.0) + (doubtful & ~stale)
        np.copyto(waiting, 0.0, where=second | replaced)
        waiting += doubtful & stale & ~second
        moves = replaced | (agree & ~second & (since_s >= self._interval_s))
        np.copyto(state[4:6], (reading_bpm, t), where=moves)
        np.copyto(waiting_bpm, np.nan, where=second)
        return second

    def reading_t(self, rows: IntArray) -> FloatArray:
        """Sample time of the last accepted reading [k], s; NaN before the first."""
        return self._field("t", rows)

    def accepted(self, rows: IntArray) -> FloatArray:
        """Number of readings accepted so far [k]."""
        return self._field("accepted", rows)

    def rejected(self, rows: IntArray) -> FloatArray:
        """Number of readings refused so far [k], without those that still wait for a second one."""
        return self._field("rejected", rows)

    def reason(self, row: int) -> str:
        """Why the athlete's clean heart rate is NaN, where it is."""
        if not np.isnan(self._table[0, row]):
            return HEART_RATE_STALE
        return READINGS_REFUSED if self._table[7, row] > 0.0 else HEART_RATE_MISSING


class HeartRateMax(SquadState):
    """Maximal heart rate: from the roster if it was measured, else predicted and raised by observation.

    The prediction (Nes 2013) is raised to the highest clean heart rate that was held for at least 5 s: the highest
    level below which no clean reading fell for 5 s, with readings no farther apart than a step that counts in full. A
    measured maximum stays as it is.
    NaN where neither the maximum nor the age is known: readings by themselves do not show a maximum.
    """

    FIELDS = MappingProxyType({"hr_max_bpm": np.nan, "predicted": np.nan, "raised": 0.0, "running": 0.0})
    FIGURES: ClassVar[tuple[Figure, ...]] = (
        Figure(
            "hr_max_bpm", "Maximal heart rate", "bpm", 0, "present", "last",
            "roster or nes_2013, raised by observation", needs=("hr_max_bpm",),
            equation="roster; else 211 - 0.64 age (Nes 2013), raised to the highest clean reading held for 5 s",
        ),
    )  # fmt: skip
    TEXTS: ClassVar[tuple[Figure, ...]] = (
        Figure(
            "hr_max_source", "Source of the maximum", "", 0, "text", "last", needs=("hr_max_bpm",),
            equation="`measured`, `nes_2013` or `observed`",
        ),
    )  # fmt: skip

    def __init__(self, capacity: int) -> None:
        super().__init__(capacity)
        self._runs: dict[int, _Run] = {}

    def set(self, rows: IntArray, measured_bpm: FloatArray, age_years: FloatArray) -> None:
        """Start ``rows`` [k] from ``measured_bpm`` [k] where it is known, else predicted from ``age_years`` [k]."""
        self.reset(rows)
        predicted = np.isnan(measured_bpm)
        hr_max_bpm = np.where(predicted, hr_max_nes_2013(age_years), measured_bpm)
        self._table[0, rows] = hr_max_bpm
        self._table[1, rows] = predicted

    def update(
        self, rows: IntArray, t: FloatArray, clean: CleanHeartRate, longest_s: FloatArray | None = None
    ) -> FloatArray:
        """Take the strap's clean readings of the samples at ``t`` [k]; returns the maximum [k], bpm (NaN unknown).

        ``longest_s`` [k]: readings farther apart than this are not held between them, by default ``LEAST_STEP_S``
        (``SampleClock.longest_s``).
        """
        state = self._take(rows)
        hr_max_bpm: FloatArray = state[0]
        _, predicted, _, running = state
        above = (clean.bpm > hr_max_bpm) & (predicted == 1.0)
        concerned = places(above | (running == 1.0)).tolist()
        if not concerned:
            return hr_max_bpm
        for i in concerned:
            run = self._runs.get(int(rows[i]), _NO_RUN)
            apart_s = LEAST_STEP_S if longest_s is None else float(longest_s[i])
            run = run if abs(float(t[i]) - run.last_t) <= apart_s else _NO_RUN
            self._follow(
                int(rows[i]), float(t[i]), float(clean.bpm[i]), run, above=bool(above[i]), new=bool(clean.accepted[i])
            )
        return self.bpm(rows)

    def bpm(self, rows: IntArray) -> FloatArray:
        """Maximal heart rate [k], bpm."""
        return self._field("hr_max_bpm", rows)

    def values(self, rows: IntArray) -> FloatArray:
        """Values of ``FIGURES`` for ``rows`` [k]."""
        return columns(self.FIGURES, {"hr_max_bpm": self.bpm(rows)})

    def source(self, row: int) -> str | None:
        """Where the maximum comes from: ``measured``, ``nes_2013``, ``observed`` or None when it is unknown."""
        return self.sources([row])[0]

    def sources(self, rows: IntArray | Sequence[int]) -> list[str | None]:
        """``source`` of several rows [k]."""
        hr_max_bpm, predicted, raised, _ = self._table[:, rows]
        codes = np.where(raised != 0.0, 2, np.where(predicted != 0.0, 1, 0))
        codes[np.isnan(hr_max_bpm)] = 3
        return [_MAXIMUM_SOURCES[code] for code in codes.tolist()]

    def reset(self, rows: IntArray) -> None:
        """Forget everything about ``rows`` [k]."""
        super().reset(rows)
        for row in rows.tolist():
            self._runs.pop(row, None)

    def state(self, row: int) -> dict[str, Any]:
        """State of one athlete, JSON types only."""
        run = self._runs.get(row)
        levels = None if run is None else [run.last_t, [list(level) for level in run.levels]]
        return {**super().state(row), "run": levels}

    def set_state(self, row: int, state: Mapping[str, Any]) -> None:
        """Restore what ``state`` returned."""
        super().set_state(row, state)
        self._runs.pop(row, None)
        if state["run"] is not None:
            last_t, levels = state["run"]
            self._runs[row] = _Run(last_t, tuple((since, bpm) for since, bpm in levels))

    def _follow(self, row: int, now: float, bpm: float, run: _Run, *, above: bool, new: bool) -> None:
        """Continue the run of one athlete who is, or was, above the maximum."""
        self._table[3, row] = above
        if not above:
            self._runs.pop(row, None)
        elif new:
            self._runs[row] = run = run.followed_by(now, bpm)
            held_bpm = run.held_bpm()
            if held_bpm is not None:
                self._table[0, row] = held_bpm
                self._table[2, row] = 1.0


@dataclass(frozen=True)
class _Run:
    """A stretch of readings above the maximum.

    Since ``levels[i][0]`` no reading has been below ``levels[i][1]``; later levels are higher.
    """

    last_t: float
    levels: tuple[tuple[float, float], ...]

    def followed_by(self, now: float, bpm: float) -> _Run:
        levels = list(self.levels)
        since = now
        while levels and levels[-1][1] >= bpm:
            since = levels.pop()[0]
        return _Run(now, (*levels, (since, bpm)))

    def held_bpm(self) -> float | None:
        """Highest level held for ``HELD_S`` up to the last reading."""
        held = [bpm for since, bpm in self.levels if self.last_t - since >= HELD_S]
        return held[-1] if held else None


_NO_RUN: Final = _Run(-math.inf, ())
