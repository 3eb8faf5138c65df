"""For drivers of Ray clusters: waiting with one limit for all of it, and a report where something did not come."""

from __future__ import annotations

import faulthandler
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any

import psutil

from tests.batch.ray_kit import OUT_OF_TIME

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ADDRESS = "127.0.0.1:6379"
NODE = ["--object-store-memory=80000000", "--node-ip-address=127.0.0.1", "--disable-usage-stats"]
TOO_SLOW = "The current node timed out during startup"
SAY_EVERY_S = 20.0
LATE_S = 10.0
LINES = 8
LONGEST = 220


class OutOfTimeError(Exception):
    """Something did not come within the driver's time."""


class Patience:
    """The time of a driver.

    Args:
        limit_s: all of it, s.
    """

    def __init__(self, limit_s: float) -> None:
        self._began_s = time.monotonic()
        self._end_s = self._began_s + limit_s

    @property
    def left_s(self) -> float:
        """What is left, s."""
        return max(0.0, self._end_s - time.monotonic())

    def wait(self, condition: Callable[[], Any], what: str, look_s: float = 0.05) -> Any:
        """Return the condition's first true value.

        Raises:
            OutOfTimeError: it did not come.
        """
        began_s = said_s = time.monotonic()
        while not (value := condition()):
            now_s = time.monotonic()
            if now_s > self._end_s:
                raise OutOfTimeError(f"waited {now_s - began_s:.0f} s for: {what}")
            if now_s - said_s > SAY_EVERY_S:
                said_s = now_s
                self.note(f"still waiting for: {what}")
            time.sleep(look_s)
        return value

    def run(self, command: list[str], what: str) -> subprocess.CompletedProcess[str]:
        """Run a program.

        Raises:
            OutOfTimeError: it did not end.
        """
        try:
            return subprocess.run(command, capture_output=True, text=True, check=False, timeout=self.left_s)
        except subprocess.TimeoutExpired as error:
            said = b"".join(filter(None, (error.stdout, error.stderr))).decode(errors="replace")
            raise OutOfTimeError(f"waited for: {what}; it printed: {said[-LONGEST:]}") from error

    def note(self, what: object) -> None:
        """Write how far it is, for whoever looks into a failure."""
        load = os.getloadavg()[0]
        sys.stderr.write(f"{time.monotonic() - self._began_s:6.1f} s (load {load:.1f}): {what}\n")
        sys.stderr.flush()

    def start_node(self, *options: str, cpus: int = 2) -> None:
        """Start a node of a Ray cluster.

        Raises:
            OutOfTimeError: the machine is too busy for it.
        """
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", f"--num-cpus={cpus}", *NODE, *options]
        done = self.run(command, f"ray start {' '.join(options)}")
        if TOO_SLOW in done.stderr:
            raise OutOfTimeError(f"ray start {options[0]}: {TOO_SLOW} (Ray waits for 30 s)")
        assert done.returncode == 0, f"ray start ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        self.note(f"started a node ({options[0]})")


def main(scenario: Callable[[Patience], Any], temporary: Path, patience: Patience, about: Callable[[], str]) -> int:
    """Run a scenario and print its result as JSON, or else a report; return the exit code.

    Args:
        scenario: what happens.
        temporary: folder of Ray's files.
        patience: the driver's time.
        about: what else to report.
    """
    threading.Thread(target=_end_late, args=(temporary, patience, about), daemon=True).start()
    try:
        result = scenario(patience)
    except Exception as error:  # noqa: BLE001 - whatever it is, the test shows the report
        if not isinstance(error, OutOfTimeError):
            traceback.print_exc()
        report(temporary, about)
        patience.note(f"FAILED: {type(error).__name__}: {error}")
        return OUT_OF_TIME if isinstance(error, OutOfTimeError) else 1
    sys.stdout.write(json.dumps(result) + "\n")
    return 0


def _end_late(temporary: Path, patience: Patience, about: Callable[[], str]) -> None:
    """End the driver where a call of a library does not return."""
    time.sleep(patience.left_s + LATE_S)
    report(temporary, about)
    faulthandler.dump_traceback(all_threads=True)
    patience.note("FAILED: out of time inside a call, see the threads above")
    os._exit(OUT_OF_TIME)


def report(temporary: Path, about: Callable[[], str]) -> None:
    """Write what is to be known of the machine, of the processes and of Ray."""
    free_mb = {name: round(shutil.disk_usage(name).free / 1e6) for name in ("/dev/shm", str(temporary))}
    free_mb["memory"] = round(psutil.virtual_memory().available / 1e6)
    lines = [
        f"machine: load {os.getloadavg()}, {os.cpu_count()} processors, free MB: {free_mb}",
        *(_process_line(each) for each in psutil.process_iter(["pid", "nice", "status", "cpu_times", "name"])),
    ]
    try:
        lines.append(about())
    except Exception as error:  # noqa: BLE001 - a report of what is left
        lines.append(f"nothing else is known: {error}")
    logs = temporary / "session_latest" / "logs"
    for pattern in ("worker*.err", "gcs_server.out", "raylet*.out", "python-core-*.log"):
        for path in sorted(logs.glob(pattern), key=lambda each: each.stat().st_mtime)[-4:]:
            lines += tail(path, only=("" if pattern.endswith("err") else " W ", " E "))
    sys.stderr.write("\n".join(lines) + "\n")


def _process_line(process: psutil.Process) -> str:
    info = process.info
    cpu = sum(info["cpu_times"][:2]) if info["cpu_times"] else 0.0
    return f"  process {info['pid']} nice {info['nice']} {info['status']} {cpu:.1f} s  {info['name']}"


def tail(path: Path, only: tuple[str, ...] = ("",)) -> list[str]:
    """Return the last lines of a file that contain one of these texts, with its name."""
    try:
        found = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    said = [line[:LONGEST] for line in found if line.strip() and any(text in line for text in only)]
    return [f"--- {path.parent.name}/{path.name}", *said[-LINES:]] if said else []
