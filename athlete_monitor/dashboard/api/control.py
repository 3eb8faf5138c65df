"""Commands of coaches, passed on to the engine."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID, uuid4

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from athlete_monitor.dashboard.access import ActingCoach, Viewer, access_of
from athlete_monitor.dashboard.api.answers import REFUSALS, station_of
from athlete_monitor.dashboard.reply import encode, reply
from athlete_monitor.dashboard.station import state_without_heart

router = APIRouter(prefix="/api", tags=["control"], responses=REFUSALS)
Do = Literal[
    "period_start", "period_end", "period_edit", "period_delete", "marker", "marker_delete", "pitch", "assign",
    "session_edit", "rpe", "wellness", "target", "alarm_ack", "alarm_mute",
]  # fmt: skip
_MOST_KEYS = 20


class CommandBody(BaseModel):
    """One command; which further keys it takes depends on ``do`` and is checked by the engine."""

    model_config = ConfigDict(extra="allow")
    do: Do
    id: UUID = Field(default_factory=uuid4, description="The same id twice is one command.")


@router.post("/control")
async def control(request: Request, _visit: ActingCoach, command: CommandBody) -> Response:
    """Send a command to the engine and return its answer: ``{"id", "ok", "revision"}``."""
    document = _document(command)
    if len(document) > _MOST_KEYS:
        raise HTTPException(400, f"at most {_MOST_KEYS} keys are allowed")
    answer = await station_of(request).command(document)
    return reply(answer) if answer.get("ok") else _refusal(answer)


def _refusal(answer: dict[str, Any]) -> Response:
    """Return why a command was not carried out: the sentence, and its code and values where the engine gave them."""
    text, code, values = (answer.get(key) for key in ("error", "code", "values"))
    problem: dict[str, Any] = {"detail": text if isinstance(text, str) else "refused"}
    if isinstance(code, str) and isinstance(values, dict):
        problem |= {"code": code, "values": values}
    return reply(problem, 503 if answer.get("unreachable") else 409)


def _document(command: CommandBody) -> dict[str, Any]:
    """Return what is sent to the engine; refuse what no message can hold."""
    try:
        document: dict[str, Any] = command.model_dump(mode="json")
        encode(document)
    except (ValueError, OverflowError, RecursionError) as error:
        raise HTTPException(422, "body: half of a character, too large a number, or too many levels") from error
    return document


@router.get("/team")
async def team(request: Request, visit: Viewer) -> Response:
    """Return the running session of the team, with its periods, markers, pitch and open alarms."""
    told = station_of(request).team()
    if not access_of(request).sees_heart_rate(visit):
        told["state"] = state_without_heart(told["state"])
    return reply(told)
