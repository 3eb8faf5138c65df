#!/usr/bin/env python3
"""What a row of a recording costs in the archive: stepped row by row, and in blocks of one recording. Prints JSON.

    python benchmarks/blocks.py                                     # one recording of each kind
    python benchmarks/blocks.py --kind shirt --recordings 48        # many: side by side, or one after another in blocks

Both ways write an archive of their own; ``equal`` is whether all seconds, events and summaries are the same. Times are
processor time of the engine and the archive, without reading files.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from athlete_monitor.wire.sample import Sample

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

RATES_HZ = {"watch": 1.0, "shirt": 10.0, "imu": 100.0}


def main() -> None:
    """Measure each kind both ways, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=list(RATES_HZ), action="append")
    parser.add_argument("--recordings", type=int, default=1)
    parser.add_argument("--rows", type=int, default=6000, help="of each recording")
    parser.add_argument("--way", choices=("rows", "blocks"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.way:
        print(json.dumps(measured(args.kind[0], args.recordings, args.rows, args.way)))
        return
    print(json.dumps({kind: compared(kind, args) for kind in args.kind or RATES_HZ}, indent=1))


def compared(kind: str, args: argparse.Namespace) -> dict[str, object]:
    """Compare both ways."""
    ways = {}
    for way in ("rows", "blocks"):
        options = ["--kind", kind, "--recordings", str(args.recordings), "--rows", str(args.rows), "--way", way]
        done = subprocess.run(
            [sys.executable, __file__, *options],
            capture_output=True, text=True, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        ways[way] = json.loads(done.stdout)
    rows, blocks = ways["rows"], ways["blocks"]
    return {
        "row_by_row_us": rows["us"],
        "in_blocks_us": blocks["us"],
        "ratio": round(rows["us"] / blocks["us"], 1),
        "row_by_row_mb": rows["mb"],
        "in_blocks_mb": blocks["mb"],
        "equal": rows["archive"] == blocks["archive"],
    }


def measured(kind: str, count: int, rows: int, way: str) -> dict[str, object]:
    """Archive recordings; return the microseconds of a row, the memory, and what is in the archive."""
    from athlete_monitor.config import load_config
    from athlete_monitor.engine.archiving import Archiver
    from athlete_monitor.squad.prediction import NoModels

    recordings = [Recording(number, kind, rows) for number in range(count)]
    began = time.process_time()
    for each in recordings:
        for _ in each.samples():
            pass
    making = time.process_time() - began
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(ROOT / "athletes.yaml", folder)
        config = load_config(ROOT / "jetson_nano_4gb_config.yaml", Path(folder), environ={})
        began = time.process_time()
        archiver = Archiver(config, NoModels(), few=count if way == "blocks" else 0)
        archiver.add(recordings)
        archiver.close()
        took = time.process_time() - began - making
        archive = contents(config.paths.journal)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {"us": round(took / count / rows * 1e6, 1), "mb": memory, "archive": archive}


def contents(journal: Path) -> str:
    """The checksum of what an archive holds, without numbers that depend on when it was written."""
    digest = hashlib.sha256()
    with sqlite3.connect(journal) as connection:
        for table, order in (("seconds", "id"), ("events", "t"), ("sessions", "start_t")):
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            names = ", ".join(f'"{name}"' for name in columns if name not in {"id", "session", "began_s"})
            for row in connection.execute(f"SELECT {names} FROM {table} ORDER BY {order}"):
                digest.update(repr(row).encode())
    return digest.hexdigest()


class Recording:
    """A made-up recording of a kind.

    Args:
        number: of the athlete, from 0.
        kind: of ``RATES_HZ``.
        rows: how many.
    """

    def __init__(self, number: int, kind: str, rows: int) -> None:
        self._number, self._kind, self._rows = number, kind, rows

    def samples(self) -> Iterator[Sample]:
        """The samples."""
        from athlete_monitor.arrays import CHANNEL_INDEX, CHANNELS
        from athlete_monitor.wire.sample import Sample, Tags, WireProfile

        rng = np.random.default_rng(self._number)
        count, rate_hz = self._rows, RATES_HZ[self._kind]
        t = np.arange(count) / rate_hz
        heart_rate = np.round(140.0 + 40.0 * np.sin(t / 60.0) + rng.normal(0.0, 2.0, count))
        known = {
            "heart_rate_bpm": np.where(np.arange(count) % int(rate_hz) == 0, heart_rate, np.nan),
            "speed_mps": np.fmax(4.0 + 4.0 * np.sin(t / 7.0) + rng.normal(0.0, 0.3, count), 0.0),
        }
        if self._kind == "watch":
            known |= {"latitude": 48.0 + t / 33e3, "longitude": np.full(count, 11.0), "altitude_m": 500.0 + t / 9.0}
            known |= {"cadence_spm": 170.0 + rng.normal(0.0, 3.0, count), "distance_m": np.floor(4.0 * t)}
        else:
            known |= {name: rng.normal(0.0, 1.0, count) for name in ("gyro_x", "gyro_y", "gyro_z")}
            known |= {name: rng.normal(0.0, 3.0, count) for name in ("acc_x", "acc_y", "acc_z")}
            known["acc_z"] += 9.8 + 60.0 * (rng.random(count) < 0.2 / rate_hz / 60.0)
        values = np.full((count, len(CHANNELS)), np.nan)
        for name, column in known.items():
            values[:, CHANNEL_INDEX[name]] = column
        tags, profile = Tags(mode="training"), WireProfile(25.0, 75.0, 180.0, "male")
        athlete, since = self._number + 1, 1.75e9 + 86_400.0 * self._number
        for place, (at, row) in enumerate(zip(t.tolist(), values.tolist(), strict=True)):
            yield Sample(f"{athlete:03}", since + at, tuple(row), athlete, place, profile, tags)


if __name__ == "__main__":
    main()
