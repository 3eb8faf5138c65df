"""The day's form: an estimate, from a strap's readings, of a model's error for the rest of the day.

The error strap − model has two parts. One is the day: heat, sleep, fatigue; movement does not show it, and it lasts for
hours in some people and not at all in others. The other is the moment: the distance of the heart rate from the value
that the movement leads to; it disappears within minutes. The day is one number for each athlete, with a variance: a
scalar Kalman filter that starts from the athlete's own held-out sessions (``DayForm``), is updated by every reading of
the strap after the first minutes of a session, and returns to its start value over hours. The moment is a fading
average of the newest errors:

    correction = day + (newest − day) · fade(age/moment_s)

The variance of both gives the width of the interval: narrow just after a strap reading, as wide as in sessions without
a strap if there was none, wider in the first minutes of a session, when averages of effort cover little time. Readings
a second apart have nearly the same error, so a reading counts as much as its time does, not once each. Everything is
elementary arithmetic, so the result does not depend on who else is in the call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import numpy as np
from msgspec import Meta

from athlete_monitor.decay import remaining

if TYPE_CHECKING:
    from athlete_monitor.arrays import FloatArray

SETTLE_S: Final = 180.0
"""The day is not estimated from the first minutes of a session: their error differs from that of the day."""

DRIFT_S: Final = 6.0 * 3600.0
"""The day's form decays to zero on this scale: two sessions of a day share it, two days do not."""

WIDEN_S: Final = 3600.0
"""What is known of the day is trusted less and less on this scale: errors drift within a session too."""

MOST_DEVIATIONS: Final = 1.5
"""A reading that is further from the day's form than so many usual errors counts as one that is so far: a strap that
reads nonsense for a minute, or the bouts of an interval run, must not decide about the day. On three parts of forty
runs the error after a warm-up went from 2.97, 4.09 and 4.41 bpm to 2.97, 3.99 and 4.14."""

FORGET_S: Final = 16.0 * 3600.0
"""A session that begins this long after the last reading is another day."""

LONGEST_READING_S: Final = 10.0
NEWEST_S: Final = 3.0
"""Averaging time of the newest errors."""

NEWEST_SHARE: Final = 0.15
"""Share of the momentary variance that remains right after a reading."""

EARLY_EDGES_S: Final = (60.0, 120.0, 180.0, 300.0)
"""Ends of the parts of a session's beginning that have their own widths."""

LEAST_EARLY: Final = (6.8, 3.2, 2.3, 1.7)
"""How much wider those parts are at least. A session may begin in the middle of effort, which averages that have just
begun cannot know: on runs cut at random the error was 36, 17, 12 and 9 bpm in these parts, against 4 usually. A start
from rest looks the same without a strap. So wide must the interval be to cover 80 % of such pieces of the first 28 of
forty runs."""

LATE_EDGES_S: Final = (120.0, 420.0, 900.0, 1500.0)
"""Ends of the times since the last reading that have widths of their own; the last one has no end."""

LEAST_LATE: Final = (0.6, 0.7, 0.85, 1.0, 1.15)
"""How wide those parts are at least. On forty runs errors grew by 1 to 5 bpm after half an hour, in every part."""

_Positive = Annotated[float, Meta(gt=0.0)]
_Wider = Annotated[float, Meta(ge=1.0)]


class DayForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The error of a model, estimated from an athlete's held-out sessions.

    ``day_variance`` is that of the part that lasts over a session, ``moment_variance`` of the rest, both bpm²;
    ``noise`` is the uncertainty of a second of readings about the day, bpm²·s; ``moment_s`` is how long the rest lasts;
    ``early`` widens the interval in the parts of a session's beginning (``EARLY_EDGES_S``), ``late`` is what its width
    is multiplied by after the last reading (``LATE_EDGES_S``); ``sessions`` counts the sessions that it was estimated
    from.
    """

    day_variance: Annotated[float, Meta(ge=0.0)] = 12.0
    moment_variance: _Positive = 28.0
    noise: _Positive = 11760.0
    moment_s: _Positive = 60.0
    early: tuple[_Wider, _Wider, _Wider, _Wider] = (1.0, 1.0, 1.0, 1.0)
    late: tuple[_Positive, _Positive, _Positive, _Positive, _Positive] = (1.0, 1.0, 1.0, 1.0, 1.0)
    sessions: Annotated[int, Meta(ge=0)] = 0


USUAL: Final = DayForm(early=LEAST_EARLY)
"""Default for manifests without a form: after seven minutes of readings, 0.3 of their error is assigned to the day."""

CONSTANTS: Final = 13
"""Numbers of ``constants``."""


def constants(form: DayForm) -> FloatArray:
    """The numbers of a form in one column [CONSTANTS]."""
    return np.array([form.day_variance, form.moment_variance, form.noise, form.moment_s, *form.early, *form.late])


FIELDS: Final = ("day_bpm", "day_variance", "newest_bpm", "newest_t", "start_t", "model")
BLANK: Final = (0.0, np.nan, np.nan, np.nan, np.nan, np.nan)
"""State before any reading: the day's form (bpm) and its variance, the newest error (bpm), the time of the newest
reading and of the session's first sample (s), and the number of the model whose error it is."""


def learn(state: FloatArray, t: FloatArray, error_bpm: FloatArray, form: FloatArray, model: FloatArray) -> FloatArray:
    """Return the state [6, k] after samples at ``t`` [k].

    Args:
        state: [6, k].
        t: s.
        error_bpm: strap − model; NaN without a reading.
        form: [CONSTANTS, k], of the serving model.
        model: a number for each model: the error of one model is not that of another. NaN: none.
    """
    day, variance, newest, newest_t, start_t, known = state
    learned = state.copy()
    learned[4] = np.where(np.isnan(start_t), t, start_t)
    another_day = np.isnan(start_t) & (np.abs(t - newest_t) > FORGET_S)
    newest_t = np.where(another_day, np.nan, newest_t)
    other = ((known != model) & ~np.isnan(model)) | another_day
    learned[5] = np.where(np.isnan(model), known, model)
    fresh = other | np.isnan(variance)
    reading = ~np.isnan(error_bpm)
    if not reading.any():  # nine samples in ten, with a strap that reads once a second
        learned[0] = np.where(fresh, 0.0, day)
        learned[1] = np.where(fresh, form[0], variance)
        learned[2] = np.where(fresh, np.nan, newest)
        learned[3] = newest_t
        return learned
    age_s = np.where(np.isnan(newest_t), 0.0, np.fmax(t - newest_t, 0.0))
    kept = remaining(age_s * (1.0 / DRIFT_S))
    day = np.where(fresh, 0.0, day * kept)
    sure = remaining(age_s * (1.0 / WIDEN_S))
    variance = np.where(fresh, form[0], form[0] + (variance - form[0]) * sure * sure)
    most = MOST_DEVIATIONS * np.sqrt(form[0] + form[1])
    surprise = np.fmin(np.fmax(error_bpm - day, -most), most)
    read_s = np.where(np.isnan(newest_t), 1.0, np.fmin(age_s, LONGEST_READING_S))
    settled = t - learned[4] >= SETTLE_S
    gain = np.where(settled, variance * read_s / (variance * read_s + form[2]), 0.0)
    first = fresh | np.isnan(newest) | (age_s > form[3])
    before = np.where(first, error_bpm, newest)
    learned[0] = np.where(reading, day + gain * surprise, np.where(fresh, 0.0, state[0]))
    learned[1] = np.where(reading, variance * (1.0 - gain), np.where(fresh, form[0], state[1]))
    weight = read_s / (read_s + NEWEST_S)
    learned[2] = np.where(reading, before + weight * (error_bpm - before), np.where(fresh, np.nan, newest))
    learned[3] = np.where(reading, np.fmax(np.where(np.isnan(newest_t), t, newest_t), t), newest_t)
    return learned


def correction(state: FloatArray, t: FloatArray, form: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The correction of the models' heart rates at ``t`` [k], bpm, and the factor that widens their intervals.

    Without any reading these are 0 and 1, except at the beginning of a session.
    """
    day, variance, newest, newest_t, start_t, _ = state
    age_s = np.where(np.isnan(newest_t), np.inf, np.fmax(t - newest_t, 0.0))
    age_s = np.where(np.isnan(newest), np.inf, age_s)
    kept = np.where(np.isinf(age_s), 0.0, remaining(np.where(np.isinf(age_s), 0.0, age_s) / form[3]))
    since_s = np.where(np.isnan(newest_t), 0.0, np.fmax(t - newest_t, 0.0))
    lasting = remaining(since_s * (1.0 / DRIFT_S))
    day = np.where(np.isnan(day), 0.0, day) * lasting
    sure = remaining(since_s * (1.0 / WIDEN_S))
    variance = np.where(np.isnan(variance), form[0], form[0] + (variance - form[0]) * sure * sure)
    add = day + np.where(kept > 0.0, newest - day, 0.0) * kept
    moment = form[1] * (1.0 - (1.0 - NEWEST_SHARE) * kept * kept)
    spread = np.sqrt((variance + moment) / (form[0] + form[1]))
    return add, spread * (1.0 + (_early(t - start_t, form) - 1.0) * (1.0 - kept)) * _late(age_s, form)


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
    """The part of a state [6] that is kept for the athlete's next session: the day, without the moment."""
    kept = state.copy()
    kept[2] = kept[4] = np.nan
    return kept
