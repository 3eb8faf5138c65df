"""Extra trees and a straight line, averaged: trees fit curves, the line extrapolates where trees have few rows.

The weights of both, and whether the trees must rise with effort, are chosen on held-out sessions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from athlete_monitor.models.export import exported, importance_of_trees, pickled, shape_of_trees
from athlete_monitor.models.kind import ModelKind
from athlete_monitor.models.kinds import extra_trees
from athlete_monitor.models.line import LineModel, fit_line, whole
from athlete_monitor.models.parts import EnsembleParts, of_trees

if TYPE_CHECKING:
    from collections.abc import Iterator

    from athlete_monitor.arrays import Float32Array, FloatArray, IntArray
    from athlete_monitor.models.kind import Artifacts, Task

PENALTY: Final = 10.0
"""Penalty of the line, for a thousand rows."""

SHARES: Final = (0.5, 0.25, 0.75, 0.0, 1.0)
"""Candidate shares of the trees; the first one is kept unless another is significantly better."""

LEAST_SESSIONS: Final = 3
MOST_FOLDS: Final = 4
FOLD_ROWS: Final = 3000
FOLD_TREES: Final = 20
"""Rows and trees of the models for this choice: they rank candidates as reliably as full ones."""


@dataclass(frozen=True)
class ForestAndLine:
    """A weighted mean: ``share`` of the trees, the rest of the line."""

    trees: Any
    line: LineModel
    share: float

    @property
    def n_features_in_(self) -> int:
        """Columns of X."""
        return self.line.n_features_in_

    def predict(self, X: Float32Array) -> FloatArray:
        """Heart rates, bpm, [n], of rows float32 [n, F]."""
        blended: FloatArray = self.share * self.trees.predict(X) + (1.0 - self.share) * self.line.predict(X)
        return blended


def fit(task: Task) -> ForestAndLine:
    """Choose on held-out sessions, then fit both parts to all rows."""
    share, rises = _decide(task)
    chosen = task if rises else _free(task)
    return ForestAndLine(extra_trees.fit(chosen), fit_line(task.X, task.y, task.weight, PENALTY), share)


def _free(task: Task) -> Task:
    return replace(task, rises=np.zeros_like(task.rises))


def _decide(task: Task) -> tuple[float, bool]:
    """Share of the trees, and whether they must rise with effort.

    With fewer than ``LEAST_SESSIONS`` there is no choice: half and half, and with a single session the trees are
    constrained to rise, which prevents overfitting to the few activities of one session.
    """
    sessions = len(np.unique(task.session))
    if sessions < LEAST_SESSIONS:
        return SHARES[0], sessions == 1 and bool(task.rises.any())
    folds = list(_folds(task.session))
    errors = np.array([_fold_errors(task, left_out) for left_out in folds])  # [fold, free or rising, share]
    rises = bool(task.rises.any()) and _wins(errors[:, 0, 0], errors[:, 1, 0])
    of_shares = errors[:, int(rises)]
    best = int(of_shares.mean(axis=0).argmin())
    return SHARES[best if _wins(of_shares[:, 0], of_shares[:, best]) else 0], rises


def _wins(usual: FloatArray, other: FloatArray) -> bool:
    """Whether ``other`` has smaller errors [fold] than ``usual`` by more than one standard error of the difference."""
    gain = usual - other
    return bool(gain.mean() > gain.std(ddof=1) / np.sqrt(len(gain)))


def _folds(session: IntArray) -> Iterator[IntArray]:
    """Rows of each fold: whole sessions, with neighbouring sessions in the same fold."""
    numbers = np.unique(session)
    edges = np.linspace(0, len(numbers), min(len(numbers), MOST_FOLDS) + 1).round().astype(int)
    for begin, end in pairwise(edges):
        yield np.flatnonzero(np.isin(session, numbers[begin:end]))


def _fold_errors(task: Task, left_out: IntArray) -> list[list[float]]:
    """Mean absolute error on the held-out rows, bpm, for free and rising trees and each share."""
    others = np.setdiff1d(np.arange(len(task.y)), left_out)
    learned, judged = _thin(others), _thin(left_out)
    small = replace(
        task,
        X=task.X[learned],
        y=task.y[learned],
        weight=task.weight[learned],
        session=task.session[learned],
        shape=_FewTrees(task.shape),
    )
    X, y = task.X[judged], task.y[judged]
    line = fit_line(small.X, small.y, small.weight, PENALTY).predict(X)
    free = extra_trees.fit(_free(small)).predict(X)
    rising = extra_trees.fit(small).predict(X) if task.rises.any() else free
    return [
        [float(np.abs(share * trees + (1.0 - share) * line - y).mean()) for share in SHARES] for trees in (free, rising)
    ]


def _thin(rows: IntArray) -> IntArray:
    step = max(1, -(-len(rows) // FOLD_ROWS))
    return rows[::step]


class _FewTrees:
    """The same shape with few trees."""

    def __init__(self, shape: Any) -> None:  # noqa: ANN401
        self._shape = shape
        self.n_estimators = min(shape.n_estimators, FOLD_TREES)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._shape, name)


def export(model: ForestAndLine) -> Artifacts:
    """Export both parts as one: leaves and weights are scaled by their shares, so that prediction only adds them."""
    return exported(model.trees, pickled(model), whole(model.line, 1.0 - model.share), model.share)


def importance(model: ForestAndLine) -> FloatArray:
    """Importance of each feature, [F]: for the trees by their splits, for the line by its standardised weights."""
    weights = np.abs(model.line.weight)
    of_line = weights / max(float(weights.sum()), 1e-9)
    blended: FloatArray = model.share * importance_of_trees(model.trees) + (1.0 - model.share) * of_line
    return blended


def facts(model: ForestAndLine) -> dict[str, Any]:
    """The trees' shape and share."""
    return {**shape_of_trees(model.trees), "share_of_trees": model.share, "line_penalty": PENALTY}


def parts(model: ForestAndLine) -> EnsembleParts:
    """Both parts with the share of the trees."""
    return EnsembleParts(of_trees(model.trees).trees, model.line, model.share)


KIND: Final = ModelKind("forest_and_line", "extra trees and a straight line", fit, export, importance, facts, parts)
