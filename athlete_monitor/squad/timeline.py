"""One athlete of a squad over many samples: the squad's own step, with a row for each moment in place of each athlete.

What a step computes from one sample of many athletes, it computes from many samples of one athlete. Only what goes from
sample to sample differs: tables by ``OverTime``, the rest by ``squad/moments.py``. Figures, totals and impacts are
those of one step after another, to the last bit, at a fraction of the cost (``benchmarks/importing.py``).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.physiology.squad_state import SquadState
from athlete_monitor.physiology.vo2max import Vo2Max
from athlete_monitor.squad.attitude import over_time
from athlete_monitor.squad.kernel import Squad
from athlete_monitor.squad.moments import (
    BeatsOverTime,
    FeaturesOverTime,
    MaximumOverTime,
    ModelsOverTime,
    PeaksOverTime,
    TicksOverTime,
    in_one,
)
from athlete_monitor.squad.over_time import OverTime
from athlete_monitor.squad.present import StepResult

if TYPE_CHECKING:
    from athlete_monitor.arrays import FloatArray, IntArray
    from athlete_monitor.physiology.speed import MotionStep
    from athlete_monitor.squad.batch import Batch

MOST_MOMENTS: Final = 1024
"""Samples of a block: more cost memory, some 8 kB each."""
_CONSTANT: Final = ("bodies", "limits")
"""Tables that a step reads and does not change."""


class Timeline(Squad):
    """A squad whose rows are the moments of one athlete of another squad.

    Args:
        squad: holds the athlete.
    """

    def __init__(self, squad: Squad) -> None:
        super().__init__(squad.settings, squad.models, capacity=1)
        self._squad, self._row = squad, 0
        self.ticks = self._ticks = TicksOverTime(1)
        self.features = self._features = FeaturesOverTime(squad.settings.features)
        self.hr_max = self._maximum = MaximumOverTime(squad.hr_max)
        self.vo2max = Vo2Max(self.hr_max, self.bodies)
        self._fusion = over_time(squad.fusion)
        self.fusion = self._fusion  # type: ignore[assignment] # a step only updates it
        self.hrv = self._beats = BeatsOverTime(squad.hrv)
        self.models = self._models = ModelsOverTime(squad.models, squad.settings.features)
        self._over_time = {name: OverTime(part) for name, part in vars(self).items() if _goes_on(part)}
        self.peaks.recent = self._peaks = PeaksOverTime(squad.peaks.recent)

    def run(self, row: int, batch: Batch) -> StepResult:
        """Advance the athlete ``row`` by samples in order of time, the rows of the batch being 0, 1, 2, ...

        What is read from this squad until ``finish`` is of these moments.
        """
        self._begin(row, len(batch.rows))
        with np.errstate(all="ignore"):  # guesses that are wrong may overflow
            result = self.step(batch)
        return StepResult(result.present, result.due, [replace(impact, row=row) for impact in result.impacts])

    def finish(self) -> None:
        """Give the athlete's row the state after the last moment."""
        row, squad = self._row, self._squad
        for name in (*self._over_time, "ticks"):
            getattr(squad, name).table[:, row] = getattr(self, name).table[:, -1]
        squad.position.is_used = self.position.is_used
        squad.features.set_state(row, self._features.state(0))
        self._fusion.finish()
        self._beats.flush()

    def _begin(self, row: int, moments: int) -> None:
        self._row, squad = row, self._squad
        self.prediction_rate_hz = squad.prediction_rate_hz
        self.limits.of_heart_rate, self.position.is_used = squad.limits.of_heart_rate, squad.position.is_used
        for name in _CONSTANT:
            getattr(self, name).set_table(_repeated(getattr(squad, name), row, moments))
        for name, part in self._over_time.items():
            part.begin(_repeated(getattr(squad, name), row, moments))
        self._ticks.begin(_repeated(squad.ticks, row, moments))
        self._features.begin(squad.features.state(row), moments)
        for each in (self._maximum, self._fusion, self._beats, self._models, self._peaks):
            each.follow(row)

    def _steps(
        self, rows: IntArray, t: FloatArray, speed_mps: FloatArray, x_m: FloatArray, y_m: FloatArray
    ) -> list[MotionStep]:
        return in_one(super()._steps(rows, t, speed_mps, x_m, y_m))


def _goes_on(part: object) -> bool:
    """Whether a part of a squad is a table that ``OverTime`` advances."""
    return isinstance(part, SquadState) and hasattr(part, part.ADVANCES)


def _repeated(part: SquadState, row: int, moments: int) -> FloatArray:
    return np.repeat(part.table[:, row : row + 1], moments, axis=1)
