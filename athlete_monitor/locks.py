"""Who may run beside whom: lock files that a dead process cannot hold.

A lock is an advisory ``flock``, which the kernel releases when its holder ends, however it ends. What the file says
(pid, start time and command) is for people, and counts only while the lock is held.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from athlete_monitor.errors import LockedError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

_MAX_BYTES: Final = 4096
_LOOKS: Final = 10
_LOOK_S: Final = 0.02  # whoever looks at a lock shares it for some microseconds; nobody fails to take it for that


@dataclass(frozen=True)
class Holder:
    """The process that holds a lock, as far as the lock file tells.

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
    """Hold the lock inside the ``with`` block; the file stays, empty, when it is given back.

    Args:
        path: lock file; it and its folder are made.
        command: what runs, for whoever finds the lock taken.

    Raises:
        LockedError: another process, or another holder in this one, has it, or the file cannot be made.
    """
    handle = _open(path)
    try:
        if not _try_lock(handle):
            raise LockedError(f"{path}: held by {_read(handle)}; wait until it ends or stop it")
        _write(handle, Holder(os.getpid(), datetime.now(timezone.utc).isoformat(timespec="seconds"), command))
        try:
            yield
        finally:
            os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def holder(path: Path) -> Holder | None:
    """Return who holds the lock, or None where nobody does, whatever the file says; the lock is not taken.

    Raises:
        LockedError: the file is there and cannot be looked at.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LockedError(f"{path}: cannot be looked at: {error.strerror}") from None
    try:
        return None if _try_shared(handle) else _read(handle)
    finally:
        os.close(handle)


def wait_until_free(
    path: Path,
    check_interval_s: float,
    max_wait_s: float,
    on_wait: Callable[[Holder, float], None] = lambda _holder, _waited_s: None,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Return once nobody holds the lock.

    Args:
        path: lock file.
        check_interval_s: pause between two looks, s.
        max_wait_s: how long to wait at most, s; 0 looks once.
        on_wait: told at each look that finds the lock held: by whom, and the seconds waited so far.
        clock: seconds that only ever grow.
        sleep: waits for so many seconds.

    Raises:
        LockedError: it is still held after the longest wait.
    """
    start = clock()
    while (found := holder(path)) is not None:
        waited = clock() - start
        if waited >= max_wait_s:
            raise LockedError(f"{path}: still held by {found} after {waited:.0f} s")
        on_wait(found, waited)
        sleep(min(check_interval_s, max_wait_s - waited))


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
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise LockedError(f"{path}: cannot be made: {error.strerror}") from None


def _try_lock(handle: int) -> bool:
    for _ in range(_LOOKS):
        if _flock(handle, fcntl.LOCK_EX):
            return True
        time.sleep(_LOOK_S)
    return False


def _try_shared(handle: int) -> bool:
    return _flock(handle, fcntl.LOCK_SH)


def _flock(handle: int, kind: int) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write(handle: int, held_by: Holder) -> None:
    os.ftruncate(handle, 0)
    os.pwrite(handle, json.dumps(asdict(held_by)).encode() + b"\n", 0)
    os.fsync(handle)


def _read(handle: int) -> Holder:
    try:
        found = json.loads(os.pread(handle, _MAX_BYTES, 0))
        return Holder(int(found["pid"]), str(found["started"]), str(found["command"]))
    except (ValueError, TypeError, KeyError):  # its holder is writing it just now, or wrote something else
        return Holder()
