"""Where a batch runs, from what the user asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from joblib import cpu_count

from athlete_monitor.batch.places import Here, Processes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.batch.places import Place


def chosen_place(workers: int | None, cluster: str | None, fitting: int, preloaded: Sequence[str] = ()) -> Place:
    """Return where to compute.

    Args:
        workers: so many processes, one meaning this very process; ``AUTO`` for what cores and memory allow.
        cluster: address of a Ray cluster, or ``auto``, in place of processes.
        fitting: how many processes the memory allows.
        preloaded: what processes need, as for ``Processes``.

    Raises:
        MonitorError: Ray is not installed, or no cluster answers.
    """
    if cluster is not None:
        from athlete_monitor.batch.cluster import TaskCluster

        return TaskCluster(cluster)
    number = workers or max(1, min(cpu_count(), fitting))
    return Here() if number == 1 else Processes(number, preloaded)
