"""The parts of a fitted model as plain arrays: its trees and its line, without the objects of scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from athlete_monitor.models.line import LineModel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athlete_monitor.arrays import Float32Array, FloatArray


@dataclass(frozen=True)
class EnsembleParts:
    """An ensemble: the mean of the trees; with a line, ``share`` of the trees and the rest of the line.

    ``trees`` are scikit-learn's own (``sklearn.tree._tree.Tree``).
    """

    trees: Sequence[Any]
    line: LineModel | None = None
    share: float = 1.0

    def first(self, trees: int) -> EnsembleParts:
        """The same with the first few trees only."""
        return EnsembleParts(tuple(self.trees[:trees]), self.line, self.share)

    def predict(self, X: Float32Array) -> FloatArray:
        """Heart rates, bpm, [n], of rows float32 [n, F]: the bits of the model with these trees."""
        total = np.zeros(len(X))
        for tree in self.trees:
            total += tree.predict(X)[:, 0]
        total /= len(self.trees)
        return total if self.line is None else self.share * total + (1.0 - self.share) * self.line.predict(X)


def of_trees(model: Any) -> EnsembleParts:  # noqa: ANN401 - scikit-learn's
    """The parts of scikit-learn's forest."""
    return EnsembleParts(tuple(member.tree_ for member in model.estimators_))


def arrays_of(parts: EnsembleParts, name: str) -> dict[str, Any]:
    """Parts as arrays; their names begin with ``name``."""
    states = [tree.__getstate__() for tree in parts.trees]
    arrays = {
        "nodes": np.concatenate([state["nodes"] for state in states]),
        "values": np.concatenate([state["values"][:, 0, 0] for state in states]),
        "sizes": np.array([[state["node_count"], state["max_depth"]] for state in states]),
        "share": np.array(parts.share),
    }
    if parts.line is not None:
        arrays |= {f"line_{each.name}": np.asarray(getattr(parts.line, each.name)) for each in fields(LineModel)}
    return {f"{name}/{part}": array for part, array in arrays.items()}


def parts_in(arrays: Mapping[str, Any], name: str, features: int) -> EnsembleParts | None:
    """The parts with that name, which have so many features; None if they are not among the arrays."""
    found = {part: array for key, array in arrays.items() for start, _, part in [key.partition("/")] if start == name}
    if "nodes" not in found:
        return None
    ends = np.cumsum(found["sizes"][:, 0])[:-1]
    each = zip(np.split(found["nodes"], ends), np.split(found["values"], ends), found["sizes"].tolist(), strict=True)
    trees = tuple(_tree(nodes, values, depth, features) for nodes, values, (_, depth) in each)
    names = [each.name for each in fields(LineModel)]
    if f"line_{names[0]}" not in found:
        return EnsembleParts(trees, None, float(found["share"]))
    whole = {name: found[f"line_{name}"] for name in names}
    return EnsembleParts(trees, LineModel(**whole | {"intercept": float(whole["intercept"])}), float(found["share"]))


def _tree(nodes: Any, values: FloatArray, depth: int, features: int) -> Any:  # noqa: ANN401
    from sklearn.tree._tree import Tree

    tree = Tree(features, np.array([1], dtype=np.intp), 1)
    state = {"max_depth": depth, "node_count": len(nodes), "nodes": nodes, "values": values[:, None, None].copy()}
    tree.__setstate__(state)
    return tree
