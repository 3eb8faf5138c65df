"""The one place that calls ``flock``, with a replacement for file systems that have no locks.

The kernel releases a lock when its holder ends, however it ends. NFS without a lock service, some FUSE and memory-card
file systems answer with ENOLCK, ENOTSUP or one of a dozen other errors. There an abstract Unix socket, named after the
file's device and inode, replaces the lock: it belongs to one process of this machine and disappears with it. It has no
effect on other machines.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import tempfile
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from athlete_monitor.system.files import TEMPORARY_PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_RETRY_S: Final = 0.02


def has_locks(handle: int) -> bool:
    """Return whether the file system of an open file has locks.

    Raises:
        OSError: the file is not open.
    """
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError as error:
        _refuse_closed(error)
        return False
    fcntl.flock(handle, fcntl.LOCK_UN)
    return True


def has_record_locks(folder: Path) -> bool:
    """Return whether files of a folder can have the other kind of lock (``fcntl``), which SQLite needs.

    Raises:
        OSError: no file can be created there.
    """
    with tempfile.TemporaryFile(dir=folder, prefix=TEMPORARY_PREFIX) as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # nobody else knows this file
            return False
    return True


def try_lock(handle: int) -> Callable[[], None] | None:
    """Take the lock of an open file; return the function that releases it, or None if another process holds it."""
    return _take(handle, fcntl.LOCK_EX)


def is_locked(handle: int) -> bool:
    """Return whether the lock of an open file is held; it is not taken.

    The check shares the lock for some microseconds, so taking the lock is tried more than once.
    """
    release = _take(handle, fcntl.LOCK_SH)
    if release is None:
        return True
    release()
    return False


@contextmanager
def locked(handle: int) -> Iterator[None]:
    """Hold the lock of an open file inside the block; wait while another process holds it."""
    while (release := try_lock(handle)) is None:
        time.sleep(_RETRY_S)
    try:
        yield
    finally:
        release()


def _take(handle: int, kind: int) -> Callable[[], None] | None:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return None
    except OSError as error:
        _refuse_closed(error)
        return _take_socket(handle)
    return lambda: fcntl.flock(handle, fcntl.LOCK_UN)


def _refuse_closed(error: OSError) -> None:
    if error.errno == errno.EBADF:  # a fault of ours; every other error is one of the file system
        raise error


def _take_socket(handle: int) -> Callable[[], None] | None:
    status = os.fstat(handle)
    held = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        held.bind(f"\0athlete-monitor-{os.geteuid()}-{status.st_dev}-{status.st_ino}")
    except OSError as error:
        held.close()
        if error.errno == errno.EADDRINUSE:
            return None
        raise
    return held.close
