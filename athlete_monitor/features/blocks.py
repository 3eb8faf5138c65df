"""Features of whole recordings, many samples in a call: the numbers of ``FeatureBank`` to the last bit, much faster.

What does not depend on the sample before is computed for all samples of a block at once. What does, the averages, goes
from sample to sample with the same elementary operations in the same order: two to six of them for each sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from athlete_monitor.arrays import ACC, ALTITUDE, CADENCE, GYRO, MAX_STEP_S, SPEED
from athlete_monitor.channels import FEATURE_GROUPS
from athlete_monitor.decay import remaining
from athlete_monitor.features import spectrum
from athlete_monitor.features.bank import (
    FRESH_S,
    HOLD_S,
    RESULTANT,
    SPECTRAL,
    Beginning,
    FeatureBank,
    beginning,
    features_of,
    is_doubted,
    present_groups,
    weighted,
)
from athlete_monitor.features.layout import (
    ACCELERATION,
    CADENCES,
    FIRST_T,
    GRADE,
    GRAVITY,
    LAST_T,
    PREVIOUS_ACC,
    ROTATION,
    SIDE,
    SIGNAL_COLUMN,
    SIGNALS,
    SMOOTH_ALTITUDE,
    SMOOTH_SPEED,
    SPEEDS,
    layout_of,
)
from athlete_monitor.features.motion import CLIMB_TAU_S, climbing, length_of, movement, sides

if TYPE_CHECKING:
    from collections.abc import Iterable

    from athlete_monitor.arrays import BoolArray, Float32Array, FloatArray, IntArray
    from athlete_monitor.features.spec import FeatureSpec


@dataclass(frozen=True)
class FeatureBlock:
    """What a bank knows after each sample of a block. Axis 0 is time, the last axis the recording.

    Attributes:
        t: times of the samples, s, [T, k].
        last_t: time of each group's newest sample, s, NaN before the first, [T, len(FEATURE_GROUPS), k].
        averages: means and variances of the short window, averages and sums of effort, [T, columns, k].
    """

    bank: BlockBank
    t: FloatArray
    last_t: FloatArray
    averages: FloatArray

    def features(self, steps: IntArray, row: int) -> Float32Array:
        """Return the features of a recording after some samples, float32 [n, F], as ``FeatureBank.update`` does."""
        return self.bank.features_at(self.averages[steps, :, row], self.last_t[steps, :, row])

    def available(self, steps: IntArray, row: int) -> BoolArray:
        """Return which groups were available at some samples, bool [n, groups], as ``FeatureBank.available``."""
        age = self.t[steps, row, None] - self.last_t[steps, :, row]
        return np.less_equal(age, FRESH_S)


class BlockBank(FeatureBank):
    """A feature bank that takes many samples of each row at once.

    Its arrays have the recordings on the last axis, so that the columns of all recordings lie side by side.

    Args:
        spec: the features.
        capacity: the number of rows.
        groups: only these groups have columns, those of ``spec.columns(groups)``.
    """

    def __init__(self, spec: FeatureSpec, capacity: int, groups: Iterable[str] = FEATURE_GROUPS) -> None:
        super().__init__(spec, capacity)
        wanted = set(groups)
        self._plan = layout_of(spec, tuple(group for group in FEATURE_GROUPS if group in wanted))
        self._state = self._blank(capacity)
        self._column_group = np.array(self._plan.group, dtype=np.int64)

    def update_block(self, t: FloatArray, values: FloatArray) -> FeatureBlock:
        """Advance the first k rows by T samples each.

        Args:
            t: times, s, float64 [T, k].
            values: float64 [T, len(CHANNELS), k], NaN where a channel was not measured.
        """
        state = self._state[: t.shape[1]].T.copy()
        missing = np.isnan(values)
        present, known = present_groups(missing, axis=1), np.where(missing, 0.0, values)
        last_t, elapsed, relax = _times(state, t, present)
        first_t = _first_t(state, t, present)
        plan, shorts = self._plan, 1 + len(self._plan.short_column)
        spans = np.concatenate([relax, elapsed], axis=1).take(plan.span, axis=1)
        spans *= plan.inverse_tau[:, None]
        keep = remaining(spans)
        signals = _signals(state, known, elapsed, relax, present, keep[:, :1])
        if plan.spectrum is not None:
            signals[:, SPECTRAL] = _spectra(state[plan.spectrum], t, signals[:, RESULTANT], present[:, ACCELERATION])
        averages = np.empty((len(t), plan.width - plan.mean.start, t.shape[1]))
        self._shorts(state, signals, keep[:, 1:shorts], averages)
        begins = beginning(first_t, t[:, None], present, elapsed)
        self._efforts(state, signals, elapsed, keep[:, shorts:], averages, begins)
        if plan.spectrum is not None:
            averages[:, plan.spectral.start - plan.mean.start :] = signals[:, SPECTRAL]
        state[LAST_T], state[FIRST_T] = last_t[-1], first_t[-1]
        state[plan.mean.start :] = averages[-1]
        self._state[: t.shape[1]] = state.T
        return FeatureBlock(self, t, last_t, averages)

    def features_at(self, averages: FloatArray, last_t: FloatArray) -> Float32Array:
        """Return features, float32 [n, F], from rows of ``FeatureBlock``'s arrays [n, columns] and [n, groups]."""
        return features_of(averages, last_t, len(self._plan.short_column), self._column_group)

    def _shorts(self, state: FloatArray, signals: FloatArray, keep: FloatArray, averages: FloatArray) -> None:
        """Fill in the exponential mean and variance over the short window."""
        plan, count = self._plan, len(self._plan.short_column)
        if not count:
            return
        mean, variance = state[plan.mean].copy(), state[plan.variance].copy()
        away, gain = signals.take(plan.short_column, axis=1), 1.0 - keep
        for distance, weight, left, after in zip(away, gain, keep, averages, strict=True):
            np.subtract(distance, mean, out=distance)
            np.multiply(weight, distance, out=weight)
            mean += weight
            np.multiply(weight, distance, out=weight)
            variance += weight
            variance *= left
            after[:count] = mean
            after[count : 2 * count] = variance

    def _efforts(
        self,
        state: FloatArray,
        signals: FloatArray,
        elapsed: FloatArray,
        keep: FloatArray,
        averages: FloatArray,
        begins: Beginning | None,
    ) -> None:
        """Fill in the exponential averages and sums of effort; the hidden part of a long gap counts as rest."""
        plan, steps, rows = self._plan, len(elapsed), elapsed.shape[2]
        keep = keep.reshape(steps, len(plan.held), len(self._inverse_tau), rows)
        gain, held = 1.0 - keep, elapsed
        if (elapsed > HOLD_S).any():
            held = np.where(elapsed > HOLD_S, MAX_STEP_S, elapsed)
            gain = 1.0 - remaining(held.take(plan.held, axis=1)[:, :, None] * self._inverse_tau[:, None])
        keep, gain = keep.take(plan.effort_group, axis=1), gain.take(plan.effort_group, axis=1)
        begin = plan.effort.start - plan.mean.start
        end = begin + plan.effort.stop - plan.effort.start
        before, after = state[plan.effort], averages[:, begin:end]
        signals_of_effort = signals.take(plan.effort_column, axis=1)
        first = 0 if begins is None else self._begin(before, begins, keep, gain, signals_of_effort, after)
        before = after[first - 1] if first else before
        flat = (steps - first, end - begin, rows)
        added = gain[first:] * signals_of_effort[first:, :, None]
        _accumulate(before, keep[first:].reshape(flat), added.reshape(flat), after[first:])
        totals = held.take(plan.total_group, axis=1) * signals.take(plan.total_column, axis=1)
        totals[0] += state[plan.total]
        np.add.accumulate(totals, axis=0, out=averages[:, end : end + len(plan.total_column)])

    def _begin(
        self,
        before: FloatArray,
        begins: Beginning,
        keep: FloatArray,
        gain: FloatArray,
        signals: FloatArray,
        after: FloatArray,
    ) -> int:
        """Fill in the averages up to the last sample that is near a beginning; return how many samples those are."""
        plan = self._plan
        shares, sure = (each.take(plan.held, axis=1).take(plan.effort_group, axis=1) for each in begins)
        near = np.flatnonzero(shares.any(axis=(1, 2)))
        steps = int(near[-1]) + 1 if len(near) else 0
        average = before.reshape(keep.shape[1:])
        for step in range(steps):
            doubted = is_doubted(average[:, plan.fastest], average[:, plan.slowest])
            weight = np.where(sure[step] | doubted, shares[step], 0.0)
            left, new = weighted(keep[step], gain[step], weight[:, None])
            average = average * left + new * signals[step, :, None]
            after[step] = average.reshape(before.shape)
        return steps


def _accumulate(before: FloatArray, keep: FloatArray, added: FloatArray, after: FloatArray) -> None:
    """Fill ``after`` [T, ...] with ``before * keep + added``, each from the one before."""
    for left, new, result in zip(keep, added, after, strict=True):
        np.multiply(before, left, out=result)
        np.add(result, new, out=result)
        before = result


def _times(state: FloatArray, t: FloatArray, present: BoolArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Each group's newest time after each sample, and ``elapsed`` and ``relax`` of ``FeatureBank``; [T, groups, k]."""
    now = t[:, None]
    last_t = np.fmax.accumulate(np.concatenate([state[None, LAST_T], np.where(present, now, np.nan)]), axis=0)
    before = last_t[:-1]
    elapsed = np.where(present, np.fmax(now - before, 0.0), 0.0)
    relax = np.where(present & np.isnan(before), np.inf, elapsed)
    return last_t[1:], elapsed, relax


def _first_t(state: FloatArray, t: FloatArray, present: BoolArray) -> FloatArray:
    """The time of each group's first sample, as known after each sample; [T, groups, k]."""
    begun = np.fmax.accumulate(np.concatenate([state[None, FIRST_T], np.where(present, 0.0, np.nan)]), axis=0)
    starts = present & np.isnan(begun[:-1])
    first = np.concatenate([state[None, FIRST_T], np.where(starts, t[:, None], np.nan)])
    return np.fmax.accumulate(first, axis=0)[1:]


def _signals(
    state: FloatArray,
    known: FloatArray,
    elapsed: FloatArray,
    relax: FloatArray,
    present: BoolArray,
    gravity_keep: FloatArray,
) -> FloatArray:
    """Every quantity of each sample, [T, len(SIGNALS), k]; a group that no row has is left at 0."""
    now = np.logical_or.reduce(present, axis=(0, 2))
    signals: dict[str, FloatArray] = {}
    if now[ACCELERATION]:
        span = elapsed[:, ACCELERATION], relax[:, ACCELERATION]
        signals.update(_motion(state, known[:, ACC], *span, gravity_keep))
    if now[ROTATION]:
        signals["rotation_rad_s"] = length_of(known[:, GYRO].swapaxes(1, 2))
    if now[SPEEDS]:
        signals["speed_mps"] = known[:, SPEED]
        signals["speed_sq_m2ps2"] = known[:, SPEED] * known[:, SPEED]
    if now[CADENCES]:
        signals["cadence_spm"] = known[:, CADENCE]
    if now[GRADE]:
        signals.update(_slope(state, known[:, SPEED], known[:, ALTITUDE], relax[:, GRADE]))
    columns = np.zeros((len(known), len(SIGNALS), known.shape[2]))
    for name, values in signals.items():
        columns[:, SIGNAL_COLUMN[name]] = values
    return columns


def _motion(
    state: FloatArray, acc: FloatArray, elapsed: FloatArray, relax: FloatArray, gravity_keep: FloatArray
) -> dict[str, FloatArray]:
    """Movement without gravity; acc [T, 3, k]."""
    gravity = _follow(state[GRAVITY], 1.0 - gravity_keep, acc)
    previous = _kept(state[PREVIOUS_ACC], acc, relax > 0.0)
    now, down, before = (vectors.swapaxes(1, 2) for vectors in (acc, gravity, previous[:-1]))
    signals, moves, rate = movement(now, down, before, elapsed)
    side, changes = sides(signals["acc_vertical_mps2"], moves)
    passed = _kept(state[SIDE], side, changes)
    signals["acc_step_rate_hz"] = (changes & (side > 0.0) & (passed[:-1] < 0.0)) * rate
    state[GRAVITY], state[PREVIOUS_ACC], state[SIDE] = gravity[-1], previous[-1], passed[-1]
    return signals


def _spectra(memory: FloatArray, t: FloatArray, level: FloatArray, present: BoolArray) -> FloatArray:
    """The spectral quantities after each sample, [T, 2, k]; advances ``memory`` [WIDTH, k]; the others are [T, k]."""
    rows = memory.T.copy()
    found = [spectrum.update(rows, *sample).T.copy() for sample in zip(t, level, present, strict=True)]
    memory[:] = rows.T
    return np.array(found)


def _slope(state: FloatArray, speed: FloatArray, altitude: FloatArray, relax: FloatArray) -> dict[str, FloatArray]:
    """Climbing; all [T, k]."""
    gain = 1.0 - remaining(relax * (1.0 / CLIMB_TAU_S))
    smooth = _follow(state[SMOOTH_ALTITUDE], gain, altitude)
    pace = _follow(state[SMOOTH_SPEED], gain, speed)
    state[SMOOTH_ALTITUDE], state[SMOOTH_SPEED] = smooth[-1], pace[-1]
    return climbing(speed, altitude, smooth, pace)


def _follow(average: FloatArray, gain: FloatArray, values: FloatArray) -> FloatArray:
    """An exponential average after each sample: ``average += gain * (value - average)``; values [T, ..., k]."""
    after = np.empty(values.shape)
    for value, weight, result in zip(values, gain, after, strict=True):
        np.subtract(value, average, out=result)
        np.multiply(result, weight, out=result)
        np.add(result, average, out=result)
        average = result
    return after


def _kept(first: FloatArray, values: FloatArray, moved: BoolArray) -> FloatArray:
    """The newest value that has ``moved`` before the first sample, ``first`` [..., k], and after each, [T + 1, ..., k].

    Values are [T, ..., k], ``moved`` is [T, k].
    """
    steps = np.arange(1, len(moved) + 1)[:, None]
    newest = np.maximum.accumulate(np.where(moved, steps, 0), axis=0)
    known = np.concatenate([first[None], values])
    places = np.concatenate([np.zeros((1, moved.shape[1]), dtype=np.int64), newest])
    shaped = places.reshape(len(places), *(1,) * (values.ndim - 2), -1)
    return np.take_along_axis(known, shaped, axis=0)
