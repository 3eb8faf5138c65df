"""Accelerations and decelerations in bands, and the number of high-intensity actions."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np

from athlete_monitor.arrays import some
from athlete_monitor.figures import Figure, columns
from athlete_monitor.physiology.limits import ACCELERATION_BAND_NAMES, ACCELERATION_BANDS
from athlete_monitor.physiology.reasons import SPEED_NEEDS
from athlete_monitor.physiology.squad_state import SquadState

if TYPE_CHECKING:
    from athlete_monitor.arrays import FloatArray, IntArray
    from athlete_monitor.physiology.locomotion import Locomotion
    from athlete_monitor.physiology.speed import MotionStep

HARD_BAND: Final = 1
"""Efforts in this band or above count as hard (0 is the lowest; from 3 m/s² unless the athlete has other limits)."""
REARMED_SHARE: Final = 0.75
"""An effort is over, and the next one can begin, below this share of the lowest limit."""

_SIDES: Final = ("accelerations", "decelerations")
_SIGNS: Final = np.array([[1.0], [-1.0]])
_BANDS: Final = tuple(f"{side}_{band}" for band in range(ACCELERATION_BANDS) for side in _SIDES)
_RUNNING: Final = ("speeding", "slowing")


class Accelerations(SquadState):
    """Efforts of acceleration and of deceleration by band of their peak, 2-3, 3-4 and more than 4 m/s² by default.

    The acceleration is the mean over at least half a second, so reaching a limit means that it was held for 0.5 s; it
    lags by a quarter of a second at high rates and by half an interval at 1 Hz. At 1 Hz it is a mean over a whole
    second, and shorter efforts are missed. An effort counts when it is over, in the band of its peak. So no count ever
    falls, and the last effort counts with the first reading after it.
    """

    FIELDS = MappingProxyType(dict.fromkeys((*_BANDS, *_RUNNING, "steps"), 0.0))

    ADDED = (*_BANDS, "steps")
    FIGURES: ClassVar[tuple[Figure, ...]] = (
        Figure(
            "accelerations", "Accelerations", "", 0, "count", "difference", needs=SPEED_NEEDS, digits=0,
            equation="3 m/s² or more, or the athlete's own middle limit, held for 0.5 s; counted when it is over",
        ),
        Figure(
            "decelerations", "Decelerations", "", 0, "count", "difference", needs=SPEED_NEEDS, digits=0,
            equation="-3 m/s² or less, or the athlete's own middle limit, held for 0.5 s; counted when it is over",
        ),
        Figure(
            "accelerations_in_bands", "Accelerations in bands", "", 0, "map", "difference", needs=SPEED_NEEDS, digits=0,
            members=ACCELERATION_BAND_NAMES,
            equation="`band_1` to `band_3`: peak of 2-3, 3-4 and more than 4 m/s², or the athlete's own limits",
        ),
        Figure(
            "decelerations_in_bands", "Decelerations in bands", "", 0, "map", "difference", needs=SPEED_NEEDS, digits=0,
            members=ACCELERATION_BAND_NAMES, equation="as `accelerations_in_bands`, slowing down",
        ),
    )  # fmt: skip

    def update(self, step: MotionStep, limits_mps2: FloatArray) -> None:
        """Take one step of some athletes; ``limits_mps2`` [3, k] are the lower limits of their three bands."""
        state = self._open(step.rows)
        running = state[-3:-1]
        state[-1] += 1.0
        change = step.acceleration_mps2 * _SIGNS
        reached = (change >= limits_mps2[:, None]).sum(axis=0)
        if some(running) or some(reached):
            bands = state[: len(_BANDS)].reshape(ACCELERATION_BANDS, 2, -1)
            over = ~(change >= REARMED_SHARE * limits_mps2[0])
            for band in range(ACCELERATION_BANDS):
                bands[band] += over & (running == band + 1.0)
            running[:] = np.where(over, 0.0, np.maximum(running, reached))
        self._put(step.rows, state)

    def by_band(self, rows: IntArray) -> FloatArray:
        """Accelerations in each band, then decelerations in each band [6, k]; NaN for athletes without speed."""
        state = self._take(rows)
        bands = state[: len(_BANDS)].reshape(ACCELERATION_BANDS, 2, -1).swapaxes(0, 1).reshape(len(_BANDS), -1)
        return np.where(state[-1] > 0.0, bands, np.nan)

    def hard(self, rows: IntArray) -> FloatArray:
        """Accelerations and decelerations from 3 m/s² on [2, k], or from the athlete's own middle limit."""
        hard: FloatArray = self.by_band(rows).reshape(2, ACCELERATION_BANDS, -1)[:, HARD_BAND:].sum(axis=1)
        return hard

    def values(self, rows: IntArray) -> FloatArray:
        """Values of ``FIGURES`` for ``rows`` [k]."""
        speeding, slowing = self.by_band(rows).reshape(2, ACCELERATION_BANDS, -1)
        return columns(
            self.FIGURES,
            {
                "accelerations": speeding[HARD_BAND:].sum(axis=0),
                "decelerations": slowing[HARD_BAND:].sum(axis=0),
                "accelerations_in_bands": speeding,
                "decelerations_in_bands": slowing,
            },
        )


class HighIntensityActions:
    """Number of sprints, hard accelerations and hard decelerations together."""

    FIGURES: ClassVar[tuple[Figure, ...]] = (
        Figure(
            "high_intensity_actions", "High-intensity actions", "", 0, "count", "difference", needs=SPEED_NEEDS,
            digits=0, equation="`sprints` + `accelerations` + `decelerations`",
        ),
    )  # fmt: skip

    def __init__(self, locomotion: Locomotion, accelerations: Accelerations) -> None:
        self._locomotion = locomotion
        self._accelerations = accelerations

    def values(self, rows: IntArray) -> FloatArray:
        """Values of ``FIGURES`` for ``rows`` [k]."""
        efforts = self._accelerations.hard(rows).sum(axis=0)
        return columns(self.FIGURES, {"high_intensity_actions": self._locomotion.total("sprints", rows) + efforts})
