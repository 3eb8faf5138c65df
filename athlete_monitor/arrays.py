"""The layout of sample arrays and the array types used throughout.

Every ``values`` array has one column for each name in ``CHANNELS``, in SI units; NaN means "not measured".
Axis 0 is the athlete in live arrays and time in recordings.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Mapping

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

CHANNELS: Final = (
    "acc_x",  # m/s², specific force
    "acc_y",
    "acc_z",
    "gyro_x",  # rad/s
    "gyro_y",
    "gyro_z",
    "mag_x",  # µT
    "mag_y",
    "mag_z",
    "heart_rate_bpm",
    "speed_mps",
    "x_m",
    "y_m",
    "altitude_m",
    "cadence_spm",  # steps a minute
)
CHANNEL_INDEX: Final[Mapping[str, int]] = MappingProxyType({name: i for i, name in enumerate(CHANNELS)})

ACC: Final = slice(0, 3)
GYRO: Final = slice(3, 6)
MAG: Final = slice(6, 9)
HEART_RATE: Final = 9
SPEED: Final = 10
X: Final = 11
Y: Final = 12
ALTITUDE: Final = 13
CADENCE: Final = 14

GRAVITY_MPS2: Final = 9.80665
MAX_STEP_S: Final = 2.0
"""Longest sample interval that counts as measured time; what a longer gap holds beyond it is missing time."""
