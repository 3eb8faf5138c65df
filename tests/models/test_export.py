from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestRegressor

from athlete_monitor.errors import ModelError
from athlete_monitor.models.export import (
    AGREEMENT_BPM,
    check_agreement,
    export_trees,
    importance_of_trees,
    pickled,
    with_float32_thresholds,
)
from athlete_monitor.models.flat_trees import float32_at_most
from tests.models.kit import N_FEATURES, artifacts, forest, rows, runtime


@pytest.mark.parametrize(("trees", "depth"), [(1, 1), (7, 3), (60, 6), (10, 12)])
def test_every_export_agrees_with_scikit_learn(trees, depth):
    differences = check_agreement(forest(trees, depth), artifacts(trees, depth), rows(1000))
    assert set(differences) == {"hummingbird", "onnx"}
    assert max(differences.values()) <= AGREEMENT_BPM


def test_a_forest_that_learned_a_constant_agrees_too():
    constant = RandomForestRegressor(3).fit(rows(50), np.full(50, 120.0))
    assert check_agreement(constant, export_trees(constant), rows(100)) == {"hummingbird": 0, "onnx": 0}


@pytest.mark.parametrize(("trees", "depth"), [(1, 1), (7, 3), (60, 6), (9, 10)])
def test_the_traversal_has_the_bits_of_hummingbirds_own(trees, depth):
    ml = pytest.importorskip("hummingbird.ml")
    rounded, X = with_float32_thresholds(forest(trees, depth)), rows(40)
    layout = {"tree_implementation": "perf_tree_trav"}
    theirs = ml.convert(rounded, "torch", X[:2], extra_config=layout)
    ours = runtime("hummingbird").load(artifacts(trees, depth).hummingbird_zip, N_FEATURES)
    for n in (1, 2, 3, 40):
        assert np.array_equal(ours.predict(X[:n]), theirs.predict(X[:n]))


def test_a_pickle_has_the_same_bytes_after_a_way_through_other_processes():
    model = forest(7, 3)
    once = pickle.loads(pickle.dumps(model))
    buffers: list[pickle.PickleBuffer] = []
    content = pickle.dumps(once, protocol=5, buffer_callback=buffers.append)
    apart = pickle.loads(content, buffers=buffers)
    assert pickled(model) == pickled(once) == pickled(apart)
    assert np.array_equal(pickle.loads(pickled(model)).predict(rows(40)), model.predict(rows(40)))


def test_a_difference_is_an_error():
    with pytest.raises(ModelError, match="export differs by"):
        check_agreement(forest(level_bpm=120.0), artifacts(level_bpm=121.0), rows(100))


def test_the_pickle_is_the_forest_itself():
    restored = pickle.loads(artifacts().pickle)
    assert np.array_equal(restored.predict(rows(20)), forest().predict(rows(20)))


def test_exporting_leaves_the_forest_as_it_was():
    original = forest(7, 3)
    before = original.predict(rows(100))
    export_trees(original)
    assert np.array_equal(original.predict(rows(100)), before)


def test_values_beside_a_threshold_take_the_branch_that_scikit_learn_takes():
    low = np.float32(1.0)
    high = np.nextafter(low, np.float32(2.0))
    X = np.array([[low], [high]] * 20, np.float32)
    split = RandomForestRegressor(5, bootstrap=False).fit(X, np.where(X[:, 0] > low, 180.0, 60.0))
    check_agreement(split, export_trees(split), X)


@given(st.floats(-1e30, 1e30), st.floats(-(2.0**100), 2.0**100, width=32))
@settings(max_examples=300)
def test_a_rounded_threshold_splits_float32_values_as_the_exact_one_does(threshold, x):
    rounded = float32_at_most(np.array([threshold]))[0]
    nearest = np.float32(threshold)
    for value in (np.float32(x), nearest, np.nextafter(nearest, np.float32(np.inf))):
        assert (value <= rounded) == (float(value) <= threshold)


def test_hummingbird_itself_can_load_the_archive(tmp_path):
    hummingbird = pytest.importorskip("hummingbird.ml")
    path = tmp_path / "hb_7_model.zip"
    path.write_bytes(artifacts().hummingbird_zip)
    container = hummingbird.load(str(path), override_flag=True)
    ours = runtime("hummingbird").load(artifacts().hummingbird_zip, N_FEATURES)
    assert np.array_equal(container.predict(rows(50)), ours.predict(rows(50)))


@pytest.mark.parametrize(("trees", "depth"), [(1, 1), (7, 3), (60, 6), (10, 12)])
def test_the_onnx_model_has_the_operator_and_the_numbers_of_the_usual_converter(trees, depth):
    onnx, skl2onnx = pytest.importorskip("onnx"), pytest.importorskip("skl2onnx")
    kinds = [("X", skl2onnx.common.data_types.FloatTensorType([None, N_FEATURES]))]
    options = {"initial_types": kinds, "target_opset": {"": 15, "ai.onnx.ml": 3}}
    theirs = skl2onnx.to_onnx(with_float32_thresholds(forest(trees, depth)), **options).graph
    ours = onnx.load_from_string(artifacts(trees, depth).onnx).graph
    assert [node.op_type for node in ours.node] == [node.op_type for node in theirs.node]
    assert _attributes(ours.node[0]) == _attributes(theirs.node[0])
    assert [_shape(each) for each in ours.output] == [_shape(each) for each in theirs.output]


def _attributes(node):
    return {each.name: (each.type, each.SerializeToString()) for each in node.attribute}


def _shape(value):
    return value.name, [axis.dim_value for axis in value.type.tensor_type.shape.dim]


def test_an_exported_model_is_a_valid_onnx_model():
    onnx = pytest.importorskip("onnx")
    onnx.checker.check_model(onnx.load_from_string(artifacts(7, 3).onnx), full_check=True)


@pytest.mark.parametrize(("trees", "depth"), [(1, 1), (7, 3)])
def test_the_importance_of_features_is_that_of_scikit_learn(trees, depth):
    assert np.array_equal(importance_of_trees(forest(trees, depth)), forest(trees, depth).feature_importances_)


def test_a_forest_without_any_split_finds_no_feature_important():
    constant = RandomForestRegressor(3).fit(rows(50), np.full(50, 120.0))
    assert not importance_of_trees(constant).any()


def test_an_archive_is_made_without_files_and_hummingbird_loads_it(tmp_path, monkeypatch):
    ml = pytest.importorskip("hummingbird.ml")
    with monkeypatch.context() as patched:
        patched.setattr("tempfile.tempdir", str(tmp_path / "there is no such folder"))
        archive = export_trees(forest(7, 3)).hummingbird_zip
    path = tmp_path / "model.zip"
    path.write_bytes(archive)
    theirs = ml.load(str(path), override_flag=True).predict(rows(40))
    assert np.array_equal(theirs, runtime("hummingbird").load(archive, N_FEATURES).predict(rows(40)))
