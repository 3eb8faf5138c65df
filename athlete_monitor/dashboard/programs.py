"""The system's other programs, started with the configuration that this one has."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from athlete_monitor.errors import MonitorError
from athlete_monitor.project import PROJECT

if TYPE_CHECKING:
    from collections.abc import Sequence

REPORT_S: Final = 120.0
"""Longest time that a report or an export may take."""


@dataclass(frozen=True)
class Programs:
    """Where the configuration is, and where its relative paths land; None for the defaults."""

    config_file: Path | None = None
    root: Path | None = None

    def command(self, script: str, *options: str) -> list[str]:
        """Return the command line of one of our programs."""
        places = [f"--config={self.config_file}"] if self.config_file else []
        places += [f"--root={self.root}"] if self.root else []
        return [sys.executable, str(PROJECT / script), *options, *places]

    def made_file(self, script: str, options: Sequence[str], name: str) -> bytes:
        """Run a program that writes the file ``name`` where ``--out`` says; return what it wrote.

        Raises:
            MonitorError: it fails or takes too long; its own words say why.
        """
        with tempfile.TemporaryDirectory(prefix="screen-") as folder:
            file = Path(folder) / name
            command = self.command(script, *options, "--out", str(file))
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=REPORT_S, check=False)  # noqa: S603 - our own program; the session's id was checked
            except subprocess.TimeoutExpired:
                raise MonitorError(f"{script}: not finished within {REPORT_S:g} s") from None
            if done.returncode or not file.is_file():
                lines = (done.stderr or done.stdout).strip().splitlines()
                raise MonitorError(lines[-1] if lines else f"{script} wrote nothing")
            return file.read_bytes()
