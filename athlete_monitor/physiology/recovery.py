"""Heart-rate recovery: by how much the heart rate falls in the minute after a hard minute."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from athlete_monitor.figures import Figure
from athlete_monitor.physiology.squad_state import SquadState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.arrays import FloatArray, IntArray

RECOVERY_FORMULA: Final = "heart_rate_recovery_60s"
HARD_FRACTION: Final = 0.8
"""A minute is hard when the heart rate stays at this fraction of the maximum or above."""
HARD_S: Final = 60.0
RECOVERY_S: Final = 60.0
REST_MOTION_MPS2: Final = 1.0
"""Below this gravity-free acceleration, averaged over a second, an athlete rests; walking shows about 2 m/s²."""
REST_SPEED_MPS: Final = 1.0
_LONG_AGO: Final = -1e12
LATE_S: Final = 3.0
"""The heart rate 60 s later may be read up to this much later."""


class HeartRateRecovery(SquadState):
    """Fall of the heart rate, bpm, over 60 s of rest that directly follow a minute at 80 % of the maximum or more.

    It needs the strap: a heart rate that is estimated from movement would show the rest and not the heart. Rest means
    motion near zero for the whole time, by the accelerometer or by speed. Practice of endurance training (Cole et al.
    1999, N Engl J Med 341:1351, after treadmill tests); it falls with fatigue, heat and a lower intensity before, so
    compare only like with like. Not a diagnosis.
    """

    FIELDS = MappingProxyType({"t": np.nan, "hard_s": 0.0, "rest_t": np.nan, "rest_bpm": np.nan, "latest_bpm": np.nan})

    FIGURES: ClassVar[tuple[Figure, ...]] = (
        Figure(
            "heart_rate_recovery_60s_bpm", "Heart-rate recovery", "bpm", 0, "total", "last", RECOVERY_FORMULA,
            needs=("hr_max_bpm",),
            equation="heart rate at the end of a minute at 80 % of the maximum or more, minus that after 60 s of rest; "
            "the latest one",
        ),
    )  # fmt: skip

    def update(
        self,
        rows: IntArray,
        t: FloatArray,
        strap_bpm: FloatArray,
        hr_max_bpm: FloatArray,
        motion_mps2: FloatArray,
        speed_mps: FloatArray,
    ) -> None:
        """Take the state of ``rows`` [k] at ``t`` [k], s; about once a second suffices. NaN: unknown."""
        state = self._open(rows)
        last, hard_s, rest_t, rest_bpm, latest = state
        gap = t - last
        hard = strap_bpm >= HARD_FRACTION * hr_max_bpm
        rests = (motion_mps2 < REST_MOTION_MPS2) | (np.isnan(motion_mps2) & (speed_mps < REST_SPEED_MPS))
        broken = ~((gap > 0.0) & (gap <= LATE_S))
        begins = rests & ~broken & (hard_s >= HARD_S) & np.isnan(rest_t)
        np.copyto(rest_t, t, where=begins)
        np.copyto(rest_bpm, strap_bpm, where=begins)
        np.copyto(rest_t, np.nan, where=~rests | broken)
        rested_s = t - rest_t
        due = (rested_s >= RECOVERY_S) & (rested_s <= RECOVERY_S + LATE_S) & ~np.isnan(strap_bpm)
        np.copyto(latest, rest_bpm - strap_bpm, where=due)
        np.copyto(hard_s, np.where(hard, hard_s + gap, 0.0), where=~broken)
        np.copyto(hard_s, 0.0, where=broken | begins)
        np.copyto(rest_t, _LONG_AGO, where=due)  # one recovery for each rest: the next one needs another hard minute
        last[:] = t
        self._put(rows, state)

    def foresee(self, before: FloatArray, args: Sequence[Any]) -> None:
        """See ``SquadState``."""
        _, t, strap_bpm, hr_max_bpm, *_ = args
        last, seconds = before[0], before[1]
        gap = t - last
        goes_on = (strap_bpm >= HARD_FRACTION * hr_max_bpm) & (gap > 0.0) & (gap <= LATE_S)
        hard_s, found = seconds.item(0), []
        for step, hard in zip(gap.tolist(), goes_on.tolist(), strict=True):
            found.append(hard_s)
            hard_s = hard_s + step if hard else 0.0
        seconds[:] = found

    def latest_bpm(self, rows: IntArray) -> FloatArray:
        """The last recovery measured [k], bpm; NaN where there was none."""
        return self._field("latest_bpm", rows)

    def values(self, rows: IntArray) -> FloatArray:
        """Values of ``FIGURES`` for ``rows`` [k]."""
        return self.latest_bpm(rows)[None]
