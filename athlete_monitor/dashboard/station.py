"""Connects the parts: messages come in from MQTT, frames go out to the screens, commands go to the engine."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections import deque
from typing import TYPE_CHECKING, Any, Final

import msgspec

from athlete_monitor.archive import Archive
from athlete_monitor.athletes import Roster
from athlete_monitor.dashboard.columns import HEART_RATE_KEYS, HEART_RATE_PLACES
from athlete_monitor.dashboard.filling import Filling
from athlete_monitor.dashboard.hub import Hub
from athlete_monitor.dashboard.live import Live
from athlete_monitor.errors import ConfigError
from athlete_monitor.wire import topics
from athlete_monitor.wire.mqtt import MqttLink

if TYPE_CHECKING:
    from pathlib import Path

    from athlete_monitor.config import Config
    from athlete_monitor.dashboard.programs import Programs
    from athlete_monitor.dashboard.simulation import Simulation

SUBSCRIPTIONS: Final = (
    ("player/+/metrics", 0),
    ("player/+/events", 1),
    ("player/+/session", 1),
    ("player/+/status", 1),
    (topics.LINK_FILTER, 1),
    (topics.TEAM_STATE, 1),
    (topics.TEAM_EVENTS, 1),
    (topics.TEAM_CONTROL_RESULT, 1),
    (topics.ENGINE_STATUS, 1),
    (topics.ENGINE_STATS, 0),
    (topics.LEAGUE_STATE, 0),
)
GATHER_S: Final = 0.1
"""After the first news, so long for the rest of the squad's."""
LEAST_PERIOD_S: Final = 0.85
LONGEST_PERIOD_S: Final = 1.2
ANSWER_S: Final = 3.0
"""How long a command waits for the engine's answer."""
_ROSTER_EVERY_S: Final = 5.0
_FILL_EVERY_S: Final = 1.0
_FILLED: Final = '{"kind":"filled"}'
_ANSWERS_KEPT: Final = 500
_PROMPT: Final = frozenset({"team/state", "team/events", "team/control/result"})
_FIXED: Final = 4  # key, age, time and status come before the figures in a row
_encode = msgspec.json.Encoder().encode


class Station:
    """The running service behind the pages.

    Args:
        config: the configuration.
        programs: how reports are made.
        simulation: what starts a made-up match.
    """

    def __init__(self, config: Config, programs: Programs, simulation: Simulation) -> None:
        self.config = config
        self.programs = programs
        self.simulation = simulation
        self.hub = Hub()
        self.live = Live()
        self.archive = Archive(config.paths.journal)
        self.started_s = time.time()
        self.build = ""
        self.connection = "not connected yet"
        self.connected = False
        self._roster_file = config.athletes.roster
        self._roster_stamp: tuple[int, int] | None = None
        self._inbox: deque[tuple[str, bytes]] = deque(maxlen=20_000)
        self._news = asyncio.Event()
        self._answers: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._answered: dict[str, dict[str, Any]] = {}
        self._sent_revision = self._sent_team = -1
        self._loop: asyncio.AbstractEventLoop | None = None
        self._filling = Filling(self.live, self.archive)
        self._link = MqttLink(
            config.mqtt,
            f"athlete-screen-{uuid.uuid4().hex[:12]}",
            on_message=self._on_message,
            subscriptions=SUBSCRIPTIONS,
            on_connection=self._on_connection,
        )

    async def run(self) -> None:
        """Serve until cancelled."""
        self._loop = asyncio.get_running_loop()
        self._link.start()
        beside = [asyncio.create_task(self._watch_roster()), asyncio.create_task(self._fill())]
        try:
            while True:
                await self._tick()
        finally:
            for task in beside:
                task.cancel()
            self.hub.close()
            await asyncio.to_thread(self.simulation.stop)
            await asyncio.to_thread(self._link.stop)

    async def command(self, document: dict[str, Any]) -> dict[str, Any]:
        """Send a command to the engine and return its answer; the same id twice gives the first answer again.

        An engine that does not answer in time is an answer too: ``{"ok": False, "error": ...}``.
        """
        known = self._answered.get(document["id"])
        if known is not None:
            return known
        waiting = self._answers.get(document["id"])
        if waiting is None:
            waiting = self._answers[document["id"]] = asyncio.get_running_loop().create_future()
            if not self.connected or not self._link.publish(topics.TEAM_CONTROL, _encode(document), 1):
                self._answers.pop(document["id"]).cancel()
                return _unreachable(document, "no connection to the broker; nothing was changed")
        try:
            return await asyncio.wait_for(asyncio.shield(waiting), ANSWER_S)
        except asyncio.TimeoutError:
            return _unreachable(document, "the engine does not answer; see the page System")
        finally:
            self._answers.pop(document["id"], None)

    def pass_on(self, topic: str, payload: bytes) -> bool:
        """Publish what a phone has pushed; False where there is no broker to take it."""
        return self.connected and self._link.publish(topic, payload, 1)

    def squad(self) -> dict[str, Any]:
        """Return who there is, and which pages fit this server."""
        return self.live.squad() | {"build": self.build}

    def team(self) -> dict[str, Any]:
        """Return the state of the team and of the connection."""
        return {
            "kind": "team",
            "now": time.time(),
            "state": self.live.team,
            "engine_online": self.live.engine_online,
            "broker_connected": self.connected,
        }

    def _on_message(self, topic: str, payload: bytes) -> None:
        """Called in the network thread."""
        first = not self._inbox
        self._inbox.append((topic, payload))
        if self._loop is None or not (first or topic in _PROMPT):
            return
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._at_once if topic in _PROMPT else self._news.set)

    def _on_connection(self, connected: bool, text: str) -> None:  # noqa: FBT001 - the link's own call
        self.connected, self.connection = connected, text
        self._sent_team = -1

    async def _tick(self) -> None:
        """Let the least period pass, wait for news, gather what comes with them, and send a frame."""
        await asyncio.sleep(LEAST_PERIOD_S - GATHER_S)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._news.wait(), LONGEST_PERIOD_S - LEAST_PERIOD_S)
        await asyncio.sleep(GATHER_S)
        self._at_once()
        self._send_frame()

    def _at_once(self) -> None:
        """Read what has come, and send what cannot wait for the next frame."""
        self._drain()
        self._send_changes()

    def _drain(self) -> None:
        self._news.clear()
        now_s, was_online = time.time(), self.live.engine_online
        while self._inbox:
            topic, payload = self._inbox.popleft()
            kind = self.live.take(topic, payload, now_s)
            if kind == "team/control/result":
                self._settle(msgspec.json.decode(payload))
            elif kind in {"team/state", "engine/status"}:
                self._sent_team = -1
        if self.live.engine_online is not was_online:
            self._sent_team = -1

    def _settle(self, answer: dict[str, Any]) -> None:
        name = answer.get("id")
        if not isinstance(name, str):
            return
        self._answered[name] = answer
        while len(self._answered) > _ANSWERS_KEPT:
            self._answered.pop(next(iter(self._answered)))
        waiting = self._answers.get(name)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    def _send_changes(self) -> None:
        if self.live.revision != self._sent_revision:
            self._sent_revision = self.live.revision
            squad = _encode(self.squad()).decode()
            self.hub.send(lambda _sees: squad)
        if self._sent_team < 0:
            self._sent_team = 0
            team = self.team()
            self.hub.send(lambda sees: encode_team(team, sees_heart_rate=sees))

    def _send_frame(self) -> None:
        frame = self.live.frame(time.time())
        self.hub.send(lambda sees: encode_frame(frame, sees_heart_rate=sees))

    async def _fill(self) -> None:
        """Fetch from the archive what the engine published before this server ran; screens then ask for it."""
        while True:
            if await self._filling.round(time.monotonic()):
                self.hub.send(lambda _sees: _FILLED)
            await asyncio.sleep(_FILL_EVERY_S)

    async def _watch_roster(self) -> None:
        while True:
            self._read_roster()
            await asyncio.sleep(_ROSTER_EVERY_S)

    def _read_roster(self) -> None:
        """Read the roster again where the file has changed; one that is not valid changes nothing."""
        stamp = _stamp(self._roster_file)
        if stamp == self._roster_stamp:
            return
        self._roster_stamp = stamp
        with contextlib.suppress(ConfigError, OSError):
            self.live.use_roster(Roster.load(self._roster_file))


def _unreachable(document: dict[str, Any], text: str) -> dict[str, Any]:
    return {"id": document["id"], "ok": False, "error": text, "unreachable": True}


def encode_frame(frame: dict[str, Any], *, sees_heart_rate: bool) -> str:
    """Return the text of a frame, without heart-rate figures where they may not be seen."""
    return _encode(frame if sees_heart_rate else without_heart_rate(frame)).decode()


def without_heart_rate(frame: dict[str, Any]) -> dict[str, Any]:
    """Return a frame whose heart-rate figures are null."""
    hidden = [_FIXED + place for place in HEART_RATE_PLACES]
    return frame | {"rows": [_without(line, hidden) for line in frame["rows"]]}


def encode_team(team: dict[str, Any], *, sees_heart_rate: bool) -> str:
    """Return the text of the team's state for who may see heart-rate figures and for who may not."""
    return _encode(team if sees_heart_rate else team | {"state": state_without_heart(team["state"])}).decode()


def state_without_heart(state: dict[str, Any]) -> dict[str, Any]:
    """Return a team's state without alarms and targets of heart-rate figures."""
    kept = {key: value for key, value in state.items() if key != "alarms"}
    targets = state.get("targets")
    if isinstance(targets, list):
        kept["targets"] = [one for one in targets if isinstance(one, dict) and one.get("figure") not in HEART_RATE_KEYS]
    return kept


def _without(line: list[Any], places: list[int]) -> list[Any]:
    line = list(line)
    for place in places:
        if place < len(line):
            line[place] = None
    return line


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
