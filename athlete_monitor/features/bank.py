"""The streaming feature bank of a squad."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from athlete_monitor.arrays import MAX_STEP_S, places
from athlete_monitor.decay import remaining
from athlete_monitor.features import spectrum
from athlete_monitor.features.layout import (
    ACCELERATION,
    CHANNELS_OF_GROUPS,
    FIRST_T,
    LAST_T,
    SIGNAL_COLUMN,
    layout_of,
    narrowed,
)
from athlete_monitor.features.motion import signals_of

if TYPE_CHECKING:
    from athlete_monitor.arrays import BoolArray, Float32Array, FloatArray, IntArray
    from athlete_monitor.features.layout import FeatureLayout
    from athlete_monitor.features.spec import FeatureSpec

FRESH_S: Final = 5.0
"""A group counts as available while its newest sample is at most this old."""

HOLD_S: Final = 10.0
"""Longest gap that a sample covers in full; of a longer gap it covers ``MAX_STEP_S``, the remainder counts as rest."""

BEGIN_S: Final = 3.0
"""The first seconds of a group stand for the time before: until then, averages of effort are plain means. A session
that begins in the middle of effort (sensor put on late, a restart without memory) looks like the middle of one: on real
runs cut at random the error of the first five minutes fell from 17 to 7 bpm; on whole runs it was 4.2 bpm with both.
Sums start from zero: those of the time before would be a guess that stays for the whole session."""

DOUBT_S: Final = 60.0
"""For so long after the first sample, the first seconds can be doubted: a sensor is shaken while it is put on."""

DOUBT_SHARE: Final = 0.5
"""While effort is below this share of its slowest average, averages become the plain mean since the first sample."""

RESULTANT: Final = SIGNAL_COLUMN["acc_resultant_mps2"]
SPECTRAL: Final = [SIGNAL_COLUMN[name] for name in spectrum.NAMES]


class FeatureBank:
    """Streaming features of a squad; ``capacity`` rows, each forgotten by ``reset``.

    The result of ``update`` has the columns of ``spec.names()``; NaN where a group has never arrived in a row.
    """

    def __init__(self, spec: FeatureSpec, capacity: int) -> None:
        self.spec = spec
        self._plan = layout_of(spec)
        self._state = self._blank(capacity)
        self._inverse_tau = 1.0 / np.array(spec.time_constants_s, dtype=np.float64)
        self._column_group = np.array(self._plan.group, dtype=np.int64)
        self._narrowed: dict[tuple[int, int], FeatureLayout] = {}

    def _blank(self, rows: int) -> FloatArray:
        blank = np.zeros((rows, self._plan.width))
        blank[:, LAST_T] = blank[:, FIRST_T] = np.nan
        if self._plan.spectrum is not None:
            blank[:, self._plan.spectrum] = spectrum.blank(rows)
        return blank

    @property
    def capacity(self) -> int:
        """Number of rows."""
        return len(self._state)

    def grow(self, capacity: int) -> None:
        """Add blank rows until there are ``capacity``; never shrinks."""
        missing = capacity - self.capacity
        if missing > 0:
            self._state = np.concatenate([self._state, self._blank(missing)])

    def reset(self, rows: IntArray) -> None:
        """Forget what ``rows`` remember, as at the start of a session."""
        self._state[rows] = self._blank(1)

    def state(self, row: int) -> FloatArray:
        """Copy of everything ``row`` remembers; valid for any bank of an equal spec."""
        copy: FloatArray = self._state[row].copy()
        return copy

    def set_state(self, row: int, state: FloatArray) -> None:
        """Restore what ``state`` returned earlier into ``row``; raises ``ValueError`` if it belongs to another spec."""
        if state.shape != (self._plan.width,):
            raise ValueError(f"feature state of {state.shape}, this bank's rows hold ({self._plan.width},)")
        self._state[row] = state

    def available(self, rows: IntArray, t: FloatArray) -> BoolArray:
        """Whether each group's newest sample is at most ``FRESH_S`` old at ``t`` (s), bool [k, len(FEATURE_GROUPS)]."""
        age = t[:, None] - self._state[rows, LAST_T]
        return np.less_equal(age, FRESH_S)

    def update(self, rows: IntArray, t: FloatArray, values: FloatArray) -> Float32Array:
        """Advance ``rows`` (each at most once) by one sample and return their features, float32 [k, F].

        The arguments are those of ``advance``.
        """
        return self.read(self.advance(rows, t, values))

    def read(self, memory: FloatArray) -> Float32Array:
        """Features, float32 [k, F], of what athletes remember: the result of ``advance`` or ``memory``."""
        return self._features(memory)

    def memory(self, rows: IntArray) -> FloatArray:
        """Copy of everything that ``rows`` [k] remember."""
        copy: FloatArray = self._state[rows]
        return copy

    def advance(self, rows: IntArray, t: FloatArray, values: FloatArray) -> FloatArray:
        """Advance ``rows`` (each at most once) by one sample and return what they remember.

        ``t`` float64 [k] seconds, ``values`` float64 [k, len(CHANNELS)], NaN where a channel was not measured. A group
        with a missing channel keeps its features. Time that runs backwards counts as no time.
        """
        state = self._state[rows]
        missing = np.isnan(values)
        present = present_groups(missing)
        elapsed, relax = _times(state, t, present)
        plan, known = self._plan_of(present), np.where(missing, 0.0, values)
        keep = remaining(np.concatenate([relax, elapsed], axis=1).take(plan.span, axis=1) * plan.inverse_tau)
        signals = signals_of(state, known, elapsed, relax, present, keep[:, :1])
        if plan.spectrum is not None:
            self._add_spectrum(state, t, signals, present[:, ACCELERATION])
        shorts = 1 + len(plan.short_column)
        _average_shorts(plan, state, signals.take(plan.short_column, axis=1), keep[:, 1:shorts])
        keep = keep[:, shorts:].reshape(len(t), len(plan.held), -1)
        begins = beginning(_first_t(state, t, present), t[:, None], present, elapsed)
        self._average_efforts(plan, state, signals, elapsed, keep, begins)
        last_t = state[:, LAST_T]
        np.copyto(last_t, np.fmax(last_t, t[:, None]), where=present)
        self._state[rows] = state
        return state

    def _plan_of(self, present: BoolArray) -> FeatureLayout:
        """The plan without the columns of groups that no row has now, as far as they lie at its beginning or end.

        A sample changes nothing in them, and they are half of all columns of a device without speed.
        """
        found = places(np.logical_or.reduce(present, axis=0))
        if not len(found):
            return self._plan
        first, last = found.item(0), found.item(-1)
        if (first, last) not in self._narrowed:
            self._narrowed[first, last] = narrowed(self._plan, first, last)
        return self._narrowed[first, last]

    def _add_spectrum(self, state: FloatArray, t: FloatArray, signals: FloatArray, present: BoolArray) -> None:
        """Advance the spectrum; its results become features and signals."""
        plan = self._plan
        memory = state[:, plan.spectrum]
        state[:, plan.spectral] = spectrum.update(memory, t, signals[:, RESULTANT], present)
        signals[:, SPECTRAL] = state[:, plan.spectral]

    def _average_efforts(
        self,
        plan: FeatureLayout,
        state: FloatArray,
        signals: FloatArray,
        elapsed: FloatArray,
        keep: FloatArray,
        begins: Beginning | None,
    ) -> None:
        """Exponential averages and sums of effort; the hidden part of a long gap counts as rest."""
        gain = 1.0 - keep
        held = elapsed
        if (elapsed > HOLD_S).any():
            held = np.where(elapsed > HOLD_S, MAX_STEP_S, elapsed)
            gain = 1.0 - remaining(held.take(plan.held, axis=1)[:, :, None] * self._inverse_tau)
        keep, gain = keep.take(plan.effort_group, axis=1), gain.take(plan.effort_group, axis=1)
        effort = state[:, plan.effort].reshape(len(state), len(plan.effort_column), -1).copy()
        if begins is not None:
            groups = plan.held.take(plan.effort_group)
            share, sure = begins.share.take(groups, axis=1), begins.sure.take(groups, axis=1)
            doubted = is_doubted(effort[:, :, plan.fastest], effort[:, :, plan.slowest])
            weight = np.where(sure | doubted, share, 0.0)
            keep, gain = weighted(keep, gain, weight[:, :, None])
        effort *= keep
        effort += gain * signals.take(plan.effort_column, axis=1)[:, :, None]
        added = held.take(plan.total_group, axis=1) * signals.take(plan.total_column, axis=1)
        state[:, plan.effort] = effort.reshape(len(state), -1)
        state[:, plan.total] += added

    def _features(self, state: FloatArray) -> Float32Array:
        plan = self._plan
        averages, last_t = state[:, plan.mean.start :], state[:, LAST_T]
        return features_of(averages, last_t, len(plan.short_column), self._column_group)


def _average_shorts(plan: FeatureLayout, state: FloatArray, signals: FloatArray, keep: FloatArray) -> None:
    """Exponential mean and variance over the short window."""
    if not len(plan.short_column):
        return
    away = signals - state[:, plan.mean]
    step = (1.0 - keep) * away
    state[:, plan.mean] += step
    state[:, plan.variance] = keep * (state[:, plan.variance] + step * away)


def features_of(averages: FloatArray, last_t: FloatArray, shorts: int, column_group: IntArray) -> Float32Array:
    """Features [k, F] from means and variances of ``shorts`` signals, averages and sums of effort."""
    features = np.empty((len(averages), len(column_group)), dtype=np.float32)
    features[:, :shorts] = averages[:, :shorts]
    features[:, shorts : 2 * shorts] = np.sqrt(averages[:, shorts : 2 * shorts])
    features[:, 2 * shorts :] = averages[:, 2 * shorts :]
    never = np.isnan(last_t)
    if never.any():
        np.copyto(features, np.nan, where=never.take(column_group, axis=1))
    return features


def present_groups(missing: BoolArray, axis: int = 1) -> BoolArray:
    """Which groups each sample holds in full, from what is missing: from an axis of channels to one of groups."""
    first, second, third = (missing.take(channels, axis=axis) for channels in CHANNELS_OF_GROUPS)
    present: BoolArray = ~(first | second | third)
    return present


def _first_t(state: FloatArray, t: FloatArray, present: BoolArray) -> FloatArray:
    """Time of each group's first sample, [k, len(FEATURE_GROUPS)]; noted in ``state``."""
    first = state[:, FIRST_T]
    np.copyto(first, t[:, None], where=present & np.isnan(first))
    return first


class Beginning(NamedTuple):
    """What samples near the beginning of their groups count, with groups on axis 1."""

    share: FloatArray
    """Weight in the plain mean since the group's first sample; 0 after ``DOUBT_S``."""
    sure: BoolArray
    """Whether it counts so in any case: in the first seconds."""


def beginning(first_t: FloatArray, t: FloatArray, present: BoolArray, elapsed: FloatArray) -> Beginning | None:
    """Return what samples count; None if none is near a beginning.

    All arrays have a shape with groups on axis 1, or one that broadcasts to it.
    """
    since_s = t - first_t
    begins = present & (since_s >= 0.0) & (since_s <= DOUBT_S)
    if not begins.any():
        return None
    moves = since_s > 0.0
    share = np.where(begins, np.where(moves, elapsed / np.where(moves, since_s, 1.0), 1.0), 0.0)
    return Beginning(share, since_s <= BEGIN_S)


def is_doubted(fast: FloatArray, slow: FloatArray) -> BoolArray:
    """Whether effort now, its fastest average, contradicts what the slowest one remembers."""
    doubted: BoolArray = np.abs(fast) < DOUBT_SHARE * np.abs(slow)
    return doubted


def weighted(keep: FloatArray, gain: FloatArray, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Weights of the old and the new value of an average, at least ``weight`` for the new one."""
    return np.where(weight > gain, 1.0 - weight, keep), np.maximum(gain, weight)


def _times(state: FloatArray, t: FloatArray, present: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Seconds since each group's previous sample, [k, len(FEATURE_GROUPS)]: 0 where absent.

    The first array has 0 for a first sample (it covers no time yet), the second infinity (averages start at their first
    value).
    """
    last_t = state[:, LAST_T]
    elapsed = np.where(present, np.fmax(t[:, None] - last_t, 0.0), 0.0)
    relax = np.where(present & np.isnan(last_t), np.inf, elapsed)
    return elapsed, relax
