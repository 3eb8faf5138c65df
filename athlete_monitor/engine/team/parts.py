"""Figures of the parts of a running session: the growth of its totals since a period or a stint began.

The totals at the moments where parts begin and end are determined once, between the two messages around the moment as
the archive does it, or from the archive if the moment is further back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from athlete_monitor.archive.columns import archived, column, entry_name
from athlete_monitor.archive.parts import STEP_S
from athlete_monitor.catalogue import FIGURES
from athlete_monitor.engine.figures.cells import Cells
from athlete_monitor.engine.figures.texts import Texts
from athlete_monitor.figures import Figure
from athlete_monitor.squad.tables import PRESENT_FIGURES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from athlete_monitor.arrays import FloatArray
    from athlete_monitor.team.records import Period, Stint


def _adding() -> tuple[Figure, ...]:
    """The figures that add up over the parts of a session, in the order of an array of totals."""
    found = (FIGURES.get(key) for key in archived())
    return tuple(figure for figure in found if figure is not None and figure.part == "difference")


_ADDING: Final = _adding()
NAMES: Final = tuple(
    name for figure in _ADDING for name in ([entry_name(figure.key, each) for each in figure.members] or [figure.key])
)
"""Columns of the figures that add up, in the order of an array of totals."""
_encode: Final = msgspec.json.Encoder().encode
_ZEROS: Final = np.zeros(len(NAMES))
_COUNTS: Final = np.array([column(name).how == "count" for name in NAMES])


def _places() -> tuple[list[int], list[int]]:
    """Rows of the present figures behind each of ``NAMES``, and rows that show whether each is known."""
    first, place = {}, 0
    for figure in PRESENT_FIGURES:
        first[figure.key] = place
        place += figure.width
    rows = [first[figure.key] + offset for figure in _ADDING for offset in range(figure.width)]
    return rows, [first[figure.key] for figure in _ADDING for _ in range(figure.width)]


_ROWS, _KNOWN = (np.array(rows) for rows in _places())


def _per_minute(figure: Figure) -> Figure | None:
    """The same figure per minute; None for a map and for a time."""
    if figure.members or figure.key.endswith("_s"):
        return None
    return Figure(f"{figure.key}_per_min", figure.label, figure.unit, 1, "present", digits=3)


def _message_figures() -> tuple[list[Figure], list[int], list[bool]]:
    """The figures of a part's message in order, the column of each of their numbers, and whether it is per minute."""
    figures, columns, per_minute = [Figure("duration_s", "Duration", "s", 0, "total", digits=1)], [0], [False]
    place = 1
    for figure in _ADDING:
        figures.append(replace(figure, whole=()))
        columns += range(place, place + figure.width)
        per_minute += [False] * figure.width
        rate = _per_minute(figure)
        if rate is not None:
            figures.append(rate)
            columns.append(place)
            per_minute.append(True)
        place += figure.width
    return figures, columns, per_minute


_FIGURES, *_rest = _message_figures()
_CELLS, _TEXTS = Cells(_FIGURES), Texts(_FIGURES)
_COLUMNS, _PER_MINUTE = np.array(_rest[0]), np.array(_rest[1])


@dataclass(frozen=True)
class Growth:
    """What the totals have grown by in a part [len(NAMES)], NaN where not known, and how long the part has lasted."""

    totals: FloatArray
    duration_s: float


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
        self._bases: dict[float, FloatArray] = {}
        self._before = (start_t if is_new else math.inf, np.full(len(NAMES), np.nan))
        self._now = (start_t, self._before[1])

    def follow(self, t: float, totals: FloatArray) -> None:
        """Take the totals of a message at ``t`` [len(NAMES)]."""
        self._before = self._now if self._now[0] > self.start_t or self._before[0] <= self.start_t else self._before
        self._now = t, totals

    def growth(self, spans: Sequence[tuple[float, float | None]]) -> Growth | None:
        """Growth in the part that consists of spans, an open one up to now; None if the session is not in it."""
        inside = [self._inside(span) for span in spans]
        known = [(first, last) for first, last in inside if last > first]
        if not known:
            return None
        grown = [self._at(last) - self._base(first) for first, last in known]
        return Growth(_sum(grown), sum(last - first for first, last in known))

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

    def _base(self, t: float) -> FloatArray:
        """The totals where a part begins: what is not known yet begins at zero."""
        if t <= self.start_t:
            return _ZEROS
        if t not in self._bases:
            totals = self._at(t)
            self._bases[t] = np.where(np.isnan(totals), 0.0, totals)
        return self._bases[t]

    def _between(self, t: float) -> FloatArray:
        (first_t, first), (last_t, last) = self._before, self._now
        reach = min(last_t - first_t, STEP_S)
        share = np.where(_COUNTS, 0.0, max(0.0, 1.0 - (last_t - t) / reach) if reach > 0.0 else 1.0)
        between: FloatArray = first + share * (last - first)
        return np.where(np.isnan(between), first, between)

    def _looked_up(self, t: float) -> FloatArray:
        found = self._lookup(t)
        return np.array([found.get(name, np.nan) for name in NAMES])


def totals_of(values: FloatArray) -> FloatArray:
    """The totals [k, len(NAMES)] among published numbers of ``PRESENT_FIGURES`` [sum of widths, k]; NaN is null."""
    totals = values[_ROWS]
    totals[np.isnan(values[_KNOWN])] = np.nan
    return np.ascontiguousarray(totals.T)


def figures_of(grown: Sequence[Growth]) -> list[dict[str, Any]]:
    """The figures of parts by key."""
    return [dict(zip(_CELLS.keys, values, strict=True)) for values in _CELLS.of(_numbers(grown))] if grown else []


def texts_of(grown: Sequence[Growth]) -> list[bytes]:
    """The figures of parts as JSON, without braces: for messages, of which a second brings thousands."""
    return _TEXTS.of(_numbers(grown)) if grown else []


def _numbers(grown: Sequence[Growth]) -> FloatArray:
    """The numbers of parts [sum of widths, k], in the order of ``_FIGURES``."""
    durations_s = np.array([each.duration_s for each in grown])
    numbers = np.vstack([durations_s, np.array([each.totals for each in grown]).T])[_COLUMNS]
    numbers[_PER_MINUTE] *= 60.0
    numbers[_PER_MINUTE] /= durations_s
    return np.asarray(numbers)


def period_growth(parts: RunningParts, periods: Sequence[Period]) -> list[tuple[Period, Growth]]:
    """The periods that a session has been in, with its growth in each."""
    found = ((period, parts.growth([(period.start_t, period.end_t)])) for period in periods)
    return [(period, growth) for period, growth in found if growth is not None]


def period_json(period: Period, figures: bytes) -> msgspec.Raw:
    """The figures of a period, as ``texts_of`` gives them, with its name and kind."""
    return msgspec.Raw(b'{"name":%b,"kind":%b,%b}' % (_encode(period.name), _encode(period.kind), figures))


def period_figures(parts: RunningParts, periods: Sequence[Period]) -> dict[str, Any]:
    """Figures of each period, by its id, with its name and kind."""
    found = period_growth(parts, periods)
    each = zip(found, figures_of([growth for _, growth in found]), strict=True)
    return {period.id: {"name": period.name, "kind": period.kind, **figures} for (period, _), figures in each}


def pitch_growth(parts: RunningParts, stints: Sequence[Stint]) -> Growth | None:
    """Growth in an athlete's time on the pitch; None if the athlete has not been on it."""
    return parts.growth([(stint.start_t, stint.end_t) for stint in stints if stint.state == "on"])


def pitch_json(figures: bytes) -> msgspec.Raw:
    """The figures of the time on the pitch, as ``texts_of`` gives them."""
    return msgspec.Raw(b'{"seconds":%b}' % figures.removeprefix(b'"duration_s":'))


def pitch_figures(parts: RunningParts, stints: Sequence[Stint]) -> dict[str, Any] | None:
    """Figures of an athlete's time on the pitch; None if the athlete has not been on it."""
    growth = pitch_growth(parts, stints)
    if growth is None:
        return None
    (figures,) = figures_of([growth])
    return {"seconds": figures.pop("duration_s"), **figures}


def _sum(grown: Sequence[FloatArray]) -> FloatArray:
    """The sum of what the totals have grown by in each span; NaN where no span has a number."""
    if len(grown) == 1:
        return grown[0]
    total: FloatArray = np.nansum(grown, axis=0)
    total[np.isnan(grown).all(axis=0)] = np.nan
    return total
