"""Straps that were never right, or that drift away: found by evidence that grows for a minute or more.

Half or twice the heart rate from a session's start on: strap and model disagree by a factor of two, and that does not
show which of them is wrong: a model of runs says half of the truth on a bicycle. It counts against the strap only if

- the athlete runs, by the cadence, and the strap reads half: nobody runs for a minute with a heart that beats less than
  ``RUNNING_BPM`` times a minute and half as often as expected;
- the strap reads half and moves with the model, which has moved by so much (``MOVED``) that a heart at rest could not
  have stayed near half of it, as in a car;
- the reading is beyond what the athlete's heart can do: far above the measured maximum, or below the resting value.

Twice the heart rate, within these limits, looks the same as an effort that no sensor shows: with half of the values of
another run as the model, 25 of 32 real runs moved with it by half of its value for three minutes.

A strap that drifts away slowly looks like a hill, wind or a load that no sensor shows. It is found only where none of
these is likely: in a run at a steady effort (the model hardly changed since the strap agreed) with an altitude that
shows hills, and only if it has moved far (``AWAY_DEVIATIONS``, ``AWAY_BPM``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from athlete_monitor.arrays import some

if TYPE_CHECKING:
    from athlete_monitor.arrays import BoolArray, FloatArray

RUNNING_SPM: Final = 140.0
RUNNING_BPM: Final = 100.0
RUNNING_S: Final = 60.0
ROUGHLY: Final = 0.25
"""A reading that differs from half or twice of the model by no more than this share may be half or twice of the heart
rate: in the first minutes of real runs the model was wrong by up to 22 %."""

CLOSELY: Final = 0.12
MOVED: Final = 1.6
TOGETHER_S: Final = 120.0
"""By what factor the model must have moved, and for how long readings must have stayed near half of it. Readings that
are within ``CLOSELY`` of half allow a factor of 1.27 with a steady heart, and of 1.6 with one that moves by a quarter,
as at rest."""

BEYOND_BPM: Final = (3.0, 10.0)
"""So far below the resting heart rate, or above the maximum, a reading is beyond the heart."""

BEYOND_S: Final = 30.0
LONGEST_S: Final = 180.0
MOST_S: Final = np.array([[LONGEST_S], [RUNNING_S], [BEYOND_S], [LONGEST_S]])
DISAGREES: Final = 3.0
"""A model disagrees with a reading that is so many standard deviations away."""

RECOVERS: Final = 3.0
"""A reading that is right takes back so many times its own time."""

AWAY_DEVIATIONS: Final = 4.0
AWAY_BPM: Final = 25.0
AWAY_S: Final = 60.0
MOST_AWAY_S: Final = 90.0
AGREES_DEVIATIONS: Final = 2.0
STEADY_BPM: Final = 8.0
STEADY_S: Final = 600.0
AGREED_S: Final = 120.0
"""A strap agrees if it has not disagreed for so long, nor since the session's start."""

FIELDS: Final = (
    "apart_s", "apart_running_s", "apart_beyond_s", "apart_closely_s", "apart_lowest_bpm", "apart_highest_bpm",
    "steady_bpm", "steady_t", "away_s", "disagreed_t",
)  # fmt: skip
"""Seconds of evidence for half or twice, those of them in a run, beyond the heart's limits, and near enough to show
movement; the lowest and highest value of the model in these; the model's value and the time when the strap last agreed
with it; seconds of evidence that the strap has drifted away; the time of the last reading that disagreed, or the first
reading."""

BLANK: Final = (0.0, 0.0, 0.0, 0.0, np.nan, np.nan, np.nan, np.nan, 0.0, np.nan)


class Moment(NamedTuple):
    """One sample of each athlete, each array [k].

    ``deviation_bpm`` is one standard deviation of the model; ``lowest_bpm`` and ``highest_bpm`` are the athlete's known
    limits, NaN where unknown; ``hills`` is whether an altitude shows hills.
    """

    t: FloatArray
    strap_bpm: FloatArray
    model_bpm: FloatArray
    deviation_bpm: FloatArray
    runs: BoolArray
    hills: BoolArray
    lowest_bpm: FloatArray
    highest_bpm: FloatArray


class Doubts(NamedTuple):
    """Which readings [k] are found to be half or twice the heart rate, and which have drifted away."""

    multiple: BoolArray
    drifted: BoolArray


def roughly_multiple(strap_bpm: FloatArray, model_bpm: FloatArray) -> tuple[BoolArray, BoolArray]:
    """Whether readings may be half, or twice, of the model's heart rate [k].

    >>> half, twice = roughly_multiple(np.array([60.0, 75.0, 140.0, 190.0]), np.array([140.0, 140.0, 140.0, 90.0]))
    >>> half.tolist(), twice.tolist()
    ([True, True, False, False], [False, False, False, True])
    """
    half = np.abs(strap_bpm - 0.5 * model_bpm) <= ROUGHLY * 0.5 * model_bpm
    twice = np.abs(strap_bpm - 2.0 * model_bpm) <= ROUGHLY * 2.0 * model_bpm
    return half, twice


def advance(state: FloatArray, now: Moment, reading: BoolArray, read_s: FloatArray) -> Doubts:
    """Take a sample: change the state [FIELDS, k] in place, and return what is found.

    ``reading`` [k] is whether the sample brought an accepted reading, and ``read_s`` [k] for how long it counts.
    """
    reading = reading & ~np.isnan(now.model_bpm)  # without a model all stays, whoever else has one
    half, apart = _apart(now)
    if some(reading & (apart | (state[0] > 0.0))):
        _gather(state, now, half, apart, np.where(reading, read_s, 0.0))
    found = apart & _is_proven(state, half)
    drifted = _drift(state, now, ~found & _away(state, now), reading, read_s)
    return Doubts(found, drifted)


def may_be(state: FloatArray, now: Moment) -> BoolArray:
    """Whether readings may be wrong [k]: evidence is growing, or found. It grows for ``LONGEST_S`` at most."""
    half, apart = _apart(now)
    grows: BoolArray = apart & ((state[0] < LONGEST_S) | _is_proven(state, half))
    return grows | _away(state, now)


def _apart(now: Moment) -> tuple[BoolArray, BoolArray]:
    """Whether readings may be half of the model's heart rate; and whether they disagree and may be half or twice."""
    half, twice = roughly_multiple(now.strap_bpm, now.model_bpm)
    return half, (half | twice) & (np.abs(now.strap_bpm - now.model_bpm) > DISAGREES * now.deviation_bpm)


def _gather(state: FloatArray, now: Moment, half: BoolArray, apart: BoolArray, read_s: FloatArray) -> None:
    """Gather evidence for half or twice."""
    total, together, lowest, highest = state[0], state[3], state[4], state[5]
    closely = apart & half & (np.abs(now.strap_bpm - 0.5 * now.model_bpm) <= CLOSELY * 0.5 * now.model_bpm)
    runs = half & now.runs & (now.strap_bpm < RUNNING_BPM)
    beyond = (now.strap_bpm < now.lowest_bpm - BEYOND_BPM[0]) | (now.strap_bpm > now.highest_bpm + BEYOND_BPM[1])
    counts = np.array([apart, apart & runs, apart & beyond, closely])
    change = np.where(counts, read_s, np.where(apart, 0.0, -RECOVERS * read_s))
    state[:4] = np.fmin(np.fmax(state[:4] + change, 0.0), MOST_S)
    near = closely & (read_s > 0.0)
    np.copyto(lowest, np.fmin(lowest, now.model_bpm), where=near)
    np.copyto(highest, np.fmax(highest, now.model_bpm), where=near)
    np.copyto(state[1:4], 0.0, where=total == 0.0)
    np.copyto(state[4:6], np.nan, where=together == 0.0)


def _is_proven(state: FloatArray, half: BoolArray) -> BoolArray:
    """Whether there is enough evidence [k] that readings which may be half, or else twice, are it."""
    _, running, beyond, together, lowest, highest = state[:6]
    moved = half & (highest >= MOVED * lowest) & (together >= TOGETHER_S)
    proven: BoolArray = (half & (running >= RUNNING_S)) | (beyond >= BEYOND_S) | moved
    return proven


def _away(state: FloatArray, now: Moment) -> BoolArray:
    """Whether a reading is far from the model although a run goes on as before [k]; once found, if it disagrees."""
    away, deviation = np.abs(now.strap_bpm - now.model_bpm), now.deviation_bpm
    steady = (np.abs(now.model_bpm - state[6]) <= STEADY_BPM) & (now.t - state[7] <= STEADY_S)
    far = (away > np.fmax(AWAY_DEVIATIONS * deviation, AWAY_BPM)) & steady
    found: BoolArray = now.runs & now.hills & (far | ((state[8] >= AWAY_S) & (away > DISAGREES * deviation)))
    return found


def _drift(state: FloatArray, now: Moment, away: BoolArray, reading: BoolArray, read_s: FloatArray) -> BoolArray:
    """Gather evidence for a drift; return which readings have drifted away."""
    away_s = state[8]
    if some(reading & (away | (away_s > 0.0))):
        change = np.where(away, read_s, -RECOVERS * read_s)
        np.copyto(away_s, np.fmin(np.fmax(away_s + change, 0.0), MOST_AWAY_S), where=reading)
    differs = np.abs(now.strap_bpm - now.model_bpm)
    disagreed = reading & ((differs > DISAGREES * now.deviation_bpm) | np.isnan(state[9]))
    np.copyto(state[9], now.t, where=disagreed)
    agrees = reading & now.runs & (differs <= AGREES_DEVIATIONS * now.deviation_bpm) & (now.t - state[9] >= AGREED_S)
    np.copyto(state[6], now.model_bpm, where=agrees)
    np.copyto(state[7], now.t, where=agrees)
    drifted: BoolArray = away & (away_s >= AWAY_S)
    return drifted
