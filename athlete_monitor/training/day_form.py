"""What held-out sessions say about the error of a model: how much of it is the day, how much the moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.models.day import EARLY_EDGES_S, LEAST_EARLY, SETTLE_S, DayForm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.arrays import FloatArray

WARM_UP_S: Final = 600.0
"""Readings until here predict the rest of a session: what a warm-up with a strap would show."""

PRIOR_SHARE: Final = 0.3
PRIOR_SESSIONS: Final = 4
"""Before anything is known, 0.3 of the error of a warm-up is taken to last: that harmed nobody it was tried on."""

MOST_SHARE: Final = 0.9
LEAST_PART_S: Final = 120.0
LEAST_VARIANCE: Final = 1.0
LAG_S: Final = 60.0
SHORTEST_MOMENT_S: Final = 20.0
LONGEST_MOMENT_S: Final = 180.0
MOST_EARLY: Final = 8.0
LEAST_EARLY_ROWS: Final = 60


def estimate(series: Sequence[tuple[FloatArray, FloatArray]]) -> DayForm:
    """Estimate the day's form from the residuals of sessions that a model had not seen.

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
    return DayForm(
        day_variance=day,
        moment_variance=max(total - day, LEAST_VARIANCE),
        noise=max(day, 1e-3) * (WARM_UP_S - SETTLE_S) * (1.0 - share) / max(share, 1e-3),
        moment_s=moment_s(series),
        early=early_widths(series),
        sessions=len(pairs),
    )


def of_people(residuals: Sequence[FloatArray]) -> DayForm:
    """The same for the squad's model, from people whom it had not seen: strap − model of each [n], in order of time.

    What lasts here is mostly the person. Times are not known, so the first third stands for a warm-up.
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
    """Share of the error of a session's first ten minutes [n] that is there in the rest [n]: a slope through zero.

    It starts from ``PRIOR_SHARE`` as if ``PRIOR_SESSIONS`` sessions had shown it, and one standard error is taken off:
    where the sessions do not agree, little is believed to last. 0 to ``MOST_SHARE``.

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


def _width(size: FloatArray, usual: float) -> float:
    if len(size) < LEAST_EARLY_ROWS:
        return 1.0
    return float(np.clip(float(np.quantile(size, 0.8)) / usual, 1.0, MOST_EARLY))
