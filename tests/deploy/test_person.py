from __future__ import annotations

import errno
import json
import os
import shutil
import sqlite3
import zipfile
from contextlib import closing

import pytest

from athlete_monitor.archive import Archive
from athlete_monitor.config import DEFAULT_CONFIG, load_config
from athlete_monitor.deploy.backup import backup, restore
from athlete_monitor.deploy.person import _erase_rows, erase_person, export_person
from athlete_monitor.errors import MonitorError
from athlete_monitor.locks import acquire
from athlete_monitor.models.store import ModelStore
from athlete_monitor.wire import topics
from athlete_monitor.wire.mqtt import MqttLink
from tests.archive.kit import START, add_session, figures_at
from tests.helpers import wait_until
from tests.report.kit import rate

SECRET = "Xanthippe"
ROSTER = f"""# the squad
athletes:
  - id: 7   # the keeper
    name: {SECRET} Seven
    device: "d7"
  - {{id: 8, name: Eight, device: "d8"}}  # stays
"""


@pytest.fixture
def root(tmp_path, free_port):
    """A box that keeps something of athletes 7 and 8 in every place; no broker answers there."""
    root = tmp_path / "box"
    config = load_config(DEFAULT_CONFIG, root)
    paths = config.paths
    for athlete in (7, 8):
        name = SECRET if athlete == 7 else "Eight"
        for path in (
            paths.data_root / f"player_{athlete}" / f"TR1_A{athlete}_Dd{athlete}_x.csv",
            paths.game_data_root / f"player_{athlete}" / f"GM1_A{athlete}_Dd{athlete}_x.csv",
            paths.prediction_outputs / f"A{athlete}_{name}" / f"A{athlete}_Dd{athlete}_realtime_output.json",
            paths.models_root / f"Player{athlete}_rf.pkl",
            paths.hb_tensors_updated / f"hb_{athlete}_model.json",
            config.logging.logs_dir / f"A{athlete}_Dd{athlete}_x.log",
        ):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{name}\n")
    (paths.hb_tensors_updated / "hb_default_model.json").write_text("{}")
    config.athletes.roster.write_text(ROSTER)
    paths.journal.parent.mkdir(parents=True, exist_ok=True)
    for athlete in (7, 8):
        rows = [(START + s, figures_at(s)) for s in range(70)]
        add_session(paths.journal, athlete, rows, athlete=athlete, end_t=START + 70)
    return root


@pytest.fixture
def config_file(root, free_port):
    """The default configuration, with a port on which nobody listens."""
    text = DEFAULT_CONFIG.read_text(encoding="utf-8").replace("port: 1883", f"port: {free_port}", 1)
    path = root / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def everything(root):
    return b"".join(path.read_bytes() for path in root.rglob("*") if path.is_file() and not path.name.endswith("-shm"))


def name_in_journal(root):
    journal = load_config(DEFAULT_CONFIG, root).paths.journal
    import sqlite3

    connection = sqlite3.connect(journal)
    facts = json.dumps({"profile": {"name": SECRET}})
    connection.execute("UPDATE sessions SET facts = ? WHERE athlete_id = 7", (facts,))
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def test_nothing_of_the_person_is_left_anywhere(root, config_file, capsys):
    name_in_journal(root)
    assert SECRET.encode() in everything(root)
    assert erase_person(config_file, root, 7) == 0
    assert SECRET.encode() not in everything(root)
    assert not [path for path in root.rglob("*") if "A7_" in path.name or "player_7" in path.name or "_7_" in path.name]
    told = capsys.readouterr().out
    assert "1 row of sessions" in told
    assert "not cleared: no broker answers" in told


def test_the_others_lose_nothing(root, config_file):
    erase_person(config_file, root, 7)
    archive = Archive(load_config(DEFAULT_CONFIG, root).paths.journal)
    assert [each.athlete_id for each in archive.sessions()] == [8]
    assert len(archive.seconds(8)["t"]) == 70
    assert (root / "athlete_training_data" / "player_8" / "TR1_A8_Dd8_x.csv").exists()
    roster = load_config(DEFAULT_CONFIG, root).athletes.roster.read_text()
    assert "id: 8" in roster
    assert "# the squad" in roster
    assert "# stays" in roster


def test_the_squads_model_is_marked_to_be_made_again(root, config_file):
    erase_person(config_file, root, 7)
    store = ModelStore(load_config(DEFAULT_CONFIG, root).paths.hb_tensors_updated)
    assert store.must_renew_default


def test_a_dry_run_removes_nothing(root, config_file, capsys):
    before = everything(root)
    erase_person(config_file, root, 7, dry_run=True)
    assert everything(root) == before
    assert "would be removed" in capsys.readouterr().out


def test_nothing_is_erased_under_a_running_engine(root, config_file):
    lock = load_config(DEFAULT_CONFIG, root).prediction_check.lockfile_path
    with acquire(lock, "main.py"), pytest.raises(MonitorError, match="stop it before data are erased"):
        erase_person(config_file, root, 7)
    assert SECRET.encode() in everything(root)


def test_a_person_gets_everything_in_one_readable_file(root, config_file, tmp_path):
    assert export_person(config_file, root, 7, tmp_path / "7.zip") == 0
    with zipfile.ZipFile(tmp_path / "7.zip") as archive:
        names = archive.namelist()
        rows = [json.loads(line) for line in archive.read("journal.jsonl").decode().splitlines()]
        assert json.loads(archive.read("roster.json"))["name"] == f"{SECRET} Seven"
    assert sum(row["table"] in {"seconds", "recent"} for row in rows) == 70
    assert not any("player_8" in name or "A8_" in name for name in names)
    assert any(name.endswith("TR1_A7_Dd7_x.csv") for name in names)


def test_an_unknown_person_is_one_sentence(root, config_file, tmp_path):
    with pytest.raises(MonitorError, match="no data of this athlete are stored here"):
        export_person(config_file, root, 99, tmp_path / "99.zip")
    assert not (tmp_path / "99.zip").exists()


def test_erasing_who_is_not_there_says_so(root, config_file, capsys):
    assert erase_person(config_file, root, 99) == 0
    assert capsys.readouterr().out == "no data of athlete 99 are stored here\n"


def test_laps_that_only_the_person_ran_go_and_those_of_the_squad_stay(root, config_file):
    config = load_config(config_file, root)
    with sqlite3.connect(config.paths.journal) as connection:
        for number, whose in (("own", {"athletes": [7]}), ("both", {"athletes": [7, 8]}), ("all", {})):
            values = (number, "T", f"{number} lap", "other", json.dumps(whose), START, START + 10, 0)
            connection.execute("INSERT INTO periods VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
            body = {"id": number, "do": "period_start", "at": START, "whose": whose}
            command = (f"{number}-start", "T", START, START, json.dumps(body), "{}")
            connection.execute("INSERT INTO commands VALUES (?, ?, ?, ?, ?, ?)", command)
    connection.close()
    erase_person(config_file, root, 7)
    with sqlite3.connect(config.paths.journal) as connection:
        assert [row[0] for row in connection.execute("SELECT id FROM periods ORDER BY id")] == ["all", "both"]
        assert [row[0] for row in connection.execute("SELECT id FROM commands ORDER BY id")] == [
            "all-start",
            "both-start",
        ]
    connection.close()


def test_copies_that_a_restore_has_kept_are_erased_too(root, config_file, tmp_path):
    backup(config_file, root, tmp_path / "b.zip")
    paths = load_config(config_file, root).paths
    with closing(sqlite3.connect(paths.journal)) as connection, connection:
        connection.execute("UPDATE sessions SET facts = ?", (json.dumps({"profile": {"name": SECRET}}),))
    roster = load_config(config_file, root).athletes.roster
    roster.write_text(ROSTER.replace("the squad", "another squad"))
    restore(config_file, root, tmp_path / "b.zip")
    assert SECRET in roster.with_name(f"{roster.name}.before-restore").read_text()
    erase_person(config_file, root, 7)
    older = sqlite3.connect(paths.journal.with_name(f"{paths.journal.name}.before-restore"))
    assert [row[0] for row in older.execute("SELECT athlete_id FROM sessions")] == [8]
    older.close()
    assert "Seven" not in roster.with_name(f"{roster.name}.before-restore").read_text()


def test_where_somebody_else_has_written_the_name_is_said(root, config_file, capsys):
    paths = load_config(config_file, root).paths
    with closing(sqlite3.connect(paths.journal)) as connection, connection:
        connection.execute("INSERT INTO markers VALUES ('m', 'T', 1.0, ?, NULL)", (f"{SECRET} Seven fell",))
    erase_person(config_file, root, 7)
    assert f"still named: {paths.journal}" in capsys.readouterr().out


def test_only_this_user_may_read_a_persons_data_and_files_of_any_age_are_in_it(root, config_file, tmp_path):
    session = next((load_config(config_file, root).paths.data_root / "player_7").iterdir())
    os.utime(session, (0, 0))
    export_person(config_file, root, 7, tmp_path / "seven.zip")
    assert (tmp_path / "seven.zip").stat().st_mode & 0o077 == 0
    with zipfile.ZipFile(tmp_path / "seven.zip") as archive:
        assert any(name.endswith(session.name) for name in archive.namelist())


def test_a_target_that_cannot_be_written_is_one_sentence(root, config_file, tmp_path):
    with pytest.raises(MonitorError, match="cannot be written"):
        export_person(config_file, root, 7, tmp_path / "nowhere" / "seven.zip")


def test_rows_that_a_reader_keeps_alive_are_said_and_go_when_erased_again(root, config_file, monkeypatch):
    name_in_journal(root)
    journal = load_config(config_file, root).paths.journal
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **more: connect(*args, **more | {"timeout": 0.0}))
    with closing(connect(journal)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT COUNT(*) FROM sessions").fetchone()
        with pytest.raises(MonitorError, match="erase again"):
            erase_person(config_file, root, 7)
        kept = [path for path in journal.parent.glob("journal.*") if not path.name.endswith("-shm")]
        assert any(SECRET.encode() in path.read_bytes() for path in kept)
    _erase_rows(journal, 7, dry_run=False)
    assert not any(SECRET.encode() in path.read_bytes() for path in kept if path.exists())


def test_reports_and_backups_that_cannot_be_searched_are_named(root, config_file, capsys):
    (root / "match.pdf").write_bytes(b"%PDF")
    erase_person(config_file, root, 7, dry_run=True)
    said = capsys.readouterr().out
    assert f"not searched: {root / 'match.pdf'}" in said
    assert "after restoring a backup" in said


def test_exports_reports_and_backups_made_earlier_are_found_where_they_lie(root, config_file, capsys):
    name_in_journal(root)
    exports, name = root / "handed out" / "May", f"{SECRET} Seven"
    exports.mkdir(parents=True)
    backup(config_file, root, root / "box.zip")
    for ending, text in (("csv", f"7,{name}\n"), ("html", f"<td>{name}</td>"), ("json", json.dumps({"name": name}))):
        (exports / f"summaries.{ending}").write_text(text)
    (exports / "others.csv").write_text("8,Eight\n")
    with zipfile.ZipFile(exports / "summaries.xlsx", "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/worksheets/sheet1.xml", f"<t>{name}</t>")
    (exports / "A7_Dd7_x.fit").write_bytes(b".FIT")
    (exports / "report.pdf").write_bytes(b"%PDF")
    erase_person(config_file, root, 7)
    said = capsys.readouterr().out
    for file in ("summaries.csv", "summaries.html", "summaries.json", "summaries.xlsx"):
        assert f"still named: {exports / file};" in said
    assert f"still named: {root / 'box.zip'};" in said
    assert f"not removed: {exports / 'A7_Dd7_x.fit'};" in said
    assert f"not searched: {exports / 'report.pdf'};" in said
    assert "others.csv" not in said


def test_what_training_and_the_engine_noted_of_the_person_goes(root, config_file):
    paths = load_config(config_file, root).paths
    notes = (paths.models_root / "attempts.json", paths.prediction_outputs / "models_served.json")
    for path in notes:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('{"7": "x", "8": "y"}')
    rows = paths.models_root / "Player7_rows" / "0.npz"
    rows.parent.mkdir()
    rows.write_bytes(b"rows")
    erase_person(config_file, root, 7)
    assert [json.loads(path.read_text()) for path in notes] == [{"8": "y"}] * 2
    assert not rows.parent.exists()


@pytest.mark.parametrize("name", ["box #3", "100%41", "who?mode=ro"])
def test_a_folder_of_any_name_is_backed_up_and_erased_from(root, config_file, tmp_path, name):
    moved = root.rename(tmp_path / name)
    backup(moved / "config.yaml", moved, tmp_path / "box.zip")
    with zipfile.ZipFile(tmp_path / "box.zip") as saved:
        (journal,) = [each for each in saved.namelist() if "journal" in each]
        (tmp_path / "saved.sqlite3").write_bytes(saved.read(journal))
    assert len(Archive(tmp_path / "saved.sqlite3").sessions()) == 2
    assert export_person(moved / "config.yaml", moved, 7, tmp_path / "seven.zip") == 0
    assert erase_person(moved / "config.yaml", moved, 7) == 0
    left = Archive(load_config(DEFAULT_CONFIG, moved).paths.journal)
    assert [each.athlete_id for each in left.sessions()] == [8]


def journal_as(root, *statements):
    journal = load_config(DEFAULT_CONFIG, root).paths.journal
    with closing(sqlite3.connect(journal, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)
    return journal


def test_a_journal_without_tables_keeps_nothing_from_being_erased(root, config_file, capsys):
    journal = load_config(DEFAULT_CONFIG, root).paths.journal
    for each in journal.parent.glob("journal*"):
        each.unlink()
    journal.touch()
    assert erase_person(config_file, root, 7) == 0
    assert SECRET.encode() not in everything(root)


def test_a_command_that_cannot_be_read_keeps_nothing_from_being_erased(root, config_file):
    rows = ("'no JSON'", "'[]'", "x'ff00'", "'{\"athlete\": 7}'")
    journal = journal_as(
        root,
        "INSERT INTO commands (id, received_t, at, result, body) VALUES "
        + ", ".join(f"('c{n}', 0, 0, '{{}}', {row})" for n, row in enumerate(rows)),
    )
    assert erase_person(config_file, root, 7) == 0
    with closing(sqlite3.connect(journal)) as connection:
        assert connection.execute("SELECT id FROM commands ORDER BY id").fetchall() == [("c0",), ("c1",), ("c2",)]


@pytest.mark.parametrize(
    ("statement", "said"),
    [("PRAGMA user_version=99", "of version 99, newer than"), ("DROP TABLE sessions", "no such table: sessions")],
)
def test_a_journal_that_is_not_understood_is_one_line_and_nothing_is_removed(root, config_file, statement, said):
    journal = journal_as(root, statement)
    before = sorted(root.rglob("*"))
    for act, more in ((erase_person, ()), (export_person, (root / "x.zip",))):
        with pytest.raises(MonitorError, match=said) as raised:
            act(config_file, root, 7, *more)
        assert str(journal) in str(raised.value)
        assert "\n" not in str(raised.value)
    assert sorted(path for path in root.rglob("*") if "-wal" not in path.name and "-shm" not in path.name) == [
        path for path in before if "-wal" not in path.name and "-shm" not in path.name
    ]


def test_a_journal_that_the_engine_has_set_aside_is_named(root, config_file, capsys):
    journal = load_config(DEFAULT_CONFIG, root).paths.journal
    aside = journal.with_name("journal.damaged-20260504-100000.sqlite3")
    aside.write_bytes(b"pages")
    erase_person(config_file, root, 7)
    assert f"not searched: {aside}; a journal that was set aside" in capsys.readouterr().out


def test_what_cannot_be_removed_is_named_and_does_not_keep_the_rest(root, config_file, monkeypatch, capsys):
    paths = load_config(DEFAULT_CONFIG, root).paths
    stuck = paths.data_root / "player_7"
    remove = shutil.rmtree

    def refuse(path, *rest, **options):
        if path == stuck:
            raise PermissionError(errno.EACCES, "Permission denied", "TR1_A7.csv")
        remove(path, *rest, **options)

    monkeypatch.setattr(shutil, "rmtree", refuse)
    with pytest.raises(MonitorError) as raised:
        erase_person(config_file, root, 7)
    assert str(raised.value).splitlines() == [
        f"{stuck}: cannot be removed (Permission denied)",
        "not all was removed: erase again when this is solved",
    ]
    assert f"removed: {paths.game_data_root / 'player_7'}" in capsys.readouterr().out
    assert [each.athlete_id for each in Archive(paths.journal).sessions()] == [8]
    assert SECRET not in (root / "athletes.yaml").read_text()
    monkeypatch.undo()
    assert erase_person(config_file, root, 7) == 0
    assert not stuck.exists()


def test_a_persons_ratings_are_exported_and_erased(root, config_file, tmp_path):
    journal = load_config(DEFAULT_CONFIG, root).paths.journal
    rate(journal, "T1", 7, 7, 60.0)
    rate(journal, "T1", 8, 5, 60.0)
    export_person(config_file, root, 7, tmp_path / "7.zip")
    with zipfile.ZipFile(tmp_path / "7.zip") as archive:
        rows = [json.loads(line) for line in archive.read("journal.jsonl").decode().splitlines()]
    ratings = [json.loads(row["body"]) for row in rows if row["table"] == "entries"]
    assert ratings == [{"rpe": 7, "minutes": 60.0, "srpe_load": 420.0}]
    erase_person(config_file, root, 7)
    assert list(Archive(journal).ratings("T1")) == [8]


def retained(settings):
    """Topics that the broker keeps; a message of one's own comes after them."""
    found = []
    link = MqttLink(settings, "reader", on_message=lambda topic, *_: found.append(topic), subscriptions=(("#", 1),))
    link.start(10.0)
    link.publish("x/last", b"1", 1)
    wait_until(lambda: "x/last" in found, what="the last message")
    link.stop()
    return found


def test_the_teams_state_that_holds_the_persons_rating_leaves_the_broker(root, config_file, mosquitto):
    text = config_file.read_text(encoding="utf-8")
    port = load_config(config_file, root).mqtt.port
    config_file.write_text(text.replace(f"port: {port}", f"port: {mosquitto.port}", 1), encoding="utf-8")
    settings = load_config(config_file, root).mqtt
    link = MqttLink(settings, "engine")
    link.start(10.0)
    link.publish(topics.TEAM_STATE, b'{"ratings": [{"athlete_id": 7, "rpe": 7}]}', 1, retain=True)
    link.stop()
    assert topics.TEAM_STATE in retained(settings)
    erase_person(config_file, root, 7)
    assert topics.TEAM_STATE not in retained(settings)
