"""The loader's records other than models: refused models with their reasons, and counters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cachetools import TTLCache

if TYPE_CHECKING:
    from collections.abc import Callable

    from athlete_monitor.models.manifest import AthleteId
    from athlete_monitor.models.store import Stamp

MOST_REMEMBERED: Final = 4096
"""Largest number of athletes in the record; ids come from outside, so there is a limit."""


@dataclass(frozen=True)
class Refusal:
    """Why an athlete's model is not used, and the state of its manifest file at that time."""

    reason: str
    stamp: Stamp | None


class Refusals:
    """Refusals by athlete, each forgotten after ``ttl_s`` seconds of ``clock``. Not safe for threads by itself."""

    def __init__(self, ttl_s: float, clock: Callable[[], float]) -> None:
        self._found: TTLCache[AthleteId, Refusal] = TTLCache(MOST_REMEMBERED, ttl_s, clock)

    def __contains__(self, key: AthleteId) -> bool:
        return key in self._found

    def get(self, key: AthleteId) -> Refusal | None:
        """Return an athlete's record, None also if it expires at this moment."""
        try:
            return self._found[key]
        except KeyError:
            return None

    def items(self) -> dict[AthleteId, Refusal]:
        """Return all records."""
        found = {key: self.get(key) for key in list(self._found)}
        return {key: refusal for key, refusal in found.items() if refusal}

    def put(self, key: AthleteId, refusal: Refusal) -> None:
        """Remember."""
        self._found[key] = refusal

    def forget(self, key: AthleteId) -> None:
        """Remove an athlete's record, if there is one."""
        self._found.pop(key, None)

    def clear(self) -> None:
        """Forget all."""
        self._found.clear()


@dataclass
class LoaderCounts:
    """Counters of a loader: requests served from memory, load attempts, loads and their time in s, and so on."""

    hits: int = 0
    misses: int = 0
    loads: int = 0
    load_s: float = 0.0
    evictions: int = 0
    reloads: int = 0
    failed_loads: int = 0

    @property
    def requests(self) -> int:
        """Hits and misses."""
        return self.hits + self.misses

    @property
    def hit_rate(self) -> float:
        """Share of requests served from memory, 0 to 1; 0 before the first."""
        return self.hits / self.requests if self.requests else 0.0

    @property
    def mean_load_s(self) -> float:
        """Mean time of a load, s; 0 before the first."""
        return self.load_s / self.loads if self.loads else 0.0
