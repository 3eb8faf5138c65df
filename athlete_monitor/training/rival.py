"""An athlete's own model against the squad's, on rows that neither has seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.errors import ModelError
from athlete_monitor.models.manifest import DEFAULT
from athlete_monitor.training.gain import Gain, gain_over

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.arrays import Float32Array, FloatArray, IntArray
    from athlete_monitor.features import FeatureSpec
    from athlete_monitor.models.manifest import Manifest
    from athlete_monitor.models.runtimes import Predictor
    from athlete_monitor.models.store import ModelStore
    from athlete_monitor.training.athlete import Trained
    from athlete_monitor.training.squad import Fold

LEAST_ROWS: Final = 30


def over_fold(trained: Trained, fold: Fold, rows: int) -> Gain | None:
    """How much better a model is than one of the squad without the athlete, on the athlete's held-out rows.

    Args:
        trained: the athlete's own model.
        fold: what models of the others say about some of the athlete's rows.
        rows: how many rows the athlete has; the held-out ones are the last.
    """
    first = rows - len(trained.test_y)
    held_out = fold.places >= first
    places = fold.places[held_out] - first
    return _gain(trained, places, fold.forest[held_out])


@dataclass(frozen=True)
class DefaultModel:
    """The squad's model in service."""

    manifest: Manifest
    predictor: Predictor


def default_model(store: ModelStore, spec: FeatureSpec) -> DefaultModel | None:
    """The squad's model in service; None where there is none that works with these features."""
    from athlete_monitor.models.runtimes import OnnxRuntime

    try:
        manifest, content = store.read(DEFAULT, "onnx")
        if manifest.schema_hash != spec.schema_hash(manifest.groups):
            return None
        return DefaultModel(manifest, OnnxRuntime("cpu").load(content, len(manifest.feature_names)))
    except (ModelError, FileNotFoundError, ValueError):
        return None


def over_default(
    trained: Trained, default: DefaultModel | None, spec: FeatureSpec, groups: Sequence[str], profile: Float32Array
) -> Gain | None:
    """How much better a model is than the squad's model in service; None where that has seen the rows, or cannot."""
    if default is None or not set(default.manifest.groups) <= set(groups):
        return None
    if trained.held_out in {session.sha256 for session in default.manifest.sessions}:
        return None
    columns = np.searchsorted(spec.columns(groups), spec.columns(default.manifest.groups))
    X = np.hstack([trained.test_X[:, columns], np.tile(profile, (len(trained.test_y), 1))])
    try:
        predicted = default.predictor.predict(X)
    except ModelError:
        return None
    return _gain(trained, np.arange(len(trained.test_y)), predicted.astype(np.float64))


def _gain(trained: Trained, places: IntArray, squads: FloatArray) -> Gain | None:
    """The gain on the held-out rows at ``places``, for which the squad's model says ``squads``."""
    if len(places) < LEAST_ROWS:
        return None
    measured = trained.test_y[places]
    gain = np.abs(measured - squads) - np.abs(measured - trained.test_predicted[places])
    return gain_over([gain], [trained.test_t[places]])
