"""The squad at this moment."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request
from starlette.responses import Response

from athlete_monitor.dashboard.access import Viewer, access_of
from athlete_monitor.dashboard.api.answers import REFUSALS, Curves, DeviceKey, requested_curves, station_of
from athlete_monitor.dashboard.columns import COLUMNS, HEART_RATE_KEYS, PLACES, described, without_heart
from athlete_monitor.dashboard.reply import reply
from athlete_monitor.dashboard.station import without_heart_rate

router = APIRouter(prefix="/api", tags=["squad"], responses=REFUSALS)


@router.get("/catalogue")
async def catalogue(request: Request, visit: Viewer) -> Response:
    """Return every figure with label, unit, decimals, formula; ``columns`` is the order of a frame's values."""
    sees = access_of(request).sees_heart_rate(visit)
    shown = [one for one in described() if sees or one["key"] not in HEART_RATE_KEYS]
    build = station_of(request).build
    return reply({"columns": [column.key for column in COLUMNS], "figures": shown, "build": build})


@router.get("/squad")
async def squad(request: Request, visit: Viewer) -> Response:
    """Return who there is, and the newest frame."""
    station = station_of(request)
    frame = station.live.present(time.time())
    if not access_of(request).sees_heart_rate(visit):
        frame = without_heart_rate(frame)
    return reply({"columns": [column.key for column in COLUMNS], "frame": frame} | station.squad())


@router.get("/history")
async def history(
    request: Request,
    visit: Viewer,
    columns: Curves,
    after: Annotated[int, Query(ge=0, le=2**53, description="Only what came after this frame.")] = 0,
) -> Response:
    """Return the last minutes of all devices, second by second."""
    wanted = requested_curves(request, visit, columns)
    return reply(station_of(request).live.history(after, tuple(PLACES[key] for key in wanted)))


@router.get("/athletes/{key}")
async def athlete(request: Request, visit: Viewer, key: DeviceKey) -> Response:
    """Return all figures of one device, with the reason of each empty one and the formula of each computed one."""
    live = station_of(request).live
    one = live.devices.get(key)
    if one is None:
        raise HTTPException(404, "this device has not sent anything since the screen's server started")
    figures: dict[str, Any] = dict(one.figures)
    if not access_of(request).sees_heart_rate(visit):
        figures = without_heart(figures)
    return reply({"key": key, "status": one.status, "figures": figures})


@router.get("/pitch")
async def pitch_plan(request: Request, _visit: Viewer) -> Response:
    """Return the size of the pitch, and its corners on the globe where they are known."""
    pitch = station_of(request).config.dashboard.pitch
    corners = None if pitch.corners is None else [[corner.lat, corner.lon] for corner in pitch.corners]
    return reply({"length_m": pitch.length_m, "width_m": pitch.width_m, "corners": corners})
