"""Periodic tasks of the live engine: the clock, the journal, models, its own figures, systemd."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Final

import msgspec

from athlete_monitor.engine.journal.keeper import snapshot
from athlete_monitor.engine.live.connection import engine_status
from athlete_monitor.engine.live.heat import Heat
from athlete_monitor.engine.live.standstill import Standstill
from athlete_monitor.errors import MonitorError
from athlete_monitor.wire import topics

if TYPE_CHECKING:
    from collections.abc import Callable

    from athlete_monitor.config import Config
    from athlete_monitor.engine.journal.journal import Journal
    from athlete_monitor.engine.live.connection import Connection
    from athlete_monitor.engine.live.service import ServiceNotifier
    from athlete_monitor.engine.live.stats import Stats
    from athlete_monitor.engine.monitor import Monitor
    from athlete_monitor.models.loader import DynamicModelLoader

_log = logging.getLogger(__name__)

TICK_S: Final = 0.2
SNAPSHOT_S: Final = 0.8
SNAPSHOT_SHARE: Final = 0.1
"""Snapshots take at most this share of the stepping thread: thousands of athletes get theirs less often."""
FIRST_STATS_S: Final = 2.0
HANGUP_ANSWER: Final = (
    "SIGHUP: changed models are read again; alarm rules are read whenever their file changes; all other settings and "
    "the roster take effect at the next start"
)
_LOGGED: Final = (
    "online", "stale", "offline", "messages_per_s", "samples_per_s", "lag_p50_ms", "lag_p99_ms", "invalid",
    "overflowed", "over_rate", "lost", "cache_hit_percent", "cpu_percent", "memory_mb", "temperature_c",
    "broker_connected",
)  # fmt: skip
_encode = msgspec.json.Encoder().encode


class Upkeep:
    """Runs the tasks that are due, when the loop calls it.

    Args:
        config: the configuration.
        monitor, connection, journal, loader, stats, notifier: the parts that need upkeep.
        warn: called with a sentence for the operator.
        now_s: the engine's clock.
    """

    def __init__(
        self,
        config: Config,
        monitor: Monitor,
        connection: Connection,
        journal: Journal,
        loader: DynamicModelLoader,
        stats: Stats,
        notifier: ServiceNotifier,
        warn: Callable[[str], None],
    ) -> None:
        self._config, self._monitor, self._connection, self._journal = config, monitor, connection, journal
        self._loader, self._stats, self._notifier, self._warn = loader, stats, notifier, warn
        self._heat = Heat(config.performance, config.engine.prediction_rate_hz)
        self._tick_s = self._snapshot_s = self._models_s = self._stats_s = float("-inf")
        self._overflow_reported = self._over_rate_reported = 0
        self.rounds: list[Callable[[], None]] = []
        """Called in every round, five times a second."""
        self.connected: list[Callable[[], None]] = []
        """Called after each connection to the broker."""
        self.standstill = Standstill([monitor.excuse])

    def begin(self, now_s: float) -> None:
        """The loop starts."""
        self._snapshot_s = self._models_s = now_s
        self._stats_s = now_s + min(self._config.engine.stats_interval_s, FIRST_STATS_S)

    @property
    def due_s(self) -> float:
        """Time of the next task."""
        return self._tick_s

    def look(self, now_s: float) -> None:
        """Run the tasks that are due at ``now_s``.

        Raises:
            MonitorError: the network thread has ended.
        """
        self.standstill.look(now_s)
        self._pass_on_news()
        if now_s < self._tick_s:
            return
        self._tick_s = now_s + TICK_S
        self._monitor.tick(now_s)
        for each in self.rounds:
            self.standstill.look(time.monotonic())
            each()
        if not self._connection.link.running:
            raise MonitorError(
                "the thread that listens to the broker has ended; the sessions are resumed at the next start"
            )
        self._notifier.alive()
        self._refresh_models()
        if now_s >= self._snapshot_s:
            began_s = time.thread_time()
            snapshot(self._journal, self._monitor)
            self._snapshot_s = now_s + max(SNAPSHOT_S, (time.thread_time() - began_s) / SNAPSHOT_SHARE)
            if self._journal.failing:  # messages that cannot be kept must not block later ones
                self._connection.acks.release()
        if now_s >= self._models_s:
            self._models_s = now_s + self._config.model_loading.reload_check_s
            self._monitor.squad.models.look_again()
        if now_s >= self._stats_s:
            self._stats_s = now_s + self._config.engine.stats_interval_s
            self._publish_stats(now_s)

    def surroundings(self) -> dict[str, Any]:
        """Return the engine's figures about its environment."""
        return {
            "box": self._config.box.label,
            **self._monitor.sink.health(),
            "not_understood": len(self._monitor.intake.not_understood(0.0)),
            "acknowledged": "after_commit" if self._connection.acks.is_deferred else "on_arrival",
            "prediction_rate_hz": self._monitor.squad.prediction_rate_hz,
        }

    def _pass_on_news(self) -> None:
        """Publish the retained messages after a connection."""
        for connected, text in self._connection.news():
            if connected:
                message = engine_status(self._config, "online")
                self._connection.link.publish(topics.ENGINE_STATUS, message, 1, retain=True)
                for session in self._monitor.book.view:
                    self._monitor.sink.status(session.device_id, session.status)
                for each in self.connected:
                    each()
                self._notifier.ready()
            self._notifier.status(text)

    def _refresh_models(self) -> None:
        updated = self._connection.updated_models
        for athlete_id in {updated.popleft() for _ in range(len(updated))}:
            if athlete_id == "*":
                self._loader.reload_changed()
                self._monitor.sink.notice(HANGUP_ANSWER, bad=False)
            elif self._loader.peek(athlete_id) is None:  # type: ignore[arg-type]
                self._loader.reload(athlete_id)  # type: ignore[arg-type]
                self._monitor.squad.models.refresh(None if athlete_id == "default" else int(athlete_id))
            else:
                self._loader.request_reload(athlete_id)  # type: ignore[arg-type]

    def _publish_stats(self, now_s: float) -> None:
        figures = self._stats.take(now_s, **self.surroundings())
        self._connection.link.publish(topics.ENGINE_STATS, _encode(figures))
        self._warn_of_overflow(figures)
        text = self._heat.feel(figures["temperature_c"])
        self._monitor.squad.prediction_rate_hz = self._heat.rate_hz
        if text is not None:
            self._warn(text)
        self._notifier.status(
            f"{figures['online']} online, {figures['messages_per_s']:g} messages/s, lag p99 {figures['lag_p99_ms']} ms"
        )
        _log.info("event=stats %s", " ".join(f"{name}={figures[name]}" for name in _LOGGED))

    def _warn_of_overflow(self, figures: dict[str, Any]) -> None:
        new = figures["overflowed"] - self._overflow_reported
        if new:
            whose = ", ".join(figures["overflowed_topics"])
            self._warn(f"{new} messages dropped: they arrive faster than they are processed ({whose})")
        self._overflow_reported = figures["overflowed"]
        if figures["over_rate"] > self._over_rate_reported:
            self._warn(f"{figures['over_rate'] - self._over_rate_reported} samples dropped beyond engine.max_rate_hz")
        self._over_rate_reported = figures["over_rate"]
