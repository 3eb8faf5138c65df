"""The model of one athlete: judged on what was held out, then fitted to everything."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from athlete_monitor.models.kind import Task
from athlete_monitor.models.kinds import kind_of
from athlete_monitor.training.evaluation import Split, baseline_errors, coverage, judge, quantiles, split

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.arrays import Float32Array, FloatArray, IntArray
    from athlete_monitor.config import Training
    from athlete_monitor.models.kind import Kind
    from athlete_monitor.models.manifest import Holdout, ResidualQuantiles
    from athlete_monitor.training.dataset import AthleteData, SessionRows

INTERVAL_SESSIONS: Final = 4
INTERVAL_TREES: Final = 20
"""Sessions whose residuals make the interval, and the trees of the forests asked only for that: as wide as with 60."""

AGREEMENT_ROWS: Final = 1000
CURVE_POINTS: Final = 600


@dataclass(frozen=True)
class Curve:
    """Held-out rows for the model card, thinned: seconds from the first, measured and predicted bpm."""

    seconds: FloatArray
    measured: FloatArray
    predicted: FloatArray


@dataclass(frozen=True)
class Trained:
    """A model that is ready for the gate.

    ``held_out`` is the SHA-256 of the session that it was judged on (empty where it was more than one), ``test_X`` and
    ``test_y`` are those rows; ``check_rows`` are what exports are compared on; ``importance`` belongs to X's columns.
    """

    kind: Kind
    model: Any
    holdout: Holdout
    interval: ResidualQuantiles
    held_out: str
    test_X: Float32Array
    test_y: FloatArray
    check_rows: Float32Array
    curve: Curve
    importance: FloatArray
    seconds: float

    def without_rows(self) -> Trained:
        """The same without the rows that only publishing needs."""
        return replace(
            self, test_X=self.test_X[:0].copy(), test_y=self.test_y[:0].copy(), check_rows=self.check_rows[:1].copy()
        )


def fit(settings: Training, rises: IntArray, X: Float32Array, y: FloatArray, session: IntArray | None = None) -> Any:  # noqa: ANN401
    """Fit a model of the configured kind; ``session`` [n] numbers the session of each row, one for all if None."""
    numbers = np.zeros(len(y), dtype=np.int64) if session is None else session
    return kind_of(settings.kinds[0]).fit(Task(X, y, np.ones(len(y)), numbers, rises, settings))


def train_athlete(data: AthleteData, settings: Training, rises: IntArray) -> Trained:
    """Judge a model on what was held out, then fit the one to deploy on everything.

    Raises:
        TrainingError: too few rows on one side.
    """
    began, kind = time.perf_counter(), kind_of(settings.kinds[0])
    parts = split(data, settings.holdout_fraction)
    predicted = fit(settings, rises, parts.train_X, parts.train_y).predict(parts.test_X)
    residuals = unseen_residuals(data.sessions, parts.test_y - predicted, settings, rises)
    holdout = judge(parts.test_y, predicted, baseline_errors(parts), parts.kind, coverage(residuals))
    X = np.concatenate([session.X for session in data.sessions])
    y = np.concatenate([session.y for session in data.sessions])
    final = fit(settings, rises, X, y)
    return Trained(
        kind=kind,
        model=final,
        holdout=holdout,
        interval=quantiles(np.concatenate(residuals)),
        held_out=parts.held_out,
        test_X=parts.test_X,
        test_y=parts.test_y,
        check_rows=X[spread(len(X), AGREEMENT_ROWS)],
        curve=_curve(parts, predicted),
        importance=kind.importance(final),
        seconds=time.perf_counter() - began,
    )


def unseen_residuals(
    sessions: Sequence[SessionRows], last: FloatArray, settings: Training, rises: IntArray
) -> list[FloatArray]:
    """Residuals measured - predicted, bpm, of whole sessions by models of the others; ``last`` are the latest one's.

    One session has one day's bias; how much sessions differ shows only in several. At most ``INTERVAL_SESSIONS`` are
    asked, the latest, and only where the others hold half as many rows or more. With a single session, ``last`` in two
    halves of its time.
    """
    if len(sessions) == 1:
        return np.array_split(last, 2)
    rows = sum(len(session) for session in sessions)
    latest = range(max(0, len(sessions) - INTERVAL_SESSIONS), len(sessions) - 1)
    asked = [place for place in latest if 3 * len(sessions[place]) <= 2 * rows]
    smaller = settings.model_copy(update={"n_estimators": min(settings.n_estimators, INTERVAL_TREES)})
    return [*(_residuals(sessions, place, smaller, rises) for place in asked), last]


def _residuals(sessions: Sequence[SessionRows], place: int, settings: Training, rises: IntArray) -> FloatArray:
    left_out, others = sessions[place], [*sessions[:place], *sessions[place + 1 :]]
    X = np.concatenate([session.X for session in others])
    y = np.concatenate([session.y for session in others])
    residuals: FloatArray = left_out.y - fit(settings, rises, X, y).predict(left_out.X)
    return residuals


def spread(n: int, most: int) -> IntArray:
    """At most ``most`` of the indices 0 ... n - 1, evenly from first to last."""
    return np.arange(n) if n <= most else np.linspace(0, n - 1, most).astype(np.int64)


def _curve(parts: Split, predicted: FloatArray) -> Curve:
    shown = spread(len(predicted), CURVE_POINTS)
    return Curve(parts.test_t[shown] - parts.test_t[0], parts.test_y[shown], predicted[shown])
