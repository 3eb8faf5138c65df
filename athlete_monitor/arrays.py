"""The layout of sample arrays and the array types used throughout.

Every ``values`` array has one column for each row of the table of channels (``channels.TABLE``), in SI units; NaN means
"not measured". Axis 0 is the athlete in live arrays and time in recordings.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from athlete_monitor import channels
from athlete_monitor.channels import NAMES, vector

if TYPE_CHECKING:
    from collections.abc import Mapping

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

CHANNELS: Final = NAMES
"""One name for each column of ``values`` arrays."""
CHANNEL_INDEX: Final[Mapping[str, int]] = MappingProxyType({name: i for i, name in enumerate(CHANNELS)})

ACC: Final = vector("acc")
GYRO: Final = vector("gyro")
MAG: Final = vector("mag")
HEART_RATE: Final = CHANNEL_INDEX["heart_rate_bpm"]
SPEED: Final = CHANNEL_INDEX["speed_mps"]
X: Final = CHANNEL_INDEX["x_m"]
Y: Final = CHANNEL_INDEX["y_m"]
ALTITUDE: Final = CHANNEL_INDEX["altitude_m"]
CADENCE: Final = CHANNEL_INDEX["cadence_spm"]
LATITUDE: Final = CHANNEL_INDEX["latitude"]
LONGITUDE: Final = CHANNEL_INDEX["longitude"]
HORIZONTAL_ACCURACY: Final = CHANNEL_INDEX["horizontal_accuracy_m"]
DISTANCE: Final = CHANNEL_INDEX["distance_m"]
BATTERY: Final = CHANNEL_INDEX["battery_percent"]
RSSI: Final = CHANNEL_INDEX["rssi_dbm"]
CONTACT: Final = CHANNEL_INDEX["contact"]

GRAVITY_MPS2: Final = channels.GRAVITY_MPS2
MAX_STEP_S: Final = 2.0
"""Longest sample interval that counts as measured time; the rest of a longer gap is missing time."""


def some(flags: BoolArray | FloatArray | IntArray) -> bool:
    """Whether any flag is set: a tenth of the cost of ``flags.any()``, which counts in steps of few athletes.

    >>> some(np.array([False, True])), some(np.array([False]))
    (True, False)
    """
    return bool(np.count_nonzero(flags))


def every(flags: BoolArray) -> bool:
    """Whether all flags are set; see ``some``."""
    return int(np.count_nonzero(flags)) == flags.size


def places(flags: BoolArray) -> IntArray:
    """Places [m] of the flags [k] that are set: ``np.flatnonzero`` for one axis; see ``some``.

    >>> places(np.array([False, True, True])).tolist()
    [1, 2]
    """
    return flags.nonzero()[0]
