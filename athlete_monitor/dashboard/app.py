"""The web application: pages, interface, WebSocket."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from fastapi import FastAPI, Request, WebSocket, WebSocketDisconnect
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from athlete_monitor import __version__
from athlete_monitor.dashboard.access import Access
from athlete_monitor.dashboard.api import routers
from athlete_monitor.dashboard.assets import build_of, load_assets
from athlete_monitor.dashboard.columns import COLUMNS
from athlete_monitor.dashboard.guard import LOOPBACK_NAMES, AccessGuard
from athlete_monitor.dashboard.reply import encode
from athlete_monitor.dashboard.simulation import Simulation
from athlete_monitor.dashboard.station import Station, encode_frame, encode_team
from athlete_monitor.errors import MonitorError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from athlete_monitor.config import Config
    from athlete_monitor.dashboard.hub import ConnectedScreen
    from athlete_monitor.dashboard.programs import Programs

PAGES: Final = (
    "/",
    "/athlete/{key}",
    "/pitch",
    "/control",
    "/sessions",
    "/sessions/{key}",
    "/system",
    "/league",
    "/welcome",
)
PROGRAMS: Final = ("/api", "/static", "/push", "/metrics", "/health")
"""Beginnings of addresses that programs ask for."""
LOOK_AGAIN_S: Final = 2.0
"""How soon a connection ends after its log-in has."""
MOST_MISTAKES: Final = 5
"""Most mistakes of a request that are named."""
LOG_IN_AGAIN: Final = 4401
"""Code with which a WebSocket closes whose log-in has ended."""


def build_app(config: Config, programs: Programs, simulation: Simulation | None = None) -> FastAPI:
    """Return the application for a configuration.

    Raises:
        ConfigError: the accounts file is not valid.
        BrokerError: a file of the connection to the broker cannot be used.
    """
    station = Station(config, programs, simulation or Simulation(programs))
    app = FastAPI(
        title="Athlete monitor: the coach's screen",
        version=__version__,
        docs_url=None,  # its page would load scripts from the internet
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.state.station, app.state.access = station, Access(config)
    for router in routers():
        app.include_router(router)
    _add_pages(app)
    app.add_api_websocket_route("/live", _live)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(MonitorError, _unavailable)
    app.add_exception_handler(Exception, _failed)
    app.add_middleware(AccessGuard, hosts=None if app.state.access.secured else _own_names(config))
    return app


def _own_names(config: Config) -> frozenset[str]:
    return LOOPBACK_NAMES | {config.dashboard.host}


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    running = asyncio.create_task(app.state.station.run())
    try:
        yield
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


def _add_pages(app: FastAPI) -> None:
    assets = load_assets()
    app.state.station.build = build_of(assets, (column.key for column in COLUMNS))

    async def page(request: Request) -> Response:
        if app.state.access.visit(request) is None:
            wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse("/login" if wanted == "/" else f"/login?next={quote(wanted, safe='')}", 303)
        return assets["index.html"].response(request)

    async def login(request: Request) -> Response:
        return assets["login.html"].response(request)

    async def static(request: Request) -> Response:
        found = assets.get(request.path_params["name"])
        return JSONResponse({"detail": "no such file"}, 404) if found is None else found.response(request)

    async def missing(request: Request, error: Exception) -> Response:
        """Answer people with a page that says so, programs with JSON."""
        wants_page = request.method == "GET" and "text/html" in request.headers.get("accept", "")
        if wants_page and not request.url.path.startswith(PROGRAMS):
            return assets["index.html"].response(request, 404)
        detail = error.detail if isinstance(error, StarletteHTTPException) else "Not Found"
        return JSONResponse({"detail": detail}, 404)

    app.add_exception_handler(404, missing)
    for path in PAGES:
        app.add_route(path, page, include_in_schema=False)
    app.add_route("/login", login, include_in_schema=False)
    app.add_route("/static/{name:path}", static, include_in_schema=False)


async def _live(socket: WebSocket) -> None:
    """Send a screen what happens, until it leaves or its log-in ends."""
    access: Access = socket.app.state.access
    station: Station = socket.app.state.station
    visit = access.visit(socket)
    with contextlib.suppress(WebSocketDisconnect):  # who leaves before the first word
        await socket.accept()
        if visit is None:
            await socket.close(LOG_IN_AGAIN)
    if visit is None:
        return
    sees = access.sees_heart_rate(visit)
    screen = station.hub.join(sees_heart_rate=sees)
    screen.put(encode(station.squad()).decode())
    screen.put(encode_team(station.team(), sees_heart_rate=sees))
    screen.put(encode_frame(station.live.present(time.time()), sees_heart_rate=sees))
    try:
        await _serve(socket, screen, access)
    finally:
        station.hub.leave(screen)


async def _serve(socket: WebSocket, screen: ConnectedScreen, access: Access) -> None:
    """Forward until either side ends, or the log-in does: in another tab, or by its time."""
    work = (screen.forward(socket.send_text), _listen(socket), _log_in_ends(socket, access))
    tasks = [asyncio.create_task(one) for one in work]
    _, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in rest:
        task.cancel()
    for task in tasks:
        with contextlib.suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError):
            await task
    with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # it has left by itself
        await socket.close(LOG_IN_AGAIN if access.visit(socket) is None else 1000)


async def _log_in_ends(socket: WebSocket, access: Access) -> None:
    while True:
        await asyncio.sleep(LOOK_AGAIN_S)
        if access.visit(socket) is None:
            return


async def _listen(socket: WebSocket) -> None:
    """Read until the other side leaves; screens have nothing to say here, and whatever else they send is dropped."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


def _invalid(_request: Request, error: Exception) -> Response:
    """Answer a request with a wrong parameter or body in a sentence, as all other refusals."""
    found = error.errors() if isinstance(error, RequestValidationError) else []
    places = [(".".join(str(part) for part in each["loc"][1:]) or "body", each["msg"]) for each in found]
    text = "; ".join(f"{place}: {text}" for place, text in places[:MOST_MISTAKES])
    return JSONResponse({"detail": text.encode("utf-8", "replace").decode()}, 422)


def _unavailable(_request: Request, error: Exception) -> Response:
    """Answer a request that needs the archive where that cannot be read now."""
    return JSONResponse({"detail": str(error)}, 503)


def _failed(_request: Request, error: Exception) -> Response:
    """Answer a request that met a fault of ours."""
    told: dict[str, Any] = {"detail": f"the server failed: {type(error).__name__}"}
    return JSONResponse(told, 500)
