"""A real Ray cluster of two nodes, in namespaces of its own, so that nothing of it is left."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile

import pytest

from athlete_monitor.batch.places import Here
from tests.helpers import ROOT
from tests.replay.kit import context, items_of, season

ALONE = ("unshare", "--net", "--pid", "--fork", "--mount-proc", "--kill-child")


def can_be_alone() -> bool:
    """Whether this user may have network and processes of its own."""
    tools = shutil.which("unshare") and shutil.which("ip")
    return bool(tools) and subprocess.run([*ALONE, "ip", "link"], capture_output=True, check=False).returncode == 0


@pytest.mark.league
@pytest.mark.campaign
@pytest.mark.timeout(300)
def test_a_cluster_of_two_nodes_gives_the_same_results_also_where_workers_are_killed(tmp_path):
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'athlete-monitor[league]'")
    if not can_be_alone():
        pytest.skip("needs namespaces of its own (unshare, ip, root)")
    driver = ROOT / "tests" / "batch" / "cluster_driver.py"
    inside = 'ip link set lo up && exec "$@"'
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="r", ignore_cleanup_errors=True) as short:  # paths of sockets
        command = [*ALONE, "sh", "-c", inside, "sh", sys.executable, str(driver), str(tmp_path), short]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=280)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    outcomes = list(Here().run(context(tmp_path), [items_of(season(tmp_path / "again"))]))
    expected = [hashlib.sha256(each.content or b"").hexdigest() for each in outcomes]
    assert found["workers"] == 2
    assert found["retries"] >= 1
    assert sorted(found["hashes"].values()) == sorted(expected)
