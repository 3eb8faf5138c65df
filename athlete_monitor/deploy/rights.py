"""The table of who may read and write which topic; Mosquitto's access rights and their check are made from it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from athlete_monitor.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Role = Literal["engine", "coach", "viewer", "device"]
ROLES: Final[tuple[Role, ...]] = ("engine", "coach", "viewer", "device")
PEOPLE: Final = ("engine", "coach", "viewer")
"""Accounts that exist once; every device has its own."""

_MAC: Final = re.compile(r"[0-9A-Fa-f]{12}")


@dataclass(frozen=True)
class Right:
    """A group of topics and the roles that may read and write them. ``{device}`` is the device's own id, else ``+``."""

    topic: str
    read: tuple[Role, ...]
    write: tuple[Role, ...]


_WATCH: Final[tuple[Role, ...]] = ("engine", "coach", "viewer")

RIGHTS: Final = (
    Right("player/{device}/sensor/data", ("engine",), ("engine", "device")),
    Right("sensor/data", ("engine",), ("engine",)),
    Right("player/{device}/link", _WATCH, ("engine", "device")),
    Right("phone/{device}", ("engine",), ("engine", "device")),
    Right("phone/{device}/joins", ("engine",), ("engine",)),
    Right("strap/{device}", ("engine",), ("engine",)),
    Right("owntracks/{device}/phone", ("engine",), ("engine", "device")),
    Right("player/{device}/metrics", _WATCH, ("engine",)),
    Right("player/{device}/events", _WATCH, ("engine",)),
    Right("player/{device}/session", _WATCH, ("engine",)),
    Right("player/{device}/status", _WATCH, ("engine",)),
    Right("engine/status", _WATCH, ("engine",)),
    Right("engine/stats", _WATCH, ("engine",)),
    Right("models/{device}/updated", ("engine",), ("engine",)),
    Right("team/control", ("engine",), ("engine", "coach")),
    Right("team/control/result", ("engine", "coach"), ("engine",)),
    Right("team/state", _WATCH, ("engine",)),
    Right("team/events", _WATCH, ("engine",)),
)
"""The engine's account serves the engine, the trainer, the bridges and the simulator on the box. ``sensor/data``, whose
sender names itself in the payload, is closed to devices: one could pose as another there."""


BRIDGED: Final = (
    ("player/+/metrics", 0), ("player/+/events", 1), ("player/+/session", 1), ("player/+/status", 1),
    ("player/+/link", 1), ("engine/status", 1), ("engine/stats", 0), ("team/state", 1), ("team/events", 1),
)  # fmt: skip
"""What a bridge passes on to a club: what viewers may read, with the quality of service."""
SAMPLES: Final = (("player/+/sensor/data", 1), ("sensor/data", 1))
"""What sensors send, passed on where that is asked for."""


def access_file(devices: Sequence[str], prefix: str = "", discovery: str | None = None) -> str:
    """Return Mosquitto's file of access rights; only listed rights are granted.

    Args:
        devices: ids of the devices, which are their user names.
        prefix: what ``mqtt.topic_prefix`` puts in front of every topic.
        discovery: Home Assistant's discovery prefix, where athletes are announced to it; it logs in as a viewer.

    Raises:
        ConfigError: a device has the name of an account.
    """
    lines = ["# Written by jetson_deploy.py setup --secure from its table of rights. Nothing else is allowed."]
    for role in PEOPLE:
        lines += ["", f"user {role}", *(f"topic {kind} {prefix}{topic}" for kind, topic in _of(role, "+"))]
        lines += [] if discovery is None else [f"topic {right}" for right in _discovery(role, discovery)]
    for device in devices:
        if device in PEOPLE:
            raise ConfigError(f"device {device!r}: this name belongs to an account of the broker; rename the device")
        lines += ["", f"user {device}"]
        lines += [f"topic {kind} {prefix}{topic}" for name in _spellings(device) for kind, topic in _of("device", name)]
    return "\n".join(lines) + "\n"


def may(role: Role, right: Right) -> tuple[bool, bool]:
    """Return whether the role may read and may write these topics."""
    return role in right.read, role in right.write


def _of(role: Role, device: str) -> Iterator[tuple[str, str]]:
    kinds = {(True, True): "readwrite", (True, False): "read", (False, True): "write"}
    for right in RIGHTS:
        kind = kinds.get(may(role, right))
        if kind is not None:
            yield kind, right.topic.format(device=device)


def _discovery(role: Role, prefix: str) -> list[str]:
    """Return what the engine needs to announce athletes, and Home Assistant to find them and to report itself."""
    if role == "engine":
        return [f"write {prefix}/device/+/config"]
    return [f"read {prefix}/#", f"write {prefix}/status"] if role == "viewer" else []


def _spellings(device: str) -> list[str]:
    """Return the spellings of a device's own id in a topic: a MAC address may have colons."""
    if not _MAC.fullmatch(device):
        return [device]
    return [device, ":".join(device[place : place + 2] for place in range(0, 12, 2))]
