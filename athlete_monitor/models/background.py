"""A background thread for loading: it uses only a share of a core, so that many loads never stop the live steps."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

LOADING_SHARE: Final = 0.25
"""Largest share of a core that loads models while athletes are live."""

_LONGEST_NAP_S: Final = 0.05


class PacedThread:
    """Runs jobs one after the other on a thread that exists while there are jobs.

    Before each job it rests for the job before, so that jobs take at most ``share`` of the processor time of one core,
    also where a job comes after the thread has ended. When the program ends, jobs that have not begun are dropped.
    """

    def __init__(self, share: float = LOADING_SHARE) -> None:
        self._rest = 1.0 / share - 1.0
        self._jobs: deque[Callable[[], object]] = deque()
        self._lock = threading.Lock()
        self._works = False
        self._rested_s = 0.0

    def __call__(self, job: Callable[[], object]) -> None:
        """Queue a job."""
        with self._lock:
            self._jobs.append(job)
            starts, self._works = not self._works, True
        if starts:
            threading.Thread(target=self._work, name="model-loading").start()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            self._nap()
            if not _runs():
                return
            began_s = time.thread_time()
            try:
                job()
            except Exception:  # the boundary of this thread: one failed job must not stop the next ones
                logger.exception("event=loading_failed")
            self._rested_s = time.perf_counter() + self._rest * (time.thread_time() - began_s)

    def _next(self) -> Callable[[], object] | None:
        with self._lock:
            if self._jobs and _runs():
                return self._jobs.popleft()
            self._works = False
            return None

    def _nap(self) -> None:
        while _runs() and (left_s := self._rested_s - time.perf_counter()) > 0.0:
            time.sleep(min(left_s, _LONGEST_NAP_S))


def _runs() -> bool:
    """Return whether the program has not ended: threads that still work then would delay its exit."""
    return threading.main_thread().is_alive()


class Requests:
    """Queues one job for each key until it begins, however often it is requested."""

    def __init__(self, run_aside: Callable[[Callable[[], object]], None]) -> None:
        self._run_aside = run_aside
        self._keys: set[object] = set()
        self._lock = threading.Lock()

    def add(self, key: object, job: Callable[[], object]) -> None:
        """Queue a job, unless one of this key already waits."""
        with self._lock:
            if key in self._keys:
                return
            self._keys.add(key)
        self._run_aside(lambda: self._run(key, job))

    def __len__(self) -> int:
        return len(self._keys)

    def _run(self, key: object, job: Callable[[], object]) -> None:
        with self._lock:
            self._keys.discard(key)
        job()
