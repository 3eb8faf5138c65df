"""The growing of one tree in bins, with scikit-learn's own parts and less of Python between them.

``TreeGrower`` keeps an object, two times of day and several enumerations for each node; with a few thousand rows those
take longer than its compiled histograms and splits. The order of nodes, and so every random draw, is the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.arrays import FloatArray, IntArray

NO_NODE: Final = -1
"""scikit-learn's mark of a child that does not exist."""


class GrownNode:
    """A node: its rows, the sums over them, the limits of its value, and how it is divided (None: it is a leaf)."""

    __slots__ = (
        "depth",
        "gradients",
        "hessians",
        "high",
        "histograms",
        "left",
        "low",
        "right",
        "rows",
        "split",
        "value",
    )

    def __init__(self, rows: Any, sums: tuple[float, float, float], depth: int, limits: tuple[float, float]) -> None:  # noqa: ANN401
        self.rows, self.depth = rows, depth
        self.gradients, self.hessians, self.value = sums
        self.low, self.high = limits
        self.histograms: Any = None
        self.split: Any = None
        self.left: GrownNode | None = None
        self.right: GrownNode | None = None

    @property
    def count(self) -> int:
        """Number of rows."""
        return int(self.rows.shape[0])


def grown(grower: Any) -> GrownNode:  # noqa: ANN401 - scikit-learn's
    """Grow the tree that a new ``TreeGrower`` begins, as its ``grow`` does; return the root."""
    begun = grower.root
    root = GrownNode(begun.sample_indices, (begun.sum_gradients, begun.sum_hessians, begun.value), 0, (-np.inf, np.inf))
    if begun.is_leaf:
        return root
    root.histograms, root.split = begun.histograms, begun.split_info
    splittable: list[tuple[float, int, GrownNode]] = [(-root.split.gain, 0, root)]
    number = 0
    while splittable:
        node = heappop(splittable)[2]
        for child in _divided(grower, node):
            number += 1
            heappush(splittable, (-child.split.gain, number, child))
    return root


def _divided(grower: Any, node: GrownNode) -> list[GrownNode]:  # noqa: ANN401
    """Give a node its children; return those that are divided too."""
    left, right = node.left, node.right = _children(grower, node)
    open_nodes = (
        []
        if left.depth == grower.max_depth
        else [child for child in (left, right) if child.count >= 2 * grower.min_samples_leaf]
    )
    if open_nodes:
        builder, parent = grower.histogram_builder, node.histograms
        small, large = (left, right) if left.count < right.count else (right, left)
        small.histograms = builder.compute_histograms_brute(small.rows, None)
        large.histograms = builder.compute_histograms_subtraction(parent, small.histograms, None)
    node.histograms = None
    divided = [child for child in open_nodes if _find_split(grower, child)]
    for child in (left, right):
        if child.split is None:
            child.histograms = None
    return divided


def _children(grower: Any, node: GrownNode) -> tuple[GrownNode, GrownNode]:  # noqa: ANN401
    split, depth = node.split, node.depth + 1
    left_rows, right_rows, _ = grower.splitter.split_indices(split, node.rows)
    below, above = (node.low, node.high), (node.low, node.high)
    rises = grower.monotonic_cst[split.feature_idx]
    if rises:
        middle = (split.value_left + split.value_right) / 2
        below, above = (node.low, middle), (middle, node.high)
    of_left, of_right = (below, above) if rises >= 0 else (above, below)
    left = GrownNode(left_rows, (split.sum_gradient_left, split.sum_hessian_left, split.value_left), depth, of_left)
    sums = split.sum_gradient_right, split.sum_hessian_right, split.value_right
    return left, GrownNode(right_rows, sums, depth, of_right)


def _find_split(grower: Any, node: GrownNode) -> bool:  # noqa: ANN401
    """Find the best split of a node; return whether there is one."""
    found = grower.splitter.find_node_split(
        node.count, node.histograms, node.gradients, node.hessians, node.value, node.low, node.high, None
    )
    node.split = found if found.gain > 0 else None
    return node.split is not None


@dataclass(frozen=True)
class GrownTree:
    """A tree as arrays over its nodes, a parent before its left and then its right part, as scikit-learn has them.

    ``left`` and ``right`` are places, ``NO_NODE`` for leaves, whose ``feature`` and ``threshold`` are 0. ``leaf_of`` is
    the place of the leaf of each row that it was grown on.
    """

    left: IntArray
    right: IntArray
    feature: IntArray
    threshold: FloatArray
    count: IntArray
    value: FloatArray
    depth: int
    leaf_of: IntArray


def as_arrays(root: GrownNode, edges: Sequence[FloatArray]) -> GrownTree:
    """Return a grown tree as arrays; bin b of a feature ends at its ``edges[b]``."""
    nodes, left, right = _in_order(root)
    leaf_of = np.zeros(root.count, dtype=np.int64)
    for place, node in enumerate(nodes):
        if node.split is None:
            leaf_of[node.rows] = place
    splits = [node.split for node in nodes]
    return GrownTree(
        left=np.array(left),
        right=np.array(right),
        feature=np.array([split.feature_idx if split else 0 for split in splits]),
        threshold=np.array([edges[split.feature_idx][split.bin_idx] if split else 0.0 for split in splits]),
        count=np.array([node.count for node in nodes]),
        value=np.array([node.value for node in nodes], dtype=np.float64),
        depth=max(node.depth for node in nodes),
        leaf_of=leaf_of,
    )


def _in_order(root: GrownNode) -> tuple[list[GrownNode], list[int], list[int]]:
    """Return the nodes in order, and the places of their left and right children."""
    nodes: list[GrownNode] = []
    left: list[int] = []
    right: list[int] = []
    waiting: list[tuple[GrownNode, list[int], int]] = [(root, [NO_NODE], 0)]
    while waiting:
        node, places, parent = waiting.pop()
        places[parent] = place = len(nodes)
        nodes.append(node)
        left.append(NO_NODE)
        right.append(NO_NODE)
        if node.left is not None and node.right is not None:
            waiting += [(node.right, right, place), (node.left, left, place)]
    return nodes, left, right
