"""Readings of several sensors, each at its own times, joined to samples of a set rate.

Time is cut into equal bins. A sample is the mean of what a sensor measured within its bin; readings that come seldom
(location, heart rate) are in the sample of their own bin, or in the next one where that has left already.

>>> joiner = Joiner(rate_hz=10.0)
>>> joiner.add("gyro", 100.01, (0.0, 0.0, 0.2)); joiner.add("gyro", 100.04, (0.0, 0.0, 0.4))
>>> joiner.put(100.02, {"heart_rate_bpm": 120.0})
>>> [(round(t, 2), round(sample["gyro"][2], 2), sample["heart_rate_bpm"]) for t, sample in joiner.release(100.1)]
[(100.05, 0.3, 120.0)]
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

Vector = tuple[float, float, float]

STALE_S: Final = 3.0
"""A reading that comes seldom and is this late is left out."""
MOST_BINS: Final = 20_000


@dataclass
class _Bin:
    sums: dict[str, list[float]] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)


class Joiner:
    """Joins the readings of one phone.

    Args:
        rate_hz: samples a second.
    """

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._bins: dict[int, _Bin] = {}
        self._next = -math.inf
        self._late_values: dict[str, Any] = {}
        self._late_t_s = -math.inf
        self.late = 0

    def add(self, vector: str, t_s: float, axes: Vector) -> None:
        """Take a reading of a sensor with three axes."""
        place = self._bin(t_s)
        if place is None:
            self.late += 1
            return
        sums = place.sums.setdefault(vector, [0.0, 0.0, 0.0, 0.0])
        for axis, value in enumerate((*axes, 1.0)):
            sums[axis] += value

    def put(self, t_s: float, values: Mapping[str, Any]) -> None:
        """Take a reading that comes seldom; one that is a little late travels with the next sample."""
        place = self._bin(t_s)
        if place is not None:
            _merge(place.values, values)
        elif t_s >= self._next / self._rate_hz - STALE_S and t_s > self._late_t_s:
            _merge(self._late_values, values)
            self._late_t_s = t_s
        else:
            self.late += 1

    def put_now(self, t_s: float, values: Mapping[str, Any]) -> None:
        """Take a reading of another clock: in its own bin, or else in the first one that has not left."""
        self.put(max(t_s, self._next / self._rate_hz) if self._next > -math.inf else t_s, values)

    def release(self, until_s: float) -> list[tuple[float, dict[str, Any]]]:
        """Return the samples of all bins that end by then: the time in the middle of the bin, and what it holds."""
        end = math.floor(until_s * self._rate_hz + 1e-6)
        ready = sorted(number for number in self._bins if number < end)
        self._next = max(self._next, end)
        samples = [self._sample(number) for number in ready]
        if samples and self._late_values:
            _merge(self._late_values, samples[0][1])
            samples[0] = samples[0][0], self._late_values
            self._late_values = {}
        return samples

    def flush(self) -> list[tuple[float, dict[str, Any]]]:
        """Return everything that is left."""
        return self.release((max(self._bins) + 1) / self._rate_hz) if self._bins else []

    def _bin(self, t_s: float) -> _Bin | None:
        number = math.floor(t_s * self._rate_hz)
        if number < self._next or (number not in self._bins and len(self._bins) >= MOST_BINS):
            return None
        return self._bins.setdefault(number, _Bin())

    def _sample(self, number: int) -> tuple[float, dict[str, Any]]:
        place = self._bins.pop(number)
        means = {name: (x / n, y / n, z / n) for name, (x, y, z, n) in place.sums.items()}
        return (number + 0.5) / self._rate_hz, {**means, **place.values}


def _merge(into: dict[str, Any], values: Mapping[str, Any]) -> None:
    """Add values; the newer one counts, but beat intervals follow one another."""
    for name, value in values.items():
        known = into.get(name)
        into[name] = [*known, *value] if isinstance(known, list) and isinstance(value, list) else value
