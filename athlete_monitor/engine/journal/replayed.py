"""Archiving of replayed recordings: as if they had been live at their time, and only once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from athlete_monitor.engine.journal.earlier import FIRST_UNCONFIRMED
from athlete_monitor.engine.journal.keeper import JournalSink
from athlete_monitor.engine.team.rows import SET_TEAM, state_rows
from athlete_monitor.engine.team.shelf import ArchivedSessions
from athlete_monitor.errors import MonitorError
from athlete_monitor.team.records import TeamSession
from athlete_monitor.team.state import TeamState

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from athlete_monitor.archive import Archive
    from athlete_monitor.engine.journal.journal import Journal
    from athlete_monitor.engine.sessions.session import Session

SKIPPED = 0


class ReplaySink(JournalSink):
    """Writes replayed sessions; a session that is already in the archive is not changed.

    A session belongs to the team session whose time it overlaps, and to its periods; else it begins a new one, which
    further recordings may extend. A live engine may use the same journal meanwhile.

    Args:
        journal: the journal, started.
        archive: the same file, for reading.
    """

    def __init__(self, journal: Journal, archive: Archive) -> None:
        super().__init__(journal)
        journal.number_from(FIRST_UNCONFIRMED + int(time.time() * 1000))
        self._archive = archive
        self._shelf = ArchivedSessions(archive, TeamState, lambda _text: None)
        self._known = {each.session_id for each in archive.sessions()}
        self._teams = [TeamState(each) for each in archive.team_sessions()]
        self._new: set[str] = set()
        self.skipped = 0

    def begin(self, session: Session) -> int:
        """Record a new session; returns its number, or ``SKIPPED`` if it is already in the archive."""
        if session.session_id in self._known:
            self.skipped += 1
            return SKIPPED
        self._known.add(session.session_id)
        return super().begin(session)

    def is_kept(self, session: Session) -> bool:
        """Whether a session's seconds are recorded."""
        return session.number != SKIPPED

    def event(self, session: Session, event: dict[str, Any]) -> None:
        """Record the event."""
        if session.number != SKIPPED:
            super().event(session, event)

    def ended(self, session: Session, summary: dict[str, Any]) -> None:
        """Record the end, and the team session that it belongs to."""
        if session.number == SKIPPED:
            return
        super().ended(session, summary)
        state = self._team_of(session.device_start_t, session.device_t, session.mode)
        self._journal.put(SET_TEAM, (state.session.id, session.number))

    @property
    def unwritten(self) -> int:
        """Records that are not in the archive: after ``stop`` those that are lost."""
        return self._journal.unwritten

    def stop(self) -> None:
        """Write waiting records and close the journal."""
        self._archive.close()
        super().stop()

    def _team_of(self, start_t: float, end_t: float, mode: str | None) -> TeamState:
        for state in self._teams:
            team = state.session
            if team.start_t < end_t and (team.end_t is None or team.end_t > start_t):
                self._widen(state, start_t, end_t)
                return state
        state = TeamState(TeamSession(self._shelf.new_id(start_t), start_t, end_t, mode))
        self._teams.append(state)
        self._new.add(state.session.id)
        self._write(state)
        return state

    def _widen(self, state: TeamState, start_t: float, end_t: float) -> None:
        team = state.session
        if team.id in self._new and team.end_t is not None and (start_t < team.start_t or end_t > team.end_t):
            state.extend(min(start_t, team.start_t), max(end_t, team.end_t))
            self._write(state)

    def _write(self, state: TeamState) -> None:
        for statement in state_rows(state):
            self._journal.put(*statement)


def open_replay(path: Path, keep_days: float, notify: Callable[[str, bool], None]) -> ReplaySink | None:
    """The sink for replayed recordings; None if the journal cannot be used.

    Args:
        path: the journal.
        keep_days: how long seconds are kept.
        notify: called with a sentence, and whether it is bad news.
    """
    from athlete_monitor.archive import Archive
    from athlete_monitor.engine.journal.journal import Journal

    try:
        journal = Journal(path, time.time, notify=notify, keep_days=keep_days)
        journal.start()
        return ReplaySink(journal, Archive(path))
    except MonitorError as error:
        notify(str(error), True)  # noqa: FBT003 - as the journal calls it
        return None
