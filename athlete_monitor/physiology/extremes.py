"""Lowest and highest heart rate of a session: held levels, not single readings."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np

from athlete_monitor.arrays import some
from athlete_monitor.figures import Figure, columns
from athlete_monitor.physiology.clock import LEAST_STEP_S
from athlete_monitor.physiology.heart_rate import HELD_S
from athlete_monitor.physiology.squad_state import SquadState

if TYPE_CHECKING:
    from athlete_monitor.arrays import FloatArray, IntArray

_SLOTS: Final = int(HELD_S)
_SIDES: Final = np.array([[1.0], [-1.0]])
_NAMES: Final = ("highest", "lowest")


class HeldExtremes(SquadState):
    """Highest level that a heart rate held for 5 s, and lowest level that it held for 5 s.

    A level is held when no value falls below it (for the lowest: rises above it) for 5 to 6 s, since values are
    gathered by whole seconds of sample time. Values farther apart than a step that counts in full are not held between
    them; a NaN value is passed over.

    >>> extremes, row = HeldExtremes(1), np.array([0])
    >>> for second, bpm in enumerate([120, 120, 120, 190, 120, 120, 125, 125, 125]):
    ...     extremes.update(row, np.array([float(second)]), np.array([float(bpm)]))
    >>> extremes.figures(row)[:, 0].tolist()
    [120.0, 190.0]
    """

    FIELDS = MappingProxyType(
        {
            "second": np.nan,
            "since": np.nan,
            "t": np.nan,
            **dict.fromkeys(_NAMES, np.nan),
            **{f"{name}_{slot}": np.nan for slot in range(_SLOTS) for name in _NAMES},
            **{f"held_{name}": np.nan for name in _NAMES},
        }
    )

    LARGEST = tuple(f"held_{name}" for name in _NAMES)
    FIGURES: ClassVar[tuple[Figure, ...]] = (
        Figure(
            "heart_rate_lowest_bpm", "Lowest heart rate", "bpm", 0, "total", "minimum", needs=("heart_rate_bpm",),
            scope="summary", digits=1, equation="lowest level that the heart rate held for 5 s",
        ),
        Figure(
            "heart_rate_highest_bpm", "Highest heart rate", "bpm", 0, "total", "maximum", needs=("heart_rate_bpm",),
            scope="summary", digits=1, equation="highest level that the heart rate held for 5 s",
        ),
    )  # fmt: skip

    def update(
        self, rows: IntArray, t: FloatArray, heart_rate_bpm: FloatArray, longest_s: FloatArray | None = None
    ) -> None:
        """Take the heart rate [k], bpm (NaN: none), at ``t`` [k], s; ``longest_s`` [k] as in ``HeartRateMax``."""
        state = self._open(rows)
        second, since, last, present, past, held = state[0], state[1], state[2], state[3:5], state[5:-2], state[-2:]
        known = ~np.isnan(heart_rate_bpm)
        gap = t - last
        broken = known & ~((gap >= 0.0) & (gap <= (LEAST_STEP_S if longest_s is None else longest_s)))
        np.copyto(since, t, where=broken)
        np.copyto(state[3:-2], np.nan, where=broken)
        signed = heart_rate_bpm * _SIDES
        tick = np.floor(t)
        due = known & (tick != second)
        if some(due):
            elapsed = np.where(due & ~broken, np.minimum(tick - second, _SLOTS), 0.0)
            _gather(past, present, signed, elapsed)
            lowest = np.minimum(past.reshape(_SLOTS, 2, -1).min(axis=0), signed)
            full = due & (t - since >= HELD_S)
            np.copyto(held, np.fmax(held, lowest), where=full)
            np.copyto(second, tick, where=due)
            np.copyto(present, signed, where=due)
        np.copyto(present, np.fmin(present, signed), where=known)
        np.copyto(last, t, where=known)
        self._put(rows, state)

    def figures(self, rows: IntArray) -> FloatArray:
        """Highest and lowest held heart rate so far [2, k], bpm; NaN where none was held."""
        held: FloatArray = self._take(rows)[-2:] * _SIDES
        return held

    def values(self, rows: IntArray) -> FloatArray:
        """Values of ``FIGURES`` for ``rows`` [k]."""
        highest, lowest = self.figures(rows)
        return columns(self.FIGURES, {"heart_rate_highest_bpm": highest, "heart_rate_lowest_bpm": lowest})


def _gather(past: FloatArray, present: FloatArray, signed: FloatArray, elapsed: FloatArray) -> None:
    """Shift the ``present`` second [2, k] into the ``past`` [2 slots, k], newest first, by ``elapsed`` seconds [k].

    Seconds without a value between two that have one take the smaller of the two.
    """
    for step in range(1, int(elapsed.max()) + 1):
        shifts = elapsed >= step
        np.copyto(past[2:], past[:-2].copy(), where=shifts)
        np.copyto(past[:2], present if step == 1 else np.minimum(past[:2], signed), where=shifts)
