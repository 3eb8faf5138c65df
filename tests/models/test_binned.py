"""Trees grown on features in bins: what the bins are, and that the forest is an ordinary one."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from athlete_monitor.models import binned as binning
from athlete_monitor.models.binned import binned, grow_forest
from athlete_monitor.models.kind import Task
from athlete_monitor.models.kinds import random_forest
from tests.models.kit import N_FEATURES

SHAPE = SimpleNamespace(
    n_estimators=5, max_depth=4, min_samples_split=8, min_samples_leaf=10, max_features=0.5, random_state=1
)


def task(rising: bool = False, seed: int = 3) -> Task:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(800, N_FEATURES)).astype(np.float32)
    rises = np.zeros(N_FEATURES, dtype=np.int64)
    rises[0] = int(rising)
    y = 120.0 + 20.0 * np.tanh(X[:, 0]) + 6.0 * X[:, 1]
    return Task(X, y, rng.uniform(0.5, 1.5, 800), np.zeros(800, dtype=np.int64), rises, SHAPE)


@given(arrays(np.float32, (50, 2), elements=st.floats(-1e6, 1e6, width=32)), st.integers(2, 20))
@settings(deadline=None)
def test_a_rows_bin_says_which_edges_it_is_above(X, bins):
    found = binned(X, bins)
    for feature, edges in enumerate(found.edges):
        assert len(edges) < bins
        assert (np.diff(edges) > 0.0).all()
        assert np.array_equal(found.X[:, feature], (X[:, feature, None] > edges).sum(axis=1))


@given(arrays(np.float32, 60, elements=st.sampled_from([np.float32(v) for v in (-1.0, 0.0, 0.5, 2.0, 9.0)])))
@settings(deadline=None)
def test_few_different_values_have_a_bin_each(values):
    found = binned(values[:, None])
    assert len(np.unique(found.X)) == len(np.unique(values))


def test_many_rows_are_shared_out_evenly():
    found = binned(np.random.default_rng(1).normal(size=(6400, 1)).astype(np.float32), 64)
    assert np.bincount(found.X[:, 0]).tolist() == [100] * 64


def test_each_node_holds_the_mean_and_variance_of_its_rows():
    asked = task()
    tree = grow_forest(asked, 400, 10).estimators_[0].tree_
    inner = tree.children_left >= 0
    for name in ("weighted_n_node_samples", "n_node_samples"):
        values = getattr(tree, name)
        assert values[inner] == pytest.approx(
            values[tree.children_left[inner]] + values[tree.children_right[inner]], rel=1e-9
        )
    assert tree.n_node_samples[~inner].min() >= 10
    weight, value = tree.weighted_n_node_samples, tree.value[:, 0, 0]
    of_leaves = (weight[~inner] * value[~inner]).sum() / weight[~inner].sum()
    assert value[0] == pytest.approx(of_leaves, abs=1e-3), "without a constraint leaves are means"
    assert (tree.impurity >= 0.0).all()
    assert tree.max_depth <= 4


def test_trees_differ_and_the_seed_decides():
    forest = grow_forest(task(), 400, 10)
    roots = {float(tree.tree_.threshold[0]) for tree in forest.estimators_}
    assert len(roots) > 1
    again = grow_forest(task(), 400, 10)
    assert np.array_equal(forest.predict(task().X), again.predict(task().X))


def test_the_most_important_features_are_those_that_matter():
    importance = random_forest.KIND.importance(random_forest.fit(task()))
    assert set(np.argsort(importance)[-2:].tolist()) == {0, 1}


def test_it_is_about_as_accurate_as_a_forest_that_sorts():
    asked, fresh = task(rising=True), task(seed=4)
    errors = [
        np.abs(grow(asked, 400, 10).predict(fresh.X) - fresh.y).mean()
        for grow in (grow_forest, random_forest.fit_sorting)
    ]
    assert errors[0] < 1.15 * errors[1]


def test_where_scikit_learn_lacks_the_part_its_own_forest_is_fitted(monkeypatch):
    def missing():
        raise ImportError

    exact = random_forest.fit(replace(task(), exact=True))
    monkeypatch.setattr(binning, "_grower", missing)
    model = random_forest.fit(task())
    assert np.array_equal(model.predict(task().X), exact.predict(task().X))
    assert np.abs(model.predict(task().X) - task().y).mean() < 8.0
