"""The arrays of fitted trees in the form that exports need, without copies of scikit-learn's objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from athlete_monitor.arrays import FloatArray, IntArray


@dataclass(frozen=True)
class FlatTree:
    """One tree; every array has an entry for each node, with the names of scikit-learn's ``Tree``.

    ``threshold`` holds values that float32 has exactly; ``value`` is [nodes, 1, 1], bpm.
    """

    children_left: IntArray
    children_right: IntArray
    feature: IntArray
    threshold: FloatArray
    value: FloatArray
    max_depth: int

    @property
    def node_count(self) -> int:
        """Number of nodes."""
        return len(self.feature)


def flat_trees(forest: Any, share: float = 1.0) -> list[FlatTree]:  # noqa: ANN401 - scikit-learn's
    """Return the trees of a fitted ensemble; thresholds are rounded by ``float32_at_most``, values times ``share``."""
    return [_flat(member.tree_, share) for member in forest.estimators_]


def _flat(tree: Any, share: float) -> FlatTree:  # noqa: ANN401
    state = tree.__getstate__()
    nodes, values = state["nodes"], state["values"]
    return FlatTree(
        children_left=nodes["left_child"],
        children_right=nodes["right_child"],
        feature=nodes["feature"],
        threshold=float32_at_most(nodes["threshold"]),
        value=values * share,
        max_depth=state["max_depth"],
    )


def float32_at_most(values: Any) -> Any:  # noqa: ANN401 - arrays
    """Return the largest float32 that is not above each value: ``x <= value`` stays true for the same float32 x."""
    nearest = values.astype(np.float32)
    return np.where(nearest > values, np.nextafter(nearest, np.float32(-np.inf)), nearest)
