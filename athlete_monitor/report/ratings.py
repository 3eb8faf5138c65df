"""Ratings of perceived exertion of many sessions: those of a team session are read once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from athlete_monitor.archive import Archive, Rating
    from athlete_monitor.report.worn import Figures


class Ratings:
    """The athletes' ratings of the team sessions that their device sessions belong to.

    Args:
        archive: the journal.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._by_team: dict[str, dict[int, Rating]] = {}
        self._given: set[tuple[str | None, int]] = set()

    def of(self, team_session: str | None, athlete_id: int) -> Rating | None:
        """How an athlete rated a team session; None without a rating."""
        if team_session is None:
            return None
        if team_session not in self._by_team:
            self._by_team[team_session] = self._archive.ratings(team_session)
        return self._by_team[team_session].get(athlete_id)

    def once(self, team_session: str | None, athlete_id: int) -> Figures:
        """The rating's figures at the first call for an athlete and a team session; then nothing: so they add up."""
        rating, whose = self.of(team_session, athlete_id), (team_session, athlete_id)
        if rating is None or whose in self._given:
            return {}
        self._given.add(whose)
        return rating.figures
