"""The day's form: an estimate, from a strap's readings, of a model's error for the rest of the day.

The error strap − model has two parts. One is the day: heat, sleep, fatigue; movement does not show it, and it lasts for
an hour or more in some people and not at all in others. The other is the moment: the distance of the heart rate from
the value that the movement leads to; it disappears within minutes. Both are taken as Ornstein–Uhlenbeck processes: each
returns to zero on its own time scale, with its own variance (``DayForm``, from the athlete's own held-out sessions). A
strap reads their sum, so one number and its variance describe what is known: a scalar Kalman filter with correlated
noise (Bryson and Henrikson 1968). The newest error minus the day is the moment:

    correction = day · fade(age/day_s) + (newest − day) · fade(age/moment_s)

The variance of both gives the width of the interval: narrow just after a strap reading, as wide as in sessions without
a strap if there was none, wider in the first minutes of a session, when averages of effort cover little time. Readings
a second apart have nearly the same error, and the filter knows it: how often a strap reads hardly matters. Everything
is elementary arithmetic, so the result does not depend on who else is in the call.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import msgspec
import numpy as np
from msgspec import Meta

from athlete_monitor.decay import remaining

if TYPE_CHECKING:
    from athlete_monitor.arrays import FloatArray

SETTLE_S: Final = 120.0
"""The day is not estimated from the first minutes of a session: their error differs from that of the day."""

MOST_DEVIATIONS: Final = 1.5
"""A reading that is further from the day's form than so many usual errors counts as one that is so far: a strap that
reads nonsense for a minute, or the bouts of an interval run, must not decide about the day. On three parts of forty
runs the error after a warm-up went from 2.97, 4.09 and 4.41 bpm to 2.97, 3.99 and 4.14."""

FORGET_S: Final = 16.0 * 3600.0
"""A session that begins this long after the last reading is another day."""

LONGEST_READING_S: Final = 10.0
LEAST_VARIANCE: Final = 1e-9
NEWEST_S: Final = 3.0
"""Averaging time of the newest errors."""

NEWEST_SHARE: Final = 0.15
"""Share of the momentary variance that remains right after a reading."""

EARLY_EDGES_S: Final = (60.0, 120.0, 180.0, 300.0)
"""Ends of the parts of a session's beginning that have their own widths."""

LEAST_EARLY: Final = (1.8, 1.2, 1.0, 1.0)
"""How much wider those parts are at least: so wide must the interval be to cover 80 % of pieces that were cut at random
from the later half of 28 runs, by a model of the earlier half."""

LATE_EDGES_S: Final = (120.0, 420.0, 900.0, 1500.0)
"""Ends of the times since the last reading that have widths of their own; the last one has no end."""

_Positive = Annotated[float, Meta(gt=0.0)]
_Wider = Annotated[float, Meta(ge=1.0)]


class DayForm(msgspec.Struct, frozen=True, kw_only=True):
    """The error of a model, estimated from an athlete's held-out sessions. Fields of earlier versions are ignored.

    ``day_variance`` is that of the part that lasts, ``moment_variance`` of the rest, both bpm²; ``day_s`` and
    ``moment_s`` are the time scales on which they return to zero;
    ``early`` widens the interval in the parts of a session's beginning (``EARLY_EDGES_S``), ``late`` is what its width
    is multiplied by after the last reading (``LATE_EDGES_S``); ``sessions`` counts the sessions that it was estimated
    from.
    """

    day_variance: Annotated[float, Meta(ge=0.0)] = 12.0
    moment_variance: _Positive = 28.0
    day_s: _Positive = 10800.0
    moment_s: _Positive = 60.0
    early: tuple[_Wider, _Wider, _Wider, _Wider] = (1.0, 1.0, 1.0, 1.0)
    late: tuple[_Positive, _Positive, _Positive, _Positive, _Positive] = (1.0, 1.0, 1.0, 1.0, 1.0)
    sessions: Annotated[int, Meta(ge=0)] = 0


USUAL: Final = DayForm(early=LEAST_EARLY)
"""Default for manifests without a form."""

CONSTANTS: Final = 13
"""Numbers of ``constants``."""


def constants(form: DayForm) -> FloatArray:
    """The numbers of a form in one column [CONSTANTS]."""
    return np.array([form.day_variance, form.moment_variance, form.day_s, form.moment_s, *form.early, *form.late])


FIELDS: Final = ("day_bpm", "day_variance", "newest_bpm", "newest_t", "start_t", "model", "moments", "moments_square")
BLANK: Final = (0.0, np.nan, np.nan, np.nan, np.nan, np.nan, 0.0, 0.0)
"""State before any reading: the day's form (bpm) and its variance, the newest error (bpm), the time of the newest
reading and of the session's first sample (s), the number of the model whose error it is, and how many independent
moments were read today and the sum of their squares, in units of the usual variance."""

MOMENTS_PRIOR: Final = 4.0
"""Today's own spread of errors counts as much as the usual one after so many independent moments, some eight minutes.
With strap readings lost at four times in seven models' next ten runs, the coverage differed by 7 percentage points
between models in place of 9, with intervals 7 % narrower."""

MOST_SQUARE: Final = 9.0


def learn(state: FloatArray, t: FloatArray, error_bpm: FloatArray, form: FloatArray, model: FloatArray) -> FloatArray:
    """Return the state [fields, k] after samples at ``t`` [k].

    Args:
        state: [fields, k].
        t: s.
        error_bpm: strap − model; NaN without a reading.
        form: [CONSTANTS, k], of the serving model.
        model: a number for each model: the error of one model is not that of another. NaN: none.
    """
    day, variance, newest, newest_t, start_t, known, moments, square = state
    learned = state.copy()
    learned[4] = np.where(np.isnan(start_t), t, start_t)
    another_day = np.isnan(start_t) & (np.abs(t - newest_t) > FORGET_S)
    newest_t = np.where(another_day, np.nan, newest_t)
    other = ((known != model) & ~np.isnan(model)) | another_day
    learned[5] = np.where(np.isnan(model), known, model)
    fresh = other | np.isnan(variance)
    day, variance = np.where(fresh, 0.0, day), np.where(fresh, form[0], variance)
    reading = ~np.isnan(error_bpm)
    if not reading.any():  # nine samples in ten, with a strap that reads once a second
        learned[:4] = day, variance, np.where(fresh, np.nan, newest), newest_t
        learned[6:] = np.where(fresh, 0.0, learned[6:])
        return learned
    age_s = np.where(np.isnan(newest_t), 0.0, np.fmax(t - newest_t, 0.0))
    read_s = np.where(np.isnan(newest_t), 1.0, np.fmin(age_s, LONGEST_READING_S))
    first = fresh | np.isnan(newest) | (age_s > form[3])
    before = np.where(first, error_bpm, newest)
    now = before + read_s / (read_s + NEWEST_S) * (error_bpm - before)
    unused = fresh | np.isnan(newest) | ~(newest_t - learned[4] >= SETTLE_S)
    known_day, known_variance = _filtered(day, variance, np.where(unused, np.nan, newest), now, age_s, form)
    settled = t - learned[4] >= SETTLE_S
    kept_day = np.where(settled, known_day, day * remaining(age_s / form[2]))
    kept_variance = np.where(settled, known_variance, _relaxed(variance, age_s, form))
    learned[0] = np.where(reading, kept_day, day)
    learned[1] = np.where(reading, kept_variance, variance)
    learned[2] = np.where(reading, now, np.where(fresh, np.nan, newest))
    learned[3] = np.where(reading, np.fmax(np.where(np.isnan(newest_t), t, newest_t), t), newest_t)
    away = now - kept_day
    added = np.where(reading & settled, read_s / (2.0 * form[3]), 0.0)
    learned[6] = np.where(fresh, 0.0, moments) + added
    learned[7] = (
        np.where(fresh, 0.0, square) + np.where(added > 0.0, np.fmin(away * away / form[1], MOST_SQUARE), 0.0) * added
    )
    return learned


def foresee(before: FloatArray, t: FloatArray, error_bpm: FloatArray, form: FloatArray) -> None:
    """Fill in the state before each of n moments of one athlete, [fields, n], from the first; see ``SquadState``.

    As ``learn``, for one model and no pause of hours; both are rare. Start, model and time of the newest reading are
    there already.
    """
    ages = np.where(np.isnan(before[3]), 0.0, np.fmax(t - before[3], 0.0))
    reads = np.where(np.isnan(before[3]), 1.0, np.fmin(ages, LONGEST_READING_S))
    columns = (
        error_bpm, ages, reads / (reads + NEWEST_S), remaining(ages / form[2]), remaining(ages / form[3]),
        np.where(t - before[4] >= SETTLE_S, reads / (2.0 * form[3]), 0.0), before[3] - before[4] >= SETTLE_S,
    )  # fmt: skip
    state = _One(*before[:3, 0].tolist(), *before[6:, 0].tolist())
    found = []
    usual = form[:4, 0].tolist()
    for moment in zip(*(column.tolist() for column in columns), strict=True):
        found.append(state)
        if not math.isnan(moment[0]):
            state = state.after(usual, *moment)
    before[[0, 1, 2, 6, 7]] = np.array(found).T


class _One(NamedTuple):
    """One athlete's day, variance, newest error, moments and sum of squares."""

    day: float
    variance: float
    newest: float
    moments: float
    square: float

    def after(
        self,
        usual: list[float],
        error: float,
        age_s: float,
        weight: float,
        lasting: float,
        passing: float,
        added: float,
        is_used: bool,  # noqa: FBT001
    ) -> _One:
        """Return it after an error."""
        day_variance, moment_variance, _, moment_s = usual
        day, variance, newest, moments, square = self
        start = error if math.isnan(newest) or age_s > moment_s else newest
        now = start + weight * (error - start)
        relaxed = day_variance + (variance - day_variance) * lasting * lasting
        kept = day * lasting
        if added > 0.0:
            if not is_used or math.isnan(newest):
                passing = 0.0
            shared = variance * lasting * passing
            moment = moment_variance + (variance - moment_variance) * passing * passing
            most = MOST_DEVIATIONS * math.sqrt(max(relaxed + moment_variance, 0.0))
            moved = min(max(now - kept, -most), most)
            moved -= (min(max(newest - day, -most), most) if passing > 0.0 else 0.0) * passing
            gain = (relaxed - shared) / max(relaxed - 2.0 * shared + moment, LEAST_VARIANCE)
            kept, relaxed = kept + gain * moved, relaxed - gain * (relaxed - shared)
            away = now - kept
            moments += added
            square += min(away * away / moment_variance, MOST_SQUARE) * added
        return _One(kept, relaxed, now, moments, square)


def _relaxed(variance: FloatArray, age_s: FloatArray, form: FloatArray) -> FloatArray:
    """Variance of the day ``age_s`` after it was ``variance``: it returns to that of a new day."""
    lasting = remaining(age_s / form[2])
    relaxed: FloatArray = form[0] + (variance - form[0]) * lasting * lasting
    return relaxed


def _filtered(
    day: FloatArray, variance: FloatArray, newest: FloatArray, now: FloatArray, age_s: FloatArray, form: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """One step of the filter: the day and its variance after an error ``now`` that follows ``newest`` by ``age_s``.

    NaN as ``newest``: this is the first error that is used. An error is known exactly, so what is not known of the day
    and of the moment has the same variance, with opposite signs.
    """
    lasting = remaining(age_s / form[2])
    passing = np.where(np.isnan(newest), 0.0, remaining(age_s / form[3]))
    relaxed = _relaxed(variance, age_s, form)
    shared = variance * lasting * passing
    moment = form[1] + (variance - form[1]) * passing * passing
    most = MOST_DEVIATIONS * np.sqrt(relaxed + form[1])
    kept = day * lasting
    moved = np.fmin(np.fmax(now - kept, -most), most)
    moved = moved - np.where(passing > 0.0, np.fmin(np.fmax(newest - day, -most), most), 0.0) * passing
    gain = (relaxed - shared) / np.fmax(relaxed - 2.0 * shared + moment, LEAST_VARIANCE)
    return kept + gain * moved, relaxed - gain * (relaxed - shared)


def correction(state: FloatArray, t: FloatArray, form: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The correction of the models' heart rates at ``t`` [k], bpm, and the factor that widens their intervals.

    Without any reading these are 0 and 1, except at the beginning of a session.
    """
    day, variance, newest, newest_t, start_t = state[:5]
    since_s = np.where(np.isnan(newest_t), 0.0, np.fmax(t - newest_t, 0.0))
    read = ~(np.isnan(newest_t) | np.isnan(newest))
    age_s = np.where(read, since_s, np.inf)
    passing = np.where(read, remaining(since_s / form[3]), 0.0)
    lasting = remaining(since_s / form[2])
    day = np.where(np.isnan(day), 0.0, day)
    variance = np.where(np.isnan(variance), form[0], variance)
    add = day * lasting + np.where(passing > 0.0, newest - day, 0.0) * passing
    relaxed = _relaxed(variance, since_s, form)
    moment = form[1] + (variance - (1.0 - NEWEST_SHARE) * form[1]) * passing * passing
    spread = np.sqrt((relaxed - 2.0 * variance * lasting * passing + moment) / (form[0] + form[1]))
    spread = spread * todays_spread(state, lasting)
    return add, spread * (1.0 + (_early(t - start_t, form) - 1.0) * (1.0 - passing)) * _late(age_s, form)


def todays_spread(state: FloatArray, lasting: FloatArray) -> FloatArray:
    """How much larger today's momentary errors are than usual ones [k].

    1 without readings, near 1 after few of them, and nearer as the day passes; ``lasting`` [k] is what is left of it.
    """
    moments, square = state[6:] * lasting
    today: FloatArray = np.sqrt((MOMENTS_PRIOR + square) / (MOMENTS_PRIOR + moments))
    return today


def _early(watched_s: FloatArray, form: FloatArray) -> FloatArray:
    """The factor that widens the interval after ``watched_s`` [k] seconds of a session."""
    wider = np.ones_like(watched_s)
    for place in range(len(EARLY_EDGES_S) - 1, -1, -1):
        wider = np.where(watched_s < EARLY_EDGES_S[place], form[4 + place], wider)
    return wider


def _late(age_s: FloatArray, form: FloatArray) -> FloatArray:
    """What the interval is multiplied by ``age_s`` [k] seconds after the last reading; 1 where there was none."""
    width = np.where(np.isinf(age_s), 1.0, form[8 + len(LATE_EDGES_S)])
    for place in range(len(LATE_EDGES_S) - 1, -1, -1):
        width = np.where(age_s < LATE_EDGES_S[place], form[8 + place], width)
    return width


def next_session(state: FloatArray) -> FloatArray:
    """The part of a state [fields] that is kept for the athlete's next session: the day, without the moment."""
    kept = state.copy()
    kept[2] = kept[4] = np.nan
    return kept
