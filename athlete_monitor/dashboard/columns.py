"""Which figures travel to the screens every second, and how a value becomes safe to send."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from athlete_monitor.catalogue import FIGURES
from athlete_monitor.figures import rounded
from athlete_monitor.physiology.chronic import CHRONIC

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athlete_monitor.figures import Figure

LONGEST_TEXT: Final = 40
"""Characters of a figure that is a text; longer ones are cut."""
_OF_THE_HEART: Final = re.compile(
    r"(^|_)(heart|hr|hrv|hrr|rr|rmssd|trimp|vo2max|stress|strap|model|baevsky|zone|zones|energy|recovery|training_load|"
    r"decoupling|efficiency|lt1|lt2|bpm|kcal|kj|targets?)(_|$)"
)
"""Keys of heart-rate figures, independent of their inputs; it is better to hide one too many than one too few."""
_HEART_INPUTS: Final = re.compile(r"^(heart_rate|hr_|strap|model|rr_)")
IDENTITY: Final = frozenset({"device_id", "athlete_id", "name", "session_id", "mode", "timestamp", "t_s", "elapsed_s"})
"""Keys of a message that say whose and when."""


@dataclass(frozen=True)
class ScreenColumn:
    """One figure as the screens receive it: ``decimals`` None for a text."""

    key: str
    decimals: int | None
    heart_rate: bool
    """Derived from the heart, and hidden from those who may not see it."""


def tells_of_the_heart(figure: Figure) -> bool:
    """Return whether a figure is derived from the heart rate.

    >>> tells_of_the_heart(FIGURES["trimp"]), tells_of_the_heart(FIGURES["distance_m"])
    (True, False)
    """
    needs_it = any(_HEART_INPUTS.match(need) for need in figure.needs)
    return needs_it or figure in CHRONIC or _OF_THE_HEART.search(figure.key) is not None


def clean(value: object, decimals: int | None) -> float | int | str | None:
    """Return a value that a screen can show; None for anything else.

    >>> clean(71.23456, 1), clean(3, 0), clean(True, 0), clean(float("nan"), 1), clean({"a": 1}, 1)
    (71.2, 3, None, None, None)
    >>> clean(132.5, 0), clean(6.25, 1)
    (133, 6.3)
    >>> clean("sensor", None), clean(5.0, None)
    ('sensor', None)
    """
    if decimals is None:
        return value[:LONGEST_TEXT] if isinstance(value, str) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    shown = rounded(value, decimals)
    return shown if decimals else int(shown)


def row(columns: tuple[ScreenColumn, ...], figures: Mapping[str, Any]) -> list[float | int | str | None]:
    """Return the values of the columns, in their order."""
    return [clean(figures.get(column.key), column.decimals) for column in columns]


def _column(figure: Figure) -> ScreenColumn:
    return ScreenColumn(figure.key, figure.decimals if figure.is_number else None, tells_of_the_heart(figure))


COLUMNS: Final = tuple(
    _column(figure)
    for figure in FIGURES.values()
    if figure.scope != "summary" and (figure.is_number or figure.kind == "text")
)
"""Every figure of a moment or of the session so far that is one number or a text."""
PLACES: Final = {column.key: place for place, column in enumerate(COLUMNS)}
HEART_RATE_PLACES: Final = tuple(place for place, column in enumerate(COLUMNS) if column.heart_rate)
DECIMALS: Final = {figure.key: min(figure.decimals + 1, 3) for figure in FIGURES.values() if figure.is_number}
"""Of curves: one more than people read, so that lines are smooth."""
CURVES: Final = frozenset(column.key for column in COLUMNS if column.decimals is not None)
"""Figures that have a curve: texts have none."""
MOST_CURVES: Final = 12
HEART_RATE_KEYS: Final = frozenset(key for key, figure in FIGURES.items() if tells_of_the_heart(figure))
_PUBLIC_KEYS: Final = IDENTITY | (frozenset(FIGURES) - HEART_RATE_KEYS)


def curves_of(text: str, hidden: frozenset[str]) -> list[str]:
    """Return the figures that a request names, separated by commas, each once.

    Raises:
        ValueError: none or too many, or one that has no curve or is hidden.

    >>> curves_of("trimp,distance_m,trimp", frozenset())
    ['trimp', 'distance_m']
    """
    keys = list(dict.fromkeys(text.split(",")))
    unknown = [key for key in keys if key not in CURVES or key in hidden]
    if unknown or len(keys) > MOST_CURVES:
        what = f"{unknown[0]!r} is none of them" if unknown else f"these are {len(keys)}"
        raise ValueError(f"columns: 1 to {MOST_CURVES} numeric figures of /api/catalogue are allowed; {what}")
    return keys


def without_heart(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message's figures, reasons and formulas for somebody who may not see those of the heart.

    >>> without_heart({"trimp": 3, "distance_m": 5, "reasons": {"trimp": "sex unknown"}})
    {'distance_m': 5, 'reasons': {}}
    """
    kept = {key: value for key, value in figures.items() if key in _PUBLIC_KEYS}
    for key in ("reasons", "formulas"):
        if isinstance(found := figures.get(key), dict):
            kept[key] = {name: text for name, text in found.items() if name in _PUBLIC_KEYS}
    return kept


def described() -> list[dict[str, Any]]:
    """Return what the screens show of each figure beside its value."""
    return [
        {
            "key": figure.key,
            "label": figure.label,
            "unit": figure.unit,
            "decimals": figure.decimals if figure.is_number else None,
            "kind": figure.kind,
            "scope": figure.scope,
            "formula": figure.formula,
            "equation": figure.equation,
            "more_is_worse": figure.more_is_worse,
        }
        for figure in FIGURES.values()
    ]
