"""Many files in one go: recognised, assigned, written; one that fails never stops the others."""

from __future__ import annotations

import gzip
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest

from athlete_monitor.athletes import Athlete
from athlete_monitor.deploy.import_output import last_line, lines_of
from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings import prepare
from athlete_monitor.recordings.format import Options
from athlete_monitor.recordings.import_request import ImportRequest
from athlete_monitor.recordings.imported import Imported, checked
from athlete_monitor.recordings.importing import import_files
from athlete_monitor.recordings.writing import write_session
from athlete_monitor.wire.sample import WireProfile
from athlete_monitor.wire.session_reader import read_session

if TYPE_CHECKING:
    from pathlib import Path

    from athlete_monitor.recordings.import_results import ImportResults

ROWS = "t_s,hr_bpm,speed_mps,cadence_spm,distance_m,altitude_m\n0,81,1.2,114,1,275\n1,82,1.3,114,2,276\n"
TABLE = "timestamp,heart_rate\n2026-05-04 10:00:00,120\n2026-05-04 10:00:01,121\n"


def run_file(folder: Path, start: str, rows: str = ROWS) -> Path:
    path = folder / f"{start}.csv.gz"
    path.write_bytes(gzip.compress(rows.encode()))
    return path


def import_into(root: Path, *paths: Path, roster: tuple[Athlete, ...] = (), **request) -> ImportResults:
    wanted = {"athlete_id": 7, "options": Options(), **request}
    return import_files(ImportRequest(paths, root / "training", root / "game", **wanted), roster)


def test_a_run_becomes_a_session_file_that_reads_back_the_same(tmp_path):
    [done] = import_into(tmp_path, run_file(tmp_path, "2021-03-25-10-40-55")).done
    assert done.path == tmp_path / "training" / "player_7" / "TR1_A7_D007_2021_03_25-10_40_55.csv"
    session = read_session(done.path or tmp_path)
    assert (session.athlete_id, session.device_id, session.mode) == (7, "007", "training")
    assert session.values[:, 9].tolist() == [81.0, 82.0]
    assert np.diff(session.t).tolist() == [1.0]


def test_a_session_has_only_the_columns_that_the_recording_measures(tmp_path):
    rows = "t_s,hr_bpm,speed_mps,altitude_m\n0,81,1.2,275\n1,82,1.3,276\n"
    [done] = import_into(tmp_path, run_file(tmp_path, "2021-03-25-10-40-55", rows)).done
    assert done.path is not None
    assert done.path.read_text().splitlines()[0].endswith("session_phase,intensity_level,mode,speed_mps,altitude_m")


def test_several_recordings_are_numbered_by_their_starts(tmp_path):
    starts = ["2021-05-02-08-59-37", "2021-03-25-10-40-55", "2021-04-16-09-04-35"]
    report = import_into(tmp_path, *(run_file(tmp_path, start) for start in starts))
    names = [done.path.name for done in report.done if done.path]
    assert [name[:3] for name in names] == ["TR1", "TR2", "TR3"]
    assert [name[-23:-13] for name in names] == ["2021_03_25", "2021_04_16", "2021_05_02"]


def test_a_recording_is_not_taught_twice(tmp_path):
    file = run_file(tmp_path, "2021-03-25-10-40-55")
    [first] = import_into(tmp_path, file).done
    [again] = import_into(tmp_path, file).done
    assert (again.known, again.path) == (True, first.path)
    assert len(list((tmp_path / "training" / "player_7").iterdir())) == 1


def test_one_damaged_file_does_not_stop_the_others(tmp_path):
    damaged = run_file(tmp_path, "2021-03-26-10-40-55")
    damaged.write_bytes(damaged.read_bytes()[:20])
    report = import_into(tmp_path, damaged, run_file(tmp_path, "2021-03-25-10-40-55"))
    assert [done.figures.duration_s for done in report.done] == [1.0]
    assert len(report.failed) == 1
    assert report.failed[0].startswith(f"{damaged}: is damaged")


def test_a_fault_of_ours_in_one_file_is_one_line_and_the_others_are_imported(tmp_path, monkeypatch):
    real = prepare.prepared

    def faulty(recording: Imported) -> list[Imported]:
        if "2021-03-26" in str(recording):
            raise ZeroDivisionError("a fault\nof two lines")
        return real(recording)

    monkeypatch.setattr("athlete_monitor.recordings.importing.prepared", faulty)
    files = [run_file(tmp_path, start) for start in ("2021-03-26-10-40-55", "2021-03-25-10-40-55")]
    report = import_into(tmp_path, *files)
    assert len(report.done) == 1
    assert report.failed == [f"{files[0]}: cannot be read: ZeroDivisionError: a fault of two lines"]


def test_an_unknown_kind_is_refused_with_the_known_ones(tmp_path):
    with pytest.raises(RecordingError, match="unknown kind of recording 'floppy'; known: "):
        import_into(tmp_path, tmp_path, kind="floppy")


def test_a_folder_that_cannot_be_written_is_told_in_one_line(tmp_path):
    (tmp_path / "training").write_text("a file")
    [cause] = import_into(tmp_path, run_file(tmp_path, "2021-03-25-10-40-55")).failed
    assert "its session cannot be written" in cause


def test_folders_are_searched_and_archives_opened(tmp_path):
    season = tmp_path / "season" / "may"
    season.mkdir(parents=True)
    (season / "a.csv").write_text(TABLE)
    (season / "notes.txt").write_text("nothing to see here\n")
    with zipfile.ZipFile(season / "b.zip", "w") as archive:
        archive.writestr("inner/c.csv", TABLE.replace("05-04", "05-05"))
        archive.writestr("inner/d.csv.gz", gzip.compress(TABLE.replace("05-04", "05-06").encode()))
    report = import_into(tmp_path, tmp_path / "season")
    assert len(report.done) == 3
    assert not report.failed
    assert +report.passed_over == {"are not recordings": 1}


FIT_TABLE = "Type,Local Number,Message,Field 1,Value 1,Units 1\nData,2,record,heart_rate,107,bpm\n"
UNREAD = {
    "tool.csv": (FIT_TABLE, "holds the messages of a FIT file without a record"),
    "wide.csv": ("Time,Ada Bo HR,Bea Bo HR\n1,2,3\n", "a column for each athlete (Ada Bo HR, Bea Bo HR); give"),
    "odd.csv": ("Time,Volt,Watt\n1,2,3\n", "no column is a channel; its columns: Time, Volt, Watt; name them"),
    "app.json": ('{"app": 1}', "is JSON of an unknown program"),
    "LICENSE": ("You may, or may not,\nuse it, or not\n", "is not recognised as a recording"),
}


@pytest.mark.parametrize("name", UNREAD)
def test_a_file_that_is_not_read_is_refused_with_what_it_is_and_what_can_be_done(tmp_path, name):
    text, cause = UNREAD[name]
    (tmp_path / name).write_text(text)
    [failed] = import_into(tmp_path, tmp_path / name).failed
    assert failed.startswith(f"{tmp_path / name}: ")
    assert cause in failed


def test_a_dry_run_of_a_folder_lists_the_files_that_it_passes_over(tmp_path):
    season = tmp_path / "season"
    season.mkdir()
    for name, (text, _) in UNREAD.items():
        (season / name).write_text(text)
    report = import_into(tmp_path, season, dry_run=True)
    lines = [*report.others, *report.failed]
    assert len(lines) == len(UNREAD)
    assert all(any(f"{season / name}: " in line and UNREAD[name][1] in line for line in lines) for name in UNREAD)


def test_a_dry_run_counts_as_imported_only_what_has_or_gets_an_athlete(tmp_path):
    (tmp_path / "a.csv").write_text(
        "timestamp,heart_rate,Player\n2026-05-04 10:00:00,120,Ada Bo\n2026-05-04 10:00:01,121,Ada Bo\n"
    )
    lost = import_into(tmp_path, tmp_path / "a.csv", athlete_id=None, dry_run=True)
    assert last_line(lost, dry_run=True) == "0 sessions would be imported, 1 without a known athlete"
    created = import_into(tmp_path, tmp_path / "a.csv", athlete_id=None, dry_run=True, create=lambda _whose: 1)
    assert last_line(created, dry_run=True) == "1 session would be imported"
    assert "a new athlete, Ada Bo" in "".join(lines_of(created.done[0]))


def test_a_dry_run_shows_the_figures_of_a_table_without_samples(tmp_path):
    (tmp_path / "a.csv").write_text("Activity Type,Date,Distance,Avg HR\nRunning,2026-05-04 10:00:00,8.25,151\n")
    [done] = import_into(tmp_path, tmp_path / "a.csv", dry_run=True).done
    assert "  figures: Activity Type Running, Date 2026-05-04 10:00:00, Distance 8.25, Avg HR 151" in lines_of(done)


def test_links_in_searched_folders_are_not_followed(tmp_path):
    season = tmp_path / "season"
    season.mkdir()
    (tmp_path / "secret.csv").write_text(TABLE)
    (season / "link.csv").symlink_to(tmp_path / "secret.csv")
    (season / "loop").symlink_to(season)
    report = import_into(tmp_path, season)
    assert (report.done, report.failed, report.links) == ([], [], 2)


def test_as_game_makes_matches(tmp_path):
    (tmp_path / "a.csv").write_text(TABLE)
    [done] = import_into(tmp_path, tmp_path / "a.csv", mode="game").done
    assert done.path is not None
    assert done.path.parent.parent == tmp_path / "game"
    assert done.path.name.startswith("GM1_A7")
    assert read_session(done.path).mode == "game"


def test_a_dry_run_writes_nothing(tmp_path):
    (tmp_path / "a.csv").write_text(TABLE)
    [done] = import_into(tmp_path, tmp_path / "a.csv", athlete_id=None, dry_run=True).done
    assert done.path is None
    assert "does not name its athlete" in done.problem
    assert not (tmp_path / "training").exists()


NAMES = ("Ada Ämple", '"BO, Bea"')
TWO = "timestamp,player,heart_rate\n" + "".join(
    f"2026-05-04 10:00:0{n // 2},{NAMES[n % 2]},{100 + n}\n" for n in range(6)
)
ROSTER = (Athlete(id=3, device="003", name="Ada Aemple"), Athlete(id=9, device="009", name="Bea Bo"))


def test_a_file_with_many_athletes_is_split_by_their_names(tmp_path):
    (tmp_path / "two.csv").write_text(TWO)
    report = import_into(tmp_path, tmp_path / "two.csv", roster=ROSTER, athlete_id=None)
    assert [(done.athlete_id, done.figures.heart_rate_max_bpm) for done in report.done] == [(3, 104.0), (9, 105.0)]


def test_two_athletes_in_one_file_are_refused_for_one_number(tmp_path):
    (tmp_path / "two.csv").write_text(TWO)
    [cause] = import_into(tmp_path, tmp_path / "two.csv").failed
    assert "holds 2 athletes: Ada Ämple, BO, Bea" in cause


def test_a_name_that_is_not_in_the_roster_is_listed_and_the_other_imported(tmp_path):
    (tmp_path / "two.csv").write_text(TWO)
    report = import_into(tmp_path, tmp_path / "two.csv", roster=ROSTER[:1], athlete_id=None)
    assert [done.athlete_id for done in report.done] == [3]
    assert "'BO, Bea' is not in the roster" in report.failed[0]


def test_a_name_may_be_given_a_number(tmp_path):
    (tmp_path / "two.csv").write_text(TWO)
    report = import_into(tmp_path, tmp_path / "two.csv", athlete_id=None, named={"ada ample": 4, "Bea Bo": 5})
    assert sorted(done.athlete_id or 0 for done in report.done) == [4, 5]


def test_beats_and_the_body_survive_the_way_through_the_file(tmp_path):
    t = 1_700_000_000.0 + np.arange(3) / 10
    rr = {1: (1292.96875, 500.0)}
    body = WireProfile(20.0, 47.9, 155.0, "female")
    recording = Imported(tmp_path, t, {"acc_x": np.array([0.1, 0.2, 0.3])}, rr, body)
    session = read_session(write_session(recording, tmp_path, 3, "003"))
    assert session.rr == rr
    assert session.profile == body


def test_a_recording_without_any_measurement_is_refused(tmp_path):
    with pytest.raises(RecordingError, match="holds no measurement"):
        checked(Imported(tmp_path, np.arange(3.0), {"acc_x": np.full(3, np.nan)}))
