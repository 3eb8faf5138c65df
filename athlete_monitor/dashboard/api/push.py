"""Phones push here over HTTP; what they send goes on to the broker, where ``bridge.py phone`` translates it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request
from starlette.responses import Response

from athlete_monitor.dashboard.api.answers import REFUSALS, DeviceKey, station_of
from athlete_monitor.dashboard.reply import reply
from athlete_monitor.wire import topics
from athlete_monitor.wire.push import MOST_BYTES, is_token_of, read_secret

router = APIRouter(responses=REFUSALS, tags=["push"])


@router.post("/push/{key}")
async def push(request: Request, key: DeviceKey, token: Annotated[str, Query(max_length=100)] = "") -> Response:
    """Take a message of a phone app; the token of its device is in the address, or in ``Authorization: Bearer``."""
    station = station_of(request)
    secret = read_secret(station.config.bridge.push_secret_file)
    bearer = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
    if secret is None or not is_token_of(secret, key, token or bearer):
        raise HTTPException(401, "the token is not that of this device; see: python3 bridge.py token")
    if not station.pass_on(topics.phone(key), await _body(request)):
        raise HTTPException(503, "no connection to the broker; nothing was taken")
    return reply([])  # OwnTracks reads a list of commands here


async def _body(request: Request) -> bytes:
    """Return the body, as far as it is not too large."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            raise HTTPException(413, f"at most {MOST_BYTES} bytes are allowed")
    return bytes(body)
