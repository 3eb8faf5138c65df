"""Which figures travel to the screens every second, and how a value becomes safe to send."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_TEXT: Final = 40
"""Characters of a figure that is a text; longer ones are cut."""


@dataclass(frozen=True)
class Column:
    """One figure as the screens receive it: ``decimals`` None for a text."""

    key: str
    decimals: int | None
    heart_rate: bool
    """Derived from the heart, and hidden from those who may not see it."""


def clean(value: object, decimals: int | None) -> float | int | str | None:
    """Return a value that a screen can show; None for anything else.

    >>> clean(71.23456, 1), clean(3, 0), clean(True, 0), clean(float("nan"), 1), clean({"a": 1}, 1)
    (71.2, 3, None, None, None)
    >>> clean("sensor", None), clean(5.0, None)
    ('sensor', None)
    """
    if decimals is None:
        return value[:LONGEST_TEXT] if isinstance(value, str) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return round(value, decimals) if decimals else round(value)


def row(columns: tuple[Column, ...], figures: Mapping[str, Any]) -> list[float | int | str | None]:
    """Return the values of the columns, in their order."""
    return [clean(figures.get(column.key), column.decimals) for column in columns]


COLUMNS: Final = tuple(
    Column(key, decimals, heart)
    for key, decimals, heart in (
        ("heart_rate_bpm", 0, True), ("heart_rate_source", None, True), ("heart_rate_low_bpm", 0, True),
        ("heart_rate_high_bpm", 0, True), ("heart_rate_zone", 0, True), ("hr_max_bpm", 0, True),
        ("strap_heart_rate_bpm", 0, True), ("model_heart_rate_bpm", 0, True), ("speed_mps", 1, False),
        ("trimp", 0, True), ("distance_m", 0, False), ("stress_percent", 0, True), ("player_load", 0, False),
        ("measured_s", 0, False), ("elapsed_s", 0, False), ("energy_kcal", 0, True), ("sprints", 0, False),
        ("high_speed_running_m", 0, False), ("max_speed_mps", 1, False), ("impact_alerts", 0, False),
    )
)  # fmt: skip
HEART_RATE_PLACES: Final = tuple(place for place, column in enumerate(COLUMNS) if column.heart_rate)
HEART_RATE_KEYS: Final = frozenset(column.key for column in COLUMNS if column.heart_rate)
DECIMALS: Final = {column.key: min((column.decimals or 0) + 1, 3) for column in COLUMNS}
"""Of curves: one more than people read, so that lines are smooth."""
PLACES: Final = {column.key: place for place, column in enumerate(COLUMNS)}


def described() -> list[dict[str, Any]]:
    """Return what the screens show of each figure beside its value."""
    return [{"key": column.key, "label": column.key, "unit": "", "decimals": column.decimals} for column in COLUMNS]
