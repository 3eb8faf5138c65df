"""The contract of a runtime; every runtime passes all of it."""

from __future__ import annotations

import io
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athlete_monitor.errors import ModelError
from athlete_monitor.models.archive import torchscript_of
from athlete_monitor.models.device import made_up, step_s
from athlete_monitor.models.runtimes import configured_runtime, open_runtime
from tests.helpers import ROOT
from tests.models.kit import N_FEATURES, artifacts, forest, publish, rows, runtime, store_in

RUNTIMES = pytest.mark.parametrize("name", ["hummingbird", "onnx"])
SHAPES = [(1, 1), (3, 4), (60, 6), (61, 5), (10, 12)]


def load(name, trees=60, depth=6):
    chosen = runtime(name)
    return chosen.load(artifacts(trees, depth).by_kind()[chosen.kind], N_FEATURES)


@RUNTIMES
def test_it_predicts_what_scikit_learn_predicts(name):
    predicted = load(name).predict(rows(500))
    assert predicted.dtype == np.float32
    assert predicted.shape == (500,)
    assert np.abs(predicted - forest(60, 6).predict(rows(500))).max() <= 1e-3


@RUNTIMES
@pytest.mark.parametrize(("trees", "depth"), SHAPES)
def test_a_row_gets_the_same_bits_whatever_rows_are_beside_it(name, trees, depth):
    predictor, X = load(name, trees, depth), rows(1000)
    alone = np.concatenate([predictor.predict(X[i : i + 1]) for i in range(len(X))])
    for size in (2, 3, 7, 8, 16, 30, 31, 64, 127, 128, 129, 500, 1000):
        together = np.concatenate([predictor.predict(X[i : i + size]) for i in range(0, len(X), size)])
        assert np.array_equal(together, alone), size


@RUNTIMES
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_order_and_company_of_rows_do_not_matter(name, data):
    predictor, X = load(name), rows(200)
    chosen = data.draw(st.lists(st.integers(0, 199), min_size=1, max_size=150))
    assert np.array_equal(predictor.predict(X[chosen]), predictor.predict(X)[chosen])


@RUNTIMES
@pytest.mark.parametrize("missing", [np.nan, np.inf, -np.inf])
def test_a_row_with_a_missing_value_gives_nan_and_the_others_do_not_notice(name, missing):
    predictor, X = load(name), rows(30)
    expected = predictor.predict(X)
    for column in range(N_FEATURES):
        broken = X.copy()
        broken[5, column] = missing
        predicted = predictor.predict(broken)
        assert np.isnan(predicted[5])
        assert np.array_equal(np.delete(predicted, 5), np.delete(expected, 5))
    assert np.isnan(predictor.predict(np.full((3, N_FEATURES), missing, np.float32))).all()


@RUNTIMES
def test_huge_finite_values_are_no_missing_values(name):
    X = np.full((2, N_FEATURES), 3e38, np.float32)
    assert np.isfinite(load(name).predict(X)).all()


@RUNTIMES
def test_no_rows_give_no_predictions(name):
    assert load(name).predict(np.empty((0, N_FEATURES), np.float32)).shape == (0,)


@RUNTIMES
@pytest.mark.parametrize("shape", [(N_FEATURES,), (2, N_FEATURES + 1), (2, N_FEATURES - 1), (1, 2, N_FEATURES)])
def test_another_shape_is_an_error(name, shape):
    with pytest.raises(ModelError, match="the model takes"):
        load(name).predict(np.zeros(shape, np.float32))


@RUNTIMES
def test_layout_and_dtype_of_the_rows_do_not_matter_and_they_stay_as_they_are(name):
    predictor, X = load(name), rows(20)
    expected = predictor.predict(X)
    read_only = X.copy()
    read_only.flags.writeable = False
    for same in (np.asfortranarray(X), X.astype(np.float64), read_only, np.repeat(X, 2, axis=0)[::2]):
        assert np.array_equal(predictor.predict(same), expected)
    assert np.array_equal(X, rows(20))


@RUNTIMES
def test_the_answer_is_the_callers_own(name):
    predictor = load(name)
    first = predictor.predict(rows(3))
    kept = first.copy()
    predictor.predict(rows(3, seed=9))
    assert np.array_equal(first, kept)
    first[:] = 0
    assert np.array_equal(predictor.predict(rows(3)), kept)


@RUNTIMES
def test_many_threads_can_predict_at_once(name):
    predictor, X = load(name), rows(64)
    expected = predictor.predict(X)
    with ThreadPoolExecutor(8) as pool:
        for predicted in pool.map(predictor.predict, [X] * 64):
            assert np.array_equal(predicted, expected)


@RUNTIMES
@pytest.mark.parametrize("n_features", [1, N_FEATURES - 1])
def test_a_model_for_more_features_is_refused_at_load(name, n_features):
    chosen = runtime(name)
    with pytest.raises(ModelError, match="features"):
        chosen.load(artifacts(60, 6).by_kind()[chosen.kind], n_features)


@RUNTIMES
@pytest.mark.parametrize("content", [b"", b"x", b"PK\x03\x04" + bytes(100), bytes(5000)])
def test_what_is_no_model_is_refused_in_one_line(name, content):
    with pytest.raises(ModelError) as refusal:
        runtime(name).load(content, N_FEATURES)
    assert "\n" not in str(refusal.value)


def squad(levels_bpm, trees=7, depth=3):
    """Predictors that differ in their level."""
    chosen = runtime("hummingbird")
    return [chosen.load(artifacts(trees, depth, level).hummingbird_zip, N_FEATURES) for level in levels_bpm]


def join(predictors, chosen=None):
    joined = (chosen or runtime("hummingbird")).join(predictors)
    assert joined is not None
    return joined


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_joined_models_give_every_row_the_bits_that_its_own_model_gives_it(data):
    trees, depth = data.draw(st.sampled_from([(1, 1), (7, 3), (60, 6)]))
    predictors = squad((80.0, 120.0, 160.0, 200.0), trees, depth)
    which = np.array(data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=70)))
    X = rows(70)[: len(which)]
    X[data.draw(st.integers(0, len(X) - 1)), 3] = data.draw(st.sampled_from([0.5, np.nan, np.inf]))
    predicted = join(predictors).predict(X, which)
    alone = np.concatenate([predictors[which[i]].predict(X[i : i + 1]) for i in range(len(X))])
    assert predicted.dtype == np.float32
    assert np.array_equal(predicted, alone, equal_nan=True)


def test_joined_models_refuse_rows_of_another_shape():
    joined = join(squad((80.0, 120.0)))
    assert joined.predict(np.empty((0, N_FEATURES), np.float32), np.empty(0, np.int64)).shape == (0,)
    with pytest.raises(ModelError, match="the model takes"):
        joined.predict(np.zeros((2, N_FEATURES + 1), np.float32), np.zeros(2, np.int64))


def test_models_of_different_shapes_are_not_joined():
    chosen = runtime("hummingbird")
    assert chosen.join([*squad((80.0,)), *squad((80.0,), 7, 4)]) is None
    assert chosen.join([*squad((80.0,)), *squad((80.0,), 8, 3)]) is None
    deep = artifacts(10, 12).hummingbird_zip
    assert chosen.join([chosen.load(deep, N_FEATURES)] * 2) is None, "another layout"
    other = chosen.load(artifacts(7, 3, n_features=9).hummingbird_zip, 9)
    assert chosen.join([*squad((80.0,)), other]) is None


def onnx_squad(shapes):
    chosen = runtime("onnx")
    levels = (80.0, 120.0, 160.0, 200.0)
    return [
        chosen.load(artifacts(trees, depth, level).onnx, N_FEATURES)
        for (trees, depth), level in zip(shapes, levels, strict=True)
    ]


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_joined_onnx_models_give_every_row_the_bits_of_its_own_model_also_where_shapes_differ(data):
    shapes = data.draw(st.lists(st.sampled_from([(1, 1), (7, 3), (8, 3), (60, 6), (9, 10)]), min_size=4, max_size=4))
    predictors = onnx_squad(shapes)
    which = np.array(data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=70)))
    X = rows(70)[: len(which)]
    X[data.draw(st.integers(0, len(X) - 1)), 3] = data.draw(st.sampled_from([0.5, np.nan, np.inf]))
    predicted = join(predictors, runtime("onnx")).predict(X, which)
    alone = np.concatenate([predictors[which[i]].predict(X[i : i + 1]) for i in range(len(X))])
    assert predicted.dtype == np.float32
    assert np.array_equal(predicted, alone, equal_nan=True)


def test_onnx_models_that_have_no_tables_are_not_joined():
    chosen = runtime("onnx")
    usual, deep = load("onnx"), chosen.load(artifacts(10, 12).onnx, N_FEATURES)
    assert chosen.join([usual, deep]) is None
    assert chosen.join([usual, chosen.load(artifacts(7, 3, n_features=9).onnx, 9)]) is None
    assert join([usual, usual], chosen).predict(rows(2), np.array([0, 1])).tolist() == usual.predict(rows(2)).tolist()


@RUNTIMES
def test_without_cuda_the_cpu_serves_and_one_line_says_so(name, monkeypatch):
    if name == "hummingbird":
        monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    lines: list[str] = []
    assert open_runtime(name, "cuda", lines.append).device == "cpu"
    assert len(lines) == 1
    assert lines[0].startswith("model_loading.device: cuda is not")
    lines.clear()
    assert open_runtime(name, "cpu", lines.append).device == "cpu"
    assert lines == []
    assert open_runtime("onnx", "auto", lines.append).device == "cpu"
    assert lines == []


def test_cuda_predicts_what_the_cpu_predicts():
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    X = rows(1000)
    on_device = open_runtime("hummingbird", "cuda")
    assert on_device.device == "cuda"
    predictor = on_device.load(artifacts(60, 6).hummingbird_zip, N_FEATURES)
    predicted = predictor.predict(X)
    assert np.abs(predicted - load("hummingbird").predict(X)).max() <= 1e-3
    alone = np.concatenate([predictor.predict(X[i : i + 1]) for i in range(100)])
    assert np.array_equal(alone, predicted[:100])
    joined = join([predictor, predictor], on_device)
    assert np.array_equal(joined.predict(X, np.arange(1000) % 2), predicted)


def test_auto_takes_the_device_that_predicts_the_squad_faster():
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    for athletes in (1, 1000):
        measured = {device: step_s(athletes, device) for device in ("cpu", "cuda")}
        chosen = open_runtime("hummingbird", "auto", athletes=athletes).device
        assert measured[chosen] <= 2 * min(measured.values())


def test_a_step_is_measured_with_a_model_for_each_athlete():
    assert step_s(3, "cpu") > 0.0
    assert made_up(0, "cpu").shape[:2] == (60, 60 * 64)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("name", "absent"),
    [("onnx", {"torch", "sklearn", "pandas", "hummingbird", "onnx", "joblib", "scipy"}),
     ("hummingbird", {"sklearn", "pandas", "hummingbird", "onnxruntime", "joblib", "skl2onnx"})],
)  # fmt: skip
def test_the_live_process_imports_no_library_that_its_runtime_does_not_need(tmp_path, name, absent):
    publish(store_in(tmp_path))
    program = f"""
import sys
import numpy as np
from dynamic_model_loader import DynamicModelLoader
loader = DynamicModelLoader({str(tmp_path / "updated")!r}, runtime={name!r})
assert np.isfinite(loader.get_model(player_id=7).predict(np.zeros((3, {N_FEATURES}), np.float32))).all()
loader.get_cache_info()
print(*sorted({{module.split(".")[0] for module in sys.modules}} & {absent!r}))
"""
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


def test_the_configuration_chooses_runtime_and_device(sample_config):
    lines: list[str] = []
    onnx = configured_runtime(sample_config(model_loading={"runtime": "onnx"}), lines.append)
    assert (onnx.name, onnx.device) == ("onnx", "cpu")
    undetected = sample_config(model_loading={"device": "auto"}, jetson={"device_detection": False})
    assert configured_runtime(undetected, lines.append).device == "cpu"
    assert lines == []


@pytest.mark.parametrize(("trees", "depth"), SHAPES)
def test_a_hummingbird_model_gives_the_bits_of_its_script_from_its_tables(trees, depth):
    torch = pytest.importorskip("torch")
    archive = artifacts(trees, depth).hummingbird_zip
    script = torch.jit.load(io.BytesIO(torchscript_of(archive))).eval()
    model = runtime("hummingbird").load(archive, N_FEATURES)
    for n in (1, 2, 3, 9, 100):
        X = rows(n, seed=n) * 10.0
        with torch.inference_mode():
            assert model.predict(X).tobytes() == script(torch.from_numpy(X)).numpy().tobytes()
