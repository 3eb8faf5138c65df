"""Inside a namespace of its own: a Ray cluster of two nodes, a season on it, and a worker that is killed.

Prints JSON: for each item a hash of its result, and how often a group was tried again.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from athlete_monitor.batch.cluster import Cluster
from tests.replay.kit import context, items_of, season

ADDRESS = "127.0.0.1:6379"
NODE = ["--num-cpus=1", "--object-store-memory=80000000", "--node-ip-address=127.0.0.1", "--disable-usage-stats"]


def start(temporary: str, *options: str) -> None:
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", *NODE, *options]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=temporary)


def kill_a_worker() -> bool:
    """Kill a process of Ray that computes, if there is one; only our own processes are in this namespace."""
    busy = [each for each in psutil.process_iter() if each.name().startswith("ray::_task")]
    for process in busy[:1]:
        os.kill(process.pid, signal.SIGKILL)
    return bool(busy)


def two_nodes(root: Path, short: str) -> None:
    """Start a cluster; ``short`` is a folder whose name leaves room for the paths of sockets."""
    start(str(root), "--head", "--port=6379", "--include-dashboard=false", f"--temp-dir={short}")
    start(str(root), f"--address={ADDRESS}")


def main(root: Path, short: str) -> None:
    two_nodes(root, short)
    items = items_of(season(root / "season"))
    cluster = Cluster(ADDRESS)
    nodes = cluster.workers
    hashes = {}
    while not cluster.retries:
        killed = False  # one for each season: a task that loses three workers is given up
        for outcome in cluster.run(context(root), [[item] for item in items]):
            assert outcome.content is not None, outcome.failure
            hashes[outcome.item_key] = hashlib.sha256(outcome.content).hexdigest()
            killed = killed or kill_a_worker()
    sys.stdout.write(json.dumps({"workers": nodes, "retries": cluster.retries, "hashes": hashes}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
