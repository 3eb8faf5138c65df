"""Drivers of Ray clusters, each in namespaces of its own, so that nothing of it is left."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.helpers import ROOT

if TYPE_CHECKING:
    from pathlib import Path

ALONE = ("unshare", "--net", "--pid", "--fork", "--mount-proc", "--kill-child")
INSIDE = ("sh", "-c", 'ip link set lo up && "$@"; exit $?', "sh")
"""The shell stays as the first process of the namespace: it reaps what has lost its parent."""
OUT_OF_TIME = 75
"""Exit code of a driver that ended by itself because its time was over."""
END = "LEAGUE_TESTS_END"
"""Environment variable: epoch seconds at which all of these tests must have ended."""
LEAST_S = 90.0
SETTINGS = {
    "RAY_memory_monitor_refresh_ms": "0",  # Ray kills workers where the machine's memory is nearly full
    "RAY_prestart_worker_first_driver": "0",  # workers for tasks that never come
    "RAY_enable_worker_prestart": "0",
}


def can_be_alone() -> bool:
    """Whether this user may have network and processes of its own."""
    tools = shutil.which("unshare") and shutil.which("ip")
    return bool(tools) and subprocess.run([*ALONE, "ip", "link"], capture_output=True, check=False).returncode == 0


def driven(request: pytest.FixtureRequest, driver: str, folder: Path, *words: str, limit_s: float) -> Any:
    """Run a driver with a folder for its files; return the JSON that it prints.

    A driver that runs out of its time is tried once more: how fast a cluster starts on a shared machine is not tested.

    Args:
        request: of the test.
        driver: path in the project.
        folder: for its files.
        words: further arguments.
        limit_s: time of each try, s; less where ``END`` comes before.
    """
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'athlete-monitor[league]'")
    if not can_be_alone():
        pytest.skip("needs namespaces of its own (unshare, ip, root)")
    done = _tried(driver, folder / "first", words, limit_s)
    if done.returncode == OUT_OF_TIME and _left_s() > LEAST_S:
        _say(request, f"{driver} ran out of its {limit_s:g} s and is tried once more; the first try:\n{done.stderr}")
        done = _tried(driver, folder / "second", words, limit_s)
    assert done.returncode == 0, f"{driver} ended with {done.returncode}:\n{done.stderr[-9000:]}"
    said = [line for line in done.stdout.splitlines() if line.startswith("{")]  # Ray's own log may come in between
    return json.loads(said[-1])


def environment() -> dict[str, str]:
    """Return the environment of a driver."""
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"} | SETTINGS


def _tried(driver: str, folder: Path, words: tuple[str, ...], limit_s: float) -> subprocess.CompletedProcess[str]:
    folder.mkdir()
    seconds = min(limit_s, _left_s())
    assert seconds > 0.0, f"{driver} was not run: the tests before it took all of the time"
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="r", ignore_cleanup_errors=True) as short:  # paths of sockets
        command = [*ALONE, *INSIDE, sys.executable, str(ROOT / driver), str(folder), short, f"{seconds:g}", *words]
        longest_s = seconds + 30.0  # it ends by itself before
        return subprocess.run(
            command, capture_output=True, text=True, check=False, env=environment(), timeout=longest_s
        )


def _left_s() -> float:
    return float(os.environ.get(END, "inf")) - time.time()


def _say(request: pytest.FixtureRequest, text: str) -> None:
    reporter: Any = request.config.pluginmanager.get_plugin("terminalreporter")
    reporter.write_line(f"\n{text}")
