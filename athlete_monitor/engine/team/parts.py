"""Figures of the parts of a running session: what its totals have grown by, since a period or a stint began.

The totals at the moments where parts begin and end are found once, between the two messages around the moment as the
archive does it, or in the archive where the moment lies further back.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from athlete_monitor.archive.columns import archived, column, entry_name, flat, initial_columns
from athlete_monitor.archive.parts import STEP_S
from athlete_monitor.catalogue import FIGURES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import msgspec

    from athlete_monitor.arrays import FloatArray
    from athlete_monitor.team.records import Period, Stint

NAMES: Final = tuple(name for name in initial_columns() if column(name).adds and not name.startswith("quality"))
"""Columns of the figures that add up."""
_KEYS: Final = tuple(key for key in archived() if FIGURES.get(key) is not None)
_COUNTS: Final = np.array([column(name).how == "count" for name in NAMES])


class RunningParts:
    """The moments of one session.

    Args:
        start_t: when the session began, s.
        lookup: totals of the session at a moment that lies further back, by column.
        is_new: whether the session begins now; one that goes on has its past in the archive only.
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
        """Figures of the part that spans make up, an open one up to now; None where the session is not in it."""
        inside = [self._inside(span) for span in spans]
        known = [(first, last) for first, last in inside if last > first]
        if not known:
            return None
        grown = [self._at(last) - np.nan_to_num(self._at(first)) for first, last in known]
        total = np.nansum(grown, axis=0)
        total[np.isnan(grown).all(axis=0)] = np.nan
        return _message(total, sum(last - first for first, last in known))

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
    values = flat({key: getattr(record, key) for key in _KEYS}, _KEYS)
    return np.array([values.get(name, np.nan) for name in NAMES], dtype=np.float64)


def period_figures(parts: RunningParts, periods: Sequence[Period]) -> dict[str, Any]:
    """Figures of each period, by its id, with its name and kind."""
    found: dict[str, Any] = {}
    for period in periods:
        figures = parts.figures([(period.start_t, period.end_t)])
        if figures is not None:
            found[period.id] = {"name": period.name, "kind": period.kind, **figures}
    return found


def pitch_figures(parts: RunningParts, stints: Sequence[Stint]) -> dict[str, Any] | None:
    """Figures of an athlete's time on the pitch; None for one who has not been on it."""
    figures = parts.figures([(stint.start_t, stint.end_t) for stint in stints if stint.state == "on"])
    return None if figures is None else {"seconds": figures.pop("duration_s"), **figures}


def _message(total: FloatArray, duration_s: float) -> dict[str, Any]:
    values = dict(zip(NAMES, total.tolist(), strict=True))
    found: dict[str, Any] = {"duration_s": round(duration_s, 1)}
    for key in _KEYS:
        figure = FIGURES[key]
        if figure.part != "difference":
            continue
        if figure.members:
            members = {each: _rounded(values[entry_name(key, each)], figure.digits) for each in figure.members}
            found[key] = None if all(value is None for value in members.values()) else members
        elif key in values:
            found[key] = _rounded(values[key], figure.digits)
            if not key.endswith("_s") and duration_s > 0.0:
                found[f"{key}_per_min"] = _rounded(60.0 * values[key] / duration_s, 3)
    return found


def _rounded(value: float, digits: int) -> float | int | None:
    if value != value:  # noqa: PLR0124 - NaN
        return None
    return round(value, digits) if digits else round(value)
