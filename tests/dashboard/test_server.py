from __future__ import annotations

import json

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from athlete_monitor.dashboard.live import Live
from tests.dashboard.kit import figures
from tests.helpers import wait_until

pytestmark = pytest.mark.integration


def own(screen) -> dict[str, str]:
    return {"origin": screen.address}


def test_a_published_figure_reaches_a_screen(screen, publish):
    with connect(f"ws://127.0.0.1:{screen.port}/live", origin=Origin(screen.address)) as socket:
        assert json.loads(socket.recv(30))["kind"] == "squad"
        publish("player/007/metrics", figures(7))

        def frame():
            message = json.loads(socket.recv(30))
            return message["kind"] == "frame" and message["rows"]

        (row,) = wait_until(frame, 60, "a frame with the athlete")
        assert row[0] == "007"
    assert screen.get("/api/squad")["athletes"][0]["name"] == "Athlete 7"
    assert screen.get("/api/athletes/007")["figures"]["reasons"] == {"heart_rate_low_bpm": "measured by the strap"}


def test_what_a_screen_sends_over_its_websocket_is_dropped_and_too_much_of_it_ends_only_that_connection(screen):
    address, origin = f"ws://127.0.0.1:{screen.port}/live", Origin(screen.address)
    with connect(address, origin=origin) as socket, connect(address, origin=origin) as talker:
        for message in (b"\x00\x01", "hello", "[" * 4000):
            socket.send(message)
        talker.send("x" * 100_000)
        with pytest.raises(ConnectionClosed):
            list(iter(lambda: talker.recv(30), None))
        for _ in range(5):
            assert json.loads(socket.recv(30))["kind"] in {"squad", "team", "frame"}
    assert "Traceback" not in screen.program.stderr


def test_a_foreign_page_gets_no_websocket_and_changes_nothing(screen):
    with pytest.raises(InvalidStatus):
        connect(f"ws://127.0.0.1:{screen.port}/live", origin=Origin("http://evil.example"))
    assert screen.post("/api/control", {"do": "marker"}, origin="http://evil.example").status_code == 403
    assert screen.http.get("/", headers={"host": "evil.example"}).status_code == 421


def test_a_change_without_the_token_of_our_pages_is_refused(screen):
    answer = screen.http.post("/api/control", json={"do": "marker", "text": "x"}, headers=own(screen))
    assert answer.status_code == 403


def test_pages_carry_a_policy_without_inline_scripts(screen):
    for path in ("/", "/pitch", "/athlete/007", "/login"):
        answer = screen.http.get(path)
        assert answer.status_code == 200
        assert "script-src 'self';" in answer.headers["content-security-policy"]
        assert "<script>" not in answer.text


@pytest.mark.parametrize(
    "path", ["../main.py", "..%2f..%2fmain.py", "%2e%2e/%2e%2e/config.yaml", "/etc/passwd", "a%00b"]
)
def test_no_path_leaves_the_static_files(screen, path):
    assert screen.http.get(f"/static/{path}").status_code in {404, 400}
    assert "root:" not in screen.http.get(f"/api/athletes/{path}").text


def test_beyond_this_machine_it_needs_accounts(run_program, make_config):
    program = run_program("dashboard.py", "--config", make_config(), "--host", "0.0.0.0")
    assert program.wait() == 2
    assert "without accounts" in program.stderr
    assert "Traceback" not in program.stderr


def test_a_live_without_messages_has_no_rows():
    assert Live().frame(1.0)["rows"] == []
