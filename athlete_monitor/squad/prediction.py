"""The choice of each athlete's model, and predictions for many athletes at once."""

from __future__ import annotations

import logging
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from athlete_monitor.arrays import every, places, some
from athlete_monitor.errors import ModelError
from athlete_monitor.features import GROUPS, PROFILE_FEATURES, profile_row
from athlete_monitor.figures import Figure
from athlete_monitor.models.day import USUAL, constants
from athlete_monitor.models.manifest import DEFAULT
from athlete_monitor.models.schema import features_check, own_features

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from athlete_monitor.arrays import BoolArray, Float32Array, FloatArray, IntArray
    from athlete_monitor.athletes import Profile
    from athlete_monitor.features import FeatureSpec
    from athlete_monitor.models.manifest import AthleteId, Manifest

_log = logging.getLogger(__name__)

NO_MODEL = "no model for this athlete, and no default model"
NO_CHANNELS = "the model's channels do not arrive"


class ServedModel(Protocol):
    """A loaded model with its manifest."""

    @property
    def manifest(self) -> Manifest:
        """The manifest."""

    @property
    def model_id(self) -> str:
        """Athlete and time of creation."""

    def predict(self, X: Float32Array) -> Float32Array:
        """Heart rates, bpm, float32 [n], of rows float32 [n, F]."""


class JoinedModels(Protocol):
    """Several loaded models of the same features, run in one call."""

    def predict(self, X: Float32Array, which: IntArray) -> Float32Array:
        """Heart rates, bpm, float32 [n], of rows float32 [n, F], the i-th by model ``which[i]``."""


class ModelSource(Protocol):
    """A source of models."""

    def candidates(self, athlete_id: int) -> Sequence[ServedModel]:
        """Models in memory for the athlete, the best first: the own one, then the default; it may load them."""

    def has_other(self, athlete_id: int, served: ServedModel | None) -> bool:
        """Whether another model than ``served`` may now be the best; it loads nothing that is already in service."""

    def join(self, models: Sequence[ServedModel]) -> JoinedModels | None:
        """Models of this source joined into one; None if they cannot be joined."""

    def arrivals(self) -> Collection[AthleteId]:
        """Athletes whose own model was loaded in the background since the last call."""

    def release(self, athlete_id: int) -> None:
        """The athlete uses no model from now on."""


class NoModels:
    """A source without any model."""

    def candidates(self, athlete_id: int) -> Sequence[ServedModel]:  # noqa: ARG002 - the protocol's
        """Nothing."""
        return ()

    def has_other(self, athlete_id: int, served: ServedModel | None) -> bool:  # noqa: ARG002 - the protocol's
        """Never."""
        return False

    def join(self, models: Sequence[ServedModel]) -> None:
        """Never."""

    def arrivals(self) -> Collection[AthleteId]:
        """Nobody."""
        return ()

    def release(self, athlete_id: int) -> None:
        """Nothing to release."""


@dataclass(frozen=True)
class Bound:
    """A model with the columns of the feature bank that it uses."""

    model: ServedModel
    columns: IntArray
    needs: BoolArray
    with_profile: bool
    low_bpm: float
    high_bpm: float
    mark: int
    """A number of its own: equal marks are the same model."""

    form: FloatArray
    """The day's form of this model, [CONSTANTS]."""

    number: float
    """Identifies the model, also after a restart."""

    @property
    def model_id(self) -> str:
        """Athlete (or ``default``) and time of the model."""
        return self.model.model_id

    @property
    def inputs_key(self) -> tuple[bytes, bool]:
        """Equal for models that use the same columns."""
        return self.columns.tobytes(), self.with_profile

    def inputs(self, features: Float32Array, profiles: Float32Array) -> Float32Array:
        """The model's inputs [n, F] from feature rows [n, F_full] and profile rows [n, P]."""
        X = features.take(self.columns, axis=1)
        return np.hstack([X, profiles]) if self.with_profile else X


@dataclass(frozen=True)
class Forms:
    """The day's form of the models in use for some rows: ``models/day.py``.

    ``constants`` [CONSTANTS, k]; ``model`` [k] is a number of the model, NaN where none serves.
    """

    constants: FloatArray
    model: FloatArray


@dataclass(frozen=True)
class ModelCall:
    """One call of a model, or of several joined ones with the inputs of the first, for its rows."""

    first: Bound
    joined: JoinedModels | None = None

    def predict(self, features: Float32Array, profiles: Float32Array, which: IntArray) -> Float32Array:
        """Heart rates [n] of feature rows [n, F_full] and profile rows [n, P]; ``which`` [n] of the joined models."""
        X = self.first.inputs(features, profiles)
        return self.first.model.predict(X) if self.joined is None else self.joined.predict(X, which)


def bind(model: ServedModel, spec: FeatureSpec, mark: int) -> Bound:
    """Match a model to this engine's features; raises ModelError if it was made for others."""
    manifest = model.manifest
    features_check(spec)(manifest)
    return Bound(
        model,
        spec.columns_named(own_features(manifest)),
        np.array([group in manifest.groups for group in GROUPS]),
        manifest.athlete_id == DEFAULT,
        manifest.residual_quantiles.q10,
        manifest.residual_quantiles.q90,
        mark,
        constants(manifest.day_form),
        float(zlib.crc32(model.model_id.encode())),
    )


class ModelBook:
    """The model in use for each row of the squad, chosen by the channels that arrive.

    Rows that share a model, or whose models can be joined, are predicted in one call.
    """

    TEXTS: ClassVar[tuple[Figure, ...]] = (
        Figure(
            "model_id", "Model", "", 0, "text", "last",
            equation="athlete (or `default`) and creation time of the model in use",
        ),
    )  # fmt: skip

    def __init__(self, source: ModelSource, spec: FeatureSpec, capacity: int = 32) -> None:
        self._source, self._spec = source, spec
        self._bits = 1 << np.arange(len(GROUPS))
        self._seen = np.full(capacity, -1, dtype=np.int64)
        self._serving = np.zeros(capacity, dtype=bool)
        self._next_mark = 0
        self._profiles = np.zeros((capacity, len(PROFILE_FEATURES)), dtype=np.float32)
        self._athletes: dict[int, int] = {}
        self._chosen: dict[int, Bound] = {}
        self._reasons: dict[int, str] = {}
        """Why no model serves a row that has none, as of its last choice: looking again would read the disk."""
        self._bound: dict[str, Bound | None] = {}
        self._calls: list[ModelCall] = []
        self._call_of = np.full(capacity, -1, dtype=np.int64)
        self._which = np.zeros(capacity, dtype=np.int64)
        self._interval = np.zeros((2, capacity))
        self._form = np.repeat(constants(USUAL)[:, None], capacity, axis=1)
        self._number = np.full(capacity, np.nan)
        self._arranged = True

    @property
    def may_serve(self) -> bool:
        """Whether there can be a model at all: else features have no use."""
        return not isinstance(self._source, NoModels)

    def grow(self, capacity: int) -> None:
        """Make room for ``capacity`` rows."""
        added = capacity - len(self._seen)
        self._seen = np.concatenate([self._seen, np.full(added, -1, dtype=np.int64)])
        self._call_of = np.concatenate([self._call_of, np.full(added, -1, dtype=np.int64)])
        self._which = np.concatenate([self._which, np.zeros(added, dtype=np.int64)])
        self._interval = np.hstack([self._interval, np.zeros((2, added))])
        self._form = np.hstack([self._form, np.repeat(constants(USUAL)[:, None], added, axis=1)])
        self._number = np.concatenate([self._number, np.full(added, np.nan)])
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
        athlete_id = self._athletes.pop(row, None)
        self._chosen.pop(row, None)
        self._reasons.pop(row, None)
        self._serving[row] = False
        self._arranged = False
        if athlete_id is not None and athlete_id not in self._athletes.values():
            self._source.release(athlete_id)

    def refresh(self, athlete_id: int | None = None) -> None:
        """Choose again at the next step, for one athlete or for all: models may have changed."""
        self._choose_anew([row for row, known in self._athletes.items() if athlete_id in {None, known}])

    def look_again(self) -> None:
        """Choose again at the next step if the source now has another model."""
        stale = [
            row for row, athlete_id in self._athletes.items() if self._source.has_other(athlete_id, self._served(row))
        ]
        self._choose_anew(stale)

    def _served(self, row: int) -> ServedModel | None:
        bound = self._chosen.get(row)
        return bound.model if bound else None

    def _choose_anew(self, rows: Sequence[int]) -> None:
        self._seen[list(rows)] = -1
        self._drop_unused()

    def _drop_unused(self) -> None:
        """Keep no reference to models that serve nobody."""
        used = {bound.model_id for bound in self._chosen.values()}
        self._bound = {model_id: bound for model_id, bound in self._bound.items() if model_id in used}

    def model_id(self, row: int) -> str | None:
        """The model in use for the row."""
        bound = self._chosen.get(row)
        return bound.model_id if bound else None

    def athlete_id(self, row: int) -> int | None:
        """The athlete of the row."""
        return self._athletes.get(row)

    def forms(self, rows: IntArray) -> Forms:
        """The day's form of the models in use for ``rows`` [k]."""
        return Forms(self._form.take(rows, axis=1), self._number.take(rows))

    def reason(self, row: int) -> str:
        """Why no model is in use for the row."""
        return self._reasons.get(row, NO_MODEL)

    def serving(self, rows: IntArray, available: BoolArray) -> BoolArray:
        """Whether a model is in use for each row [k], given the groups that arrive [k, len(GROUPS)]."""
        arrived = self._source.arrivals()
        if arrived:
            everybody = DEFAULT in arrived
            self._choose_anew([row for row, known in self._athletes.items() if everybody or known in arrived])
        bits = available @ self._bits
        changed = places(bits != self._seen[rows])
        for index in changed.tolist():
            self._choose(int(rows[index]), available[index])
        self._seen[rows] = bits
        return self._serving[rows]

    def predict(self, rows: IntArray, features: Float32Array) -> FloatArray:
        """Heart rate, low and high end of its 80 % interval [3, k], bpm; NaN where no model is in use."""
        self.arrange()
        answer = np.full((3, len(rows)), np.nan)
        for call, index in self._calls_for(rows):
            served = rows[index]
            answer[:, index] = call.predict(features[index], self._profiles[served], self._which[served])
        answer[1:] += self._interval.take(rows, axis=1)
        return answer

    def _calls_for(self, rows: IntArray) -> list[tuple[ModelCall, Any]]:
        """Each call with the indices of its rows; a slice if all rows share one call."""
        calls = self._call_of[rows]
        if len(calls) and calls[0] >= 0 and every(calls == calls[0]):
            return [(self._calls[int(calls[0])], slice(None))]
        served = places(calls >= 0)
        if not len(served):
            return []
        order = served[np.argsort(calls[served], kind="stable")]
        ends = places(np.diff(calls[order])) + 1
        return [(self._calls[int(calls[group[0]])], group) for group in np.split(order, ends)]

    def idle(self, rows: IntArray) -> None:  # noqa: ARG002 - ``ModelsOverTime`` needs them
        """A prediction is due for these rows, and no model serves any of them."""
        self.arrange()

    def arrange(self) -> None:
        """Decide again which models are run together, where models have changed since."""
        if not self._arranged:
            self._arrange()

    def _arrange(self) -> None:
        self._drop_unused()
        alike: dict[tuple[bytes, bool], dict[int, Bound]] = {}
        for bound in self._chosen.values():
            alike.setdefault(bound.inputs_key, {})[bound.mark] = bound
        self._calls, places = [], dict[int, tuple[int, int]]()
        for bounds in alike.values():
            joined = self._source.join([bound.model for bound in bounds.values()]) if len(bounds) > 1 else None
            for which, (mark, bound) in enumerate(bounds.items()):
                if joined is None or not which:
                    self._calls.append(ModelCall(bound, joined))
                places[mark] = len(self._calls) - 1, which
        self._call_of[:] = -1
        self._number[:] = np.nan
        for row, bound in self._chosen.items():
            self._call_of[row], self._which[row] = places[bound.mark]
            self._interval[:, row] = bound.low_bpm, bound.high_bpm
            self._form[:, row], self._number[row] = bound.form, bound.number
        self._arranged = True

    def _choose(self, row: int, available: BoolArray) -> None:
        before = self._chosen.pop(row, None)
        candidates = self._source.candidates(self._athletes[row])
        self._reasons[row] = NO_CHANNELS if candidates else NO_MODEL
        for model in candidates:
            bound = self._bind(model)
            if bound is not None and not some(bound.needs & ~available):
                self._chosen[row] = bound
                break
        self._serving[row] = row in self._chosen
        self._arranged = self._arranged and self._chosen.get(row) is before

    def _bind(self, model: ServedModel) -> Bound | None:
        if model.model_id not in self._bound:
            self._bound[model.model_id] = self._checked(model)
        return self._bound[model.model_id]

    def _checked(self, model: ServedModel) -> Bound | None:
        try:
            self._next_mark += 1
            return bind(model, self._spec, self._next_mark)
        except ModelError as error:
            _log.error("event=model_refused reason=%r", str(error))
            return None
