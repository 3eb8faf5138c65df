"""Health of a simulated sensor: charge of its battery, strength of its signal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.sim.plan import PITCH_LENGTH_M
from athlete_monitor.sim.randomness import generator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.arrays import FloatArray
    from athlete_monitor.sim.session import SimulatedSession
    from athlete_monitor.sim.traits import Traits

RUNTIME_H: Final = (8.0, 20.0)
"""How long a full battery lasts, from old sensors to new ones."""
START_PERCENT: Final = (45.0, 100.0)
RECEIVER_M: Final = (PITCH_LENGTH_M / 2, -5.0)
"""The receiver is beside the half-way line."""
RSSI_AT_10_M: Final = -62.0
FADING_DB: Final = 3.0
_LEAST_PERCENT: Final = 1.0


@dataclass
class Sensors:
    """The sensors of a group: their batteries [athletes], and the generator of each one's signal."""

    start_percent: FloatArray
    drain_per_s: FloatArray
    draws: list[np.random.Generator]

    @classmethod
    def of(cls, squad: Sequence[Traits], session: SimulatedSession) -> Sensors:
        """Return the sensors that these athletes wear in this session."""
        draws = [generator(session.seed, traits.athlete_id, session.mode, "sensor") for traits in squad]
        drawn = np.array([each.random(2) for each in draws]).reshape(-1, 2)
        runtime_h = RUNTIME_H[0] + (RUNTIME_H[1] - RUNTIME_H[0]) * drawn[:, 0]
        start = START_PERCENT[0] + (START_PERCENT[1] - START_PERCENT[0]) * drawn[:, 1]
        return cls(start, 100.0 / (3600.0 * runtime_h), draws)

    def battery_percent(self, session_s: float) -> FloatArray:
        """Charge [athletes] at a time of the session; never below 1."""
        return np.maximum(self.start_percent - self.drain_per_s * session_s, _LEAST_PERCENT)

    def rssi_dbm(self, x_m: FloatArray, y_m: FloatArray) -> FloatArray:
        """Strength [athletes] of the signal from a place on the pitch: 6 dB less at twice the distance, and fading."""
        distance_m = np.hypot(x_m - RECEIVER_M[0], y_m - RECEIVER_M[1])
        fading = np.array([draws.standard_normal() for draws in self.draws])
        return RSSI_AT_10_M - 20.0 * np.log10(np.maximum(distance_m, 1.0) / 10.0) + FADING_DB * fading
