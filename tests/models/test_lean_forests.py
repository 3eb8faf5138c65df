"""An ONNX model as tables gives the bits of ONNX Runtime's session; another form of file stays a session."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athlete_monitor.models import lean_forests, onnx_tables
from athlete_monitor.models.kind import Task
from athlete_monitor.models.kinds import kind_of
from athlete_monitor.models.lean_forests import ROWS_AT_ONCE, LeanForests
from athlete_monitor.models.limits import accept_all
from athlete_monitor.models.onnx_tables import tables_in_onnx
from athlete_monitor.models.reader import ModelReader
from tests.models.kit import N_FEATURES, artifacts, publish, rows, runtime, store_in

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


class Shape:
    n_estimators, max_depth, min_samples_split, min_samples_leaf, max_features, random_state = 20, 5, 8, 5, 0.5, 1


def by_the_session(content, X):
    """On one thread, as in use: several threads add up the trees in another order."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return session.run(None, {"X": X})[0].reshape(-1)


def by_the_tables(content, X):
    tables = tables_in_onnx(content, X.shape[1])
    assert tables is not None
    return LeanForests([tables])(X, np.zeros(len(X), dtype=np.int64))


@pytest.mark.parametrize(("trees", "depth"), [(1, 1), (7, 3), (60, 6), (9, 10)])
@pytest.mark.parametrize("n", [1, 2, 31, 500])
def test_tables_give_the_bits_of_the_session(trees, depth, n):
    content, X = artifacts(trees, depth).onnx, rows(n, seed=5)
    assert np.array_equal(by_the_tables(content, X), by_the_session(content, X))


@pytest.mark.parametrize("kind", ["forest_and_line", "extra_trees", "random_forest"])
def test_every_kind_of_model_has_tables_with_the_bits_of_its_session(kind):
    X = rows(400, seed=2)
    y = 120.0 + 20.0 * np.tanh(X[:, 0]) + 5.0 * X[:, 1] * X[:, 2]
    session = np.repeat(np.arange(4), 100)
    task = Task(X, y, np.ones(400), session, np.zeros(N_FEATURES, dtype=np.int64), Shape())
    content = kind_of(kind).export(kind_of(kind).fit(task)).onnx
    far = 100.0 * rows(300, seed=9)
    for asked in (X, far):
        assert np.array_equal(by_the_tables(content, asked), by_the_session(content, asked))


def test_many_rows_are_evaluated_in_parts_with_the_same_bits():
    content, X = artifacts(7, 3).onnx, rows(2 * ROWS_AT_ONCE + 3, seed=4)
    assert np.array_equal(by_the_tables(content, X), by_the_session(content, X))


def test_trees_that_are_too_deep_and_other_operators_have_no_tables():
    assert tables_in_onnx(artifacts(3, 12).onnx, N_FEATURES) is None
    model = onnx.load_from_string(artifacts(3, 3).onnx)
    model.graph.node[0].attribute.add(name="aggregate_function", type=onnx.AttributeProto.STRING, s=b"MAX")
    assert tables_in_onnx(model.SerializeToString(), N_FEATURES) is None
    assert tables_in_onnx(artifacts(3, 3).onnx, 1) is None, "it uses more features"


def test_many_flat_trees_beside_a_deep_one_make_no_huge_tables(monkeypatch):
    monkeypatch.setattr(onnx_tables, "MOST_LEAVES", 60 * 64)
    assert tables_in_onnx(artifacts(60, 6).onnx, N_FEATURES) is not None
    assert tables_in_onnx(artifacts(61, 6).onnx, N_FEATURES) is None


def test_forests_of_very_different_sizes_are_not_joined(monkeypatch):
    monkeypatch.setattr(lean_forests, "SMALL_LEAVES", 1000)
    load = runtime("onnx").load
    small, large = load(artifacts(3, 2).onnx, N_FEATURES), load(artifacts(60, 6).onnx, N_FEATURES)
    assert runtime("onnx").join([small, small, large, large]) is not None
    assert runtime("onnx").join([*[small] * 20, large]) is None


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_damaged_file_has_no_tables_or_has_the_bits_of_its_session(data):
    content, X = bytearray(artifacts(3, 3).onnx), rows(20)
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    tables = tables_in_onnx(bytes(content), N_FEATURES)
    if tables is not None:
        assert LeanForests([tables])(X, np.zeros(20, dtype=np.int64)).shape == (20,)


def test_the_memory_of_a_model_is_that_of_its_tables_and_not_of_the_session_that_checked_them(tmp_path):
    publish(store_in(tmp_path))
    reader = ModelReader(store_in(tmp_path), runtime("onnx"), accept_all, iter(range(0, 10**12, 10**9)).__next__)
    model = reader.load(7)
    assert 0 < model.held_bytes < 100_000
