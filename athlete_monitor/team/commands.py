"""Commands to a team session: the fields of each, and why one is refused.

A command is a mapping ``{"id": …, "do": …, "at": …, …}``; ``COMMANDS`` declares the fields of each kind once.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from athlete_monitor.team.records import PERIOD_KINDS, PITCH_STATES
from athlete_monitor.team.refusals import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FUTURE_S: Final = 5.0
"""A command's moment may be this far ahead, because clocks differ."""
LONGEST_TEXT: Final = 200
LARGEST_ID: Final = 1_000_000
WELLNESS: Final = ("sleep", "fatigue", "soreness", "stress", "mood")
"""The items of a wellness entry, each rated 0 to 10."""
DAY_CODE: Final = re.compile(r"MD(?:[+-]\d{1,2})?", re.ASCII)
_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_DEVICE: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")


class _NotAllowedError(ValueError):
    """A value that a field does not take: the code of the refusal, and what that code needs besides field and value."""

    def __init__(self, code: str, **values: str | float) -> None:
        super().__init__(code)
        self.code, self.values = code, values


@dataclass(frozen=True)
class Command:
    """A valid command. ``at`` is the moment for which it holds, epoch seconds; ``values`` are its other fields."""

    id: str
    do: str
    at: float
    values: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The command as a message, with its moment as a number."""
        return {"id": self.id, "do": self.do, "at": self.at, **self.values}


def _text(value: Any) -> str:  # noqa: ANN401 - of a message
    clean = " ".join(str(value).split()) if isinstance(value, str) else ""
    if not clean or len(clean) > LONGEST_TEXT or not clean.isprintable():
        raise _NotAllowedError("field_text", longest=LONGEST_TEXT)
    return clean


def _text_or_nothing(value: Any) -> str | None:  # noqa: ANN401
    return None if value is None or value == "" else _text(value)


def _identifier(value: Any) -> str:  # noqa: ANN401
    if not isinstance(value, str) or _ID.fullmatch(value) is None:
        raise _NotAllowedError("field_identifier")
    return value


def _device(value: Any) -> str:  # noqa: ANN401
    if not isinstance(value, str) or _DEVICE.fullmatch(value) is None:
        raise _NotAllowedError("field_device")
    return value


def _athlete(value: Any) -> int:  # noqa: ANN401
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LARGEST_ID:
        raise _NotAllowedError("field_athlete", largest=LARGEST_ID)
    return value


def _choice(*allowed: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:  # noqa: ANN401
        if value not in allowed:
            raise _NotAllowedError("field_choice", allowed=", ".join(allowed))
        return str(value)

    return read


def _number(low: float, high: float) -> Callable[[Any], float]:
    def read(value: Any) -> float:  # noqa: ANN401
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not is_number or not low <= value <= high:
            raise _NotAllowedError("field_number", low=low, high=high)
        return float(value)

    return read


def _number_or_nothing(low: float, high: float) -> Callable[[Any], float | None]:
    read = _number(low, high)
    return lambda value: None if value is None else read(value)


def _whose(value: Any) -> dict[str, Any]:  # noqa: ANN401
    if value in {"all", None} if isinstance(value, str | None) else value == {}:
        return {}
    if isinstance(value, dict) and set(value) == {"group"}:
        return {"group": _text(value["group"])}
    if isinstance(value, dict) and set(value) == {"athletes"} and isinstance(value["athletes"], list):
        return {"athletes": sorted({_athlete(each) for each in value["athletes"]})}
    raise _NotAllowedError("field_whose")


def _alarm(value: Any) -> str:  # noqa: ANN401
    return _identifier(value)


def _day_code(value: Any) -> str | None:  # noqa: ANN401
    text = _text_or_nothing(value)
    if text is not None and DAY_CODE.fullmatch(text.upper()) is None:
        raise _NotAllowedError("field_day_code")
    return text.upper() if text else None


@dataclass(frozen=True)
class Key:
    """A field of a command: how its value is read, and whether it is required. Times are read by ``read_time``."""

    read: Callable[[Any], Any] | None
    required: bool = False


_TIME: Final = Key(None)
_PERIOD: Final = Key(_identifier)
_NAME: Final = Key(_text, required=True)
_WHO: Final = Key(_athlete, required=True)

COMMANDS: Final[Mapping[str, Mapping[str, Key]]] = {
    "period_start": {"name": _NAME, "kind": Key(_choice(*PERIOD_KINDS)), "whose": Key(_whose), "period": _PERIOD},
    "period_end": {"period": _NAME},
    "period_edit": {
        "period": _NAME, "name": Key(_text), "kind": Key(_choice(*PERIOD_KINDS)), "whose": Key(_whose),
        "start": _TIME, "end": _TIME, "session": Key(_identifier),
    },
    "period_delete": {"period": _NAME, "session": Key(_identifier)},
    "marker": {"text": _NAME, "athlete": Key(_athlete)},
    "marker_delete": {"marker": Key(_identifier, required=True), "session": Key(_identifier)},
    "pitch": {"athlete": _WHO, "state": Key(_choice(*PITCH_STATES), required=True), "for": Key(_athlete)},
    "assign": {"device": Key(_device, required=True), "athlete": _WHO},
    "session_edit": {
        "session": Key(_identifier), "name": Key(_text_or_nothing), "note": Key(_text_or_nothing),
        "opponent": Key(_text_or_nothing), "day_code": Key(_day_code), "mode": Key(_choice("training", "game")),
    },
    "rpe": {
        "athlete": _WHO, "rpe": Key(_number_or_nothing(0, 10), required=True), "minutes": Key(_number(0, 1440)),
    },
    "wellness": {"athlete": _WHO, **{name: Key(_number(0, 10)) for name in WELLNESS}, "note": Key(_text_or_nothing)},
    "target": {"athlete": _WHO, "figure": _NAME, "value": Key(_number_or_nothing(-1e9, 1e9), required=True)},
    "alarm_ack": {"alarm": Key(_alarm, required=True)},
    "alarm_mute": {"rule": _NAME, "athlete": Key(_athlete), "minutes": Key(_number(0, 1440), required=True)},
}  # fmt: skip
"""The fields of each command other than ``id``, ``do`` and ``at``."""

_EMPTY_MEANS_NOTHING: Final = frozenset({"name", "note", "opponent", "day_code", "value", "end", "rpe"})


def read_command(message: Any, now_t: float, read_time: Callable[[Any], float]) -> Command:  # noqa: ANN401
    """Check a message and return its command.

    Args:
        message: the decoded JSON.
        now_t: the present, epoch seconds: the moment of a command without ``at``.
        read_time: returns epoch seconds of a number or text; raises ValueError.

    Raises:
        RefusedError: the message is not a command; the text says which field is wrong and what is allowed.

    >>> read_command({"id": "1", "do": "marker", "text": "goal"}, 50.0, float)
    Command(id='1', do='marker', at=50.0, values={'text': 'goal'})
    """
    if not isinstance(message, dict):
        raise RefusedError("command_unreadable")
    number, do = _field(message, "id", _identifier), message.get("do")
    keys = COMMANDS.get(do) if isinstance(do, str) else None
    if keys is None:
        raise RefusedError("command_unknown", value=_short(do), allowed=", ".join(COMMANDS))
    unknown = [name for name in message if name not in {"id", "do", "at", *keys}]
    if unknown:
        raise RefusedError("field_unknown", do=str(do), value=_short(unknown[0]), allowed=", ".join(keys))
    at = now_t if message.get("at") is None else _field(message, "at", read_time)
    if at > now_t + FUTURE_S:
        raise RefusedError("time_in_future", ahead_s=round(at - now_t))
    values = {name: _value(message, name, key, read_time) for name, key in keys.items() if _given(message, name)}
    missing = [name for name, key in keys.items() if key.required and name not in values]
    if missing:
        raise RefusedError("field_missing", do=str(do), field=missing[0])
    return Command(number, str(do), float(at), values)


def _given(message: Mapping[str, Any], name: str) -> bool:
    return name in message and (message[name] is not None or name in _EMPTY_MEANS_NOTHING)


def _value(message: Mapping[str, Any], name: str, key: Key, read_time: Callable[[Any], float]) -> Any:  # noqa: ANN401
    if name == "end" and message[name] is None:
        return None
    return _field(message, name, key.read or read_time)


def _field(message: Mapping[str, Any], name: str, read: Callable[[Any], Any]) -> Any:  # noqa: ANN401
    try:
        return read(message.get(name))
    except _NotAllowedError as error:
        raise RefusedError(error.code, field=name, value=_short(message.get(name)), **error.values) from None
    except (ValueError, TypeError, OverflowError) as error:
        raise RefusedError("field_time", field=name, value=_short(message.get(name)), reason=str(error)) from None


def _short(value: Any) -> str:  # noqa: ANN401
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}…"
