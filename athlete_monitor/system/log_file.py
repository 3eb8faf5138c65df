"""A log file that is found again: others may rotate, move or delete it while a program runs."""

from __future__ import annotations

import logging.handlers
import os
from pathlib import Path


class LogFile(logging.handlers.RotatingFileHandler):
    """A ``RotatingFileHandler`` that begins a new file where the old one was moved or deleted, with its folder.

    Raises:
        OSError: the file cannot be created at the start. Later it is tried again with each line.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, into the file that has the name now."""
        try:
            self._follow_name()
        except OSError:
            self.handleError(record)
            return
        super().emit(record)

    def _follow_name(self) -> None:
        """Close a file that no longer has the name; the base class opens the new one."""
        if self.stream is not None and os.fstat(self.stream.fileno())[1:3] != _identity(self.baseFilename):
            self.stream.close()
            self.stream = None
        if self.stream is None:
            Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)


def _identity(name: str) -> tuple[int, int] | None:
    try:
        return os.stat(name)[1:3]  # noqa: PTH116 - the base class has no path
    except (FileNotFoundError, NotADirectoryError):
        return None
