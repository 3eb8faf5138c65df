"""How the engine, the broker and the box are doing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import psutil
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from athlete_monitor.catalogue import NUMBERS
from athlete_monitor.dashboard.columns import clean, tells_of_the_heart
from athlete_monitor.dashboard.live import LONGEST_NAME

if TYPE_CHECKING:
    from athlete_monitor.dashboard.station import Station

PREFIX: Final = "athlete_monitor"
LABELS: Final = ("athlete", "name", "device", "box")
SILENT_S: Final = 30.0
"""An athlete whose figures are older is left out."""
QUIET_ENGINE_S: Final = 90.0
"""An engine that has not reported for so long counts as gone."""


def health(station: Station, now_s: float) -> dict[str, Any]:
    """Return whether everything that the screen shows can arrive."""
    heard_s = station.live.engine_heard_s
    fresh = heard_s is not None and now_s - heard_s < QUIET_ENGINE_S
    engine = bool(station.live.engine_online) and (fresh or heard_s is None)
    return {"ok": station.connected and engine, "broker": station.connected, "engine": engine}


def machine(station: Station) -> dict[str, Any]:
    """Return memory and disk of the box, and what this server costs."""
    disk = psutil.disk_usage(
        str(station.config.paths.journal.parent if station.config.paths.journal.parent.exists() else "/")
    )
    memory = psutil.virtual_memory()
    return {
        "disk_free_gb": round(disk.free / 1e9, 1),
        "disk_used_percent": disk.percent,
        "memory_used_percent": memory.percent,
        "server_memory_mb": round(psutil.Process().memory_info().rss / 1e6, 1),
        "server_uptime_s": round(time.time() - station.started_s),
        "screens": len(station.hub.screens),
    }


def exposition(station: Station, now_s: float, *, sees_heart_rate: bool = True) -> bytes:
    """Return gauges for Prometheus: of the server, of the engine as it reports itself, and the athletes' figures.

    Figures of an athlete disappear when nothing has come for ``SILENT_S``, so that no old number looks like a new one.
    """
    registry = CollectorRegistry()
    told = health(station, now_s)
    values: dict[str, tuple[str, float]] = {
        "up": ("Whether broker and engine can be reached.", float(told["ok"])),
        "broker_connected": ("Whether the broker is connected.", float(told["broker"])),
        "engine_up": ("Whether the engine runs.", float(told["engine"])),
        "screens": ("Connected screens.", len(station.hub.screens)),
        "screen_messages_sent": ("Messages sent to screens since the start.", station.hub.sent),
        "screen_messages_read": ("MQTT messages read since the start.", station.live.messages),
        "screen_messages_refused": ("MQTT messages that could not be used.", station.live.refused),
    }
    for key, value in station.live.engine.items():
        if isinstance(value, int | float) and key.isascii() and key.isidentifier():
            values[f"engine_{key}"] = (f"As the engine reports it: {key}.", float(value))
    for name, (text, value) in values.items():
        Gauge(f"{PREFIX}_{name}", text, registry=registry).set(value)
    _add_devices(registry, station, now_s)
    _add_figures(registry, station, now_s, sees_heart_rate=sees_heart_rate)
    return generate_latest(registry)


def _add_devices(registry: CollectorRegistry, station: Station, now_s: float) -> None:
    age = Gauge(f"{PREFIX}_device_age_seconds", "Since a device's last figures.", ["device"], registry=registry)
    for one in station.live.devices.values():
        if one.arrived_s is not None:
            age.labels(one.device_id).set(now_s - one.arrived_s)


def _add_figures(registry: CollectorRegistry, station: Station, now_s: float, *, sees_heart_rate: bool) -> None:
    """Add a gauge for each single number, with a sample for each athlete who has it."""
    present = [
        one
        for one in station.live.devices.values()
        if one.arrived_s is not None and now_s - one.arrived_s < SILENT_S and one.status != "offline"
    ]
    for figure in NUMBERS.values():
        if tells_of_the_heart(figure) and not sees_heart_rate:
            continue
        found = [
            (one, value) for one in present if (value := clean(one.figures.get(figure.key), figure.digits)) is not None
        ]
        if found:
            unit = f", {figure.unit}" if figure.unit else ""
            gauge = Gauge(f"{PREFIX}_athlete_{figure.key}", f"{figure.label}{unit}.", LABELS, registry=registry)
        for one, value in found:
            name = str(one.figures.get("name") or "")[:LONGEST_NAME]
            box = str(one.figures.get("box") or "")[:LONGEST_NAME]
            gauge.labels(str(one.athlete_id), name, one.device_id, box).set(float(value))
