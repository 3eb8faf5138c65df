"""Inside a namespace of its own: a Ray cluster of two nodes, a season on it, and a worker that is killed.

Prints JSON: for each item a hash of its result, and how often a group was tried again.
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
from pathlib import Path
from typing import Any

import psutil

from athlete_monitor.batch.cluster import TaskCluster
from tests.batch import driving
from tests.batch.driving import ADDRESS, OutOfTimeError, Patience
from tests.replay.kit import context, items_of, season


def kill_a_worker() -> bool:
    """Kill a process of Ray that computes, if there is one; only our own processes are in this namespace."""
    busy = [each for each in psutil.process_iter() if each.name().startswith("ray::_task")]
    for process in busy[:1]:
        os.kill(process.pid, signal.SIGKILL)
    return bool(busy)


def two_nodes(patience: Patience, short: str) -> None:
    """Start a cluster; ``short`` is a folder whose name leaves room for the paths of sockets."""
    os.environ.update({"RAY_worker_niceness": "0"})  # other programs of the machine would stop tasks at Ray's 15
    patience.start_node("--head", "--port=6379", "--include-dashboard=false", f"--temp-dir={short}", cpus=1)
    patience.start_node(f"--address={ADDRESS}", cpus=1)


def scenario(root: Path, short: str, patience: Patience) -> dict[str, Any]:
    """Run the season until a killed worker has cost a retry."""
    two_nodes(patience, short)
    items = items_of(season(root / "season"))
    cluster = TaskCluster(ADDRESS)
    nodes = cluster.workers
    hashes = {}
    while not cluster.retries:
        killed = False  # one for each season: a task that loses three workers is given up
        for outcome in cluster.run(context(root), [[item] for item in items]):
            assert outcome.content is not None, outcome.failure
            hashes[outcome.item_key] = hashlib.sha256(outcome.content).hexdigest()
            killed = killed or kill_a_worker()
            if not patience.left_s:
                raise OutOfTimeError("waited for: the retry of a killed worker's task")
        patience.note(f"one season, {cluster.retries} retries")
    return {"workers": nodes, "retries": cluster.retries, "hashes": hashes}


if __name__ == "__main__":
    folder, temporary, limit_s = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    raise SystemExit(
        driving.main(lambda time: scenario(folder, temporary, time), Path(temporary), Patience(limit_s), str)
    )
