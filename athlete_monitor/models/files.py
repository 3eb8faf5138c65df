"""Reading single files of the store: bounded, and never through a link. Writing is in ``system.files``."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from athlete_monitor.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

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
