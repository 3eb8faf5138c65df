"""Replaying a season with 1 and 2 workers, and on Ray: processor time, overhead, bytes.

A season is made of one simulated session, moved in time for each day and athlete. Prints JSON. The efficiency of two
workers is the processor time of one process through that of two workers and their parent together: what it would be
on cores that nobody else uses. ``--wall`` adds the ratio of wall times, for a quiet machine. ``tasks_s`` is the
processor time of the tasks themselves, wherever they ran: the rest is starting, reading, writing and the archive.

    python benchmarks/batch.py --sessions 192 --minutes 2
    unshare -n sh -c 'ip link set lo up
        ray start --head --num-cpus=2 --node-ip-address=127.0.0.1 --object-store-memory=200000000
        python benchmarks/batch.py --sessions 192 --minutes 10 --wall --cluster auto; ray stop'
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from msgspec import structs

from athlete_monitor.config import load_config
from athlete_monitor.engine.archiving import Archiver
from athlete_monitor.wire.session_files import SessionWriter
from athlete_monitor.wire.session_reader import Recording, read_session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from athlete_monitor.arrays import FloatArray
    from athlete_monitor.wire.sample import Sample

ROOT = Path(__file__).resolve().parents[1]
ATHLETES = 30
DAY_S = 86_400.0
LANES = (1, 8, 32, 96)


def simulated(folder: Path, minutes: float) -> Recording:
    """One simulated session."""
    options = [
        "--players",
        "1",
        "--duration",
        f"{minutes:g}",
        "--offline",
        "--speed",
        "max",
        "--start",
        "2025-05-01 10:00:00",
    ]
    command = [sys.executable, str(ROOT / "publisher.py"), *options, "--root", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return read_session(next(folder.rglob("*.csv")))


def write_season(recording: Recording, folder: Path, sessions: int) -> None:
    """Write the session for many athletes and days; every file has other noise."""
    rng = np.random.default_rng(0)
    for number in range(sessions):
        day, athlete = divmod(number, ATHLETES)
        start_t = float(recording.t[0]) + day * DAY_S
        with SessionWriter(folder, "training", athlete + 1, f"{athlete + 1:03}", start_t, recording.profile) as writer:
            noise = rng.normal(0, 0.2, 3)
            writer.write(_moved(recording, day * DAY_S, noise))


def _moved(recording: Recording, later_s: float, noise: FloatArray) -> list[Sample]:
    samples = []
    for sample in recording.samples():
        values = tuple(v + float(noise[place]) if place < len(noise) else v for place, v in enumerate(sample.values))
        samples.append(structs.replace(sample, t=sample.t + later_s, values=values))
    return samples


def replay(season: Path, results: Path, options: list[str]) -> dict[str, Any]:
    """Replay the season; processor time and memory of all its processes."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(ROOT / "main.py"), "--replay", str(season), "--root", str(results)]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(
        [*command, *options], check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    said = re.search(r"([\d.]+) s of processor time", done.stderr)
    return {
        "processor_s": round(spent, 2),
        "wall_s": round(time.monotonic() - began, 2),
        "tasks_s": float(said[1]) if said else None,
    }


def lanes(recording: Recording) -> dict[int, float]:
    """Processor time of a session-minute by how many recordings run side by side."""
    found = {}
    for count in LANES:
        with tempfile.TemporaryDirectory() as folder:
            config = load_config(ROOT / "jetson_nano_4gb_config.yaml", Path(folder))
            archiver = Archiver(config)
            began = time.process_time()
            archiver.add([_Later(recording, place * DAY_S) for place in range(count)])
            found[count] = round((time.process_time() - began) / count / (recording.duration_s / 60), 4)
            archiver.abandon()
    return found


class _Later:
    """The recording on another day."""

    def __init__(self, recording: Recording, later_s: float) -> None:
        self._recording, self._later_s = recording, later_s

    def samples(self) -> Iterator[Sample]:
        """See ``Recording``."""
        for sample in self._recording.samples():
            yield structs.replace(sample, t=sample.t + self._later_s)


def same(one: Path, other: Path) -> bool:
    """Whether two runs left the same results, to the last bit."""
    first, second = (
        {path.name: path.read_bytes() for path in root.glob("prediction_outputs/replay_results/*/*")}
        for root in (one, other)
    )
    return bool(first) and first == second


def main() -> None:
    """Make the season, replay it, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=192)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--wall", action="store_true", help="on a quiet machine: also the ratio of wall times")
    parser.add_argument("--lanes", action="store_true", help="also the cost by recordings side by side")
    parser.add_argument("--cluster", metavar="ADDRESS|auto", help="also on a running Ray cluster of two processors")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        recording = simulated(root / "simulated", args.minutes)
        write_season(recording, root / "season", args.sessions)
        season_mb = sum(path.stat().st_size for path in (root / "season").rglob("*.csv")) / 1e6
        found: dict[str, Any] = {"sessions": args.sessions, "minutes": args.minutes, "season_mb": round(season_mb, 1)}
        runs = {f"{number}_workers": ["--workers", str(number)] for number in (1, 2)}
        if args.cluster:
            runs["cluster"] = ["--cluster", args.cluster]
        for name, options in runs.items():
            found[name] = replay(root / "season", root / name, options)
            found[name]["same_results"] = same(root / "1_workers", root / name)
        one, two = found["1_workers"], found["2_workers"]
        found["efficiency_by_processor_time"] = round(one["processor_s"] / two["processor_s"], 3)
        found["tasks_ms_a_session"] = round(1000 * one["tasks_s"] / args.sessions, 1)
        if args.wall:
            found["efficiency_by_wall_time"] = round(one["wall_s"] / two["wall_s"] / 2, 3)
        if args.cluster:
            found["cluster_to_two_workers_by_tasks"] = round(found["cluster"]["tasks_s"] / two["tasks_s"], 3)
            found["cluster_to_two_workers_by_wall_time"] = round(found["cluster"]["wall_s"] / two["wall_s"], 3)
        outputs = root / "1_workers" / "prediction_outputs"
        results = sum(path.stat().st_size for path in outputs.glob("replay_results/*/*"))
        found["results_kb_a_session"] = round(results / args.sessions / 1000, 1)
        found["archive_kb_a_session"] = round((outputs / "journal.sqlite3").stat().st_size / args.sessions / 1000, 1)
        if args.lanes:
            found["processor_s_a_session_minute"] = lanes(recording)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
