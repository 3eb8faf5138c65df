"""What every request passes before anything else: whose page asks, for which host, and how much it sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from athlete_monitor.wire.push import MOST_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY: Final = 64 * 1024
PUSH: Final = "/push/"
"""Where phones send whole batches; they show a token before anything is read."""
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Final = {
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), screen-wake-lock=(self)",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


class AccessGuard:
    """Wraps the application.

    A request is refused whose ``Host`` is not one of ours (where ``hosts`` is given: it protects a server without
    accounts from foreign pages that point a name of theirs at this machine), whose ``Origin`` is another page than ours
    (for WebSockets and for everything that changes something), or whose body is too large.

    Args:
        app: what is protected.
        hosts: names under which the server may be asked; None allows any.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str] | None = None) -> None:
        self._app = app
        self._hosts = None if hosts is None else frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve or refuse a request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None and scope["type"] == "websocket":
            await self._app(scope, receive, send)
        elif refusal is None and scope["method"] == "HEAD":  # monitors of other makers ask so
            await self._app({**scope, "method": "GET"}, receive, _without_body(_with_headers(send)))
        elif refusal is None:
            await self._app(scope, _at_most(_largest(scope), receive), _with_headers(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": refusal[1]})
        else:
            status, text = refusal
            await JSONResponse({"detail": text}, status)(scope, receive, _with_headers(send))

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self._hosts is not None and host_name(host) not in self._hosts:
            return 421, "this server answers on this machine only; open http://127.0.0.1 or set up accounts"
        websocket = scope["type"] == "websocket"
        if (websocket or scope["method"] not in SAFE) and not _is_own(headers.get("origin"), host, needed=websocket):
            return 403, "the request comes from another page"
        return _too_large(_largest(scope)) if _length(headers) > _largest(scope) else None


def host_name(host: str) -> str:
    """Return the name in a ``Host`` header, without the port.

    >>> host_name("127.0.0.1:8080"), host_name("[::1]:8080"), host_name("box.local")
    ('127.0.0.1', '::1', 'box.local')
    """
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_own(origin: str | None, host: str, *, needed: bool) -> bool:
    if origin is None:
        return not needed
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and parts.netloc.lower() == host.lower()


def _length(headers: Headers) -> int:
    text = headers.get("content-length", "0")
    return int(text) if text.isascii() and text.isdigit() else LARGEST_BODY + 1


def _largest(scope: Scope) -> int:
    return MOST_BYTES if scope["path"].startswith(PUSH) else LARGEST_BODY


def _too_large(most: int) -> tuple[int, str]:
    return 413, f"at most {most} bytes are allowed"


def _at_most(most: int, receive: Receive) -> Receive:
    """Pass on a body as long as it is not too large: one in chunks does not name its length."""
    left = most

    async def read() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise HTTPException(*_too_large(most))
        return message

    return read


def _with_headers(send: Send) -> Send:
    async def add(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            headers.setdefault("cache-control", "no-store")
            if headers.get("allow") == "GET":
                headers["allow"] = "GET, HEAD"
        await send(message)

    return add


def _without_body(send: Send) -> Send:
    async def drop(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return drop
