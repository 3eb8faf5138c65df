"""Output during training: a bar on a terminal, plain lines elsewhere, and the log file."""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.progress import Progress, TaskID

    from athlete_monitor.config import Logging

LOGGER = "athlete_monitor.training"
PRINTED = "printed"
"""Marks a log record whose text is also printed: it is only written to the file."""


def say(line: str, *, error: bool = False) -> None:
    """Write one line of the result to standard output, or of a failure to standard error."""
    stream = sys.stderr if error else sys.stdout
    stream.write(line + "\n")
    stream.flush()


class Display(Protocol):
    """Receives the progress of training."""

    def stage(self, name: str, total: int) -> None:
        """A stage of ``total`` steps begins."""

    def advance(self, label: str) -> None:
        """A step is done."""


class Quiet:
    """Shows nothing."""

    def stage(self, name: str, total: int) -> None:
        """See ``Display``."""

    def advance(self, label: str) -> None:
        """See ``Display``."""


class ProgressBar:
    """A rich progress bar: stage, athlete, remaining time."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None
        self._name = ""

    def stage(self, name: str, total: int) -> None:
        """See ``Display``."""
        if self._task is not None:
            self._progress.update(self._task, visible=False)
        self._name = name
        self._task = self._progress.add_task(name, total=total)

    def advance(self, label: str) -> None:
        """See ``Display``."""
        if self._task is not None:
            self._progress.update(self._task, advance=1, description=f"{self._name}: {label}")


@contextmanager
def display(settings: Logging) -> Iterator[Display]:
    """A bar if standard error is a terminal and ``logging.detailed_progress`` is set, else nothing."""
    if not (settings.detailed_progress and sys.stderr.isatty()):
        yield Quiet()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield ProgressBar(progress)


@contextmanager
def log_to(settings: Logging) -> Iterator[logging.Logger]:
    """The trainer's log: into ``logging.log_file``, and warnings to standard error if configured."""
    logger = logging.getLogger(LOGGER)
    logger.setLevel(settings.level)
    logger.propagate = False
    handlers = _handlers(settings)
    for handler in handlers:
        logger.addHandler(handler)
    try:
        yield logger
    finally:
        for handler in handlers:
            logger.removeHandler(handler)
            handler.close()


def _handlers(settings: Logging) -> list[logging.Handler]:
    handlers: list[logging.Handler] = []
    if settings.console_output:
        terminal = logging.StreamHandler()
        terminal.setLevel(logging.WARNING)
        terminal.addFilter(lambda record: not getattr(record, PRINTED, False))
        terminal.setFormatter(logging.Formatter("%(message)s"))
        handlers.append(terminal)
    if settings.log_to_file:
        handlers.append(_file_handler(settings.log_file))
    return handlers or [logging.NullHandler()]


def _file_handler(path: Path) -> logging.Handler:
    """A log file; if it cannot be opened, training continues without it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = _Unshaken(path, encoding="utf-8")
    except OSError as error:
        say(f"{path}: no log file ({error.strerror})", error=True)
        return logging.NullHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s level=%(levelname)s %(message)s"))
    return handler


class _Unshaken(logging.FileHandler):
    """A full disk only loses log lines."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        """Report nothing: a failing disk is reported where it matters."""

    def close(self) -> None:
        """Close; lines that could not be written are lost, and must not hide the result of the training."""
        with suppress(OSError):
            super().close()
