"""Starting the system's own programs, in this environment and with the same configuration."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING

from athlete_monitor.project import DEFAULT_CONFIG, PROJECT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def door_command(door: str, config: Path, root: Path | None, options: Sequence[str]) -> list[str]:
    """Return the command line of a door, such as ``main.py``."""
    command = [sys.executable, str(PROJECT / door), "--config", str(config)]
    if root is not None:
        command += ["--root", str(root)]
    return [*command, *options]


def same_place(config: Path, root: Path | None) -> str:
    """Return the options, with a space before each, that make a following command look at the same place."""
    chosen = "" if config == DEFAULT_CONFIG else f" --config {shlex.quote(str(config))}"
    return chosen + ("" if root is None else f" --root {shlex.quote(str(root))}")


def replace_process(door: str, config: Path, root: Path | None, options: Sequence[str]) -> int:
    """Become the door: its exit code, its signals and its terminal are this process's own."""
    command = door_command(door, config, root, options)
    sys.stdout.flush()
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted
