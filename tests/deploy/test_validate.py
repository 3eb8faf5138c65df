from __future__ import annotations

from typing import TYPE_CHECKING

from athlete_monitor.deploy.validate import validate
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
