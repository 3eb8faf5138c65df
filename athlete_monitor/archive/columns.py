"""The figures that the archive keeps for every second, their columns, and how a part of a session is computed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal

from athlete_monitor.catalogue import FIGURES
from athlete_monitor.physiology.chronic import CHRONIC

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from athlete_monitor.figures import Figure

How = Literal["difference", "count", "highest", "lowest", "maximum", "minimum", "mean", "last", "none"]
"""``count`` is a difference of whole numbers; ``highest`` and ``lowest`` are running extremes of the session."""

SOURCES: Final = ("sensor", "held", "model", "model_corrected")
"""``heart_rate_source`` is stored as the index into this list."""

PRESENT_OF: Final = {
    "max_speed_mps": "speed_mps",
    "heart_rate_mean_bpm": "heart_rate_bpm",
    "heart_rate_highest_bpm": "heart_rate_bpm",
    "heart_rate_lowest_bpm": "heart_rate_bpm",
}
"""Figures of the whole session that, for a part, are computed from the seconds of a present figure."""

_CODED: Final = "heart_rate_source"
_QUALITY: Final = {"quality": ("received", "lost")}
"""Counts of the message's ``quality`` that are stored too; they are not in the catalogue."""
_NOT_KEPT: Final = frozenset({"hr_rest_bpm", "vo2max_ml_kg_min", "player_load_per_min", *(row.key for row in CHRONIC)})
"""Figures that are constant over a session or derived from another figure."""
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
        """Whether it counts seconds: a time per minute is meaningless."""
        return self.name.partition("__")[0].endswith("_s")

    @property
    def scale(self) -> float:
        """The factor from the figure to its whole number in the table."""
        return float(10**self.decimals)


@lru_cache(maxsize=4096)
def column(name: str) -> Column:
    """The column of a name: a figure's key, or ``key__entry`` for an entry of a figure that is a mapping.

    >>> column("distance_m")
    Column(name='distance_m', decimals=3, how='difference')
    >>> column("impacts__5_6_g").how
    'count'
    """
    key = name.partition("__")[0]
    figure = FIGURES.get(key)
    if key in _QUALITY or key == _CODED:
        return Column(name, 0, "count" if key in _QUALITY else "last")
    return Column(name, 3, "none") if figure is None else Column(name, figure.digits, _how(figure))


def _how(figure: Figure) -> How:
    if figure.part == "difference" and not figure.digits:
        return "count"
    if figure.kind == "total" and figure.part in {"maximum", "minimum"}:
        return "highest" if figure.part == "maximum" else "lowest"
    return "last" if figure.part == "none" else figure.part


def entry_name(key: str, entry: str) -> str:
    """The column of one entry of a mapping.

    >>> entry_name("impacts", ">10 g")
    'impacts__above_10_g'
    """
    return f"{key}__{_UNSAFE.sub('_', entry.lower().replace('>', 'above ')).strip('_')}"


def archived() -> tuple[str, ...]:
    """Keys of the figures that are kept for every second."""
    return (*(key for key, figure in FIGURES.items() if _is_kept(figure)), *_QUALITY)


def initial_columns() -> tuple[str, ...]:
    """The columns of a new journal; columns of entries that only a message names are added when first seen."""
    names: list[str] = []
    for key in archived():
        figure = FIGURES.get(key)
        members = _QUALITY[key] if figure is None else figure.members
        is_map = figure is None or figure.kind == "map"
        names += [entry_name(key, each) for each in members] if is_map else [key]
    return tuple(names)


def _is_kept(figure: Figure) -> bool:
    if figure.key in _NOT_KEPT or figure.scope == "summary":
        return False
    if figure.kind == "map":
        return figure.part == "difference"
    return figure.is_number or figure.key == _CODED


def flat(figures: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """The archived values of a metrics message by column, without nulls.

    >>> flat({"trimp": 1.5, "impacts": {"5-6 g": 2}, "speed_mps": None}, ("trimp", "impacts", "speed_mps"))
    {'trimp': 1.5, 'impacts__5_6_g': 2}
    """
    found: dict[str, Any] = {}
    for key in keys:
        value = figures.get(key)
        if isinstance(value, dict):
            wanted = _QUALITY.get(key, value)
            found.update({entry_name(key, name): each for name, each in value.items() if _counts(each, name, wanted)})
        elif value is not None:
            found[key] = value
    return found


def _counts(value: Any, name: str, wanted: Iterable[str]) -> bool:  # noqa: ANN401 - of a message
    return value is not None and name in wanted


def encoded(name: str, value: Any) -> int:  # noqa: ANN401 - a number of a message, or the source's word
    """The whole number that represents a value in its column.

    >>> encoded("distance_m", 12.3456), encoded("heart_rate_source", "model")
    (12346, 2)
    """
    if name == _CODED:
        return SOURCES.index(value)
    return int(round(value * column(name).scale))  # noqa: RUF046 - NumPy rounds to its own kind
