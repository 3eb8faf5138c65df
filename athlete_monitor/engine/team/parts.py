"""Figures of the parts of a running session: the growth of its totals since a period or a stint began.

The totals at the moments where parts begin and end are determined once, between the two messages around the moment as
the archive does it, or from the archive if the moment is further back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from athlete_monitor.archive.columns import archived, column, entry_name
from athlete_monitor.archive.parts import STEP_S
from athlete_monitor.catalogue import FIGURES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import msgspec

    from athlete_monitor.arrays import FloatArray
    from athlete_monitor.team.records import Period, Stint


@dataclass(frozen=True)
class _Cell:
    """Where the numbers of a figure that adds up are in an array of totals, and how they are published."""

    key: str
    first: int
    digits: int
    members: tuple[str, ...]
    per_min: str | None
    """Key of the same figure per minute; None for a map and for a time."""


def _cells() -> tuple[_Cell, ...]:
    found: list[_Cell] = []
    place = 0
    for key in archived():
        figure = FIGURES.get(key)
        if figure is None or figure.part != "difference":
            continue
        per_min = None if figure.members or key.endswith("_s") else f"{key}_per_min"
        found.append(_Cell(key, place, figure.digits, figure.members, per_min))
        place += figure.width
    return tuple(found)


_CELLS: Final = _cells()
NAMES: Final = tuple(
    name
    for cell in _CELLS
    for name in ([entry_name(cell.key, each) for each in cell.members] if cell.members else [cell.key])
)
"""Columns of the figures that add up, in the order of an array of totals."""
_COUNTS: Final = np.array([column(name).how == "count" for name in NAMES])
_values_of: Final = attrgetter(*(cell.key for cell in _CELLS))


class RunningParts:
    """The moments of one session.

    Args:
        start_t: when the session began, s.
        lookup: totals of the session at an earlier moment, by column.
        is_new: whether the session begins now; the past of a resumed one is only in the archive.
    """

    def __init__(self, start_t: float, lookup: Callable[[float], Mapping[str, float]], *, is_new: bool = True) -> None:
        self.start_t = start_t
        self._lookup = lookup
        self._totals: dict[float, FloatArray] = {}
        self._before = (start_t if is_new else math.inf, np.full(len(NAMES), np.nan))
        self._now = (start_t, self._before[1])

    def follow(self, t: float, record: msgspec.Struct) -> None:
        """Take the totals of a message at ``t``."""
        self._before = self._now if self._now[0] > self.start_t or self._before[0] <= self.start_t else self._before
        self._now = t, totals_of(record)

    def figures(self, spans: Sequence[tuple[float, float | None]]) -> dict[str, Any] | None:
        """Figures of the part that consists of spans, an open one up to now; None if the session is not in it."""
        inside = [self._inside(span) for span in spans]
        known = [(first, last) for first, last in inside if last > first]
        if not known:
            return None
        grown = [self._at(last) - _or_zero(self._at(first)) for first, last in known]
        return _message(_sum(grown), sum(last - first for first, last in known))

    def _inside(self, span: tuple[float, float | None]) -> tuple[float, float]:
        now = self._now[0]
        return max(span[0], self.start_t), now if span[1] is None else min(span[1], now)

    def _at(self, t: float) -> FloatArray:
        if t <= self.start_t:
            return np.full(len(NAMES), np.nan)
        if t >= self._now[0]:
            return self._now[1]
        if t not in self._totals:
            self._totals[t] = self._between(t) if t >= self._before[0] else self._looked_up(t)
        return self._totals[t]

    def _between(self, t: float) -> FloatArray:
        (first_t, first), (last_t, last) = self._before, self._now
        reach = min(last_t - first_t, STEP_S)
        share = np.where(_COUNTS, 0.0, max(0.0, 1.0 - (last_t - t) / reach) if reach > 0.0 else 1.0)
        between: FloatArray = first + share * (last - first)
        return np.where(np.isnan(between), first, between)

    def _looked_up(self, t: float) -> FloatArray:
        found = self._lookup(t)
        return np.array([found.get(name, np.nan) for name in NAMES])


def totals_of(record: msgspec.Struct) -> FloatArray:
    """The totals of a message [len(NAMES)]; NaN where one is null."""
    found: list[float | None] = []
    for cell, value in zip(_CELLS, _values_of(record), strict=True):
        if not cell.members:
            found.append(value)
        elif value is None:
            found += (None,) * len(cell.members)
        else:
            found += (value.get(each) for each in cell.members)
    return np.array(found, dtype=np.float64)


def period_figures(parts: RunningParts, periods: Sequence[Period]) -> dict[str, Any]:
    """Figures of each period, by its id, with its name and kind."""
    found: dict[str, Any] = {}
    for period in periods:
        figures = parts.figures([(period.start_t, period.end_t)])
        if figures is not None:
            found[period.id] = {"name": period.name, "kind": period.kind, **figures}
    return found


def pitch_figures(parts: RunningParts, stints: Sequence[Stint]) -> dict[str, Any] | None:
    """Figures of an athlete's time on the pitch; None if the athlete has not been on it."""
    figures = parts.figures([(stint.start_t, stint.end_t) for stint in stints if stint.state == "on"])
    return None if figures is None else {"seconds": figures.pop("duration_s"), **figures}


def _or_zero(totals: FloatArray) -> FloatArray:
    """The totals where the part begins: what is not known yet begins at zero."""
    return np.where(np.isnan(totals), 0.0, totals)


def _sum(grown: Sequence[FloatArray]) -> FloatArray:
    """The sum of what the totals have grown by in each span; NaN where no span has a number."""
    if len(grown) == 1:
        return grown[0]
    total: FloatArray = np.nansum(grown, axis=0)
    total[np.isnan(grown).all(axis=0)] = np.nan
    return total


def _message(total: FloatArray, duration_s: float) -> dict[str, Any]:
    values: list[float] = total.tolist()
    found: dict[str, Any] = {"duration_s": round(duration_s, 1)}
    for cell in _CELLS:
        value = values[cell.first]
        if cell.members:
            found[cell.key] = _map(cell, values)
        else:
            found[cell.key] = _rounded(value, cell.digits)
            if cell.per_min is not None and duration_s > 0.0:
                found[cell.per_min] = _rounded(60.0 * value / duration_s, 3)
    return found


def _map(cell: _Cell, values: Sequence[float]) -> dict[str, float | int | None] | None:
    """The members of a map; None where no member is known."""
    own = values[cell.first : cell.first + len(cell.members)]
    if all(value != value for value in own):  # noqa: PLR0124 - NaN
        return None
    return {name: _rounded(value, cell.digits) for name, value in zip(cell.members, own, strict=True)}


def _rounded(value: float, digits: int) -> float | int | None:
    if value != value:  # noqa: PLR0124 - NaN
        return None
    return round(value, digits) if digits else round(value)
