"""Ratings of perceived exertion of many sessions: those of a team session are read once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from athlete_monitor.archive import Archive, DeviceSession, Rating
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

    def of(self, session: DeviceSession) -> Rating | None:
        """What the athlete of a device session said of the team session; None for nothing."""
        team = session.team_session
        if team is None:
            return None
        if team not in self._by_team:
            self._by_team[team] = self._archive.ratings(team)
        return self._by_team[team].get(session.athlete_id)

    def once(self, session: DeviceSession) -> Figures:
        """The rating's figures at the first call for an athlete and a team session; then nothing: so they add up."""
        rating, whose = self.of(session), (session.team_session, session.athlete_id)
        if rating is None or whose in self._given:
            return {}
        self._given.add(whose)
        return rating.figures
