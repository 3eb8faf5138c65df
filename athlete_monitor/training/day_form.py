"""The error of a model on held-out sessions, divided into the day's part and the momentary part.

How much of an error lasts, and for how long, is chosen by replaying the held-out sessions with a strap for ten
minutes: the choice with the smallest error afterwards wins. Widths are measured in the same replays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from athlete_monitor.models.day import (
    BLANK,
    EARLY_EDGES_S,
    LATE_EDGES_S,
    LEAST_EARLY,
    USUAL,
    DayForm,
    constants,
    correction,
    foresee,
    learn,
)
from athlete_monitor.training.evaluation import quantiles

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from athlete_monitor.arrays import FloatArray

WARM_UP_S: Final = 600.0
"""Readings up to this time predict the rest of a session, like a warm-up with a strap."""

LOSSES_S: Final = (WARM_UP_S, 1200.0, 1800.0)
"""The strap is lost at these times when widths are measured."""

LONGEST_S: Final = 5400.0
"""Later parts of a session are not replayed."""

SHARES: Final = (0.02, 0.1, 0.2, 0.3, 0.45, 0.6, 0.75, 0.9)
"""Candidate shares of the day in the variance of the error."""

DAYS_S: Final = (1800.0, 3600.0, 7200.0, 21600.0)
"""Candidate time scales of the day's part."""

PRIOR_SHARE: Final = 0.3
PRIOR_PEOPLE: Final = 4
"""Default: 0.3 of the error of a warm-up is assumed to last; this was not harmful for any tested person. For the
squad's model it counts as if so many people had shown it."""

ROWS_OF_A_MOMENT: Final = 20.0
"""So many rows of a person, thinned to some ten seconds, have nearly the same error."""

PRIOR_PENALTY: Final = 2.0
"""A share away from the default costs ``PRIOR_PENALTY · distance² / sessions`` of the error without a strap."""

BEGINNING_BPM: Final = (10.0, 4.5, 0.0, 0.0)
"""Half of an 80 % interval of what a session's beginning adds to the error, in each of its parts: with this, intervals
of 7 bpm to both sides become ``LEAST_EARLY`` times as wide. A wide interval of the squad's model grows less by it."""

TO_HALF_INTERVAL: Final = 1.2816
"""Half of an 80 % interval, in standard deviations."""

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

LEAST_LATE: Final = (0.5, 0.5, 0.8, 1.0, 1.0)
"""How wide those parts are at least: long after the last reading not narrower than the variances say."""

MOST_LATE: Final = 2.0


def estimate(series: Sequence[tuple[FloatArray, FloatArray]]) -> DayForm:
    """Estimate the day's form from the residuals of held-out sessions.

    Args:
        series: for each session the seconds since its start [n] and strap − model [n], bpm.
    """
    error = np.concatenate([residual for _, residual in series])
    total = max(float((error * error).mean()), 2.0 * LEAST_VARIANCE)
    whole = msgspec.structs.replace(USUAL, moment_s=moment_s(series), early=early_widths(series))
    grid, errors = on_grid(series)
    share, day_s, sessions = what_lasts(grid, errors, whole, total)
    form = _divided(whole, total, share, day_s)
    interval = quantiles(error)
    low, high = min(interval.q10, -1.0), max(interval.q90, 1.0)
    return msgspec.structs.replace(form, late=late_widths(grid, errors, form, (low, high)), sessions=sessions)


def _divided(form: DayForm, total: float, share: float, day_s: float) -> DayForm:
    """The form with this share of the variance ``total`` in the day."""
    return msgspec.structs.replace(
        form, day_variance=share * total, moment_variance=max((1.0 - share) * total, LEAST_VARIANCE), day_s=day_s
    )


def what_lasts(grid: FloatArray, errors: FloatArray, form: DayForm, total: float) -> tuple[float, float, int]:
    """The share of the day, its time scale in s, and the number of sessions that showed it.

    Args:
        grid: seconds since the start, [T].
        errors: strap − model, [sessions, T], NaN where unknown.
        form: gives the time scale of the moment.
        total: variance of the errors, bpm².
    """
    known = ~np.isnan(errors)
    least = LEAST_PART_S / GRID_S
    usable = (known[:, grid < WARM_UP_S].sum(axis=1) >= least) & (known[:, grid >= WARM_UP_S].sum(axis=1) >= least)
    sessions = int(usable.sum())
    if not sessions:
        return PRIOR_SHARE, form.day_s, 0
    choices = [(share, day_s) for share in SHARES for day_s in DAYS_S]
    columns = np.array([constants(_divided(form, total, *choice)) for choice in choices]).T
    add, _ = next(after_losses(errors[usable], grid, columns, (WARM_UP_S,)))
    later = errors[usable][:, grid >= WARM_UP_S]
    size = np.nanmean(np.abs(later - add), axis=(1, 2))
    usual = float(np.nanmean(np.abs(later)))
    away = np.array([share - PRIOR_SHARE for share, _ in choices])
    best = int(np.argmin(size + usual * PRIOR_PENALTY * away * away / sessions))
    return (*choices[best], sessions)


def of_people(residuals: Sequence[FloatArray]) -> DayForm:
    """The same for the squad's model, from held-out people: strap − model of each [n], in order of time.

    The lasting part is the person here: a level of one's own, taken as a random effect.
    """
    total = max(float(np.mean([(part * part).mean() for part in residuals])), 2.0 * LEAST_VARIANCE)
    day = person_share(residuals) * total
    return DayForm(
        day_variance=day,
        moment_variance=max(total - day, LEAST_VARIANCE),
        early=_early_of_people(total),
        sessions=len(residuals),
    )


def _early_of_people(total: float) -> tuple[float, float, float, float]:
    """How much wider the interval is in each part of a session's beginning, if errors have this variance, bpm²."""
    half_bpm = TO_HALF_INTERVAL * float(np.sqrt(total))
    one, two, three, four = (float(np.hypot(half_bpm, added) / half_bpm) for added in BEGINNING_BPM)
    return one, two, three, four


def person_share(residuals: Sequence[FloatArray]) -> float:
    """Share of the variance of errors that differs between people, from the errors of each [n]; 0 to ``MOST_SHARE``.

    The variance of the means without the part that chance gives to them (analysis of variance), drawn towards
    ``PRIOR_SHARE`` as by ``PRIOR_PEOPLE`` more people.

    >>> import numpy as np
    >>> apart = [np.full(200, level) for level in (-10.0, 5.0, 10.0, -5.0)]
    >>> alike = [np.tile([-9.0, 9.0], 100)] * 4
    >>> round(person_share(apart), 2), round(person_share(alike), 2)
    (0.65, 0.15)
    """
    total = float(np.mean([(part * part).mean() for part in residuals]))
    chance = float(np.mean([part.var() / max(len(part) / ROWS_OF_A_MOMENT, 1.0) for part in residuals]))
    level = float(np.mean([part.mean() ** 2 for part in residuals]))
    found = max(level - chance, 0.0) / total if total > 0.0 else 0.0
    people = len(residuals)
    return min((people * found + PRIOR_PEOPLE * PRIOR_SHARE) / (people + PRIOR_PEOPLE), MOST_SHARE)


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
    grid: FloatArray, errors: FloatArray, form: DayForm, interval: tuple[float, float]
) -> tuple[float, float, float, float, float]:
    """What the interval's width must be multiplied by in each time after the last reading, so that it covers 80 %.

    Each session is replayed with a strap that is lost at each of ``LOSSES_S``. What few sessions say counts little.
    """
    low, high = interval
    column = constants(form)[:, None]
    states = np.array([states_at_losses(each, grid, column, LOSSES_S) for each in errors])  # [session, loss, field]
    sizes, ages = [], []
    for place, lost_s in enumerate(LOSSES_S):
        later = grid >= lost_s
        add, wider = _corrected(states[:, place].T, grid[later], column)
        away = (errors[:, later] - add) / wider
        sizes.append(np.where(away < 0.0, away / low, away / high))
        ages.append(grid[later] - lost_s)
    size, age_s = np.concatenate(sizes, axis=1), np.concatenate(ages)
    begins, ends = (0.0, *LATE_EDGES_S), (*LATE_EDGES_S, np.inf)
    one, two, three, four, five = (
        float(np.clip(_late_width(size[:, (age_s >= begin) & (age_s < end)]), least, MOST_LATE))
        for begin, end, least in zip(begins, ends, LEAST_LATE, strict=True)
    )
    return one, two, three, four, five


def on_grid(series: Sequence[tuple[FloatArray, FloatArray]]) -> tuple[FloatArray, FloatArray]:
    """Times [T], s, and the error of each session at each of them [sessions, T]; NaN where no row is near."""
    grid = np.arange(0.0, min(max(float(t[-1]) for t, _ in series), LONGEST_S), GRID_S)
    places = [np.minimum(np.searchsorted(t, grid), len(t) - 1) for t, _ in series]
    near = [np.abs(t[place] - grid) < GRID_S for (t, _), place in zip(series, places, strict=True)]
    errors = [np.where(n, e[place], np.nan) for (_, e), place, n in zip(series, places, near, strict=True)]
    return grid, np.array(errors)


def after_losses(
    errors: FloatArray, grid: FloatArray, columns: FloatArray, losses_s: Sequence[float]
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """For each time at which the strap is lost: corrections and widenings, [forms, sessions, times from then on].

    Args:
        errors: [sessions, T].
        grid: s, [T].
        columns: constants of the forms, [CONSTANTS, forms].
        losses_s: s since the start, rising: what was learned up to one loss is where the next one goes on.
    """
    sessions, forms = len(errors), columns.shape[1]
    many, each = sessions * forms, np.repeat(columns, sessions, axis=1)
    state, model = np.repeat(np.array(BLANK)[:, None], many, axis=1), np.ones(many)
    begin = -np.inf
    for lost_s in losses_s:
        for place in np.flatnonzero((grid >= begin) & (grid < lost_s)):
            state = learn(state, np.full(many, grid[place]), np.tile(errors[:, place], forms), each, model)
        begin = lost_s
        add, wider = _corrected(state, grid[grid >= lost_s], each)
        yield add.reshape(forms, sessions, -1), wider.reshape(forms, sessions, -1)


def states_at_losses(
    error: FloatArray, grid: FloatArray, column: FloatArray, losses_s: Sequence[float]
) -> list[FloatArray]:
    """Return what ``learn`` has made of one session's errors [T] at each loss of the strap, [fields]: the same bits.

    Few sessions and one form are faster in plain numbers, a hundred times for one session.
    """
    moments = grid[grid < losses_s[-1]]
    known = np.append(error[: len(moments)], np.nan)
    t = np.append(moments, losses_s[-1])
    read = np.where(np.isnan(known), np.nan, t)
    before = np.repeat(np.array(BLANK)[:, None], len(t), axis=1)
    before[0], before[1], before[5] = 0.0, column[0], 1.0
    before[3, 1:] = np.fmax.accumulate(read)[:-1]
    before[4] = t[0]
    foresee(before, t, known, np.broadcast_to(column, (len(column), len(t))))
    return [before[:, np.searchsorted(moments, lost_s)] for lost_s in losses_s]


def _corrected(state: FloatArray, times: FloatArray, column: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return corrections and widenings [k, times] of states [fields, k] of forms [CONSTANTS, k or 1]."""
    many = state.shape[1]
    forms = np.broadcast_to(column, (len(column), many))
    asked = (np.repeat(state, len(times), axis=1), np.tile(times, many), np.repeat(forms, len(times), axis=1))
    add, wider = correction(*asked)
    return add.reshape(many, -1), wider.reshape(many, -1)


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
