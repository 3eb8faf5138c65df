"""Work in processes that a terminal's Ctrl+C does not reach, and that ends without a word when nobody wants more."""

from __future__ import annotations

import signal
import warnings

import psutil

from athlete_monitor.batch.places import Processes
from athlete_monitor.training.parallel import each


def held_back(_task):
    """Signals that this process does not see now."""
    return signal.pthread_sigmask(signal.SIG_BLOCK, ())


def given_up(_task, reason):
    raise AssertionError(reason)


def test_workers_never_see_an_interrupt_and_their_maker_does():
    assert all(signal.SIGINT in seen for seen in each(held_back, range(4), Processes(2), "loky", given_up))
    assert signal.SIGINT not in held_back(None)


def test_results_that_nobody_wants_end_their_workers_without_a_warning():
    results = each(held_back, range(50), Processes(2), "loky", given_up)
    next(results)
    workers = [process for process in psutil.Process().children() if "spawn_main" in " ".join(process.cmdline())]
    assert workers
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        results.close()
    assert told == []
    _, left = psutil.wait_procs(workers, 10)
    assert left == []
