"""The engine without its surroundings: payloads in, figures, events and summaries out to the sinks.

Time comes in with the samples and with the caller's clock, so that a live run, a replay and an offline run are the same
code.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from athlete_monitor.athletes import merge
from athlete_monitor.engine.figures.record import Records, encode, identity
from athlete_monitor.engine.figures.summary import summarise
from athlete_monitor.engine.intake.ordering import DeviceStream
from athlete_monitor.engine.journal.journal import PastLoad
from athlete_monitor.engine.sessions.history import LoadHistory
from athlete_monitor.engine.sessions.session import UNKNOWN_ATHLETE, Session, session_id
from athlete_monitor.errors import PayloadError
from athlete_monitor.physiology.chronic import CHRONIC
from athlete_monitor.physiology.impacts import BANDS
from athlete_monitor.squad.kernel import Batch
from athlete_monitor.wire.timestamps import format_timestamp
from athlete_monitor.wire.topics import device_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from athlete_monitor.config import Config
    from athlete_monitor.engine.sessions.session import Wearers
    from athlete_monitor.engine.sinks.sink import Sink
    from athlete_monitor.physiology.impacts import Impact
    from athlete_monitor.squad.kernel import Squad, StepResult
    from athlete_monitor.wire.codec import Decoder
    from athlete_monitor.wire.sample import Sample

_log = logging.getLogger(__name__)

LOG_EVERY_S = 1.0
DEVICE_LENGTH = 32
CHRONIC_EVERY_S = 60.0
REASONS_KINDS = 200


@dataclass
class Counts:
    """What the engine has met since it started."""

    samples: int = 0
    steps: int = 0
    outputs: int = 0
    events: int = 0
    invalid: int = 0
    invalid_reasons: Counter[str] = field(default_factory=Counter)
    refused_devices: int = 0
    filtered: int = 0
    sessions_started: int = 0
    sessions_ended: int = 0


_time_of = attrgetter("t")


@dataclass(frozen=True)
class Chosen:
    """Which athletes and devices are monitored; None for all."""

    players: Collection[int] | None = None
    devices: Collection[str] | None = None

    def holds(self, athlete_id: int, device_id: str) -> bool:
        """Whether an athlete with a device is monitored."""
        by_device = self.devices is None or device_id in self.devices
        return by_device and (self.players is None or athlete_id in self.players)


class Monitor:
    """Sessions of a squad: decode, order, step, tell.

    Args:
        config: the whole configuration.
        squad: the kernel, empty.
        decoder: for payloads.
        wearers: who wears which device.
        sink: is told everything.
        begin: records a new session and returns its number (the journal's).
        history: load of earlier sessions.
        chosen: who is monitored.
    """

    def __init__(
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
    ) -> None:
        self.counts = Counts()
        self.sessions: dict[str, Session] = {}
        self.squad = squad
        self.sink = sink
        self._config = config
        self._decoder, self._wearers = decoder, wearers
        self._begin = begin
        self._history = history or LoadHistory()
        self._records = Records(squad, config.outputs.training_load)
        self._chronic_every = max(1, round(CHRONIC_EVERY_S * config.outputs.metrics_rate_hz))
        self._chosen = chosen or Chosen()
        self.is_urgent = False
        """Whether a sample waits that brings an output: the others may wait for company."""
        self._waiting: list[Session] = []
        self._worn: dict[int, list[str]] = {}
        self._said_s: dict[str, float] = {}
        self._wants_samples = sink.wants_samples

    def receive(self, topic: str, payload: bytes, arrived_s: float) -> None:
        """Take one message; a payload that is not valid is counted and dropped."""
        device_id = device_of(topic)
        try:
            samples = self._decoder.decode(payload, device_id)
        except PayloadError as error:
            self._invalid((device_id or topic)[:DEVICE_LENGTH], str(error), arrived_s)
            return
        for sample in sorted(samples, key=_time_of) if len(samples) > 1 else samples:
            self.accept(sample, arrived_s)

    def accept(self, sample: Sample, arrived_s: float) -> None:
        """Take one decoded sample."""
        session = self.sessions.get(sample.device_id)
        if session is None or (sample.athlete_id != session.wire_athlete_id and sample.athlete_id is not None):
            session = self._session_for(sample, session, arrived_s)
            if session is None:
                return
        session.arrived_s = arrived_s
        if sample.profile is not session.told_profile:
            self._learn(session, sample)
        if sample.end:
            self._end(session, "end_message")
            return
        for each in session.whole_seconds.push(sample):
            self._push(session, each, arrived_s)

    def _learn(self, session: Session, sample: Sample) -> None:
        """Fill the gaps in what is known of the athlete with what the device tells by now."""
        session.told_profile = sample.profile
        known = session.wearer.profile
        profile = merge(known, sample.profile.as_profile(session.athlete_id))
        if profile != known:
            session.wearer = replace(session.wearer, profile=profile)
            self.squad.learn(session.row, profile)

    def _push(self, session: Session, sample: Sample, arrived_s: float) -> None:
        was_empty = not session.queue
        handed = session.stream.push(sample, session.queue)
        if was_empty and session.queue:
            self._waiting.append(session)
        if session.queue and not self.is_urgent:
            self.is_urgent = self.squad.awaits_output(session.row, session.queue[-1].t)
        if handed:
            self._end(session, "pause")
            for each in handed:
                self.accept(each, arrived_s)

    @property
    def waiting(self) -> int:
        """Athletes of whom samples wait for ``advance``."""
        return len(self._waiting)

    def advance(self) -> None:
        """Step until no sample waits; each step takes at most one sample of each athlete."""
        active, self._waiting = self._waiting, []
        self.is_urgent = False
        depth = 0
        finished = active
        while active:
            self._step(active, [session.queue[depth] for session in active])
            depth += 1
            active = [session for session in active if len(session.queue) > depth]
        for session in finished:
            if self._wants_samples:
                self.sink.samples(session, tuple(session.queue))
            session.queue.clear()

    def tick(self, now_s: float) -> None:
        """Look at the clock: who is stale, offline, or has ended by silence."""
        limits = self._config.engine
        for session in list(self.sessions.values()):
            silent_s = now_s - session.arrived_s
            if silent_s > limits.idle_s:
                self._end(session, "idle")
            else:
                self._set_status(session, _status(silent_s, limits.stale_s, limits.offline_s))

    def end_all(self, reason: str) -> None:
        """End every session."""
        for session in list(self.sessions.values()):
            self._end(session, reason)

    def resume(self, session: Session) -> None:
        """Go on with a session that an earlier engine began; its row is restored already."""
        self._enter(session)
        self.sink.started(session)

    def finish(self, session: Session, reason: str) -> None:
        """Summarise a session that was never among the running ones: an earlier engine's, too long ago to go on."""
        self._enter(session)
        self._end(session, reason)

    def chronic(self, session: Session) -> None:
        """Bring the load of the last weeks up to date with the running session."""
        trimp = float(self.squad.trimp.total(np.array([session.row]))[0])
        load = PastLoad(session.device_start_t, session.device_t, None if np.isnan(trimp) else trimp)
        figures, session.chronic_reasons = self._history.figures(session.athlete_id, load)
        session.chronic = tuple(figures[figure.key] for figure in CHRONIC)

    def _session_for(self, sample: Sample, session: Session | None, arrived_s: float) -> Session | None:
        athlete_id = self._wearers.athlete_id(sample)
        if session is not None:
            session.wire_athlete_id = sample.athlete_id
            if athlete_id == session.athlete_id:
                return session
            self._end(session, "athlete_changed")
        return None if sample.end else self._open(sample, athlete_id, arrived_s)

    def _open(self, sample: Sample, athlete_id: int, arrived_s: float) -> Session | None:
        if not self._chosen.holds(athlete_id, sample.device_id):
            self.counts.filtered += 1
            return None
        limit = self._config.engine.max_devices
        if len(self.sessions) >= limit and not self._wearers.expects(sample):
            self.counts.refused_devices += 1
            self._say("refused", arrived_s, "event=device_refused device=%s max_devices=%d", sample.device_id, limit)
            return None
        session = self._new_session(sample, arrived_s)
        self.counts.sessions_started += 1
        self._enter(session)
        self.chronic(session)
        self.sink.started(session)
        return session

    def _enter(self, session: Session) -> None:
        self._warn_of_second_device(session)
        self.sessions[session.device_id] = session

    def _leave(self, session: Session) -> None:
        del self.sessions[session.device_id]
        worn = self._worn[session.athlete_id]
        worn.remove(session.device_id)
        if not worn:
            del self._worn[session.athlete_id]

    def _new_session(self, sample: Sample, arrived_s: float) -> Session:
        wearer = self._wearers.of(sample)
        engine = self._config.engine
        session = Session(
            session_id=session_id(wearer, sample.t),
            number=0,
            wearer=wearer,
            row=self.squad.add(wearer.profile, wearer.phase),
            start_t=sample.t,
            stream=DeviceStream(engine.late_tolerance_s, engine.idle_s),
            arrived_s=arrived_s,
            wire_athlete_id=sample.athlete_id,
            told_profile=sample.profile,
            last_t=sample.t,
            snapshot_t=sample.t,
            memory_t=sample.t,
        )
        session.follow_tags(sample.tags, sample.t)
        session.number = self._begin(session)
        return session

    def _warn_of_second_device(self, session: Session) -> None:
        worn = self._worn.setdefault(session.athlete_id, [])
        if worn and session.athlete_id != UNKNOWN_ATHLETE:
            self.sink.notice(
                f"athlete {session.athlete_id} wears two devices, {worn[0]} and {session.device_id}: "
                "each has a session of its own",
                bad=True,
            )
        worn.append(session.device_id)

    def _step(self, sessions: Sequence[Session], samples: Sequence[Sample]) -> None:
        for session, sample in zip(sessions, samples, strict=True):
            session.last_t = sample.t
            session.received += 1
            if sample.tags is not session.tags:
                session.follow_tags(sample.tags, sample.t)
            if sample.rr_intervals_ms:
                session.has_beats = True
        rows, modes = [session.row for session in sessions], [session.mode_code for session in sessions]
        result = self.squad.step(Batch.from_samples(rows, samples, modes))
        self.counts.samples += len(samples)
        self.counts.steps += 1
        if result.impacts:
            by_row = {session.row: session for session in sessions}
            for impact in result.impacts:
                self._tell_impact(by_row[impact.row], impact)
        if len(result.due):
            self._tell_metrics(sessions, result)

    def _tell_metrics(self, sessions: Sequence[Session], result: StepResult) -> None:
        due = [sessions[index] for index in result.due.tolist()]
        for session in due:
            if session.outputs % self._chronic_every == 0:
                self.chronic(session)
        for session, record in zip(due, self._records.of(due, result.present.take(result.due)), strict=True):
            session.latest = record
            session.outputs += 1
            self.counts.outputs += 1
            self.sink.metrics(session, record, encode(record))

    def _tell_impact(self, session: Session, impact: Impact) -> None:
        rate = impact.sample_rate_hz
        self._tell_event(
            session,
            impact.t,
            "impact",
            {
                "peak_g": round(impact.peak_g, 2),
                "band": BANDS[impact.band],
                "alert": impact.alert,
                "undersampled": impact.undersampled,
                "sample_rate_hz": None if rate is None or np.isnan(rate) else round(rate, 1),
            },
        )

    def _tell_event(self, session: Session, t: float, kind: str, body: dict[str, Any]) -> None:
        self.counts.events += 1
        self.sink.event(
            session,
            {
                **identity(session),
                "kind": kind,
                "t_s": round(t - session.stream.offset_s, 3),
                "timestamp": format_timestamp(t - session.stream.offset_s),
                **body,
            },
        )

    def _set_status(self, session: Session, status: str) -> None:
        if status != session.status:
            session.status = status
            self.sink.status(session.device_id, status)

    def _end(self, session: Session, reason: str) -> None:
        for each in session.whole_seconds.flush():
            session.stream.push(each, session.queue)
        session.stream.flush(session.queue)
        if session.queue and session not in self._waiting:
            self._waiting.append(session)
        self.advance()
        for impact in self.squad.flush(session.row):
            self._tell_impact(session, impact)
        session.phases.close(session.last_t)
        self.chronic(session)
        summary = summarise(self.squad, session, self._config.outputs.training_load, reason)
        self._history.add(session.athlete_id, PastLoad(session.device_start_t, session.device_t, summary["trimp"]))
        self._leave(session)
        self.squad.remove(session.row)
        self.counts.sessions_ended += 1
        session.status = "offline"
        self.sink.ended(session, summary)

    def _invalid(self, who: str, reason: str, arrived_s: float) -> None:
        self.counts.invalid += 1
        reasons = self.counts.invalid_reasons
        kind = reason.partition(" - at ")[0]
        reasons[kind if kind in reasons or len(reasons) < REASONS_KINDS else "other"] += 1
        session = self.sessions.get(who)
        if session is not None:
            session.stream.count_invalid()
        self._say(who, arrived_s, "event=invalid_payload from=%r reason=%r", who, reason)

    def _say(self, who: str, now_s: float, text: str, *values: object) -> None:
        """Log at most once a second about each subject; the memory of that is bounded."""
        if now_s - self._said_s.get(who, -LOG_EVERY_S) >= LOG_EVERY_S:
            if len(self._said_s) > self._config.engine.max_devices:
                self._said_s.clear()
            self._said_s[who] = now_s
            _log.warning(text, *values)


def _status(silent_s: float, stale_s: float, offline_s: float) -> str:
    if silent_s > offline_s:
        return "offline"
    return "stale" if silent_s > stale_s else "online"
