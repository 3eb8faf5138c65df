"""A forest of perfect trees as few tensor operations: their dispatch is most of the cost of a prediction.

Hummingbird makes every tree full, level by level ("perfect tree traversal", Nakandala et al., OSDI 2020). Its tables
are evaluated here with half the operations and the same bits. The nodes of all T trees are numbered together as in a
binary heap: the roots are T to 2T - 1, and the children of node p are 2p and, where its condition holds, 2p + 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athlete_monitor.models.line import WholeLine

FEW_ROWS: Final = 2
"""Up to this many rows it is faster to evaluate all nodes at once and then to descend through the results."""

MOST_NODES: Final = 8192
"""Inner nodes of the largest forest for which this is faster."""


class Descent(torch.nn.Module):
    """Descends all trees at once, evaluating the nodes on the way: X, float32 [n, F], to float32 [n, 1], bpm."""

    def __init__(self, tables: Mapping[str, torch.Tensor]) -> None:
        """Take Hummingbird's tables: features and thresholds of the roots and of each level below, and the leaves."""
        super().__init__()
        below = range(sum(name.startswith("nodes.") for name in tables))
        features = [tables["root_nodes"], *(tables[f"nodes.{level}"] for level in below)]
        thresholds = [tables["root_biases"], *(tables[f"biases.{level}"] for level in below)]
        self.n_trees, self.depth = len(features[0]), len(features)
        unused = torch.zeros(self.n_trees)
        self.roots = torch.arange(self.n_trees, 2 * self.n_trees)
        self.root_features, self.root_thresholds = features[0], thresholds[0]
        self.features = torch.cat([unused.long(), *features])
        self.thresholds_and_leaves = torch.cat([unused, *thresholds, tables["leaf_nodes"].reshape(-1)])
        self.thresholds = self.thresholds_and_leaves[: len(self.features)]

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Predict; see the class."""
        holds = torch.index_select(X, 1, self.root_features) <= self.root_thresholds
        nodes = torch.add(holds, self.roots, alpha=2).view(-1)
        for _ in range(1, self.depth):
            features = torch.index_select(self.features, 0, nodes).view(-1, self.n_trees)
            holds = torch.gather(X, 1, features).view(-1) <= torch.index_select(self.thresholds, 0, nodes)
            nodes = torch.add(holds, nodes, alpha=2)
        return self._mean(nodes)

    def _mean(self, nodes: torch.Tensor) -> torch.Tensor:
        return torch.index_select(self.thresholds_and_leaves, 0, nodes).view(-1, self.n_trees).sum(1, keepdim=True)


class EvaluatedDescent(Descent):
    """The same, but all nodes are evaluated first."""

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Predict; see the class."""
        holds = (torch.index_select(X, 1, self.features) <= self.thresholds).long()
        nodes = self.roots.expand(X.shape[0], -1)
        for _ in range(self.depth):
            nodes = torch.add(torch.gather(holds, 1, nodes), nodes, alpha=2)
        return self._mean(nodes.reshape(-1))


class StraightLine(torch.nn.Module):
    """The line that is added to the trees (``models/line.py``): X, float32 [n, F], to float32 [n, 1], bpm."""

    def __init__(self, line: WholeLine) -> None:
        """Take its arrays."""
        super().__init__()
        self.mean, self.scale, self.low, self.high, self.weight = (
            torch.from_numpy(value) for value in (line.mean, line.scale, line.low, line.high, line.weight)
        )
        self.unit, self.start = line.unit, line.start

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Predict; every intermediate sum is a whole number that float64 holds exactly."""
        steps = torch.minimum(torch.maximum((X - self.mean) * self.scale, self.low), self.high)
        total = (torch.round(steps).to(torch.float64) * self.weight).sum(1, keepdim=True)
        return (total * self.unit + self.start).to(torch.float32)


class Trees(torch.nn.Module):
    """Uses the faster of two traversals for the number of rows.

    The size of its only parameter, of zeros, is the number of features of the model, and Hummingbird's own container
    reads the model's device from it.
    """

    def __init__(self, few: torch.nn.Module, many: torch.nn.Module, n_features: int) -> None:
        """Take the traversals for few and for many rows."""
        super().__init__()
        self.columns = torch.nn.Parameter(torch.zeros(n_features), requires_grad=False)
        self.few, self.many, self.few_rows = few, many, FEW_ROWS

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Predict; see ``Descent``."""
        predicted: torch.Tensor = self.few(X) if X.shape[0] <= self.few_rows else self.many(X)
        return predicted


class TreesAndLine(torch.nn.Module):
    """Trees and a line, added. ``line_table`` [7, F] holds the line again, for models that are joined."""

    def __init__(self, trees: Trees, line: WholeLine) -> None:
        """Take both parts."""
        super().__init__()
        self.columns, self.trees, self.line = trees.columns, trees, StraightLine(line)
        table = np.broadcast_arrays(*(np.float64(value) for value in vars(line).values()))
        self.register_buffer("line_table", torch.from_numpy(np.stack(table)))

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Predict; see the parts."""
        predicted: torch.Tensor = self.trees(X) + self.line(X)
        return predicted


def tensors(tables: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """The tables of perfect trees (``models/perfect.py``) as tensors."""
    return {name: torch.from_numpy(table) for name, table in tables.items()}


def as_script(
    found: torch.nn.Module | Mapping[str, torch.Tensor], n_features: int, line: WholeLine | None = None
) -> Any:  # noqa: ANN401
    """Turn trees into one flat, frozen TorchScript function of float32 [n, n_features].

    Frozen, it loads in half the time and holds a quarter less memory.

    Args:
        found: Hummingbird's tables of perfect trees, or its own traversal.
        n_features: columns of X.
        line: is added.
    """
    jit: Any = torch.jit
    few: torch.nn.Module
    if isinstance(found, torch.nn.Module):
        few = many = found
    else:
        many = Descent(found)
        few = EvaluatedDescent(found) if len(found["leaf_nodes"]) <= MOST_NODES else many
    trees = Trees(few, many, n_features)
    whole = trees if line is None else TreesAndLine(trees, line)
    kept = ["columns"] if line is None else ["columns", "line_table"]
    return jit.freeze(jit.script(whole).eval(), preserved_attrs=kept)


@dataclass(frozen=True)
class Tables:
    """A forest in the form of ``Descent``: with S = n_trees * 2^depth, features int64 [S], thresholds and leaves [2 S].

    ``line`` float64 [7, F] is that of ``TreesAndLine``, None for trees only.
    """

    n_trees: int
    features: torch.Tensor
    thresholds_and_leaves: torch.Tensor
    line: torch.Tensor | None = None

    @property
    def shape(self) -> tuple[int, int, bool]:
        """Models of equal shape can be joined."""
        return self.n_trees, len(self.features), self.line is not None


def tables_in(script: Any) -> Tables | None:  # noqa: ANN401
    """Find the tables among the constants of a script that ``as_script`` made; None if it has others."""
    nodes = (node for node in script.graph.nodes() if node.kind() == "prim::Constant")
    tensors = [node.t("value") for node in nodes if "value" in node.attributeNames() and node.kindOf("value") == "t"]
    indices = [tensor for tensor in tensors if tensor.dtype == torch.int64 and tensor.dim() == 1]
    values = [tensor for tensor in tensors if tensor.dtype == torch.float32 and tensor.dim() == 1]
    if not indices or not values:
        return None
    line = getattr(script, "line_table", None)
    tables = Tables(min(map(len, indices)), max(indices, key=len), max(values, key=len), line)
    n_trees, size, _ = tables.shape
    levels, odd = divmod(size, n_trees)
    fits = not odd and levels > 1 and levels.bit_count() == 1 and len(tables.thresholds_and_leaves) == 2 * size
    return tables if fits else None


class Forest:
    """One model's tables, evaluated as ``as_script`` does and with the same bits; without the script's own memory.

    A loaded script holds ten times the memory of its tables.
    """

    def __init__(self, tables: Tables) -> None:
        """Copy the tables."""
        self._features, self._values = tables.features.clone(), tables.thresholds_and_leaves.clone()
        line = None if tables.line is None else tables.line.clone()
        self.tables = Tables(tables.n_trees, self._features, self._values, line)
        self._n_trees, size, _ = self.tables.shape
        self._depth = (size // self._n_trees).bit_length() - 1
        self._thresholds = self._values[:size]
        self._roots = torch.arange(self._n_trees, 2 * self._n_trees, device=self._features.device)
        self._root_features, self._root_thresholds = self._features[self._roots], self._thresholds[self._roots]
        self._all_at_once = size <= MOST_NODES

    def __call__(self, X: torch.Tensor) -> torch.Tensor:
        """Predict the rows X, float32 [n, F]: float32 [n]."""
        few = self._all_at_once and len(X) <= FEW_ROWS
        nodes = self._evaluated(X) if few else self._descended(X)
        trees = torch.index_select(self._values, 0, nodes).view(-1, self._n_trees).sum(1)
        return trees if self.tables.line is None else trees + _lines(X, self.tables.line[:, None])

    def _evaluated(self, X: torch.Tensor) -> torch.Tensor:
        holds = (torch.index_select(X, 1, self._features) <= self._thresholds).long()
        nodes = self._roots.expand(len(X), -1)
        for _ in range(self._depth):
            nodes = torch.add(torch.gather(holds, 1, nodes), nodes, alpha=2)
        return nodes.reshape(-1)

    def _descended(self, X: torch.Tensor) -> torch.Tensor:
        holds = torch.index_select(X, 1, self._root_features) <= self._root_thresholds
        nodes = torch.add(holds, self._roots, alpha=2).view(-1)
        for _ in range(1, self._depth):
            features = torch.index_select(self._features, 0, nodes).view(-1, self._n_trees)
            holds = torch.gather(X, 1, features).view(-1) <= torch.index_select(self._thresholds, 0, nodes)
            nodes = torch.add(holds, nodes, alpha=2)
        return nodes


class JoinedDescent:
    """Several models of one shape as one: each row uses its own model and gets the same bits as from it."""

    def __init__(self, forests: Sequence[Tables]) -> None:
        """Copy the tables of at least one forest."""
        self.n_trees, self._size, _ = forests[0].shape
        self._depth = (self._size // self.n_trees).bit_length() - 1
        self._features = torch.cat([forest.features for forest in forests])
        self._thresholds = torch.cat([forest.thresholds_and_leaves[: self._size] for forest in forests])
        self._leaves = torch.cat([forest.thresholds_and_leaves[self._size :] for forest in forests])
        self._roots = torch.arange(self.n_trees, 2 * self.n_trees, device=self._features.device)
        lines = [forest.line for forest in forests if forest.line is not None]
        self._lines = torch.stack(lines, dim=1) if lines else None

    def __call__(self, X: torch.Tensor, which: torch.Tensor) -> torch.Tensor:
        """Predict the rows X, float32 [n, F], the i-th by forest ``which[i]``, int64 [n]: float32 [n]."""
        start = (which * self._size).repeat_interleave(self.n_trees)
        nodes = (self._roots + (which * self._size)[:, None]).view(-1)
        for _ in range(self._depth):
            features = torch.index_select(self._features, 0, nodes).view(-1, self.n_trees)
            holds = torch.gather(X, 1, features).view(-1) <= torch.index_select(self._thresholds, 0, nodes)
            nodes = torch.add(holds, nodes, alpha=2).sub_(start)
        leaves = torch.index_select(self._leaves, 0, nodes.sub_(self._size)).view(-1, self.n_trees).sum(1)
        return leaves if self._lines is None else leaves + _lines(X, self._lines[:, which])


def _lines(X: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    """Line of each row X, float32 [n, F], with its own table [7, n, F]: float32 [n]; the steps of ``StraightLine``."""
    mean, scale, low, high = table[:4].to(torch.float32)
    steps = torch.minimum(torch.maximum((X - mean) * scale, low), high)
    total = (torch.round(steps).to(torch.float64) * table[4]).sum(1)
    return (total * table[5, :, 0] + table[6, :, 0]).to(torch.float32)
