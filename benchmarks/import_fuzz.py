#!/usr/bin/env python3
"""Damaged files by the thousand for every reader: each is read or refused in one line, in bounded time and memory.

    python benchmarks/import_fuzz.py --each 20000 --seconds 1800 --processes 2
    python benchmarks/import_fuzz.py --again "1 watch.fit 4711" --into /tmp/there     # one try again, its files

Every try has its own seed, ``SEED CASE NUMBER``. The cases take turns, so that a limited time is shared evenly. A
process ends a try that uses too much CPU time; one that hangs where Python cannot interrupt it, or that crashes, is
replaced, and the try counts as a fault. So does a try that opens a file elsewhere, or that breaks what later steps rely
on. ``--report`` keeps the state, and the same command goes on from it.

Prints JSON: of each case how many were read and how many refused, what went wrong with its seed (nothing should), the
slowest try in CPU seconds; in the end the tries of each reader and the most memory of a process in MB.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import mmap
import os
import random
import resource
import select
import shutil
import signal
import struct
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.recordings.mutations import cases, replayed, tried

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MOST_CPU_S = 20.0
MOST_MEMORY_MB = 1024
ROUND = 50
_PLACE = struct.Struct("<qq")
_FORBIDDEN = frozenset({"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "socket.connect", "socket.bind"})
_ELSEWHERE = (
    *(sys.prefix, sys.base_prefix, str(Path(__file__).resolve().parents[1])),
    *("/usr/share/zoneinfo", "/proc/self", "/sys/fs/cgroup"),
)
"""Where Python itself reads; everything else than the folder of the tries belongs to somebody else."""


@dataclass
class Found:
    """What became of the tries of a case."""

    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    slowest_cpu_s: float = 0.0
    slowest: str = ""

    def add(self, other: Found) -> None:
        """Add what another process has found."""
        self.outcomes += other.outcomes
        self.faults += other.faults
        if other.slowest_cpu_s > self.slowest_cpu_s:
            self.slowest_cpu_s, self.slowest = other.slowest_cpu_s, other.slowest


@dataclass(frozen=True)
class Job:
    """Some tries of a case."""

    name: str
    seed: int
    first: int
    last: int


def main() -> None:
    """Try each case, damaged in another way every time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=20_000, help="damaged files for each reader")
    parser.add_argument("--format", action="append", default=[], help="only these cases or kinds")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="at most so long in all")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--report", type=Path, help="keep the state here, and go on from it")
    parser.add_argument("--again", metavar="SEED", help="only write the files of one try")
    parser.add_argument("--into", type=Path, default=Path())
    args = parser.parse_args()
    if args.again:
        write(args.again, args.into)
        return
    names = [name for name, (kind, _) in cases().items() if not args.format or {name, kind} & set(args.format)]
    print(json.dumps(as_json(campaign(names, args)), indent=1))


def write(seed: str, folder: Path) -> None:
    """Write the files of one try."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in replayed(seed.split(" ")[1], seed).items():
        (folder / name).write_bytes(content)


def campaign(names: list[str], args: argparse.Namespace) -> dict[str, Found]:
    """Share the rounds of all cases among the processes."""
    found = {name: Found() for name in names}
    if args.report and args.report.exists():
        found |= {name: each for name, each in restored(args.report).items() if name in found}
    warm_up()
    workers = [Worker(jobs) for jobs in shared(names, found, args)]
    end_s, kept_s = time.monotonic() + args.seconds, time.monotonic()
    while any(worker.running for worker in workers) and time.monotonic() < end_s:
        for worker in select.select([worker for worker in workers if worker.running], [], [], 1.0)[0]:
            for name, each in worker.results():
                found[name].add(each)
        if args.report and time.monotonic() > kept_s:
            kept_s = time.monotonic() + 20
            args.report.write_text(json.dumps(as_json(found), indent=1))
    for worker in workers:
        worker.stop()
    if args.report:
        args.report.write_text(json.dumps(as_json(found), indent=1))
    return found


def shared(names: Sequence[str], found: dict[str, Found], args: argparse.Namespace) -> list[list[Job]]:
    """Return the jobs of each process: those that are not done, the cases in turn."""
    of_kind = Counter(cases()[name][0] for name in names)
    each = {name: -(-args.each // of_kind[cases()[name][0]]) for name in names}
    jobs = [
        Job(name, args.seed, first, min(first + ROUND, each[name]))
        for first in range(0, args.each, ROUND)
        for name in names
        if found[name].outcomes.total() <= first < each[name]
    ]
    return [jobs[number :: args.processes] for number in range(args.processes)]


def warm_up() -> None:
    """Load once, before the processes part, what the readers load when they need it."""
    logging.disable()
    warnings.simplefilter("error", RuntimeWarning)  # it would be a second line for the user
    folder = Path(tempfile.mkdtemp())
    for name in cases():
        with contextlib.suppress(Exception):
            tried(folder / "try", name, random.Random(name))
    shutil.rmtree(folder)


class Worker:
    """A process that tries its jobs, watched from outside.

    Args:
        jobs: what to try, in this order.
    """

    def __init__(self, jobs: list[Job]) -> None:
        self._jobs = jobs
        self._place = mmap.mmap(-1, _PLACE.size)
        self._rest = b""
        self.running = bool(jobs)
        if jobs:
            self._start()

    def fileno(self) -> int:
        """Return where its results come from."""
        return self._results

    def _start(self) -> None:
        self._results, into = os.pipe()
        self._place[:] = _PLACE.pack(0, self._jobs[0].first)
        self._pid = os.fork()
        if not self._pid:
            try:
                _work(self._jobs, into, self._place)
            finally:
                os._exit(0)
        os.close(into)

    def results(self) -> Iterator[tuple[str, Found]]:
        """Yield what has arrived; when the process is gone before its end, start another one behind the bad try."""
        block = os.read(self._results, 1 << 16)
        *lines, self._rest = (self._rest + block).split(b"\n")
        for line in lines:
            yield _from_line(json.loads(line))
        if not block:
            yield from self._ended()

    def _ended(self) -> Iterator[tuple[str, Found]]:
        os.close(self._results)
        _, status = os.waitpid(self._pid, 0)
        done, number = _PLACE.unpack(self._place[:])
        self._jobs, self._rest = self._jobs[done:], b""
        if self._jobs:
            job = self._jobs[0]
            key = f"{job.seed} {job.name} {number}"
            cause = f"{key}: the process ended: {signal.strsignal(os.WTERMSIG(status)) or status}"
            yield job.name, Found(Counter(fault=1), [cause])
            self._jobs = [Job(job.name, job.seed, number + 1, job.last), *self._jobs[1:]]
            self._start()
        self.running = bool(self._jobs)

    def stop(self) -> None:
        """End the process, if it still runs."""
        if self.running:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
            self.running = False


def _work(jobs: list[Job], into: int, place: mmap.mmap) -> None:
    """Do all jobs of a process; each is one line of the results."""
    folder = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    os.environ["TMPDIR"], tempfile.tempdir = str(folder), str(folder)
    limited()
    guard = Guard(folder)
    for done, job in enumerate(jobs):
        found = attempts(job, folder, guard, place, done)
        place[:] = _PLACE.pack(done + 1, jobs[done + 1].first if done + 1 < len(jobs) else 0)
        found.faults = found.faults[:20]
        line = [job.name, found.outcomes, found.faults, found.slowest_cpu_s, found.slowest]
        os.write(into, json.dumps(line).encode() + b"\n")
    shutil.rmtree(folder)


def _from_line(line: list[Any]) -> tuple[str, Found]:
    name, outcomes, faults, slowest_cpu_s, slowest = line
    return name, Found(Counter(outcomes), faults, slowest_cpu_s, slowest)


class Guard:
    """Notices files that a try opens outside its folder, and programs and connections that it starts."""

    def __init__(self, folder: Path) -> None:
        self._allowed = (str(folder), *_ELSEWHERE)
        self.outside: list[str] = []
        sys.addaudithook(self._heard)

    def _heard(self, event: str, args: tuple[Any, ...]) -> None:
        if event in _FORBIDDEN or (event == "open" and not self._is_allowed(args[0])):
            self.outside.append(f"{event} {args[0]}")

    def _is_allowed(self, path: object) -> bool:
        """Whether a file may be opened; a number is a file that is open already."""
        return isinstance(path, int) or os.path.abspath(os.fsdecode(path)).startswith(self._allowed)  # type: ignore[arg-type]  # noqa: PTH100 - of any kind of path

    def heard(self) -> str:
        """Return what was noticed since the last call."""
        noticed, self.outside = ", ".join(self.outside[:3]), []
        return noticed


def limited() -> None:
    """Bound a process: what needs more memory or time than its limit is a fault."""
    used = 1024 * int(Path("/proc/self/statm").read_text().split()[0]) * (resource.getpagesize() // 1024)
    resource.setrlimit(resource.RLIMIT_AS, (used + MOST_MEMORY_MB * 2**20,) * 2)
    signal.signal(signal.SIGVTALRM, hanging)


def hanging(_signal: int, _frame: object) -> None:
    """A try has used too much CPU time."""
    raise TimeoutError(f"more than {MOST_CPU_S:g} CPU s")


def attempts(job: Job, folder: Path, guard: Guard, place: mmap.mmap, done: int) -> Found:
    """Try one round of a case."""
    found = Found()
    for number in range(job.first, job.last):
        place[:] = _PLACE.pack(done, number)
        key, began = f"{job.seed} {job.name} {number}", time.process_time()
        outcome = attempt(folder / "try", job.name, key, found.faults)
        if elsewhere := guard.heard():
            found.faults.append(f"{key}: opens {elsewhere}"[:400])
            outcome = "fault"
        found.outcomes[outcome] += 1
        if (took := time.process_time() - began) > found.slowest_cpu_s:
            found.slowest_cpu_s, found.slowest = took, key
    return found


def attempt(folder: Path, name: str, key: str, faults: list[str]) -> str:
    """Return what became of one try; a fault is kept with its seed and where it happened."""
    signal.setitimer(signal.ITIMER_VIRTUAL, MOST_CPU_S)
    signal.setitimer(signal.ITIMER_PROF, MOST_CPU_S * 1.5)  # ends the process: a library may never come back to Python
    try:
        outcome = tried(folder, name, random.Random(key))
    except Exception as error:  # noqa: BLE001 - a fault is what is looked for
        where = traceback.extract_tb(error.__traceback__)[-1]
        faults.append(f"{key}: {type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})"[:400])
        return "fault"
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.setitimer(signal.ITIMER_PROF, 0)
    if outcome not in {"read", "refused"}:
        faults.append(f"{key}: {outcome}"[:400])
        return "fault"
    return outcome


def as_json(found: dict[str, Found]) -> dict[str, Any]:
    """Return all findings, with the tries of each reader."""
    by_kind: Counter[str] = Counter()
    for name, each in found.items():
        by_kind[cases()[name][0]] += each.outcomes.total()
    memory = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {
        "cases": {name: shown(each) for name, each in found.items()},
        "tries_of_each_reader": dict(sorted(by_kind.items())),
        "tries": by_kind.total(),
        "faults": sum(each.outcomes["fault"] for each in found.values()),
        "most_memory_mb": memory // 1024,
    }


def shown(each: Found) -> dict[str, object]:
    """Return the findings of a case."""
    kinds = {fault.split(": ", 1)[1]: fault for fault in reversed(each.faults)}
    return {
        **each.outcomes,
        "faults": [*kinds.values()][:20],
        "slowest_cpu_s": round(each.slowest_cpu_s, 2),
        "slowest": each.slowest,
    }


def restored(report: Path) -> dict[str, Found]:
    """Return the findings of a report."""
    stored = json.loads(report.read_text())["cases"]
    return {
        name: Found(
            Counter({key: each[key] for key in ("read", "refused", "fault") if key in each}),
            each["faults"],
            each["slowest_cpu_s"],
            each["slowest"],
        )
        for name, each in stored.items()
    }


if __name__ == "__main__":
    main()
