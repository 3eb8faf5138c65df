"""How fast the live loop works.

Steps start further apart under load, so that more athletes share each of them, and no more is taken at once than the
engine uses in a short time.
"""

from __future__ import annotations

import math
from typing import Final

BUSY: Final = 0.5
"""From this share of the time spent in steps on, steps start further apart."""
APART: Final = 1.5
"""Under load, steps start at least this many times as far apart as the last one took: a step of 2,000 athletes costs
half as much for each of them as one of 200."""
LONGEST_S: Final = 0.15
"""But no further apart than this."""
_WEIGHT: Final = 0.1


class StepPace:
    """When the next step may start while not all athletes have samples waiting.

    Args:
        least_s: least time from one start to the next, s.

    Example:
        >>> pace = StepPace(0.004)
        >>> for second in range(20):
        ...     pace.begin(float(second))
        ...     pace.end(second + 0.01)
        >>> round(pace.next_s - 19.0, 3)  # idle
        0.004
        >>> for tenth in range(200, 300):
        ...     pace.begin(tenth / 10)
        ...     pace.end(tenth / 10 + 0.08)
        >>> round(pace.next_s - 29.9, 3)  # steps take four fifths of the time
        0.12
    """

    def __init__(self, least_s: float) -> None:
        self._least_s = least_s
        self._began_s, self._took_s, self._share = -math.inf, 0.0, 0.0

    @property
    def next_s(self) -> float:
        """Earliest time of the next step."""
        apart_s = min(APART * self._took_s, LONGEST_S) if self._share >= BUSY else 0.0
        return self._began_s + max(self._least_s, apart_s)

    def begin(self, now_s: float) -> None:
        """A step starts: update the share of the time that steps take."""
        apart_s = now_s - self._began_s
        self._share += _WEIGHT * (min(1.0, self._took_s / max(apart_s, 1e-9)) - self._share)
        self._began_s = now_s

    def end(self, now_s: float) -> None:
        """A step has ended."""
        self._took_s = now_s - self._began_s


MEMORY_S: Final = 2.0
"""Time constant of the measured throughput, in seconds of work."""
ASSUMED_S: Final = 0.25
"""What is assumed at first counts as so many seconds of it."""


class Throughput:
    """Samples that the engine uses in a second of work, lately.

    Args:
        per_s: what is assumed at first.

    Example:
        >>> throughput = Throughput(8000.0)
        >>> for _ in range(100):
        ...     throughput.note(100, 0.1)
        >>> round(throughput.per_s, -2)
        1000.0
    """

    def __init__(self, per_s: float) -> None:
        self._samples, self._busy_s = per_s * ASSUMED_S, ASSUMED_S

    @property
    def per_s(self) -> float:
        """Samples a second."""
        return self._samples / self._busy_s

    def note(self, samples: int, busy_s: float) -> None:
        """Take how many samples were used in a time without waiting."""
        kept = math.exp(-busy_s / MEMORY_S)
        self._samples = kept * self._samples + samples
        self._busy_s = kept * self._busy_s + busy_s
