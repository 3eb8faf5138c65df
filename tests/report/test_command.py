from __future__ import annotations

import json

import pytest

from athlete_monitor.config import DEFAULT_CONFIG, load_config
from tests.report.kit import make_archive


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    journal = load_config(DEFAULT_CONFIG, root).paths.journal
    journal.parent.mkdir(parents=True)
    make_archive(journal, athletes=(1, 2))
    return root


def ended(program):
    assert program.wait() == 0, program.stderr
    return program


@pytest.mark.integration
def test_a_coach_gets_list_report_season_and_export_from_the_terminal(root, run_program, tmp_path):
    listing = ended(run_program("report.py", "list", "--root", root, "--json"))
    assert [each["id"] for each in json.loads(listing.stdout)] == [f"T{index}" for index in range(6)]
    made = ended(run_program("report.py", "session", "--root", root, "--out", tmp_path / "r.pdf"))
    assert "2 athletes" in made.stdout
    assert (tmp_path / "r.pdf").read_bytes().startswith(b"%PDF")
    ended(run_program("report.py", "season", "--root", root, "--to", "2026-06-10", "--out", tmp_path / "s.pdf"))
    export = ended(run_program("report.py", "export", "--root", root, "--out", tmp_path, "--json"))
    assert json.loads(export.stdout)["rows"] == 12
    assert (tmp_path / "summaries.README.md").exists()


@pytest.mark.integration
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("session", "T99"), "not in the archive"),
        (("session", "--out", "x.docx"), "must end with .pdf or .html"),
        (("session", "--sort", "beauty"), "not a figure of the table"),
        (("session", "--players", "99"), "holds no data of these athletes"),
        (("export", "--from", "2026-05-09", "--to", "2026-05-01"), "lies before"),
        (("export", "--from", "yesterday"), "YYYY-MM-DD"),
    ],
)
def test_a_mistake_is_one_line(root, run_program, tmp_path, arguments, words):
    program = run_program("report.py", *arguments, "--root", root, cwd=tmp_path)
    assert program.wait() != 0
    assert words in program.stderr
    assert len(program.stderr.strip().splitlines()) == 1


@pytest.mark.integration
def test_a_range_without_sessions_is_one_sentence_and_an_empty_file(root, run_program, tmp_path):
    days = ("--from", "2001-01-01", "--to", "2001-01-02")
    program = ended(run_program("report.py", "export", *days, "--root", root, "--out", tmp_path))
    assert "no sessions" in program.stdout
    assert (tmp_path / "summaries.csv").read_text().count("\n") == 1
