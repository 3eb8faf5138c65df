"""The first steps of a new user: addresses, a code for phones, a simulated match."""

from __future__ import annotations

import time

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import Response

from athlete_monitor.dashboard.access import ActingCoach, Viewer, access_of
from athlete_monitor.dashboard.addresses import broker_address, is_reachable, qr_code, screen_address
from athlete_monitor.dashboard.api.answers import REFUSALS, station_of
from athlete_monitor.dashboard.reply import reply
from athlete_monitor.wire import topics

router = APIRouter(prefix="/api", tags=["welcome"], responses=REFUSALS)


@router.get("/welcome")
async def welcome(request: Request, _visit: Viewer) -> Response:
    """Return where devices publish, and where the screen is."""
    station = station_of(request)
    dashboard = station.config.dashboard
    secure_help = "" if access_of(request).secured else "python3 jetson_deploy.py setup --secure"
    return reply(
        {
            "broker": broker_address(station.config),
            "topic": topics.sensor_data("DEVICE"),
            "screen": screen_address(dashboard),
            "reachable": is_reachable(dashboard),
            "secure_help": secure_help,
        }
    )


@router.get("/qr.svg", response_class=Response)
async def code(request: Request, _visit: Viewer) -> Response:
    """Return the address of the screen as a QR code."""
    return Response(qr_code(screen_address(station_of(request).config.dashboard)), media_type="image/svg+xml")


@router.post("/simulation")
async def simulate(request: Request, _visit: ActingCoach) -> Response:
    """Start ten minutes of a simulated match, published by a program of its own."""
    station = station_of(request)
    if not station.connected:
        raise HTTPException(503, "no connection to the broker; start main.py first")
    if station.simulation.running:
        raise HTTPException(409, "a simulated match is on already")
    if station.live.is_sending(time.time()):
        raise HTTPException(409, "devices are sending: a simulated match would mix with theirs")
    if not station.simulation.start():
        raise HTTPException(409, "a simulated match is on already")
    return reply({"started": True})
