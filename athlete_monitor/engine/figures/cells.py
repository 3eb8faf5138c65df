"""Columns of numbers as JSON values: rounded, null where unknown, whole numbers as integers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.arrays import FloatArray
    from athlete_monitor.figures import Figure


class Cells:
    """Turns values [sum of widths, k] of some figures into k lists with one value for each figure, in their order.

    Example:
        >>> from athlete_monitor.figures import Figure
        >>> rows = (
        ...     Figure("speed_mps", "Speed", "m/s", 1, "present"),
        ...     Figure("impacts", "Impacts", "", 0, "map", digits=0, members=("low", "high")),
        ... )
        >>> Cells(rows).of(np.array([[1.23456, np.nan], [2.0, 3.0], [0.0, 1.0]]))
        [[1.235, {'low': 2, 'high': 0}], [None, {'low': 3, 'high': 1}]]
    """

    def __init__(self, figures: Sequence[Figure]) -> None:
        self.keys = tuple(figure.key for figure in figures)
        self._scale = np.array([[10.0**figure.digits] for figure in figures for _ in range(figure.width)])
        self._whole: list[int] = []
        self._flags: list[int] = []
        self._maps: list[tuple[int, int, tuple[str, ...]]] = []
        place = 0
        for figure in figures:
            if figure.members:
                self._maps.append((place, place + figure.width, figure.members))
                self._whole += [place + i for i, name in enumerate(figure.members) if is_whole(figure, name)]
            elif figure.kind == "flag":
                self._flags.append(place)
            elif not figure.digits:
                self._whole.append(place)
            place += figure.width
        self._maps.reverse()  # so that a map's numbers can be replaced by the map without moving the maps before it

    def of(self, values: FloatArray) -> list[list[Any]]:
        """Return the values of each athlete."""
        return self.lists(self.rounded(values))

    def rounded(self, values: FloatArray) -> FloatArray:
        """Return the numbers [sum of widths, k] as they are published."""
        return np.asarray(np.rint(values * self._scale) / self._scale)

    def lists(self, rounded: FloatArray) -> list[list[Any]]:
        """Return the values of each athlete, from ``rounded`` numbers."""
        cells = rounded.astype(object)
        unknown = np.isnan(rounded)
        if self._whole:
            cells[self._whole] = np.where(unknown[self._whole], 0.0, rounded[self._whole]).astype(np.int64)
        cells[unknown] = None
        if self._flags:
            cells[self._flags] = (rounded[self._flags] != 0.0).astype(object)
        rows: list[list[Any]] = cells.T.tolist()
        for row in rows:
            for begin, end, members in self._maps:
                found = None if row[begin] is None else dict(zip(members, row[begin:end], strict=True))
                row[begin:end] = (found,)
        return rows


def is_whole(figure: Figure, member: str) -> bool:
    """Whether a member of a map is a whole number."""
    return not figure.digits or member in figure.whole
