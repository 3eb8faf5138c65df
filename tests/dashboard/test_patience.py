"""The server against clients that ask slowly, for nothing, for too much or for nonsense."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import TYPE_CHECKING

import pytest
import uvicorn
import websockets

from athlete_monitor.dashboard import patience
from athlete_monitor.dashboard.patience import REQUEST_S
from athlete_monitor.dashboard.zone import zone_of_the_box
from tests.helpers import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.types import Receive, Scope, Send

    from tests.dashboard.kit import Screen

pytestmark = pytest.mark.integration


def connected(screen: Screen, first: bytes = b"") -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", screen.port), 10)
    sock.sendall(first)
    return sock


def answer(screen: Screen, request: bytes) -> bytes:
    """What a request of raw bytes brings; b"" where the server only closes."""
    with connected(screen, request) as sock:
        sock.settimeout(20)
        try:
            return sock.recv(65536)
        except ConnectionError:
            return b""


HOST = b"host: 127.0.0.1\r\n"
LOG_IN = b"POST /api/login HTTP/1.1\r\ncontent-type: application/json\r\n" + HOST


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /api/squad HTTP/1.1\r\n" + HOST + b"x: " + b"a" * 100_000, b"400"),
        (b"GET /" + b"a" * 30_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", b"404"),
        (b"POST /api/control HTTP/1.1\r\n" + HOST + b"content-length: 99999999\r\n\r\n", b"413"),
        (b"POST /api/control HTTP/1.1\r\n" + HOST + b"content-length: -1\r\n\r\n", b"400"),
        (LOG_IN + b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", b"422"),
        (LOG_IN + b"transfer-encoding: chunked\r\n\r\n11170\r\n" + b" " * 70_000 + b"\r\n0\r\n\r\n", b"413"),
        (b"BREW /api/squad HTTP/1.1\r\n" + HOST + b"\r\n", b"405"),
        (b"TRACE / HTTP/1.1\r\n" + HOST + b"\r\n", b"405"),
        (b"GET //etc/passwd HTTP/1.1\r\n" + HOST + b"\r\n", b"404"),
        (b"GET /static/..%5c..%00 HTTP/1.1\r\n" + HOST + b"\r\n", b"404"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
    ],
)
def test_nonsense_is_answered_with_the_right_status_and_the_server_goes_on(screen, request_, status):
    first = answer(screen, request_).partition(b"\r\n")[0]
    assert first.split(b" ")[1] == status
    assert screen.get("/api/me")["role"] == "admin"
    assert "Traceback" not in screen.program.stderr


def test_who_says_that_nothing_more_will_be_asked_gets_the_answer(screen):
    with connected(screen, b"GET /api/me HTTP/1.1\r\n" + HOST + b"\r\n") as sock:
        sock.shutdown(socket.SHUT_WR)
        sock.settimeout(20)
        found = b"".join(iter(lambda: sock.recv(65536), b""))
    assert found.startswith(b"HTTP/1.1 200")
    assert found.endswith(b"}")


def test_the_zone_of_the_box_comes_from_the_environment_or_the_link_and_nonsense_is_none(tmp_path: Path):
    link = tmp_path / "zoneinfo" / "Asia" / "Tokyo"
    link.parent.mkdir(parents=True)
    link.touch()
    (tmp_path / "localtime").symlink_to(link)
    found = [zone_of_the_box(0.0, given, tmp_path / "localtime")["name"] for given in ("", ":Europe/Rome", "<+03>-3")]
    assert found == ["Asia/Tokyo", "Europe/Rome", None]
    assert zone_of_the_box(0.0, "", tmp_path / "nothing")["name"] is None


async def ticking(_scope: Scope, receive: Receive, send: Send) -> None:
    """An application that sends to a WebSocket again and again."""
    await receive()
    await send({"type": "websocket.accept"})
    for count in range(10_000):
        await send({"type": "websocket.send", "text": str(count)})
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("implementation", ["websockets-sansio", "auto"])
def test_a_web_socket_stays_open_for_longer_than_a_request_may_take(monkeypatch, implementation):
    monkeypatch.setattr(patience, "REQUEST_S", 0.05)

    async def read_for_long() -> int:
        options = uvicorn.Config(
            ticking, port=0, http=patience.PatientProtocol, ws=implementation, lifespan="off", log_config=None
        )
        options.load()
        server = uvicorn.Server(options)
        server.lifespan = options.lifespan_class(options)
        await server.startup()
        port = server.servers[0].sockets[0].getsockname()[1]
        async with websockets.connect(f"ws://127.0.0.1:{port}/live") as socket_:
            heard = [await socket_.recv() for _ in range(50)]
        await server.shutdown()
        return len(heard)

    assert asyncio.run(read_for_long()) == 50


@pytest.mark.campaign
def test_five_hundred_connections_that_ask_slowly_or_for_nothing_delay_nobody_and_are_closed(screen):
    beginnings = (b"", b"GET /api/squad HTT", b"POST /api/login HTTP/1.1\r\n" + HOST + b"content-length: 9\r\n\r\n{")
    socks = [connected(screen, beginnings[at % 3]) for at in range(500)]
    trickling = []
    try:
        begun = time.monotonic()
        assert screen.get("/api/squad")["kind"] == "squad"
        assert time.monotonic() - begun < REQUEST_S / 2
        trickling += [connected(screen, b"GET /") for _ in range(5)]
        wait_until(lambda: all(is_closed(one) for one in socks), 8 * REQUEST_S, "the idle connections are closed")
        wait_until(lambda: all(trickle(one) for one in trickling), 8 * REQUEST_S, "the slow ones are closed")
        assert screen.get("/api/me")["role"] == "admin"
    finally:
        for one in [*socks, *trickling]:
            one.close()


def is_closed(sock: socket.socket) -> bool:
    sock.setblocking(False)
    try:
        return sock.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def trickle(sock: socket.socket) -> bool:
    """Send another byte; whether the server has had enough."""
    if is_closed(sock):
        return True
    time.sleep(0.05)
    try:
        sock.send(b"a")
    except OSError:
        return True
    return False
