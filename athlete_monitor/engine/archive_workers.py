"""Recordings archived by several processes: workers compute, and the process that holds the journal writes.

A worker asks for its next recording when it has room for one, so that memory does not grow with the season. What comes
back is what the same recording gives in this process, to the last bit.
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing import connection, get_context
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from athlete_monitor.engine.archive_sink import Ended
from athlete_monitor.engine.journal.keeper import facts_of
from athlete_monitor.engine.sessions.wearers import Wearers
from athlete_monitor.engine.side_by_side import SideBySide, seconds_of
from athlete_monitor.engine.sinks.sink import Sink
from athlete_monitor.errors import MonitorError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from athlete_monitor.arrays import FloatArray, IntArray
    from athlete_monitor.athletes import Roster
    from athlete_monitor.config import Config
    from athlete_monitor.engine.archive_sink import ArchiveSink
    from athlete_monitor.engine.blocks import Moment
    from athlete_monitor.engine.offline import Recorded
    from athlete_monitor.engine.sessions.session import Session
    from athlete_monitor.engine.side_by_side import Phase
    from athlete_monitor.squad.kernel import Squad
    from athlete_monitor.squad.present import StepResult
    from athlete_monitor.wire.sample import Sample

_ROWS_A_MESSAGE: Final = 1024
_ONE_THREAD: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Begun:
    """A session has begun."""

    number: int
    session_id: str
    device_id: str
    athlete_id: int
    start_t: float
    facts: dict[str, Any]

    def apply(self, sink: ArchiveSink, numbers: dict[int, int]) -> None:
        """Record it under a number of the journal."""
        numbers[self.number] = sink.begun(self.session_id, self.device_id, self.athlete_id, self.start_t, self.facts)


@dataclass(frozen=True)
class Seconds:
    """Seconds of sessions: their numbers [n], times [n] and whole numbers [n, columns]."""

    numbers: IntArray
    t: FloatArray
    cells: FloatArray

    def apply(self, sink: ArchiveSink, numbers: dict[int, int]) -> None:
        """Record those of new sessions."""
        sink.many_seconds([numbers[number] for number in self.numbers.tolist()], self.t, self.cells)


@dataclass(frozen=True)
class Happened:
    """An event of a session."""

    number: int
    event: dict[str, Any]

    def apply(self, sink: ArchiveSink, numbers: dict[int, int]) -> None:
        """Record it."""
        sink.happened(numbers[self.number], self.event)


@dataclass(frozen=True)
class Over:
    """A session has ended."""

    ended: Ended
    offset_s: float

    def apply(self, sink: ArchiveSink, numbers: dict[int, int]) -> None:
        """Keep its summary until all recordings have been used."""
        sink.over(replace(self.ended, number=numbers.pop(self.ended.number)), self.offset_s)


class Sending(Sink):
    """Sends the output of sessions to the process that writes.

    Args:
        send: called with messages, in order.
    """

    def __init__(self, send: Callable[[list[Any]], None]) -> None:
        self._send = send
        self._begun = 0
        self._last: dict[int, int] = {}
        self._waiting: list[Any] = []
        self._rows: list[tuple[list[int], FloatArray, FloatArray]] = []
        self._count = 0

    def begin(self, session: Session) -> int:
        """Number a session, from 1."""
        self._begun += 1
        facts = session.session_id, session.device_id, session.athlete_id, session.start_t, facts_of(session)
        self._waiting.append(Begun(self._begun, *facts))
        return self._begun

    def seconds(self, sessions: Sequence[Session | Moment], squad: Squad, result: StepResult) -> None:
        """Keep the seconds that are due with a step, and send them with others."""
        due = [index for index in result.due.tolist() if self._is_new(sessions[index])]
        if not due:
            return
        chosen = [sessions[index] for index in due]
        self._rows.append(([session.number for session in chosen], *seconds_of(chosen, squad, result, due)))
        self._count += len(due)
        if self._count >= _ROWS_A_MESSAGE:
            self.flush()

    def event(self, session: Session, event: dict[str, Any]) -> None:
        """Send an event."""
        self._waiting.append(Happened(session.number, event))

    def ended(self, session: Session, summary: dict[str, Any]) -> None:
        """Send the end."""
        self._gather()
        self._waiting.append(Over(Ended.of(session, summary), session.stream.offset_s))
        self._last.pop(session.number, None)

    def flush(self) -> None:
        """Send everything."""
        self._gather()
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._send(waiting)

    def _is_new(self, session: Session | Moment) -> bool:
        second = int(session.last_t)
        is_new = second != self._last.get(session.number)
        self._last[session.number] = second
        return is_new

    def _gather(self) -> None:
        if self._rows:
            numbers, t, cells = zip(*self._rows, strict=True)
            self._waiting.append(Seconds(np.concatenate(numbers), np.concatenate(t), np.concatenate(cells)))
            self._rows.clear()
            self._count = 0


class Workers:
    """Processes that compute recordings.

    Args:
        count: how many.
        config: the configuration.
        roster: who wears which device.
    """

    def __init__(self, count: int, config: Config, roster: Roster) -> None:
        spawn = get_context("spawn")
        self._workers = [_Worker(spawn, config, roster) for _ in range(count)]

    def run(self, recordings: Sequence[Recorded], sink: ArchiveSink, on_progress: Callable[[int], None]) -> list[Phase]:
        """Compute recordings and write what comes out; return their phases.

        Args:
            recordings: dealt out in turn; the workers are equally busy where the long ones come first.
            sink: the archive.
            on_progress: called with how many recordings have ended.

        Raises:
            MonitorError: a worker was lost or has failed.
        """
        busy = {worker.pipe: worker for worker in self._workers}
        for place, worker in enumerate(self._workers):
            worker.begin(recordings[place :: len(self._workers)])
        phases: list[Phase] = []
        while busy:
            ready: list[Any] = connection.wait(list(busy))
            for pipe in ready:
                worker = busy[pipe]
                kind, content = worker.receive()
                if kind == "next":
                    worker.give()
                elif kind == "out":
                    for message in content:
                        message.apply(sink, worker.numbers)
                elif kind == "ended":
                    worker.ended = content
                    on_progress(sum(each.ended for each in self._workers))
                elif kind == "phases":
                    phases += content
                    del busy[pipe]
                else:
                    raise MonitorError(content)
        return phases

    def end(self) -> None:
        """End the processes."""
        for worker in self._workers:
            worker.end()


class _Worker:
    """A process, as the one that writes sees it."""

    def __init__(self, spawn: Any, config: Config, roster: Roster) -> None:  # noqa: ANN401 - a context of multiprocessing
        self.pipe, other = spawn.Pipe()
        self.numbers: dict[int, int] = {}
        self.ended = 0
        self._recordings: Iterator[Recorded] = iter(())
        self._process = spawn.Process(target=_serve, args=(other, config, roster, os.getpid()), daemon=True)
        with _for_workers():
            self._process.start()
        other.close()

    def begin(self, recordings: Sequence[Recorded]) -> None:
        """Begin with some recordings, which it takes one by one."""
        self.ended, self._recordings = 0, iter(recordings)
        with suppress(OSError):  # it is gone: ``receive`` says so
            self.pipe.send("begin")

    def receive(self) -> tuple[str, Any]:
        """Return the next message.

        Raises:
            MonitorError: the process has ended.
        """
        try:
            kind, content = self.pipe.recv()
        except (EOFError, OSError):
            self._process.join(5.0)
            code = self._process.exitcode or 0
            how = f"signal {-code}" if code < 0 else f"exit code {code}"
            raise MonitorError(f"a process that computes figures was ended ({how}); import again to go on") from None
        return kind, content

    def give(self) -> None:
        """Send the next recording, or that there is no other."""
        with suppress(OSError):
            self.pipe.send(next(self._recordings, None))

    def end(self) -> None:
        """End it."""
        self.pipe.close()
        self._process.terminate()
        self._process.join()


@contextmanager
def _for_workers() -> Iterator[None]:
    """Let processes that start here use one thread each, and leave Ctrl+C to the process that writes."""
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    is_main = threading.current_thread() is threading.main_thread()
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN) if is_main else None
    try:
        yield
    finally:
        if is_main:
            signal.signal(signal.SIGINT, handler)
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _serve(pipe: Any, config: Config, roster: Roster, parent: int) -> None:  # noqa: ANN401 - a connection
    """Compute recordings until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    engine = SideBySide(config, Wearers(roster, "all"))
    with suppress(EOFError, OSError):
        while pipe.recv() == "begin" and os.getppid() == parent:
            _run_or_say_why(pipe, engine)


def _run_or_say_why(pipe: Any, engine: SideBySide) -> None:  # noqa: ANN401 - a connection
    try:
        _run(pipe, engine)
    except MonitorError as error:
        pipe.send(("failed", str(error)))


def _run(pipe: Any, engine: SideBySide) -> None:  # noqa: ANN401 - a connection
    sink = Sending(lambda messages: pipe.send(("out", messages)))

    def streams() -> Iterator[Iterator[Sample]]:
        while True:
            pipe.send(("next", None))
            recording = pipe.recv()
            if recording is None:
                return
            yield iter(recording.samples())

    phases = engine.run(streams(), sink, lambda _place: sink.begin, lambda done: pipe.send(("ended", done)))
    sink.flush()
    pipe.send(("phases", [phase for each in phases for phase in each]))
