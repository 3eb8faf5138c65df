"""The engine without broker, clock and files. A sample passes through intake, session, step, report and sinks.

Time comes in with the samples and with the caller's clock, so that a live run, a replay and an offline run are the same
code.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Final

from athlete_monitor.engine.counts import Counts
from athlete_monitor.engine.intake.guard import IntakeBudgets
from athlete_monitor.engine.intake.messages import Intake
from athlete_monitor.engine.intake.newcomers import HELD_PER_DEVICE, MOST_HELD, Newcomers
from athlete_monitor.engine.reporting import Reporter
from athlete_monitor.engine.sessions.book import Chosen, SessionBook
from athlete_monitor.engine.sessions.history import LoadHistory
from athlete_monitor.engine.sessions.session import Ending
from athlete_monitor.engine.stepping import Stepper
from athlete_monitor.wire.topics import device_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from athlete_monitor.config import Config
    from athlete_monitor.engine.sessions.session import Session
    from athlete_monitor.engine.sessions.wearers import Wearers
    from athlete_monitor.engine.sinks.sink import Sink
    from athlete_monitor.squad.kernel import Squad
    from athlete_monitor.wire.codec import Decoder
    from athlete_monitor.wire.sample import Sample


WARN_EVERY_S: Final = 60.0
IDLE_AT_ONCE: Final = 32
"""Most silent sessions that end in one tick: thousands at once would keep the others waiting."""
ENDED_AT_ONCE: Final = 64
"""A session ends at once where at most so many of its samples wait. More of them are used in rounds, like any others:
thousands would keep everybody waiting for seconds."""


class Monitor:
    """Sessions of a squad.

    Args:
        config: the whole configuration.
        squad: the kernel, empty.
        decoder: for payloads.
        wearers: finds the wearer of a device.
        sink: gets everything.
        begin: records a new session and returns its number (the journal's).
        history: load of earlier sessions.
        chosen: the monitored athletes and devices.
        guard: the limits of each device; by default none, as for recordings.
        wall_s: the box's clock, epoch seconds; by default none, as for recordings.
    """

    def __init__(  # noqa: PLR0913 - what it is put together from
        self,
        config: Config,
        squad: Squad,
        decoder: Decoder,
        wearers: Wearers,
        sink: Sink,
        *,
        begin: Callable[[Session], int] = lambda _session: 0,
        history: LoadHistory | None = None,
        chosen: Chosen | None = None,
        guard: IntakeBudgets | None = None,
        wall_s: Callable[[], float] = lambda: math.inf,
    ) -> None:
        self._at_once = math.inf if guard is None else ENDED_AT_ONCE
        most_held = max(MOST_HELD, HELD_PER_DEVICE * config.engine.max_devices)
        self._newcomers = None if guard is None else Newcomers(most_held=most_held)
        self._warn_s = -math.inf
        guard = guard or IntakeBudgets()
        self.counts, self.squad, self.sink = Counts(), squad, sink
        self._limits = config.engine
        self.intake = Intake(
            decoder, guard, self.counts, partial(sink.notice, bad=True), config.engine.max_devices, wall_s
        )
        self.book = SessionBook(
            squad, wearers, config.engine, self.counts, sink, begin, chosen or Chosen(), guard
        )  # fmt: skip
        self.book.box = config.box.label
        self._reporter = Reporter(squad, config.outputs, history or LoadHistory(), sink, self.counts)
        self.stepper = Stepper(squad, self._reporter, self.counts)
        self._wearers = wearers
        self._settled: list[int] = []
        self._ending: list[Session] = []

    @property
    def sessions(self) -> dict[str, Session]:
        """The running sessions by device; other threads read ``book.view``."""
        return self.book.running

    def receive(self, topic: str, payload: bytes, arrived_s: float, token: int = 0) -> None:
        """Take one message; an invalid payload is counted and dropped.

        ``token`` is returned by ``settled`` when all samples of the message have been used.
        """
        samples = self.intake.samples(topic, payload, arrived_s)
        session = None
        if isinstance(samples, str):
            session = self.sessions.get(samples)
            if session is not None:
                session.stream.count_invalid()
        elif samples:
            if len(samples) == 1 or not self.accept_run(samples, arrived_s):
                self._accept_message(samples, arrived_s)
            session = self.sessions.get(samples[0].device_id)
        if token and session is not None and session.ending is not None:
            session.ending.tokens.append(token)
        elif token:
            (self._settled if session is None else session.tokens).append(token)

    def note_gap(self, topic: str) -> None:
        """The next message of a device follows others that have been dropped: nothing waits for them."""
        session = self.sessions.get(device_of(topic) or "")
        if session is not None:
            session.stream.note_gap()

    def expects(self, topic: str) -> bool:
        """Whether messages on a topic come from a running session or from a device of the roster; for any thread."""
        device_id = device_of(topic)
        return device_id is not None and (device_id in self.sessions or self._wearers.knows(device_id))

    def accept(self, sample: Sample, arrived_s: float) -> None:
        """Take one decoded sample, a message of its own."""
        self._accept_message((sample,), arrived_s)

    def accept_run(self, samples: Sequence[Sample], arrived_s: float) -> bool:
        """Take samples of one device at once; False, with nothing changed, if they must be taken one by one."""
        first = samples[0]
        session = self.sessions.get(first.device_id)
        if session is None or session.ending is not None or first.profile is not session.told_profile:
            return False
        if first.athlete_id is not None and first.athlete_id != session.wire_athlete_id:
            return False
        was_empty = not session.queue
        is_plain = session.whole_seconds.is_plain(first.t)
        if not is_plain or not session.stream.push_run(samples, session.queue, arrived_s):
            return False
        session.whole_seconds.note_run(samples)
        session.arrived_s = arrived_s
        self.stepper.add(session, arrived_s, was_empty=was_empty, covers_s=samples[-1].t - first.t)
        return True

    def _accept_message(self, samples: Sequence[Sample], arrived_s: float) -> None:
        device_id = samples[0].device_id
        newcomers = self._newcomers
        if newcomers is not None and device_id not in self.book.running and not self._wearers.knows(device_id):
            samples = newcomers.admit(samples, arrived_s)
            self.counts.refused_devices += newcomers.take_forgotten()
            self._warn_of_newcomers(newcomers, arrived_s)
        for sample in samples:
            self._accept(sample, arrived_s)

    def _warn_of_newcomers(self, newcomers: Newcomers, arrived_s: float) -> None:
        if newcomers.held and arrived_s >= self._warn_s:
            self._warn_s = arrived_s + WARN_EVERY_S
            self.sink.notice(
                f"very many new devices: each begins with its second message (the last one is {newcomers.last})",
                bad=True,
            )

    def _accept(self, sample: Sample, arrived_s: float) -> None:
        session = self.sessions.get(sample.device_id)
        if session is not None and session.ending is not None:
            session.ending.later.append((sample, arrived_s))
            return
        if session is None or (sample.athlete_id != session.wire_athlete_id and sample.athlete_id is not None):
            session = self._session_for(sample, session, arrived_s)
            if session is None:
                return
        session.arrived_s = arrived_s
        if sample.profile is not session.told_profile:
            self.book.learn(session, sample)
        if sample.end:
            self._close(session, "end_message")
            return
        for each in session.whole_seconds.push(sample):
            self._push(session, each, arrived_s)

    def advance(self, most: int | None = None, is_late: Callable[[], bool] = lambda: False) -> None:
        """Step until no sample waits, ``most`` samples of each athlete are used, or it ``is_late``."""
        self.stepper.advance(most, is_late)
        if self._ending:
            self._end_used_up()

    def tick(self, now_s: float) -> None:
        """Check the clock: find devices that are stale or offline, and end silent sessions."""
        quiet_s = min(self._limits.stale_s, self._limits.idle_s)
        if self._newcomers is not None:
            self._newcomers.expire(now_s)
            self.counts.refused_devices += self._newcomers.take_forgotten()
        left = IDLE_AT_ONCE
        for session in self.book.view:
            silent_s = now_s - session.arrived_s
            if silent_s <= quiet_s and session.status == "online":
                continue
            if silent_s > self._limits.idle_s:
                left -= 1
                if left >= 0:
                    self._close(session, "idle")
            else:
                self._reporter.status(session, _status(silent_s, self._limits.stale_s, self._limits.offline_s))

    def excuse(self, seconds: float, now_s: float) -> None:
        """Do not count a time in which the engine itself stood still, in seconds, as silence of any device."""
        for session in self.book.view:
            session.arrived_s = min(session.arrived_s + seconds, now_s)

    def settled(self) -> list[int]:
        """Return the tokens of messages whose samples have all been used, once each."""
        found, self._settled = self._settled, []
        for session in self.book.view:
            if session.tokens and not session.holds_samples:
                found += session.tokens
                session.tokens.clear()
        return found

    def end_all(self, reason: str) -> None:
        """End every session; of a device that has sent more than could be used so far, the rest is dropped."""
        ends: list[tuple[Session, str]] = []
        for session in self.book.view:
            ending, session.ending = session.ending, None
            if len(session.queue) > self._at_once:
                self.counts.over_rate += len(session.queue) - ENDED_AT_ONCE
                del session.queue[ENDED_AT_ONCE:]
            ends.append((session, reason if ending is None else ending.reason))
        self._end_each(ends)

    def pause_all(self, reason: str) -> None:
        """Summarise every session so far: the engine stops, and they are resumed if it restarts soon enough."""
        self._reporter.paused_all(self.book.view, reason)

    def end(self, session: Session, reason: str) -> None:
        """Use the waiting samples of a session, summarise it and remove it."""
        self._end_each([(session, reason)])

    def _end_each(self, ends: Sequence[tuple[Session, str]]) -> None:
        if len(ends) > 1:
            self.stepper.advance()  # together: below, each session would step by itself
        for session, _ in ends:
            for each in session.whole_seconds.flush():
                session.stream.push(each, session.queue)
            session.stream.flush(session.queue)
            self.stepper.finish(session)
        self._reporter.ended_all(ends)
        for session, _ in ends:
            self.book.leave(session)
            self._settled += session.tokens

    def assign(self, device_id: str, athlete_id: int) -> None:
        """Assign a device to an athlete from now on; another athlete's session on it ends."""
        self._wearers.assigned[device_id] = athlete_id
        session = self.sessions.get(device_id)
        if session is not None and session.athlete_id != athlete_id:
            self._close(session, "athlete_changed")

    def resume(self, session: Session) -> None:
        """Resume a session that an earlier engine began; its row is already restored."""
        self.book.enter(session)
        self._reporter.started(session)

    def finish(self, session: Session, reason: str) -> None:
        """Summarise an earlier engine's session that ended too long ago to be resumed."""
        self.book.enter(session)
        self.end(session, reason)

    def _session_for(self, sample: Sample, session: Session | None, arrived_s: float) -> Session | None:
        if session is not None:
            if not self.book.wearer_changed(session, sample, arrived_s):
                return session
            if not self._close(session, "athlete_changed", [(sample, arrived_s)]):
                return None
        if sample.end:
            return None
        begun = self.book.open(sample, arrived_s)
        if begun is not None:
            self._reporter.started(begun)
        return begun

    def _push(self, session: Session, sample: Sample, arrived_s: float) -> None:
        if session.ending is not None:
            session.ending.later.append((sample, arrived_s))
            return
        was_empty = not session.queue
        handed = session.stream.push(sample, session.queue, arrived_s)
        if session.queue:
            self.stepper.add(session, arrived_s, was_empty=was_empty)
        if handed:
            later = [(each, arrived_s) for each in handed]
            if self._close(session, "pause", later):
                self._accept_all(later)

    def _close(self, session: Session, reason: str, later: Sequence[tuple[Sample, float]] = ()) -> bool:
        """End a session, now or as soon as its samples have been used; return whether it has ended.

        ``later`` are the samples behind its end; where it has not ended they wait with it.
        """
        if session.ending is None and len(session.queue) <= self._at_once:
            self.end(session, reason)
            return True
        if session.ending is None:
            session.ending = Ending(reason, list(later))
            self._ending.append(session)
        return False

    def _end_used_up(self) -> None:
        """End the sessions whose samples have all been used, and take what their devices have sent since."""
        over = [session for session in self._ending if not session.queue]
        self._ending = [session for session in self._ending if session.queue]
        for session in over:
            ending, session.ending = session.ending, None
            if ending is None or self.sessions.get(session.device_id) is not session:
                continue
            tokens, session.tokens = [*session.tokens, *ending.tokens], []  # some may be of samples in ``later``
            self.end(session, ending.reason)
            self._accept_all(ending.later)
            following = self.sessions.get(session.device_id)
            (self._settled if following is None else following.tokens).extend(tokens)

    def _accept_all(self, samples: Sequence[tuple[Sample, float]]) -> None:
        for sample, arrived_s in samples:
            self._accept(sample, arrived_s)


def _status(silent_s: float, stale_s: float, offline_s: float) -> str:
    if silent_s > offline_s:
        return "offline"
    return "stale" if silent_s > stale_s else "online"
