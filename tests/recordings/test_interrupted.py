"""Imports that end in the middle, by a full disk or a signal: no half session stays, and a second run completes them.

The disk is a real one of a few kilobytes in memory; mounting it needs root.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import warnings
from contextlib import closing
from pathlib import Path

import pytest

from athlete_monitor.recordings import writing
from athlete_monitor.recordings.import_request import ImportRequest
from athlete_monitor.recordings.importing import import_files
from athlete_monitor.wire.session_files import SessionWriter

ROOT = Path(__file__).resolve().parents[2]
DAY_S = 86_400
FILES = 6
ROWS = 300


@pytest.fixture
def season(tmp_path: Path) -> Path:
    folder = tmp_path / "season"
    folder.mkdir()
    for day in range(FILES):
        rows = "".join(f"{1_777_881_600 + day * DAY_S + s},{120 + s % 20},3.0\n" for s in range(ROWS))
        (folder / f"run_{day:02d}.csv").write_text("timestamp,heart_rate,speed_mps\n" + rows)
    return folder


def sessions(root: Path) -> list[Path]:
    return sorted(root.rglob("TR*.csv"))


def assert_only_whole(root: Path) -> None:
    assert [path.name for path in root.rglob("*") if "partial" in path.name or path.name == writing.UNFINISHED] == []
    for path in sessions(root):
        text = path.read_text()
        assert text.endswith("\n")
        assert text.count("\n") == ROWS + 1


# ---------------------------------------------------------------------------------------------------------- a full disk

IMPORT = """
import json, subprocess, sys
from pathlib import Path
from athlete_monitor.recordings.import_request import ImportRequest
from athlete_monitor.recordings.importing import import_files
season, disk = map(Path, sys.argv[1:])
def run():
    report = import_files(ImportRequest([season], disk / "t", disk / "g", athlete_id=7), ())
    left = [path.name for path in disk.rglob("*") if "partial" in path.name or path.name == ".importing"]
    whole = [path.read_text().count("\\n") for path in sorted(disk.rglob("TR*.csv"))]
    return {"failed": report.failed, "new": sum(not d.known for d in report.done), "left": left, "whole": whole}
first = run()
subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
print(json.dumps([first, run()]))
"""


def on_a_small_disk(command: list[str], disk: Path, size: str) -> subprocess.CompletedProcess[str]:
    """Run a command that sees a small disk; the mount ends with it."""
    why = "no program that mounts a disk" if shutil.which("unshare") is None else ""
    why = why or ("mounting a small disk needs root" if os.geteuid() else "")
    if why and not os.environ.get("CI"):
        pytest.skip(why)
    disk.mkdir(exist_ok=True)
    script = 'mount -t tmpfs -o size="$1" tmpfs "$2" || exit 77; shift 2; exec "$@"'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", size, str(disk), *command],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    if done.returncode == 77 and not os.environ.get("CI"):
        pytest.skip("this machine does not let its root mount a disk")
    return done


def test_a_full_disk_ends_an_import_with_one_line_and_the_same_command_completes_it(tmp_path, season):
    disk = tmp_path / "disk"
    done = on_a_small_disk([sys.executable, "-c", IMPORT, str(season), str(disk)], disk, "64k")
    first, second = json.loads(done.stdout)
    [line] = first["failed"]
    assert line.endswith(
        "its session cannot be written: No space left on device; nothing more is imported; free some space and give "
        "the same command again"
    )
    assert 0 < first["new"] < FILES
    assert first["whole"] == [ROWS + 1] * first["new"]
    assert second["failed"] == []
    assert second["new"] == FILES - first["new"]
    assert second["whole"] == [ROWS + 1] * FILES
    assert first["left"] == second["left"] == []


TWICE = 'for size in 0 "$2"; do [ $size = 0 ] || mount -o remount,size=$size "$1"; "$3" jetson_deploy.py import "$4" \
--athlete 7 --root "$1" --yes --quiet; echo "exit $?"; done; cp -r "$1" "$5"'


@pytest.mark.campaign
@pytest.mark.parametrize("size", ["64k", "200k", "400k"])
def test_a_full_disk_leaves_neither_halves_nor_duplicates_in_the_archive(tmp_path, season, size):
    disk, kept = tmp_path / "disk", tmp_path / "kept"
    command = ["sh", "-c", TWICE, "sh", str(disk), "64m", sys.executable, str(season), str(kept)]
    done = on_a_small_disk(command, disk, size)
    first, second = (int(line[5:]) for line in done.stdout.splitlines() if line.startswith("exit "))
    assert (first, second) == (3, 0), done
    assert len(done.stderr.splitlines()) == 1, done
    assert "Traceback" not in done.stderr
    assert len(sessions(kept)) == FILES
    assert_only_whole(kept)
    with closing(sqlite3.connect(kept / "prediction_outputs" / "journal.sqlite3")) as journal:
        assert journal.execute("SELECT count(*), count(DISTINCT start_t) FROM sessions").fetchall() == [(FILES, FILES)]


# ------------------------------------------------------------------------------------------------------------- a signal


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_signal_in_the_middle_of_a_session_leaves_no_half_of_it(tmp_path, season, monkeypatch, number):
    monkeypatch.setattr(writing, "_BLOCK_ROWS", ROWS // 3)
    _import_and_die(tmp_path, season, number)
    assert all(path.read_text().count("\n") == ROWS + 1 for path in sessions(tmp_path / "t"))
    assert len(sessions(tmp_path / "t")) == 2
    report = import_files(ImportRequest([season], tmp_path / "t", tmp_path / "g", athlete_id=7), ())
    assert (report.failed, sum(done.known for done in report.done)) == ([], 2)
    assert len(sessions(tmp_path / "t")) == FILES
    assert_only_whole(tmp_path)


def _import_and_die(root: Path, season: Path, number: signal.Signals) -> None:
    """Import in another process, which gets the signal in the middle of its third session."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of a process with threads, whose child could wait for one
        child = os.fork()
    if not child:
        try:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            _die_while_writing(number)
            import_files(ImportRequest([season], root / "t", root / "g", athlete_id=7), ())
        finally:
            os._exit(9)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == (9 if number == signal.SIGINT else -number)


def _die_while_writing(number: signal.Signals) -> None:
    write, count = SessionWriter.write_arrays, [0]

    def written(writer: SessionWriter, *args: object) -> None:
        count[0] += 1
        write(writer, *args)  # type: ignore[arg-type]
        if count[0] == 2 * 3 + 2:
            writer.flush()
            os.kill(os.getpid(), number)

    SessionWriter.write_arrays = written  # type: ignore[method-assign, assignment]


def test_what_an_import_that_still_runs_has_begun_stays(tmp_path):
    folder = tmp_path / writing.UNFINISHED
    folder.mkdir()
    for name in (f"{os.getppid()}-1.partial", "999999999-1.partial", "x.partial"):
        (folder / name).write_text("timestamp\n")
    writing.remove_unfinished(tmp_path)
    assert [path.name for path in folder.iterdir()] == [f"{os.getppid()}-1.partial"]
