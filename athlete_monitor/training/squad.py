"""The squad's default model, for athletes without their own: it uses the body's profile in addition to the movement.

It is evaluated on athletes whom the evaluated models have not seen: one at a time, or a few in a large squad.
"""

from __future__ import annotations

import itertools
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
from athlete_monitor.training.finished import Finished, finish
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
class Sample:
    """Some of an athlete's rows, at most ``ROWS_PER_ATHLETE``, with the features of all channel groups; [n, F].

    ``places`` and ``rows`` are as in ``Member``; ``rates_hz`` are the sample rates of the sessions.
    """

    athlete_id: int
    groups: tuple[str, ...]
    X: Float32Array
    y: FloatArray
    places: IntArray
    rows: tuple[tuple[str, int], ...]
    rates_hz: tuple[float, ...]


@dataclass(frozen=True)
class Fold:
    """What models that never saw an athlete say about that athlete's rows [n], bpm; ``places`` as in ``Member``."""

    athlete_id: int
    places: IntArray
    measured: FloatArray
    forest: FloatArray
    ridge: FloatArray
    median: FloatArray


def sample(data: AthleteData) -> Sample:
    """Take rows of all sessions that models learn from, evenly."""
    usable = np.flatnonzero(np.concatenate([session.trusted for session in data.sessions]))
    places = usable[spread(len(usable), ROWS_PER_ATHLETE)]
    starts = np.cumsum([0, *map(len, data.sessions)])
    parts = [places[(places >= a) & (places < b)] - a for a, b in itertools.pairwise(starts)]
    taken = list(zip(data.sessions, parts, strict=True))
    return Sample(
        data.athlete_id,
        data.groups,
        np.concatenate([session.X[part] for session, part in taken]),
        np.concatenate([session.y[part] for session, part in taken]),
        places,
        tuple((session.sha256, len(part)) for session, part in taken),
        tuple(session.rate_hz for session in data.sessions),
    )


def squad_groups(squad: Sequence[Sample]) -> tuple[str, ...]:
    """The channel groups that most athletes have; among equals, the larger set."""
    held = Counter(taken.groups for taken in squad)
    return max(held, key=lambda groups: (_served(held, groups), len(groups)))


def _served(held: Counter[tuple[str, ...]], groups: tuple[str, ...]) -> int:
    return sum(count for others, count in held.items() if set(groups) <= set(others))


def members(
    squad: Sequence[Sample], profiles: Sequence[Float32Array], spec: FeatureSpec, groups: tuple[str, ...]
) -> list[Member]:
    """Athletes who have the groups.

    Sums over the session are 0: how long the others trained says nothing about a person who was never seen.
    """
    chosen = [(taken, row) for taken, row in zip(squad, profiles, strict=True) if set(groups) <= set(taken.groups)]
    return [_member(taken, row, spec, groups) for taken, row in chosen]


def _member(taken: Sample, profile: Float32Array, spec: FeatureSpec, groups: tuple[str, ...]) -> Member:
    columns = np.searchsorted(spec.columns(taken.groups), spec.columns(groups))
    seen = np.hstack([taken.X[:, columns], np.tile(profile, (len(taken.X), 1))])
    seen[:, [place for place, name in enumerate(spec.names(groups)) if name.endswith("_total_s")]] = 0.0
    return Member(taken.athlete_id, seen, taken.y, taken.places, taken.rows)


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


def computed(
    squad: Sequence[Member], places: Sequence[int] | None, settings: Training, constraint: IntArray
) -> list[Fold] | Finished:
    """A task of the default model: the folds of ``places``, or for None the finished model of the whole squad."""
    if places is not None:
        return judge_folds(squad, places, settings, constraint)
    X, y, weight = _stack(squad, settings.random_state)
    return finish(kind_of(KIND_OF_MODEL), _fit(settings, constraint, X, y, weight), X[spread(len(X), AGREEMENT_ROWS)])


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


def evaluated(folds: Sequence[Fold], finished: Finished) -> Trained:
    """The default model with its figures, which are those of the folds, all athletes together."""
    began = time.perf_counter()
    measured, forest, ridge, median = (
        np.concatenate([getattr(fold, name) for fold in folds]) for name in ("measured", "forest", "ridge", "median")
    )
    baselines = {
        "median": float(np.abs(median - measured).mean()),
        "last_value": None,
        "ridge": float(np.abs(ridge - measured).mean()),
    }
    interval, covered = interval_of([fold.measured - fold.forest for fold in folds])
    return Trained(
        kind=kind_of(KIND_OF_MODEL),
        model=None,
        holdout=judge(measured, forest, baselines, KIND, covered),
        interval=interval,
        day=of_people([fold.measured - fold.forest for fold in folds]),
        gain=gain_of(folds),
        held_out="",
        test_X=np.empty((0, 0), dtype=np.float32),
        test_y=measured[:0],
        test_t=measured[:0],
        test_predicted=measured[:0],
        check_rows=np.empty((0, 0), dtype=np.float32),
        curve=_curve(measured, forest),
        importance=finished.importance,
        seconds=time.perf_counter() - began,
    )


def _curve(measured: FloatArray, predicted: FloatArray) -> HeldOutCurve:
    shown = spread(len(measured), CURVE_POINTS)
    return HeldOutCurve(shown.astype(np.float64), measured[shown], predicted[shown])
