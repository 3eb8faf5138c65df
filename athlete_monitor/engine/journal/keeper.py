"""Saving sessions in the journal and restoring them: so a session survives a kill or a power cut."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, field, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from athlete_monitor.athletes import Profile
from athlete_monitor.engine.intake.ordering import DeviceStream, Quality
from athlete_monitor.engine.journal.cells import BEATS, beside, kernel_cells
from athlete_monitor.engine.journal.journal import MEMORY_EVERY_S, Journal
from athlete_monitor.engine.sessions.session import Phases, Session
from athlete_monitor.engine.sessions.wearers import Wearer
from athlete_monitor.engine.sinks.sink import Sink
from athlete_monitor.wire.sample import Tags

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athlete_monitor.config import Engine
    from athlete_monitor.engine.figures.outputs import Outputs
    from athlete_monitor.engine.journal.earlier import OpenSession
    from athlete_monitor.engine.monitor import Monitor
    from athlete_monitor.squad.kernel import Squad

_log = logging.getLogger(__name__)
_PROFILE = tuple(each.name for each in fields(Profile))
_beats_of = attrgetter(*BEATS)


class JournalSink(Sink):
    """Writes seconds, events and ends of sessions into the journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._offsets: dict[int, float] = {}
        self._last: dict[int, int] = {}

    def health(self) -> dict[str, object]:
        """Whether the last transaction failed, and how many records were dropped."""
        return {"journal_failing": self._journal.failing, "journal_lost": self._journal.lost}

    def begin(self, session: Session) -> int:
        """Record a new session; returns its number."""
        return self._journal.begin(
            session.session_id, session.device_id, session.athlete_id, session.start_t, facts_of(session)
        )

    def metrics_all(self, outputs: Outputs, payloads: Sequence[bytes]) -> None:  # noqa: ARG002
        """Record the second of each athlete once, with its first message."""
        new = [index for index, session in enumerate(outputs.sessions) if self._is_new(session)]
        if not new:
            return
        for index, cells in zip(new, cells_of(outputs, new), strict=True):
            session = outputs.sessions[index]
            self._journal.second(session.number, session.last_t, cells)

    def is_kept(self, session: Session) -> bool:  # noqa: ARG002 - for sinks that skip some
        """Whether a session's seconds are recorded."""
        return True

    def _is_new(self, session: Session) -> bool:
        """Whether a session's second has not been recorded yet; notes it."""
        if not self.is_kept(session):
            return False
        self._follow_clock(session)
        second, number = int(session.last_t), session.number
        is_new = second != self._last.get(number)
        self._last[number] = second
        return is_new

    def event(self, session: Session, event: dict[str, Any]) -> None:
        """Record the event."""
        self._journal.event(session.number, event["t_s"], event["kind"], event)

    def ended(self, session: Session, summary: dict[str, Any]) -> None:
        """Record the end."""
        self._follow_clock(session)
        span_t = session.device_start_t, session.device_t
        self._journal.end(session.number, span_t, summary["trimp"], summary)
        self._offsets.pop(session.number, None)
        self._last.pop(session.number, None)

    def paused(self, session: Session, summary: dict[str, Any]) -> None:
        """Record the session so far, and keep the data for its resumption."""
        self._follow_clock(session)
        self._journal.pause(session.number, (session.device_start_t, session.device_t), summary["trimp"], summary)

    def stop(self) -> None:
        """Write waiting records and close the journal."""
        self._journal.stop()

    def _follow_clock(self, session: Session) -> None:
        offset_s = session.stream.offset_s
        if offset_s != self._offsets.get(session.number, 0.0):
            self._offsets[session.number] = offset_s
            self._journal.set_clock(session.number, session.device_start_t, offset_s)


def cells_of(outputs: Outputs, places: Sequence[int]) -> list[list[float]]:
    """Return the archive's whole numbers of the athletes at these places, in the order of ``COLUMNS``."""
    known: list[list[float]] = kernel_cells(outputs.values[:, places]).T.tolist()
    records = [outputs.records[place] for place in places]
    others = [beside(each.quality["received"], each.quality["lost"], _beats_of(each)) for each in records]
    return [[*row, *more] for row, more in zip(known, others, strict=True)]


def snapshot(journal: Journal, monitor: Monitor, *, whole: bool = False) -> None:
    """Record the totals of every session since the last snapshot, and less often its memories.

    ``whole``: of all sessions, with their memories, because the engine stops.
    """
    sessions = monitor.book.view
    changed = [session for session in sessions if whole or session.last_t != session.snapshot_t]
    totals = monitor.squad.totals(np.array([session.row for session in changed], dtype=np.int64))
    for session, added_up in zip(changed, totals, strict=True):
        memory = None
        if whole or session.last_t - session.memory_t >= MEMORY_EVERY_S:
            memory = _pack_memories(monitor.squad, session.row)
            session.memory_t = session.last_t
        packed = msgspec.msgpack.encode((_progress(session), monitor.squad.layout_id, *added_up))
        journal.snapshot(session.number, session.last_t, packed, memory)
        session.snapshot_t = session.last_t
    for athlete_id, day in monitor.squad.days_left(session.row for session in sessions if whole):
        journal.day(athlete_id, msgspec.json.encode(day))
    settled = monitor.settled()
    if settled:
        journal.used(settled)
    journal.commit()


def facts_of(session: Session) -> dict[str, Any]:
    """Facts of a session that are known from its first sample; JSON types."""
    profile = session.wearer.profile
    known = {name: getattr(profile, name) for name in _PROFILE}  # asdict would take longer than all the rest
    limits = None if profile.limits is None else asdict(profile.limits)
    return {"profile": {**known, "limits": limits}, "wire_athlete_id": session.wire_athlete_id}


@dataclass(frozen=True)
class _Progress:
    """The changing state of a session, other than the kernel's totals."""

    mode: str | None = None
    phases: Phases = field(default_factory=Phases)
    quality: Quality = field(default_factory=Quality)
    offset_s: float = 0.0
    next_seq: int | None = None
    has_beats: bool = False


def _progress(session: Session) -> tuple[Any, ...]:
    """The values of ``_Progress``, without their names."""
    stream = session.stream
    quality, next_seq = stream.used(session.received)
    phases = list(vars(session.phases).values())
    return session.mode, phases, list(vars(quality).values()), stream.offset_s, next_seq, session.has_beats


def resume_all(
    journal: Journal,
    monitor: Monitor,
    now_s: float,
    wall_s: float,
    limits: Engine,
    reopened: frozenset[int] = frozenset(),
) -> None:
    """Resume every session that an earlier engine began and did not end.

    Args:
        journal: not started yet.
        monitor: the engine; it gets the sessions.
        now_s: the engine's clock.
        wall_s: epoch seconds.
        limits: the ``engine`` section of the configuration.
        reopened: numbers of the sessions that the earlier engine summarised because it was stopped.
    """
    squad = monitor.squad
    for athlete_id, form in journal.days().items():
        _remember_day(squad, athlete_id, form)
    journal.add_layout(squad.layout_id, squad.layout)
    layouts = {**journal.layouts(), squad.layout_id: squad.layout}
    for journaled in journal.open_sessions():
        silent_s = max(0.0, wall_s - journaled.arrived_s)
        session = _rebuild(squad, journaled, layouts, now_s - silent_s, limits)
        session.was_paused = journaled.number in reopened
        take_up(monitor, session, silent_s, limits)


def take_up(monitor: Monitor, session: Session, silent_s: float, limits: Engine) -> None:
    """Resume an interrupted session, or summarise it if it has been silent for too long."""
    if silent_s <= limits.idle_s and session.device_id not in monitor.sessions:
        _log.warning("event=session_resumed session=%s silent_s=%.1f", session.session_id, silent_s)
        monitor.resume(session)
    else:
        monitor.finish(session, "interrupted")


def _rebuild(
    squad: Squad, journaled: OpenSession, layouts: Mapping[int, Sequence[str]], arrived_s: float, limits: Engine
) -> Session:
    wearer = Wearer(journaled.device_id, Profile(**journaled.facts["profile"]))
    row = squad.add(wearer.profile, wearer.phase)
    progress = _restore(squad, row, journaled, layouts)
    stream = DeviceStream(limits.late_tolerance_s, limits.idle_s)
    stream.resume(journaled.start_t, journaled.last_t, progress.offset_s, progress.quality, progress.next_seq)
    session = Session(
        session_id=journaled.session_id,
        number=journaled.number,
        wearer=wearer,
        row=row,
        start_t=journaled.start_t,
        stream=stream,
        arrived_s=arrived_s,
        wire_athlete_id=journaled.facts["wire_athlete_id"],
        phases=progress.phases,
        has_beats=progress.has_beats,
        last_t=journaled.last_t,
        received=progress.quality.received,
        snapshot_t=journaled.last_t,
        memory_t=journaled.last_t,
    )
    session.follow_tags(Tags(session_phase=progress.phases.current, mode=progress.mode), journaled.last_t)
    return session


def _restore(squad: Squad, row: int, journaled: OpenSession, layouts: Mapping[int, Sequence[str]]) -> _Progress:
    if journaled.totals is None:
        return _Progress()
    try:
        (mode, phases, counts, *rest), layout, *totals = msgspec.msgpack.decode(journaled.totals)
        if layout not in layouts:
            raise ValueError("unknown layout")  # noqa: TRY301 - handled like all that does not fit
        squad.restore(row, layouts[layout], tuple(totals))
        progress = _Progress(mode, Phases(*phases), Quality(*counts), *rest)
    except (msgspec.DecodeError, KeyError, ValueError, TypeError) as error:
        _log.warning("event=state_not_restored session=%s reason=%r", journaled.session_id, str(error))
        return _Progress()
    _remember(squad, row, journaled)
    return progress


def _remember(squad: Squad, row: int, journaled: OpenSession) -> None:
    """Restore what averages have seen; where another version stored it, they start again and the totals go on."""
    if journaled.memory is None:
        return
    try:
        squad.remember(row, _unpack_memories(journaled.memory))
    except (msgspec.DecodeError, KeyError, ValueError, TypeError) as error:
        text = "event=averages_start_again session=%s reason=%r"
        _log.warning(text, journaled.session_id, f"stored by another version or configuration: {error}")


def _remember_day(squad: Squad, athlete_id: int, form: bytes) -> None:
    try:
        squad.remember_day(athlete_id, msgspec.json.decode(form, type=dict[str, float | None]))
    except (msgspec.DecodeError, KeyError) as error:
        _log.warning("event=day_not_restored athlete=%d reason=%r", athlete_id, str(error))


def _pack_memories(squad: Squad, row: int) -> bytes:
    memories = squad.memories(row)
    return msgspec.msgpack.encode({**memories, "features": memories["features"].tobytes()})


def _unpack_memories(packed: bytes) -> dict[str, Any]:
    memories = msgspec.msgpack.decode(packed)
    return {**memories, "features": np.frombuffer(memories["features"], dtype=np.float64).copy()}
