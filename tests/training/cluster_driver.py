"""Inside a namespace of its own: a squad trained on a Ray cluster of two nodes, of which a worker is killed.

Prints JSON: the hashes of the models, and how often a task was tried again.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any

from athlete_monitor.batch.cluster import TaskCluster
from tests.batch import driving
from tests.batch.cluster_driver import kill_a_worker, two_nodes
from tests.batch.driving import ADDRESS, Patience
from tests.helpers import wait_until
from tests.training.kit import squad, trained


def scenario(root: Path, short: str, patience: Patience) -> dict[str, Any]:
    """Train until a killed worker has cost a retry."""
    two_nodes(patience, short)
    cluster = TaskCluster(ADDRESS)
    hashes = {}
    for attempt in range(4):  # a worker that is killed just after its task costs no retry
        if cluster.retries:
            break
        squad(root / str(attempt))
        threading.Thread(target=lambda: wait_until(kill_a_worker, 120), daemon=True).start()
        hashes = trained(root / str(attempt), cluster)
        patience.note(f"trained, {cluster.retries} retries")
    return {"workers": cluster.workers, "retries": cluster.retries, "hashes": hashes}


if __name__ == "__main__":
    folder, temporary, limit_s = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    raise SystemExit(
        driving.main(lambda time: scenario(folder, temporary, time), Path(temporary), Patience(limit_s), str)
    )
