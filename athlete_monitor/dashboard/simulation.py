"""A made-up match for people who want to see the screen at work: the publisher as a process of its own."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from athlete_monitor.dashboard.programs import Programs

PLAYERS: Final = "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]"
MINUTES: Final = "10"


class Simulation:
    """At most one publisher at a time.

    Args:
        programs: how the publisher is started.
    """

    def __init__(self, programs: Programs) -> None:
        self._programs = programs
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether the match is on."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> bool:
        """Begin a match; False where one is on already."""
        if self.running:
            return False
        options = ("--players", PLAYERS, "--mode", "game", "--duration", MINUTES, "--no-files")
        self._process = subprocess.Popen(  # noqa: S603 - our own program with fixed arguments
            self._programs.command("publisher.py", *options),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return True

    def stop(self) -> None:
        """End the match."""
        if self._process is None or not self.running:
            return
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
