"""Who is at the screen: log in, log out, rights."""

from __future__ import annotations

import asyncio
import math
import time
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from athlete_monitor.dashboard.access import COOKIE, Viewer, access_of
from athlete_monitor.dashboard.accounts import LONGEST_NAME, LONGEST_SECRET, verify
from athlete_monitor.dashboard.api.answers import REFUSALS
from athlete_monitor.dashboard.reply import encode, reply
from athlete_monitor.dashboard.visits import LASTS_S
from athlete_monitor.dashboard.zone import zone_of_the_box

router = APIRouter(prefix="/api", tags=["people"], responses=REFUSALS)


class LogIn(BaseModel):
    """Name and PIN or password."""

    name: Annotated[str, Field(max_length=LONGEST_NAME)]
    secret: Annotated[str, Field(max_length=LONGEST_SECRET)]


@router.post("/login")
async def log_in(request: Request, body: LogIn) -> Response:
    """Log in; the answer sets a cookie that no script can read."""
    access = access_of(request)
    guesser = request.client.host if request.client else "?"
    for who in (guesser, f"name {body.name}"):
        if wait_s := access.brake.wait_s(who):
            raise HTTPException(
                429, f"too many attempts; wait {math.ceil(wait_s)} s", {"retry-after": str(math.ceil(wait_s))}
            )
    for who in (guesser, f"name {body.name}"):
        access.brake.failed(who)  # before the answer is known: guesses that come all at once are slowed down too
    account = await asyncio.to_thread(verify, access.accounts, body.name, body.secret)
    if account is None:
        raise HTTPException(401, "name and PIN do not belong together")
    for who in (guesser, f"name {body.name}"):
        access.brake.succeeded(who)
    token, _ = access.visits.begin(account.name, account.role)
    answer = reply({"name": account.name, "role": account.role})
    secure = request.url.scheme == "https"
    answer.set_cookie(COOKIE, token, max_age=int(LASTS_S), path="/", secure=secure, httponly=True, samesite="strict")
    return answer


@router.post("/logout")
async def log_out(request: Request, _visit: Viewer) -> Response:
    """Log out of this browser."""
    access_of(request).visits.end(request.cookies.get(COOKIE))
    answer = Response(encode({}), media_type="application/json")
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    return answer


@router.get("/me")
async def me(request: Request, visit: Viewer) -> Response:
    """Return who asks, what they may do, and the token that changes need."""
    access = access_of(request)
    answer: dict[str, Any] = {"name": visit.name, "role": visit.role, "csrf": visit.csrf, "secured": access.secured}
    settings = request.app.state.station.config.dashboard
    answer |= {"sees_heart_rate": access.sees_heart_rate(visit), "language": settings.language}
    return reply(answer | {"zone": zone_of_the_box(time.time())})
