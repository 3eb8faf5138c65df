"""What is known of the squad at this moment, from the messages that the engine publishes.

No socket and no clock in here: topics, payloads and times come in, plain records for the screens go out.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec

from athlete_monitor.arguments import DEVICE_PATTERN
from athlete_monitor.athletes import Roster
from athlete_monitor.dashboard.columns import COLUMNS, clean, row
from athlete_monitor.dashboard.history import KEPT_S, KEPT_S_OF_MANY, SQUAD, RecentSeconds
from athlete_monitor.wire import topics

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from athlete_monitor.arrays import FloatArray
    from athlete_monitor.athletes import Athlete

MAX_DEVICES: Final = 2000
LONGEST_NAME: Final = 80
SENDING_S: Final = 10.0
"""A device sends as long as its last figures are no older than this."""
_EVENTS_KEPT: Final = 200
WEAK_BATTERY_PERCENT: Final = 20
"""Below this a device's battery is shown on its tile."""
_DEVICE: Final = re.compile(DEVICE_PATTERN)
_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True)
class LinkHealth:
    """Battery and signal of a device, as its bridge publishes them; None for what it does not say."""

    battery_percent: float | None = None
    signal_dbm: float | None = None
    contact: bool | None = None
    state: str | None = None
    reason: str | None = None
    t_s: float | None = None
    """When the bridge published it, epoch seconds: after half a minute the bridge itself has gone."""

    @property
    def weak(self) -> int | None:
        """The battery in whole percent where it must be changed soon."""
        battery = self.battery_percent
        return round(battery) if battery is not None and battery < WEAK_BATTERY_PERCENT else None


def read_link(document: Mapping[str, Any]) -> LinkHealth:
    """Return what a message of ``player/{device}/link`` says; what is not of the right kind is left out.

    >>> read_link({"battery_percent": 12.0, "rssi_dbm": -71, "contact": True, "state": 5, "reason": "out of range"})
    LinkHealth(battery_percent=12.0, signal_dbm=-71, contact=True, state=None, reason='out of range', t_s=None)
    """
    contact = document.get("contact")
    return LinkHealth(
        battery_percent=_within(document.get("battery_percent"), 0, 100),
        signal_dbm=_within(document.get("rssi_dbm"), -200, 20),
        contact=contact if isinstance(contact, bool) else None,
        state=_text(document.get("state")),
        reason=_text(document.get("reason")),
        t_s=_within(document.get("t_s"), 0, 1e11),
    )


@dataclass
class LiveDevice:
    """The newest of one device."""

    device_id: str
    track: RecentSeconds
    figures: dict[str, Any] = field(default_factory=dict)
    row: list[float | int | str | None] = field(default_factory=list)
    arrived_s: float | None = None
    status: str = "silent"
    summary: dict[str, Any] | None = None

    @property
    def athlete_id(self) -> int:
        """Who wears it, by the last message; 0 where nobody is known."""
        return _whole(self.figures.get("athlete_id"))


class Live:
    """Follows the engine's messages.

    Args:
        roster: who the athletes are; replace it with ``use_roster`` when the file changes.
    """

    def __init__(self, roster: Roster | None = None) -> None:
        self.seq = 0
        self.devices: dict[str, LiveDevice] = {}
        self.links: dict[str, LinkHealth] = {}
        self.team: dict[str, Any] = {}
        self.engine: dict[str, Any] = {}
        self.engine_online: bool | None = None
        self.engine_heard_s: float | None = None
        self.league: dict[str, Any] = {}
        self.league_heard_s: float | None = None
        self.events: deque[dict[str, Any]] = deque(maxlen=_EVENTS_KEPT)
        self.revision = 0
        self.refused = 0
        self.messages = 0
        self._roster = roster or Roster()
        self.hidden: frozenset[int] = frozenset()
        self.use_roster(self._roster)

    def is_sending(self, now_s: float) -> bool:
        """Whether figures of any device have come within ``SENDING_S``."""
        return any(one.arrived_s is not None and now_s - one.arrived_s < SENDING_S for one in self.devices.values())

    def use_roster(self, roster: Roster) -> None:
        """Take another roster; athletes without consent disappear at once."""
        self._roster = roster
        self.hidden = frozenset(one.id for one in roster if not getattr(one, "consent", True))
        self.devices = {key: one for key, one in self.devices.items() if one.athlete_id not in self.hidden}
        self.revision += 1

    def take(self, topic: str, payload: bytes, now_s: float) -> str:
        """Read a message; return what kind it was, or ``""`` where it cannot be used.

        Whatever a message holds, it never raises: a bad one is counted in ``refused``.
        """
        self.messages += 1
        kind, device_id = _kind_of(topic)
        reader = self._READERS.get(kind)
        try:
            document = _decode(payload)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            document = None
        usable = isinstance(document, dict) and reader is not None
        if not usable or (device_id is not None and not _DEVICE.fullmatch(device_id)):
            self.refused += 1
            return ""
        assert reader is not None  # noqa: S101 - usable
        return kind if reader(self, device_id or "", document, now_s) else ""

    def frame(self, now_s: float) -> dict[str, Any]:
        """Return the next second of all devices."""
        self.seq += 1
        return self.present(now_s)

    def present(self, now_s: float) -> dict[str, Any]:
        """Return the newest values of all devices, and how old they are by the box's own clock."""
        rows = [
            [one.device_id, round(now_s - one.arrived_s, 1), clean(one.figures.get("t_s"), 1), one.status, *one.row]
            for one in self.devices.values()
            if one.arrived_s is not None
        ]
        return {"kind": "frame", "seq": self.seq, "now": round(now_s, 3), "rows": rows}

    def fill(self, device_id: str, t: Sequence[int], values: FloatArray) -> None:
        """Put earlier seconds [n], values [len(COLUMNS), n], before what a device has sent since this server runs."""
        one = self.devices.get(device_id)
        if one is not None:
            one.track.fill(t, values)

    def squad(self) -> dict[str, Any]:
        """Return who there is: devices that have sent, and athletes of the roster that have not."""
        seen = {one.athlete_id for one in self.devices.values()} - {0}
        people = [self._person(one) for one in self.devices.values()]
        waiting = [one for one in self._roster if one.id not in seen | self.hidden and one.device not in self.devices]
        people += [_described({"key": one.device, "athlete_id": one.id, "device": one.device}, one) for one in waiting]
        return {"kind": "squad", "revision": self.revision, "athletes": people}

    def history(self, after: int, columns: tuple[int, ...]) -> dict[str, Any]:
        """Return the seconds of all devices after a frame: ``{device: {"t": [...], "values": [[...], ...]}}``."""
        found = {}
        for one in self.devices.values():
            t, values = one.track.since(after, columns)
            found[one.device_id] = {"t": t, "values": [nulls(line.tolist(), 2) for line in values]}
        return {"seq": self.seq, "devices": found}

    def _person(self, one: LiveDevice) -> dict[str, Any]:
        told = {
            "key": one.device_id,
            "athlete_id": one.athlete_id,
            "device": one.device_id,
            "name": _text(one.figures.get("name")),
            "mode": _text(one.figures.get("mode")),
            "session_id": _text(one.figures.get("session_id")),
            "weak_battery": self.links[one.device_id].weak if one.device_id in self.links else None,
        }
        return _described(told, self._roster.by_id(one.athlete_id) or self._roster.by_device(one.device_id))

    def _device(self, device_id: str) -> LiveDevice | None:
        known = self.devices.get(device_id)
        if known is None and len(self.devices) < MAX_DEVICES:
            seconds = KEPT_S if len(self.devices) < SQUAD else KEPT_S_OF_MANY
            known = self.devices[device_id] = LiveDevice(device_id, RecentSeconds(len(COLUMNS), seconds))
            self.revision += 1
        return known

    def _metrics(self, device_id: str, figures: dict[str, Any], now_s: float) -> bool:
        if self._hides(figures):
            return False
        one = self._device(device_id)
        if one is None:
            return False
        known = one.figures
        if any(known.get(key) != figures.get(key) for key in ("athlete_id", "name", "mode", "session_id")):
            self.revision += 1
        one.figures, one.arrived_s, one.status = figures, now_s, "online"
        one.row = row(COLUMNS, figures)
        t = clean(figures.get("t_s"), 0)
        one.track.add(int(t) if isinstance(t, int | float) else int(now_s), self.seq + 1, one.row)
        return True

    def _status(self, device_id: str, document: dict[str, Any], _now_s: float) -> bool:
        one = self.devices.get(device_id)
        status = document.get("status")
        if one is None or not isinstance(status, str) or status not in {"online", "stale", "offline"}:
            return False
        one.status = status
        return True

    def _link(self, device_id: str, document: dict[str, Any], _now_s: float) -> bool:
        known, link = self.links.get(device_id, LinkHealth()), read_link(document)
        if device_id not in self.links and len(self.links) >= MAX_DEVICES:
            return False
        self.links[device_id] = link
        self.revision += known.weak != link.weak
        return True

    def _session(self, device_id: str, document: dict[str, Any], _now_s: float) -> bool:
        one = self.devices.get(device_id)
        if one is not None:
            one.summary = document
        return one is not None

    def _event(self, device_id: str, document: dict[str, Any], now_s: float) -> bool:
        if self._hides(document):
            return False
        kept = ("kind", "athlete_id", "name", "t_s", "peak_g", "band", "alert")
        self.events.append({"device": device_id, "arrived": now_s} | {key: document.get(key) for key in kept})
        return True

    def _team_state(self, _device_id: str, document: dict[str, Any], _now_s: float) -> bool:
        ratings = document.get("ratings")
        if isinstance(ratings, list):
            document["ratings"] = [one for one in ratings if isinstance(one, dict) and not self._hides(one)]
        self.team = document
        return True

    def _hides(self, document: Mapping[str, Any]) -> bool:
        return _whole(document.get("athlete_id")) in self.hidden

    def _engine_status(self, _device_id: str, document: dict[str, Any], _now_s: float) -> bool:
        self.engine_online = document.get("status") == "online"
        return True

    def _engine_stats(self, _device_id: str, document: dict[str, Any], now_s: float) -> bool:
        self.engine, self.engine_heard_s, self.engine_online = document, now_s, True
        return True

    def _league_state(self, _device_id: str, document: dict[str, Any], now_s: float) -> bool:
        self.league, self.league_heard_s = document, now_s
        return True

    def _passed_on(self, _device_id: str, _document: dict[str, Any], _now_s: float) -> bool:
        return True

    _READERS: Final[Mapping[str, Callable[[Live, str, dict[str, Any], float], bool]]] = {
        "metrics": _metrics,
        "events": _event,
        "session": _session,
        "status": _status,
        "link": _link,
        "team/state": _team_state,
        "team/events": _passed_on,
        "team/control/result": _passed_on,
        "engine/status": _engine_status,
        "engine/stats": _engine_stats,
        topics.LEAGUE_STATE: _league_state,
    }


def nulls(values: list[float], decimals: int) -> list[float | None]:
    """Return rounded values, None for NaN.

    >>> nulls([1.234, float("nan")], 1)
    [1.2, None]
    """
    return [None if value != value else round(value, decimals) for value in values]  # noqa: PLR0124 - NaN


def _kind_of(topic: str) -> tuple[str, str | None]:
    """Return the kind of a topic and the device it names.

    >>> _kind_of("player/007/metrics"), _kind_of("team/state")
    (('metrics', '007'), ('team/state', None))
    """
    parts = topic.split("/")
    if len(parts) == 3 and parts[0] == "player":
        return parts[2], parts[1]
    return topic, None


def _described(told: dict[str, Any], athlete: Athlete | None) -> dict[str, Any]:
    """Add what the roster knows."""
    if athlete is not None:
        for key in ("number", "position", "group"):
            told[key] = getattr(athlete, key, None)
        told["name"] = athlete.name or told.get("name")
    if not told.get("name"):
        told["name"] = f"Athlete {told['athlete_id']}" if told["athlete_id"] else f"Device {told['device']}"
    return told


def _text(value: object) -> str | None:
    return value[:LONGEST_NAME] if isinstance(value, str) else None


def _within(value: object, low: float, high: float) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if low <= value <= high else None


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
