"""Curves for the charts: a session's seconds, thinned to what a screen can show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from athlete_monitor.dashboard.live import nulls

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athlete_monitor.arrays import FloatArray

MOST_POINTS: Final = 4000
HEAT_CELL_M: Final = 2.0


def joined(archived: Mapping[str, FloatArray], recent: tuple[list[int], FloatArray], keys: Sequence[str]) -> FloatArray:
    """Return ``[1 + len(keys), n]``: times and values of the archive, then what only memory has so far.

    Args:
        archived: ``"t"`` and one array for each key, as the archive returns them.
        recent: times [m] and values [len(keys), m] of the last minutes.
        keys: the figures, in the order of the rows.
    """
    old = np.vstack([archived["t"], *(archived[key] for key in keys)])
    t, values = recent
    new = np.vstack([np.array(t, dtype=np.float64), values])
    last = old[0, -1] if old.shape[1] else -np.inf
    return np.hstack([old, new[:, new[0] > last + 0.5]])


def thinned(table: FloatArray, points: int) -> FloatArray:
    """Return a table [k, n] (first row: times) with at most about ``points`` columns: means over equal spans of time.

    Gaps stay gaps: a span without any second has no column.

    Example:
        >>> thinned(np.array([[0.0, 1.0, 2.0, 3.0], [1.0, 3.0, np.nan, 7.0]]), 2).tolist()
        [[0.5, 2.5], [2.0, 7.0]]
    """
    count = table.shape[1]
    if count <= points:
        return table
    width = max(1.0, np.ceil((table[0, -1] - table[0, 0] + 1.0) / points))
    bins = np.floor((table[0] - table[0, 0]) / width).astype(np.int64)
    starts = np.flatnonzero(np.diff(bins, prepend=-1))
    known = ~np.isnan(table)
    sums = np.add.reduceat(np.where(known, table, 0.0), starts, axis=1)
    counts = np.add.reduceat(known.astype(np.float64), starts, axis=1)
    return np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)


def as_document(table: FloatArray, keys: Sequence[str], decimals: Sequence[int]) -> dict[str, Any]:
    """Return a table as JSON: ``{"t": [...], key: [...]}``, null for NaN."""
    rows = {key: nulls(row.tolist(), places) for key, row, places in zip(keys, table[1:], decimals, strict=True)}
    return {"t": np.round(table[0], 1).tolist()} | rows


def heat(x_m: FloatArray, y_m: FloatArray, size_m: tuple[float, float]) -> dict[str, Any]:
    """Return how many seconds were spent in each cell of the pitch: ``rows`` from y = 0 on, cells of 2 m.

    Example:
        >>> heat(np.array([1.0, 1.5, 9.0]), np.array([0.5, 0.5, 3.0]), (10.0, 4.0))["rows"]
        [[2, 0, 0, 0, 0], [0, 0, 0, 0, 1]]
    """
    length_m, width_m = size_m
    shape = (int(np.ceil(width_m / HEAT_CELL_M)), int(np.ceil(length_m / HEAT_CELL_M)))
    known = ~(np.isnan(x_m) | np.isnan(y_m))
    inside = known & (x_m >= 0) & (x_m <= length_m) & (y_m >= 0) & (y_m <= width_m)
    counts, _, _ = np.histogram2d(
        y_m[inside], x_m[inside], bins=shape, range=((0, shape[0] * HEAT_CELL_M), (0, shape[1] * HEAT_CELL_M))
    )
    return {"cell_m": HEAT_CELL_M, "rows": counts.astype(int).tolist(), "outside": int((known & ~inside).sum())}
