"""The forest of one athlete: judged on what was held out, then fitted to everything."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from athlete_monitor.training.evaluation import Split, baseline_errors, coverage, judge, quantiles, split

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sklearn.ensemble import RandomForestRegressor

    from athlete_monitor.arrays import Float32Array, FloatArray, IntArray
    from athlete_monitor.config import Training
    from athlete_monitor.models.manifest import Holdout, ResidualQuantiles
    from athlete_monitor.training.dataset import AthleteData, SessionRows

BOOTSTRAP_SHARE: Final = 0.5
BOOTSTRAP_ROWS: Final = 3000
"""Each tree sees half of the rows, and at most so many: rows a second apart are nearly equal and say the same."""

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

    forest: RandomForestRegressor
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


@contextmanager
def _no_pandas() -> Iterator[None]:
    """In the block pandas seems not to be installed, unless it is loaded already.

    scikit-learn loads it where it is there, to recognise its tables; we have none, and it takes 23 MB in each worker.
    """
    if "pandas" in sys.modules:
        yield
        return
    modules = cast("dict[str, Any]", sys.modules)
    modules["pandas"] = None  # the import system's own sign for what cannot be had
    try:
        yield
    finally:
        del modules["pandas"]


def make_forest(settings: Training, rises: IntArray) -> RandomForestRegressor:
    """A forest of the configured shape in which more effort never means a lower heart rate.

    The constraint is physiology, and it keeps a forest from reading chance into the few activities of one session.
    One thread: athletes are trained beside each other in processes.
    """
    with _no_pandas():
        from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(
        n_estimators=settings.n_estimators,
        max_depth=settings.max_depth,
        min_samples_split=settings.min_samples_split,
        min_samples_leaf=settings.min_samples_leaf,
        max_features=settings.max_features,
        monotonic_cst=rises,
        random_state=settings.random_state,
        n_jobs=1,
    )


def fit(settings: Training, rises: IntArray, X: Float32Array, y: FloatArray) -> RandomForestRegressor:
    """Fit a forest; with few rows its leaves shrink, so that it still has a dozen."""
    rows = max(1, min(BOOTSTRAP_ROWS, int(len(y) * BOOTSTRAP_SHARE)))
    leaf = max(1, min(settings.min_samples_leaf, rows // 12))
    forest = make_forest(settings, rises)
    return forest.set_params(min_samples_leaf=leaf, max_samples=rows).fit(X, y)


def train_athlete(data: AthleteData, settings: Training, rises: IntArray) -> Trained:
    """Judge a model on what was held out, then fit the one to deploy on everything.

    Raises:
        TrainingError: too few rows on one side.
    """
    began = time.perf_counter()
    parts = split(data, settings.holdout_fraction)
    predicted = fit(settings, rises, parts.train_X, parts.train_y).predict(parts.test_X)
    residuals = unseen_residuals(data.sessions, parts.test_y - predicted, settings, rises)
    holdout = judge(parts.test_y, predicted, baseline_errors(parts), parts.kind, coverage(residuals))
    X = np.concatenate([session.X for session in data.sessions])
    y = np.concatenate([session.y for session in data.sessions])
    final = fit(settings, rises, X, y)
    return Trained(
        forest=final,
        holdout=holdout,
        interval=quantiles(np.concatenate(residuals)),
        held_out=parts.held_out,
        test_X=parts.test_X,
        test_y=parts.test_y,
        check_rows=X[spread(len(X), AGREEMENT_ROWS)],
        curve=_curve(parts, predicted),
        importance=final.feature_importances_,
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
