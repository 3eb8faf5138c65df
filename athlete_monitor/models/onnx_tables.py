"""The trees and the line of an exported ONNX file, read from its bytes without the ``onnx`` library.

Numbers of an attribute lie one after the other, each with its tag, so that NumPy reads thousands of them at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from athlete_monitor.errors import ModelError
from athlete_monitor.models.lean_forests import LINE_ROWS, LeanTables
from athlete_monitor.models.onnx_file import fields_of, message_of, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from athlete_monitor.arrays import IntArray

DEEPEST: Final = 10
"""Levels of the deepest trees that become tables: their size doubles with each."""
MOST_LEAVES: Final = 1 << 21
"""Leaves of all trees of a model together: one deep tree makes tables of the others as large as its own."""

_TREES: Final = ("TreeEnsembleRegressor",)
_LINE: Final = ("Sub", "Mul", "Max", "Min", "Round", "Cast", "MatMul", "Mul", "Add", "Cast", "Add")
_NEEDED: Final = frozenset(
    (
        "nodes_treeids", "nodes_nodeids", "nodes_modes", "nodes_featureids", "nodes_values", "nodes_truenodeids",
        "nodes_falsenodeids", "target_ids", "target_treeids", "target_nodeids", "target_weights", "n_targets",
        "post_transform",
    )
)  # fmt: skip
_ALLOWED: Final = _NEEDED | {"nodes_hitrates", "nodes_missing_value_tracks_true"}
_INT_TAG, _FLOAT_TAG = 0x40, 0x3D
_BRANCH, _LEAF = b"\x4a\x0aBRANCH_LEQ", b"\x4a\x04LEAF"
_PLAIN: Final = {"n_targets": b"\x18\x01", "post_transform": b"\x22\x04NONE"}
"""The only values that exported models have."""

_TYPES: Final = {1: np.float32, 11: np.float64}


def tables_in_onnx(content: bytes, n_features: int) -> LeanTables | None:
    """Return the tables of an exported model; None if it has another form, such as trees that are too deep."""
    try:
        return _tables(content, n_features)
    except (ModelError, ValueError, LookupError):
        return None


def _tables(content: bytes, n_features: int) -> LeanTables | None:
    graph = next(message_of(value) for number, value in fields_of(memoryview(content)) if number == 7)
    nodes = [message_of(value) for number, value in fields_of(graph) if number == 1]
    operators = tuple(_operator(node) for node in nodes)
    if operators not in {_TREES, _TREES + _LINE}:
        return None
    attributes = dict(_attributes(nodes[0]))
    if not _NEEDED <= attributes.keys() <= _ALLOWED or any(attributes[name] != _PLAIN[name] for name in _PLAIN):
        return None
    trees = _perfect(attributes, n_features)
    if trees is None or len(operators) == 1:
        return trees
    constants = dict(_tensor(message_of(value)) for number, value in fields_of(graph) if number == 5)
    rows = [np.broadcast_to(constants[f"line_{name}"].reshape(-1), n_features) for name in LINE_ROWS]
    return LeanTables(trees.features, trees.thresholds, trees.leaves, np.array(rows, dtype=np.float64))


def _operator(node: memoryview) -> str:
    return next(text_of(value) for number, value in fields_of(node) if number == 4)


def _attributes(node: memoryview) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each attribute, without its type at the end."""
    for number, value in fields_of(node):
        if number == 5:
            whole = bytes(message_of(value))
            length = whole[1]
            if whole[0] != 0x0A or length > 0x7F or whole[-3:-1] != b"\xa0\x01":
                raise ValueError
            yield whole[2 : 2 + length].decode(), whole[2 + length : -3]


def _tensor(tensor: memoryview) -> tuple[str, Any]:
    found = {number: value for number, value in fields_of(tensor) if number in {2, 8, 9}}
    return text_of(found[8]), np.frombuffer(message_of(found[9]), dtype=_TYPES[int(found[2])])


def _floats(content: bytes) -> Any:  # noqa: ANN401 - float32 [n]
    cells = np.frombuffer(content, dtype=np.uint8).reshape(-1, 5)
    if (cells[:, 0] != _FLOAT_TAG).any():
        raise ValueError
    return np.ascontiguousarray(cells[:, 1:]).view("<f4")[:, 0]


def _ints(content: bytes) -> IntArray:
    """Return whole numbers of up to three bytes, of seven bits each, lowest first."""
    cells = np.frombuffer(content, dtype=np.uint8)
    ends = np.flatnonzero(cells < 0x80).reshape(-1, 2)  # the end of a tag, and of a number
    if (cells[ends[:, 0]] != _INT_TAG).any():
        raise ValueError
    length = ends[:, 1] - ends[:, 0]
    if len(length) and (length.max() > 3 or ends[-1, 1] != len(cells) - 1):
        raise ValueError
    numbers = np.zeros(len(ends), dtype=np.int64)
    for place in range(3):
        more = length > place
        numbers[more] |= (cells[ends[more, 0] + 1 + place].astype(np.int64) & 0x7F) << (7 * place)
    return numbers


def _perfect(attributes: dict[str, bytes], n_features: int) -> LeanTables | None:
    """Return the trees with every leaf repeated down to the lowest level; None if they are too deep."""
    tree, number, feature, yes, no = (
        _ints(attributes[f"nodes_{name}"])
        for name in ("treeids", "nodeids", "featureids", "truenodeids", "falsenodeids")
    )
    sizes = np.bincount(tree)
    starts = np.cumsum(sizes) - sizes
    base = np.repeat(starts, sizes)
    leaf_at = starts[_ints(attributes["target_treeids"])] + _ints(attributes["target_nodeids"])
    leaf, here = np.zeros(len(tree), dtype=bool), np.arange(len(tree))
    leaf[leaf_at] = True
    inner = int((~leaf).sum())
    regular = (
        np.array_equal(tree, np.repeat(np.arange(len(sizes)), sizes))
        and np.array_equal(number, here - base)
        and not _ints(attributes["target_ids"]).any()
        and len(leaf_at) == len(leaf) - inner
        and len(attributes["nodes_modes"]) == inner * len(_BRANCH) + len(leaf_at) * len(_LEAF)
        and attributes["nodes_modes"].count(_BRANCH) == inner
        and int(feature.max()) < min(n_features, 1 << 15)
    )
    if not regular:
        return None
    value = np.zeros(len(tree), dtype=np.float32)
    value[leaf_at] = _floats(attributes["target_weights"])
    threshold = np.where(leaf, np.float32(0.0), _floats(attributes["nodes_values"]))
    below = np.where(leaf[:, None], here[:, None], np.stack([no, yes], axis=1) + base[:, None])
    return _levels(starts, below, np.where(leaf, 0, feature), threshold, value, leaf)


def _levels(
    starts: IntArray,
    below: IntArray,
    feature: IntArray,
    threshold: Any,  # noqa: ANN401
    value: Any,  # noqa: ANN401
    leaf: Any,  # noqa: ANN401
) -> LeanTables | None:
    """Descend all trees a level at a time, until every node is a leaf."""
    trees = len(starts)
    nodes = starts
    features, thresholds = [np.zeros((trees, 1), dtype=np.int16)], [np.zeros((trees, 1), dtype=np.float32)]
    while len(features) == 1 or not leaf[nodes].all():
        if len(features) > DEEPEST or trees << len(features) > MOST_LEAVES:
            return None
        features.append(feature[nodes].astype(np.int16).reshape(trees, -1))
        thresholds.append(threshold[nodes].reshape(trees, -1))
        nodes = below[nodes].reshape(-1)
    joined = np.concatenate(features, axis=1), np.concatenate(thresholds, axis=1)
    return LeanTables(*joined, value[nodes].reshape(trees, -1))
