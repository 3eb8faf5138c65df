"""Recordings and results in an S3-compatible store: a real server on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

import main
from tests.batch.s3_kit import s3_server
from tests.replay.kit import season


@pytest.fixture
def bucket(monkeypatch):
    with s3_server(monkeypatch, "season") as files:
        yield files


@pytest.mark.league
@pytest.mark.campaign
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_a_season_in_s3_is_replayed_and_its_results_are_found_again(bucket, tmp_path, capsys):
    paths = season(tmp_path / "season")
    for path in paths:
        bucket.pipe_file(f"season/2026/{Path(path).name}", Path(path).read_bytes())
    words = ["--replay", "s3://season/2026", "--workers", "1", "--results", "s3://season/results"]
    assert main.main([*words, "--root", str(tmp_path / "a")]) == 0
    assert f"{len(paths)} computed" in capsys.readouterr().err
    assert len(bucket.find("season/results")) == len(paths)
    assert main.main([*words, "--root", str(tmp_path / "b")]) == 0
    assert f"0 computed, {len(paths)} from an earlier run" in capsys.readouterr().err
