"""Load over weeks: acute to chronic workload ratio, monotony and strain, from daily loads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.figures import Figure
from athlete_monitor.physiology.reasons import HISTORY_7_DAYS, HISTORY_28_DAYS, LOAD_CONSTANT, NO_CHRONIC_LOAD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athlete_monitor.arrays import FloatArray

ACUTE_DAYS: Final = 7
CHRONIC_DAYS: Final = 28
ACWR_FORMULA: Final = "ewma_williams_2017"
MONOTONY_FORMULA: Final = "foster_1998"
CHRONIC: Final = (
    Figure(
        "acute_load", "Acute load", "", 1, "present", "last",
        equation="daily TRIMP, exponentially averaged over 7 days, this session included",
    ),
    Figure("chronic_load", "Chronic load", "", 1, "present", "last", equation="the same over 28 days"),
    Figure(
        "acwr", "ACWR", "", 2, "present", "last", ACWR_FORMULA, more_is_worse=True,
        equation="acute over chronic load (Williams 2017); hidden for the first 28 days; load from more than 84 days "
        "ago is not counted",
    ),
    Figure("weekly_load", "Weekly load", "", 1, "present", "last", equation="TRIMP of the last 7 days"),
    Figure(
        "monotony", "Monotony", "", 2, "present", "last", MONOTONY_FORMULA, more_is_worse=True,
        equation="mean over standard deviation of the daily TRIMP of 7 days (Foster 1998)",
    ),
    Figure(
        "strain", "Strain", "", 0, "present", "last", MONOTONY_FORMULA, more_is_worse=True,
        equation="weekly load times monotony (Foster 1998)",
    ),
    Figure(
        "load_unknown_sessions", "Sessions without known load", "", 0, "count", "last", digits=0,
        more_is_worse=True, equation="sessions of the last 28 days, of five minutes or more, without a known TRIMP; "
        "the six figures above count them as zero",
    ),
)  # fmt: skip
"""Figures of the load over weeks, computed from the finished sessions and the running one."""


@dataclass(frozen=True)
class ChronicLoad:
    """Load of the last weeks, in the unit of the daily loads; None where it is unknown, with the reason."""

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
    """Exponentially weighted averages [n] of the daily loads [n], oldest first, started from the first day's load.

    Source: Williams, West, Cross & Stokes 2017, Br J Sports Med 51:209-210.
    """
    weight = ewma_lambda(days)
    averages: list[float] = []
    for load in daily_load.tolist():  # plain numbers: with NumPy's, each day would cost ten times as much
        averages.append(weight * load + (1.0 - weight) * averages[-1] if averages else load)
    return np.array(averages, dtype=np.float64)


def daily_loads(load_by_day: Mapping[int, float], today: int) -> FloatArray:
    """Loads [n] of every day from the first known to ``today`` (day numbers), oldest first; days without one are 0."""
    first = min(load_by_day, default=today + 1)
    return np.array([load_by_day.get(day, 0.0) for day in range(first, today + 1)], dtype=np.float64)


def acwr(daily_load: FloatArray) -> float:
    """Acute to chronic workload ratio of the last day: EWMA over 7 days by EWMA over 28 days.

    NaN before 28 days of history, since the averages still remember how they were started, and where the chronic load
    is 0. Source: Williams 2017. A description of how load has changed; it does not predict injuries of a person.
    """
    if len(daily_load) < CHRONIC_DAYS:
        return np.nan
    chronic = float(ewma(daily_load, CHRONIC_DAYS)[-1])
    return float(ewma(daily_load, ACUTE_DAYS)[-1]) / chronic if chronic > 0.0 else np.nan


def monotony(daily_load: FloatArray) -> float:
    """Mean over standard deviation (n - 1) of the last seven daily loads, rest days included.

    NaN before seven days of history and where the loads do not vary.
    Source: Foster 1998, Med Sci Sports Exerc 30:1164-1168 (25 athletes, mostly speed skaters).
    """
    week = daily_load[-ACUTE_DAYS:]
    varies = len(week) == ACUTE_DAYS and float(np.ptp(week)) > 0.0
    deviation = float(np.std(week, ddof=1)) if varies else 0.0
    return float(np.mean(week)) / deviation if deviation > 0.0 else np.nan


def strain(daily_load: FloatArray) -> float:
    """Load of the last seven days times their monotony (Foster 1998); NaN where the monotony is."""
    return float(np.sum(daily_load[-ACUTE_DAYS:])) * monotony(daily_load)


def chronic_load(daily_load: FloatArray) -> ChronicLoad:
    """Everything about the last weeks from the daily loads [n], oldest first, today last, rest days 0."""
    days = len(daily_load)
    figures = {
        "acute_load": float(ewma(daily_load, ACUTE_DAYS)[-1]) if days >= ACUTE_DAYS else np.nan,
        "chronic_load": float(ewma(daily_load, CHRONIC_DAYS)[-1]) if days >= CHRONIC_DAYS else np.nan,
        "acwr": acwr(daily_load),
        "weekly_load": float(np.sum(daily_load[-ACUTE_DAYS:])) if days >= ACUTE_DAYS else np.nan,
        "monotony": monotony(daily_load),
        "strain": strain(daily_load),
    }
    reasons = {name: _reason(name, days) for name, value in figures.items() if np.isnan(value)}
    known = {name: None if name in reasons else value for name, value in figures.items()}
    return ChronicLoad(**known, reasons=reasons)


def _reason(name: str, days: int) -> str:
    """Why the figure ``name`` is missing after ``days`` days of history."""
    if name in {"chronic_load", "acwr"}:
        return HISTORY_28_DAYS if days < CHRONIC_DAYS else NO_CHRONIC_LOAD
    return HISTORY_7_DAYS if days < ACUTE_DAYS else LOAD_CONSTANT
