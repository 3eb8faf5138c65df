"""Values of roster keys as people type them, in a command or in a table."""

from __future__ import annotations

import re
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

KEYS: Final = ("id", "device", "name", "number", "position", "group", "strap", "available", "consent", "sex",
               "birth_date", "age", "weight_kg", "height_cm", "hr_max_bpm", "hr_rest_bpm")  # fmt: skip
"""Keys of an athlete that one cell or word can hold."""
LIMIT_KEYS: Final = ("lt1_bpm", "lt2_bpm", "threshold_bpm", "max_speed_mps", "speed_bands_mps", "speed_bands_percent",
                     "acceleration_bands_mps2", "heart_rate_zones")  # fmt: skip
"""Keys of limits, which are valid from a day."""

_YES: Final = frozenset({"true", "yes", "y", "1", "ja", "oui", "si", "sí"})
_NO: Final = frozenset({"false", "no", "n", "0", "nein", "non"})
_SEXES: Final = {"m": "male", "male": "male", "man": "male", "f": "female", "female": "female", "w": "female",
                 "woman": "female"}  # fmt: skip
_YEAR_FIRST: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_DAY_FIRST: Final = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", re.ASCII)


def value_of(key: str, text: str) -> Any:  # noqa: ANN401 - of the key
    """Return the value of ``text`` for a key of the roster; None if it is empty.

    Raises:
        ValueError: the text is not such a value; the message says what is expected.

    >>> value_of("weight_kg", "61,5"), value_of("number", "07"), value_of("birth_date", "9.4.2001")
    (61.5, 7, datetime.date(2001, 4, 9))
    >>> value_of("heart_rate_zones", "bpm:142,171")
    {'bpm': [142, 171]}
    """
    text = text.strip()
    return _READERS[key](text) if text else None


def _whole(text: str) -> int:
    if not re.fullmatch(r"#?\d{1,7}", text):
        raise ValueError(f"{text!r} is not a whole number")
    return int(text.lstrip("#"))


def _number(text: str) -> float | int:
    if not re.fullmatch(r"[+-]?\d+(?:[.,]\d+)?", text):
        raise ValueError(f"{text!r} is not a number")
    value = float(text.replace(",", "."))
    return int(value) if value.is_integer() else value


def _flag(text: str) -> bool:
    if text.lower() not in _YES | _NO:
        raise ValueError(f"{text!r} is not yes or no")
    return text.lower() in _YES


def _sex(text: str) -> str:
    if text.lower() not in _SEXES:
        raise ValueError(f"{text!r} is not male or female")
    return _SEXES[text.lower()]


def date_of(text: str) -> date:
    """Return the day that a text names.

    Raises:
        ValueError: it names none; the message says what is expected.

    >>> date_of("2001-05-31") == date_of("31.5.2001")
    True
    """
    day_first = _DAY_FIRST.fullmatch(text)
    try:
        if day_first:
            return date(int(day_first[3]), int(day_first[2]), int(day_first[1]))
        if _YEAR_FIRST.fullmatch(text):  # newer versions of Python would read other forms too
            return date.fromisoformat(text)
    except ValueError:
        pass  # the 31st of June
    raise ValueError(f"{text!r} is not a date such as 2001-05-31 or 31.5.2001")


def day_of(given: object) -> object:
    """Return a date in quotes, or with its day first, as a date; anything else as it is."""
    return date_of(given.strip()) if isinstance(given, str) else given


def _list(text: str) -> list[float | int]:
    return [_number(part.strip()) for part in re.split(r"[;,]", text.strip("[] "))]


def _zones(text: str) -> dict[str, list[float | int]]:
    unit, colon, limits = text.partition(":")
    if not colon:
        raise ValueError(f"{text!r} is not a unit and limits such as percent_of_max:50,60,70,80,90 or bpm:142,171")
    return {unit.strip(): _list(limits)}


_READERS: Final[Mapping[str, Callable[[str], Any]]] = MappingProxyType(
    {
        **dict.fromkeys(("device", "name", "position", "group", "strap"), str),
        **dict.fromkeys(("id", "number"), _whole),
        **dict.fromkeys(("available", "consent"), _flag),
        **dict.fromkeys(("age", "weight_kg", "height_cm", "hr_max_bpm", "hr_rest_bpm"), _number),
        **dict.fromkeys(("lt1_bpm", "lt2_bpm", "threshold_bpm", "max_speed_mps"), _number),
        **dict.fromkeys(("speed_bands_mps", "speed_bands_percent", "acceleration_bands_mps2"), _list),
        "sex": _sex,
        "birth_date": date_of,
        "heart_rate_zones": _zones,
    }
)
