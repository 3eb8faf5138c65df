"""The team's rows in the journal; a new file, after the old one was lost, gets those of the running sessions again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athlete_monitor.engine.team import rows

if TYPE_CHECKING:
    from athlete_monitor.engine.journal.journal import Journal
    from athlete_monitor.team.book import TeamBook


class TeamWriter:
    """Writes team sessions and their commands.

    Args:
        journal: the journal.
        book: the team sessions.
    """

    def __init__(self, journal: Journal, book: TeamBook) -> None:
        self._journal, self._book = journal, book
        self._commands: dict[str, list[rows.Statement]] = {}
        self._generation = journal.generation

    def record(self, statement: rows.Statement, team: str | None) -> None:
        """Journal a row of a command, and keep it for a new file while its team session runs."""
        if team is not None and self._book.state_of(team) is not None:
            self._commands.setdefault(team, []).append(statement)
        self._journal.put(*statement)

    def write(self) -> None:
        """Journal the team sessions that have changed."""
        if self._journal.generation != self._generation:
            self._generation = self._journal.generation
            self._write_again()
        for state in self._book.take_changed():
            for statement in rows.state_rows(state):
                self._journal.put(*statement)
            if self._book.state_of(state.session.id) is None:
                self._commands.pop(state.session.id, None)

    def _write_again(self) -> None:
        """Fill a new file with the data of the running team sessions."""
        for state in self._book.states():
            for statement in (*rows.state_rows(state), *self._commands.get(state.session.id, ())):
                self._journal.put(*statement)
