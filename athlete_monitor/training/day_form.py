"""The error of a model on held-out sessions, divided into the day's part and the momentary part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from athlete_monitor.models.day import (
    BLANK,
    EARLY_EDGES_S,
    LATE_EDGES_S,
    LEAST_EARLY,
    LEAST_LATE,
    SETTLE_S,
    DayForm,
    constants,
    correction,
    learn,
)
from athlete_monitor.training.evaluation import quantiles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.arrays import FloatArray

WARM_UP_S: Final = 600.0
"""Readings up to this time predict the rest of a session, like a warm-up with a strap."""

PRIOR_SHARE: Final = 0.3
PRIOR_SESSIONS: Final = 4
"""Default: 0.3 of the error of a warm-up is assumed to last; this was not harmful for any tested person."""

MOST_SHARE: Final = 0.9
LEAST_PART_S: Final = 120.0
LEAST_VARIANCE: Final = 1.0
LAG_S: Final = 60.0
SHORTEST_MOMENT_S: Final = 20.0
LONGEST_MOMENT_S: Final = 180.0
MOST_EARLY: Final = 8.0
LEAST_EARLY_ROWS: Final = 60
GRID_S: Final = 5.0
LATE_PRIOR_SESSIONS: Final = 10
"""The usual width after the last reading counts as if so many sessions had shown it."""

MOST_LATE: Final = 2.0


def estimate(series: Sequence[tuple[FloatArray, FloatArray]]) -> DayForm:
    """Estimate the day's form from the residuals of held-out sessions.

    Args:
        series: for each session the seconds since its start [n] and strap − model [n], bpm.
    """
    error = np.concatenate([residual for _, residual in series])
    total = max(float((error * error).mean()), 2.0 * LEAST_VARIANCE)
    pairs = [pair for pair in (_early_and_late(t, residual) for t, residual in series) if pair]
    early = np.array([pair[0] for pair in pairs])
    share = lasting_share(early, np.array([pair[1] for pair in pairs]))
    bias = float((early * early).mean()) if len(early) else total / 2.0
    day = min(share * bias, 0.9 * total)
    form = DayForm(
        day_variance=day,
        moment_variance=max(total - day, LEAST_VARIANCE),
        noise=max(day, 1e-3) * (WARM_UP_S - SETTLE_S) * (1.0 - share) / max(share, 1e-3),
        moment_s=moment_s(series),
        early=early_widths(series),
        sessions=len(pairs),
    )
    return msgspec.structs.replace(form, late=late_widths(series, form))


def of_people(residuals: Sequence[FloatArray]) -> DayForm:
    """The same for the squad's model, from held-out people: strap − model of each [n], in order of time.

    The lasting part here is mostly the person. Times are not known, so the first third is used as the warm-up.
    """
    error = np.concatenate(residuals)
    total = max(float((error * error).mean()), 2.0 * LEAST_VARIANCE)
    thirds = [(float(part[: len(part) // 3].mean()), float(part[len(part) // 3 :].mean())) for part in residuals]
    early = np.array([first for first, _ in thirds])
    share = lasting_share(early, np.array([rest for _, rest in thirds]))
    day = min(share * float((early * early).mean()), 0.9 * total)
    return DayForm(
        day_variance=day,
        moment_variance=max(total - day, LEAST_VARIANCE),
        noise=max(day, 1e-3) * (WARM_UP_S - SETTLE_S) * (1.0 - share) / max(share, 1e-3),
        early=LEAST_EARLY,
        sessions=len(residuals),
    )


def lasting_share(early: FloatArray, late: FloatArray) -> float:
    """Share of the error of a session's first ten minutes [n] that persists in the rest [n]: a slope through zero.

    It starts from ``PRIOR_SHARE`` with the weight of ``PRIOR_SESSIONS`` sessions, and one standard error is subtracted:
    if the sessions disagree, little is assumed to last. 0 to ``MOST_SHARE``.

    >>> import numpy as np
    >>> lasting_share(np.array([]), np.array([]))
    0.3
    """
    if not len(early):
        return PRIOR_SHARE
    usual = float((early * early).mean())
    weight = float((early * early).sum()) + PRIOR_SESSIONS * usual
    if weight <= 0.0:
        return PRIOR_SHARE
    slope = (float((early * late).sum()) + PRIOR_SESSIONS * usual * PRIOR_SHARE) / weight
    misfit = late - slope * early
    standard_error = float(np.sqrt((misfit * misfit).mean() / weight))
    return float(np.clip(slope - standard_error, 0.0, MOST_SHARE))


def _early_and_late(t: FloatArray, residual: FloatArray) -> tuple[float, float] | None:
    """Mean error of the warm-up after the first minutes, and of the rest; None for a session that is too short."""
    warm_up = residual[(t >= SETTLE_S) & (t < WARM_UP_S)]
    rest = residual[t >= WARM_UP_S]
    per_s = len(t) / max(float(t[-1] - t[0]), 1.0)
    if min(len(warm_up), len(rest)) < LEAST_PART_S * per_s:
        return None
    return float(warm_up.mean()), float(rest.mean())


def moment_s(series: Sequence[tuple[FloatArray, FloatArray]]) -> float:
    """How long the momentary part of the error lasts, s: from the correlation of errors a minute apart."""
    now, later = 0.0, 0.0
    for t, residual in series:
        away = residual - residual.mean()
        place = np.searchsorted(t, t + LAG_S)
        paired = np.flatnonzero(place < len(t))
        paired = paired[t[place[paired]] - t[paired] < 1.5 * LAG_S]
        now += float((away[paired] * away[paired]).sum())
        later += float((away[paired] * away[place[paired]]).sum())
    correlation = np.clip(later / now if now > 0.0 else 0.5, 0.05, 0.95)
    return float(np.clip(-LAG_S / np.log(correlation), SHORTEST_MOMENT_S, LONGEST_MOMENT_S))


def early_widths(series: Sequence[tuple[FloatArray, FloatArray]]) -> tuple[float, float, float, float]:
    """How much wider than usual the interval must be in each part of a session's beginning."""
    t = np.concatenate([seconds for seconds, _ in series])
    size = np.abs(np.concatenate([residual for _, residual in series]))
    usual = max(float(np.quantile(size, 0.8)), 1.0)
    begins = (0.0, *EARLY_EDGES_S[:-1])
    one, two, three, four = (
        max(least, _width(size[(t >= begin) & (t < end)], usual))
        for begin, end, least in zip(begins, EARLY_EDGES_S, LEAST_EARLY, strict=True)
    )
    return one, two, three, four


def late_widths(
    series: Sequence[tuple[FloatArray, FloatArray]], form: DayForm
) -> tuple[float, float, float, float, float]:
    """What the interval's width must be multiplied by in each time after the last reading, so that it covers 80 %.

    Each session is replayed with a strap for its first ten minutes. What few sessions say counts little.
    """
    interval = quantiles(np.concatenate([residual for _, residual in series]))
    low, high = min(interval.q10, -1.0), max(interval.q90, 1.0)
    longest = max(float(t[-1]) for t, _ in series)
    grid = np.arange(0.0, longest, GRID_S)
    errors = np.array([_on_grid(t, residual, grid) for t, residual in series])
    away = _after_warm_up(errors, grid, form)
    size = np.where(away < 0.0, away / low, away / high)
    begins, ends = (0.0, *LATE_EDGES_S), (*LATE_EDGES_S, np.inf)
    age_s = grid[grid >= WARM_UP_S] - WARM_UP_S
    one, two, three, four, five = (
        float(np.clip(_late_width(size[:, (age_s >= begin) & (age_s < end)]), least, MOST_LATE))
        for begin, end, least in zip(begins, ends, LEAST_LATE, strict=True)
    )
    return one, two, three, four, five


def _on_grid(t: FloatArray, residual: FloatArray, grid: FloatArray) -> FloatArray:
    """The error at each time of the grid; NaN where no row is near."""
    place = np.minimum(np.searchsorted(t, grid), len(t) - 1)
    return np.where(np.abs(t[place] - grid) < GRID_S, residual[place], np.nan)


def _after_warm_up(errors: FloatArray, grid: FloatArray, form: DayForm) -> FloatArray:
    """Corrected errors after the warm-up, in units of the interval's widening, [sessions, times]."""
    sessions = len(errors)
    columns = np.repeat(constants(form)[:, None], sessions, axis=1)
    state, model = np.repeat(np.array(BLANK)[:, None], sessions, axis=1), np.ones(sessions)
    for place in np.flatnonzero(grid < WARM_UP_S):
        state = learn(state, np.full(sessions, grid[place]), errors[:, place], columns, model)
    asked = np.flatnonzero(grid >= WARM_UP_S)
    told = [correction(state, np.full(sessions, grid[place]), columns) for place in asked]
    if not told:
        return np.empty((sessions, 0))
    add, wider = (np.array([pair[part] for pair in told]).T for part in (0, 1))
    corrected: FloatArray = (errors[:, asked] - add) / wider
    return corrected


def _late_width(size: FloatArray) -> float:
    """80 % quantile of errors in units of the interval [sessions, times], NaN where unknown; drawn towards 1."""
    known = ~np.isnan(size)
    sessions = int(known.any(axis=1).sum())
    if not sessions:
        return 1.0
    usual = max(float(np.quantile(size[known], 0.8)), 0.1)
    return float(usual ** (sessions / (sessions + LATE_PRIOR_SESSIONS)))


def _width(size: FloatArray, usual: float) -> float:
    if len(size) < LEAST_EARLY_ROWS:
        return 1.0
    return float(np.clip(float(np.quantile(size, 0.8)) / usual, 1.0, MOST_EARLY))
