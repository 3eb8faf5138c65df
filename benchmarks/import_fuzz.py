#!/usr/bin/env python3
"""Damaged files by the thousand for every format: each is read or refused in one line, in bounded time and memory.

    python benchmarks/import_fuzz.py --each 20000 --format watch.fit

Prints JSON: of each sample how many were read and how many refused, what went wrong (nothing should), the slowest
try in seconds and the most memory of the whole process in MB.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.recordings.mutations import SAMPLES, mutated, tried


def main() -> None:
    """Try each sample, damaged anew every time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=20_000, help="damaged files of each sample")
    parser.add_argument("--format", action="append", default=[], help="only these samples")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="at most so long for each sample")
    args = parser.parse_args()
    names = args.format or sorted(path.name for path in SAMPLES.iterdir())
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps({name: campaign(Path(folder) / "try", name, args) for name in names}, indent=1))


def campaign(folder: Path, name: str, args: argparse.Namespace) -> dict[str, object]:
    """Damage one sample many times."""
    folder.mkdir(exist_ok=True)
    content, chance = (SAMPLES / name).read_bytes(), random.Random(f"{args.seed} {name}")
    found: Counter[str] = Counter()
    faults: list[str] = []
    slowest, began = 0.0, time.monotonic()
    for number in range(args.each):
        if time.monotonic() - began > args.seconds:
            break
        data, begin = mutated(content, chance), time.process_time()
        outcome = attempt(folder, name, data, faults)
        slowest = max(slowest, time.process_time() - begin)
        found[outcome] += 1
        if number % 1000 == 0:
            print(f"{name}: {number}", file=sys.stderr)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {**found, "faults": faults[:5], "slowest_cpu_s": round(slowest, 2), "most_memory_mb": memory}


def attempt(folder: Path, name: str, data: bytes, faults: list[str]) -> str:
    """Return what became of one file; a fault is kept with where it happened."""
    try:
        outcome = tried(folder, name, data)
    except Exception as error:  # noqa: BLE001 - a fault is what is looked for
        where = traceback.extract_tb(error.__traceback__)[-1]
        faults.append(f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})")
        Path(tempfile.gettempdir(), f"fault_{len(faults)}_{name}").write_bytes(data)
        return "fault"
    if outcome not in {"read", "refused"}:
        faults.append(outcome)
        return "fault"
    return outcome


if __name__ == "__main__":
    main()
