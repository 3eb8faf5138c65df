"""Earlier team sessions, rebuilt from the commands that the archive keeps."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from athlete_monitor.errors import MonitorError
from athlete_monitor.team.commands import Command
from athlete_monitor.team.refusals import RefusedError
from athlete_monitor.wire.timestamps import file_stamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from athlete_monitor.archive import Archive
    from athlete_monitor.team.records import TeamSession
    from athlete_monitor.team.state import TeamState


class ArchivedSessions:
    """The team sessions of an archive.

    Args:
        archive: the archive.
        make: creates the state of a team session without commands.
        notify: called with a sentence when the archive cannot be read.
    """

    def __init__(
        self, archive: Archive, make: Callable[[TeamSession], TeamState], notify: Callable[[str], None]
    ) -> None:
        self._archive, self._make, self._notify = archive, make, notify
        self._given: set[str] = set()

    def new_id(self, t: float) -> str:
        """An id made from the local time, with a number added if that id is taken."""
        stem, number = f"T_{file_stamp(t)}", 1
        name = stem
        while name in self._given or self._safely(lambda: self._archive.team_session(name), None):  # noqa: B023
            number += 1
            name = f"{stem}-{number}"
        self._given.add(name)
        return name

    def by_id(self, number: str) -> TeamState | None:
        """The state of an earlier session."""
        session = self._safely(lambda: self._archive.team_session(number), None)
        return None if session is None else self.rebuilt(session)

    def at(self, t: float, afterwards_s: float) -> TeamState | None:
        """The last session that had begun at ``t`` and had ended at most ``afterwards_s`` before."""
        found = self._safely(lambda: self._archive.team_sessions(t - afterwards_s - 1.0, t + 1e-3), [])
        fits = [each for each in found if each.end_t is None or each.end_t >= t - afterwards_s]
        return self.rebuilt(fits[-1]) if fits else None

    def open_sessions(self) -> list[tuple[TeamState, float]]:
        """Sessions that an earlier engine did not end, each with its last moment."""
        found = self._safely(self._archive.team_sessions, [])
        return [(self.rebuilt(each), self._last_t(each)) for each in found if each.end_t is None]

    def rebuilt(self, session: TeamSession) -> TeamState:
        """The state that a session's commands make."""
        state = self._make(session)
        for body in self._safely(lambda: self._archive.commands(session.id), []):
            with suppress(RefusedError, KeyError):
                state.apply(command_of(body))
        if session.end_t is not None:
            state.end_open(session.end_t, automatic_only=False)
        return state

    def _last_t(self, session: TeamSession) -> float:
        """The last moment with data or a command in the archive."""
        ends = self._safely(lambda: self._archive.last_moment(session.id), None)
        commands = self._safely(lambda: self._archive.commands(session.id), [])
        moments: list[float] = [session.start_t, *(command["at"] for command in commands)]
        return max(moments if ends is None else [*moments, ends])

    def _safely(self, read: Callable[[], Any], otherwise: Any) -> Any:  # noqa: ANN401 - what is read
        try:
            return read()
        except MonitorError as error:
            self._notify(str(error))
            return otherwise


def command_of(body: dict[str, Any]) -> Command:
    """A command as it is stored in the archive."""
    values = {name: value for name, value in body.items() if name not in {"id", "do", "at"}}
    return Command(body["id"], body["do"], body["at"], values)
