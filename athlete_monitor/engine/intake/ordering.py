"""Ordering of samples: each device's stream is released in time order, without duplicates, on a continuous clock.

The rules use only sample time and running numbers, so that a live run, a replay and an offline run order alike:

* A sample that follows without a visible gap is released at once. A gap is a jump of ``seq``; without ``seq``, an
  interval longer than the device's usual one (mean and deviation learned as in TCP's retransmission timer).
* After a gap, samples wait for the missing ones until the newest is ``late_tolerance_s`` ahead, then continue.
* A sample before the last released one is late, a repeated one is a duplicate; both are counted and dropped. A
  repeated number on a sample that is newer by more than the tolerance is not a duplicate: the device has restarted
  and counts from the beginning.
* A sample further behind than the tolerance, or more than ``idle_s`` ahead, is suspect. When ``AGREEING`` suspects in a
  row agree with each other, they are accepted. Behind, or more than a day ahead: the device's clock has stepped, and
  its time is shifted so that the session continues one usual interval after the last sample. Ahead by less: a pause as
  long as any that ends a session, so a new one begins with them. Suspects that a normal sample contradicts are dropped.
  Where the time of arrival shows that there was no pause, the clock has stepped, however far.
"""

from __future__ import annotations

import math
from array import array
from bisect import insort
from collections import deque
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING

import msgspec

from athlete_monitor.arrays import MAX_STEP_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.wire.sample import Sample

DAY_S = 86_400.0
LIVE_SHARE = 0.5
"""Samples that take at least this share of their own time to arrive are live; the same holds for a real pause."""
AGREEING = 5
"""Samples in a row that must agree before a device's clock counts as stepped."""
HELD_LIMIT = 512
REMEMBERED = 128
_NO_SEQ = -1
SEQ_JUMP = 36_000
"""A jump of the running number beyond this is a restarted counter, not a loss."""

_time_of = attrgetter("t")


@dataclass
class Quality:
    """Counts of one device's samples in one session.

    ``received`` were used; ``lost`` never arrived, as shown by ``seq`` or by the usual interval; ``duplicate``,
    ``late`` and ``invalid`` arrived and were dropped.
    """

    received: int = 0
    lost: int = 0
    duplicate: int = 0
    late: int = 0
    invalid: int = 0
    clock_steps: int = 0

    @property
    def expected(self) -> int:
        """Number of samples that the device has sent, as far as known."""
        return self.received + self.lost

    @property
    def percent(self) -> float | None:
        """Used samples in percent of the expected ones; None before the first."""
        return 100.0 * self.received / self.expected if self.expected else None

    def to_dict(self) -> dict[str, int]:
        """Plain counts, for outputs and the journal."""
        return dict(vars(self))


class _Remembered:
    """Times and running numbers of the newest ``REMEMBERED`` samples, packed: as objects they would take 14 kB."""

    __slots__ = ("_next", "_seqs", "_times")

    def __init__(self) -> None:
        self._times = array("d", [float("nan")]) * REMEMBERED
        self._seqs = array("q", [_NO_SEQ]) * REMEMBERED
        self._next = 0

    def add_run(self, samples: Sequence[Sample]) -> None:
        """Store samples, each in place of the oldest."""
        place, count = self._next, len(samples)
        if place + count > REMEMBERED:
            for sample in samples:
                self.add(sample.t, sample.seq)
            return
        self._times[place : place + count] = array("d", [sample.t for sample in samples])
        self._seqs[place : place + count] = array("q", [_NO_SEQ if each.seq is None else each.seq for each in samples])
        self._next = (place + count) % REMEMBERED

    def add(self, t: float, seq: int | None) -> None:
        """Store a sample in place of the oldest."""
        place = self._next
        self._times[place] = t
        self._seqs[place] = _NO_SEQ if seq is None else seq
        self._next = (place + 1) % REMEMBERED

    def holds_time(self, t: float) -> bool:
        """Whether a sample of this time is among them."""
        return t in self._times

    def holds_number(self, seq: int | None) -> bool:
        """Whether a sample of this number is among them."""
        return seq is not None and seq in self._seqs


class DeviceStream:
    """The stream of one device within one session.

    ``push`` takes samples as they arrive and appends to ``out`` those that are in order. ``quality`` counts all others.
    ``offset_s`` is the sum of corrections to the device's clock since the session began.
    """

    __slots__ = (
        "_arrived_s", "_deviation_s", "_dropped", "_first_t", "_gap_s", "_held", "_is_gap_known", "_last_t", "_longer",
        "_longest_s", "_marks", "_mean_s", "_missing", "_next_seq", "_recent", "_suspected_s", "_suspects",
        "_tolerance_s", "offset_s", "quality",
    )  # fmt: skip

    def __init__(self, late_tolerance_s: float, idle_s: float) -> None:
        self.quality = Quality()
        self.offset_s = 0.0
        self._tolerance_s = late_tolerance_s
        self._gap_s = idle_s
        self._first_t = self._last_t = float("nan")
        self._next_seq: int | None = None
        self._mean_s = self._deviation_s = 0.0
        self._longest_s = idle_s
        self._longer = 0
        self._recent = _Remembered()
        self._missing: deque[range] = deque(maxlen=REMEMBERED)
        self._held: list[Sample] = []
        self._suspects: list[Sample] = []
        self._dropped = self._is_gap_known = False
        self._arrived_s = self._suspected_s = math.nan
        self._marks: deque[Quality] = deque([Quality()])

    @property
    def is_holding(self) -> bool:
        """Whether samples wait for missing ones, or for others that agree with them."""
        return bool(self._held or self._suspects)

    @property
    def last_t(self) -> float:
        """Continuous time of the last released sample, seconds; NaN before the first."""
        return self._last_t

    def resume(self, first_t: float, last_t: float, offset_s: float, quality: Quality, next_seq: int | None) -> None:
        """Restore the state of an interrupted session from the journal."""
        self._first_t, self._last_t = first_t, last_t
        self.offset_s, self.quality, self._next_seq = offset_s, quality, next_seq
        self._marks = deque([replace(quality)])

    def quality_at(self, received: int) -> Quality:
        """The counts as of the ``received``-th released sample, without later events.

        It must be called in ascending order. So the figures do not depend on how far the stream is ahead of them.
        """
        while len(self._marks) > 1 and self._marks[1].received <= received:
            self._marks.popleft()
        counts = self._marks[0]
        counts.received = received
        return counts

    def used(self, received: int) -> tuple[Quality, int | None]:
        """Return the counts and the next running number as of the ``received``-th released sample.

        Samples that were released after it are sent again after a kill, and must not be counted before; what was
        dropped is not sent again, and is counted. See ``quality_at``.
        """
        lost = self.quality_at(received).lost
        waiting = self.quality.received - received + self.quality.lost - lost
        next_seq = None if self._next_seq is None else self._next_seq - waiting
        counts = Quality(**vars(self.quality))  # dataclasses.replace costs several times as much
        counts.received, counts.lost = received, lost
        return counts, next_seq

    def count_invalid(self, samples: int = 1) -> None:
        """Count samples that were dropped before ordering."""
        self._drop("invalid", samples)

    def _drop(self, kind: str, samples: int = 1) -> None:
        setattr(self.quality, kind, getattr(self.quality, kind) + samples)
        self._dropped = self._dropped or samples > 0

    @property
    def next_seq(self) -> int | None:
        """The running number that would follow without loss; None if the device sends none."""
        return self._next_seq

    def push(self, sample: Sample, out: list[Sample], arrived_s: float = math.nan) -> Sequence[Sample]:
        """Take one arriving sample; append samples that are now in order to ``out``.

        ``arrived_s``, the engine's clock, distinguishes a step of the device's clock from a pause.

        Returns:
            Samples that belong to a new session, because a pause that ends one precedes them; usually none.
        """
        if self.offset_s:
            sample = msgspec.structs.replace(sample, t=sample.t + self.offset_s)
        interval_s = sample.t - self._last_t
        seq = sample.seq
        if not self._held and not self._suspects and interval_s > 0.0:
            longest_s = self._longest_s if seq is None else self._gap_s
            if interval_s <= longest_s and (seq is None or seq == self._next_seq):
                self._release(sample, interval_s, out)
                self._arrived_s = arrived_s
                return ()
        return self._push_unusual(sample, out, arrived_s)

    def push_run(self, samples: Sequence[Sample], out: list[Sample], arrived_s: float = math.nan) -> bool:
        """Take samples that simply continue the stream, all at once: the usual batch.

        Returns:
            False, with nothing changed, if one of them needs more than that: then they are pushed one by one, with the
            same result.
        """
        if self._held or self._suspects or self._dropped or self.offset_s or self._next_seq is None:
            return False
        seq, last_t, gap_s = self._next_seq, self._last_t, self._gap_s
        for sample in samples:
            if sample.seq != seq or not 0.0 < sample.t - last_t <= gap_s:
                return False
            seq += 1
            last_t = sample.t
        self._next_seq, self._last_t, self._arrived_s = seq, last_t, arrived_s
        self._recent.add_run(samples)
        self.quality.received += len(samples)
        out.extend(samples)
        return True

    def note_gap(self) -> None:
        """Samples before the next ones have been dropped by the engine: they are lost, and none waits for them."""
        self._is_gap_known = True

    def flush(self, out: list[Sample]) -> None:
        """Release waiting samples: the session ends."""
        self._drop_suspects()
        for sample in self._held:
            self._release(sample, sample.t - self._last_t, out)
        self._held.clear()

    def _push_unusual(self, sample: Sample, out: list[Sample], arrived_s: float) -> Sequence[Sample]:
        if self._last_t != self._last_t:
            self._first_t = self._last_t = sample.t
            self._release(sample, 0.0, out)
        elif self._is_duplicate(sample):
            self._drop("duplicate")
        elif self._is_suspect(sample):
            return self._suspect(sample, out, arrived_s)
        else:
            self._drop_suspects()
            self._arrived_s = arrived_s
            self._hold(sample, out)
        return ()

    def _hold(self, sample: Sample, out: list[Sample]) -> None:
        if sample.t <= self._last_t:
            self._drop("late")
            return
        insort(self._held, sample, key=_time_of)
        newest_t = math.inf if self._is_gap_known else self._held[-1].t
        self._is_gap_known = False
        while self._held and self._may_go(self._held[0], newest_t):
            head = self._held.pop(0)
            self._release(head, head.t - self._last_t, out)

    def _may_go(self, head: Sample, newest_t: float) -> bool:
        waited = newest_t - head.t >= self._tolerance_s or len(self._held) > HELD_LIMIT
        return waited or self._follows(head)

    def _follows(self, head: Sample) -> bool:
        if head.seq is None or self._next_seq is None:
            return head.seq is not None or head.t - self._last_t <= self._longest_s
        return not 0 < head.seq - self._next_seq <= SEQ_JUMP

    def _release(self, sample: Sample, interval_s: float, out: list[Sample]) -> None:
        seq = sample.seq
        if seq is None:
            self._learn_interval(interval_s)
        else:
            if self._next_seq is not None and 0 < seq - self._next_seq <= SEQ_JUMP:
                self._drop("lost", seq - self._next_seq)
                self._missing.append(range(self._next_seq, seq))
            self._next_seq = seq + 1
        self._last_t = sample.t
        self._recent.add(sample.t, seq)
        self.quality.received += 1
        if self._dropped:
            self._dropped = False
            self._marks.append(replace(self.quality))
        out.append(sample)

    def _learn_interval(self, interval_s: float) -> None:
        self._longer = self._longer + 1 if interval_s > self._longest_s else 0
        if self._longer == AGREEING:  # not a loss, but another rate
            self._mean_s = self._deviation_s = 0.0
            self._longest_s = self._gap_s
        if interval_s > self._longest_s:
            self._drop("lost", max(0, round(interval_s / self._mean_s) - 1))
        elif 0.0 < interval_s <= MAX_STEP_S:
            self._mean_s = self._mean_s or interval_s
            error_s = interval_s - self._mean_s
            self._mean_s += error_s / 8.0
            self._deviation_s += (abs(error_s) - self._deviation_s) / 4.0
            self._longest_s = self._mean_s + max(0.6 * self._mean_s, 4.0 * self._deviation_s)

    def _is_duplicate(self, sample: Sample) -> bool:
        t, seq = sample.t, sample.seq
        if self._is_past(sample):
            return not any(seq in missing for missing in self._missing)
        if any(t == held.t or (seq is not None and seq == held.seq) for held in self._held):
            return True
        near = t <= self._last_t + self._tolerance_s
        return self._recent.holds_time(t) or (near and self._recent.holds_number(seq))

    def _is_past(self, sample: Sample) -> bool:
        """Whether both number and time show that the sample is late."""
        numbered = sample.seq is not None and self._next_seq is not None and sample.seq < self._next_seq
        return numbered and self._first_t <= sample.t <= self._last_t

    def _is_suspect(self, sample: Sample) -> bool:
        newest_t = self._held[-1].t if self._held else self._last_t
        if sample.t > newest_t + self._gap_s:
            return True
        return sample.t < self._last_t - self._tolerance_s and not self._is_past(sample)

    def _suspect(self, sample: Sample, out: list[Sample], arrived_s: float) -> Sequence[Sample]:
        if self._suspects and not 0.0 < sample.t - self._suspects[-1].t <= MAX_STEP_S:
            self._drop_suspects()
        if not self._suspects:
            self._suspected_s = arrived_s
        self._suspects.append(sample)
        if len(self._suspects) < AGREEING:
            return ()
        believed, self._suspects = self._suspects, []
        self.flush(out)
        if self._gap_s < believed[0].t - self._last_t <= DAY_S and not self._jumped_live(believed, arrived_s):
            return [msgspec.structs.replace(each, t=each.t - self.offset_s) for each in believed]
        self._step_clock(believed, out)
        return ()

    def _jumped_live(self, believed: Sequence[Sample], arrived_s: float) -> bool:
        """Whether the time of arrival shows that there was no pause; samples that were kept and sent at once do not."""
        span_s = believed[-1].t - believed[0].t
        is_live = arrived_s - self._suspected_s >= LIVE_SHARE * span_s
        return is_live and self._suspected_s - self._arrived_s < LIVE_SHARE * (believed[0].t - self._last_t)

    def _step_clock(self, believed: Sequence[Sample], out: list[Sample]) -> None:
        usual_s = (believed[-1].t - believed[0].t) / (AGREEING - 1)
        shift_s = self._last_t + usual_s - believed[0].t
        self.offset_s += shift_s
        self._drop("clock_steps")
        for sample in believed:
            shifted = msgspec.structs.replace(sample, t=sample.t + shift_s)
            self._release(shifted, shifted.t - self._last_t, out)

    def _drop_suspects(self) -> None:
        ahead = sum(sample.t > self._last_t for sample in self._suspects)
        self._drop("invalid", ahead)
        self._drop("late", len(self._suspects) - ahead)
        self._suspects.clear()
