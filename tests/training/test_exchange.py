"""Sessions and models in a store: fetched once, delivered as they are made, taken over by another machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from athlete_monitor.config import load_config
from athlete_monitor.models.store import ModelStore
from athlete_monitor.training.command import main
from tests.batch.s3_kit import s3_server
from tests.training.builders import write_session

fsspec = pytest.importorskip("fsspec", reason="fsspec reads URLs; it comes with PyTorch, or with [league]")


@pytest.fixture
def files():
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    yield memory
    memory.store.clear()


@pytest.fixture
def config_file(make_config, free_port):
    return make_config(
        training={"n_estimators": 6, "n_jobs": 1},
        mqtt={"port": free_port},
        retraining={"min_samples_threshold": 120},
        prediction_check={"prediction_script_names": []},
    )


@pytest.fixture
def train(config_file, capsys):
    def run(root, *arguments):
        code = main(["--config", str(config_file), "--root", str(root), *map(str, arguments)])
        out, err = capsys.readouterr()
        return code, out.splitlines(), err.splitlines()

    return run


def stored(files, folder):
    return {Path(path).name: files.cat_file(path) for path in files.find(folder)}


def upload(files, path):
    files.pipe_file(f"/season/{path.parent.name}/{path.name}", path.read_bytes())


@pytest.mark.campaign
def test_sessions_are_fetched_models_delivered_and_another_machine_goes_on(train, files, tmp_path, config_file):
    for number in (1, 2):
        upload(files, write_session(tmp_path / "club", 1, number, seconds=400))
    files.pipe_file("/season/notes.txt", b"no session")
    places = ("--sessions", "memory://season", "--models", "memory://models")
    code, out, _ = train(tmp_path / "one", *places)
    assert (code, [line.split(": ")[1] for line in out]) == (0, ["published"])
    models = stored(files, "/models")
    assert set(models) == {"hb_1_model.json", "hb_1_model.onnx", "hb_1_model.zip", "Player1_rf.pkl"}
    code, out, _ = train(tmp_path / "two", *places)
    assert (code, [line.split(": ")[1] for line in out]) == (0, ["unchanged"])
    config = load_config(config_file, tmp_path / "two", {})
    manifest, content = ModelStore.from_config(config).read(1, "onnx")
    assert content == models["hb_1_model.onnx"]
    assert len(manifest.sessions) == 2


@pytest.mark.league
@pytest.mark.campaign
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_sessions_in_s3_become_models_in_s3_which_another_machine_takes_into_service(
    train, tmp_path, config_file, monkeypatch
):
    places = ("--sessions", "s3://club/season/2026", "--models", "s3://club/models")
    with s3_server(monkeypatch, "club") as files:
        for number in (1, 2):
            path = write_session(tmp_path / "club", 1, number, seconds=400)
            files.pipe_file(f"club/season/2026/{path.parent.name}/{path.name}", path.read_bytes())
        code, out, err = train(tmp_path / "one", *places)
        assert (code, [line.split(": ")[1] for line in out]) == (0, ["published"]), err
        models = stored(files, "club/models")
        code, out, err = train(tmp_path / "two", *places)
        assert (code, [line.split(": ")[1] for line in out]) == (0, ["unchanged"]), err
    assert set(models) == {"hb_1_model.json", "hb_1_model.onnx", "hb_1_model.zip", "Player1_rf.pkl"}
    store = ModelStore.from_config(load_config(config_file, tmp_path / "two", {}))
    assert store.read(1, "onnx")[1] == models["hb_1_model.onnx"]


@pytest.mark.league
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.campaign
def test_a_bucket_that_is_not_there_or_a_server_that_is_away_is_one_line(train, tmp_path, monkeypatch):
    with s3_server(monkeypatch, "club"):
        for words in (("--sessions", "s3://nobody/season"), ("--sessions", "s3://club/empty")):
            code, out, err = train(tmp_path, *words)
            assert (code, out, len(err)) == (1, [], 1), err
            assert err[0].startswith(words[1])
    code, out, err = train(tmp_path, "--sessions", "s3://club/season")
    assert (code, out, len(err)) == (1, [], 1), err


def test_only_new_and_changed_sessions_are_fetched(train, files, tmp_path, monkeypatch):
    fetched = []

    def counted(url):
        fetched.append(url.rpartition("/")[2])
        return files.cat_file(url.partition("://")[2])

    monkeypatch.setattr("athlete_monitor.training.exchange.read_url", counted)
    first, second = (write_session(tmp_path / "club", 1, number, seconds=60) for number in (1, 2))
    for path in (first, second):
        upload(files, path)
    for _ in range(2):
        train(tmp_path, "--sessions", "memory://season", "--dry-run")
    assert sorted(fetched) == [first.name, second.name]
    second.write_bytes(first.read_bytes())
    upload(files, second)
    train(tmp_path, "--sessions", "memory://season", "--dry-run")
    assert fetched[2:] == [second.name]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--sessions", "folder"), "--sessions folder: a URL is expected, such as s3://bucket/folder"),
        (("--workers", "2", "--cluster", "auto"), "not both"),
        (("--workers", "0"), "1 to 1024, or auto"),
    ],
)
def test_options_that_do_not_fit_are_one_line(words, said, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(words)
    shown = capsys.readouterr().err
    assert said in shown
    assert shown.count("\n") == 1


def test_an_empty_store_of_sessions_is_one_line(train, files, tmp_path):
    code, out, err = train(tmp_path, "--sessions", "memory://nothing")
    assert (code, out, err) == (1, [], ["memory://nothing: holds no file"])
