"""One athlete's session by the second, with its laps: what a file of an activity is made from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athlete_monitor.archive import Archive, DeviceSession, Period
    from athlete_monitor.arrays import FloatArray

COLUMNS: Final = (
    "heart_rate_bpm", "speed_mps", "distance_m", "cadence_spm", "latitude", "longitude", "altitude_m", "trimp",
    "player_load", "stress_percent", "energy_kcal",
)  # fmt: skip
_UNKNOWN: Final = math.nan
Lap = tuple[str, float, float]
"""Name, first and last moment."""


@dataclass(frozen=True)
class Activity:
    """One athlete's session by the second.

    Attributes:
        session: of the archive.
        name: the athlete's.
        seconds: ``t`` and ``COLUMNS``, [n] each, NaN where unknown.
        laps: names with first and last moment; at least one.
        rr: (epoch seconds, intervals in ms) of the beats that are known.
    """

    session: DeviceSession
    name: str
    seconds: Mapping[str, FloatArray]
    laps: Sequence[Lap]
    rr: Sequence[tuple[float, Sequence[float]]] = ()

    @property
    def start_t(self) -> float:
        """First second."""
        return float(self.seconds["t"][0])

    @property
    def end_t(self) -> float:
        """Last second."""
        return float(self.seconds["t"][-1])

    @property
    def has_positions(self) -> bool:
        """Whether a place is known at any moment."""
        pairs = zip(self.seconds["latitude"].tolist(), self.seconds["longitude"].tolist(), strict=True)
        return any(is_place(*pair) for pair in pairs)

    def inside(self, name: str, span: tuple[float, float]) -> FloatArray:
        """Known values of a column within a lap."""
        t_s, values = self.seconds["t"], self.seconds[name]
        found: FloatArray = values[(t_s >= span[0]) & (t_s <= span[1]) & ~np.isnan(values)]
        return found

    def gained(self, name: str, span: tuple[float, float]) -> float:
        """How much a running total grew within a lap; NaN where unknown."""
        found = self.inside(name, span)
        before = self.inside(name, (-math.inf, span[0]))
        return float(found[-1] - (before[-1] if len(before) else 0.0)) if len(found) else _UNKNOWN


def is_place(latitude: float, longitude: float) -> bool:
    """Whether this is a place that TCX and GPX allow; 180° east is none.

    >>> is_place(52.5, 13.4), is_place(52.5, 180.0), is_place(float("nan"), 13.4)
    (True, False, False)
    """
    return abs(latitude) <= 90.0 and -180.0 <= longitude < 180.0 - 1e-7


def activity(archive: Archive, session: DeviceSession, name: str, periods: Sequence[Period]) -> Activity | None:
    """Read one session; None where the archive has no second of it."""
    table = archive.seconds(session.number, columns=COLUMNS)
    if not len(table["t"]):
        return None
    first, last = float(table["t"][0]), float(table["t"][-1])
    wished = [(p.name, max(p.start_t, first), min(p.end_t or last, last)) for p in periods]
    return Activity(session, name, table, laps_of(wished, first, last))


def laps_of(wished: Sequence[Lap], first: float, last: float) -> list[Lap]:
    """Laps that follow each other without gap or overlap: the periods, and nameless laps between them.

    >>> laps_of([("1st half", 10.0, 20.0), ("group", 15.0, 18.0)], 0.0, 30.0)
    [('', 0.0, 10.0), ('1st half', 10.0, 20.0), ('', 20.0, 30.0)]
    """
    laps: list[Lap] = []
    at = first
    for name, start, end in sorted(wished, key=lambda lap: (lap[1], -lap[2])):
        if start >= at and end > start:
            laps += [("", at, start)] if start > at else []
            laps.append((name, start, end))
            at = end
    return [*laps, ("", at, last)] if at < last or not laps else laps
