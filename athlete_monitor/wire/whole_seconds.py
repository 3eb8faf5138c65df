"""Spreading of samples that share a timestamp: from clocks with whole seconds, or packets with a single time.

The same rule holds for the live stream and for files: ``n`` samples of one timestamp are spread evenly from it to the
next one, the k-th of them at k/n of the interval. If the next timestamp is more than a second ahead, earlier, or
missing, the interval before is used, and one second at the start.

>>> spread(np.array([5.0, 5.0, 5.0, 5.0, 6.0]))
array([5.  , 5.25, 5.5 , 5.75, 6.  ])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.arrays import FloatArray
    from athlete_monitor.wire.sample import Sample

LONGEST_SPAN_S: Final = 1.0
MOST_WAITING: Final = 256


def spread(t: FloatArray) -> FloatArray:
    """Return times [n] in which equal neighbours have been spread."""
    changes = np.diff(t) != 0
    if changes.all():
        return t
    starts = np.flatnonzero(np.concatenate([[True], changes]))
    sizes = np.diff(np.append(starts, len(t)))
    spans = _spans(t[starts])
    place = np.arange(len(t)) - np.repeat(starts, sizes)
    return np.asarray(t + np.repeat(spans, sizes) * (place / np.repeat(sizes, sizes)))


def _spans(times: FloatArray) -> FloatArray:
    """Return the interval over which the samples of each of these different times are spread, seconds."""
    steps = np.append(np.diff(times), np.nan)
    steps[~((steps > 0.0) & (steps <= LONGEST_SPAN_S))] = np.nan
    known = np.maximum.accumulate(np.where(np.isnan(steps), -1, np.arange(len(steps))))
    return np.where(known < 0, LONGEST_SPAN_S, steps[known])


class WholeSeconds:
    """The rule for one device's samples as they arrive.

    The first sample of a timestamp is passed on at once; others with the same timestamp wait until the next one. A
    sample that repeats one of them (by its number, or without a number by the content of the one before) is passed on
    unchanged, so that it is counted as a duplicate.
    """

    __slots__ = ("_first", "_span_s", "_waiting")

    def __init__(self) -> None:
        self._first: Sample | None = None
        self._span_s = LONGEST_SPAN_S
        self._waiting: list[Sample] = []

    def push(self, sample: Sample) -> Sequence[Sample]:
        """Take a sample; return those that are passed on now, in order."""
        first = self._first
        if first is not None and sample.t == first.t and len(self._waiting) < MOST_WAITING:
            if self._repeats(sample, first):
                return (sample,)
            self._waiting.append(sample)
            return ()
        if first is not None and 0.0 < sample.t - first.t <= LONGEST_SPAN_S:
            self._span_s = sample.t - first.t
        self._first = sample
        return (*self._release(first), sample) if self._waiting else (sample,)

    def is_plain(self, t: float) -> bool:
        """Whether a sample at ``t``, and later ones, are passed on unchanged."""
        return not self._waiting and (self._first is None or t != self._first.t)

    def note_run(self, samples: Sequence[Sample]) -> None:
        """Note samples of ascending times that were passed on unchanged (``is_plain``)."""
        before = self._first
        for sample in samples:
            if before is not None and 0.0 < sample.t - before.t <= LONGEST_SPAN_S:
                self._span_s = sample.t - before.t
            before = sample
        self._first = before

    @property
    def is_waiting(self) -> bool:
        """Whether samples wait for the next timestamp."""
        return bool(self._waiting)

    def flush(self) -> Sequence[Sample]:
        """Return the samples that still wait, spread."""
        return self._release(self._first)

    def _release(self, first: Sample | None) -> Sequence[Sample]:
        waiting, self._waiting = self._waiting, []
        if first is None:
            return ()
        n = len(waiting) + 1
        return [
            msgspec.structs.replace(each, t=first.t + self._span_s * (place / n))
            for place, each in enumerate(waiting, 1)
        ]

    def _repeats(self, sample: Sample, first: Sample) -> bool:
        if sample.seq is not None:
            return any(sample.seq == each.seq for each in (first, *self._waiting))
        before = self._waiting[-1] if self._waiting else first
        return repr(sample.values) == repr(before.values)  # as text: what was not measured equals itself
