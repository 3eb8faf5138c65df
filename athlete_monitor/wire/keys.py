"""The keys of a message other than channels: one row per key, used by the decoder and ``docs/inputs.md``.

>>> [key.name for key in KEYS if key.level == "sample"]
['timestamp', 'seq', 'rr_intervals_ms']
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, get_args

from msgspec import Meta

from athlete_monitor.channels import RR_ALIASES, RR_KEY, RR_LIMITS_MS

Level = Literal["message", "sample", "tag", "profile"]

DEVICE_ID: Final = r"\A[A-Za-z0-9_-]{1,32}\Z"
MAC_ADDRESS: Final = r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}"
LONGEST_TEXT: Final = 64
LARGEST_ATHLETE_ID: Final = 1_000_000

_Text = Annotated[str, Meta(max_length=LONGEST_TEXT)]
_Device = Annotated[str, Meta(pattern=rf"\A(?:[A-Za-z0-9_-]{{1,32}}|{MAC_ADDRESS})\Z")]


@dataclass(frozen=True)
class Key:
    """One key.

    Attributes:
        name: the key.
        level: where it is allowed: once per ``message``; in each ``sample`` of a batch too; a ``tag`` in both, where a
            sample without tags gets the message's; or in the athlete's ``profile``, once per message.
        kind: the type that the decoder checks; null is always accepted and means "not given".
        allowed: the type in words.
        meaning: one line for the documents.
        aliases: other keys that can mean nothing else.
    """

    name: str
    level: Level
    kind: Any
    allowed: str
    meaning: str
    aliases: tuple[str, ...] = ()


KEYS: Final = (
    Key(
        "device_id",
        "message",
        _Device,
        "text of 1 to 32 letters, digits, `_` or `-`; or a MAC address, whose colons are dropped",
        "the sending device; must agree with the topic. Required",
        ("deviceId",),
    ),
    Key(
        "timestamp",
        "sample",
        str | float,
        "`2026-01-01 10:00:00.250` (local time of the box), ISO 8601 with `Z` or an offset, or epoch seconds",
        "when the sample was taken, by the device's clock. Required in every sample",
        ("time", "ts", "timeStamp", "time_stamp"),
    ),
    Key(
        "seq",
        "sample",
        Annotated[int, Meta(ge=0, le=2**53)],
        "whole number from 0",
        "running number of the device's samples: reveals loss, duplicates and wrong order. "
        "In a batch, the message's number is that of its first sample",
        ("sequence", "sequence_number"),
    ),
    Key(
        RR_KEY,
        "sample",
        tuple[float | None, ...],
        f"list of numbers, {RR_LIMITS_MS[0]:g} to {RR_LIMITS_MS[1]:g} ms each",
        "intervals of the heartbeats since the previous sample; those out of range are ignored",
        (*RR_ALIASES, "rrIntervalsMs"),
    ),
    Key(
        "athlete_id",
        "message",
        Annotated[int, Meta(ge=1, le=LARGEST_ATHLETE_ID)],
        f"whole number from 1 to {LARGEST_ATHLETE_ID:,}".replace(",", " "),
        "the athlete who wears the device; used only for devices that are not in the roster",
        ("athleteId", "player_id", "playerId"),
    ),
    Key("event", "message", _Text, "`end`", "ends the device's session; other words are ignored"),
    Key("age", "profile", Annotated[float, Meta(ge=5, le=100)], "5 to 100 years", "the roster has priority"),
    Key(
        "weight",
        "profile",
        Annotated[float, Meta(ge=20, le=250)],
        "20 to 250 kg",
        "the roster has priority",
        ("weight_kg",),
    ),
    Key(
        "height",
        "profile",
        Annotated[float, Meta(ge=90, le=250)],
        "90 to 250 cm",
        "the roster has priority",
        ("height_cm",),
    ),
    Key(
        "gender",
        "profile",
        int | Literal["Male", "Female", "male", "female", "M", "F", "m", "f"],
        "`Male`, `M` or 1, `Female`, `F` or 0",
        "the roster has priority",
        ("sex",),
    ),
    Key("session_phase", "tag", _Text, "text", "which part of the session it is", ("sessionPhase",)),
    Key("intensity_level", "tag", _Text, "text", "how hard it is meant to be", ("intensityLevel",)),
    Key("mode", "tag", Literal["training", "game"], "`training` or `game`", "what kind of session it is"),
    Key("position", "tag", _Text, "text", "the player's position in a game"),
    Key("playing_style", "tag", _Text, "text", "the player's style in a game", ("playingStyle",)),
    Key("fitness_level", "tag", float, "number", "the sender's own scale", ("fitnessLevel",)),
    Key("fatigue_rate", "tag", float, "number", "the sender's own scale", ("fatigueRate",)),
    Key("source", "tag", _Text, "text", "source of the samples; `simulated` marks samples that were not measured"),
)


def limits(name: str) -> tuple[float, float]:
    """Return the smallest and largest value of a numeric key.

    >>> limits("weight")
    (20, 250)
    """
    [key] = [key for key in KEYS if key.name == name]
    [bounds] = get_args(key.kind)[1:]
    return bounds.ge, bounds.le


def of(*levels: Level) -> tuple[Key, ...]:
    """Return the keys of these levels, in order."""
    return tuple(key for key in KEYS if key.level in levels)
