"""What the tests of the screen share: messages as the engine publishes them, and the server as a process."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from athlete_monitor.config import load_config
from athlete_monitor.wire.mqtt import MqttLink

if TYPE_CHECKING:
    from pathlib import Path

    from tests.helpers import Program


def figures(athlete_id: int, **changes: Any) -> dict[str, Any]:
    """Figures of one athlete, every value a different one."""
    known = {
        "schema_version": 1, "device_id": f"{athlete_id:03d}", "athlete_id": athlete_id,
        "name": f"Athlete {athlete_id}", "session_id": f"A{athlete_id}", "mode": "game", "t_s": 1_790_000_000.5,
        "elapsed_s": 61.0, "heart_rate_bpm": 100.0 + athlete_id,
        "heart_rate_source": "sensor", "heart_rate_zone": 3, "heart_rate_low_bpm": None, "heart_rate_high_bpm": None,
        "hr_max_bpm": 191.0, "speed_mps": 2.51, "trimp": 12.3, "distance_m": 812.7, "measured_s": 60.0,
        "reasons": {"heart_rate_low_bpm": "measured by the strap"},
    }  # fmt: skip
    return known | changes


def packed(document: dict[str, Any]) -> bytes:
    return json.dumps(document).encode()


def client_of(app: Any, **options: Any) -> Any:
    """A client of an application in this process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Starlette recommends another HTTP library than the one that is pinned
        from starlette.testclient import TestClient

    return TestClient(app, **options)


class Screen:
    """The running server."""

    def __init__(self, program: Program, port: int) -> None:
        self.program, self.port = program, port
        self.address = f"http://127.0.0.1:{port}"
        self.http = httpx.Client(base_url=self.address, timeout=10)

    def get(self, path: str) -> Any:
        answer = self.http.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        return answer.json()

    @property
    def token(self) -> str:
        return str(self.get("/api/me")["csrf"])

    def post(self, path: str, body: dict[str, Any], **headers: str) -> httpx.Response:
        return self.http.post(path, json=body, headers={"x-csrf-token": self.token} | headers)


@dataclass
class Engine:
    """Publishes what the engine would, and answers commands as the engine does."""

    link: MqttLink = field(init=False)
    commands: list[dict[str, Any]] = field(default_factory=list)
    state: dict[str, Any] = field(default_factory=dict)

    def answer(self, _topic: str, payload: bytes) -> None:
        command = json.loads(payload)
        self.commands.append(command)
        result = {"id": command["id"], "ok": True, "revision": len(self.commands)}
        if command.get("text") == "refuse me":
            result = {"id": command["id"], "ok": False, "error": "text: not this one"}
        if command.get("text") == "refuse by code":
            values = {"athlete": "Weber (7)"}
            result |= {"ok": False, "error": "Weber (7) is unavailable", "code": "unavailable", "values": values}
        self.link.publish("team/control/result", packed(result), 1)

    def publish(self, *athletes: dict[str, Any]) -> None:
        for one in athletes:
            self.link.publish(f"player/{one['device_id']}/metrics", packed(one))

    def tell(self, **state: Any) -> None:
        self.state |= {"revision": len(self.commands), "now_s": 0.0} | state
        self.link.publish("team/state", packed(self.state), 1, retain=True)

    def status(self, status: str) -> None:
        self.link.publish("engine/status", packed({"status": status}), 1, retain=True)

    def did(self, do: str) -> list[dict[str, Any]]:
        return [command for command in self.commands if command["do"] == do]


def connect(config: Path) -> Engine:
    settings = load_config(config, environ={}).mqtt
    engine = Engine()
    link = engine.link = MqttLink(settings, "engine", on_message=engine.answer, subscriptions=[("team/control", 1)])
    link.start(10)
    return engine
