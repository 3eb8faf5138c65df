"""The state of the live engine, read from the broker."""

from __future__ import annotations

import json
import queue
import time
import uuid
from typing import TYPE_CHECKING, Any, Final

from athlete_monitor.errors import BrokerError, MonitorError
from athlete_monitor.wire.broker import answers
from athlete_monitor.wire.mqtt import MqttLink
from athlete_monitor.wire.topics import ENGINE_STATS, ENGINE_STATUS

if TYPE_CHECKING:
    from collections.abc import Callable

    from athlete_monitor.config import Mqtt

RETAINED_WAIT_S: Final = 1.0
SPARE_S: Final = 1.0
POLL_S: Final = 0.2


def engine_state(settings: Mqtt, stats_interval_s: float) -> dict[str, Any]:
    """Return the engine's status and latest statistics, or ``reason`` if there are none.

    It waits for one interval of the statistics, and only if an engine is online.
    """
    if not answers(settings.host, settings.port):
        return {"reason": f"no broker at {settings.host}:{settings.port}"}
    arrived: queue.Queue[tuple[str, bytes]] = queue.Queue()
    link = MqttLink(
        settings,
        f"status-{uuid.uuid4().hex[:8]}",
        on_message=lambda topic, payload: arrived.put((topic, payload)),
        subscriptions=[(ENGINE_STATUS, 0), (ENGINE_STATS, 0)],
    )
    try:
        link.start(timeout_s=RETAINED_WAIT_S * 3)
    except BrokerError as error:
        return {"reason": str(error)}
    try:
        return _listen(arrived, stats_interval_s)
    finally:
        link.stop()


def wait_for_engine(settings: Mqtt, timeout_s: float, alive: Callable[[], bool]) -> None:
    """Return once an engine is online at the broker.

    Raises:
        MonitorError: it ended, or was not online in time.
    """
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if not alive():
            raise MonitorError("engine: ended before it was ready")
        if _is_online(engine_state(settings, 0).get("status")):
            return
        time.sleep(POLL_S)
    raise MonitorError(f"engine: was not ready within {timeout_s:.0f} s")


def _listen(arrived: queue.Queue[tuple[str, bytes]], stats_interval_s: float) -> dict[str, Any]:
    status = _next(arrived, ENGINE_STATUS, RETAINED_WAIT_S)
    if status is None:
        return {"reason": "the broker answers, but no engine has published its status"}
    if not _is_online(status):
        return {"status": status, "stats": None}
    return {"status": status, "stats": _next(arrived, ENGINE_STATS, stats_interval_s + SPARE_S)}


def _next(arrived: queue.Queue[tuple[str, bytes]], wanted: str, timeout_s: float) -> Any:  # noqa: ANN401 - any JSON
    deadline = time.monotonic() + timeout_s
    while (left := deadline - time.monotonic()) > 0:
        try:
            topic, payload = arrived.get(timeout=left)
        except queue.Empty:
            break
        if topic == wanted:
            return _decode(payload)
    return None


def _decode(payload: bytes) -> Any:  # noqa: ANN401 - any JSON
    try:
        return json.loads(payload)
    except ValueError:
        return payload.decode(errors="replace")


def _is_online(status: object) -> bool:
    said = status.get("status", status.get("state")) if isinstance(status, dict) else status
    return said in {"online", "ready", "running"}
