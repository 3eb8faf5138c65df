"""Running the operating system's own tools."""

from __future__ import annotations

import shlex
import subprocess
from typing import TYPE_CHECKING

from athlete_monitor.errors import MonitorError

if TYPE_CHECKING:
    from collections.abc import Sequence


def run_command(command: Sequence[str]) -> None:
    """Run a tool and wait for it.

    Raises:
        MonitorError: it does not exist or it failed; the text holds its last line.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise MonitorError(f"{command[0]}: cannot be run ({error.strerror})") from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines() or ["no output"]
        raise MonitorError(f"{shlex.join(command)}: failed with code {done.returncode} ({said[-1]})")
