"""Steps the squad with the waiting samples: at most one of each athlete in a step."""

from __future__ import annotations

import math
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from athlete_monitor.squad.batch import Batch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from athlete_monitor.engine.counts import Counts
    from athlete_monitor.engine.reporting import Reporter
    from athlete_monitor.engine.sessions.session import Session
    from athlete_monitor.squad.kernel import Squad
    from athlete_monitor.wire.sample import Sample

_row_of = attrgetter("row")
HOLD_S: Final = 0.05
"""Samples that cause no output wait this long for one that does, so that devices that send one by one share steps."""
RUN_HOLD_SHARE: Final = 0.25
"""Samples that came together in one message wait for this share of the time that they cover: the first of them waited
four times as long in the device."""
LONGEST_RUN_HOLD_S: Final = 0.25
"""But not longer than this."""
FAR_BEHIND: Final = 32
"""A device with more waiting samples is behind: its next messages wait in the inbox."""


class Stepper:
    """Sessions whose samples wait, and the steps that use them.

    Args:
        squad: the kernel.
        reporter: gets the result of each step.
        counts: counters of the engine.
    """

    def __init__(self, squad: Squad, reporter: Reporter, counts: Counts) -> None:
        self._squad, self._reporter, self._counts = squad, reporter, counts
        self._waiting: list[Session] = []
        self._is_behind = False
        self.has_output = False
        """Whether a waiting sample causes an output."""
        self.due_s = math.inf
        """When the waiting samples must be used, on the clock of their arrival. Until then they wait for samples of
        other devices, to share their steps; ``-math.inf``: at once."""

    @property
    def waiting(self) -> int:
        """Number of athletes with waiting samples."""
        return len(self._waiting)

    @property
    def is_behind(self) -> bool:
        """Whether samples wait that did not fit into the last round."""
        return self._is_behind

    @property
    def queued(self) -> int:
        """Number of waiting samples."""
        return sum(len(session.queue) for session in self._waiting)

    def queued_up_to(self, most: int) -> int:
        """Number of waiting samples, of each athlete at most so many: what one device has stored is no load."""
        return sum(min(len(session.queue), most) for session in self._waiting)

    def behind_by(self, samples: int) -> set[str]:
        """Devices with more than ``samples`` waiting samples."""
        return {session.device_id for session in self._waiting if len(session.queue) > samples}

    def add(self, session: Session, arrived_s: float, *, was_empty: bool, covers_s: float = 0.0) -> None:
        """Register that a session's queue has grown.

        Args:
            session: whose.
            arrived_s: when the message arrived.
            was_empty: whether no sample of the session was waiting.
            covers_s: time from the first to the last sample of the message, s.
        """
        if was_empty:
            self._waiting.append(session)
        if self.due_s <= arrived_s:
            return
        has_output = self._squad.awaits_output(session.row, session.queue[-1].t)
        self.has_output |= has_output
        single_s = 0.0 if has_output else HOLD_S
        wait_s = min(RUN_HOLD_SHARE * covers_s, LONGEST_RUN_HOLD_S) if covers_s > 0.0 else single_s
        self.due_s = min(self.due_s, arrived_s + wait_s)

    def advance(self, most: int | None = None, is_late: Callable[[], bool] = lambda: False) -> None:
        """Step until no sample waits, or ``most`` samples of each athlete are used; the others keep waiting.

        When it ``is_late``, each athlete gets one step, and athletes with more waiting samples get no further ones.
        """
        active, depth = sorted(self._waiting, key=_row_of), 0  # in order, a whole squad is changed in place
        begun = active
        self._waiting, self.has_output, self.due_s, self._is_behind = [], False, math.inf, False
        while active and (most is None or depth < most) and not (depth and is_late()):
            self._step(active, [session.queue[depth] for session in active])
            depth += 1
            active = [session for session in active if len(session.queue) > depth]
        for session in begun:
            self._reporter.samples(session, session.queue[:depth])
            del session.queue[:depth]
            if session.queue:
                self._waiting.append(session)
                self.has_output, self.due_s, self._is_behind = True, -math.inf, True

    def finish(self, session: Session) -> None:
        """Use all samples of one session that ends."""
        if session in self._waiting:
            self._waiting.remove(session)
        for sample in session.queue:
            self._step([session], [sample])
        self._reporter.samples(session, session.queue)
        session.queue.clear()

    def _step(self, sessions: Sequence[Session], samples: Sequence[Sample]) -> None:
        for session, sample in zip(sessions, samples, strict=True):
            session.last_t = sample.t
            session.received += 1
            if sample.tags is not session.tags:
                session.follow_tags(sample.tags, sample.t)
            if sample.rr_intervals_ms:
                session.has_beats = True
        rows, modes = [session.row for session in sessions], [session.mode_code for session in sessions]
        result = self._squad.step(Batch.from_samples(rows, samples, modes))
        self._counts.samples += len(samples)
        self._counts.steps += 1
        self._reporter.step(sessions, result)
