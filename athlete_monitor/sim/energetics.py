"""What movement costs: metabolic power from speed and acceleration.

Accelerating on the flat costs as much as running uphill at the slope whose gravity component is the same (di Prampero
et al. 2005); the cost of slopes is Minetti et al. 2002's, for walking and for running, with the grass factor and the
air resistance of Osgnach et al. 2010.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.arrays import GRAVITY_MPS2

if TYPE_CHECKING:
    from athlete_monitor.arrays import FloatArray

GRASS_FACTOR: Final = 1.29
AIR_RESISTANCE_J_S2_KG_M3: Final = 0.01
MAX_SLOPE: Final = 0.45
"""Slopes beyond ±0.45 were not measured; costs are held there."""
WALK_UNTIL_MPS: Final = 1.8
RUN_FROM_MPS: Final = 2.4
OXYGEN_J_PER_ML: Final = 20.9
REST_ML_KG_MIN: Final = 3.5


def running_cost(slope: FloatArray) -> FloatArray:
    """Energy cost of running, J/(kg·m), at a slope of −0.45 to 0.45 (rise over run): 3.6 on the flat."""
    i = np.clip(slope, -MAX_SLOPE, MAX_SLOPE)
    return ((((155.4 * i - 30.4) * i - 43.3) * i + 46.3) * i + 19.5) * i + 3.6


def walking_cost(slope: FloatArray) -> FloatArray:
    """Energy cost of walking, J/(kg·m), at a slope of −0.45 to 0.45: 2.5 on the flat."""
    i = np.clip(slope, -MAX_SLOPE, MAX_SLOPE)
    return ((((280.5 * i - 58.7) * i - 76.8) * i + 51.9) * i + 19.6) * i + 2.5


def running_share(speed_mps: FloatArray) -> FloatArray:
    """How much of a run a gait is: 0 below 1.8 m/s, 1 above 2.4 m/s, smooth between (people change near 2.1 m/s)."""
    x = np.clip((speed_mps - WALK_UNTIL_MPS) / (RUN_FROM_MPS - WALK_UNTIL_MPS), 0.0, 1.0)
    return x * x * (3.0 - 2.0 * x)


def metabolic_power(speed_mps: FloatArray, acceleration_mps2: FloatArray) -> FloatArray:
    """Power above rest, W/kg, of moving at ``speed_mps`` (0 or more) while it grows by ``acceleration_mps2``."""
    slope = acceleration_mps2 / GRAVITY_MPS2
    run = running_share(speed_mps)
    cost = run * running_cost(slope) + (1.0 - run) * walking_cost(slope)
    equivalent_mass = np.sqrt(slope * slope + 1.0)
    drag = AIR_RESISTANCE_J_S2_KG_M3 * speed_mps * speed_mps
    return (cost * equivalent_mass * GRASS_FACTOR + drag) * speed_mps


def aerobic_power(vo2max_ml_kg_min: float) -> float:
    """Largest power above rest, W/kg, that oxygen uptake can provide by itself."""
    return (vo2max_ml_kg_min - REST_ML_KG_MIN) * OXYGEN_J_PER_ML / 60.0
