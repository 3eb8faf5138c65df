"""Load over weeks: acute to chronic workload ratio, monotony and strain, from daily loads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.physiology.reasons import HISTORY_7_DAYS, HISTORY_28_DAYS, LOAD_CONSTANT, NO_CHRONIC_LOAD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athlete_monitor.arrays import FloatArray

ACUTE_DAYS: Final = 7
CHRONIC_DAYS: Final = 28
ACWR_FORMULA: Final = "ewma_williams_2017"
MONOTONY_FORMULA: Final = "foster_1998"


@dataclass(frozen=True)
class ChronicLoad:
    """Load of the last weeks; None with a reason where it cannot be told."""

    acute_load: float | None
    chronic_load: float | None
    acwr: float | None
    weekly_load: float | None
    monotony: float | None
    strain: float | None
    reasons: Mapping[str, str]


def ewma_lambda(days: int) -> float:
    """Weight of the newest day in an exponentially weighted average over ``days`` days: 2/(N + 1)."""
    return 2.0 / (days + 1.0)


def ewma(daily_load: FloatArray, days: int) -> FloatArray:
    """Exponentially weighted averages [n] of the daily loads [n], oldest first, started from the first day's load."""
    weight = ewma_lambda(days)
    averages = np.array(daily_load, dtype=np.float64)
    for day in range(1, len(averages)):
        averages[day] = weight * averages[day] + (1.0 - weight) * averages[day - 1]
    return averages


def daily_loads(load_by_day: Mapping[int, float], today: int) -> FloatArray:
    """Loads [n] of every day from the first known to ``today`` (day numbers), rest days 0, oldest first."""
    if not load_by_day:
        return np.zeros(0)
    first = min(load_by_day)
    return np.array([load_by_day.get(day, 0.0) for day in range(first, today + 1)], dtype=np.float64)


def monotony(week: FloatArray) -> float:
    """Mean over standard deviation of seven daily loads, rest days included; NaN where they do not vary."""
    deviation = float(np.std(week, ddof=1))
    return float(np.mean(week)) / deviation if deviation > 0.0 else np.nan


def chronic_load(daily_load: FloatArray) -> ChronicLoad:
    """Load of the last weeks from the daily loads [n], oldest first, today last, rest days 0."""
    raise NotImplementedError((HISTORY_28_DAYS, HISTORY_7_DAYS, NO_CHRONIC_LOAD, LOAD_CONSTANT, daily_load))
