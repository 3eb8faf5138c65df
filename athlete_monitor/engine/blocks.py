"""Recordings in blocks: many samples of one session in one call of the kernel, where few sessions run side by side."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from athlete_monitor.engine.reporting import Reporter
from athlete_monitor.engine.sessions.history import LoadHistory
from athlete_monitor.engine.stepping import Stepper
from athlete_monitor.squad.batch import Batch
from athlete_monitor.squad.present import StepResult
from athlete_monitor.squad.timeline import MOST_MOMENTS, Timeline

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from athlete_monitor.config import Config
    from athlete_monitor.engine.counts import Counts
    from athlete_monitor.engine.intake.ordering import DeviceStream
    from athlete_monitor.engine.sessions.session import Session
    from athlete_monitor.squad.kernel import Squad
    from athlete_monitor.wire.sample import Sample

FEW_SESSIONS: Final = 48
"""So many sessions are computed one after another, in blocks; more of them are stepped side by side.

Of 48 recordings, a row of a watch costs 83 µs in blocks and 151 µs side by side, one of a shirt 91 and 84 µs
(``benchmarks/blocks.py --recordings 48``).
"""
LEAST_MOMENTS: Final = 32
"""Fewer samples are stepped one by one."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A session as it was with one of its samples; ``row`` is the moment in the timeline."""

    number: int
    row: int
    stream: DeviceStream
    last_t: float
    received: int
    has_beats: bool


class SecondsSink(Protocol):
    """What takes the seconds of many sessions, or of many moments of one session, at once."""

    def seconds(self, sessions: Sequence[Session | Moment], squad: Squad, result: StepResult) -> None:
        """Take the seconds that fall due with a step."""


class SecondsReporter(Reporter):
    """Passes the seconds to the archive as arrays; nothing is published."""

    def __init__(self, squad: Squad, config: Config, sink: Any, counts: Counts) -> None:  # noqa: ANN401 - both protocols
        super().__init__(squad, config.outputs, LoadHistory(), sink, counts)
        self._seconds_sink: SecondsSink = sink

    def step(self, sessions: Sequence[Session], result: StepResult) -> None:
        """A step has advanced ``sessions``."""
        super().step(sessions, replace(result, due=result.due[:0]))
        self._seconds_sink.seconds(sessions, self._squad, result)

    def block(self, session: Session, moments: Sequence[Moment], timeline: Timeline, result: StepResult) -> None:
        """A block has advanced a session; ``moments`` are those of the result."""
        super().step([session], replace(result, due=result.due[:0]))
        self._seconds_sink.seconds(moments, timeline, result)


class BlockStepper(Stepper):
    """Steps like ``Stepper``, with the same results, but few sessions in blocks of their waiting samples.

    Args:
        squad: the kernel.
        reporter: gets the result of each step and block.
        counts: counters of the engine.
        few: so many sessions at most are computed in blocks.
    """

    def __init__(self, squad: Squad, reporter: SecondsReporter, counts: Counts, few: int = FEW_SESSIONS) -> None:
        super().__init__(squad, reporter, counts)
        self._blocks, self._timeline, self._few = reporter, Timeline(squad), few

    def advance(self, most: int | None = None, is_late: Callable[[], bool] = lambda: False) -> None:
        """Step until no sample waits; see ``Stepper``."""
        if len(self._waiting) <= self._few:
            for session in self._waiting:
                self._use_blocks(session)
            self._waiting = [session for session in self._waiting if session.queue]
        super().advance(most, is_late)

    def finish(self, session: Session) -> None:
        """Use all samples of one session that ends."""
        if self._few:
            self._use_blocks(session)
        super().finish(session)

    def _use_blocks(self, session: Session) -> None:
        """Use waiting samples of a session as long as they are worth a block."""
        queue, used = session.queue, 0
        while len(queue) - used >= LEAST_MOMENTS:
            tags = queue[used].tags
            alike = (place for place, sample in enumerate(islice(queue, used, None)) if sample.tags is not tags)
            count = min(next(alike, len(queue) - used), MOST_MOMENTS)
            self._block(session, queue[used : used + count])
            used += count
        self._blocks.samples(session, queue[:used])
        del queue[:used]

    def _block(self, session: Session, samples: Sequence[Sample]) -> None:
        """Advance a session by samples with equal tags."""
        if samples[0].tags is not session.tags:
            session.follow_tags(samples[0].tags, samples[0].t)
        batch = Batch.from_samples(range(len(samples)), samples, [session.mode_code] * len(samples))
        result = self._timeline.run(session.row, batch)
        self._counts.samples += len(samples)
        self._counts.steps += 1
        beats = 0 if session.has_beats else batch.rr[0][0] if batch.rr else len(samples)
        moments = [
            Moment(session.number, at, session.stream, samples[at].t, session.received + at + 1, at >= beats)
            for at in result.due.tolist()
        ]
        session.last_t, session.received = samples[-1].t, session.received + len(samples)
        session.has_beats = beats < len(samples)
        outputs = StepResult(result.present.take(result.due), np.arange(len(moments)), result.impacts)
        self._blocks.block(session, moments, self._timeline, outputs)
        self._timeline.finish()
