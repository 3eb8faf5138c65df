from __future__ import annotations

from typing import TYPE_CHECKING

from athlete_monitor.config import load_config
from athlete_monitor.deploy.validate import update, validate
from tests.helpers import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def test_both_configurations_of_the_project_are_valid(capsys) -> None:
    assert validate([]) == 0
    assert capsys.readouterr().out.count("a valid configuration") == 2


def test_every_problem_of_every_file_is_told(tmp_path: Path, make_config, capsys) -> None:
    bad = make_config("bad.yaml", training={"n_estimators": 0, "trees": 3})
    missing = tmp_path / "missing.yaml"
    assert validate([bad, missing]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert all(line.startswith(str(tmp_path)) for line in lines)


def test_a_roster_is_recognised(tmp_path: Path, capsys) -> None:
    roster = tmp_path / "squad.yaml"
    roster.write_text("athletes:\n  - {id: 1, device: a}\n  - {id: 2, device: b}\n")
    assert validate([roster]) == 0
    assert "a valid roster of 2 athletes" in capsys.readouterr().out
    roster.write_text("athletes:\n  - {id: 1, device: a}\n  - {id: 1, device: b}\n")
    assert validate([roster]) == 2
    assert "is already that of" in capsys.readouterr().err


def test_the_template_of_the_roster_is_valid(capsys) -> None:
    assert validate([ROOT / "athletes.yaml"]) == 0


def test_an_update_keeps_the_earlier_file_and_touches_nothing_that_stays_wrong(tmp_path: Path, capsys) -> None:
    old, wrong = tmp_path / "old.yaml", tmp_path / "wrong.yaml"
    old.write_text("mqtt: {port: 1234}\n", encoding="utf-8")
    wrong.write_text("mqtt: {port: 99999}\n", encoding="utf-8")
    assert update([old], dry_run=True) == 0
    assert "added dashboard.port: 8080" in capsys.readouterr().out
    assert old.read_text(encoding="utf-8") == "mqtt: {port: 1234}\n"
    assert update([old, wrong], dry_run=False) == 2
    assert "mqtt.port: 99999 is not allowed" in capsys.readouterr().err
    assert load_config(old, environ={}).mqtt.port == 1234
    assert (tmp_path / "old.yaml.before-update").read_text(encoding="utf-8") == "mqtt: {port: 1234}\n"
    assert wrong.read_text(encoding="utf-8") == "mqtt: {port: 99999}\n"
