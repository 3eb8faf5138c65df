"""The REST interface, one file for each subject."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athlete_monitor.dashboard.api import control, league, people, push, sessions, squad, system, welcome

if TYPE_CHECKING:
    from fastapi import APIRouter


def routers() -> list[APIRouter]:
    """Return all parts of the interface."""
    return [
        people.router,
        squad.router,
        sessions.router,
        control.router,
        system.router,
        league.router,
        welcome.router,
        push.router,
    ]
