"""The coordinator at work: it ticks, keeps its plan, watches the brokers, and publishes the league's state."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import deque
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import msgspec

from athlete_monitor.batch.storage import store_at
from athlete_monitor.config import load_config
from athlete_monitor.errors import MonitorError
from athlete_monitor.league.coordinator import Coordinator
from athlete_monitor.league.document import league_document
from athlete_monitor.league.ownership import PLACE
from athlete_monitor.league.plan import LeaguePlan
from athlete_monitor.league.settings import mqtt_of
from athlete_monitor.league.watching import WatchedSquads, subscriptions
from athlete_monitor.wire.mqtt import MqttLink

if TYPE_CHECKING:
    from athlete_monitor.league.placed import ShardCluster
    from athlete_monitor.league.settings import League

TICK_S: Final = 0.5
PUBLISH_S: Final = 2.0
MOST_BYTES_S: Final = 100_000
"""A large league's state is published less often, so that it costs no more bytes a second than this."""
STOP_S: Final = 45.0
PLAN: Final = "league_plan.json"

_log: Final = logging.getLogger(__name__)


class Office:
    """The league's one coordinator with its surroundings.

    Args:
        league: the league.
        cluster: where shards run.

    Raises:
        MonitorError: the state's place, the engines' configuration or a broker's credentials cannot be used.
    """

    def __init__(self, league: League, cluster: ShardCluster) -> None:
        self._store = store_at(league.state, PLACE, "state")
        self._saved = b""
        self._lock = threading.RLock()
        self._ended = threading.Event()
        self._coordinator = Coordinator(league, cluster, self._read_plan())
        self._inbox: deque[tuple[str, bytes]] = deque(maxlen=100_000)
        self._links: dict[str, MqttLink] = {}
        self._publish_s = float("-inf")
        self._problem = self._unsaved = ""
        self._watch(league)

    def run(self) -> None:
        """Tick until stopped."""
        while not self._ended.wait(TICK_S):
            with self._lock:
                self._problem = self._ticked()

    def apply(self, league: League) -> None:
        """Take a new version of the file.

        Raises:
            MonitorError: see ``Office``.
        """
        with self._lock:
            self._coordinator.use(league)
            self._watch(league)

    def move(self, squad: str, shard: str) -> None:
        """See ``Coordinator.move``."""
        with self._lock:
            self._coordinator.move(squad, shard, time.monotonic())

    def drain(self, node: str, undo: bool) -> str:  # noqa: FBT001 - called over the cluster
        """See ``Coordinator.drain``; return the node's id."""
        with self._lock:
            return self._coordinator.drain(node, undo=undo).id[:8]

    def is_stopped(self) -> bool:
        """Whether the league was stopped: this office does not start again."""
        return self._ended.is_set()

    def status(self) -> dict[str, Any]:
        """Return the league's state."""
        with self._lock:
            return self._document()

    def stop(self) -> bool:
        """End all engines in order; return whether all have ended."""
        with self._lock:
            self._coordinator.stop()
        end_s = time.monotonic() + STOP_S
        while time.monotonic() < end_s and not self._coordinator.is_empty:
            time.sleep(TICK_S)
        with self._lock:
            self._publish()
        self._ended.set()
        for link in self._links.values():
            link.stop()
        return self._coordinator.is_empty

    def _ticked(self) -> str:
        """Tick; return what went wrong, empty for nothing."""
        try:
            self._tick()
        except Exception as error:  # noqa: BLE001 - a supervisor outlives what it meets
            _log.exception("event=league_tick_failed")
            return f"{type(error).__name__}: {error}"
        return self._unsaved

    def _tick(self) -> None:
        now_s = time.time()
        for _ in range(len(self._inbox)):
            topic, payload = self._inbox.popleft()
            self._watched.take(topic, payload, now_s)
        self._coordinator.tick(time.monotonic())
        self._save_plan()
        if time.monotonic() >= self._publish_s:
            size = self._publish()
            self._publish_s = time.monotonic() + max(PUBLISH_S, size / MOST_BYTES_S)

    def _document(self) -> dict[str, Any]:
        rows = self._coordinator.view().rows(time.monotonic())
        now_s = time.time()
        tiles = {squad: self._watched.tile(squad, now_s) for squad in self._coordinator.league.squads}
        return league_document(self._coordinator.league.name, rows, tiles, now_s, self._problem)

    def _publish(self) -> int:
        league = self._coordinator.league
        payload = msgspec.json.encode(self._document())
        name = league.topic_broker or next(iter(league.brokers))
        self._links[name].publish(league.topic, payload, 0, retain=True)
        return len(payload)

    def _watch(self, league: League) -> None:
        """Subscribe to what the engines of all squads publish."""
        for link in self._links.values():
            link.stop()
        config = load_config(league.engine_config)
        self._watched = WatchedSquads({squad: found.prefix for squad, found in league.squads.items()})
        self._links = {}
        for name, broker in league.brokers.items():
            prefixes = [squad.prefix for squad in league.squads.values() if squad.broker == name]
            self._links[name] = MqttLink(
                mqtt_of(config, broker).mqtt,
                f"{league.client_id('')}-watch",
                on_message=lambda topic, payload: self._inbox.append((topic, payload)),
                subscriptions=subscriptions(prefixes),
            )
            self._links[name].start()

    def _read_plan(self) -> LeaguePlan:
        try:
            found = json.loads(self._store.get(PLAN)) if PLAN in self._store.names() else {}
            return LeaguePlan(
                dict(found.get("moved", {})), set(found.get("drained", ())), dict(found.get("numbers", {}))
            )
        except (ValueError, TypeError, AttributeError) as error:
            _log.warning("event=league_plan_ignored reason=%r", str(error))
            return LeaguePlan()

    def _save_plan(self) -> None:
        plan = asdict(self._coordinator.plan)
        content = json.dumps(plan | {"drained": sorted(plan["drained"])}, sort_keys=True).encode()
        if content != self._saved:
            try:
                self._store.put(PLAN, content)
                self._saved, self._unsaved = content, ""
            except MonitorError as error:
                self._unsaved = str(error)
