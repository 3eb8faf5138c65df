"""Real parts that tests run: Mosquitto, the programs as processes; and patience with a limit."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[1]
MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def unused_port() -> int:
    """Return a loopback port that nobody uses at this moment."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def wait_until(condition: Callable[[], Any], timeout_s: float = 10.0, what: str = "the condition") -> Any:
    """Return the condition's first true value; fail the test where none comes in time."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.01)
    pytest.fail(f"{what} did not come true within {timeout_s:g} s")


def accepts_connections(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 0.5):
            return True
    except OSError:
        return False


@dataclass
class Mosquitto:
    """A Mosquitto of this test, on a port that stays the same over restarts; what it keeps survives them too."""

    folder: Path
    port: int = field(default_factory=unused_port)
    host: str = "127.0.0.1"
    settings: str = "allow_anonymous true"
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        config = self.folder / "mosquitto.conf"
        own_user = "user root\n" if os.geteuid() == 0 else ""  # it would go on as a user who cannot see the folder
        config.write_text(
            f"listener {self.port} {self.host}\n{self.settings}\nmax_queued_messages 0\n{own_user}"
            f"persistence true\npersistence_location {self.folder}/\nlog_dest file {self.folder}/mosquitto.log\n"
        )
        assert MOSQUITTO is not None
        self.process = subprocess.Popen([MOSQUITTO, "-c", str(config)], stderr=subprocess.DEVNULL)
        wait_until(lambda: accepts_connections(self.port), what="Mosquitto")

    def stop(self) -> None:
        """End it in order, so that it saves its sessions; harmless when it does not run."""
        while self.process is not None:
            self.process.terminate()  # again and again: Mosquitto forgets a signal that comes while it starts
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(1)
                self.process = None

    def restart(self) -> None:
        self.stop()
        self.start()

    def require_password(self, username: str, password: str) -> None:
        """Let only this user in, from the next start on."""
        file = self.folder / "passwords"
        tool = shutil.which("mosquitto_passwd") or "mosquitto_passwd"
        subprocess.run([tool, "-b", "-c", str(file), username, password], check=True, capture_output=True)
        self.settings = f"allow_anonymous false\npassword_file {file}"


@dataclass
class Program:
    """One of the project's programs as a process; its output is collected in files."""

    process: subprocess.Popen[str]
    stdout_path: Path
    stderr_path: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def stdout(self) -> str:
        return self.stdout_path.read_text(encoding="utf-8", errors="replace")

    @property
    def stderr(self) -> str:
        return self.stderr_path.read_text(encoding="utf-8", errors="replace")

    def wait(self, timeout_s: float = 60.0) -> int:
        """Return the exit code; the test fails, and shows the output, if it does not end in time."""
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            pytest.fail(f"still running after {timeout_s:g} s\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}")

    def wait_for(self, text: str, timeout_s: float = 30.0) -> None:
        """Wait until it has printed this text."""
        wait_until(lambda: text in self.stdout + self.stderr or self.process.poll() is not None, timeout_s, repr(text))
        assert text in self.stdout + self.stderr, f"ended without {text!r}\n{self.stdout}\n{self.stderr}"

    def interrupt(self) -> None:
        """Send what Ctrl-C sends."""
        self.process.send_signal(signal.SIGINT)

    def terminate(self) -> None:
        self.process.terminate()

    def kill(self) -> None:
        """End it as a crash would."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
