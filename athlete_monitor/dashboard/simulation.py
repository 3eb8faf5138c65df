"""A made-up match for people who want to see the screen at work: the publisher as a process of its own."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Final

from athlete_monitor.project import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

PLAYERS: Final = "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]"
MINUTES: Final = "10"


class Simulation:
    """At most one publisher at a time.

    Args:
        config_file: configuration that the publisher reads; None is the default one.
        root: where its files land.
    """

    def __init__(self, config_file: Path | None, root: Path | None) -> None:
        self._options = [f"--config={config_file}"] if config_file else []
        self._options += [f"--root={root}"] if root else []
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether the match is on."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> bool:
        """Begin a match; False where one is on already."""
        if self.running:
            return False
        command = [sys.executable, str(PROJECT / "publisher.py"), "--players", PLAYERS, "--mode", "game"]
        self._process = subprocess.Popen(  # noqa: S603 - our own program with fixed arguments
            [*command, "--duration", MINUTES, *self._options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return True

    def stop(self) -> None:
        """End the match."""
        if self._process is not None and self.running:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
