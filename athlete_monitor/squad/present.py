"""What comes out of a step: the present figures of its athletes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from athlete_monitor.physiology.stress import hr_excess_bpm

if TYPE_CHECKING:
    from athlete_monitor.arrays import FloatArray, IntArray
    from athlete_monitor.physiology.bodies import Body
    from athlete_monitor.physiology.impacts import Impact
    from athlete_monitor.squad.heart_rate_source import (
        HeartRate,
        ModelHeartRate,
    )


@dataclass(frozen=True)
class Present:
    """An athlete's present figures, each array [k]; NaN where unknown. ``rows`` are the athletes' rows."""

    rows: IntArray
    t: FloatArray
    mode: IntArray
    heart_rate: HeartRate
    strap_bpm: FloatArray
    model: ModelHeartRate
    hr_max_bpm: FloatArray
    body: Body
    reserve: FloatArray
    zone: IntArray
    stress_percent: FloatArray
    energy_rate_kj_per_min: FloatArray
    speed_mps: FloatArray
    motion_mps2: FloatArray
    x_m: FloatArray
    y_m: FloatArray

    def moments(self) -> dict[str, FloatArray]:
        """The figures of this moment by key, each [k]; NaN is unknown, a source is its code."""
        heart_rate, model = self.heart_rate, self.model
        return {
            "heart_rate_bpm": heart_rate.bpm,
            "heart_rate_source": heart_rate.source,
            "heart_rate_low_bpm": heart_rate.low_bpm,
            "heart_rate_high_bpm": heart_rate.high_bpm,
            "strap_heart_rate_bpm": self.strap_bpm,
            "model_heart_rate_bpm": model.bpm,
            "hr_excess_bpm": hr_excess_bpm(self.strap_bpm, model.bpm),
            "heart_rate_reserve_percent": 100.0 * self.reserve,
            "heart_rate_zone": np.where(self.zone < 0, np.nan, self.zone),
            "stress_percent": self.stress_percent,
            "energy_rate_kj_per_min": self.energy_rate_kj_per_min,
            "speed_mps": self.speed_mps,
            "motion_mps2": self.motion_mps2,
            "x_m": self.x_m,
            "y_m": self.y_m,
        }  # fmt: skip

    def take(self, index: IntArray) -> Present:
        """The figures of the athletes at ``index`` [m] into this one's arrays."""
        taken: Present = _take(self, index)
        return taken


def _take(record: Any, index: IntArray) -> Any:  # noqa: ANN401 - a record of arrays
    values = {
        name: value[index] if isinstance(value, np.ndarray) else _take(value, index)
        for name, value in ((each.name, getattr(record, each.name)) for each in fields(record))
    }
    return type(record)(**values)


@dataclass(frozen=True)
class StepResult:
    """The result of a step: the present figures, the athletes due for an output (indices into them), and impacts."""

    present: Present
    due: IntArray
    impacts: list[Impact]
