"""Devices whose clock tells whole seconds alone: their samples are spread over the second, as in old session files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.wire.sample import Sample

MOST_WAITING: Final = 256


class WholeSeconds:
    """One device's samples of the present whole second.

    The first of a second goes on at once; the others wait until the second is over, and are then spread evenly. A
    sample that repeats one of them (by its number, or without one the content of the one before) goes on as it is, so
    that it is counted as a duplicate.
    """

    __slots__ = ("_first", "_waiting")

    def __init__(self) -> None:
        self._first: Sample | None = None
        self._waiting: list[Sample] = []

    def concerns(self, sample: Sample) -> bool:
        """Whether ``push`` has to see the sample: all others pass by."""
        return bool(self._waiting) or not sample.t % 1.0

    def push(self, sample: Sample) -> Sequence[Sample]:
        """Take a sample; return those that go on now, in order."""
        first = self._first
        if first is None or sample.t != first.t or len(self._waiting) >= MOST_WAITING:
            ready = self.flush()
            self._first = sample
            return (*ready, sample)
        if self._repeats(sample, first):
            return (sample,)
        self._waiting.append(sample)
        return ()

    def flush(self) -> Sequence[Sample]:
        """Return what still waits, spread over its second."""
        waiting, self._waiting = self._waiting, []
        n = len(waiting) + 1
        return [msgspec.structs.replace(each, t=each.t + place / n) for place, each in enumerate(waiting, 1)]

    def _repeats(self, sample: Sample, first: Sample) -> bool:
        if sample.seq is not None:
            return any(sample.seq == each.seq for each in (first, *self._waiting))
        before = self._waiting[-1] if self._waiting else first
        return repr(sample.values) == repr(before.values)  # as text: what was not measured equals itself
