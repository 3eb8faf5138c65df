"""Where tasks run: in this process, in worker processes of this machine, on a cluster.

A place takes groups of items and gives outcomes as they come, in any order. A worker that is killed costs its group a
retry. Where the group fails again, each of its items is tried by itself, so that one item that kills its worker does
not take the others with it.
"""

from __future__ import annotations

import os
import time
from collections import deque
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from multiprocessing import connection, forkserver, get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from athlete_monitor.batch.starting import starting
from athlete_monitor.batch.work import ItemOutcome

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from athlete_monitor.batch.work import Item, Work

TRIES: Final = 3
_HERE: Final = Path(__file__).resolve().parents[2]
_PATH: Final = "PYTHONPATH"
_ONE_THREAD: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Place(Protocol):
    """Somewhere to compute."""

    workers: int
    retries: int
    """Groups that were tried again because their worker was lost."""
    remote: bool
    """Whether workers may be on machines that do not see this one's files."""

    def run(self, work: Work, groups: Iterable[Sequence[Item]]) -> Generator[ItemOutcome, None, None]:
        """Yield the outcome of every item, in any order.

        Args:
            work: what is done with the items.
            groups: items that are computed side by side; taken one by one, whenever a worker is free.
        """

    def kept(self) -> AbstractContextManager[None]:
        """Within the block workers go on from one run to the next: starting one takes seconds."""

    def close(self) -> None:
        """Leave the place."""


class Here:
    """This process."""

    workers = 1
    retries = 0
    remote = False

    def run(self, work: Work, groups: Iterable[Sequence[Item]]) -> Generator[ItemOutcome, None, None]:
        """See ``Place``."""
        for group in groups:
            yield from work.compute(group)

    def kept(self) -> AbstractContextManager[None]:
        """See ``Place``."""
        return nullcontext()

    def close(self) -> None:
        """See ``Place``."""


@dataclass(frozen=True)
class GroupAttempt:
    """A group, and how often it was tried before."""

    items: Sequence[Item]
    tries: int = 0

    def again(self, cause: str) -> tuple[list[GroupAttempt], list[ItemOutcome]]:
        """Return what to try next after a worker was lost, and what is given up."""
        tries = self.tries + 1
        if tries < TRIES - 1:
            return [GroupAttempt(self.items, tries)], []
        if tries < TRIES:
            return [GroupAttempt([item], tries) for item in self.items], []
        return [], [ItemOutcome(item.key, failure=f"{item.label}: {cause}, {TRIES} times") for item in self.items]


@dataclass
class Waiting:
    """Groups to come: those to be tried again first."""

    groups: Iterator[Sequence[Item]]
    again: deque[GroupAttempt] = field(default_factory=deque)

    def next(self) -> GroupAttempt | None:
        """Return the next group; None where nothing is left."""
        if self.again:
            return self.again.popleft()
        group = next(self.groups, None)
        return None if group is None else GroupAttempt(group)

    def lost(self, attempt: GroupAttempt, cause: str) -> list[ItemOutcome]:
        """Take back a group whose worker was lost; return what is given up."""
        again, given_up = attempt.again(cause)
        self.again.extend(again)
        return given_up


class Processes:
    """Worker processes of this machine.

    Args:
        workers: how many at the same time.
        preloaded: modules that a process of their own imports once; workers are forked from it and share its memory.
            The first place of a program decides.
    """

    remote = False

    def __init__(self, workers: int, preloaded: Sequence[str] = ()) -> None:
        self.workers = workers
        self.retries = 0
        self._context = get_context("forkserver" if preloaded else "spawn")
        self._preloads = bool(preloaded)
        if self._preloads:
            self._context.set_forkserver_preload(list(preloaded))
        self._idle: list[_Worker] = []
        self._keeps = False

    def run(self, work: Work, groups: Iterable[Sequence[Item]]) -> Generator[ItemOutcome, None, None]:
        """See ``Place``."""
        waiting = Waiting(iter(groups))
        running: dict[Any, tuple[_Worker, GroupAttempt]] = {}
        try:
            while True:
                self._fill(work, waiting, running)
                if not running:
                    return
                for pipe in connection.wait(list(running)):
                    worker, attempt = running.pop(pipe)
                    outcomes = worker.answer()
                    if outcomes is None:
                        self.retries += 1
                        yield from waiting.lost(attempt, f"its worker was ended ({worker.end()})")
                    else:
                        self._idle.append(worker)
                        yield from outcomes
        finally:
            for worker, _ in running.values():
                worker.end()
            if not self._keeps:
                self.close()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """See ``Place``: the process that imports what workers need starts at once."""
        self._keeps = True
        if self._preloads:
            with _for_workers(), starting():
                forkserver.ensure_running()
        try:
            yield
        finally:
            self._keeps = False
            self.close()

    def close(self) -> None:
        """See ``Place``: idle workers end; without ``kept`` they end with each run."""
        while self._idle:
            self._idle.pop().end()

    def _fill(self, work: Work, waiting: Waiting, running: dict[Any, tuple[_Worker, GroupAttempt]]) -> None:
        while len(running) < self.workers:
            attempt = waiting.next()
            if attempt is None:
                return
            worker = self._worker()
            worker.ask(work, attempt.items)
            running[worker.pipe] = worker, attempt

    def _worker(self) -> _Worker:
        """Return a worker without a group; one that was killed meanwhile must not cost a group a retry."""
        while self._idle:
            worker = self._idle.pop()
            if worker.alive:
                return worker
            worker.end()
        return _Worker(self._context)


class _Worker:
    """A process that computes one group after another."""

    def __init__(self, context: Any) -> None:  # noqa: ANN401 - of multiprocessing
        self.pipe, other = context.Pipe()
        self._work: Work | None = None
        self._process = context.Process(target=_serve, args=(other,), daemon=True)
        with _for_workers(), starting():
            self._start()
        other.close()

    def _start(self) -> None:
        """Start the process; the one that workers are forked from may have ended meanwhile, then there is a new one."""
        try:
            self._process.start()
        except (OSError, EOFError):
            time.sleep(0.1)  # it closes its files a moment before it can be seen to have ended
            self._process.start()

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return bool(self._process.is_alive())

    def ask(self, work: Work, items: Sequence[Item]) -> None:
        """Give it a group; the work is sent only where it is another one than before, because it may be large."""
        try:
            if work is not self._work:
                self.pipe.send(work)
                self._work = work
            self.pipe.send(list(items))
        except OSError:
            return  # it is gone: its answer will say so

    def answer(self) -> list[ItemOutcome] | None:
        """Return its outcomes; None where it is gone."""
        try:
            found: list[ItemOutcome] = self.pipe.recv()
        except (EOFError, OSError):
            return None
        return found

    def end(self) -> str:
        """End it; return how it ended."""
        self.pipe.close()
        self._process.join(0.0 if self._process.is_alive() else None)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        code = self._process.exitcode or 0
        return f"signal {-code}" if code < 0 else f"exit code {code}"


class _for_workers:  # noqa: N801 - reads as a function
    """The environment of workers, and of the process that they are forked from.

    Workers share the cores by being many: the libraries in each use one thread. That process finds the modules which
    it imports also if the program was started from another folder: it takes no path from its parent.
    """

    def __enter__(self) -> None:
        paths = [str(_HERE), *filter(None, [os.environ.get(_PATH)])]
        changed = dict.fromkeys(_ONE_THREAD, "1") | {_PATH: os.pathsep.join(paths)}
        self._before = {name: os.environ.get(name) for name in changed}
        os.environ.update(changed)

    def __exit__(self, *_: object) -> None:
        for name, value in self._before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _serve(pipe: Any) -> None:  # noqa: ANN401 - a connection
    """Compute groups until the other end is closed, or the process that started this one has ended."""
    parent = os.getppid()

    def is_wanted(_left: int) -> None:
        if os.getppid() != parent:
            os._exit(1)  # nobody waits for this any more

    work: Any = None
    with suppress(EOFError, OSError):
        while True:
            received = pipe.recv()
            if isinstance(received, list):
                pipe.send(work.compute(received, is_wanted))
            else:
                work = received
