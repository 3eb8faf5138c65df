"""Trees written as an ONNX model: the operator that ``skl2onnx`` writes, with the same numbers, in a tenth of the time.

The converter imports most of scikit-learn and visits every node in Python; the arrays are all that is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from athlete_monitor.models.line import onnx_nodes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.arrays import IntArray
    from athlete_monitor.models.flat_trees import FlatTree
    from athlete_monitor.models.line import WholeLine

INPUT: Final = "X"
OUTPUT: Final = "variable"
_OPSETS: Final = {"": 15, "ai.onnx.ml": 1}
_IR_VERSION: Final = 8


def onnx_of(trees: Sequence[FlatTree], n_features: int, line: WholeLine | None = None) -> bytes:
    """Return an ONNX model: the mean of the trees, plus the line if there is one.

    Args:
        trees: with thresholds that float32 holds exactly.
        n_features: columns of its input ``X``, float32 [n, n_features]; its output is float32 [n, 1], bpm.
        line: is added.
    """
    from onnx import TensorProto, helper

    of_trees = OUTPUT if line is None else "of_trees"
    nodes: list[Any] = [_ensemble(trees, of_trees)]
    constants: list[Any] = []
    if line is not None:
        of_line, constants = onnx_nodes(line, INPUT, "of_line")
        nodes += [*of_line, helper.make_node("Add", [of_trees, "of_line"], [OUTPUT])]
    rows, answer = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, columns])
        for name, columns in ((INPUT, n_features), (OUTPUT, 1))
    )
    graph = helper.make_graph(nodes, "heart_rate", [rows], [answer], constants)
    opsets = [helper.make_opsetid(domain, version) for domain, version in _OPSETS.items()]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION, producer_name="athlete-monitor")
    return cast("bytes", model.SerializeToString())


def _ensemble(trees: Sequence[FlatTree], output: str) -> Any:  # noqa: ANN401 - of onnx
    """Return the node of all trees."""
    from onnx import AttributeProto, NodeProto

    node = NodeProto(op_type="TreeEnsembleRegressor", domain="ai.onnx.ml", input=[INPUT], output=[output])
    for name, value in sorted(_attributes(trees).items()):
        attribute = node.attribute.add()
        attribute.name = name
        if isinstance(value, int):
            attribute.type, attribute.i = AttributeProto.INT, value
        elif isinstance(value, bytes):
            attribute.type, attribute.s = AttributeProto.STRING, value
        elif isinstance(value, list):
            attribute.type = AttributeProto.STRINGS
            attribute.strings.extend(value)
        elif value.dtype.kind == "f":
            attribute.type = AttributeProto.FLOATS
            attribute.floats.extend(value.astype(np.float32).tolist())
        else:
            attribute.type = AttributeProto.INTS
            attribute.ints.extend(value.tolist())
    return node


def _attributes(trees: Sequence[FlatTree]) -> dict[str, Any]:
    """Return the attributes of the operator: an entry for each node of each tree, and one for each leaf."""
    sizes = np.array([tree.node_count for tree in trees])
    of_tree, number = np.repeat(np.arange(len(trees)), sizes), np.concatenate([np.arange(size) for size in sizes])
    left, right, feature, threshold, value = (
        np.concatenate([getattr(tree, name).reshape(-1) for tree in trees])
        for name in ("children_left", "children_right", "feature", "threshold", "value")
    )
    leaf = left < 0
    return {
        "n_targets": 1,
        "post_transform": b"NONE",
        "nodes_treeids": of_tree,
        "nodes_nodeids": number,
        "nodes_modes": np.where(leaf, b"LEAF", b"BRANCH_LEQ").tolist(),
        "nodes_featureids": _inner(feature, leaf),
        "nodes_values": np.where(leaf, 0.0, threshold),
        "nodes_truenodeids": _inner(left, leaf),
        "nodes_falsenodeids": _inner(right, leaf),
        "nodes_hitrates": np.ones(len(leaf)),
        "nodes_missing_value_tracks_true": np.zeros(len(leaf), dtype=np.int64),
        "target_ids": np.zeros(int(leaf.sum()), dtype=np.int64),
        "target_treeids": of_tree[leaf],
        "target_nodeids": number[leaf],
        "target_weights": value[leaf] * (1.0 / len(trees)),
    }


def _inner(values: IntArray, leaf: Any) -> IntArray:  # noqa: ANN401 - a mask
    """Return the values of inner nodes, and 0 for leaves."""
    kept: IntArray = np.where(leaf, 0, values)
    return kept
