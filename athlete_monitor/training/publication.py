"""From a finished model to files in service: gated, published."""

from __future__ import annotations

import platform
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from athlete_monitor.errors import ModelError
from athlete_monitor.features import PROFILE_FEATURES
from athlete_monitor.models.manifest import DEFAULT, AthleteId, LearnedSession, Manifest
from athlete_monitor.training.gate import Decision, decide

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.config import Config
    from athlete_monitor.features import FeatureSpec
    from athlete_monitor.models.store import ModelStore
    from athlete_monitor.training.athlete import Trained
    from athlete_monitor.training.finished import Finished
    from athlete_monitor.training.gain import Gain

LIBRARIES: Final = ("numpy", "scikit-learn", "torch", "hummingbird-ml", "onnx", "skl2onnx")


@dataclass(frozen=True)
class Product:
    """A trained model with what its manifest says about its origin.

    ``over_squad`` is how much better than the squad's model it is; None where there is none to compare with.
    """

    athlete_id: AthleteId
    groups: tuple[str, ...]
    sessions: tuple[LearnedSession, ...]
    rate_hz: float
    trained: Trained
    finished: Finished
    over_squad: Gain | None = None


@dataclass(frozen=True)
class Published:
    """The result of a product: the gate's decision, the deployed model's error, and the manifest if published."""

    decision: Decision
    deployed_mae_bpm: float | None
    manifest: Manifest | None
    agreement_bpm: dict[str, float]


class ModelPublisher:
    """Publishes the models that pass the gate."""

    def __init__(self, config: Config, spec: FeatureSpec, store: ModelStore, *, dry_run: bool = False) -> None:
        self._config, self._spec, self._store, self._dry_run = config, spec, store, dry_run
        self._versions = {"python": platform.python_version(), **_installed(LIBRARIES)}

    def publish(self, product: Product) -> Published:
        """Publish the product if it passes the gate.

        Raises:
            ModelError: the disk refuses; the old model stays.
        """
        deployed = self.deployed_mae(product)
        trained = product.trained
        decision = decide(trained.holdout, trained.gain, deployed, self._config.retraining, product.over_squad)
        if not decision.deploy:
            return Published(decision, deployed, None, {})
        files = product.finished.artifacts.by_kind()
        manifest = None if self._dry_run else self._store.publish(self._draft(product), files)
        return Published(decision, deployed, manifest, product.finished.agreement_bpm)

    def deployed_mae(self, product: Product) -> float | None:
        """MAE (bpm) of the model in service on the product's held-out rows; None if there is nothing to compare.

        A model that was trained on the held-out session knows its heart rates: then the error of its own evaluation is
        used.
        """
        try:
            manifest = self._store.manifest(product.athlete_id)
        except ModelError:
            return None
        if manifest is None or manifest.schema_hash != self._spec.schema_hash(product.groups):
            return None
        if product.athlete_id == DEFAULT:
            return None
        if product.trained.held_out in {session.sha256 for session in manifest.sessions}:
            return manifest.holdout.mae_bpm
        return self._error_in_service(product)

    def _error_in_service(self, product: Product) -> float | None:
        from athlete_monitor.models.runtimes import OnnxRuntime

        trained = product.trained
        try:
            _, content = self._store.read(product.athlete_id, "onnx")
            predicted = OnnxRuntime("cpu").load(content, trained.test_X.shape[1]).predict(trained.test_X)
        except (ModelError, FileNotFoundError):
            return None
        return float(np.abs(predicted - trained.test_y).mean())

    def _draft(self, product: Product) -> Manifest:
        section = self._config.feature_engineering
        names = self._spec.names(product.groups)
        return Manifest(
            athlete_id=product.athlete_id,
            kind=product.trained.kind.name,
            day=product.trained.day,
            facts=_facts(product),
            groups=product.groups,
            feature_names=names + (PROFILE_FEATURES if product.athlete_id == DEFAULT else ()),
            feature_spec=self._spec.to_dict(),
            schema_hash=self._spec.schema_hash(product.groups),
            sample_rate_hz=round(product.rate_hz, 3),
            window=section.rolling_window,
            sessions=product.sessions,
            holdout=product.trained.holdout,
            residual_quantiles=product.trained.interval,
            versions=self._versions,
        )


def _facts(product: Product) -> dict[str, Any]:
    """The model's description, and how many of its sessions took part in the choice of its kind."""
    chosen_on = product.trained.chosen_on
    return product.finished.facts | ({"kind_chosen_on_sessions": chosen_on} if chosen_on else {})


def _installed(names: Sequence[str]) -> dict[str, str]:
    """Versions of the libraries that are installed."""
    found = {}
    for name in names:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def feature_names(spec: FeatureSpec, athlete_id: AthleteId, groups: Sequence[str]) -> tuple[str, ...]:
    """Names of the columns of an athlete's model, or of the default model."""
    return spec.names(groups) + (PROFILE_FEATURES if athlete_id == DEFAULT else ())
