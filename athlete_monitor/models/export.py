"""Fitted trees turned into what the live process runs, and every export checked against the original."""

from __future__ import annotations

import contextlib
import copy
import io
import pickle
import warnings
import zipfile
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from athlete_monitor.errors import ModelError
from athlete_monitor.models.archive import SCRIPT_MEMBER
from athlete_monitor.models.flat_trees import flat_trees, float32_at_most
from athlete_monitor.models.kind import Artifacts
from athlete_monitor.models.onnx_writer import onnx_of
from athlete_monitor.models.perfect import perfect_tables
from athlete_monitor.models.runtimes import HummingbirdRuntime, OnnxRuntime, has_torch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from athlete_monitor.arrays import Float32Array, FloatArray
    from athlete_monitor.models.flat_trees import FlatTree
    from athlete_monitor.models.kind import Estimator, Shape
    from athlete_monitor.models.line import WholeLine

AGREEMENT_BPM: Final = 1e-3
"""Largest difference from scikit-learn that an export may have, bpm."""

PERFECT_TREE_DEPTH: Final = 10
"""Deepest forest that is stored as perfect trees: this is fastest, but the size doubles with each level."""

LEAST_LEAVES: Final = 12


def leaf_rows(shape: Shape, rows: int) -> int:
    """Smallest number of rows in a leaf of a tree that is trained on ``rows``: below the setting for few rows."""
    return max(1, min(shape.min_samples_leaf, rows // LEAST_LEAVES))


def importance_of_trees(trees: Any) -> FloatArray:  # noqa: ANN401
    """Importance of each feature in an ensemble of trees, [F]: the numbers of its ``feature_importances_``.

    scikit-learn starts threads for this, which takes longer than the sums.
    """
    split = [member.tree_ for member in trees.estimators_ if member.tree_.node_count > 1]
    if not split:
        return np.zeros(trees.n_features_in_)
    mean = np.mean([tree.compute_feature_importances() for tree in split], axis=0)
    importance: FloatArray = mean / mean.sum()
    return importance


def shape_of_trees(trees: Any) -> dict[str, Any]:  # noqa: ANN401
    """Trees, levels, and whether the output is constrained to rise with effort, for the manifest."""
    return {
        "trees": len(trees.estimators_),
        "depth": max(tree.get_depth() for tree in trees.estimators_),
        "monotone": trees.monotonic_cst is not None,
    }


def export_trees(trees: Any) -> Artifacts:  # noqa: ANN401
    """Export a fitted ensemble of trees: the pickle as it is, Hummingbird (TorchScript) and ONNX."""
    return exported(trees, pickled(trees))


def exported(forest: Any, pickle: bytes, line: WholeLine | None = None, share: float = 1.0) -> Artifacts:  # noqa: ANN401
    """Export ``share`` times a fitted ensemble of trees, plus a line if there is one; ``pickle`` is kept as it is.

    Thresholds are rounded down to float32, so that a float32 value takes the same branch as in scikit-learn. Leaves
    are multiplied by the share here, so that prediction only adds them up.
    """
    trees, n_features = flat_trees(forest, share), forest.n_features_in_
    if max(tree.max_depth for tree in trees) <= PERFECT_TREE_DEPTH:
        archive = hummingbird_zip(lambda: tensors_of(trees), n_features, line)
    else:
        archive = hummingbird_zip(lambda: _converted(_scaled(forest, share), n_features), n_features, line)
    return Artifacts(pickle, archive, onnx_of(trees, n_features, line))


def tensors_of(trees: Sequence[FlatTree]) -> Any:  # noqa: ANN401 - of torch
    """Return perfect trees, which are only tables: those that Hummingbird makes."""
    from athlete_monitor.models.traversal import tensors

    return tensors(perfect_tables(trees))


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
        thresholds[:] = float32_at_most(thresholds)
    return rounded


def _scaled(forest: Any, share: float) -> Any:  # noqa: ANN401
    """Copy an ensemble with rounded thresholds, and its values times ``share``."""
    rounded = with_float32_thresholds(forest)
    for tree in rounded.estimators_:
        tree.tree_.value[:] *= share
    return rounded


def hummingbird_zip(traversal: Callable[[], Any], n_features: int, line: WholeLine | None = None) -> bytes:
    """Hummingbird's archive of trees (and of a line that is added), with our traversal inside.

    Empty if PyTorch is not installed.

    Args:
        traversal: makes the tables of perfect trees, or Hummingbird's own traversal of deeper ones.
        n_features: columns of X.
        line: is added.
    """
    if not has_torch():
        return b""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        from hummingbird.ml.containers.sklearn.pytorch_containers import TorchScriptSklearnContainerRegression

        from athlete_monitor.models.traversal import as_script

        script = as_script(traversal(), n_features, line)
        container = TorchScriptSklearnContainerRegression(script, n_threads=None, batch_size=None, extra_config={})
        return _archived(container, script)


def _archived(container: Any, script: Any) -> bytes:  # noqa: ANN401
    """Return the zip that Hummingbird's ``save`` writes, made without files.

    PyTorch ends the whole process where a disk is full while it writes a file.
    """
    import hummingbird
    import torch
    from hummingbird.ml._utils import dump_versions

    container._model = None  # noqa: SLF001 - as ``save`` does: the script is a member of its own
    members = {
        "model_type.txt": b"torch.jit",
        "container.pkl": pickle.dumps(container, protocol=4),
        "model_configuration.txt": "".join(dump_versions(hummingbird, torch)).encode(),
        SCRIPT_MEMBER: script.save_to_buffer(),
    }
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, member in members.items():
            archive.writestr(zipfile.ZipInfo(name), member, zipfile.ZIP_DEFLATED)
    return content.getvalue()


def _converted(forest: Any, n_features: int) -> Any:  # noqa: ANN401
    """Hummingbird's own traversal."""
    from hummingbird.ml import convert

    rows = np.zeros((2, n_features), np.float32)
    return convert(forest, "torch.jit", rows, extra_config={"tree_implementation": "tree_trav"}).model
