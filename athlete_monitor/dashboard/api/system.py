"""How the box is doing; for people, and for Prometheus."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from athlete_monitor.dashboard.access import Coach, MetricsReader, Viewer
from athlete_monitor.dashboard.api.answers import REFUSALS, station_of
from athlete_monitor.dashboard.health import exposition, health, machine
from athlete_monitor.dashboard.logs import latest_warnings
from athlete_monitor.dashboard.models import models
from athlete_monitor.dashboard.reply import reply

router = APIRouter(responses=REFUSALS, tags=["system"])


@router.get("/health")
async def is_healthy(request: Request) -> Response:
    """Return whether broker and engine can be reached: status 200 if they can, 503 if not."""
    answer = health(station_of(request), time.time())
    return reply(answer, 200 if answer["ok"] else 503)


@router.get("/metrics", response_class=Response)
async def metrics(request: Request, sees_heart_rate: MetricsReader) -> Response:
    """Return gauges in Prometheus' text format: of the box, the engine and every athlete."""
    text = exposition(station_of(request), time.time(), sees_heart_rate=sees_heart_rate)
    return Response(text, media_type=CONTENT_TYPE_LATEST)


@router.get("/api/engine")
async def engine(request: Request, _visit: Viewer) -> Response:
    """Return the newest report of the engine about itself, and how old it is."""
    live = station_of(request).live
    age_s = None if live.engine_heard_s is None else round(time.time() - live.engine_heard_s, 1)
    return reply({"online": live.engine_online, "age_s": age_s, "stats": live.engine})


@router.get("/api/system")
async def system(request: Request, _visit: Viewer) -> Response:
    """Return the state of the box: time, disk, memory, temperature, broker, screens."""
    station = station_of(request)
    answer: dict[str, Any] = machine(station)
    return reply(answer | {"now": time.time(), "connection": station.connection, "broker_connected": station.connected})


@router.get("/api/devices")
async def devices(request: Request, _visit: Viewer) -> Response:
    """Return battery, signal and contact of the devices whose bridge publishes them, by device."""
    links = station_of(request).live.links
    return reply({"devices": {device_id: asdict(link) for device_id, link in links.items()}})


@router.get("/api/models")
def models_in_service(request: Request, _visit: Viewer) -> Response:
    """Return the models in service, with their age and their error on sessions that they had not seen."""
    station = station_of(request)
    names = {one["athlete_id"]: one["name"] for one in station.live.squad()["athletes"]}
    return reply({"models": [one | {"name": names.get(one["athlete"])} for one in models(station.config)]})


@router.get("/api/log")
def log_lines(request: Request, _visit: Coach) -> Response:
    """Return the latest warnings and errors of the engine."""
    return reply({"lines": latest_warnings(station_of(request).config.logging.logs_dir / "engine.log")})
