"""Random forest: each tree is fitted to its own sample of the rows, the prediction is the mean of all trees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from athlete_monitor.models.binned import empty_forest, grow_forest, is_possible
from athlete_monitor.models.export import export_trees, importance_of_trees, leaf_rows, shape_of_trees
from athlete_monitor.models.kind import ModelKind
from athlete_monitor.models.parts import of_trees

if TYPE_CHECKING:
    from athlete_monitor.models.kind import Task

BOOTSTRAP_SHARE: Final = 0.5
BOOTSTRAP_ROWS: Final = 3000
"""Each tree uses half of the rows, and at most this many: rows a second apart are nearly equal."""


def fit(task: Task) -> Any:  # noqa: ANN401 - scikit-learn is loaded where it is used
    """Fit a forest; with few rows its leaves shrink, so that it still has a dozen.

    One thread, because athletes are trained in parallel processes.
    """
    rows = max(1, min(BOOTSTRAP_ROWS, int(len(task.y) * BOOTSTRAP_SHARE)))
    least = leaf_rows(task.shape, rows)
    return (fit_sorting if task.exact or not is_possible() else grow_forest)(task, rows, least)


def fit_sorting(task: Task, rows_of_a_tree: int, least_leaf: int) -> Any:  # noqa: ANN401
    """Fit the forest as scikit-learn does, which sorts the rows of every node by each feature."""
    return empty_forest(task, rows_of_a_tree, least_leaf).fit(task.X, task.y, task.weight)


KIND: Final = ModelKind(
    "random_forest", "random forest", fit, export_trees, importance_of_trees, shape_of_trees, of_trees
)
