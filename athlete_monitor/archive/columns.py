"""Which figures the archive keeps for every second, as what column, and how a part of a session is computed from it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

How = Literal["difference", "count", "highest", "lowest", "maximum", "minimum", "mean", "last", "none"]
"""``count`` is a difference of whole numbers; ``highest`` and ``lowest`` are running extremes of the session."""

SOURCES: Final = ("sensor", "held", "model", "model_corrected")
"""``heart_rate_source`` is kept as the position in this list."""

PRESENT_OF: Final = {
    "max_speed_mps": "speed_mps",
    "heart_rate_highest_bpm": "heart_rate_bpm",
    "heart_rate_lowest_bpm": "heart_rate_bpm",
}
"""Running extremes, and the present figure that says what they were in a part without a new extreme."""

_DECIMALS: Final = 3
_DIFFERENCES: Final = (
    "measured_s", "missing_s", "trimp", "trimp_edwards", "energy_kj", "energy_kcal", "player_load", "distance_m",
    "high_speed_running_m", "time_in_zones_s",
)  # fmt: skip
_COUNTS: Final = ("sprints", "accelerations", "decelerations", "impact_alerts", "impacts")
_MEANS: Final = (
    "heart_rate_bpm", "heart_rate_reserve_percent", "stress_percent", "hr_excess_bpm", "energy_rate_kj_per_min",
    "motion_mps2", "model_heart_rate_bpm", "strap_heart_rate_bpm",
)  # fmt: skip
_MAXIMA: Final = ("speed_mps",)
_LAST: Final = ("hr_max_bpm", "heart_rate_low_bpm", "heart_rate_high_bpm", "heart_rate_zone", "heart_rate_source")
_HOW: Final[Mapping[str, How]] = {
    **dict.fromkeys(_DIFFERENCES, "difference"),
    **dict.fromkeys(_COUNTS, "count"),
    **dict.fromkeys(_MEANS, "mean"),
    **dict.fromkeys(_MAXIMA, "maximum"),
    **dict.fromkeys(_LAST, "last"),
    "max_speed_mps": "highest",
}
MAPPINGS: Final = frozenset({"time_in_zones_s", "impacts"})
"""Figures that are mappings: a column for each entry, made when it is first seen."""
_WHOLE: Final = frozenset({"heart_rate_zone", "heart_rate_source"})
_UNSAFE: Final = re.compile(r"[^a-z0-9_]+")


@dataclass(frozen=True)
class Column:
    """A column of ``seconds``: whole numbers, the figure times ``10 ** decimals``."""

    name: str
    decimals: int
    how: How

    @property
    def adds(self) -> bool:
        """Whether parts of a session add up to the whole."""
        return self.how in {"difference", "count"}

    @property
    def is_time(self) -> bool:
        """Whether it counts seconds: a time per minute says nothing."""
        return self.name.partition("__")[0].endswith("_s")

    @property
    def scale(self) -> float:
        """What the figure is multiplied by in the table."""
        return float(10**self.decimals)


@lru_cache(maxsize=4096)
def column(name: str) -> Column:
    """The column of a name: a figure's key, or ``key__entry`` for an entry of a figure that is a mapping.

    >>> column("distance_m")
    Column(name='distance_m', decimals=3, how='difference')
    >>> column("impacts__5_6_g").how
    'difference'
    """
    key = name.partition("__")[0]
    how = _HOW.get(key, "none")
    return Column(name, 0 if how == "count" or key in _WHOLE else _DECIMALS, how)


def entry_name(key: str, entry: str) -> str:
    """The column of one entry of a mapping.

    >>> entry_name("impacts", ">10 g")
    'impacts__above_10_g'
    """
    return f"{key}__{_UNSAFE.sub('_', entry.lower().replace('>', 'above ')).strip('_')}"


def archived() -> tuple[str, ...]:
    """Keys of the figures that are kept for every second."""
    return tuple(_HOW)


def flat(figures: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """The archived values of a metrics message by column, without nulls.

    >>> flat({"trimp": 1.5, "impacts": {"5-6 g": 2}, "speed_mps": None}, ("trimp", "impacts", "speed_mps"))
    {'trimp': 1.5, 'impacts__5_6_g': 2}
    """
    found: dict[str, Any] = {}
    for key in keys:
        value = figures.get(key)
        if isinstance(value, dict):
            found.update({entry_name(key, name): each for name, each in value.items() if each is not None})
        elif value is not None:
            found[key] = value
    return found


def encoded(name: str, value: Any) -> int:  # noqa: ANN401 - a number of a message, or the source's word
    """The whole number that stands for a value in its column.

    >>> encoded("distance_m", 12.3456), encoded("heart_rate_source", "model")
    (12346, 2)
    """
    if name == "heart_rate_source":
        return SOURCES.index(value)
    return int(round(value * column(name).scale))  # noqa: RUF046 - NumPy rounds to its own kind
