"""Locks held for the life of a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from athlete_monitor import locks
from athlete_monitor.errors import LockedError
from tests.helpers import ROOT, wait_until


@pytest.fixture
def lock(tmp_path):
    return tmp_path / "locks" / ".prediction_running.lock"


def held_by(path: Path) -> locks.Holder:
    found = locks.holder(path)
    assert found is not None
    return found


def started(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Run this code as a process; returns when it has printed its first line."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


@pytest.fixture
def other_process(lock):
    """Another process that holds the lock until it is killed."""
    code = (
        "import sys, time, pathlib; from athlete_monitor import locks\n"
        "with locks.acquire(pathlib.Path(sys.argv[1]), 'main.py'): print('held', flush=True); time.sleep(60)"
    )
    process = started(code, lock)
    yield process
    end(process)


def test_the_lock_file_tells_pid_command_and_start_while_it_is_held(lock):
    with locks.acquire(lock, "main.py --speed 1"):
        told = json.loads(lock.read_text())
        assert told["pid"] == os.getpid()
        assert told["command"] == "main.py --speed 1"
        assert told["started"].endswith("+00:00")


def test_a_lock_that_was_given_back_can_be_taken_again(lock):
    for _ in range(3):
        with locks.acquire(lock, "main.py"):
            pass
    assert locks.holder(lock) is None
    assert lock.read_text() == ""


def test_an_error_inside_gives_the_lock_back(lock):
    with pytest.raises(KeyError), locks.acquire(lock, "main.py"):
        raise KeyError
    assert locks.holder(lock) is None


def test_a_second_holder_is_refused_with_the_name_of_the_first(lock, other_process):
    words = rf"held by main.py \(pid {other_process.pid}, since 20"
    with pytest.raises(LockedError, match=words), locks.acquire(lock, "main.py"):
        pytest.fail("two hold one lock")


def test_one_process_cannot_take_a_lock_twice(lock):
    with locks.acquire(lock, "main.py"), pytest.raises(LockedError), locks.acquire(lock, "main.py"):
        pytest.fail("two hold one lock")


def test_the_holder_can_be_asked_for_without_taking_the_lock(lock, other_process):
    found = held_by(lock)
    assert (found.pid, found.command) == (other_process.pid, "main.py")
    assert locks.holder(lock) == found


def test_a_killed_process_holds_nothing_although_its_words_stand_in_the_file(lock, other_process):
    other_process.kill()
    other_process.wait()
    assert json.loads(lock.read_text())["pid"] == other_process.pid
    assert locks.holder(lock) is None
    with locks.acquire(lock, "main.py"):
        assert held_by(lock).pid == os.getpid()


def test_without_a_file_nobody_holds_the_lock_and_none_is_made(lock):
    assert locks.holder(lock) is None
    assert not lock.exists()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": "x"}', "1234", "\x00\x01"])
def test_whatever_stands_in_the_file_a_held_lock_is_held(lock, content):
    with locks.acquire(lock, "main.py"):
        lock.write_text(content)
        assert held_by(lock).pid in {0, 1234, os.getpid()}


def test_looking_at_a_lock_does_not_keep_others_from_taking_it(lock):
    code = (
        "import sys, pathlib; from athlete_monitor import locks\n"
        "print('looking', flush=True)\nwhile True: locks.holder(pathlib.Path(sys.argv[1]))"
    )
    lock.parent.mkdir()
    lock.touch()
    watcher = started(code, lock)
    try:
        for _ in range(50):
            with locks.acquire(lock, "main.py"):
                pass
    finally:
        end(watcher)


def test_a_lock_that_cannot_be_made_is_told_in_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(LockedError, match="cannot be created"), locks.acquire(tmp_path / "file" / "x.lock", "main.py"):
        pytest.fail("taken")


def test_running_scripts_are_found_by_the_name_of_the_script(tmp_path):
    script = tmp_path / "prediction_for_this_test.py"
    script.write_text("import time; time.sleep(60)")
    process = subprocess.Popen([sys.executable, "-u", str(script), "--flag"])
    try:
        found = wait_until(lambda: locks.running_scripts({script.name}), what="the script among the processes")
        assert [holder.pid for holder in found] == [process.pid]
        assert str(script) in found[0].command
        assert locks.running_scripts({"flag", Path(sys.executable).name}) == []
    finally:
        process.kill()
        process.wait()


def test_a_process_that_only_mentions_a_script_does_not_run_it(tmp_path):
    process = subprocess.Popen(["/bin/sleep", "60"])
    try:
        assert locks.running_scripts({"60"}) == []
    finally:
        process.kill()
        process.wait()


def test_a_pipe_in_the_place_of_a_lock_file_is_refused_and_nobody_waits_for_it(tmp_path):
    os.mkfifo(tmp_path / "lock")
    with pytest.raises(LockedError, match="is not a file"):
        locks.holder(tmp_path / "lock")
    with pytest.raises(LockedError, match="is not a file"), locks.acquire(tmp_path / "lock", "main.py"):
        pass
