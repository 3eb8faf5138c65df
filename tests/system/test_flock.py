"""Locks, on file systems that have them and on those that do not."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from athlete_monitor.system import flock
from tests.helpers import ROOT

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(
    params=["flock", "ENOLCK", "ENOTSUP", "ENOTTY", "EIO", "ESTALE", "EACCES", "ETIMEDOUT", "ECONNREFUSED", "EPERM"]
)
def file_system(request, monkeypatch):
    """A file system with locks, and those that answer in another way."""
    if request.param != "flock":
        number = getattr(errno, request.param)

        def refuse(*_: object) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(fcntl, "flock", refuse)
    return request.param


@pytest.fixture
def handles(tmp_path: Path):
    opened = [os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT) for _ in range(2)]
    yield opened
    for handle in opened:
        os.close(handle)


def test_one_holder_at_a_time(handles, file_system) -> None:
    one, other = handles
    release = flock.try_lock(one)
    assert release is not None
    assert flock.try_lock(other) is None
    assert flock.is_locked(other)
    release()
    assert not flock.is_locked(other)
    again = flock.try_lock(other)
    assert again is not None
    again()


def test_the_file_system_is_asked_whether_it_has_locks(handles, file_system) -> None:
    assert flock.has_locks(handles[0]) is (file_system == "flock")


def test_waiting_for_a_lock_ends_when_it_is_released(handles, file_system) -> None:
    one, other = handles
    order: list[str] = []
    began = threading.Event()

    def wait() -> None:
        began.set()
        with flock.locked(other):
            order.append("second")

    with flock.locked(one):
        thread = threading.Thread(target=wait)
        thread.start()
        began.wait(5)
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]


def test_a_killed_holder_loses_a_lock_of_a_file_system_without_locks(tmp_path: Path, monkeypatch) -> None:
    code = (
        "import errno, fcntl, os, sys, time\n"
        "def refuse(*_): raise OSError(errno.ENOLCK, 'No locks available')\n"
        "fcntl.flock = refuse\n"
        "from athlete_monitor.system import flock\n"
        "kept = flock.try_lock(os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)); print(bool(kept), flush=True)\n"
        "time.sleep(60)\n"
    )

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    path = tmp_path / "lock"
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        handle = os.open(path, os.O_RDWR)
        assert flock.is_locked(handle)
        other.kill()
        other.wait()
        assert not flock.is_locked(handle)
        os.close(handle)


def test_a_file_that_is_not_open_is_not_taken_for_a_missing_lock(handles, monkeypatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    monkeypatch.setattr(fcntl, "flock", refuse)
    for act in (flock.try_lock, flock.is_locked, flock.has_locks):
        with pytest.raises(OSError, match="Bad file descriptor"):
            act(handles[0])
