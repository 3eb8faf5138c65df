"""Extremely randomised trees: every tree uses all rows and splits at random places, which smooths the prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from athlete_monitor.models.export import export_trees, importance_of_trees, leaf_rows, shape_of_trees
from athlete_monitor.models.kind import ModelKind, no_pandas
from athlete_monitor.models.parts import of_trees

if TYPE_CHECKING:
    from athlete_monitor.models.kind import Task


def fit(task: Task) -> Any:  # noqa: ANN401 - scikit-learn is loaded where it is used
    """Fit the trees; with few rows their leaves shrink, so that a tree still has a dozen."""
    with no_pandas():
        from sklearn.ensemble import ExtraTreesRegressor

    shape = task.shape
    return ExtraTreesRegressor(
        n_estimators=shape.n_estimators,
        max_depth=shape.max_depth,
        min_samples_split=shape.min_samples_split,
        min_samples_leaf=leaf_rows(shape, len(task.y) // 2),
        max_features=shape.max_features,
        monotonic_cst=task.rises if task.rises.any() else None,
        random_state=shape.random_state,
        n_jobs=1,
    ).fit(task.X, task.y, task.weight)


KIND: Final = ModelKind("extra_trees", "extra trees", fit, export_trees, importance_of_trees, shape_of_trees, of_trees)
