"""The options of ``main.py --replay`` for whole seasons."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import main
from athlete_monitor.config import DEFAULT_CONFIG, load_config
from tests.replay.kit import season


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--workers", "2"], "--workers goes with --replay"),
        (["--replay", "a.csv", "--results", "r"], "--results goes with --replay and --workers or --cluster"),
        (["--cluster", "auto"], "--cluster goes with --replay"),
        (["--replay", "a.csv", "--cluster", "auto", "--workers", "2"], "not both"),
        (["--replay", "s3://season/a.csv"], "s3://season/a.csv: URLs are replayed with --workers or --cluster"),
        (["--replay", "a.csv", "--workers", "0"], "1 to 1024, or auto"),
        (["--replay", "a.csv", "--workers", "many"], "1 to 1024, or auto"),
    ],
)
def test_options_that_do_not_fit_are_one_line(words, said, capsys):
    with pytest.raises(SystemExit, match="2"):
        main.parse(words)
    shown = capsys.readouterr().err
    assert said in shown
    assert shown.count("\n") == 1


def test_a_season_is_replayed_and_said_in_one_line_and_as_json(tmp_path, capsys):
    paths = season(tmp_path / "season")
    words = ["--replay", str(tmp_path / "season"), "--workers", "1", "--root", str(tmp_path)]
    assert main.main([*words, "--json"]) == 0
    shown = capsys.readouterr()
    assert [each["athlete_id"] for each in json.loads(shown.out)] == [1, 3, 2, 1, 1]
    assert shown.err.startswith(f"{len(paths)} recordings, {len(paths)} computed, 0 from an earlier run, 0 failed")
    assert main.main([*words, "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


def test_a_missing_ray_is_one_line_that_says_how_to_install_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("athlete_monitor.batch.cluster.find_spec", lambda _name: None)
    assert main.main(["--replay", "a.csv", "--cluster", "auto", "--root", str(tmp_path)]) == 1
    assert capsys.readouterr().err == "--cluster needs Ray: pip install 'athlete-monitor[league]'\n"


def test_recordings_and_results_may_lie_behind_urls(tmp_path, capsys):
    fsspec = pytest.importorskip("fsspec", reason="fsspec reads URLs; it comes with PyTorch, or with [league]")
    paths = season(tmp_path / "season")
    files = fsspec.filesystem("memory")
    for path in paths:
        files.pipe_file(f"/season/{path.rpartition('/')[2]}", Path(path).read_bytes())
    words = ["--workers", "1", "--results", "memory://results", "--root", str(tmp_path), "--quiet"]
    assert main.main(["--replay", "memory://season", *words]) == 0
    assert len(files.find("/results")) == len(paths)
    assert main.main(["--replay", "memory://season/*.csv", *words[:-1]]) == 0
    assert "0 computed" in capsys.readouterr().err
    assert main.main(["--replay", "memory://nothing", *words]) == 1
    assert capsys.readouterr().err == "memory://nothing: holds no file\n"


def test_a_replay_that_cannot_be_archived_says_so_with_the_reason(tmp_path, capsys):
    season(tmp_path / "season")
    recording = next(path for path in sorted((tmp_path / "season").rglob("*")) if path.is_file())
    journal = tmp_path / "prediction_outputs" / "journal.sqlite3"
    journal.with_name(f"{journal.name}-wal").mkdir(parents=True)  # SQLite cannot open the file
    assert main.main(["--replay", str(recording), "--root", str(tmp_path)]) == main.SOME_FAILED
    shown = capsys.readouterr()
    assert "\nfiles: " in shown.out
    assert "not all archived" in shown.out
    assert shown.err.startswith(f"journal {journal}: ")
    assert shown.err.count("\n") == 1


def test_a_replay_that_is_not_archived_leaves_an_earlier_table_of_seconds(tmp_path, capsys):
    season(tmp_path / "season")
    recording = next(path for path in sorted((tmp_path / "season").rglob("*")) if path.is_file())
    (tmp_path / "prediction_outputs" / "journal.sqlite3-wal").mkdir(parents=True)
    table = tmp_path / "seconds.csv"
    table.write_text("of yesterday")
    words = ["--replay", str(recording), "--root", str(tmp_path), "--seconds", str(table), "--quiet"]
    assert main.main(words) == main.SOME_FAILED
    assert f"{table}: not written" in capsys.readouterr().err
    assert table.read_text() == "of yesterday"


def test_a_replay_whose_files_cannot_be_written_says_so_with_the_reason(tmp_path, capsys):
    season(tmp_path / "season")
    recording = next(path for path in sorted((tmp_path / "season").rglob("*")) if path.is_file())
    outputs = load_config(DEFAULT_CONFIG, tmp_path).paths.prediction_outputs
    outputs.mkdir(parents=True)
    (outputs / "A1_Device_001").write_text("a file where the athlete's folder should be")
    assert main.main(["--replay", str(recording), "--root", str(tmp_path)]) == main.SOME_FAILED
    shown = capsys.readouterr()
    assert f"not all files written: {outputs}; archive: " in shown.out
    assert shown.err.startswith("writing files failed: ")
    assert shown.err.count("\n") == 1
