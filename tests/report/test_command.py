from __future__ import annotations

import json
import resource
import sqlite3
from functools import partial

import gpxpy
import pandas as pd
import pytest
from garmin_fit_sdk import Decoder, Stream

from athlete_monitor.archive import Archive
from athlete_monitor.config import DEFAULT_CONFIG, load_config
from athlete_monitor.errors import MonitorError
from athlete_monitor.report import command
from athlete_monitor.report.command import main
from athlete_monitor.report.export.activities import ACTIVITIES
from athlete_monitor.report.export.command import FORMATS
from athlete_monitor.report.export.writers import WRITERS
from tests.report.kit import make_archive
from tests.report.test_export import TRAINING_CENTER


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
        (("export", "--out", "a_file"), "is no folder and cannot be made one"),
        (("session", "--out", "a_file/r.pdf"), "a_file/r.pdf: cannot be written"),
    ],
)
def test_a_mistake_is_one_line(root, run_program, tmp_path, arguments, words):
    (tmp_path / "a_file").touch()
    program = run_program("report.py", *arguments, "--root", root, cwd=tmp_path)
    assert program.wait() != 0
    assert words in program.stderr
    assert len(program.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("form", FORMATS)
def test_a_range_without_sessions_is_one_sentence_and_an_empty_valid_file(root, tmp_path, capsys, form):
    days = ("--from", "2001-01-01", "--to", "2001-01-02", "--format", form)
    table = ("--what", "seconds") if form in WRITERS else ()
    assert main(["export", *days, *table, "--root", str(root), "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out.count("no sessions") == 1
    [path] = [each for each in tmp_path.iterdir() if each.suffix != ".md"]
    assert READ_EMPTY[form](path) == 0


@pytest.mark.parametrize("form", ACTIVITIES)
def test_a_table_asked_for_as_activities_is_one_sentence_and_writes_nothing(root, tmp_path, form):
    asked = ["export", "--what", "summaries", "--format", form, "--root", str(root), "--out", str(tmp_path / "out")]
    with pytest.raises(MonitorError, match=f"--what summaries: is a table, but --format {form} writes whole sessions"):
        main(asked)
    assert not (tmp_path / "out").exists()


def activities_in(text):
    TRAINING_CENTER.validate(text)
    return text.count("<Activity ")


READ_EMPTY = {
    "csv": lambda path: len(pd.read_csv(path)),
    "json": lambda path: len(json.loads(path.read_text())),
    "xlsx": lambda path: len(pd.read_excel(path)),
    "parquet": lambda path: pytest.importorskip("pyarrow.parquet").read_table(path).num_rows,
    "influx": lambda path: len(path.read_text()),
    "fit": lambda path: len(Decoder(Stream.from_file(str(path))).read()[0].get("record_mesgs", ())),
    "tcx": lambda path: activities_in(path.read_text()),
    "gpx": lambda path: len(gpxpy.parse(path.read_text()).tracks),
}


SHARED_MEMORY_BYTES = 32_768
"""SQLite needs a file of this size beside the journal, to read it."""


@pytest.mark.parametrize(
    "arguments",
    [
        *(("export", "--what", "seconds", "--format", form) for form in ("csv", "json", "xlsx", "influx")),
        ("session", "--format", "html"),
    ],
)
def test_on_a_full_disk_nothing_half_written_stays(root, tmp_path, arguments):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SHARED_MEMORY_BYTES, limits[1]))
    try:
        with pytest.raises(MonitorError, match="cannot be written"):
            main([*arguments, "--root", str(root), "--out", str(tmp_path)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []


def test_a_locked_journal_is_one_sentence(tmp_path, monkeypatch):
    journal = load_config(DEFAULT_CONFIG, tmp_path).paths.journal
    journal.parent.mkdir(parents=True)
    make_archive(journal, sessions=1, athletes=(1,))
    other = sqlite3.connect(journal, isolation_level=None)
    other.execute("PRAGMA journal_mode = DELETE")
    other.execute("BEGIN EXCLUSIVE")
    monkeypatch.setattr(command, "Archive", partial(Archive, patience_s=0.01))
    with pytest.raises(MonitorError, match=r"journal\.sqlite3.*locked"):
        main(["export", "--root", str(tmp_path), "--out", str(tmp_path / "out")])
    other.close()
    assert not list((tmp_path / "out").glob("*"))


def test_a_folder_as_output_gets_a_file_with_a_name_of_its_own(root, tmp_path, capsys):
    main(["session", "--format", "html", "--root", str(root), "--out", str(tmp_path)])
    main(["season", "--format", "html", "--to", "2026-06-10", "--root", str(root), "--out", str(tmp_path)])
    names = sorted(each.name for each in tmp_path.iterdir())
    assert names == ["08-Jun-2026_FC_Example_Rovers.html", "season.html"]
    assert str(tmp_path / "season.html") in capsys.readouterr().out


def test_an_athlete_who_has_left_the_roster_keeps_the_name_of_the_session(root, tmp_path):
    (root / "athletes.yaml").write_text("athletes:\n  - {id: 2, name: Zoë, device: '002'}\n", encoding="utf-8")
    try:
        main(["session", "--format", "html", "--root", str(root), "--out", str(tmp_path / "r.html")])
        main(["export", "--root", str(root), "--out", str(tmp_path)])
    finally:
        (root / "athletes.yaml").unlink()
    assert "Ada Example" in (tmp_path / "r.html").read_text()
    assert set(pd.read_csv(tmp_path / "summaries.csv").name) == {"Ada Example", "Zoë"}


def test_sessions_without_any_row_of_a_table_are_not_called_no_sessions(root, capsys, tmp_path):
    assert main(["export", "--what", "rr", "--out", str(tmp_path / "out"), "--root", str(root)]) == 0
    said = capsys.readouterr().out
    assert "nothing of rr in these sessions" in said
    assert "no sessions" not in said
