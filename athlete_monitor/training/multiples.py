"""Minutes in which a strap read half or twice the heart rate are not learned from: found by the rules of the live box.

Live, a trained model contradicts the strap. Here a straight line through the other sessions does, so that a wrong
session is not its own witness; an only session is judged by a line through itself. What the live rules find
(``squad/cadence_lock.py``, ``squad/slow_doubts.py``) is left out from its beginning to its end: they know only what
came before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.models.line import fit_line
from athlete_monitor.physiology.heart_rate import CleanHeartRate
from athlete_monitor.physiology.reasons import STRAP_HALF_OR_TWICE
from athlete_monitor.squad.cadence_lock import AGREED_S, DEVIATIONS, CadenceLock, is_multiple
from athlete_monitor.squad.heart_rate_source import DEVIATIONS_OF_INTERVAL, ModelHeartRate
from athlete_monitor.squad.slow_doubts import RUNNING_BPM, RUNNING_SPM, roughly_multiple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.arrays import BoolArray, Float32Array, FloatArray
    from athlete_monitor.models.line import LineModel
    from athlete_monitor.training.rows import SessionRows

LEAST_ROWS: Final = 240
"""A line through fewer rows says too little."""

MOST_ROWS: Final = 2000
PENALTY: Final = 10.0
ROUNDS: Final = 4
"""So often a line is fitted again with less weight for what is far from it: a part that is wrong cannot move it."""

LEAST_DEVIATION_BPM: Final = 3.0
TO_DEVIATION: Final = 1.4826
"""From the median of absolute errors to the standard deviation, where few errors are far out."""

LEAST_APART: Final = 10
"""With fewer rows that may be half or twice of what is expected, a session is not looked at."""

GAP_S: Final = 5.0


@dataclass(frozen=True)
class Reading:
    """A session with the steps a minute of its rows, [n]; NaN where they are not measured."""

    session: SessionRows
    cadence_spm: FloatArray

    @property
    def likely(self) -> BoolArray:
        """Rows without those of a heart that beats too slowly for a run, bool [n]."""
        slow: BoolArray = (self.cadence_spm >= RUNNING_SPM) & (self.session.y < RUNNING_BPM)
        return ~slow


def signs(reading: Reading, expected_bpm: FloatArray) -> bool:
    """Whether a session may have such minutes, at little cost: by readings, or by what is expected of its rows, [n]."""
    y = reading.session.y
    half, twice = roughly_multiple(y, expected_bpm)
    before, after = y[:-1], y[1:]
    jumps = is_multiple(after, before) & (np.diff(reading.session.t) <= AGREED_S)
    return bool(jumps.any()) or max(int((half | twice).sum()), int((~reading.likely).sum())) >= LEAST_APART


def read_multiples(readings: Sequence[Reading]) -> list[BoolArray]:
    """Rows of each session of an athlete, bool [n], in which the strap read half or twice the heart rate."""
    expected = [_expected(readings, place) for place in range(len(readings))]
    errors = [
        np.abs(each.session.y - said)[each.likely] for each, said in zip(readings, expected, strict=True) if len(said)
    ]
    none = [np.zeros(len(each.session), dtype=bool) for each in readings]
    if not sum(map(len, errors)):
        return none
    deviation = max(TO_DEVIATION * float(np.median(np.concatenate(errors))), LEAST_DEVIATION_BPM)
    return [
        _found(each, said, deviation) if len(said) else nothing
        for each, said, nothing in zip(readings, expected, none, strict=True)
    ]


def _expected(readings: Sequence[Reading], place: int) -> FloatArray:
    """What a line through the other sessions says of one, bpm [n]; of an only one a line through itself; or nothing."""
    others = [each for other, each in enumerate(readings) if other != place]
    for known in (others, [readings[place]]):
        if sum(int(each.likely.sum()) for each in known) >= LEAST_ROWS:
            X = np.concatenate([each.session.X[each.likely] for each in known])
            y = np.concatenate([each.session.y[each.likely] for each in known])
            return _line(X, y).predict(readings[place].session.X)
    return np.empty(0)


def _line(X: Float32Array, y: FloatArray) -> LineModel:
    """The line with the smallest sum of absolute errors, about."""
    step = max(1, -(-len(y) // MOST_ROWS))
    X, y = X[::step], y[::step]
    weight = np.ones(len(y))
    for _ in range(ROUNDS):
        line = fit_line(X, y, weight, PENALTY)
        weight = LEAST_DEVIATION_BPM / np.maximum(np.abs(y - line.predict(X)), LEAST_DEVIATION_BPM)
    return line


def _found(reading: Reading, said: FloatArray, deviation: float) -> BoolArray:
    """Whole stretches of rows that may be half or twice of what is ``said``, if the live rules find some of each."""
    session = reading.session
    half, twice = roughly_multiple(session.y, said)
    apart = (half | twice) & (np.abs(session.y - said) > DEVIATIONS * deviation)
    found = np.zeros(len(session), dtype=bool)
    if int(apart.sum()) < LEAST_APART:
        return found
    accused, places = _accused(reading, said, deviation), np.flatnonzero(apart)
    for stretch in np.split(places, np.flatnonzero(np.diff(session.t[places]) > GAP_S) + 1):
        found[stretch] = accused[stretch].any()
    return found


def _accused(reading: Reading, said: FloatArray, deviation: float) -> BoolArray:
    """Rows that the live rules find to be half or twice the heart rate, with what is ``said`` as the model."""
    session, lock, row = reading.session, CadenceLock(1), np.zeros(1, dtype=np.int64)
    accepted, rejected = np.ones(1, dtype=bool), np.zeros(1, dtype=bool)
    low, high = (said + side * DEVIATIONS_OF_INTERVAL * deviation for side in (-1.0, 1.0))
    columns = np.stack([session.t, reading.cadence_spm, session.y, said, low, high])[:, :, None]
    accused = np.zeros(len(session), dtype=bool)
    for i in range(len(session)):
        t, cadence, bpm, *model = columns[:, i]
        lock.check(row, t, cadence, CleanHeartRate(bpm, accepted, rejected), ModelHeartRate(*model))
        accused[i] = lock.reason(0) == STRAP_HALF_OR_TWICE
    return accused
