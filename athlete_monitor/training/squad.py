"""The squad's default model, for athletes without their own: it uses the body's profile in addition to the movement.

It is evaluated on athletes whom the evaluated models have not seen: one at a time, or a few in a large squad.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from athlete_monitor.features import PROFILE_FEATURES, PROFILE_UNKNOWN
from athlete_monitor.models.kind import Task
from athlete_monitor.models.kinds import kind_of
from athlete_monitor.training.athlete import AGREEMENT_ROWS, CURVE_POINTS, HeldOutCurve, Trained, spread
from athlete_monitor.training.day_form import of_people
from athlete_monitor.training.evaluation import interval_of, judge, ridge_predictions
from athlete_monitor.training.fitting import judging
from athlete_monitor.training.gain import gain_over

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.arrays import Float32Array, FloatArray, IntArray
    from athlete_monitor.config import Training
    from athlete_monitor.features import FeatureSpec
    from athlete_monitor.training.gain import Gain
    from athlete_monitor.training.rows import AthleteData

LEAST_ATHLETES: Final = 3
ROWS_PER_ATHLETE: Final = 1000
FOLD_ROWS_PER_ATHLETE: Final = 200
MOST_FOLDS: Final = 10
"""Groups of athletes that are left out in turn: one model each, so that a large squad does not need one a person."""

HIDDEN_SHARE: Final = 0.25
"""Share of rows that are trained without a profile, so that the model also works for an unknown one."""

KIND: Final = "leave_one_athlete_out"

KIND_OF_MODEL: Final = "random_forest"
"""Trees only: an unknown profile is coded by a number far from all others, which would distort a line. They split
between any two values: in bins, the error on seven people who were never seen grew by 0.2 to 0.3 bpm, and there is only
one such model."""


@dataclass(frozen=True)
class Member:
    """An athlete's rows for the default model: features of the squad's groups, then the profile; [n, F + P].

    ``rows`` says how many rows come from each session, by its SHA-256; ``places`` [n] are their places among all rows
    of the athlete.
    """

    athlete_id: int
    X: Float32Array
    y: FloatArray
    places: IntArray
    rows: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Fold:
    """What models that never saw an athlete say about that athlete's rows [n], bpm; ``places`` as in ``Member``."""

    athlete_id: int
    places: IntArray
    measured: FloatArray
    forest: FloatArray
    ridge: FloatArray
    median: FloatArray


def squad_groups(squad: Sequence[AthleteData]) -> tuple[str, ...]:
    """The channel groups that most athletes have; among equals, the larger set."""
    held = Counter(data.groups for data in squad)
    return max(held, key=lambda groups: (_served(held, groups), len(groups)))


def _served(held: Counter[tuple[str, ...]], groups: tuple[str, ...]) -> int:
    return sum(count for others, count in held.items() if set(groups) <= set(others))


def members(
    squad: Sequence[AthleteData], profiles: Sequence[Float32Array], spec: FeatureSpec, groups: tuple[str, ...]
) -> list[Member]:
    """Athletes who have the groups, each with at most ``ROWS_PER_ATHLETE`` rows.

    Sums over the session are 0: how long the others trained says nothing about a person who was never seen.
    """
    chosen = [(data, row) for data, row in zip(squad, profiles, strict=True) if set(groups) <= set(data.groups)]
    return [_member(data, row, spec, groups) for data, row in chosen]


def _member(data: AthleteData, profile: Float32Array, spec: FeatureSpec, groups: tuple[str, ...]) -> Member:
    columns = np.searchsorted(spec.columns(data.groups), spec.columns(groups))
    X = np.concatenate([session.X for session in data.sessions])
    y = np.concatenate([session.y for session in data.sessions])
    usable = np.flatnonzero(np.concatenate([session.trusted for session in data.sessions]))
    rows = usable[spread(len(usable), ROWS_PER_ATHLETE)]
    seen = np.hstack([X[np.ix_(rows, columns)], np.tile(profile, (len(rows), 1))])
    seen[:, [place for place, name in enumerate(spec.names(groups)) if name.endswith("_total_s")]] = 0.0
    ends = np.cumsum([len(session) for session in data.sessions])
    counts = np.diff(np.searchsorted(rows, ends), prepend=0).tolist()
    shares = zip((session.sha256 for session in data.sessions), counts, strict=True)
    return Member(data.athlete_id, seen, y[rows], rows, tuple(shares))


def rises(spec: FeatureSpec, groups: tuple[str, ...]) -> IntArray:
    """Constraint of each column of a member's X: none for the profile."""
    return np.concatenate([spec.rises(groups), np.zeros(len(PROFILE_FEATURES), dtype=np.int64)])


def fold_places(members: int) -> list[list[int]]:
    """Places of the members who are left out together: each once, in at most ``MOST_FOLDS`` groups.

    >>> fold_places(3), [len(places) for places in fold_places(25)]
    ([[0], [1], [2]], [3, 3, 3, 3, 3, 2, 2, 2, 2, 2])
    """
    return [part.tolist() for part in np.array_split(np.arange(members), min(members, MOST_FOLDS) or 1)]


def judge_folds(squad: Sequence[Member], places: Sequence[int], settings: Training, constraint: IntArray) -> list[Fold]:
    """Predict the athletes at ``places`` by models of all other athletes."""
    others = [_thin(member) for i, member in enumerate(squad) if i not in places]
    X, y, weight = _stack(others, settings.random_state)
    forest = _fit(judging(settings), constraint, X, y, weight)
    left_out = [_thin(squad[place]) for place in places]
    return [
        Fold(
            athlete_id=each.athlete_id,
            places=each.places,
            measured=each.y,
            forest=forest.predict(each.X),
            ridge=ridge_predictions(X, y, each.X),
            median=np.full(len(each.y), np.median(y)),
        )
        for each in left_out
    ]


def computed(squad: Sequence[Member], places: Sequence[int] | None, settings: Training, constraint: IntArray) -> Any:  # noqa: ANN401 - folds, or scikit-learn's forest
    """A task of the default model: the folds of ``places``, or for None the model of the whole squad."""
    if places is not None:
        return judge_folds(squad, places, settings, constraint)
    return _fit(settings, constraint, *_stack(squad, settings.random_state))


def _fit(settings: Training, constraint: IntArray, X: Float32Array, y: FloatArray, weight: FloatArray) -> Any:  # noqa: ANN401
    numbers = np.zeros(len(y), dtype=np.int64)
    return kind_of(KIND_OF_MODEL).fit(Task(X, y, weight, numbers, constraint, settings, exact=True))


def _thin(member: Member) -> Member:
    rows = spread(len(member.y), FOLD_ROWS_PER_ATHLETE)
    return Member(member.athlete_id, member.X[rows], member.y[rows], member.places[rows])


def _stack(squad: Sequence[Member], seed: int) -> tuple[Float32Array, FloatArray, FloatArray]:
    """All rows, some with the profile hidden in part or altogether, and weights: each athlete counts the same."""
    X = np.concatenate([member.X for member in squad])
    rng = np.random.default_rng(seed)
    profile = X[:, -len(PROFILE_FEATURES) :]
    hidden = (rng.random((len(X), 1)) < HIDDEN_SHARE) | (rng.random(profile.shape) < HIDDEN_SHARE)
    profile[hidden] = PROFILE_UNKNOWN
    weight = np.concatenate([np.full(len(member.y), 1.0 / len(member.y)) for member in squad])
    return X, np.concatenate([member.y for member in squad]), weight / weight.mean()


def gain_of(folds: Sequence[Fold]) -> Gain:
    """How much better the squad's model is than the squad's median, on athletes that it had not seen."""
    return gain_over(
        [np.abs(fold.measured - fold.median) - np.abs(fold.measured - fold.forest) for fold in folds],
        [np.arange(len(fold.measured), dtype=np.float64) for fold in folds],
    )


def train_default(
    squad: Sequence[Member],
    folds: Sequence[Fold],
    settings: Training,
    constraint: IntArray,
    model: Any = None,  # noqa: ANN401 - scikit-learn's
) -> Trained:
    """The default model of the whole squad; its figures are those of the folds, all athletes together.

    ``model`` is the fitted one; None: it is fitted here.
    """
    began, kind = time.perf_counter(), kind_of(KIND_OF_MODEL)
    measured, forest, ridge, median = (
        np.concatenate([getattr(fold, name) for fold in folds]) for name in ("measured", "forest", "ridge", "median")
    )
    baselines = {
        "median": float(np.abs(median - measured).mean()),
        "last_value": None,
        "ridge": float(np.abs(ridge - measured).mean()),
    }
    X, y, weight = _stack(squad, settings.random_state)
    final = model or _fit(settings, constraint, X, y, weight)
    interval, covered = interval_of([fold.measured - fold.forest for fold in folds])
    return Trained(
        kind=kind,
        model=final,
        holdout=judge(measured, forest, baselines, KIND, covered),
        interval=interval,
        day=of_people([fold.measured - fold.forest for fold in folds]),
        gain=gain_of(folds),
        held_out="",
        test_X=X[:0],
        test_y=y[:0],
        test_t=y[:0],
        test_predicted=y[:0],
        check_rows=X[spread(len(X), AGREEMENT_ROWS)],
        curve=_curve(measured, forest),
        importance=kind.importance(final),
        seconds=time.perf_counter() - began,
    )


def _curve(measured: FloatArray, predicted: FloatArray) -> HeldOutCurve:
    shown = spread(len(measured), CURVE_POINTS)
    return HeldOutCurve(shown.astype(np.float64), measured[shown], predicted[shown])
