"""What every part of the interface documents alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import Depends, HTTPException, Path, Query, Request
from pydantic import BaseModel

from athlete_monitor.arguments import DEVICE_PATTERN
from athlete_monitor.dashboard.access import access_of
from athlete_monitor.dashboard.columns import HEART_RATE_KEYS, curves_of

if TYPE_CHECKING:
    from athlete_monitor.dashboard.station import Station
    from athlete_monitor.dashboard.visits import Visit


class Problem(BaseModel):
    """Why a request was not answered.

    A refused command has the code of the refusal too, and the values of its sentence.
    """

    detail: str
    code: str | None = None
    values: dict[str, str | float] | None = None


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

Moment = Annotated[float | None, Query(ge=0, le=1e11, allow_inf_nan=False, description="Epoch seconds.")]
Curves = Annotated[str, Query(max_length=400, description="Keys of figures, separated by commas.")]


def _span(from_t: Moment = None, to_t: Moment = None) -> tuple[float | None, float | None]:
    """Return first and last moment of a part, None where it has no limit."""
    if from_t is not None and to_t is not None and from_t > to_t:
        raise HTTPException(422, f"from_t: {from_t:g} lies after to_t, {to_t:g}")
    return from_t, to_t


Span = Annotated[tuple[float | None, float | None], Depends(_span)]


def hidden_keys(request: Request, visit: Visit) -> frozenset[str]:
    """Return the figures that somebody may not see."""
    return frozenset() if access_of(request).sees_heart_rate(visit) else HEART_RATE_KEYS


def requested_curves(request: Request, visit: Visit, columns: str) -> list[str]:
    """Return the figures whose curves are asked for; refuse what has none or may not be seen."""
    try:
        return curves_of(columns, hidden_keys(request, visit))
    except ValueError as error:
        raise HTTPException(400, str(error)) from error


def station_of(request: Request) -> Station:
    """Return the running service."""
    found: Station = request.app.state.station
    return found
