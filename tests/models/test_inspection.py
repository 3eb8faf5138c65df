from __future__ import annotations

import json

import pytest

import dynamic_model_loader
from athlete_monitor.config import load_config
from athlete_monitor.models.inspection import wide_rows
from athlete_monitor.models.store import ModelStore
from tests.models.kit import artifacts, draft, publish

NONE = (
    "{}/athlete_models_tensors_updated: no models yet; "
    "python3 sup_ml_rf_training.py trains them from the athletes' sessions\n"
)


@pytest.fixture
def path(make_config):
    return make_config(model_loading={"runtime": "onnx"})


@pytest.fixture
def store(path):
    store = ModelStore.from_config(load_config(path))
    for athlete in (1, 2, "default"):
        publish(store, athlete)
    return store


def run(path, capsys, *arguments):
    code = dynamic_model_loader.main([*arguments, "--config", str(path)])
    return code, *capsys.readouterr()


def test_info_lists_every_model(path, store, capsys):
    publish(store, 2)
    code, out, _ = run(path, capsys, "info", "--json")
    report = json.loads(out)
    assert code == 0
    assert [model["athlete_id"] for model in report["models"]] == [1, 2, "default"]
    assert [len(model["earlier_versions"]) for model in report["models"]] == [0, 1, 0]
    assert report["models"][0]["holdout_mae_bpm"] == 3.0
    _, out, _ = run(path, capsys, "info")
    assert out.count("athlete_id=") == 3


def test_check_finds_everything_right(path, store, capsys):
    code, out, _ = run(path, capsys, "check", "--json")
    report = json.loads(out)
    assert code == 0
    assert report["ok"]
    assert all(model["problems"] == [] and model["difference_bpm"] < 1e-3 for model in report["models"])


@pytest.mark.parametrize("name", ["hb_2_model.zip", "hb_2_model.onnx", "hb_2_model.json"])
def test_check_names_the_file_that_is_not_right(path, store, capsys, name):
    (store.updated / name).write_bytes(b"x")
    code, out, _ = run(path, capsys, "check")
    assert code == 1
    assert "ok: False" in out
    (line,) = [line for line in out.splitlines() if name in line]
    assert line.startswith("athlete_id=2")


def test_check_finds_exports_that_do_not_agree(path, store, capsys):
    mixed = {"hummingbird": artifacts(level_bpm=120.0).hummingbird_zip, "onnx": artifacts(level_bpm=121.0).onnx}
    store.publish(draft(2), mixed)
    code, out, _ = run(path, capsys, "check")
    assert code == 1
    assert "the exports differ by 1" in out


def test_bench_measures_the_configured_runtime(path, store, capsys):
    code, out, _ = run(path, capsys, "bench", "--json")
    report = json.loads(out)
    assert code == 0
    assert report["runtime"] == "onnx"
    assert report["models"] == 2
    assert min(report[key] for key in ("cached_get_us", "one_row_us", "cold_load_ms", "rss_mb")) > 0


def test_bench_without_a_model_is_one_line_and_a_failure(path, capsys):
    code, out, err = run(path, capsys, "bench", "--json")
    assert (code, out) == (1, "")
    assert err == NONE.format(path.parent)


def test_check_without_a_model_says_so_in_one_line_and_fails(path, capsys):
    code, out, err = run(path, capsys, "check")
    assert (code, out, err) == (1, NONE.format(path.parent), "")


def test_info_without_a_model_says_so_in_one_line_and_is_no_failure(path, capsys):
    code, out, err = run(path, capsys, "info")
    assert (code, out, err) == (0, NONE.format(path.parent), "")


def test_json_without_a_model_has_the_keys_that_it_has_with_one(path, capsys, request):
    without = {command: json.loads(run(path, capsys, command, "--json")[1]) for command in ("info", "check")}
    request.getfixturevalue("store")
    for command, report in without.items():
        full = json.loads(run(path, capsys, command, "--json")[1])
        assert list(full) == list(report)
        assert full["problem"] is None
        assert report["problem"] == NONE.format(path.parent).strip()
        assert report["models"] == []
    assert without["check"]["ok"] is False


def test_the_exit_codes_stand_in_the_help(capsys):
    with pytest.raises(SystemExit):
        dynamic_model_loader.main(["--help"])
    told = capsys.readouterr().out
    assert "1 a model is damaged (check) or there is none (check, bench)" in " ".join(told.split())
    assert max(map(len, told.partition("positional")[0].splitlines())) <= 80


def test_a_wrong_configuration_is_one_line_and_its_exit_code(tmp_path, capsys):
    code, _, err = run(tmp_path / "none.yaml", capsys, "info")
    assert code == 2
    assert "none.yaml" in err


def test_the_rows_of_a_check_reach_far_and_are_the_same_every_time():
    X = wide_rows(1000, 5)
    assert (wide_rows(1000, 5) == X).all()
    assert abs(X).max() > 500
    assert 0 < abs(X).min() < 0.01
