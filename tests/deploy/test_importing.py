"""``import`` as its user sees it."""

from __future__ import annotations

import json
import os
import threading
from datetime import date, datetime
from pathlib import Path

import pytest

from athlete_monitor.archive import Archive
from athlete_monitor.arguments import Parser
from athlete_monitor.athletes import Roster
from athlete_monitor.config import DEFAULT_CONFIG, load_config
from athlete_monitor.deploy.import_options import add_import_arguments, split_kind
from athlete_monitor.deploy.import_output import shown
from athlete_monitor.deploy.importing import import_all, only_import
from athlete_monitor.errors import ConfigError, RecordingError
from athlete_monitor.system.flock import try_lock

SAMPLES = Path(__file__).parents[1] / "recordings" / "samples"
TABLE = "timestamp,heart_rate,speed [km/h]\n" + "".join(f"2026-05-04 10:00:{s:02d},{120 + s},10.8\n" for s in range(30))


def run(root: Path, *arguments: object) -> int:
    parser = Parser("import")
    add_import_arguments(parser)
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG)
    parser.add_argument("--root", type=Path, default=root)
    return import_all(parser.parse_args([*map(str, arguments), "--root", str(root)]))


def table(folder: Path, text: str = TABLE, name: str = "a.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_old_forms_go_on_working(tmp_path, capsys):
    assert run(tmp_path, "csv", table(tmp_path), "--athlete", "5") == 0
    assert len(list(tmp_path.rglob("TR1_A5_*.csv"))) == 1
    assert "1 session imported, 1 in the archive; next: python3 jetson_deploy.py run" in capsys.readouterr().out


@pytest.mark.parametrize(("sources", "kind", "expected"), [
    (["csv", "a.csv"], None, (["a.csv"], "csv")),
    (["csv"], None, (["csv"], None)),
    (["csv", "b"], "fit", (["csv", "b"], "fit")),
    (["a", "csv"], None, (["a", "csv"], None)),
])  # fmt: skip
def test_a_first_word_is_a_kind_only_where_it_can_be(sources, kind, expected):
    assert split_kind([Path(source) for source in sources], kind) == (
        [Path(source) for source in expected[0]],
        expected[1],
    )


def test_one_bad_file_costs_one_line_and_the_exit_code(tmp_path, capsys):
    bad = table(tmp_path, "nothing to see here", "b.csv")
    assert run(tmp_path, table(tmp_path), bad, "--athlete", "5") == 3
    told = capsys.readouterr()
    [cause] = told.err.splitlines()
    assert cause.startswith(f"{bad}: is not recognised as a recording: ")
    assert "1 session imported, 1 in the archive, 1 failed" in told.out


def test_a_dry_run_shows_how_a_table_is_understood_and_writes_nothing(tmp_path, capsys):
    text = (
        TABLE.replace(",", ";")
        .replace("10.8", "10,8")
        .replace("speed", "Battery voltage;speed")
        .replace("10,8", "3,9;10,8")
    )
    assert run(tmp_path, table(tmp_path, text), "--dry-run") == 0
    told = capsys.readouterr().out
    assert "table: utf-8, delimiter ;, decimal sign ,, header in line 1" in told
    assert "time: column 'timestamp', year-month-day, local time" in told
    assert "column 'speed [km/h]': speed_mps, unit km/h" in told
    assert "column 'Battery voltage': left out, its name is not known" in told
    assert "speed_mps: 3 to 3" in told
    assert "0 sessions would be imported, 1 without a known athlete" in told
    assert not list(tmp_path.rglob("TR*"))


def test_a_created_athlete_is_said_and_is_one_person(tmp_path, capsys):
    assert run(tmp_path, SAMPLES / "openfield_10hz.csv", SAMPLES / "statsports.csv", "--create") == 0
    assert "created athlete 1: EXAMPLE, Ada, in" in capsys.readouterr().out
    roster = Roster.load(tmp_path / "athletes.yaml")
    assert [(athlete.id, athlete.name) for athlete in roster] == [(1, "Ada Example")]


def test_nobody_is_created_where_two_could_be_meant(tmp_path, capsys):
    table(
        tmp_path,
        "athletes:\n- {id: 1, device: '001', name: Ada Example}\n- {id: 2, device: '002', name: Alba Example}\n",
        "athletes.yaml",
    )
    text = TABLE.replace("timestamp", "player,timestamp").replace("\n2026", "\nA. Example,2026")
    assert run(tmp_path, table(tmp_path, text), "--create") == 3
    assert "'A. Example' can be 1 Ada Example, 2 Alba Example" in capsys.readouterr().err
    assert len(Roster.load(tmp_path / "athletes.yaml")) == 2


def test_nobody_is_created_silently(tmp_path, capsys):
    assert run(tmp_path, SAMPLES / "statsports.csv") == 3
    assert 'give --athlete "Ada Example=N" or --create' in capsys.readouterr().err
    assert not (tmp_path / "athletes.yaml").exists()


def test_the_report_for_programs_is_one_object(tmp_path, capsys):
    assert (
        run(tmp_path, SAMPLES / "watch.fit", SAMPLES / "polar_team_pro.csv", "--json", "--athlete", "Ada Example=7")
        == 3
    )
    report = json.loads(capsys.readouterr().out)
    assert [session["kind"] for session in report["sessions"]] == ["polar-team-pro"]
    assert len(report["failed"]) == 2
    assert report["exit_code"] == 3


def test_quiet_says_only_the_last_line(tmp_path, capsys):
    assert run(tmp_path, table(tmp_path), "--athlete", "5", "--quiet") == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_a_session_keeps_the_offset_of_its_local_time(tmp_path):
    assert run(tmp_path, SAMPLES / "watch.fit", "--athlete", "7") == 0
    [path] = tmp_path.rglob("TR1_A7_*.csv")
    assert path.read_text().splitlines()[1].startswith("2026-05-04 12:00:00.000+02:00,7,")


@pytest.mark.parametrize("columns", [40, 50, 80, 120])
def test_the_table_fits_the_terminal(tmp_path, capsys, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    assert run(tmp_path, SAMPLES / "watch.fit", "--athlete", "1000000") == 0
    rows = [
        line for line in capsys.readouterr().out.splitlines() if not line.startswith(("note", "session", "1 session"))
    ]
    assert "2026-05-04" in "".join(rows)
    assert max(map(len, rows)) <= columns


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--zone", "Atlantis"], "'Atlantis' is not a time zone; allowed: a name such as Europe/Berlin"),
        (["--start", "noon"], "is not a time: 'noon'"),
        (["--kind", "floppy"], "unknown kind of recording 'floppy'; known: catapult, csv"),
        (["--athlete", "5", "--athlete", "6"], "--athlete N may be given once"),
        (["--map", "nowhere.yaml"], "nowhere.yaml: cannot be read"),
    ],
)
def test_a_mistake_on_the_command_line_says_what_is_allowed(tmp_path, options, said):
    with pytest.raises((ConfigError, RecordingError)) as told:
        run(tmp_path, table(tmp_path), *options)
    assert said in str(told.value)
    assert "\n" not in str(told.value)


def test_a_missing_file_and_an_empty_folder_are_said(tmp_path, capsys):
    assert run(tmp_path, tmp_path / "none.fit", "--athlete", "1") == 3
    assert "none.fit: does not exist" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert run(tmp_path, tmp_path / "empty", "--athlete", "1") == 1


@pytest.mark.parametrize(
    ("text", "safe"), [("Zoë", "Zoë"), ("a\x1b[31mb", "a\\x1b[31mb"), ("a\nb", "a\\nb"), ("\udce9", "\\udce9")]
)
def test_no_control_character_reaches_the_terminal(text, safe):
    assert shown(text) == safe


def test_imported_sessions_are_in_the_archive_at_their_own_dates_and_only_once(tmp_path, capsys):
    config = load_config(DEFAULT_CONFIG, tmp_path)
    assert run(tmp_path, table(tmp_path), "--athlete", "5") == 0
    assert "1 session imported, 1 in the archive" in capsys.readouterr().out
    assert run(tmp_path, table(tmp_path), "--athlete", "5") == 0
    assert "0 sessions imported, 1 already imported; next" in capsys.readouterr().out
    [session] = Archive(config.paths.journal).sessions()
    assert (session.athlete_id, datetime.fromtimestamp(session.start_t).date()) == (5, date(2026, 5, 4))  # noqa: DTZ006
    assert session.summary is not None
    assert session.summary["distance_m"] == pytest.approx(29 * 3.0)


def test_the_archive_can_be_left_out_and_follows_with_the_next_import(tmp_path, capsys):
    config = load_config(DEFAULT_CONFIG, tmp_path)
    assert run(tmp_path, table(tmp_path), "--athlete", "5", "--no-archive") == 0
    assert not config.paths.journal.exists()
    assert run(tmp_path, table(tmp_path), "--athlete", "5") == 0
    assert "1 already imported, 1 in the archive" in capsys.readouterr().out
    assert len(Archive(config.paths.journal).sessions()) == 1


def test_a_journal_that_cannot_be_used_costs_one_line_and_no_session_file(tmp_path, capsys):
    config = load_config(DEFAULT_CONFIG, tmp_path)
    config.paths.journal.mkdir(parents=True)
    assert run(tmp_path, table(tmp_path), "--athlete", "5") == 3
    told = capsys.readouterr()
    assert told.err.splitlines() == [f"{config.paths.journal}: cannot be opened: is a folder (paths.journal)"]
    assert len(list(tmp_path.rglob("TR1_A5_*.csv"))) == 1


def test_the_files_of_a_match_become_one_team_session(tmp_path):
    config = load_config(DEFAULT_CONFIG, tmp_path)
    files = [table(tmp_path), table(tmp_path, TABLE.replace("10.8", "14.4"), "b.csv")]
    for path, athlete in zip(files, ("5", "6"), strict=True):
        assert run(tmp_path, path, "--athlete", athlete, "--as", "game") == 0
    archive = Archive(config.paths.journal)
    [team] = archive.team_sessions()
    assert team.mode == "game"
    assert [session.athlete_id for session in archive.sessions(team_session=team.id)] == [5, 6]


def test_ctrl_c_says_what_is_kept_and_the_same_command_goes_on(tmp_path, capsys, monkeypatch):
    def pressed(*_: object) -> None:
        raise KeyboardInterrupt

    path = table(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr("athlete_monitor.engine.archiving.Archiver.add", pressed)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, path, "--athlete", 7, "--yes")
    assert "the same command imports and archives the rest" in capsys.readouterr().err
    assert run(tmp_path, path, "--athlete", 7, "--yes") == 0
    assert "1 already imported, 1 in the archive" in capsys.readouterr().out


def test_a_second_import_waits_for_the_end_of_the_first_and_says_so(tmp_path, capsys):
    def second() -> None:
        with only_import(tmp_path / "sessions"):
            entered.set()

    entered = threading.Event()
    (tmp_path / "sessions").mkdir()
    handle = os.open(tmp_path / "sessions", os.O_RDONLY)
    release = try_lock(handle)
    assert release is not None
    other = threading.Thread(target=second, daemon=True)
    other.start()
    said = ""
    while not said:
        assert not entered.wait(0.01)
        said = capsys.readouterr().err
    assert said == f"another import writes into {tmp_path / 'sessions'}: waiting for its end\n"
    release()
    assert entered.wait(60)
    other.join(60)
    os.close(handle)


def test_where_the_folder_of_sessions_cannot_be_made_each_session_says_it(tmp_path):
    (tmp_path / "file").write_text("")
    with only_import(tmp_path / "file" / "sessions"):
        assert not (tmp_path / "file").is_dir()
