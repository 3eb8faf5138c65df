"""External load from the accelerometer: PlayerLoad."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np

from athlete_monitor.arrays import GRAVITY_MPS2, MAX_STEP_S
from athlete_monitor.figures import Figure, columns
from athlete_monitor.physiology.squad_state import SquadState

if TYPE_CHECKING:
    from athlete_monitor.arrays import FloatArray, IntArray

PLAYER_LOAD_FORMULA: Final = "boyd_2011"


class PlayerLoad(SquadState):
    """Accumulated change of acceleration: sum of sqrt(dax^2 + day^2 + daz^2)/100, in g, gravity left in.

    Source: Boyd, Ball & Aughey 2011, Int J Sports Physiol Perform 6:311-321 (Australian football, 100 Hz). In arbitrary
    units. It depends on the sample rate, so ``sample_rate_hz`` must accompany every value; compare only values of equal
    rates. Differences are taken between neighbouring samples at most 2 s apart; over a longer gap nothing is added.
    """

    FIELDS = MappingProxyType(
        {
            "x": np.nan,
            "y": np.nan,
            "z": np.nan,
            "t": np.nan,
            "total": 0.0,
            "measured_s": 0.0,
            "steps": 0.0,
        }
    )
    ADDED = ("total", "measured_s", "steps")
    FIGURES: ClassVar[tuple[Figure, ...]] = (
        Figure(
            "player_load", "PlayerLoad", "", 1, "total", "difference", PLAYER_LOAD_FORMULA, needs=("acceleration",),
            rate_bound=True,
            equation="sum of the changes of acceleration, in g, divided by 100 (Boyd 2011); depends on the sample rate",
        ),
        Figure(
            "player_load_per_min", "PlayerLoad per minute", "1/min", 1, "total", needs=("acceleration",),
            rate_bound=True,
            equation="over the measured time of the session",
        ),
        Figure(
            "sample_rate_hz", "Sample rate", "Hz", 1, "total", needs=("acceleration",),
            equation="mean rate of the samples behind `player_load`",
        ),
    )  # fmt: skip

    def update(self, rows: IntArray, t: FloatArray, acc_mps2: FloatArray) -> FloatArray:
        """Take the acceleration [k, 3], m/s^2, at ``t`` [k], s; NaN: none in this sample. Returns the totals [k]."""
        state = self._open(rows)
        acc = np.ascontiguousarray(acc_mps2.T) / GRAVITY_MPS2
        dx, dy, dz = acc - state[:3]
        dt_s = t - state[3]
        present = acc[0] + acc[1] + acc[2]
        known = ~np.isnan(present)
        step = known & (dt_s > 0.0) & (dt_s <= MAX_STEP_S)
        dt_s = np.where(step, dt_s, 0.0)
        load = np.where(step, np.sqrt(dx * dx + dy * dy + dz * dz), 0.0) / 100.0
        state[4] += load
        state[5] += dt_s
        state[6] += step
        np.copyto(state[:3], acc, where=known)
        np.copyto(state[3], t, where=known)
        self._put(rows, state)
        return np.where(state[6] > 0.0, state[4], np.nan)

    def total(self, rows: IntArray) -> FloatArray:
        """PlayerLoad so far [k]; NaN before two neighbouring samples."""
        return np.where(self._field("steps", rows) > 0.0, self._field("total", rows), np.nan)

    def per_minute(self, rows: IntArray) -> FloatArray:
        """PlayerLoad per measured minute of the session [k]."""
        return 60.0 * self._ratio("total", "measured_s", rows)

    def sample_rate_hz(self, rows: IntArray) -> FloatArray:
        """Mean rate of the samples that the total is made of [k]."""
        return self._ratio("steps", "measured_s", rows)

    def values(self, rows: IntArray) -> FloatArray:
        """Values of ``FIGURES`` for ``rows`` [k]."""
        total, measured_s, steps = self._take(rows)[4:7]
        seconds = np.where(measured_s > 0.0, measured_s, np.nan)
        found = {
            "player_load": np.where(steps > 0.0, total, np.nan),
            "player_load_per_min": 60.0 * (total / seconds),
            "sample_rate_hz": steps / seconds,
        }
        return columns(self.FIGURES, found)

    def _ratio(self, over: str, under: str, rows: IntArray) -> FloatArray:
        seconds = self._field(under, rows)
        return self._field(over, rows) / np.where(seconds > 0.0, seconds, np.nan)
