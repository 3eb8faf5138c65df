"""Forests as three small arrays, evaluated with NumPy for many rows of many models at once.

A session of ONNX Runtime takes 0.6 MB for each model, and a call of its own for each; with a thousand athletes that is
more than a core and half a gigabyte. The arrays of a model take 40 kB, and one call serves all. The steps and their
order are those of ONNX Runtime's operator, so every row has the bits that its session would give it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.arrays import Float32Array, IntArray

ROWS_AT_ONCE: Final = 2048
"""More rows are evaluated in parts, so that what lies between fits into memory."""

MOST_PADDING: Final = 4
SMALL_LEAVES: Final = 1 << 20
"""Joined forests of more leaves than ``SMALL_LEAVES`` have at most ``MOST_PADDING`` times those of the parts."""

LINE_ROWS: Final = ("mean", "scale", "low", "high", "weight", "unit", "start")


@dataclass(frozen=True)
class LeanTables:
    """Perfect trees; the nodes of each tree are numbered as in a binary heap, from 1; children of p are 2p and 2p + 1.

    ``features`` int16 and ``thresholds`` float32 are [trees, W] with W = 2^depth: where a feature is not above the
    threshold, the way goes to 2p + 1. ``leaves`` float32 [trees, W] are what a tree adds. ``line`` float64
    [len(LINE_ROWS), F] is added; None for trees only.
    """

    features: Any
    thresholds: Float32Array
    leaves: Float32Array
    line: Any = None

    @property
    def trees(self) -> int:
        """Number of trees."""
        return int(self.features.shape[0])

    @property
    def width(self) -> int:
        """Leaves of a tree."""
        return int(self.features.shape[1])

    @property
    def held_bytes(self) -> int:
        """Memory of the arrays, here and once more where models are joined."""
        return 2 * int(self.features.nbytes + self.thresholds.nbytes + self.leaves.nbytes)

    def sized(self, trees: int, width: int) -> LeanTables:
        """Return the same forest with at least as many trees, which add nothing, and leaves: the same answers."""
        tables = self
        while tables.width < width:
            tables = _deeper(tables)
        if tables.trees == trees:
            return tables
        more = ((0, trees - tables.trees), (0, 0))
        grown = {name: np.pad(getattr(tables, name), more) for name in ("features", "thresholds", "leaves")}
        return replace(tables, **grown)


def _deeper(tables: LeanTables) -> LeanTables:
    """Return the forest with each leaf twice, below a condition that does not matter."""
    none = np.zeros_like(tables.features)
    return replace(
        tables,
        features=np.concatenate([tables.features, none], axis=1),
        thresholds=np.concatenate([tables.thresholds, none.astype(np.float32)], axis=1),
        leaves=np.repeat(tables.leaves, 2, axis=1),
    )


def is_wasteful(forests: Sequence[LeanTables]) -> bool:
    """Whether forests differ so much in size that, joined and all as large as the largest, they waste memory."""
    own = sum(each.trees * each.width for each in forests)
    joined = len(forests) * max(each.trees for each in forests) * max(each.width for each in forests)
    return joined > max(SMALL_LEAVES, MOST_PADDING * own)


class LeanForests:
    """Several forests as one. Each row is evaluated by its own, and gets the same bits in any company.

    Args:
        forests: at least one, all with a line or all without.
    """

    def __init__(self, forests: Sequence[LeanTables]) -> None:
        trees, width = max(each.trees for each in forests), max(each.width for each in forests)
        sized = [each.sized(trees, width) for each in forests]
        self._width, self._depth = width, width.bit_length() - 1
        self._features = np.concatenate([each.features.reshape(-1) for each in sized])
        self._thresholds = np.concatenate([each.thresholds.reshape(-1) for each in sized])
        self._leaves = np.concatenate([each.leaves.reshape(-1) for each in sized])
        self._starts = np.arange(trees) * width
        lines = [each.line for each in sized if each.line is not None]
        self._lines = np.stack(lines, axis=1) if lines else None

    def __call__(self, X: Float32Array, which: IntArray) -> Float32Array:
        """Predict the rows X, float32 [n, F], the i-th by forest ``which[i]``: float32 [n]."""
        if len(X) <= ROWS_AT_ONCE:
            return self._part(X, which)
        parts = (slice(begin, begin + ROWS_AT_ONCE) for begin in range(0, len(X), ROWS_AT_ONCE))
        return np.concatenate([self._part(X[part], which[part]) for part in parts])

    def _part(self, X: Float32Array, which: IntArray) -> Float32Array:
        trees = self._trees(X, which)
        return trees if self._lines is None else trees + _line(X, self._lines[:, which])

    def _trees(self, X: Float32Array, which: IntArray) -> Float32Array:
        starts = (which * (len(self._starts) * self._width))[:, None] + self._starts
        cells, first = X.reshape(-1), (np.arange(len(X)) * X.shape[1])[:, None]
        node = np.ones(starts.shape, dtype=np.int64)
        for _ in range(self._depth):
            place = starts + node
            value = cells.take(first + self._features.take(place))
            node += node
            node += value <= self._thresholds.take(place)
        leaves = self._leaves.take(starts + (node - self._width))
        total: Float32Array = np.add.accumulate(leaves, axis=1)[:, -1].copy()  # one after the other, as the operator
        return total


def _line(X: Float32Array, table: Any) -> Float32Array:  # noqa: ANN401 - float64 [rows of the table, n, F]
    """Return the line of each row: the steps of ``onnx_nodes``; sums of whole numbers are exact in any order."""
    mean, scale, low, high = table[:4].astype(np.float32)
    steps = np.round(np.minimum(np.maximum((X - mean) * scale, low), high))
    total = (steps.astype(np.float64) * table[4]).sum(axis=1)
    answer: Float32Array = (total * table[5, :, 0] + table[6, :, 0]).astype(np.float32)
    return answer
