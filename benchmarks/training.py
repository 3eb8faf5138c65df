"""Training a whole squad: how long it takes, how much memory, and how wrong the models are on sessions not seen.

A squad is simulated (``publisher.py --offline --speed max``), two sessions each, and trained by the trainer's own
command. Prints JSON: seconds from start to exit, the processor time of all processes, the peak of their memory together
(resident, and proportional where shared pages count once), and the held-out error of each athlete. With ``--warm`` also
the same once every athlete has a new session, and once nothing is new. Other options go to the trainer.

    python benchmarks/training.py --athletes 30 --minutes 90 --warm
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[1]
SESSION_STARTS = ("2026-05-01 10:00:00", "2026-05-03 10:00:00", "2026-05-05 10:00:00", "2026-05-08 10:00:00")
SESSIONS = "athlete_training_data"
LOOK_S = 0.25


def simulate(root: Path, athletes: int, sessions: int, minutes: float) -> None:
    """Write the squad's session files below ``root``."""
    players = ",".join(str(i) for i in range(1, athletes + 1))
    for seed, start in enumerate(SESSION_STARTS[:sessions], 1):
        options = ["--players", players, "--duration", f"{minutes:g}", "--seed", str(seed), "--start", start]
        command = [sys.executable, str(ROOT / "publisher.py"), "--offline", "--speed", "max", *options]
        subprocess.run([*command, "--root", str(root)], check=True, stdout=subprocess.DEVNULL)


def train(root: Path, arguments: list[str]) -> dict[str, Any]:
    """Run the trainer and watch the memory of all its processes, every quarter of a second."""
    report = root / "report.json"
    command = [sys.executable, str(ROOT / "sup_ml_rf_training.py"), "--root", str(root), "--report", str(report)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "FORCE_TRAINING": "true"}
    began = time.monotonic()
    process = subprocess.Popen([*command, *arguments], stdout=subprocess.DEVNULL, env=environment)
    peaks = {"rss_mb": 0.0, "pss_mb": 0.0, "processes": 0.0}
    spent: dict[int, float] = {}
    while process.poll() is None:
        for name, value in _memory(process.pid, spent).items():
            peaks[name] = max(peaks[name], value)
        time.sleep(LOOK_S)
    seconds = time.monotonic() - began
    athletes = json.loads(report.read_text(encoding="utf-8"))["athletes"]
    return {
        "exit_code": process.returncode,
        "seconds": round(seconds, 1),
        "processor_seconds": round(sum(spent.values()), 1),
        "peak": {name: round(value) for name, value in peaks.items()},
        **_errors(athletes),
    }


def _memory(pid: int, spent: dict[int, float]) -> dict[str, float]:
    """Memory of a process and those below it; ``spent`` gets the processor time of each, also of forked workers."""
    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return {}
    full = [_of(process) for process in family]
    for each in family:
        with suppress(psutil.Error):
            times = each.cpu_times()
            spent[each.pid] = times.user + times.system
    return {
        "rss_mb": sum(rss for rss, _ in full) / 1e6,
        "pss_mb": sum(pss for _, pss in full) / 1e6,
        "processes": float(len(full)),
    }


def _of(process: psutil.Process) -> tuple[float, float]:
    try:
        memory = process.memory_full_info()
    except psutil.Error:
        return 0.0, 0.0
    return float(memory.rss), float(getattr(memory, "pss", memory.rss))


def _errors(athletes: list[dict[str, Any]]) -> dict[str, Any]:
    personal = [entry for entry in athletes if "holdout" in entry and entry["athlete_id"] != "default"]
    default = next((entry for entry in athletes if entry["athlete_id"] == "default" and "holdout" in entry), None)
    errors = [entry["holdout"]["mae_bpm"] for entry in personal]
    if not errors:
        return {}
    return {
        "athletes": len(errors),
        "held_out_mae_bpm": {"mean": round(sum(errors) / len(errors), 2), "median": round(median(errors), 2)}
        | {"worst": round(max(errors), 2)},
        "median_baseline_bpm": round(median(entry["holdout"]["baselines"]["median"] for entry in personal), 2),
        "default_model_mae_bpm": default and round(default["holdout"]["mae_bpm"], 2),
    }


def main() -> None:
    """Simulate, train, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--athletes", type=int, default=30)
    parser.add_argument("--sessions", type=int, default=2, choices=range(1, len(SESSION_STARTS)))
    parser.add_argument("--minutes", type=float, default=90.0)
    parser.add_argument("--warm", action="store_true", help="then train again, with a new session for each athlete")
    parser.add_argument("--squad", type=Path, help="keep the squad's sessions here, and use those that are there")
    args, rest = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        root = args.squad or Path(folder)
        if not (root / SESSIONS).exists():
            simulate(root, args.athletes, args.sessions + args.warm, args.minutes)
        later = held_back(root, args.sessions)
        found = {"cores": os.cpu_count(), **train(root, ["--force", *rest])}
        if args.warm:
            for source, target in later:
                source.rename(target)
            found["one_new_session_each"] = train(root, rest)
            found["nothing_new"] = train(root, rest)
        print(json.dumps(found, indent=1))


def held_back(root: Path, sessions: int) -> list[tuple[Path, Path]]:
    """Move sessions after the first few of each athlete away; where they are now, and where they belong."""
    for path in sorted((root / SESSIONS).glob("player_*/TR*")):
        if int(path.name.partition("_")[0][2:]) > sessions:
            aside = root / "later" / path.parent.name / path.name
            aside.parent.mkdir(parents=True, exist_ok=True)
            path.rename(aside)
    waiting = sorted((root / "later").glob("player_*/TR*"))
    return [(path, root / SESSIONS / path.parent.name / path.name) for path in waiting]


if __name__ == "__main__":
    main()
