"""A strap or wrist that counts steps instead of heart beats.

Optical sensors, and straps with a poor contact, sometimes report the step rate: a plausible number that follows the
movement. It is recognised by two things together: the reading is near the cadence for a minute, and the model, which
knows what such a movement usually costs this athlete, disagrees by more than three standard deviations. Runners whose
heart rate really is near their cadence have a model that agrees.
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

WATCHED_S: Final = 300.0
"""Before that a model knows too little of what went before to contradict a strap."""

CADENCE_FRESH_S: Final = 5.0
LONGEST_READING_S: Final = 5.0


class CadenceLock(SquadState):
    """For how long each athlete's strap has followed the step rate against the model."""

    FIELDS = MappingProxyType(
        {
            "start_t": np.nan,
            "cadence_spm": np.nan,
            "cadence_t": np.nan,
            "reading_t": np.nan,
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
            equation="time in which the strap followed the step rate while the model disagreed by more than three "
            "standard deviations; with `engine.heart_rate_source: auto` the model is used then",
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
        start_t, cadence, cadence_t, reading_t, following, suspect = state
        np.copyto(start_t, t, where=np.isnan(start_t))
        measured = ~np.isnan(cadence_spm)
        if some(measured):
            np.copyto(cadence, cadence_spm, where=measured)
            np.copyto(cadence_t, t, where=measured)
        reading = strap.accepted
        if some(reading):
            read_s = np.fmin(np.fmax(np.where(np.isnan(reading_t), 0.0, t - reading_t), 0.0), LONGEST_READING_S)
            changed = following - RECOVERS * read_s
            if model is not None:
                near = (np.abs(strap.bpm - cadence) <= NEAR_BPM) & (t - cadence_t <= CADENCE_FRESH_S)
                half = (model.high_bpm - model.low_bpm) * (0.5 / DEVIATIONS_OF_INTERVAL)
                apart = np.abs(strap.bpm - model.bpm) > DEVIATIONS * half
                follows = near & apart & (t - start_t >= WATCHED_S)
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
        """Whether a reading may be steps [k]: it is shown until a minute has passed, but the day's form ignores it."""
        return _follows(t, self._field("cadence_spm", rows), self._field("cadence_t", rows), strap, model)

    def values(self, rows: IntArray) -> FloatArray:
        """Values of ``FIGURES`` for ``rows`` [k]."""
        return columns(self.FIGURES, {"strap_suspect_s": self._field("suspect_s", rows)})


def _follows(
    t: FloatArray, cadence: FloatArray, cadence_t: FloatArray, strap: CleanHeartRate, model: ModelHeartRate
) -> BoolArray:
    """Whether the strap is near a fresh cadence while the model disagrees [k]."""
    near = (np.abs(strap.bpm - cadence) <= NEAR_BPM) & (t - cadence_t <= CADENCE_FRESH_S)
    half = (model.high_bpm - model.low_bpm) * (0.5 / DEVIATIONS_OF_INTERVAL)
    follows: BoolArray = near & (np.abs(strap.bpm - model.bpm) > DEVIATIONS * half)
    return follows
