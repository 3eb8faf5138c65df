"""Inside a namespace of its own: a squad trained on a Ray cluster of two nodes, of which a worker is killed.

Prints JSON: the hashes of the models, and how often a task was tried again.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

from athlete_monitor.batch.cluster import Cluster
from tests.batch.cluster_driver import ADDRESS, kill_a_worker, two_nodes
from tests.helpers import wait_until
from tests.training.kit import squad, trained


def main(root: Path, short: str) -> None:
    root.mkdir(parents=True, exist_ok=True)
    two_nodes(root, short)
    cluster = Cluster(ADDRESS)
    hashes = {}
    for attempt in range(4):  # a worker that is killed just after its task costs no retry
        if cluster.retries:
            break
        squad(root / str(attempt))
        threading.Thread(target=lambda: wait_until(kill_a_worker, 120), daemon=True).start()
        hashes = trained(root / str(attempt), cluster)
    sys.stdout.write(json.dumps({"workers": cluster.workers, "retries": cluster.retries, "hashes": hashes}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
