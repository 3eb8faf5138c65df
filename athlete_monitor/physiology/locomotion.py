"""External load from speed or position: distance, high-speed running, sprints, accelerations."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.physiology.squad_state import SquadState

if TYPE_CHECKING:
    from athlete_monitor.arrays import FloatArray, IntArray

HIGH_SPEED_MPS: Final = 5.5
SPRINT_MPS: Final = 7.0
SPRINT_HELD_S: Final = 1.0
ACCELERATION_MPS2: Final = 3.0
ACCELERATION_HELD_S: Final = 0.5


class Locomotion(SquadState):
    """Distance, high-speed running, sprints, accelerations and decelerations of the session so far."""

    FIELDS = MappingProxyType(
        {
            "distance_m": 0.0,
            "high_speed_m": 0.0,
            "sprints": 0.0,
            "accelerations": 0.0,
            "decelerations": 0.0,
            "max_speed_mps": np.nan,
            "readings": 0.0,
        }
    )

    def update(
        self, rows: IntArray, t: FloatArray, speed_mps: FloatArray, x_m: FloatArray, y_m: FloatArray
    ) -> FloatArray:
        """Take speed [k], or position [k] where there is no speed, at ``t`` [k]; NaN: no reading in this sample.

        Returns the speed [k], m/s, used for this sample; NaN where there was no reading.
        """
        return speed_mps

    def total(self, name: str, rows: IntArray) -> FloatArray:
        """One of ``distance_m``, ``high_speed_m``, ``sprints``, ``accelerations``, ``decelerations``, ``max_speed_mps``.

        NaN for athletes without speed or position so far.
        """
        return np.where(self._field("readings", rows) > 0.0, self._field(name, rows), np.nan)
