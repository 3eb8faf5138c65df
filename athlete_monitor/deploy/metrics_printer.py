"""Live metrics as plain lines, for output without a terminal."""

from __future__ import annotations

import json
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

from athlete_monitor.wire.mqtt import MqttLink
from athlete_monitor.wire.topics import metrics

if TYPE_CHECKING:
    from types import TracebackType

    from athlete_monitor.config import Mqtt


class MetricsPrinter:
    """Prints each athlete's metrics from the broker, one line every few seconds, inside its ``with`` block."""

    def __init__(self, settings: Mqtt, every_s: float) -> None:
        self._every_s = every_s
        self._due: dict[str, float] = {}
        self._lock = threading.Lock()
        name = f"metrics-{uuid.uuid4().hex[:8]}"
        self._link = MqttLink(settings, name, on_message=self._take, subscriptions=[(metrics("+"), 0)])

    def __enter__(self) -> MetricsPrinter:  # noqa: PYI034 - Self is not in the oldest supported typing module
        self._link.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._link.stop()

    def _take(self, topic: str, payload: bytes) -> None:
        if not topic.endswith("/metrics"):  # the embedded broker delivers retained messages of other topics too
            return
        with self._lock:
            if time.monotonic() < self._due.get(topic, 0.0):
                return
            self._due[topic] = time.monotonic() + self._every_s
        print(line(json.loads(payload)), flush=True)


def line(figures: dict[str, Any]) -> str:
    """Return one athlete's figures in one line; an unknown value is a dash."""
    wearer = f"{figures.get('athlete_id') or '?':>3} {figures.get('name') or figures.get('device_id')}"
    heart = f"{_number(figures, 'heart_rate_bpm', 0)} bpm ({figures.get('heart_rate_source') or 'unknown'})"
    load = f"TRIMP {_number(figures, 'trimp', 1)}  {_number(figures, 'energy_kcal', 0)} kcal"
    return f"   {figures.get('timestamp', ''):<23}  {wearer:<24.24} {heart:<20} {load}"


def _number(figures: dict[str, Any], name: str, digits: int) -> str:
    value = figures.get(name)
    return f"{'-' if value is None else format(value, f'.{digits}f'):>5}"
