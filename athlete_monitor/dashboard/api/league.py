"""The league, where ``league.py`` publishes one at the broker of this screen."""

from __future__ import annotations

import time

from fastapi import APIRouter, Request
from starlette.responses import Response

from athlete_monitor.dashboard.access import Viewer
from athlete_monitor.dashboard.api.answers import REFUSALS, station_of
from athlete_monitor.dashboard.reply import reply

router = APIRouter(prefix="/api", tags=["league"], responses=REFUSALS)
NONE = "no league publishes its state at this broker (league.py start)"


@router.get("/league")
async def league(request: Request, _visit: Viewer) -> Response:
    """Return squads, shards and nodes of the league, and the age of the message; null with the reason for none."""
    live = station_of(request).live
    heard_s = live.league_heard_s
    if heard_s is None:
        return reply({"league": None, "age_s": None, "reason": NONE})
    return reply({"league": live.league, "age_s": round(max(0.0, time.time() - heard_s), 1), "reason": None})
