"""The tables of perfect trees are Hummingbird's own, to the last bit."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from athlete_monitor.models.export import with_float32_thresholds
from athlete_monitor.models.perfect import perfect_tables

sklearn = pytest.importorskip("sklearn.ensemble")
hummingbird = pytest.importorskip("hummingbird.ml")

FEATURES = 5
SHAPES = {
    "trees of unequal depth": {"n_estimators": 7, "max_depth": 5, "min_samples_leaf": 9},
    "one level": {"n_estimators": 3, "max_depth": 1},
    "a single tree": {"n_estimators": 1, "max_depth": 6},
    "no split at all": {"n_estimators": 2, "min_samples_leaf": 400},
}


def hummingbirds(forest):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        settings = {"tree_implementation": "perf_tree_trav"}
        found = hummingbird.convert(forest, "torch", np.zeros((2, FEATURES), np.float32), extra_config=settings)
    return {name.rpartition("operators.0.")[2]: table.numpy() for name, table in found.model.state_dict().items()}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("kind", ["RandomForestRegressor", "ExtraTreesRegressor"])
def test_the_tables_are_those_of_hummingbird(kind, shape):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(500, FEATURES)).astype(np.float32)
    y = 120.0 + 30.0 * X[:, 0] - 10.0 * X[:, 1] * X[:, 2] + rng.normal(size=500)
    forest = with_float32_thresholds(getattr(sklearn, kind)(random_state=1, n_jobs=1, **shape).fit(X, y))
    tables, expected = perfect_tables([member.tree_ for member in forest.estimators_]), hummingbirds(forest)
    assert tables.keys() == expected.keys() - {"tree_indices"}
    for name, table in tables.items():
        assert (table.dtype, table.shape, table.tobytes()) == (
            expected[name].dtype,
            expected[name].shape,
            expected[name].tobytes(),
        )
