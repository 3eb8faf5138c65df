"""The parts of a squad that are more than a table, over many moments of one athlete: see ``squad/timeline.py``."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from athlete_monitor.arrays import places
from athlete_monitor.features.bank import FRESH_S
from athlete_monitor.features.blocks import BlockBank
from athlete_monitor.features.layout import LAST_T
from athlete_monitor.physiology.heart_rate import CleanHeartRate, HeartRateMax
from athlete_monitor.physiology.hrv import HeartRateVariability
from athlete_monitor.physiology.peaks import TOTALS, RecentTotals
from athlete_monitor.physiology.speed import MotionStep
from athlete_monitor.squad.over_time import held
from athlete_monitor.squad.prediction import Forms, ModelBook, NoModels
from athlete_monitor.squad.ticks import Ticks, motion_weight

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from athlete_monitor.arrays import BoolArray, Float32Array, FloatArray, IntArray
    from athlete_monitor.features import FeatureSpec
    from athlete_monitor.physiology.hrv import Variability


class TicksOverTime(Ticks):
    """Ticks of the moments of one athlete."""

    def begin(self, table: FloatArray) -> None:
        """Begin with the athlete's state, repeated [fields, moments]."""
        self._start = table[:, 0].copy()
        self.set_table(table)

    def _before(self, field: int, rows: IntArray, tick: FloatArray) -> FloatArray:  # noqa: ARG002 - all moments
        return np.concatenate([self._start[field : field + 1], tick[:-1]])

    def hold(self, rows: IntArray, prediction: FloatArray) -> None:
        """See ``Ticks``."""
        self._table[2:5] = held(self._start[2:5], prediction, rows, self.capacity)

    def smooth_motion(self, rows: IntArray, dt_s: FloatArray, motion_mps2: FloatArray) -> FloatArray:
        """See ``Ticks``: the same arithmetic, moment by moment."""
        last, found = self._start.item(5), []
        for weight, motion in zip(motion_weight(dt_s).tolist(), motion_mps2.tolist(), strict=True):
            start = motion if math.isnan(last) else last
            smooth = start + weight * (motion - start)
            last = last if math.isnan(smooth) else smooth
            found.append(last)
        self._table[5, rows] = found
        return np.array(found)


class FeaturesOverTime(BlockBank):
    """Features at the moments of one athlete."""

    def __init__(self, spec: FeatureSpec) -> None:
        super().__init__(spec, 1)
        self._moments = self._state

    def begin(self, state: FloatArray, moments: int) -> None:
        """Begin with the athlete's state."""
        self.set_state(0, state)
        self._moments = np.broadcast_to(state, (moments, len(state)))

    def advance(self, rows: IntArray, t: FloatArray, values: FloatArray) -> FloatArray:  # noqa: ARG002 - all moments
        """See ``FeatureBank``; of what is remembered, only what features and their age are made of."""
        block = self.update_block(t[:, None], values[:, :, None])
        self._moments = np.empty((len(t), self._plan.width))
        self._moments[:, LAST_T] = block.last_t[:, :, 0]
        self._moments[:, self._plan.mean.start :] = block.averages[:, :, 0]
        return self._moments

    def memory(self, rows: IntArray) -> FloatArray:
        """See ``FeatureBank``."""
        return self._moments[rows]

    def available(self, rows: IntArray, t: FloatArray) -> BoolArray:
        """See ``FeatureBank``."""
        return np.less_equal(t[:, None] - self._moments[rows, LAST_T], FRESH_S)


class MaximumOverTime(HeartRateMax):
    """Maximal heart rate at the moments of one athlete, who seldom reaches it: then moment by moment.

    Args:
        squads: that of the squad.
    """

    ADVANCES = ""  # not by ``OverTime``

    def __init__(self, squads: HeartRateMax) -> None:
        super().__init__(1)
        self._squads, self._row = squads, np.zeros(1, dtype=np.int64)

    def follow(self, row: int) -> None:
        """Follow an athlete."""
        self._row = np.array([row])

    def update(
        self, rows: IntArray, t: FloatArray, clean: CleanHeartRate, longest_s: FloatArray | None = None
    ) -> FloatArray:
        """See ``HeartRateMax``."""
        self._table = np.empty((len(self.FIELDS), len(rows)))
        squads, row, at = self._squads, self._row, 0
        while at < len(rows):
            state = squads.block(row)
            begin, at = at, self._next(state[:, 0], clean.bpm, at)
            self._table[:, begin:at] = state
            if at < len(rows):
                one = slice(at, at + 1)
                reading = CleanHeartRate(clean.bpm[one], clean.accepted[one], clean.rejected[one])
                squads.update(row, t[one], reading, None if longest_s is None else longest_s[one])
                self._table[:, one] = squads.block(row)
                at += 1
        return self.bpm(rows)

    @staticmethod
    def _next(state: FloatArray, bpm: FloatArray, begin: int) -> int:
        """The next moment at which the maximum may change, or the end."""
        hr_max_bpm, predicted, _, running = state.tolist()
        if running == 1.0:
            return begin
        above = places(bpm[begin:] > hr_max_bpm)
        return begin + above.item(0) if predicted == 1.0 and len(above) else len(bpm)


class BeatsOverTime(HeartRateVariability):
    """Beats of one athlete, who gets them as the variability of later moments is asked for.

    Args:
        squads: that of the squad.
    """

    def __init__(self, squads: HeartRateVariability) -> None:
        super().__init__()
        self._squads, self._row = squads, 0
        self._waiting: list[tuple[int, float, Sequence[float]]] = []

    def follow(self, row: int) -> None:
        """Follow an athlete."""
        self._row = row

    def add(self, row: int, t: float, rr_intervals_ms: Sequence[float]) -> None:
        """Take intervals at the moment ``row``."""
        self._waiting.append((row, t, rr_intervals_ms))

    def variability(self, row: int, t: float | None = None) -> Variability:
        """Return the variability at a moment; moments must be asked for in order."""
        while self._waiting and self._waiting[0][0] <= row:
            self._squads.add(self._row, *self._waiting.pop(0)[1:])
        return self._squads.variability(self._row, t)

    def flush(self) -> None:
        """Give the squad all beats."""
        for _, t, rr_intervals_ms in self._waiting:
            self._squads.add(self._row, t, rr_intervals_ms)
        self._waiting.clear()


class PeaksOverTime(RecentTotals):
    """Totals of the last ten minutes of one athlete, kept by the squad.

    Args:
        squads: those of the squad.
    """

    def __init__(self, squads: RecentTotals) -> None:
        super().__init__(1, len(TOTALS))
        self._squads, self._row = squads, 0

    def follow(self, row: int) -> None:
        """Follow an athlete."""
        self._row = row

    def add(self, rows: IntArray, second: IntArray, totals: FloatArray) -> FloatArray:  # noqa: ARG002 - moments
        """See ``RecentTotals``."""
        return self._squads.add_many(self._row, second, totals)


class ModelsOverTime(ModelBook):
    """The model in use at the moments of one athlete.

    Args:
        squads: the models of the squad.
        spec: the features.
    """

    def __init__(self, squads: ModelBook, spec: FeatureSpec) -> None:
        super().__init__(NoModels(), spec, 1)
        self._squads, self._row = squads, np.zeros(1, dtype=np.int64)
        self._available = np.zeros((0, 0), dtype=np.bool_)
        self._known: Forms | None = None

    @property
    def may_serve(self) -> bool:
        """See ``ModelBook``."""
        return self._squads.may_serve

    def follow(self, row: int) -> None:
        """Follow an athlete."""
        self._row, self._known = np.array([row]), None

    def serving(self, rows: IntArray, available: BoolArray) -> BoolArray:
        """See ``ModelBook``; rows are all moments."""
        self._available = available
        serving = np.empty(len(rows), dtype=np.bool_)
        for begin, end in self._spans():
            serving[begin:end] = self._squads.serving(self._row, available[begin : begin + 1])
        return serving

    def predict(self, rows: IntArray, features: Float32Array) -> FloatArray:
        """See ``ModelBook``."""
        return self._follow_models(rows, features)

    def forms(self, rows: IntArray) -> Forms:
        """See ``ModelBook``."""
        if self._known is None:
            form = self._squads.forms(self._row)
            return Forms(form.constants.repeat(len(rows), axis=1), form.model.repeat(len(rows)))
        return self._known

    def _spans(self) -> Iterator[tuple[int, int]]:
        """Yield begin and end of spans of moments at which the same channels arrive."""
        changes = places((self._available[1:] != self._available[:-1]).any(axis=1)) + 1
        edges = [0, *changes.tolist(), len(self._available)]
        return pairwise(edges)

    def idle(self, rows: IntArray) -> None:
        """See ``ModelBook``."""
        self._follow_models(rows, None)

    def _follow_models(self, due: IntArray, features: Float32Array | None) -> FloatArray:
        """Predict for the moments ``due`` [n], if there are ``features`` [n, F]; note the form at each moment."""
        squads, row = self._squads, self._row
        found = np.full((3, len(due)), np.nan)
        known: list[tuple[Forms, int]] = []
        for begin, end in self._spans():
            squads.serving(row, self._available[begin : begin + 1])
            first, last = np.searchsorted(due, (begin, end)).tolist()
            changes = due.item(first) if last > first else end
            known.append((squads.forms(row), changes - begin))
            if last > first:
                if features is None:
                    squads.arrange()
                else:
                    found[:, first:last] = squads.predict(row.repeat(last - first), features[first:last])
                known.append((squads.forms(row), end - changes))
        self._known = Forms(
            np.hstack([form.constants.repeat(count, axis=1) for form, count in known]),
            np.hstack([form.model.repeat(count) for form, count in known]),
        )
        return found


def in_one(steps: list[MotionStep]) -> list[MotionStep]:
    """Steps of motion at the moments of one athlete as one record, in order of time; equal moments in their order."""
    if len(steps) < 2:
        return steps
    order = np.argsort(np.concatenate([step.rows for step in steps]), kind="stable")
    columns = zip(*(vars(step).values() for step in steps), strict=True)
    return [MotionStep(*(np.concatenate(column)[order] for column in columns))]
