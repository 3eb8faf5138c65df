"""Records of the archive; those of a team session are in ``athlete_monitor.team.records``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class DeviceSession:
    """One session of one device. ``number`` is what the archive's other methods call ``session``.

    ``start_t`` and ``end_t`` are epoch seconds by the device's clock; ``end_t`` is None while the session runs.
    ``summary`` is the message of ``player/{device}/session``, None while the session runs.
    """

    number: int
    session_id: str
    device_id: str
    athlete_id: int
    start_t: float
    end_t: float | None
    team_session: str | None
    name: str | None
    load_trimp: float | None
    summary: dict[str, Any] | None


@dataclass(frozen=True)
class Event:
    """An impact, an alarm or another event of a session; ``body`` is the message of ``player/{device}/events``."""

    t: float
    kind: str
    body: dict[str, Any]
