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


def script_command(script: str, config: Path, root: Path | None, options: Sequence[str]) -> list[str]:
    """Return the command line of a script, such as ``main.py``."""
    command = [sys.executable, str(PROJECT / script), "--config", str(config)]
    if root is not None:
        command += ["--root", str(root)]
    return [*command, *options]


def same_place(config: Path, root: Path | None) -> str:
    """Return the options, with a space before each, that make a following command use the same folders."""
    chosen = "" if config == DEFAULT_CONFIG else f" --config {shlex.quote(str(config))}"
    return chosen + ("" if root is None else f" --root {shlex.quote(str(root))}")


def replace_process(script: str, config: Path, root: Path | None, options: Sequence[str]) -> int:
    """Replace this process with the script: it keeps the exit code, the signals and the terminal."""
    command = script_command(script, config, root, options)
    sys.stdout.flush()
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted
