"""What every part of the interface documents alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import Path, Request
from pydantic import BaseModel

from athlete_monitor.arguments import DEVICE_PATTERN

if TYPE_CHECKING:
    from athlete_monitor.dashboard.station import Station


class Problem(BaseModel):
    """Why a request was not answered."""

    detail: str


REFUSALS: Final[dict[int | str, dict[str, Any]]] = {
    400: {"model": Problem, "description": "The request is not valid."},
    401: {"model": Problem, "description": "Log in first."},
    403: {"model": Problem, "description": "This role may not do that, or the request comes from another page."},
    404: {"model": Problem, "description": "There is no such thing."},
    409: {"model": Problem, "description": "The engine refuses the command; the text says why."},
    413: {"model": Problem, "description": "The request is too large."},
    421: {"model": Problem, "description": "The server does not answer under this name."},
    422: {"model": Problem, "description": "A parameter or the body is not valid; the text says which."},
    429: {"model": Problem, "description": "Too many attempts; wait."},
    503: {"model": Problem, "description": "The engine, the broker or the archive cannot be reached now."},
}
DeviceKey = Annotated[str, Path(pattern=DEVICE_PATTERN, description="Id of the device.")]


def station_of(request: Request) -> Station:
    """Return the running service."""
    found: Station = request.app.state.station
    return found
