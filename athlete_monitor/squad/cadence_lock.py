"""A strap or wrist that counts steps instead of heart beats, or that repeats its last reading.

Optical sensors, and straps with a poor contact, sometimes report the step rate, or half or twice the number that a
sensor of cadence gives: a plausible number that follows the movement. It is recognised by two things together: the
reading is near the cadence for a minute, and the model, which knows what such a movement usually costs this athlete,
disagrees by more than three standard deviations. Runners whose heart rate really is near their cadence have a model
that agrees.

Some devices repeat the last reading when the strap has gone, for minutes. Such a reading stays exactly equal for longer
than a heart does, and the model, which follows the movement, comes to disagree as much.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np

from athlete_monitor.arrays import some
from athlete_monitor.figures import Figure, columns
from athlete_monitor.physiology.squad_state import SquadState

if TYPE_CHECKING:
    from athlete_monitor.arrays import BoolArray, FloatArray, IntArray
    from athlete_monitor.physiology.heart_rate import CleanHeartRate
    from athlete_monitor.squad.heart_rate_source import ModelHeartRate

NEAR_BPM: Final = 5.0
"""A reading that is no farther from the cadence follows it."""

SUSPECT_S: Final = 60.0
MOST_S: Final = 90.0
RECOVERS: Final = 3.0
"""A reading that does not follow the cadence takes back so many times its own time: ten seconds are enough."""

DEVIATIONS: Final = 3.0
DEVIATIONS_OF_INTERVAL: Final = 1.2816
"""Half of an 80 % interval, in standard deviations."""

MULTIPLES: Final = (1.0, 0.5, 2.0)
"""A reading may follow these multiples of the cadence: some sensors count strides, some straps every other step."""

FROZEN_S: Final = 120.0
"""A reading that has not changed for so long may be repeated by the device. In thirty hours of runs with a reading a
second the longest natural stretch was 71 s, and the only longer one 19 minutes, to the end of the run."""

WATCHED_S: Final = 300.0
"""Before that a model knows too little of what went before to contradict a strap."""

CADENCE_FRESH_S: Final = 5.0
LONGEST_READING_S: Final = 5.0


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
        }
    )
    ADVANCES = "check"
    ADDED = ("suspect_s",)
    FIGURES: ClassVar[tuple[Figure, ...]] = (
        Figure(
            "strap_suspect_s", "Strap suspect", "s", 0, "total", "difference", scope="summary", digits=1,
            more_is_worse=True,
            equation="time in which the strap followed the step rate, or repeated one reading for minutes, while the "
            "model disagreed by more than three standard deviations; with `engine.heart_rate_source: auto` the model "
            "is used then",
        ),
    )  # fmt: skip

    def check(
        self,
        rows: IntArray,
        t: FloatArray,
        cadence_spm: FloatArray,
        strap: CleanHeartRate,
        model: ModelHeartRate | None,
    ) -> CleanHeartRate:
        """Take a sample of each athlete [k]; return the strap without the readings that are suspect.

        Args:
            rows: which athletes.
            t: s.
            cadence_spm: steps a minute, NaN where not measured now.
            strap: cleaned.
            model: uncorrected; None where no athlete has one.
        """
        state = self._open(rows)
        start_t, cadence, cadence_t, reading_t, same_bpm, same_t, following, suspect = state
        np.copyto(start_t, t, where=np.isnan(start_t))
        measured = ~np.isnan(cadence_spm)
        if some(measured):
            np.copyto(cadence, cadence_spm, where=measured)
            np.copyto(cadence_t, t, where=measured)
        reading = strap.accepted
        if some(reading):
            other = reading & (strap.bpm != same_bpm)
            np.copyto(same_bpm, strap.bpm, where=other)
            np.copyto(same_t, t, where=other)
            read_s = np.fmin(np.fmax(np.where(np.isnan(reading_t), 0.0, t - reading_t), 0.0), LONGEST_READING_S)
            changed = following - RECOVERS * read_s
            if model is not None:
                follows = _follows(t, state, strap, model) & (t - start_t >= WATCHED_S)
                changed = np.where(follows, following + read_s, changed)
            np.copyto(following, np.fmin(np.fmax(changed, 0.0), MOST_S), where=reading)
            suspect += np.where(reading & (following >= SUSPECT_S), read_s, 0.0)
            np.copyto(reading_t, t, where=reading)
        self._put(rows, state)
        locked = following >= SUSPECT_S
        if not some(locked):
            return strap
        return replace(strap, bpm=np.where(locked, np.nan, strap.bpm), accepted=strap.accepted & ~locked)

    def doubtful(self, rows: IntArray, t: FloatArray, strap: CleanHeartRate, model: ModelHeartRate) -> BoolArray:
        """Whether a reading may be wrong [k]: it is shown until a minute has passed, but the day's form ignores it."""
        return _follows(t, self._take(rows), strap, model)

    def values(self, rows: IntArray) -> FloatArray:
        """Values of ``FIGURES`` for ``rows`` [k]."""
        return columns(self.FIGURES, {"strap_suspect_s": self._field("suspect_s", rows)})


def _follows(t: FloatArray, state: FloatArray, strap: CleanHeartRate, model: ModelHeartRate) -> BoolArray:
    """Whether the strap is near a fresh cadence, or repeats itself, while the model disagrees [k]."""
    _, cadence, cadence_t, _, _, same_t, _, _ = state
    deviation = (model.high_bpm - model.low_bpm) * (0.5 / DEVIATIONS_OF_INTERVAL)
    steps = near_steps(strap.bpm, cadence) & (t - cadence_t <= CADENCE_FRESH_S)
    frozen = t - same_t >= FROZEN_S
    follows: BoolArray = (steps | frozen) & (np.abs(strap.bpm - model.bpm) > DEVIATIONS * deviation)
    return follows


def near_steps(bpm: FloatArray, cadence_spm: FloatArray) -> BoolArray:
    """Whether a heart rate is near one of the multiples of the cadence, same shape.

    >>> near_steps(np.array([172.0, 88.0, 168.0, 120.0]), np.array([170.0, 170.0, 85.0, 170.0])).tolist()
    [True, True, True, False]
    """
    one, half, double = (np.abs(bpm - multiple * cadence_spm) <= NEAR_BPM for multiple in MULTIPLES)
    near: BoolArray = one | half | double
    return near
