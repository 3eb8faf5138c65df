"""A strap or wrist that counts steps instead of heart beats, repeats its last reading, or counts half or twice.

Optical sensors, and straps with a poor contact, sometimes report the step rate, or half or twice the number that a
sensor of cadence gives: a plausible number that follows the movement. It is recognised by two things together: the
reading is near the cadence for a minute, and the model, which knows what such a movement usually costs this athlete,
disagrees by more than three standard deviations. Runners whose heart rate really is near their cadence have a model
that agrees.

Some devices repeat the last reading when the strap has gone, for minutes. Such a reading stays exactly equal for longer
than a heart does, and the model, which follows the movement, moves away from where it was, or comes to disagree.

A strap that misses every other beat, or counts the T wave as a beat, reads half or twice the heart rate. No heart does
that within a minute: a reading is suspect at once if it is near half or twice of what strap and model agreed on. Where
they never agreed, and where a strap drifts away, evidence takes longer (``slow_doubts.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from athlete_monitor.arrays import some
from athlete_monitor.figures import Figure, columns
from athlete_monitor.physiology.reasons import STRAP_COUNTS_STEPS, STRAP_DRIFTS, STRAP_HALF_OR_TWICE, STRAP_REPEATS
from athlete_monitor.physiology.squad_state import SquadState
from athlete_monitor.squad import slow_doubts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athlete_monitor.arrays import BoolArray, FloatArray, IntArray
    from athlete_monitor.physiology.bodies import Body
    from athlete_monitor.physiology.heart_rate import CleanHeartRate
    from athlete_monitor.squad.heart_rate_source import ModelHeartRate

NEAR_BPM: Final = 5.0
"""A reading that is no farther from the cadence follows it."""

NEARLY_BPM: Final = 10.0
"""A reading that is no farther, while the model disagrees, does not count against following the cadence: optical
sensors smooth the steps, and wander about them."""

SUSPECT_S: Final = 60.0
MOST_S: Final = 90.0
RECOVERS: Final = 3.0
"""A reading that does not follow the cadence takes back so many times its own time: ten seconds are enough. One that
did not move with the model counts as much."""

DEVIATIONS: Final = 3.0

MULTIPLES: Final = (1.0, 0.5, 2.0)
"""A reading may follow these multiples of the cadence: some sensors count strides, some straps every other step."""

FROZEN_S: Final = 120.0
"""A reading that has not changed for so long may be repeated by the device. In thirty hours of runs with a reading a
second the longest natural stretch was 71 s, and the only longer one 19 minutes, to the end of the run."""

STILL_S: Final = 90.0
STILL_DEVIATIONS: Final = 1.5
STILL_BPM: Final = 8.0
"""A reading is repeated, too, if it has not changed at all for ``STILL_S`` while the model moved by so many standard
deviations and so many bpm. In the same runs the model moved by no more than 0.7 standard deviations, 5 bpm, in any
natural stretch of half a minute or longer."""

AGREED_S: Final = 60.0
"""For so long a reading that the model agreed with shows where the heart is."""

REMEMBERED_S: Final = 300.0
"""For so long a reading that the model agreed with shows that the model knows what this athlete does, if the strap then
reads nothing else."""

JUMP_BPM: Final = 7.0
JUMPED_S: Final = 180.0
"""A reading becomes half or twice by a jump: no heart changes so fast between two readings. A heart that doubles its
rate within a minute from rest, as in the first minute on a bicycle, comes without one."""

WITHIN: Final = 0.12
"""A reading that differs from half or twice of another by no more than this share is near it."""

WATCHED_S: Final = 300.0
"""Before that a model knows too little of what went before to contradict a strap."""

SUSPECT_REASONS: Final = (STRAP_COUNTS_STEPS, STRAP_REPEATS, STRAP_HALF_OR_TWICE, STRAP_DRIFTS)

CADENCE_FRESH_S: Final = 5.0
LONGEST_READING_S: Final = 5.0


_FOLLOWING: Final = 6
_WHY: Final = 11
_FRESH: Final = 12
_JUMPED: Final = 13
_SLOW: Final = 14
_SLOW_FIELDS: Final = MappingProxyType(dict(zip(slow_doubts.FIELDS, slow_doubts.BLANK, strict=True)))
_ADDED_LATER: Final = MappingProxyType(
    {
        **dict.fromkeys(("still_model_bpm", "agreed_bpm", "agreed_t", "jumped_t")),
        **dict.fromkeys(("why", "is_fresh"), 0.0),
        **{name: None if np.isnan(value) else value for name, value in _SLOW_FIELDS.items()},
    }
)


class CadenceLock(SquadState):
    """For how long each athlete's strap has followed the step rate, or repeated itself, against the model."""

    FIELDS = MappingProxyType(
        {
            "start_t": np.nan,
            "cadence_spm": np.nan,
            "cadence_t": np.nan,
            "reading_t": np.nan,
            "same_bpm": np.nan,
            "same_t": np.nan,
            "following_s": 0.0,
            "suspect_s": 0.0,
            "still_model_bpm": np.nan,
            "agreed_bpm": np.nan,
            "agreed_t": np.nan,
            "why": 0.0,
            "is_fresh": 0.0,
            "jumped_t": np.nan,
            **_SLOW_FIELDS,
        }
    )
    ADVANCES = "check"
    ADDED = ("suspect_s",)
    FIGURES: ClassVar[tuple[Figure, ...]] = (
        Figure(
            "strap_suspect_s", "Strap suspect", "s", 0, "total", "difference", scope="summary", digits=1,
            more_is_worse=True,
            equation="time in which the strap followed the step rate, repeated one reading for minutes, read half or "
            "twice the heart rate, or had drifted away, while the model disagreed; with "
            "`engine.heart_rate_source: auto` the model is used then",
        ),
    )  # fmt: skip

    def check(
        self,
        rows: IntArray,
        t: FloatArray,
        cadence_spm: FloatArray,
        strap: CleanHeartRate,
        model: ModelHeartRate | None,
        body: Body | None = None,
    ) -> CleanHeartRate:
        """Take a sample of each athlete [k]; return the strap without the readings that are suspect.

        Args:
            rows: which athletes.
            t: s.
            cadence_spm: steps a minute, NaN where not measured now.
            strap: cleaned.
            model: uncorrected; None where no athlete has one.
            body: measured limits of the heart rate; None: unknown.
        """
        state = self._open(rows)
        start_t, cadence, cadence_t = state[:3]
        np.copyto(start_t, t, where=np.isnan(start_t))
        measured = ~np.isnan(cadence_spm)
        if some(measured):
            np.copyto(cadence, cadence_spm, where=measured)
            np.copyto(cadence_t, t, where=measured)
        if some(strap.accepted):
            _read(state, t, strap, model, body)
        state[_FRESH] = ~np.isnan(strap.bpm)
        locked = state[_FOLLOWING] >= SUSPECT_S
        self._put(rows, state)
        if not some(locked):
            return strap
        return replace(strap, bpm=np.where(locked, np.nan, strap.bpm), accepted=strap.accepted & ~locked)

    def doubtful(self, rows: IntArray, t: FloatArray, strap: CleanHeartRate, model: ModelHeartRate) -> BoolArray:
        """Whether a reading may be wrong [k]: it is shown until a minute has passed, but the day's form ignores it."""
        state = self._take(rows)
        return _Suspicion.of(t, state, strap, model).any | slow_doubts.may_be(
            state[_SLOW:], _now(t, state, strap, model)
        )

    def reason(self, row: int) -> str | None:
        """Why the athlete's strap, which reads, is not believed now; None where it is believed, or does not read."""
        if self._table[_FOLLOWING, row] < SUSPECT_S or not self._table[_FRESH, row]:
            return None
        return SUSPECT_REASONS[int(self._table[_WHY, row])]

    def set_state(self, row: int, state: Mapping[str, Any]) -> None:
        """See ``SquadState``; earlier versions stored less."""
        super().set_state(row, {**_ADDED_LATER, **state})

    def values(self, rows: IntArray) -> FloatArray:
        """Values of ``FIGURES`` for ``rows`` [k]."""
        return columns(self.FIGURES, {"strap_suspect_s": self._field("suspect_s", rows)})


@dataclass(frozen=True)
class _Suspicion:
    """What is wrong with readings, each [k]: on the steps, the same for minutes, half or twice the heart rate, adrift.

    ``near_steps``: not quite on the steps, but near them.
    """

    disagrees: BoolArray
    near_steps: BoolArray
    steps: BoolArray
    repeated: BoolArray
    still: BoolArray
    multiple: BoolArray
    drifted: BoolArray

    @property
    def any(self) -> BoolArray:
        """Whether anything is."""
        found: BoolArray = self.steps | self.repeated | self.still | self.multiple
        return found

    @classmethod
    def of(cls, t: FloatArray, state: FloatArray, strap: CleanHeartRate, model: ModelHeartRate) -> _Suspicion:
        """The same with a state [fields, k] and a model that disagrees, or moves."""
        _, cadence, cadence_t, _, _, same_t, following, _, still_model, agreed, agreed_t = state[:_WHY]
        deviation = model.deviation_bpm
        disagrees = np.abs(strap.bpm - model.bpm) > DEVIATIONS * deviation
        since_s, locked = t - agreed_t, following >= SUSPECT_S
        moved = np.abs(model.bpm - still_model) > np.fmax(STILL_DEVIATIONS * deviation, STILL_BPM)
        twice = (since_s <= AGREED_S) & is_multiple(strap.bpm, agreed)
        twice |= (since_s <= REMEMBERED_S) & is_multiple(strap.bpm, model.bpm)
        twice &= t - state[_JUMPED] <= JUMPED_S
        twice |= locked & is_multiple(strap.bpm, model.bpm)
        walks = disagrees & (t - cadence_t <= CADENCE_FRESH_S)
        return cls(
            disagrees=disagrees,
            near_steps=walks & near_steps(strap.bpm, cadence, NEARLY_BPM),
            steps=walks & near_steps(strap.bpm, cadence),
            repeated=disagrees & (t - same_t >= FROZEN_S),
            still=moved & (t - same_t >= STILL_S),
            multiple=disagrees & twice,
            drifted=np.zeros(len(t), dtype=bool),
        )


def _now(
    t: FloatArray, state: FloatArray, strap: CleanHeartRate, model: ModelHeartRate, body: Body | None = None
) -> slow_doubts.Moment:
    """What evidence is gathered from; ``state`` [fields, k]."""
    unknown, never = np.full(len(t), np.nan), np.zeros(len(t), dtype=bool)
    return slow_doubts.Moment(
        t=t,
        strap_bpm=strap.bpm,
        model_bpm=model.bpm,
        deviation_bpm=model.deviation_bpm,
        runs=(state[1] >= slow_doubts.RUNNING_SPM) & (t - state[2] <= CADENCE_FRESH_S),
        hills=never if model.hills is None else model.hills,
        lowest_bpm=unknown if body is None else body.hr_rest_known_bpm,
        highest_bpm=unknown if body is None else body.hr_max_measured_bpm,
    )


def _read(
    state: FloatArray, t: FloatArray, strap: CleanHeartRate, model: ModelHeartRate | None, body: Body | None
) -> None:
    """Advance the state [fields, k] by the readings of a strap, in place."""
    start_t, _, _, reading_t, same_bpm, same_t, following, suspect, still_model = state[:9]
    reading = strap.accepted
    other = reading & (strap.bpm != same_bpm)
    np.copyto(state[_JUMPED], t, where=reading & (np.abs(strap.bpm - same_bpm) >= JUMP_BPM))
    np.copyto(same_bpm, strap.bpm, where=other)
    np.copyto(same_t, t, where=other)
    read_s = np.fmin(np.fmax(np.where(np.isnan(reading_t), 0.0, t - reading_t), 0.0), LONGEST_READING_S)
    changed = following - RECOVERS * read_s
    if model is not None:
        np.copyto(still_model, model.bpm, where=other | (reading & np.isnan(still_model)))
        found = _Suspicion.of(t, state, strap, model)
        slowly = (found.steps | found.repeated) & (t - start_t >= WATCHED_S)
        changed = np.where(found.near_steps, following, changed)
        changed = np.where(slowly, following + read_s, changed)
        changed = np.where(found.still, following + RECOVERS * read_s, changed)
        slow = slow_doubts.advance(state[_SLOW:], _now(t, state, strap, model, body), reading, read_s)
        found = replace(found, multiple=found.multiple | slow.multiple, drifted=slow.drifted)
        changed = np.where(found.multiple | found.drifted, np.fmax(changed, SUSPECT_S), changed)
        _agree(state, t, strap, model, found)
    np.copyto(following, np.fmin(np.fmax(changed, 0.0), MOST_S), where=reading)
    suspect += np.where(reading & (following >= SUSPECT_S), read_s, 0.0)
    np.copyto(reading_t, t, where=reading)


def _agree(state: FloatArray, t: FloatArray, strap: CleanHeartRate, model: ModelHeartRate, found: _Suspicion) -> None:
    """Note why readings are suspect, and those that the model agrees with, in the state [fields, k]."""
    agreed, agreed_t, why = state[_WHY - 2 : _WHY + 1]
    reading = strap.accepted
    for number, each in enumerate((found.steps, found.repeated | found.still, found.multiple, found.drifted)):
        np.copyto(why, float(number), where=reading & each)
    forgotten = reading & found.disagrees & ~found.multiple & (t - agreed_t > AGREED_S)
    np.copyto(agreed_t, np.nan, where=forgotten)
    agrees = reading & ~found.disagrees & ~np.isnan(model.bpm)
    np.copyto(agreed, strap.bpm, where=agrees)
    np.copyto(agreed_t, t, where=agrees)


def is_multiple(bpm: FloatArray, other_bpm: FloatArray) -> BoolArray:
    """Whether a heart rate is near half or twice of another, same shape.

    >>> is_multiple(np.array([70.0, 150.0, 290.0]), np.array([140.0, 140.0, 140.0])).tolist()
    [True, False, True]
    """
    half, twice = (np.abs(bpm - times * other_bpm) <= WITHIN * times * other_bpm for times in (0.5, 2.0))
    near: BoolArray = half | twice
    return near


def near_steps(bpm: FloatArray, cadence_spm: FloatArray, within_bpm: float = NEAR_BPM) -> BoolArray:
    """Whether a heart rate is near one of the multiples of the cadence, same shape.

    >>> near_steps(np.array([172.0, 88.0, 168.0, 120.0]), np.array([170.0, 170.0, 85.0, 170.0])).tolist()
    [True, True, True, False]
    """
    one, half, double = (np.abs(bpm - multiple * cadence_spm) <= within_bpm for multiple in MULTIPLES)
    near: BoolArray = one | half | double
    return near
