"""Results into the archive and the athletes' files: by one process, in order of time, whoever computed them."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from athlete_monitor.archive import Archive
from athlete_monitor.athletes import Profile
from athlete_monitor.engine.archive_sink import ArchiveSink
from athlete_monitor.engine.journal.bulk import BulkJournal
from athlete_monitor.engine.sessions.wearers import Wearer
from athlete_monitor.engine.sinks.registry import SinkContext, make_sinks
from athlete_monitor.engine.sinks.sink import Sinks
from athlete_monitor.errors import MonitorError
from athlete_monitor.replay.results import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from athlete_monitor.batch.storage import Store
    from athlete_monitor.config import Config
    from athlete_monitor.engine.gathering import GatheredSession
    from athlete_monitor.engine.side_by_side import Phase


@dataclass(frozen=True)
class Merged:
    """What was done.

    Attributes:
        archived: sessions that are new in the archive.
        known: sessions that the archive had.
        damaged: keys of results that cannot be read.
        summaries: of all sessions, oldest first.
    """

    archived: int
    known: int
    damaged: tuple[str, ...]
    summaries: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Replayed:
    """A session as the sinks for files see it."""

    session_id: str
    wearer: Wearer
    start_t: float
    device_t: float
    mode: str | None
    was_paused: bool = False

    @property
    def athlete_id(self) -> int:
        """The athlete."""
        return self.wearer.athlete_id


@dataclass(frozen=True)
class _Known:
    """What is known of a readable result without its seconds."""

    key: str
    start_t: float
    names: tuple[str, ...]


def merge(config: Config, store: Store, keys: Sequence[str], on_progress: Callable[[], None] = lambda: None) -> Merged:
    """Write results into the archive; sessions that it has already stay as they are.

    Results are read twice and one at a time, so that memory does not grow with the season: first for the order, which
    is the order of time, whatever the order of ``keys``.

    Raises:
        MonitorError: the archive cannot be used or written.
    """
    order, damaged = _in_order(store, keys)
    journal = BulkJournal(config.paths.journal, small_blocks=True)
    sink = ArchiveSink(journal, Archive(config.paths.journal))
    new: list[GatheredSession] = []
    phases: list[Phase] = []
    try:
        for known in order:
            result = decode(store.get(known.key))
            new += [_without_seconds(session) for session in result.sessions if sink.take(session)]
            phases += result.phases
            journal.flush()
            on_progress()
        sink.finish(phases)
    except BaseException:
        sink.abandon()
        raise
    sink.stop()
    with closing(Archive(config.paths.journal)) as archive:
        stored = {each.session_id: each.summary for each in archive.sessions()}
    _write_files(config, new, stored)
    names = dict.fromkeys(name for known in order for name in known.names)
    summaries = (stored.get(name) for name in names)
    return Merged(len(new), sink.skipped, tuple(damaged), tuple(each for each in summaries if each is not None))


def _in_order(store: Store, keys: Iterable[str]) -> tuple[list[_Known], list[str]]:
    """Return the results that can be read, oldest first, and the keys of those that cannot."""
    order, damaged = [], []
    for key in dict.fromkeys(keys):
        try:
            sessions = decode(store.get(key)).sessions
        except MonitorError:
            damaged.append(key)
            continue
        start_t = min((session.start_t for session in sessions), default=0.0)
        order.append(_Known(key, start_t, tuple(session.session_id for session in sessions)))
    return sorted(order, key=lambda known: (known.start_t, known.names, known.key)), damaged


def _without_seconds(session: GatheredSession) -> GatheredSession:
    return replace(session, t=session.t[:0], cells=session.cells[:0])


def _write_files(config: Config, sessions: Iterable[GatheredSession], summaries: Mapping[str, Any]) -> None:
    """Write summaries, impact logs and session logs of new sessions, as the live engine does."""
    sink = Sinks([*make_sinks(SinkContext(config)).values()])
    try:
        for session in sessions:
            wearer = Wearer(session.device_id, Profile(**session.facts["profile"]))
            seen: Any = Replayed(session.session_id, wearer, session.start_t, session.span_t[1], session.mode)
            sink.started(seen)
            for event in session.events:
                sink.event(seen, event)
            sink.ended(seen, summaries[session.session_id])
    finally:
        sink.stop()
