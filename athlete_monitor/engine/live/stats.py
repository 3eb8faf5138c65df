"""Statistics of the engine itself: rates, lag, caches, memory, temperature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

from athlete_monitor.system.board import FILE_SYSTEM, hottest_c

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from athlete_monitor.engine.intake.inbox import Inbox
    from athlete_monitor.engine.monitor import Monitor
    from athlete_monitor.models.loader import DynamicModelLoader

SCHEMA_VERSION = 1
_LAGS_KEPT = 200_000
_TOPICS_TOLD = 3


class Lags:
    """Time from a message's arrival to the end of the step that used it, since the last report."""

    def __init__(self) -> None:
        self._parts: list[list[float]] = []
        self._count = 0

    def add(self, arrivals_s: list[float], now_s: float) -> None:
        """Record that messages with these times of arrival are done."""
        if self._count < _LAGS_KEPT:
            self._parts.append([now_s - arrived for arrived in arrivals_s])
            self._count += len(arrivals_s)

    def take(self) -> dict[str, float | None]:
        """Median and 99th percentile in ms; resets the record."""
        parts, self._parts, self._count = self._parts, [], 0
        values = np.array([lag for part in parts for lag in part])
        if not len(values):
            return {"lag_p50_ms": None, "lag_p99_ms": None}
        p50, p99 = np.percentile(values, [50, 99]) * 1000.0
        return {"lag_p50_ms": round(float(p50), 2), "lag_p99_ms": round(float(p99), 2)}


class Stats:
    """Gathers the figures of consecutive intervals.

    Args:
        inbox, monitor, loader: what is measured; without a loader there are no cache figures.
        now_s: the engine's clock at the start.
        root: root of the file system with the board's temperatures.
    """

    def __init__(
        self,
        inbox: Inbox,
        monitor: Monitor,
        loader: DynamicModelLoader | None,
        now_s: float,
        root: Path = FILE_SYSTEM,
    ) -> None:
        self.lags = Lags()
        self.latest: dict[str, Any] = {}
        self._inbox, self._monitor, self._loader, self._root = inbox, monitor, loader, root
        self._process = psutil.Process()
        self._process.cpu_percent()
        self._start_s = self._last_s = now_s
        self._last_messages = self._last_samples = 0

    def take(self, now_s: float, **rest: object) -> dict[str, Any]:
        """The figures since the last call, with ``rest`` added."""
        interval_s = max(now_s - self._last_s, 1e-9)
        arrived, done = self._inbox.counts(), self._monitor.counts
        figures = {
            "schema_version": SCHEMA_VERSION,
            "uptime_s": round(now_s - self._start_s, 1),
            "messages_per_s": round((arrived.messages - self._last_messages) / interval_s, 1),
            "samples_per_s": round((done.samples - self._last_samples) / interval_s, 1),
            **self.lags.take(),
            **self._sessions(),
            "messages": arrived.messages,
            "samples": done.samples,
            "steps": done.steps,
            "outputs": done.outputs,
            "events": done.events,
            "invalid": done.invalid,
            "invalid_reasons": dict(done.invalid_reasons.most_common(10)),
            "overflowed": arrived.overflowed,
            "overflowed_topics": sorted(arrived.overflowed_topics)[:_TOPICS_TOLD],
            "over_rate": done.over_rate,
            "refused_topics": arrived.refused_topics,
            "refused_devices": done.refused_devices,
            "filtered": done.filtered,
            "sessions_started": done.sessions_started,
            "sessions_ended": done.sessions_ended,
            **self._quality(),
            **self._cache(),
            **self._machine(),
            **rest,
        }
        self._last_s, self._last_messages, self._last_samples = now_s, arrived.messages, done.samples
        self.latest = figures
        return figures

    def _sessions(self) -> dict[str, int]:
        states: Sequence[str] = [session.status for session in self._monitor.book.view]
        return {name: states.count(name) for name in ("online", "stale", "offline")}

    def _quality(self) -> dict[str, int]:
        running = [session.stream.quality for session in self._monitor.book.view]
        return {
            name: sum(getattr(counts, name) for counts in running)
            for name in ("lost", "duplicate", "late", "clock_steps")
        }

    def _cache(self) -> dict[str, Any]:
        if self._loader is None:
            return {"models_cached": 0, "athletes_loading": 0, "athletes_waiting": 0, "cache_hit_percent": None}
        info = self._loader.get_cache_info()
        asked = info["total_requests"]
        return {
            "models_cached": info["cache_size"],
            "athletes_loading": info["athletes_loading"],
            "athletes_waiting": info["athletes_waiting"],
            "cache_hit_percent": round(100.0 * info["cache_hit_rate"], 1) if asked else None,
        }

    def _machine(self) -> dict[str, Any]:
        return {
            "cpu_percent": self._process.cpu_percent(),
            "memory_mb": round(self._process.memory_info().rss / 1e6, 1),
            "memory_used_percent": psutil.virtual_memory().percent,
            "temperature_c": hottest_c(self._root),
        }
