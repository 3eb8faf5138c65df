"""The last minutes of every device, in memory: trends, trails, and what a screen missed while it was away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.arrays import FloatArray, IntArray

KEPT_S: Final = 600
"""Seconds kept of each device of a squad."""
KEPT_S_OF_MANY: Final = 300
"""The same for devices beyond ``SQUAD``, so that memory stays bounded."""
SQUAD: Final = 60
_FILLED: Final = 1
"""The frame of seconds from the archive: as if they had come with the first."""


class RecentSeconds:
    """One device's last seconds, in a ring.

    Args:
        width: number of figures of a second.
        seconds: how many are kept.
    """

    def __init__(self, width: int, seconds: int = KEPT_S) -> None:
        self._values = np.full((seconds, width), np.nan, dtype=np.float32)
        self._t = np.zeros(seconds, dtype=np.int64)
        self._seq = np.zeros(seconds, dtype=np.int64)
        self._count = 0
        self._last_t = 0

    def add(self, t: int, seq: int, values: Sequence[object]) -> None:
        """Keep a second; texts and nulls become NaN. A second that is known already is replaced.

        A clock that jumps back begins a new track: seconds of two clocks must not be mixed.
        """
        if self._count and t < self._last_t:
            self._count = 0
        at = (self._count - 1 if self._count and t == self._last_t else self._count) % len(self._t)
        if not self._count or t != self._last_t:
            self._count += 1
        self._t[at], self._seq[at], self._last_t = t, seq, t
        self._values[at] = [value if isinstance(value, int | float) else np.nan for value in values]

    @property
    def first_t(self) -> int | None:
        """Time of the first second that is kept; None where there is none."""
        order = self._order()
        return int(self._t[order[0]]) if len(order) else None

    def fill(self, t: Sequence[int], values: FloatArray) -> None:
        """Put seconds [n] with values [width, n] before those that are kept, as far as there is room; all in order."""
        order = self._order()
        first = self._t[order[0]] if len(order) else np.inf
        room = len(self._t) - len(order)
        new = np.flatnonzero(np.asarray(t) < first)[-room:] if room else np.empty(0, dtype=np.int64)
        if not len(new):
            return
        count = len(new) + len(order)
        self._t[:count] = np.concatenate([np.asarray(t)[new], self._t[order]])
        self._seq[:count] = np.concatenate([np.full(len(new), _FILLED), self._seq[order]])
        self._values[:count] = np.concatenate([values[:, new].T, self._values[order]])
        self._count, self._last_t = count, int(self._t[count - 1])

    def _order(self) -> IntArray:
        """Positions of the kept seconds, oldest first."""
        return np.arange(max(0, self._count - len(self._t)), self._count) % len(self._t)

    def since(self, seq: int, columns: Sequence[int]) -> tuple[list[int], FloatArray]:
        """Return the times [n] and values [len(columns), n] of the seconds that came after frame ``seq``, in order."""
        order = self._order()
        order = order[self._seq[order] > seq]
        return self._t[order].tolist(), self._values[order][:, list(columns)].T.astype(np.float64)
