"""How fast the squad is made, and how well live pace is held. Prints JSON.

``--live-s`` of 600 with a broker on ``--port`` gives the ten minutes of the requirement.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_NUM_THREADS", "1")

from athlete_monitor.sim.moments import Clock  # noqa: E402 - the path is set above
from athlete_monitor.sim.recorder import SessionRecorder  # noqa: E402
from athlete_monitor.sim.session import SimulatedSession  # noqa: E402
from athlete_monitor.sim.squad import SimulatedSquad  # noqa: E402
from athlete_monitor.sim.traits import traits_of  # noqa: E402


def generation(players: int, rate_hz: int, seconds: float, mode: str) -> float:
    """Samples made for each second of processor time, without writing."""
    squad = SimulatedSquad([traits_of(i + 1) for i in range(players)], SimulatedSession(mode, 1, rate_hz, seconds))  # type: ignore[arg-type]
    began = time.process_time()
    made = sum(block.samples * len(block.athletes) for block in squad.blocks())
    return made / (time.process_time() - began)


def recording(players: int, seconds: float) -> float:
    """Rows made and written for each second of the clock."""
    traits = [traits_of(i + 1) for i in range(players)]
    session = SimulatedSession("training", 1, 10, seconds)
    with tempfile.TemporaryDirectory() as folder:
        recorder = SessionRecorder(Path(folder), traits, session, Clock.starting(1.76e9, 10))
        began = time.monotonic()
        for block in SimulatedSquad(traits, session).blocks():
            recorder.write_block(block)
        recorder.close()
        return players * seconds * 10 / (time.monotonic() - began)


def live(players: int, seconds: float, port: int | None) -> dict[str, float]:
    """Run the publisher at live pace, offline without a port. CPU is all of the process, its start included."""
    with tempfile.TemporaryDirectory() as folder:
        out = ["--offline"] if port is None else ["--config", str(_config(Path(folder), port))]
        command = [sys.executable, str(ROOT / "publisher.py"), str(players), "--duration", str(seconds / 60), *out]
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        done = subprocess.run([*command, "--root", folder], check=True, capture_output=True, text=True)
        wall = time.monotonic() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    rates = [float(rate) for rate in re.findall(r", ([0-9.]+) Hz", done.stdout)]
    lateness = {name: float(value) for name, value in re.findall(r"(p50|p99|worst) ([0-9.]+) ms", done.stdout)}
    return {
        "seconds": round(wall, 1),
        "cpu_percent_of_a_core": round(100 * cpu / wall, 2),
        "rate_hz_lowest": min(rates[1:]),
        "rate_hz_highest": max(rates[1:]),
        **{f"lateness_{name}_ms": value for name, value in lateness.items()},
    }


def _config(folder: Path, port: int) -> Path:
    text = (ROOT / "jetson_nano_4gb_config.yaml").read_text(encoding="utf-8")
    path = folder / "config.yaml"
    path.write_text(re.sub(r"(?m)^  port: \d+", f"  port: {port}", text), encoding="utf-8")
    return path


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--players", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=600.0, help="session seconds made by each generation run")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--live-s", type=float, default=20.0, help="seconds at live pace; 0 leaves it out")
    parser.add_argument("--port", type=int, help="a broker on loopback to publish to; without it live runs are offline")
    args = parser.parse_args()
    result: dict[str, object] = {"players": args.players}
    for mode in ("training", "game"):
        runs = [generation(args.players, 10, args.seconds, mode) for _ in range(args.repeats)]
        result[f"generated_per_cpu_s_{mode}"] = round(statistics.median(runs))
    result["generated_per_cpu_s_200hz"] = round(generation(args.players, 200, args.seconds / 10, "game"))
    result["recorded_rows_per_s"] = round(recording(args.players, args.seconds))
    if args.live_s:
        result["live"] = live(args.players, args.live_s, args.port)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
