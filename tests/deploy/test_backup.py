from __future__ import annotations

import json
import os
import shutil
import sqlite3
import threading
import zipfile
from functools import partial

import pytest

from athlete_monitor.archive import Archive
from athlete_monitor.config import DEFAULT_CONFIG, load_config
from athlete_monitor.deploy.backup import backup, restore, verify
from athlete_monitor.deploy.person import erase_person, export_person
from athlete_monitor.engine.journal.file import connect
from athlete_monitor.errors import MonitorError
from athlete_monitor.locks import acquire
from athlete_monitor.report.export.command import write_table
from athlete_monitor.report.export.tables import Table
from athlete_monitor.report.saying import write
from tests.archive.kit import START, add_session, figures_at
from tests.helpers import ROOT


@pytest.fixture
def root(tmp_path):
    """A box with two sessions of one athlete in files, a model and a journal."""
    root = tmp_path / "box"
    config = load_config(DEFAULT_CONFIG, root)
    config.paths.journal.parent.mkdir(parents=True, exist_ok=True)
    add_session(config.paths.journal, 1, [(START + s, figures_at(s)) for s in range(90)], end_t=START + 90, athlete=7)
    for name in ("TR1_A7_D007_x.csv", "TR2_A7_D007_x.csv"):
        path = config.paths.data_root / "player_7" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{name}\n" * 5)
    config.paths.hb_tensors_updated.mkdir(parents=True, exist_ok=True)
    (config.paths.hb_tensors_updated / "hb_7_model.onnx").write_bytes(bytes(range(256)))
    return root


def contents(root):
    files = (path for path in root.rglob("*") if path.is_file() and not path.name.endswith(("-wal", "-shm")))
    return {path.relative_to(root): path.read_bytes() for path in files if "journal" not in path.name}


def seconds(root):
    archive = Archive(load_config(DEFAULT_CONFIG, root).paths.journal)
    found = archive.seconds(1)["distance_m"].tolist()
    archive.close()
    return found


def test_what_was_saved_comes_back_to_the_last_byte(root, tmp_path, capsys):
    before, distances = contents(root), seconds(root)
    assert backup(DEFAULT_CONFIG, root, tmp_path / "b.zip") == 0
    assert "verified by SHA-256" in capsys.readouterr().out
    shutil.rmtree(root)
    assert restore(DEFAULT_CONFIG, root, tmp_path / "b.zip") == 0
    assert contents(root) == before
    assert seconds(root) == distances


def test_the_journal_is_consistent_while_it_is_written(root, tmp_path):
    journal = load_config(DEFAULT_CONFIG, root).paths.journal
    stop = threading.Event()
    written: list[int] = []

    def write():
        connection = sqlite3.connect(journal, timeout=30)
        while not stop.is_set():
            with connection:
                connection.execute("INSERT INTO events VALUES (1, ?, 'a', '{}')", (len(written),))
                connection.execute("INSERT INTO events VALUES (1, ?, 'b', '{}')", (len(written),))
            written.append(1)
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        backup(DEFAULT_CONFIG, root, tmp_path / "b.zip")
    finally:
        stop.set()
        writer.join()
    shutil.rmtree(root)
    restore(DEFAULT_CONFIG, root, tmp_path / "b.zip")
    connection = sqlite3.connect(journal)
    kinds = dict(connection.execute("SELECT kind, COUNT(*) FROM events GROUP BY kind").fetchall())
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    assert kinds.get("a") == kinds.get("b")


def test_only_this_user_may_read_it(root, tmp_path):
    backup(DEFAULT_CONFIG, root, tmp_path / "b.zip")
    assert (tmp_path / "b.zip").stat().st_mode & 0o077 == 0


def test_a_dry_run_writes_nothing(root, tmp_path, capsys):
    backup(DEFAULT_CONFIG, root, tmp_path / "b.zip", dry_run=True)
    assert not (tmp_path / "b.zip").exists()
    assert "player_7/TR1_A7_D007_x.csv" in capsys.readouterr().out
    backup(DEFAULT_CONFIG, root, tmp_path / "b.zip")
    before = contents(root)
    (root / "athlete_training_data" / "player_7" / "TR1_A7_D007_x.csv").unlink()
    restore(DEFAULT_CONFIG, root, tmp_path / "b.zip", dry_run=True)
    assert contents(root) != before


def test_a_file_that_differs_is_kept_beside_the_restored_one(root, tmp_path):
    backup(DEFAULT_CONFIG, root, tmp_path / "b.zip")
    path = root / "athlete_training_data" / "player_7" / "TR1_A7_D007_x.csv"
    old = path.read_text()
    path.write_text("newer\n")
    restore(DEFAULT_CONFIG, root, tmp_path / "b.zip")
    assert path.read_text() == old
    assert path.with_name(f"{path.name}.before-restore").read_text() == "newer\n"


def test_a_damaged_backup_restores_nothing(root, tmp_path):
    backup(DEFAULT_CONFIG, root, tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "b.zip") as old, zipfile.ZipFile(tmp_path / "c.zip", "w") as new:
        for info in old.infolist():
            content = old.read(info)
            new.writestr(info.filename, content + b"x" if info.filename.endswith(".onnx") else content)
    shutil.rmtree(root)
    with pytest.raises(MonitorError, match=r"hb_7_model\.onnx is damaged"):
        restore(DEFAULT_CONFIG, root, tmp_path / "c.zip")
    assert not root.exists()


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil"])
def test_a_name_that_points_outside_is_refused(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr(name, "x")
        archive.writestr("MANIFEST.json", json.dumps({"format": 1, "sha256": {name: "0"}}))
    with pytest.raises(MonitorError, match="points outside"):
        verify(tmp_path / "evil.zip")


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_backup_is_one_sentence(tmp_path, content):
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(MonitorError, match="not a backup"):
        verify(tmp_path / "x.zip")


def test_a_backup_that_is_not_there_or_cannot_be_read_says_so(tmp_path):
    with pytest.raises(MonitorError, match=r"x\.zip: cannot be read \(No such file or directory\)"):
        verify(tmp_path / "x.zip")
    with pytest.raises(MonitorError, match=r"cannot be read \(Is a directory\)"):
        verify(tmp_path)


def test_a_second_box_with_another_configuration_keeps_it_and_takes_everything_else(root, tmp_path, capsys):
    backup(DEFAULT_CONFIG, root, tmp_path / "b.zip")
    other = tmp_path / "second" / "orin.yaml"
    other.parent.mkdir()
    text = (ROOT / "jetson_orin_32gb_config.yaml").read_text().replace("athlete_training_data", "training")
    other.write_text(text)
    assert restore(other, None, tmp_path / "b.zip") == 0
    assert (
        f"left out configuration/{DEFAULT_CONFIG.name}: this box is configured by orin.yaml" in capsys.readouterr().out
    )
    assert other.read_text() == text
    assert (other.parent / "training" / "player_7" / "TR2_A7_D007_x.csv").is_file()
    archive = Archive(load_config(other).paths.journal)
    assert archive.seconds(1)["distance_m"].tolist() == seconds(root)
    archive.close()


def test_nothing_is_restored_under_a_running_engine(root, tmp_path):
    backup(DEFAULT_CONFIG, root, tmp_path / "b.zip")
    lock = load_config(DEFAULT_CONFIG, root).prediction_check.lockfile_path
    with acquire(lock, "main.py"), pytest.raises(MonitorError, match="stop it before a restore"):
        restore(DEFAULT_CONFIG, root, tmp_path / "b.zip")


def test_the_journal_is_saved_once_as_a_snapshot(root, tmp_path):
    journal = load_config(DEFAULT_CONFIG, root).paths.journal
    open_elsewhere = sqlite3.connect(journal)
    open_elsewhere.execute("INSERT INTO events VALUES (1, 1.0, 'in the log', '{}')")
    open_elsewhere.commit()
    assert journal.with_name(f"{journal.name}-wal").exists()
    backup(DEFAULT_CONFIG, root, tmp_path / "b.zip")
    open_elsewhere.close()
    assert [name for name in verify(tmp_path / "b.zip") if "journal" in name] == ["journal.sqlite"]


def test_the_journal_before_a_restore_keeps_what_was_only_in_its_log(root, tmp_path):
    backup(DEFAULT_CONFIG, root, tmp_path / "b.zip")
    journal = load_config(DEFAULT_CONFIG, root).paths.journal
    killed = sqlite3.connect(journal)
    killed.execute("PRAGMA wal_autocheckpoint=0")
    killed.execute("INSERT INTO events VALUES (1, 1.0, 'only in the log', '{}')")
    killed.commit()
    copies = {ending: journal.with_name(journal.name + ending).read_bytes() for ending in ("", "-wal")}
    killed.close()
    for ending, content in copies.items():  # as a killed engine leaves it
        journal.with_name(journal.name + ending).write_bytes(content)
    restore(DEFAULT_CONFIG, root, tmp_path / "b.zip")
    older = sqlite3.connect(journal.with_name(f"{journal.name}.before-restore"))
    assert older.execute("SELECT kind FROM events").fetchall() == [("only in the log",)]
    older.close()
    assert Archive(journal).events(1) == []


def test_a_backup_that_was_cut_restores_nothing(root, tmp_path):
    backup(DEFAULT_CONFIG, root, tmp_path / "b.zip")
    content = (tmp_path / "b.zip").read_bytes()
    for size in (10, len(content) // 2, len(content) - 1):
        (tmp_path / "c.zip").write_bytes(content[:size])
        with pytest.raises(MonitorError, match="not a backup, or damaged"):
            restore(DEFAULT_CONFIG, tmp_path / "empty", tmp_path / "c.zip")
    assert not (tmp_path / "empty").exists()


def test_a_backup_with_any_bit_turned_is_one_sentence_or_sound(root, tmp_path):
    backup(DEFAULT_CONFIG, root, tmp_path / "b.zip")
    content, damaged = (tmp_path / "b.zip").read_bytes(), 0
    for place in range(0, len(content), max(1, len(content) // 300)):
        turned = bytearray(content)
        turned[place] ^= 1 << place % 8
        (tmp_path / "c.zip").write_bytes(turned)
        try:
            verify(tmp_path / "c.zip")
        except MonitorError:
            damaged += 1
    assert damaged > 200


@pytest.mark.parametrize("manifest", ["[]", "1", "{}", "null", '{"format": 1, "sha256": [1]}', '{"format": 1'])
def test_a_manifest_of_another_shape_is_one_sentence(tmp_path, manifest):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("MANIFEST.json", manifest)
    with pytest.raises(MonitorError, match="not a backup, or damaged"):
        verify(tmp_path / "x.zip")


def test_no_command_waits_for_a_pipe_in_the_place_of_a_file(root, tmp_path):
    journal = load_config(DEFAULT_CONFIG, root).paths.journal
    backup(DEFAULT_CONFIG, root, tmp_path / "b.zip")
    journal.unlink()
    os.mkfifo(journal)
    os.mkfifo(tmp_path / "pipe")
    for command in (
        partial(backup, DEFAULT_CONFIG, root, tmp_path / "b.zip"),
        partial(restore, DEFAULT_CONFIG, root, tmp_path / "pipe"),
        partial(erase_person, DEFAULT_CONFIG, root, 7),
        partial(export_person, DEFAULT_CONFIG, root, 7, tmp_path / "p.zip"),
        partial(connect, journal),
    ):
        with pytest.raises(MonitorError, match="not a file but a device, pipe or socket"):
            command()
    assert verify(tmp_path / "b.zip")


def test_a_device_or_pipe_is_not_replaced_by_a_file(root, tmp_path):
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    for command in (
        partial(backup, DEFAULT_CONFIG, root, pipe),
        partial(export_person, DEFAULT_CONFIG, root, 7, pipe),
        partial(write, pipe, b"a report"),
        partial(write_table, Table("t", [], iter(())), pipe, "csv"),
    ):
        with pytest.raises(MonitorError, match="not a file but a device, pipe or socket"):
            command()
    assert pipe.is_fifo()
