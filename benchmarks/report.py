"""What a report costs: PDF and HTML of a squad's session, and exports, out of an archive that is made for it.

Prints JSON: seconds (wall and CPU) and peak memory of each, every one in a process of its own.

    python benchmarks/report.py --athletes 30 --minutes 120
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from report_archive import fill  # type: ignore[import-not-found]  # beside this script

from athlete_monitor.report.curves import Curve, Panel, panels_svg

ROOT = Path(__file__).resolve().parents[1]


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
    """What the curves of one athlete cost, ms: drawn by ``report.curves``, and by matplotlib as SVG."""
    from matplotlib.figure import Figure

    t_s = np.arange(float(seconds))
    curves = [140 + 25 * np.sin(t_s / 40), 2.5 + 2.4 * np.sin(t_s / 40), t_s / 60]
    began = time.perf_counter()
    panels_svg([Panel("", [Curve(t_s, y)]) for y in curves], (0.0, float(seconds)))
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
