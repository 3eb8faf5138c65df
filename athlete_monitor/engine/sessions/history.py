"""An athlete's load over the last weeks, from the journal's finished sessions and the running one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from athlete_monitor.physiology.chronic import CHRONIC_DAYS, chronic_load, daily_loads

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from athlete_monitor.engine.journal.earlier import PastLoad

NAMES: Final = ("acute_load", "chronic_load", "acwr", "weekly_load", "monotony", "strain")
UNKNOWN: Final = "load_unknown_sessions"
HISTORY_DAYS: Final = 3 * CHRONIC_DAYS
"""Earlier load is ignored: after a long break an athlete begins a new history."""
LEAST_SESSION_S: Final = 300.0
"""A shorter session counts as having no load."""


def day_of(t: float) -> int:
    """Number of the local day of epoch seconds ``t``."""
    return datetime.fromtimestamp(t).date().toordinal()  # noqa: DTZ006 - a day is the athlete's local day


class LoadHistory:
    """Finished sessions of every athlete.

    Sessions of one athlete that overlap in time, from two devices, count once, with the larger load. A session whose
    load is unknown, because its heart rate is, adds nothing and is counted, so that it is not mistaken for rest.
    """

    def __init__(self, past: Mapping[int, Sequence[PastLoad]] | None = None) -> None:
        self._past = {athlete_id: [*filter(_counts, loads)] for athlete_id, loads in (past or {}).items()}
        self._earlier: dict[int, _Earlier] = {}

    def add(self, athlete_id: int, load: PastLoad) -> None:
        """A session has ended."""
        if _counts(load):
            self._past.setdefault(athlete_id, []).append(load)
            self._earlier.pop(athlete_id, None)

    def figures(self, athlete_id: int, running: PastLoad) -> tuple[dict[str, Any], dict[str, str]]:
        """Load of the last weeks with the running session, and the reasons of missing figures."""
        today = day_of(running.start_t)
        by_day, missed = self._days(athlete_id, running, today)
        recent = {day: trimp for day, trimp in by_day.items() if 0 <= today - day < HISTORY_DAYS}
        load = chronic_load(daily_loads(recent, today))
        values = {name: getattr(load, name) for name in NAMES}
        rounded = {name: None if v is None else round(v, 3) for name, v in values.items()}
        return {**rounded, UNKNOWN: missed}, dict(load.reasons)

    def _days(self, athlete_id: int, running: PastLoad, today: int) -> tuple[dict[int, float], int]:
        """Load of each day with the running session, and the number of recent sessions whose load is unknown."""
        past = self._past.get(athlete_id)
        if not past:
            return _by_day([running]), int(_missed(running, today))
        earlier = self._earlier.get(athlete_id)
        if earlier is None:
            earlier = self._earlier[athlete_id] = _Earlier.of(past)
        if running.start_t < earlier.end_t:
            loads = _without_overlaps([*past, running])
            return _by_day(loads), sum(_missed(load, today) for load in loads)
        by_day = dict(earlier.by_day)
        _add(by_day, running)
        return by_day, sum(_missed(load, today) for load in (*earlier.unknown, running))


@dataclass(frozen=True)
class _Earlier:
    """Finished sessions of an athlete, added up once: the running one changes only its own day."""

    by_day: Mapping[int, float]
    unknown: tuple[PastLoad, ...]
    """Sessions whose load is unknown."""
    end_t: float
    """When the last one ended: no later session overlaps them."""

    @classmethod
    def of(cls, past: Sequence[PastLoad]) -> _Earlier:
        loads = _without_overlaps(past)
        unknown = tuple(load for load in loads if load.trimp is None)
        return cls(_by_day(loads), unknown, max(load.end_t for load in loads))


def _counts(load: PastLoad) -> bool:
    """Whether the session is relevant: its load is known, or it was long enough to have had one."""
    return load.trimp is not None or load.end_t - load.start_t >= LEAST_SESSION_S


def _missed(load: PastLoad, today: int) -> bool:
    """Whether this is a session of the last 28 days whose load is unknown."""
    return load.trimp is None and _counts(load) and 0 <= today - day_of(load.start_t) < CHRONIC_DAYS


def _by_day(loads: Iterable[PastLoad]) -> dict[int, float]:
    by_day: dict[int, float] = {}
    for load in loads:
        _add(by_day, load)
    return by_day


def _add(by_day: dict[int, float], load: PastLoad) -> None:
    if load.trimp is not None:
        day = day_of(load.start_t)
        by_day[day] = by_day.get(day, 0.0) + load.trimp


def _without_overlaps(loads: Iterable[PastLoad]) -> list[PastLoad]:
    kept: list[PastLoad] = []
    for load in sorted(loads, key=lambda each: each.start_t):
        if kept and load.start_t < kept[-1].end_t:
            kept[-1] = max(kept[-1], load, key=_known_load)
        else:
            kept.append(load)
    return kept


def _known_load(load: PastLoad) -> float:
    return -1.0 if load.trimp is None else load.trimp
