"""Sessions into the journal and back: what lets a session survive a kill or a power cut."""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from athlete_monitor.athletes import Profile
from athlete_monitor.engine.ingest import DeviceStream, Quality
from athlete_monitor.engine.journal import MEMORY_EVERY_S, Journal, Second
from athlete_monitor.engine.sessions import Phases, Session, Wearer
from athlete_monitor.engine.sinks import Sink
from athlete_monitor.wire.sample import Tags

if TYPE_CHECKING:
    from athlete_monitor.config import Engine
    from athlete_monitor.engine.journal import OpenSession
    from athlete_monitor.engine.kernel import Squad
    from athlete_monitor.engine.monitor import Monitor

_log = logging.getLogger(__name__)


class JournalSink(Sink):
    """Writes seconds, events and ends of sessions into the journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def begin(self, session: Session) -> int:
        """Record a new session; returns its number."""
        return self._journal.begin(
            session.session_id, session.device_id, session.athlete_id, session.start_t, facts_of(session)
        )

    def metrics(self, session: Session, figures: dict[str, Any], payload: bytes) -> None:  # noqa: ARG002
        """Record the second."""
        self._journal.second(
            Second(
                session=session.number,
                t=int(session.device_t),
                heart_rate_bpm=figures["heart_rate_bpm"],
                heart_rate_source=figures["heart_rate_source"],
                trimp=figures["trimp"],
                energy_kj=figures["energy_kj"],
                player_load=figures["player_load"],
                distance_m=figures["distance_m"],
                stress_percent=figures["stress_percent"],
            )
        )

    def event(self, session: Session, event: dict[str, Any]) -> None:
        """Record the event."""
        self._journal.event(session.number, event["t_s"], event["kind"], event)

    def ended(self, session: Session, summary: dict[str, Any]) -> None:
        """Record the end."""
        self._journal.end(session.number, session.last_t, summary["trimp"], summary)

    def stop(self) -> None:
        """Write what is waiting and close the journal."""
        self._journal.stop()


def snapshot(journal: Journal, monitor: Monitor) -> None:
    """Leave what every session has added up since the last snapshot, and now and then what it remembers."""
    for session in monitor.sessions.values():
        if session.last_t != session.snapshot_t:
            memory = None
            if session.last_t - session.memory_t >= MEMORY_EVERY_S:
                memory = _pack_memories(monitor.squad, session.row)
                session.memory_t = session.last_t
            totals = msgspec.msgpack.encode(monitor.squad.totals(session.row))
            journal.snapshot(session.number, session.last_t, facts_of(session), totals, memory)
            session.snapshot_t = session.last_t


def facts_of(session: Session) -> dict[str, Any]:
    """What must be known of a session to go on with it, beside the kernel's state; JSON types."""
    return {
        "profile": asdict(session.wearer.profile),
        "wire_athlete_id": session.wire_athlete_id,
        "mode": session.mode,
        "phases": asdict(session.phases),
        "quality": session.stream.quality.to_dict(),
        "offset_s": session.stream.offset_s,
        "next_seq": session.stream.next_seq,
        "has_beats": session.has_beats,
    }


def take_up(monitor: Monitor, journaled: OpenSession, silent_s: float, now_s: float, limits: Engine) -> None:
    """Go on with an interrupted session, or summarise it where it has been silent for too long.

    Args:
        monitor: the engine; it gets the session.
        journaled: the session as the journal has it.
        silent_s: time since its last commit.
        now_s: the engine's clock.
        limits: the ``engine`` section of the configuration.
    """
    session = _rebuild(monitor.squad, journaled, now_s - silent_s, limits)
    if silent_s <= limits.idle_s and session.device_id not in monitor.sessions:
        _log.warning("event=session_resumed session=%s silent_s=%.1f", session.session_id, silent_s)
        monitor.resume(session)
    else:
        monitor.finish(session, "interrupted")


def _rebuild(squad: Squad, journaled: OpenSession, arrived_s: float, limits: Engine) -> Session:
    facts = journaled.facts
    wearer = Wearer(journaled.device_id, Profile(**facts["profile"]))
    stream = DeviceStream(limits.late_tolerance_s, limits.idle_s)
    stream.resume(
        journaled.start_t, journaled.last_t, facts["offset_s"], Quality(**facts["quality"]), facts["next_seq"]
    )
    session = Session(
        session_id=journaled.session_id,
        number=journaled.number,
        wearer=wearer,
        row=squad.add(wearer.profile, wearer.phase),
        start_t=journaled.start_t,
        stream=stream,
        arrived_s=arrived_s,
        wire_athlete_id=facts["wire_athlete_id"],
        phases=Phases(**facts["phases"]),
        has_beats=facts["has_beats"],
        last_t=journaled.last_t,
        received=facts["quality"]["received"],
        snapshot_t=journaled.last_t,
        memory_t=journaled.last_t,
    )
    session.follow_tags(Tags(session_phase=session.phases.current, mode=facts["mode"]), journaled.last_t)
    _restore(squad, session, journaled)
    return session


def _restore(squad: Squad, session: Session, journaled: OpenSession) -> None:
    if journaled.totals is None:
        return
    try:
        memories = None if journaled.memory is None else _unpack_memories(journaled.memory)
        squad.restore(session.row, msgspec.msgpack.decode(journaled.totals), memories)
    except (msgspec.DecodeError, KeyError, ValueError, TypeError) as error:
        _log.warning("event=state_not_restored session=%s reason=%r", session.session_id, str(error))


def _pack_memories(squad: Squad, row: int) -> bytes:
    memories = squad.memories(row)
    return msgspec.msgpack.encode({**memories, "features": memories["features"].tobytes()})


def _unpack_memories(packed: bytes) -> dict[str, Any]:
    memories = msgspec.msgpack.decode(packed)
    return {**memories, "features": np.frombuffer(memories["features"], dtype=np.float64).copy()}
