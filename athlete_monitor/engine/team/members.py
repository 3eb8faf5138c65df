"""The devices' sessions that are part of a team session, with what is known of each."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.athletes import Roster
    from athlete_monitor.engine.sessions.session import Session
    from athlete_monitor.engine.team.parts import RunningParts
    from athlete_monitor.team.records import Period, Stint
    from athlete_monitor.team.state import TeamState

FRESH_S: Final = 10.0
"""A device that has been silent for longer counts neither for the team's time nor for its phase."""


@dataclass
class TeamMember:
    """A device's session that is part of a team session."""

    session: Session
    team: str
    parts: RunningParts
    arrived_s: float = 0.0
    phase: str | None = None
    """The phase that the sender named last."""
    revision: int = -1
    """Of the team session, when ``periods`` and ``stints`` were looked up."""
    periods: Sequence[Period] = ()
    """Those that the athlete takes part in."""
    stints: Sequence[Stint] = ()


class TeamMembers:
    """The running sessions of devices, by their numbers.

    Args:
        roster: the athletes' groups.
    """

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._by_number: dict[int, TeamMember] = {}

    def add(self, session: Session, team: str, parts: RunningParts) -> None:
        """Add a session that begins now or is resumed."""
        self._by_number[session.number] = TeamMember(session, team, parts, time.monotonic())

    def of(self, session: Session) -> TeamMember | None:
        """Return what is known of a session."""
        return self._by_number.get(session.number)

    def remove(self, session: Session) -> TeamMember | None:
        """Remove a session that has ended and return what was known of it."""
        return self._by_number.pop(session.number, None)

    def newest_times(self) -> dict[str, float]:
        """Return the time of the newest sample of each device that is sending, by its own clock."""
        return {each.session.device_id: each.session.device_t for each in self._sending()}

    def times(self) -> list[float]:
        """Return the values of ``newest_times``: the present is determined in every round."""
        sending = [each.session for each in self._sending()]
        return [session.last_t - session.stream.offset_s for session in sending]

    def phases(self) -> dict[str, list[tuple[str | None, float]]]:
        """Return the phases of the devices that are sending, and since when, by team session."""
        found: dict[str, list[tuple[str | None, float]]] = {}
        for member in self._sending():
            phases, offset_s = member.session.phases, member.session.stream.offset_s
            found.setdefault(member.team, []).append((phases.current, phases.since_t - offset_s))
        return found

    def spans(self, athlete: int, team: str) -> dict[int, tuple[float, float]]:
        """Return from when to when the running sessions of an athlete have been so far, by number."""
        return {
            number: (member.session.device_start_t, member.session.device_t)
            for number, member in self._by_number.items()
            if member.team == team and member.session.athlete_id == athlete
        }

    def look_up(self, member: TeamMember, state: TeamState, revision: int) -> None:
        """Bring a member's periods and stints up to date; every change of a team session has a new revision."""
        if member.revision != revision:
            session = member.session
            member.periods = [each for each in state.periods() if self._takes_part(session, each.whose)]
            member.stints = [stint for stint in state.stints() if stint.athlete_id == session.athlete_id]
            member.revision = revision

    def excuse(self, seconds: float, now_s: float) -> None:
        """Do not count so many seconds as silence of any device."""
        for member in self._by_number.values():
            member.arrived_s = min(member.arrived_s + seconds, now_s)

    def _sending(self) -> list[TeamMember]:
        limit = time.monotonic() - FRESH_S
        return [each for each in self._by_number.values() if each.arrived_s >= limit]

    def _takes_part(self, session: Session, whose: Any) -> bool:  # noqa: ANN401
        known = self._roster.by_id(session.athlete_id)
        return bool(whose.includes(session.athlete_id, getattr(known, "group", None)))
