"""The options of ``main.py --replay`` for whole seasons."""

from __future__ import annotations

import json

import pytest

import main
from tests.batch.kit import season


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--workers", "2"], "--workers goes with --replay"),
        (["--replay", "a.csv", "--results", "r"], "--results goes with --replay and --workers"),
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
