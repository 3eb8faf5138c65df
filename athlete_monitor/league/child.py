"""An engine's process, seen from the shard: its heartbeats, its end, its figures.

The engine sends its heartbeats, and that it is connected, by systemd's own protocol (``engine/live/service.py``) to a
socket of the shard.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from athlete_monitor.errors import MonitorError

if TYPE_CHECKING:
    from athlete_monitor.league.template import Template

OUTPUT: Final = "engine.out"
"""What the engine prints, in the folder of the squad's state."""
LAST_LINES: Final = 2
LONGEST_LINE: Final = 200
_BYTES: Final = 4096
_CODE_S: Final = 2.0
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Usage:
    """What a process has used: processor time, s, and memory, MB; None where it has ended."""

    cpu_s: float | None = None
    rss_mb: float | None = None


NOTHING: Final = Usage()


class Child:
    """The process of an engine, prepared: it waits for ``go``.

    Args:
        template: forks it.
        league: the league with this squad only, as JSON.
        folder: folder of the squad's state.
        runtime: ``model_loading.runtime``.
        start_s: how long to wait for the process, s.

    Raises:
        MonitorError: it cannot be started.
    """

    def __init__(self, template: Template, league: str, folder: Path, runtime: str, start_s: float) -> None:
        self.ready = False
        """Whether the engine has been connected to its broker."""
        self.status = ""
        """The engine's own line about itself."""
        self.beat_s = time.monotonic()
        self.has_beaten = False
        self._folder = folder
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("")  # the kernel chooses a name
        self._socket.setblocking(False)  # noqa: FBT003 - the socket's own
        stdin, self._input = os.pipe()
        self._ending, ending = os.pipe()
        self._pidfd: int | None = None
        out = None
        try:
            out = os.open(folder / OUTPUT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
            address = "@" + self._socket.getsockname()[1:].decode()
            template.fork(folder, address, [stdin, out, ending], runtime)
        except OSError as error:
            self._close_all()
            raise MonitorError(f"{folder}: the engine cannot be started: {error.strerror}") from error
        except MonitorError:
            self._close_all()
            raise
        finally:
            for each in (stdin, ending, *((out,) if out is not None else ())):
                os.close(each)
        self.pid = self._process_id(start_s)
        self._write(f"{league}\n")

    def go(self) -> None:
        """Let the engine take over."""
        self.beat_s = time.monotonic()
        self._write("go\n")

    def wait(self, timeout_s: float, *others: socket.socket) -> bool:
        """Wait for the end, or something on another socket; return whether the process still runs.

        Heartbeats wake nobody: five a second from each engine would cost more than what is done with them.
        """
        ended = self._pidfd
        assert ended is not None  # noqa: S101 - it has come up
        ready, _, _ = select.select([ended, *(each.fileno() for each in others)], [], [], timeout_s)
        self._read()
        return ended not in ready

    def usage(self) -> Usage:
        """Return what it has used so far."""
        try:
            text = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        except OSError:
            return NOTHING
        return Usage((int(text[11]) + int(text[12])) / _TICKS, round(int(text[21]) * _PAGE / 1e6, 1))

    def stop(self, timeout_s: float) -> None:
        """End it in order: it commits, acknowledges and leaves the broker; kill it if that takes too long."""
        self._signal(signal.SIGTERM)
        self.wait(timeout_s)
        self.kill()

    def kill(self) -> None:
        """Kill it, if it still runs, and wait until it has ended."""
        self._signal(signal.SIGKILL)
        while self.wait(1.0):
            pass

    def close(self) -> str:
        """End it if it still runs, and free what belongs to it; return how it ended, empty for as it should."""
        self.kill()
        code = self._line(_CODE_S)
        self._close_all()
        number = int(code) if code.lstrip("-").isdigit() else None
        if number == 0:
            return ""
        if number is None:
            return f"ended; its exit code is not known{self._last_words()}"
        how = f"ended by {signal.Signals(-number).name}" if number < 0 else f"ended with exit code {number}"
        return f"{how}{self._last_words()}"

    def _process_id(self, timeout_s: float) -> int:
        line = self._line(timeout_s)
        try:
            self._pidfd = os.pidfd_open(int(line))
        except (ValueError, OSError) as error:
            self._close_all()
            raise MonitorError(f"{self._folder}: the engine cannot be started: its process did not come up") from error
        return int(line)

    def _line(self, timeout_s: float) -> str:
        """Return the next line of the pipe with process id and exit code; empty where none comes."""
        found = b""
        while not found.endswith(b"\n") and select.select([self._ending], [], [], timeout_s)[0]:
            byte = os.read(self._ending, 1)
            if not byte:
                break
            found += byte
        return found.decode().strip()

    def _last_words(self) -> str:
        try:
            lines = (self._folder / OUTPUT).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return ""
        last = " / ".join(line.strip()[:LONGEST_LINE] for line in lines[-LAST_LINES:] if line.strip())
        return f": {last}" if last else ""

    def _read(self) -> None:
        with suppress(BlockingIOError):
            while True:
                text = self._socket.recv(_BYTES).decode(errors="replace")
                self.beat_s, self.has_beaten = time.monotonic(), True
                self.ready = self.ready or text == "READY=1"
                if text.startswith("STATUS="):
                    self.status = text.removeprefix("STATUS=")

    def _signal(self, number: signal.Signals) -> None:
        if self._pidfd is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, number)

    def _write(self, text: str) -> None:
        with suppress(BrokenPipeError):  # its end will be noticed
            os.write(self._input, text.encode())

    def _close_all(self) -> None:
        self._socket.close()
        for each in (self._input, self._ending, *((self._pidfd,) if self._pidfd is not None else ())):
            with suppress(OSError):
                os.close(each)
