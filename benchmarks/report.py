"""What a report costs: PDF and HTML of a squad's session, and exports, out of an archive that is made for it.

Prints JSON: seconds (wall and CPU) and peak memory of each, every one in a process of its own.

    python benchmarks/report.py --athletes 30 --minutes 120
"""

from __future__ import annotations

import argparse
import io
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from athlete_monitor.archive.schema import close_blocks
from athlete_monitor.engine.journal.file import connect
from athlete_monitor.engine.journal.seconds import SecondsTable
from athlete_monitor.report.drawing import Line, Panel, panels_svg

if TYPE_CHECKING:
    import sqlite3

ROOT = Path(__file__).resolve().parents[1]
START = 1_777_888_800


def fill(path: Path, athletes: int, seconds: int) -> None:
    """Write one match of a squad: every figure that a report shows, for every second."""
    connection = connect(path)
    connection.execute("BEGIN")
    connection.execute(
        "INSERT INTO team_sessions VALUES ('M', ?, ?, 'game', 'FC Example', NULL, 'Rovers', 'MD')",
        (START, START + seconds),
    )
    half = seconds / 2
    for name, begin in (("1st half", 0.0), ("2nd half", half)):
        values = (name, "M", name, "half", "{}", START + begin, START + begin + half)
        connection.execute("INSERT INTO periods VALUES (?, ?, ?, ?, ?, ?, ?, 0)", values)
    table = SecondsTable(connection)
    for athlete in range(1, athletes + 1):
        _session(connection, athlete, seconds)
    for minute in range(0, seconds, 60):
        for second in range(minute, minute + 60):
            for athlete in range(1, athletes + 1):
                table.insert(athlete, START + second + 0.5, _figures(second, athlete))
        close_blocks(connection, "TRUE")
    connection.execute("COMMIT")
    connection.close()


def _session(connection: sqlite3.Connection, athlete: int, seconds: int) -> None:
    summary = {"mode": "game", "trimp": 100.0, "quality": {"percent": 99.0}, "reasons": {}}
    connection.execute(
        "INSERT INTO sessions (id, session_id, device_id, athlete_id, start_t, began_s, facts, end_t, team_session,"
        " load_trimp, summary) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'M', 100, ?)",
        (
            athlete, f"A{athlete}", f"{athlete:03}", athlete, START, START,
            json.dumps({"profile": {"name": f"Athlete {athlete}"}}), START + seconds, json.dumps(summary),
        ),
    )  # fmt: skip


def _figures(second: int, athlete: int) -> dict[str, object]:
    wave = math.sin(second / 40 + athlete)
    bpm = 140 + 25 * wave
    return {
        "heart_rate_bpm": bpm, "heart_rate_low_bpm": bpm - 9, "heart_rate_high_bpm": bpm + 9,
        "strap_heart_rate_bpm": bpm, "model_heart_rate_bpm": bpm - 3, "heart_rate_source": "sensor",
        "speed_mps": 2.5 + 2.4 * wave, "max_speed_mps": 8.0, "distance_m": 2.5 * second, "trimp": second / 60,
        "high_speed_running_m": second / 8, "sprints": second // 300, "player_load": second / 9,
        "x_m": 50 + 40 * math.sin(second / 31), "y_m": 34 + 30 * math.cos(second / 23), "energy_kcal": second / 6,
        "time_in_zones_s": {"zone_2": second * 0.5, "zone_4": second * 0.5},
    }  # fmt: skip


def cost(command: list[str]) -> dict[str, float]:
    """Run a command and say what it took."""
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    cpu_s = usage.ru_utime + usage.ru_stime
    wall_s = time.perf_counter() - began
    return {"wall_s": round(wall_s, 2), "cpu_s": round(cpu_s, 2), "peak_mb": round(usage.ru_maxrss / 1024, 1)}


def drawing_ms(seconds: int) -> dict[str, float]:
    """What the curves of one athlete cost, ms: drawn by ``report.drawing``, and by matplotlib as SVG."""
    from matplotlib.figure import Figure

    t_s = np.arange(float(seconds))
    curves = [140 + 25 * np.sin(t_s / 40), 2.5 + 2.4 * np.sin(t_s / 40), t_s / 60]
    began = time.perf_counter()
    panels_svg([Panel("", [Line(t_s, y)]) for y in curves], (0.0, float(seconds)))
    own = time.perf_counter() - began
    began = time.perf_counter()
    figure = Figure(figsize=(7, 5))
    for axes, y in zip(figure.subplots(3), curves, strict=True):
        axes.plot(t_s, y)
    figure.savefig(io.BytesIO(), format="svg")
    return {"own": round(1000 * own, 1), "matplotlib": round(1000 * (time.perf_counter() - began), 1)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--athletes", type=int, default=30)
    parser.add_argument("--minutes", type=int, default=120)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder, "prediction_outputs", "journal.sqlite3")
        journal.parent.mkdir()
        fill(journal, args.athletes, 60 * args.minutes)
        program = [sys.executable, str(ROOT / "report.py")]
        rooted = ["--root", folder]
        result = {
            "journal_mb": round(journal.stat().st_size / 1e6, 1),
            "pdf": cost([*program, "session", "--out", f"{folder}/r.pdf", *rooted]),
            "pdf_kb": round(Path(folder, "r.pdf").stat().st_size / 1000),
            "html": cost([*program, "session", "--out", f"{folder}/r.html", *rooted]),
            "curves_of_one_athlete_ms": drawing_ms(60 * args.minutes),
            "periods_csv": cost([*program, "export", "--what", "periods", "--out", folder, *rooted]),
            "seconds_csv": cost([*program, "export", "--what", "seconds", "--out", folder, *rooted]),
        }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
