"""Random forest: each tree is fitted to its own sample of the rows, the prediction is the mean of all trees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from athlete_monitor.models.export import export_trees, importance_of_trees, leaf_rows, shape_of_trees
from athlete_monitor.models.kind import Kind, no_pandas

if TYPE_CHECKING:
    from athlete_monitor.models.kind import Task

BOOTSTRAP_SHARE: Final = 0.5
BOOTSTRAP_ROWS: Final = 3000
"""Each tree uses half of the rows, and at most this many: rows a second apart are nearly equal."""


def fit(task: Task) -> Any:  # noqa: ANN401 - scikit-learn is loaded where it is used
    """Fit a forest; with few rows its leaves shrink, so that it still has a dozen.

    One thread, because athletes are trained in parallel processes.
    """
    with no_pandas():
        from sklearn.ensemble import RandomForestRegressor

    shape = task.shape
    rows = max(1, min(BOOTSTRAP_ROWS, int(len(task.y) * BOOTSTRAP_SHARE)))
    return RandomForestRegressor(
        n_estimators=shape.n_estimators,
        max_depth=shape.max_depth,
        min_samples_split=shape.min_samples_split,
        min_samples_leaf=leaf_rows(shape, rows),
        max_features=shape.max_features,
        max_samples=rows,
        monotonic_cst=task.rises if task.rises.any() else None,
        random_state=shape.random_state,
        n_jobs=1,
    ).fit(task.X, task.y, task.weight)


KIND: Final = Kind("random_forest", "random forest", fit, export_trees, importance_of_trees, shape_of_trees)
