"""Tasks in parallel processes, with results in order."""

from __future__ import annotations

import warnings
from itertools import chain, islice
from typing import TYPE_CHECKING, Final, TypeVar

import joblib

from athlete_monitor.batch.calls import each_at
from athlete_monitor.batch.places import Here, Processes
from athlete_monitor.batch.starting import starting
from athlete_monitor.errors import MonitorError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

    from athlete_monitor.batch.places import Place

R = TypeVar("R")
A = TypeVar("A")

PRELOADED: Final = ("athlete_monitor.training.preloaded",)
OUR_BACKEND = "loky"
"""Processes of our own: a worker that is lost costs its task a retry. Other backends are joblib's."""


def local_place(workers: int) -> Place:
    """Return so many processes; one is this process itself."""
    return Here() if workers <= 1 else Processes(workers, PRELOADED)


def each(
    function: Callable[[A], R],
    tasks: Sequence[A],
    place: Place,
    backend: str,
    lost: Callable[[A, str], R],
    paced: Callable[[Iterable[A]], Iterator[A]] = iter,
) -> Generator[R, None, None]:
    """Yield ``function(task)`` for each task, in order.

    Args:
        function: importable by name, its arguments and results picklable.
        tasks: the tasks.
        place: where they run.
        backend: another backend of joblib runs them in place of processes of our own.
        lost: the result of a task whose workers were lost, from the task and the reason.
        paced: may delay tasks before they are given to a worker.

    Raises:
        MonitorError: the backend does not exist.
    """
    if backend != OUR_BACKEND and isinstance(place, Processes) and len(tasks) > 1:
        yield from _of_joblib(function, tasks, place.workers, backend, paced)
    else:
        yield from each_at(place if len(tasks) > 1 or place.remote else Here(), function, paced(tasks), lost)


def _of_joblib(
    function: Callable[[A], R],
    tasks: Sequence[A],
    workers: int,
    backend: str,
    paced: Callable[[Iterable[A]], Iterator[A]],
) -> Iterator[R]:
    warnings.filterwarnings("ignore", module=r"joblib\..*")  # of lost tasks, also while an interrupt is on its way
    waiting = iter(paced(tasks))
    first = list(islice(waiting, workers))  # before interrupts are held back: it may take a while
    threads = {"inner_max_num_threads": 1} if backend == "multiprocessing" else {}
    try:
        with joblib.parallel_config(backend=backend, **threads), starting():
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
