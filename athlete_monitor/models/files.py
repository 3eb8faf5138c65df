"""Reading and writing single files of the store: bounded, never through a link, never half written."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from athlete_monitor.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEMPORARY_PREFIX = ".new-"
"""Begins the name of every file or folder that is not finished; nothing reads them."""

_READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def read_regular(path: Path, limit_bytes: int) -> bytes:
    """Read a whole file that must be a regular one of at most ``limit_bytes`` bytes.

    A symbolic link is refused, a pipe or device is never waited for.

    Raises:
        FileNotFoundError: there is no such file.
        ModelError: it is a link, no regular file, too large, or cannot be read.
    """
    try:
        with os.fdopen(os.open(path, _READ_FLAGS), "rb") as file:
            _check_regular(path, os.fstat(file.fileno()), limit_bytes)
            content = file.read(limit_bytes + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); a regular file is needed") from None
    if len(content) > limit_bytes:
        raise ModelError(f"{path}: grew beyond {limit_bytes} bytes while it was read")
    return content


def _check_regular(path: Path, status: os.stat_result, limit_bytes: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ModelError(f"{path}: is not a regular file")
    if status.st_size > limit_bytes:
        raise ModelError(f"{path}: {status.st_size} bytes, at most {limit_bytes} are allowed")


def write_temporary(folder: Path, content: bytes) -> Path:
    """Write a temporary file into ``folder``, readable by all, with its bytes on the disk; return its path."""
    descriptor, name = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, dir=folder)
    path = folder / name
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
    except BaseException:
        discard(path)
        raise
    return path


def replace_file(path: Path, content: bytes) -> None:
    """Put ``content`` in place of ``path`` in one step: readers see the old bytes or the new ones."""
    temporary = write_temporary(path.parent, content)
    try:
        temporary.replace(path)
    except BaseException:
        discard(temporary)
        raise
    sync_folder(path.parent)


def discard(path: Path) -> None:
    """Remove a file if it is there."""
    with suppress(FileNotFoundError):
        path.unlink()


def sync_folder(folder: Path) -> None:
    """Put the folder's entries (renames, new names) on the disk."""
    with open_folder(folder) as descriptor:
        os.fsync(descriptor)


@contextmanager
def open_folder(folder: Path) -> Iterator[int]:
    """Give a descriptor of the folder for the time of the block."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
