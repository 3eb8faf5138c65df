"""Tasks in parallel processes, with results in order."""

from __future__ import annotations

import warnings
from itertools import chain, islice
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING, TypeVar

import joblib
from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import TerminatedWorkerError

from athlete_monitor.errors import MonitorError
from athlete_monitor.training.stopping import without_interrupts

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

R = TypeVar("R")
A = TypeVar("A")


def each(
    function: Callable[[A], R],
    tasks: Sequence[A],
    workers: int,
    backend: str,
    paced: Callable[[Iterable[A]], Iterator[A]] = iter,
) -> Generator[R, None, None]:
    """Yield ``function(task)`` for each task, in order; one worker means this process itself.

    If the system kills a worker because memory is short, the remaining tasks are done one at a time.

    Args:
        function: importable by name, its arguments and results picklable.
        tasks: the tasks.
        workers: number of processes.
        backend: joblib backend.
        paced: may delay tasks before they are given to a worker.

    Raises:
        MonitorError: the backend does not exist.
    """
    done = 0
    if workers > 1 and len(tasks) > 1:
        try:
            for result in _parallel(function, tasks, workers, backend, paced):
                yield result
                done += 1
        except TerminatedWorkerError:
            pass
    yield from map(function, paced(islice(tasks, done, None)))


def release(workers: int, backend: str) -> None:
    """End idle worker processes, so that the next stage starts with new ones without this one's memory."""
    if workers > 1 and backend == "loky":
        get_reusable_executor().shutdown(wait=True)


def _parallel(
    function: Callable[[A], R],
    tasks: Sequence[A],
    workers: int,
    backend: str,
    paced: Callable[[Iterable[A]], Iterator[A]],
) -> Iterator[R]:
    warnings.filterwarnings("ignore", module=r"joblib\..*")  # of lost tasks, also while an interrupt is on its way
    resource_tracker.ensure_running()  # starting it would allow interrupts again
    waiting = iter(paced(tasks))
    first = list(islice(waiting, workers))  # before interrupts are held back: it may take a while
    threads = {"inner_max_num_threads": 1} if backend in {"loky", "multiprocessing"} else {}
    try:
        with joblib.parallel_config(backend=backend, **threads), without_interrupts():
            pool = joblib.Parallel(n_jobs=workers, return_as="generator", pre_dispatch=workers, max_nbytes=None)
            results = pool(joblib.delayed(function)(task) for task in chain(first, waiting))
    except (ValueError, ImportError) as error:
        raise MonitorError(f"training.backend: {backend!r} is not available ({error})") from None
    try:
        for result in results:  # noqa: UP028 - `yield from` would close them itself, with a warning
            yield result
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # joblib warns about tasks that nobody waits for any more
            results.close()
