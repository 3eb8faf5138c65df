"""The squads as seen at their brokers: what each engine publishes about itself, and whether its box sends."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec

from athlete_monitor.wire import topics

if TYPE_CHECKING:
    from collections.abc import Iterable

BOX_STATE: Final = "bridge/state"
"""1 while a box's bridge is connected, 0 else, retained: written by Mosquitto's bridge (``deploy/bridging.py``)."""
KINDS: Final = ((topics.ENGINE_STATUS, 1), (topics.ENGINE_STATS, 0), (topics.TEAM_STATE, 1), (BOX_STATE, 1))
FRESH_S: Final = 45.0
"""An engine's figures are valid for so long, s: three of its intervals, and some."""
_decode: Final = msgspec.json.Decoder().decode


@dataclass
class Seen:
    """The newest of one squad."""

    stats: dict[str, Any] = field(default_factory=dict)
    stats_s: float = float("-inf")
    is_online: bool | None = None
    alarms: int | None = None
    has_link: bool | None = None
    sent_s: float | None = None


class WatchedSquads:
    """Follows the engines' messages. No socket and no clock: topics, payloads and times come in.

    Args:
        prefixes: topic prefix of each squad.

    Example:
        >>> watched = WatchedSquads({"reds": "league/reds/"})
        >>> watched.take("league/reds/engine/stats", b'{"online": 12, "messages_per_s": 120.0}', 100.0)
        True
        >>> tile = watched.tile("reds", 101.0)
        >>> tile["athletes_live"], tile["box"], tile["alarms"]
        (12, 'sending', None)
        >>> watched.tile("reds", 200.0)["athletes_live"]
    """

    def __init__(self, prefixes: dict[str, str]) -> None:
        self._squads = {prefix: squad for squad, prefix in prefixes.items()}
        self._seen = {squad: Seen() for squad in prefixes}
        self.refused = 0

    def take(self, topic: str, payload: bytes, now_s: float) -> bool:
        """Read a message; return whether it could be used. A bad one is counted and changes nothing."""
        for kind, _ in KINDS:
            squad = self._squads.get(topic.removesuffix(kind)) if topic.endswith(kind) else None
            if squad is not None:
                used = self._read(self._seen[squad], kind, payload, now_s)
                self.refused += not used
                return used
        self.refused += 1
        return False

    def tile(self, squad: str, now_s: float) -> dict[str, Any]:
        """Return what is known of a squad; null where nothing current is known."""
        seen = self._seen[squad]
        fresh = now_s - seen.stats_s < FRESH_S
        stats = seen.stats if fresh else {}
        return {
            "engine_online": seen.is_online,
            "athletes_live": _whole(stats.get("online")),
            "athletes_stale": _whole(stats.get("stale")),
            "alarms": seen.alarms,
            "samples_per_s": _number(stats.get("samples_per_s")),
            "lag_p99_ms": _number(stats.get("lag_p99_ms")),
            "overflowed": _whole(stats.get("overflowed")),
            "lost": _whole(stats.get("lost")),
            "box": _box(seen, fresh=fresh),
            "box_silent_s": None if seen.sent_s is None else round(max(0.0, now_s - seen.sent_s), 1),
        }

    def _read(self, seen: Seen, kind: str, payload: bytes, now_s: float) -> bool:
        if kind == BOX_STATE:
            seen.has_link = {b"1": True, b"0": False}.get(payload)
            return seen.has_link is not None
        try:
            document = _decode(payload)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return False
        if not isinstance(document, dict):
            return False
        if kind == topics.ENGINE_STATUS:
            seen.is_online = document.get("status") == "online"
        elif kind == topics.TEAM_STATE:
            alarms = document.get("alarms")
            seen.alarms = len(alarms) if isinstance(alarms, list) else None
        else:
            seen.stats, seen.stats_s = document, now_s
            seen.sent_s = now_s if (_number(document.get("messages_per_s")) or 0.0) > 0.0 else seen.sent_s
        return True


def subscriptions(prefixes: Iterable[str]) -> list[tuple[str, int]]:
    """Return the topics of some squads, with the QoS of each.

    >>> subscriptions(["league/reds/"])[0]
    ('league/reds/engine/status', 1)
    """
    return [(f"{prefix}{kind}", qos) for prefix in prefixes for kind, qos in KINDS]


def _box(seen: Seen, *, fresh: bool) -> str:
    """Whether a squad's box sends: ``sending``, ``silent``, ``no link`` as its bridge reports, or ``unknown``."""
    if seen.has_link is False:
        return "no link"
    if not fresh:
        return "unknown"
    return "sending" if (_number(seen.stats.get("messages_per_s")) or 0.0) > 0.0 else "silent"


def _number(value: object) -> float | None:
    usable = isinstance(value, int | float) and not isinstance(value, bool) and value == value  # noqa: PLR0124 - NaN
    return float(value) if usable else None  # type: ignore[arg-type]


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
