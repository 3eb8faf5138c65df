"""A kind of model: how it is fitted, exported and described. Each kind is one module of ``models/kinds``."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from athlete_monitor.arrays import Float32Array, FloatArray, IntArray
    from athlete_monitor.models.manifest import ArtifactKind
    from athlete_monitor.models.parts import EnsembleParts


class Shape(Protocol):
    """The settings of a model's shape, part of ``config.Training``."""

    @property
    def n_estimators(self) -> int:
        """Trees."""

    @property
    def max_depth(self) -> int:
        """Levels of a tree."""

    @property
    def min_samples_split(self) -> int:
        """Smallest number of rows in a node that is split."""

    @property
    def min_samples_leaf(self) -> int:
        """Smallest number of rows in a leaf."""

    @property
    def max_features(self) -> float:
        """Share of the features tried at each split."""

    @property
    def random_state(self) -> int:
        """Seed."""


@dataclass(frozen=True)
class Task:
    """The data that a model is fitted to.

    Attributes:
        X: features, float32 [n, F].
        y: heart rate, bpm, [n].
        weight: weight of each row, [n], positive, about 1 on average.
        session: session of each row, int [n], numbered from the oldest.
        rises: 1 for features with which the heart rate can only rise, else 0, int [F]; all 0 leaves a model free.
        shape: settings.
        exact: whether trees may split between any two values, at several times the cost, in place of edges of bins.
    """

    X: Float32Array
    y: FloatArray
    weight: FloatArray
    session: IntArray
    rises: IntArray
    shape: Shape
    exact: bool = False


class Estimator(Protocol):
    """A fitted model in its reference form (scikit-learn, float64)."""

    @property
    def n_features_in_(self) -> int:
        """Columns of X."""

    def predict(self, X: Float32Array) -> FloatArray:
        """Heart rates, bpm, [n], of rows float32 [n, F]."""


@dataclass(frozen=True)
class Artifacts:
    """The files of one model, as bytes; ``hummingbird_zip`` is empty if PyTorch is not installed."""

    pickle: bytes
    hummingbird_zip: bytes
    onnx: bytes

    def by_kind(self) -> dict[ArtifactKind, bytes]:
        """The same bytes by the names of the store, without missing exports."""
        files: dict[ArtifactKind, bytes] = {
            "pickle": self.pickle,
            "hummingbird": self.hummingbird_zip,
            "onnx": self.onnx,
        }
        return {kind: content for kind, content in files.items() if content}


@dataclass(frozen=True)
class ModelKind:
    """One kind of model.

    Attributes:
        name: in the configuration and in the manifest.
        label: for people.
        fit: fits a task; one thread, and the same task gives the same model.
        export: writes the files of a fitted model; they are checked against ``Estimator.predict`` before publication.
        importance: importance of each feature, [F], shares that add up to 1.
        facts: the manifest's description of a fitted model, plain values.
        parts: its trees and line; None where it has others, which only makes the next training longer. A fit with
            fewer trees must give the first trees of one with more.
    """

    name: str
    label: str
    fit: Callable[[Task], Any]
    export: Callable[[Any], Artifacts]
    importance: Callable[[Any], FloatArray]
    facts: Callable[[Any], dict[str, Any]]
    parts: Callable[[Any], EnsembleParts] | None = None


@contextmanager
def no_pandas() -> Iterator[None]:
    """Inside the block, hide pandas from imports, unless it is already loaded.

    scikit-learn loads pandas if it is installed, to recognise its tables; there are none here, and it takes 23 MB in
    each worker. It is hidden from all threads of the process: only for blocks beside which none needs it.
    """
    if "pandas" in sys.modules:
        yield
        return
    modules = cast("dict[str, Any]", sys.modules)
    modules["pandas"] = None  # the import system's own mark of a module that cannot be imported
    try:
        yield
    finally:
        del modules["pandas"]
