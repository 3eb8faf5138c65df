"""A scikit-learn forest turned into what the live process runs, checked against the original."""

from __future__ import annotations

import contextlib
import copy
import io
import pickle
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from athlete_monitor.errors import ModelError
from athlete_monitor.models.runtimes import HummingbirdRuntime, OnnxRuntime

if TYPE_CHECKING:
    from sklearn.ensemble import RandomForestRegressor

    from athlete_monitor.arrays import Float32Array
    from athlete_monitor.models.manifest import ArtifactKind

AGREEMENT_BPM: Final = 1e-3
"""Largest difference from scikit-learn that an export may have, bpm."""

PERFECT_TREE_DEPTH: Final = 10
"""Deepest forest that is laid out as perfect trees: fastest, but its size doubles with each level."""

_ONNX_OPSETS: Final = {"": 15, "ai.onnx.ml": 3}


@dataclass(frozen=True)
class Artifacts:
    """The files of one model, as bytes."""

    pickle: bytes
    hummingbird_zip: bytes
    onnx: bytes

    def by_kind(self) -> dict[ArtifactKind, bytes]:
        """The same bytes under the names of the store."""
        return {"pickle": self.pickle, "hummingbird": self.hummingbird_zip, "onnx": self.onnx}


def export_forest(forest: RandomForestRegressor, n_features: int) -> Artifacts:
    """Export a fitted forest: the pickle as it is, Hummingbird (TorchScript) and ONNX.

    Thresholds go down to float32, so that a float32 value takes the same branch as in scikit-learn.

    Raises:
        ModelError: the forest takes another number of features.
    """
    if forest.n_features_in_ != n_features:
        raise ModelError(f"the forest takes {forest.n_features_in_} features, not {n_features}")
    rounded = _with_float32_thresholds(forest)
    return Artifacts(pickle.dumps(forest), _hummingbird_zip(rounded, n_features), _onnx(rounded, n_features))


def check_agreement(forest: RandomForestRegressor, artifacts: Artifacts, X: Float32Array) -> dict[str, float]:
    """Largest difference between each export and scikit-learn over the finite rows X, float32 [n, F], in bpm.

    Raises:
        ModelError: an export differs by more than ``AGREEMENT_BPM``.
    """
    expected = forest.predict(X)
    runtimes = (HummingbirdRuntime("cpu"), OnnxRuntime("cpu"))
    predictors = {r.name: r.load(artifacts.by_kind()[r.kind], X.shape[1]) for r in runtimes}
    differences = {name: float(np.max(np.abs(p.predict(X) - expected))) for name, p in predictors.items()}
    for name, difference in differences.items():
        if not difference <= AGREEMENT_BPM:
            raise ModelError(f"the {name} export differs by {difference:.3g} bpm; {AGREEMENT_BPM:g} is allowed")
    return differences


def _with_float32_thresholds(forest: RandomForestRegressor) -> RandomForestRegressor:
    rounded = copy.deepcopy(forest)
    for tree in rounded.estimators_:
        thresholds = tree.tree_.threshold
        thresholds[:] = _float32_at_most(thresholds)
    return rounded


def _float32_at_most(values: Any) -> Any:  # noqa: ANN401
    """The largest float32 that is not above each value: ``x <= value`` stays true for the same float32 x."""
    nearest = values.astype(np.float32)
    return np.where(nearest > values, np.nextafter(nearest, np.float32(-np.inf)), nearest)


def _hummingbird_zip(forest: RandomForestRegressor, n_features: int) -> bytes:
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        container = _container(forest, n_features)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "model.zip")
            container.save(str(path))
            return path.read_bytes()


def _container(forest: RandomForestRegressor, n_features: int) -> Any:  # noqa: ANN401
    """Hummingbird's container around our traversal of its trees."""
    from hummingbird.ml import convert

    from athlete_monitor.models.traversal import as_script

    depth = max(tree.get_depth() for tree in forest.estimators_)
    layout = "perf_tree_trav" if depth <= PERFECT_TREE_DEPTH else "tree_trav"
    rows = np.zeros((2, n_features), np.float32)
    container = convert(forest, "torch.jit", rows, extra_config={"tree_implementation": layout})
    container._model = as_script(container.model, n_features)  # noqa: SLF001
    return container


def _onnx(forest: RandomForestRegressor, n_features: int) -> bytes:
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = to_onnx(forest, initial_types=[("X", FloatTensorType([None, n_features]))], target_opset=_ONNX_OPSETS)
    return cast("bytes", model.SerializeToString())
