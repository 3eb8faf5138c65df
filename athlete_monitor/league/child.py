"""An engine's process, seen from the shard: its heartbeats, its end, its figures.

The engine sends its heartbeats, and that it is connected, by systemd's own protocol (``engine/live/service.py``) to a
socket of the shard.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from athlete_monitor.errors import MonitorError
from athlete_monitor.project import PROJECT

_BYTES: Final = 4096
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
LAST_LINES: Final = 3


@dataclass(frozen=True)
class Usage:
    """What a process has used: processor time, s, and memory, MB; None where it has ended."""

    cpu_s: float | None = None
    rss_mb: float | None = None


NOTHING: Final = Usage()


class Child:
    """The process of an engine, prepared: it waits for ``go``.

    Args:
        league: the league with this squad only, as JSON.
        folder: folder of the squad's state.

    Raises:
        MonitorError: it cannot be started.
    """

    def __init__(self, league: str, folder: Path) -> None:
        self.ready = False
        """Whether the engine has been connected to its broker."""
        self.status = ""
        """The engine's own line about itself."""
        self._folder = folder
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("")  # the kernel chooses a name
        self._socket.setblocking(False)  # noqa: FBT003 - the socket's own
        self.beat_s = self.started_s = time.monotonic()
        self.has_beaten = False
        name = self._socket.getsockname()
        try:
            with (folder / "engine.out").open("wb") as out:
                self._process = subprocess.Popen(  # noqa: S603 - our own module
                    [sys.executable, "-m", "athlete_monitor.league.engine", str(folder)],
                    stdin=subprocess.PIPE,
                    stdout=out,
                    stderr=out,
                    cwd=folder,
                    env=_environment("@" + name[1:].decode()),
                )
            self._pidfd = os.pidfd_open(self._process.pid)
            self._write(f"{league}\n")
        except OSError as error:
            self._socket.close()
            raise MonitorError(f"{folder}: the engine cannot be started: {error.strerror}") from error

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def go(self) -> None:
        """Let the engine take over."""
        self.beat_s = self.started_s = time.monotonic()
        self._write("go\n")

    def wait(self, timeout_s: float, *others: socket.socket) -> bool:
        """Wait for the end, or something on another socket; return whether the process still runs.

        Heartbeats wake nobody: five a second from each engine would cost more than what is done with them.
        """
        select.select([self._pidfd, *(each.fileno() for each in others)], [], [], timeout_s)
        self._read()
        return self._process.poll() is None

    def usage(self) -> Usage:
        """Return what it has used so far."""
        try:
            text = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        except OSError:
            return NOTHING
        return Usage((int(text[11]) + int(text[12])) / _TICKS, round(int(text[21]) * _PAGE / 1e6, 1))

    def stop(self, timeout_s: float) -> None:
        """End it in order: it commits, acknowledges and leaves the broker; kill it if that takes too long."""
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_s)
        self.kill()

    def kill(self) -> None:
        """Kill it, if it still runs, and wait until it has ended."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def close(self) -> str:
        """Free what belongs to it; return how it ended, with its last words."""
        self.kill()
        self._socket.close()
        os.close(self._pidfd)
        if self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()
        code = self._process.returncode
        how = f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        return f"{how}{self._last_words()}" if code else ""

    def _last_words(self) -> str:
        try:
            lines = (self._folder / "engine.out").read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return ""
        last = " / ".join(line.strip() for line in lines[-LAST_LINES:] if line.strip())
        return f": {last[-300:]}" if last else ""

    def _read(self) -> None:
        with suppress(BlockingIOError):
            while True:
                text = self._socket.recv(_BYTES).decode(errors="replace")
                self.beat_s, self.has_beaten = time.monotonic(), True
                self.ready = self.ready or text == "READY=1"
                if text.startswith("STATUS="):
                    self.status = text.removeprefix("STATUS=")

    def _write(self, text: str) -> None:
        assert self._process.stdin is not None  # noqa: S101 - it was asked for
        with suppress(BrokenPipeError):  # its end will be noticed
            self._process.stdin.write(text.encode())
            self._process.stdin.flush()


def _environment(address: str) -> dict[str, str]:
    paths = [str(PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])]
    added = {"NOTIFY_SOCKET": address, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
    return {name: value for name, value in os.environ.items() if not name.startswith("RAY_")} | added
