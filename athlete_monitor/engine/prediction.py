"""Which model serves which athlete, and predicting for many at once."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from athlete_monitor.features import GROUPS, PROFILE_FEATURES, profile_row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.arrays import BoolArray, Float32Array, FloatArray, IntArray
    from athlete_monitor.athletes import Profile
    from athlete_monitor.features import FeatureSpec
    from athlete_monitor.models.manifest import Manifest

_log = logging.getLogger(__name__)

NO_MODEL = "no model for this athlete, and no default model"
NO_CHANNELS = "the model's channels do not arrive"


class ServedModel(Protocol):
    """A loaded model with its manifest."""

    @property
    def manifest(self) -> Manifest: ...
    @property
    def model_id(self) -> str: ...
    def predict(self, X: Float32Array) -> Float32Array:
        """Heart rates, bpm, float32 [n], of rows float32 [n, F]."""


class ModelSource(Protocol):
    """Where models come from."""

    def candidates(self, athlete_id: int) -> Sequence[ServedModel]:
        """Models that may serve the athlete, the best first: the own one, then the default."""


class NoModels:
    """A source without any model."""

    def candidates(self, athlete_id: int) -> Sequence[ServedModel]:  # noqa: ARG002 - the protocol's
        """Nothing."""
        return ()


@dataclass(frozen=True)
class Bound:
    """A model tied to the columns of the feature bank that it sees."""

    model: ServedModel
    columns: IntArray
    needs: BoolArray
    with_profile: bool
    low_bpm: float
    high_bpm: float

    @property
    def model_id(self) -> str:
        """Athlete (or ``default``) and time of the model."""
        return self.model.model_id

    def predict(self, features: Float32Array, profiles: Float32Array) -> Float32Array:
        """Heart rates [n] of feature rows [n, F_full] and profile rows [n, P]."""
        X = features[:, self.columns]
        return self.model.predict(np.hstack([X, profiles]) if self.with_profile else X)


def bind(model: ServedModel, spec: FeatureSpec) -> Bound | str:
    """Tie a model to this engine's features; a sentence why not, where it was made for others."""
    manifest = model.manifest
    if not set(manifest.groups) <= set(GROUPS):
        return f"model {model.model_id}: groups {', '.join(manifest.groups)}, allowed: {', '.join(GROUPS)}"
    own = spec.names(manifest.groups)
    with_profile = tuple(manifest.feature_names) == (*own, *PROFILE_FEATURES)
    if manifest.schema_hash != spec.schema_hash(manifest.groups) or not (
        with_profile or tuple(manifest.feature_names) == own
    ):
        return f"model {model.model_id} was made for other features than this configuration's: train it again"
    return Bound(
        model,
        spec.columns(manifest.groups),
        np.array([group in manifest.groups for group in GROUPS]),
        with_profile,
        manifest.residual_quantiles.q10,
        manifest.residual_quantiles.q90,
    )


class ModelBook:
    """For each row of the squad the model that serves it, chosen by the channels that arrive.

    Rows that share a model are predicted in one call.
    """

    def __init__(self, source: ModelSource, spec: FeatureSpec, capacity: int = 32) -> None:
        self._source, self._spec = source, spec
        self._bits = 1 << np.arange(len(GROUPS))
        self._seen = np.full(capacity, -1, dtype=np.int64)
        self._serving = np.zeros(capacity, dtype=bool)
        self._profiles = np.zeros((capacity, len(PROFILE_FEATURES)), dtype=np.float32)
        self._athletes: dict[int, int] = {}
        self._chosen: dict[int, Bound] = {}
        self._bound: dict[str, Bound | None] = {}

    def grow(self, capacity: int) -> None:
        """Make room for ``capacity`` rows."""
        added = capacity - len(self._seen)
        self._seen = np.concatenate([self._seen, np.full(added, -1, dtype=np.int64)])
        self._serving = np.concatenate([self._serving, np.zeros(added, dtype=bool)])
        self._profiles = np.vstack([self._profiles, np.zeros((added, len(PROFILE_FEATURES)), dtype=np.float32)])

    def add(self, row: int, profile: Profile) -> None:
        """Begin an athlete."""
        self._athletes[row] = profile.athlete_id
        self._profiles[row] = profile_row(profile)
        self._seen[row] = -1
        self._serving[row] = False

    def remove(self, row: int) -> None:
        """End an athlete."""
        self._athletes.pop(row, None)
        self._chosen.pop(row, None)
        self._serving[row] = False

    def refresh(self, athlete_id: int | None = None) -> None:
        """Choose anew at the next step, for one athlete or for all: models may have changed."""
        rows = [row for row, known in self._athletes.items() if athlete_id in {None, known}]
        self._seen[rows] = -1
        used = {bound.model_id for bound in self._chosen.values()}
        self._bound = {model_id: bound for model_id, bound in self._bound.items() if model_id in used}

    def model_id(self, row: int) -> str | None:
        """The model that serves the row."""
        bound = self._chosen.get(row)
        return bound.model_id if bound else None

    def reason(self, row: int) -> str:
        """Why no model serves the row."""
        athlete_id = self._athletes.get(row)
        if athlete_id is None or not self._source.candidates(athlete_id):
            return NO_MODEL
        return NO_CHANNELS

    def serving(self, rows: IntArray, available: BoolArray) -> BoolArray:
        """Whether a model serves each row [k], given the groups that arrive [k, len(GROUPS)]; chooses where they change."""
        bits = available @ self._bits
        changed = np.flatnonzero(bits != self._seen[rows])
        for index in changed.tolist():
            self._choose(int(rows[index]), available[index])
        self._seen[rows] = bits
        return self._serving[rows]

    def predict(self, rows: IntArray, features: Float32Array) -> FloatArray:
        """Heart rate, low and high end of its 80 % interval [3, k], bpm; NaN where no model serves."""
        answer = np.full((3, len(rows)), np.nan)
        for bound, index in self._by_model(rows):
            bpm = bound.predict(features[index], self._profiles[rows[index]]).astype(np.float64)
            answer[:, index] = bpm, bpm + bound.low_bpm, bpm + bound.high_bpm
        return answer

    def _by_model(self, rows: IntArray) -> list[tuple[Bound, list[int]]]:
        groups: dict[str, tuple[Bound, list[int]]] = {}
        chosen = self._chosen
        for index, row in enumerate(rows.tolist()):
            bound = chosen.get(row)
            if bound is not None:
                groups.setdefault(bound.model.model_id, (bound, []))[1].append(index)
        return list(groups.values())

    def _choose(self, row: int, available: BoolArray) -> None:
        self._chosen.pop(row, None)
        for model in self._source.candidates(self._athletes[row]):
            bound = self._bind(model)
            if bound is not None and not (bound.needs & ~available).any():
                self._chosen[row] = bound
                break
        self._serving[row] = row in self._chosen

    def _bind(self, model: ServedModel) -> Bound | None:
        if model.model_id not in self._bound:
            bound = bind(model, self._spec)
            if isinstance(bound, str):
                _log.error("event=model_refused %s", bound)
            self._bound[model.model_id] = None if isinstance(bound, str) else bound
        return self._bound[model.model_id]
