"""Drivers of Ray clusters, each in namespaces of its own, so that nothing of it is left."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Any

import pytest

from tests.helpers import ROOT

if TYPE_CHECKING:
    from pathlib import Path

ALONE = ("unshare", "--net", "--pid", "--fork", "--mount-proc", "--kill-child")


def can_be_alone() -> bool:
    """Whether this user may have network and processes of its own."""
    tools = shutil.which("unshare") and shutil.which("ip")
    return bool(tools) and subprocess.run([*ALONE, "ip", "link"], capture_output=True, check=False).returncode == 0


def driven(driver: str, folder: Path) -> Any:
    """Run a driver of this folder's tests with a folder for its files; return the JSON that it prints."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'athlete-monitor[league]'")
    if not can_be_alone():
        pytest.skip("needs namespaces of its own (unshare, ip, root)")
    inside = 'ip link set lo up && exec "$@"'
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="r", ignore_cleanup_errors=True) as short:  # paths of sockets
        command = [*ALONE, "sh", "-c", inside, "sh", sys.executable, str(ROOT / driver), str(folder), short]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=280)
    assert done.returncode == 0, done.stderr[-2000:]
    said = [line for line in done.stdout.splitlines() if line.startswith("{")]  # Ray's own log may come in between
    return json.loads(said[-1])
