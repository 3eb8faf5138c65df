"""What recording costs: samples of a squad, in real time, through the engine's recorder into session files.

python benchmarks/recording.py [--athletes 30] [--rate 10] [--seconds 60] [--every 2]
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from athlete_monitor.arrays import CHANNEL_INDEX
from athlete_monitor.athletes import Profile
from athlete_monitor.engine.sessions.wearers import Wearer
from athlete_monitor.engine.sinks import recorder as recording
from athlete_monitor.engine.sinks.recorder import Recorder
from athlete_monitor.wire.sample import NO_PROFILE, NOT_MEASURED, Sample, Tags

TAGS = Tags(mode="training", session_phase="main")


def sample(device: str, t: float, number: int, chance: random.Random) -> Sample:
    """Return a sample as a vest sends it: acceleration, rotation, heart rate, speed."""
    row = list(NOT_MEASURED)
    for name in ("acc_x", "acc_y", "acc_z", "gyro_x", "gyro_y", "gyro_z", "speed_mps"):
        row[CHANNEL_INDEX[name]] = round(chance.gauss(3, 2) if name != "speed_mps" else 3 + chance.random(), 3)
    row[CHANNEL_INDEX["heart_rate_bpm"]] = float(round(120 + 20 * math.sin(t / 15)))
    return Sample(device, t, tuple(row), 1, number, NO_PROFILE, TAGS)


def _second(device: str, second: int, rate_hz: int, chance: random.Random) -> list[Sample]:
    return [sample(device, 1.8e9 + second + k / rate_hz, k, chance) for k in range(rate_hz)]


def measure(athletes: int, rate_hz: int, seconds: int, every_s: float, folder: Path) -> dict[str, Any]:
    """Record, and return what it cost."""
    recording.WRITE_EVERY_S = every_s
    process, chance = psutil.Process(), random.Random(1)
    recorder = Recorder({"training": folder})
    sessions: list[Any] = [
        SimpleNamespace(session_id=f"s{n}", mode="training", wearer=Wearer(f"{n:03}", Profile(n)))
        for n in range(1, athletes + 1)
    ]
    made = [[_second(each.wearer.device_id, s, rate_hz, chance) for each in sessions] for s in range(seconds)]
    written, cpu, began = process.io_counters().write_bytes, sum(process.cpu_times()[:2]), time.monotonic()
    for second, squad in enumerate(made):
        for session, samples in zip(sessions, squad, strict=True):
            recorder.samples(session, samples)
        time.sleep(max(0.0, began + second + 1 - time.monotonic()))
    recorder.stop()
    taken_s = time.monotonic() - began
    size = sum(path.stat().st_size for path in folder.rglob("*.csv"))
    return {
        "athletes": athletes,
        "rate_hz": rate_hz,
        "write_every_s": every_s,
        "files_kb_per_s": round(size / taken_s / 1000, 1),
        "disk_writes_kb_per_s": round((process.io_counters().write_bytes - written) / taken_s / 1000, 1),
        "cpu_percent": round(100 * (sum(process.cpu_times()[:2]) - cpu) / taken_s, 2),
        "lost": recorder.lost,
        "two_hours_mb": round(size / taken_s * 7200 / 1e6),
    }


def main() -> None:
    """Measure and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--athletes", type=int, default=30)
    parser.add_argument("--rate", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--every", type=float, default=recording.WRITE_EVERY_S)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=".") as folder:
        print(json.dumps(measure(args.athletes, args.rate, args.seconds, args.every, Path(folder))))


if __name__ == "__main__":
    main()
