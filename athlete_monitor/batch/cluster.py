"""Tasks placed by Ray: ``--cluster auto`` or ``--cluster ADDRESS``. Ray is the optional extra ``league``."""

from __future__ import annotations

import logging
import os
from contextlib import nullcontext
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from athlete_monitor.batch.places import GroupAttempt, Waiting
from athlete_monitor.batch.storage import short
from athlete_monitor.errors import MonitorError
from athlete_monitor.project import PROJECT

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence
    from contextlib import AbstractContextManager

    from athlete_monitor.batch.work import Item, ItemOutcome, Work

HINT: Final = "{} needs Ray: pip install 'athlete-monitor[league]'"
AHEAD: Final = 2
"""Groups for each processor that are on their way, so that none waits for its next."""


def require_ray(who: str = "--cluster") -> None:
    """Check that Ray is installed.

    Args:
        who: what needs it.

    Raises:
        MonitorError: it is not; the text says how to install it.
    """
    if find_spec("ray") is None:
        raise MonitorError(HINT.format(who))


class TaskCluster:
    """A running Ray cluster.

    The machines of the cluster need this package in the same version; all that the work needs travels with the tasks.

    Args:
        address: ``auto`` for the cluster of this machine, else ``HOST:PORT``.

    Raises:
        MonitorError: Ray is not installed, or no cluster answers.
    """

    remote = True

    def __init__(self, address: str) -> None:
        require_ray()
        self.retries = 0
        self._ray = _connected(address)
        self.workers = max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def run(self, work: Work, groups: Iterable[Sequence[Item]]) -> Generator[ItemOutcome, None, None]:
        """See ``Place``."""
        ray = self._ray
        task = ray.remote(_task)
        shared = ray.put(work.portable())
        waiting = Waiting(iter(groups))
        running: dict[Any, GroupAttempt] = {}
        try:
            while True:
                while len(running) < AHEAD * self.workers and (attempt := waiting.next()) is not None:
                    options = {"max_retries": 0, "num_cpus": 1}
                    running[task.options(**options).remote(shared, list(attempt.items))] = attempt
                if not running:
                    return
                [done], _ = ray.wait(list(running), num_returns=1)
                yield from self._outcomes(done, running.pop(done), waiting)
        finally:
            for reference in running:
                ray.cancel(reference, force=True)

    def kept(self) -> AbstractContextManager[None]:
        """See ``Place``: Ray keeps its workers for a while by itself."""
        return nullcontext()

    def close(self) -> None:
        """Leave the cluster; it goes on."""
        self._ray.shutdown()

    def _outcomes(self, reference: Any, attempt: GroupAttempt, waiting: Waiting) -> list[ItemOutcome]:  # noqa: ANN401 - Ray's
        try:
            found: list[ItemOutcome] = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            self.retries += 1
            return waiting.lost(attempt, f"its worker was lost ({type(error).__name__})")
        return found


def _task(work: Work, items: Sequence[Item]) -> list[ItemOutcome]:
    return work.compute(items)


def _connected(address: str) -> Any:  # noqa: ANN401 - the module of Ray
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    try:
        ray.init(
            address=address,
            log_to_driver=False,
            logging_level=logging.ERROR,
            runtime_env={"env_vars": {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(PROJECT)}},
        )
    except Exception as error:  # Ray raises many kinds
        raise MonitorError(f"--cluster {address}: no Ray cluster answers there ({short(error)})") from error
    return ray
