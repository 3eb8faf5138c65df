#!/usr/bin/env python3
"""Damaged files by the thousand for every reader: each is read or refused in one line, in bounded time and memory.

    python benchmarks/import_fuzz.py --each 20000 --seconds 1800 --processes 2
    python benchmarks/import_fuzz.py --again "1 watch.fit 4711" --into /tmp/there     # one try again, its files

Every try has its own seed, ``SEED CASE NUMBER``. The cases take turns, so that a limited time is shared evenly. Prints
JSON: of each case how many were read and how many refused, what went wrong with its seed (nothing should), the slowest
try in CPU seconds; in the end the tries of each reader and the most memory of a process in MB.
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.recordings.mutations import cases, replayed, tried

MOST_CPU_S = 20.0
MOST_MEMORY_MB = 1024
ROUND = 100


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


def main() -> None:
    """Try each case, damaged in another way every time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=20_000, help="damaged files for each reader")
    parser.add_argument("--format", action="append", default=[], help="only these cases or kinds")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="at most so long in all")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--report", type=Path, help="write the state here after every round too")
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
    end_s = time.monotonic() + args.seconds
    of_kind = Counter(cases()[name][0] for name in names)
    each = {name: -(-args.each // of_kind[cases()[name][0]]) for name in names}
    rounds = (
        (name, args.seed, first, min(first + ROUND, each[name]))
        for first in range(0, args.each, ROUND)
        for name in names
        if first < each[name]
    )
    with multiprocessing.get_context("spawn").Pool(args.processes, limited) as pool:
        jobs = (each for each in rounds if time.monotonic() < end_s)
        for number in count():
            several = [job for _, job in zip(range(args.processes * 4), jobs, strict=False)]
            if not several:
                break
            for (name, *_), result in zip(several, pool.imap(attempts, several), strict=True):
                found[name].add(result)
            if args.report and number % 5 == 0:
                args.report.write_text(json.dumps(as_json(found), indent=1))
    if args.report:
        args.report.write_text(json.dumps(as_json(found), indent=1))
    return found


def limited() -> None:
    """Bound the memory of a worker: what needs more than its limit is a fault."""
    logging.disable()
    warnings.simplefilter("error", RuntimeWarning)  # it would be a second line for the user
    cases()
    used = 1024 * int(Path("/proc/self/statm").read_text().split()[0]) * (resource.getpagesize() // 1024)
    resource.setrlimit(resource.RLIMIT_AS, (used + MOST_MEMORY_MB * 2**20,) * 2)
    signal.signal(signal.SIGVTALRM, hanging)


def hanging(_signal: int, _frame: object) -> None:
    """A try has used too much CPU time."""
    raise TimeoutError(f"more than {MOST_CPU_S:g} CPU s")


def attempts(job: tuple[str, int, int, int]) -> Found:
    """Try one round of a case."""
    name, seed, first, last = job
    found = Found()
    folder = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    for number in range(first, last):
        key, began = f"{seed} {name} {number}", time.process_time()
        outcome = attempt(folder / "try", name, key, found.faults)
        found.outcomes[outcome] += 1
        if (took := time.process_time() - began) > found.slowest_cpu_s:
            found.slowest_cpu_s, found.slowest = took, key
    shutil.rmtree(folder)
    return found


def attempt(folder: Path, name: str, key: str, faults: list[str]) -> str:
    """Return what became of one try; a fault is kept with its seed and where it happened."""
    signal.setitimer(signal.ITIMER_VIRTUAL, MOST_CPU_S)
    try:
        outcome = tried(folder, name, random.Random(key))
    except Exception as error:  # noqa: BLE001 - a fault is what is looked for
        where = traceback.extract_tb(error.__traceback__)[-1]
        faults.append(f"{key}: {type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})"[:400])
        return "fault"
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    if outcome not in {"read", "refused"}:
        faults.append(f"{key}: {outcome}"[:400])
        return "fault"
    return outcome


def as_json(found: dict[str, Found]) -> dict[str, object]:
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


if __name__ == "__main__":
    main()
