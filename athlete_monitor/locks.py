"""Locks between programs: lock files that a dead process cannot hold.

A lock is an advisory ``flock``, which the kernel releases when its holder ends, however it ends (``system.flock``
describes file systems without locks). The content of the file (pid, start time and command) is for people, and is valid
only while the lock is held.
"""

from __future__ import annotations

import json
import logging
import os
import stat
import time
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from athlete_monitor.errors import LockedError
from athlete_monitor.system.flock import has_locks, is_locked, try_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

_MAX_BYTES: Final = 4096
_LOOKS: Final = 10
_LOOK_S: Final = 0.02  # a check shares the lock for some microseconds; taking it must not fail because of that

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True)
class Holder:
    """The process that holds a lock, as far as the lock file shows.

    Attributes:
        pid: process id; 0 where the file does not say.
        started: ISO 8601 time at which the lock was taken.
        command: what runs.
    """

    pid: int = 0
    started: str = "an unknown time"
    command: str = "another process"

    def __str__(self) -> str:
        return f"{self.command} (pid {self.pid or 'unknown'}, since {self.started})"


@contextmanager
def acquire(path: Path, command: str) -> Iterator[None]:
    """Hold the lock inside the ``with`` block; after its release the file stays, empty.

    Args:
        path: lock file; it and its folder are made.
        command: the running program, shown to others who find the lock taken.

    Raises:
        LockedError: another process, or another holder in this one, has it, or the file cannot be made.
    """
    handle = _open(path)
    try:
        release = _take(path, handle)
        _write(handle, Holder(os.getpid(), datetime.now(timezone.utc).isoformat(timespec="seconds"), command))
        try:
            yield
        finally:
            os.ftruncate(handle, 0)
            release()
    finally:
        os.close(handle)


def holder(path: Path) -> Holder | None:
    """Return the holder of the lock, or None if it is free, whatever the file says; the lock is not taken.

    Raises:
        LockedError: the file exists and cannot be read.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LockedError(f"{path}: cannot be read: {error.strerror}") from None
    if stat.S_ISDIR(os.fstat(handle).st_mode):
        os.close(handle)
        return None
    handle = _file_only(path, handle)
    try:
        return _read(handle) if is_locked(handle) else None
    except OSError as error:
        raise LockedError(f"{path}: cannot be read: {error.strerror}") from None
    finally:
        os.close(handle)


def running_scripts(names: Collection[str]) -> list[Holder]:
    """Return the Python processes of this machine, other than this one, that run a script of one of these names.

    For scripts that take no lock. A name matches the last part of the script's path.
    """
    found = []
    for process in psutil.process_iter(["pid", "cmdline", "create_time"]):
        command = process.info["cmdline"] or []
        if process.pid != os.getpid() and _script(command) in names:
            started = datetime.fromtimestamp(process.info["create_time"] or 0, timezone.utc)
            found.append(Holder(process.pid, started.isoformat(timespec="seconds"), " ".join(command)))
    return found


def _script(command: list[str]) -> str | None:
    """Return the name of the script that a Python command line runs, None for anything else."""
    if not command or not Path(command[0]).name.lower().startswith("python"):
        return None
    return next((Path(part).name for part in command[1:] if part.endswith(".py")), None)


def _open(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o644)
    except OSError as error:
        raise LockedError(f"{path}: cannot be created: {error.strerror}") from None
    return _file_only(path, handle)


def _file_only(path: Path, handle: int) -> int:
    """Return the handle of a file; a pipe or a device in its place would make every program wait."""
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return handle
    os.close(handle)
    raise LockedError(f"{path}: is not a file; remove it")


def _take(path: Path, handle: int) -> Callable[[], None]:
    try:
        if not has_locks(handle):
            _log.warning(
                "%s: this file system has no locks; a lock that only covers this machine is used instead", path
            )
        for _ in range(_LOOKS):
            if (release := try_lock(handle)) is not None:
                return release
            time.sleep(_LOOK_S)
    except OSError as error:
        raise LockedError(f"{path}: cannot be locked: {error.strerror}") from None
    raise LockedError(f"{path}: held by {_read(handle)}; wait until it ends or stop it")


def _write(handle: int, held_by: Holder) -> None:
    """Write the holder into the file. A full disk does not release the lock, so the work continues without the text."""
    with suppress(OSError):
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(asdict(held_by)).encode() + b"\n", 0)
        os.fsync(handle)


def _read(handle: int) -> Holder:
    try:
        found = json.loads(os.pread(handle, _MAX_BYTES, 0))
        return Holder(int(found["pid"]), str(found["started"]), str(found["command"]))
    except (ValueError, TypeError, KeyError):  # its holder is writing it at this moment, or wrote something else
        return Holder()
