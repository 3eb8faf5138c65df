"""A tree is grown as scikit-learn grows it: the same nodes, rows and values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athlete_monitor.models.binned import BINS, binned
from athlete_monitor.models.growing import NO_NODE, as_arrays, grown

grower_module = pytest.importorskip("sklearn.ensemble._hist_gradient_boosting.grower")
FEATURES = 6


def beginning(rows, seed, direction, *, depth, least_leaf):
    """A grower and the edges of its bins; equal arguments give equal ones."""
    rng = np.random.default_rng(seed)
    X = np.round(rng.normal(size=(rows, FEATURES)), 1).astype(np.float32)
    y = X[:, 0] - X[:, 1] * X[:, 2] + rng.normal(size=rows)
    bins = binned(X)
    grower = grower_module.TreeGrower(
        bins.X,
        (-y).astype(np.float32),
        np.ones(rows, np.float32),
        max_depth=depth,
        min_samples_leaf=least_leaf,
        n_bins=BINS + 1,
        n_bins_non_missing=[len(edges) + 1 for edges in bins.edges],
        monotonic_cst=np.array([direction, 0, -direction, 0, 0, 0]),
        feature_fraction_per_split=0.5,
        rng=np.random.default_rng(seed),
        n_threads=1,
    )
    return grower, bins


@given(st.integers(1, 400), st.integers(0, 99), st.integers(-1, 1), st.integers(1, 6), st.integers(1, 30))
@settings(max_examples=40, deadline=None)
def test_a_tree_is_that_of_scikit_learns_grower(rows, seed, direction, depth, least_leaf):
    shape = {"depth": depth, "least_leaf": least_leaf}
    theirs, bins = beginning(rows, seed, direction, **shape)
    theirs.grow()
    predictor = theirs.make_predictor(bins.edges)
    nodes = predictor.nodes
    leaf = nodes["is_leaf"] > 0
    ours = as_arrays(grown(beginning(rows, seed, direction, **shape)[0]), bins.edges)
    assert np.array_equal(ours.left, np.where(leaf, NO_NODE, nodes["left"].astype(np.int64)))
    assert np.array_equal(ours.right, np.where(leaf, NO_NODE, nodes["right"].astype(np.int64)))
    assert np.array_equal(ours.feature, np.where(leaf, 0, nodes["feature_idx"]))
    assert np.array_equal(ours.threshold, np.where(leaf, 0.0, nodes["num_threshold"]))
    assert np.array_equal(ours.value, nodes["value"])
    assert np.array_equal(ours.count, nodes["count"])
    assert ours.depth == nodes["depth"].max()
    assert leaf[ours.leaf_of].all()
    assert np.array_equal(np.bincount(ours.leaf_of, minlength=len(nodes))[leaf], nodes["count"][leaf])
    assert np.array_equal(nodes["value"][ours.leaf_of], predictor.predict_binned(bins.X, BINS, 1))
