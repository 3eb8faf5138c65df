"""Files that are replaced atomically, through temporary files with unpredictable names and without following links.

Programs that run as root or as a service write below folders that others may write to. So a temporary file is always
new (``O_EXCL``), has a random name, and is never a link. With ``below`` the folders on the way from there to the file
must be real folders too: a link that was put there is refused with ``ELOOP``.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from athlete_monitor.errors import MonitorError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO
    from pathlib import Path

TEMPORARY_PREFIX: Final = ".new-"
"""Prefix of the name of every unfinished file or folder; nothing reads them."""

ABANDONED_S: Final = 3600.0
"""An older temporary file was left by a process that was killed."""

_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NOT_SUPPORTED: Final = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EROFS})
READABLE: Final = 0o644
PRIVATE: Final = 0o600


def refuse_special(path: Path) -> None:
    """Refuse a path with a device, pipe or socket: a reader could wait without end, and a writer would replace it.

    Raises:
        MonitorError: there is one. A file, a folder and a free name pass.
    """
    try:
        kind = path.stat().st_mode
    except OSError:
        return
    if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
        raise MonitorError(f"{path}: is not a file but a device, pipe or socket")


def replace_file(
    path: Path, content: bytes, *, sync: bool = True, mode: int = READABLE, below: Path | None = None
) -> None:
    """Replace ``path`` with ``content`` atomically: readers see the old bytes or the new ones.

    Args:
        path: the file; its folder is created. A link at ``path`` is replaced, not followed.
        content: the new content.
        sync: whether it must survive a power cut.
        mode: permissions of the new file.
        below: refuse links in the folders between this one and the file.

    Raises:
        OSError: it cannot be written; the old file stays.
    """
    with open_folder(path.parent, below=below, make=True) as folder:
        try:
            _replace_in(folder, path.name, content, sync=sync, mode=mode)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(path)) from error


def write_temporary(folder: Path, content: bytes, mode: int = READABLE) -> Path:
    """Write a temporary file into ``folder`` with its bytes on the disk; return its path."""
    with open_folder(folder) as handle:
        return folder / _write_new(handle, content, sync=True, mode=mode)


def open_file(path: Path, flags: int, *, mode: int = READABLE, below: Path | None = None) -> int:
    """Open a file that is not a link, and return its descriptor; missing parent folders are created.

    Args:
        path: the file.
        flags: as of ``os.open``.
        mode: permissions, where the file is new.
        below: refuse links in the folders between this one and the file.

    Raises:
        OSError: it cannot be opened, or is a link (``ELOOP``).
    """
    with open_folder(path.parent, below=below, make=True) as folder:
        try:
            return os.open(path.name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, mode, dir_fd=folder)
        except OSError as error:
            error.filename = str(path)
            raise


@contextmanager
def open_folder(folder: Path, *, below: Path | None = None, make: bool = False) -> Iterator[int]:
    """Provide a descriptor of the folder inside the block.

    Args:
        folder: the folder.
        below: refuse links in the folders between this one and the folder.
        make: create missing folders.

    Raises:
        OSError: it cannot be opened or made, or is a link below ``below`` (``ELOOP``).
    """
    handle = _open_whole(folder, make=make) if below is None else _open_step_by_step(folder, below, make=make)
    try:
        yield handle
    except OSError as error:
        if "/" not in str(error.filename or ""):  # a name inside the folder, or none
            raise OSError(error.errno, error.strerror, str(folder)) from error
        raise
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Put the folder's entries (renames, new names) on the disk."""
    with open_folder(folder) as handle:
        sync_to_disk(handle)


def sync_to_disk(handle: int) -> None:
    """Put an open file or folder on the disk; do nothing where the file system cannot (some networks, FUSE).

    Raises:
        OSError: the disk failed.
    """
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _NOT_SUPPORTED:
            raise


def discard(path: Path) -> None:
    """Remove a file if it is there."""
    with suppress(FileNotFoundError):
        path.unlink()


def clear_abandoned(folder: Path, now_s: float | None = None) -> None:
    """Remove the temporary files that killed processes left in the folder; those of the last hour may be in use."""
    oldest_s = (time.time() if now_s is None else now_s) - ABANDONED_S
    for path in folder.glob(f"{TEMPORARY_PREFIX}*"):
        with suppress(OSError):
            if path.lstat().st_mtime < oldest_s:
                path.unlink()


def _open_whole(folder: Path, *, make: bool) -> int:
    try:
        return os.open(folder, _FOLDER)
    except FileNotFoundError:
        if not make:
            raise
    folder.mkdir(parents=True, exist_ok=True)
    return os.open(folder, _FOLDER)


def _open_step_by_step(folder: Path, below: Path, *, make: bool) -> int:
    handle = _open_whole(below, make=make)
    place = below
    for part in folder.relative_to(below).parts:
        place /= part
        try:
            deeper = _open_part(handle, part, make=make)
        except OSError as error:
            raise _named(error, place) from None
        finally:
            os.close(handle)
        handle = deeper
    return handle


def _open_part(handle: int, part: str, *, make: bool) -> int:
    try:
        return os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=handle)
    except FileNotFoundError:
        if not make:
            raise
    with suppress(FileExistsError):
        os.mkdir(part, dir_fd=handle)
    return os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=handle)


def _named(error: OSError, place: Path) -> OSError:
    """Return the error with its path; the kernel reports ENOTDIR for a link where a folder is required."""
    if error.errno == errno.ENOTDIR and place.is_symlink():
        return OSError(errno.ELOOP, "is a symbolic link; links are not followed here", str(place))
    return OSError(error.errno, error.strerror, str(place))


def _replace_in(folder: int, name: str, content: bytes, *, sync: bool, mode: int) -> None:
    temporary = _write_new(folder, content, sync=sync, mode=mode)
    try:
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        _discard_at(folder, temporary)
        raise
    if sync:
        sync_to_disk(folder)


def _write_new(folder: int, content: bytes, *, sync: bool, mode: int) -> str:
    name = f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}"
    handle = os.open(name, _NEW, mode, dir_fd=folder)
    try:
        with os.fdopen(handle, "wb", buffering=0) as file:
            _write_all(file, content)
            if sync:
                _permit(handle, mode)
                sync_to_disk(handle)
    except BaseException:
        _discard_at(folder, name)
        raise
    return name


def _permit(handle: int, mode: int) -> None:
    """Set the permissions; where the file system has none (FAT), those that the file shows must not be wider."""
    try:
        os.fchmod(handle, mode)
    except OSError:
        if mode != READABLE and stat.S_IMODE(os.fstat(handle).st_mode) & ~mode:
            raise


def _write_all(file: FileIO, content: bytes) -> None:
    if file.write(content) != len(content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _discard_at(folder: int, name: str) -> None:
    with suppress(OSError):
        os.unlink(name, dir_fd=folder)
