"""The steps of setup: each can check whether it is done, and do it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from athlete_monitor.system.files import READABLE, replace_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True)
class Step:
    """One step: its subject, whether it is already done, and how to do it."""

    what: str
    stands: bool
    make: Callable[[], None]


def folder_step(folder: Path) -> Step:
    """Create a folder."""
    return Step(f"{folder}/", folder.is_dir(), lambda: folder.mkdir(parents=True, exist_ok=True))


def file_step(file: Path, text: str, mode: int = READABLE, below: Path | None = None) -> Step:
    """Write a file that must hold exactly this text.

    Args:
        file: the file; its folder is created.
        text: its content.
        mode: its permissions.
        below: refuse links in the folders between this one and the file.
    """

    def write() -> None:
        replace_file(file, text.encode(), mode=mode, below=below)

    is_written = file.is_file() and file.read_bytes() == text.encode()
    return Step(str(file), is_written, write)
