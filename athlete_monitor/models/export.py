"""Fitted trees turned into what the live process runs, and every export checked against the original."""

from __future__ import annotations

import contextlib
import copy
import io
import pickle
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from athlete_monitor.errors import ModelError
from athlete_monitor.models.kind import Artifacts
from athlete_monitor.models.line import onnx_nodes
from athlete_monitor.models.perfect import perfect_tables
from athlete_monitor.models.runtimes import HummingbirdRuntime, OnnxRuntime, has_torch

if TYPE_CHECKING:
    from athlete_monitor.arrays import Float32Array, FloatArray
    from athlete_monitor.models.kind import Estimator, Shape
    from athlete_monitor.models.line import WholeLine

AGREEMENT_BPM: Final = 1e-3
"""Largest difference from scikit-learn that an export may have, bpm."""

PERFECT_TREE_DEPTH: Final = 10
"""Deepest forest that is stored as perfect trees: this is fastest, but the size doubles with each level."""

LEAST_LEAVES: Final = 12

_ONNX_OPSETS: Final = {"": 15, "ai.onnx.ml": 3}


def leaf_rows(shape: Shape, rows: int) -> int:
    """Smallest number of rows in a leaf of a tree that is trained on ``rows``: below the setting for few rows."""
    return max(1, min(shape.min_samples_leaf, rows // LEAST_LEAVES))


def importance_of_trees(trees: Any) -> FloatArray:  # noqa: ANN401
    """Importance of each feature in an ensemble of trees, [F]."""
    importance: FloatArray = trees.feature_importances_
    return importance


def shape_of_trees(trees: Any) -> dict[str, Any]:  # noqa: ANN401
    """Trees, levels, and whether the output is constrained to rise with effort, for the manifest."""
    return {
        "trees": len(trees.estimators_),
        "depth": max(tree.get_depth() for tree in trees.estimators_),
        "monotone": trees.monotonic_cst is not None,
    }


def export_trees(trees: Any) -> Artifacts:  # noqa: ANN401
    """Export a fitted ensemble of trees: the pickle as it is, Hummingbird (TorchScript) and ONNX.

    Thresholds are rounded down to float32, so that a float32 value takes the same branch as in scikit-learn.
    """
    rounded, n_features = with_float32_thresholds(trees), trees.n_features_in_
    return Artifacts(pickled(trees), hummingbird_zip(rounded, n_features), onnx_of(rounded, n_features))


def pickled(model: Any) -> bytes:  # noqa: ANN401
    """Return the bytes of a model's pickle: the same wherever it was fitted.

    Objects that a model fitted here shares may be copies in one that came from another process. So nothing is written
    as a reference to what was written before; a model holds no reference to itself.
    """
    content = io.BytesIO()
    pickler = pickle.Pickler(content)
    pickler.fast = True
    pickler.dump(model)
    return content.getvalue()


def check_agreement(model: Estimator, artifacts: Artifacts, X: Float32Array) -> dict[str, float]:
    """Largest difference between each export and scikit-learn over the finite rows X, float32 [n, F], in bpm.

    Raises:
        ModelError: an export differs by more than ``AGREEMENT_BPM``.
    """
    expected = model.predict(X)
    runtimes = (HummingbirdRuntime("cpu"), OnnxRuntime("cpu")) if artifacts.hummingbird_zip else (OnnxRuntime("cpu"),)
    predictors = {r.name: r.load(artifacts.by_kind()[r.kind], X.shape[1]) for r in runtimes}
    differences = {name: float(np.max(np.abs(p.predict(X) - expected))) for name, p in predictors.items()}
    for name, difference in differences.items():
        if not difference <= AGREEMENT_BPM:
            raise ModelError(f"the {name} export differs by {difference:.3g} bpm; {AGREEMENT_BPM:g} is allowed")
    return differences


def with_float32_thresholds(forest: Any) -> Any:  # noqa: ANN401
    """Copy an ensemble with every threshold rounded down to a float32 value."""
    rounded = copy.deepcopy(forest)
    for tree in rounded.estimators_:
        thresholds = tree.tree_.threshold
        thresholds[:] = _float32_at_most(thresholds)
    return rounded


def _float32_at_most(values: Any) -> Any:  # noqa: ANN401
    """The largest float32 that is not above each value: ``x <= value`` stays true for the same float32 x."""
    nearest = values.astype(np.float32)
    return np.where(nearest > values, np.nextafter(nearest, np.float32(-np.inf)), nearest)


def hummingbird_zip(forest: Any, n_features: int, line: WholeLine | None = None) -> bytes:  # noqa: ANN401
    """Hummingbird's archive of an ensemble of trees (and of a line that is added), with our traversal inside.

    Empty if PyTorch is not installed.
    """
    if not has_torch():
        return b""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        container = _container(forest, n_features, line)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "model.zip")
            container.save(str(path))
            return path.read_bytes()


def _container(forest: Any, n_features: int, line: WholeLine | None) -> Any:  # noqa: ANN401
    """Hummingbird's container around our traversal of its trees.

    Perfect trees are only tables, which are the same made by ``perfect_tables``; deeper ones are Hummingbird's.
    """
    from hummingbird.ml.containers.sklearn.pytorch_containers import TorchScriptSklearnContainerRegression

    from athlete_monitor.models.traversal import as_script, tensors

    if max(tree.get_depth() for tree in forest.estimators_) <= PERFECT_TREE_DEPTH:
        trees: Any = tensors(perfect_tables([member.tree_ for member in forest.estimators_]))
    else:
        trees = _converted(forest, n_features)
    script = as_script(trees, n_features, line)
    return TorchScriptSklearnContainerRegression(script, n_threads=None, batch_size=None, extra_config={})


def _converted(forest: Any, n_features: int) -> Any:  # noqa: ANN401
    """Hummingbird's own traversal."""
    from hummingbird.ml import convert

    rows = np.zeros((2, n_features), np.float32)
    return convert(forest, "torch.jit", rows, extra_config={"tree_implementation": "tree_trav"}).model


def onnx_of(forest: Any, n_features: int, line: WholeLine | None = None) -> bytes:  # noqa: ANN401
    """An ONNX model of an ensemble of trees, plus the line if there is one."""
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = to_onnx(forest, initial_types=[("X", FloatTensorType([None, n_features]))], target_opset=_ONNX_OPSETS)
    if line is not None:
        _add_line(model.graph, line)
    return cast("bytes", model.SerializeToString())


def _add_line(graph: Any, line: WholeLine) -> None:  # noqa: ANN401
    """Add a line to the output of a graph with one input and one output."""
    from onnx import helper

    answer = graph.output[0].name
    for node in graph.node:
        node.output[:] = ["of_trees" if name == answer else name for name in node.output]
    nodes, constants = onnx_nodes(line, graph.input[0].name, "of_line")
    graph.node.extend([*nodes, helper.make_node("Add", ["of_trees", "of_line"], [answer])])
    graph.initializer.extend(constants)
