from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from athlete_monitor.deploy import bootstrap, cli
from athlete_monitor.errors import ConfigError
from tests.helpers import ROOT

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _already_inside(monkeypatch) -> None:
    """The tests' own Python is the environment."""
    monkeypatch.setattr(bootstrap, "enter", lambda *_, **__: None)
    monkeypatch.setattr(bootstrap, "stands", lambda *_, **__: False)


def test_every_command_has_its_help_and_its_function() -> None:
    done = subprocess.run(
        [sys.executable, "jetson_deploy.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    listed = set(re.findall(r"^    ([a-z-]+)(?:  +\S|$)", done.stdout, re.MULTILINE))
    assert listed == set(cli.COMMANDS)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["demo", "--players", "0"],
        ["demo", "--players", "-1"],
        ["demo", "--players", "31"],
        ["demo", "--players", "abc"],
        ["demo", "--minutes", "90.1"],
        ["demo", "--speed", "-1"],
        ["demo", "--minutes", "nan"],
        ["import"],
        ["import", "folder", "--athlete", "=1"],
        ["import", "folder", "--as", "holiday"],
    ],
)
def test_a_wrong_command_line_ends_with_two_and_one_line(arguments: list[str], capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.run(arguments)
    assert ended.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_demonstration_of_more_than_a_squad_is_told_the_limit(capsys) -> None:
    with pytest.raises(SystemExit):
        cli.run(["demo", "--players", "1000"])
    assert "--players: 1000 is not allowed; allowed: 1 to 30" in capsys.readouterr().err


def test_a_mistake_in_the_configuration_is_told_line_by_line_with_code_two(make_config, capsys) -> None:
    config = make_config(training={"n_estimators": 0})
    assert cli.run(["status", "--config", str(config)]) == ConfigError.exit_code
    said = capsys.readouterr().err
    assert "training.n_estimators" in said
    assert len(said.splitlines()) == 1


def test_a_missing_configuration_is_one_line(tmp_path: Path, capsys) -> None:
    assert cli.run(["setup", "--config", str(tmp_path / "none.yaml")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_an_interrupt_ends_with_the_shells_own_code(monkeypatch, capsys) -> None:
    def interrupt(_args: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setitem(cli.COMMANDS, "validate", interrupt)
    assert cli.run(["validate"]) == 130
    assert capsys.readouterr().err == ""


def test_a_recording_that_is_not_there_is_one_line(tmp_path: Path, capsys) -> None:
    missing = str(tmp_path / "none.csv")
    assert cli.run(["import", "runs", missing, "--athlete", "1", "--root", str(tmp_path)]) == 3
    said = capsys.readouterr().err
    assert missing in said
    assert len(said.splitlines()) == 1


def test_an_imported_recording_becomes_a_session_once(tmp_path: Path, capsys) -> None:
    run = next((ROOT / "examples" / "stream" / "player_12").glob("*.csv.gz"))
    arguments = ["import", "csv", str(run), "--athlete", "5", "--root", str(tmp_path)]
    assert [cli.run(arguments) for _ in range(2)] == [0, 0]
    assert len(list((tmp_path / "athlete_training_data" / "player_5").glob("TR*"))) == 1
    told = capsys.readouterr().out
    assert "already imported as" in told
    assert f"1 session imported, 1 in the archive; next: python3 jetson_deploy.py run --root {tmp_path}\n" in told
    assert f"0 sessions imported, 1 already imported; next: python3 jetson_deploy.py run --root {tmp_path}\n" in told
