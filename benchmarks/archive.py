"""The archive of a match: size on disk, and the time that figures of a part take.

Prints JSON. Thirty athletes with plausible figures, a message a second, written as the engine writes them.

    python benchmarks/archive.py --athletes 30 --minutes 120
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

START = 1_750_000_000
REPEATS = 7


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--athletes", type=int, default=30)
    parser.add_argument("--minutes", type=int, default=120)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="archive_bench_") as name:
        path = Path(name) / "journal.sqlite3"
        write(path, options.athletes, 60 * options.minutes)
        print(json.dumps(measure(path, options), indent=2))


def write(path: Path, athletes: int, seconds: int) -> None:
    """Write the sessions, a minute after the other, all athletes side by side."""
    from athlete_monitor.archive.columns import archived
    from athlete_monitor.archive.schema import close_blocks
    from athlete_monitor.engine.journal.file import connect
    from tests.archive.kit import Messages

    connection = connect(path)
    connection.execute("PRAGMA synchronous=OFF")
    for number in range(1, athletes + 1):
        connection.execute(
            "INSERT INTO sessions (id, session_id, device_id, athlete_id, start_t, began_s, facts)"
            " VALUES (?, ?, ?, ?, ?, ?, '{}')",
            (number, f"s{number}", f"{number:03}", number, START, START),
        )
    table, keys, rng = Messages(connection), archived(), np.random.default_rng(1)
    totals = [dict.fromkeys(keys, 0.0) for _ in range(athletes)]
    for first in range(0, seconds, 60):
        connection.execute("BEGIN")
        for second in range(first, first + 60):
            for number in range(athletes):
                table.insert(number + 1, START + second + 0.5, message(totals[number], keys, rng))
        close_blocks(connection, "TRUE")
        connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def message(so_far: dict[str, float], keys: tuple[str, ...], rng: np.random.Generator) -> dict[str, Any]:
    """Return figures that grow as they do in a match."""
    from athlete_monitor.catalogue import FIGURES

    steps = rng.random(len(keys))
    found: dict[str, Any] = {}
    for key, step in zip(keys, steps.tolist(), strict=True):
        figure = FIGURES.get(key)
        if figure is None:
            found[key] = {"received": int(so_far[key]), "lost": 0}
        elif figure.kind == "map":
            found[key] = {name: round(so_far[key] * 3, figure.digits) for name in figure.members}
        elif figure.kind in {"total", "count"}:
            found[key] = round(so_far[key] * 3, figure.digits)
        else:
            found[key] = round(60 + 100 * step, figure.digits) if figure.is_number else "sensor"
        so_far[key] += step
    return found


def measure(path: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Return size and times."""
    from athlete_monitor.archive import Archive

    archive = Archive(path)
    numbers = list(range(1, options.athletes + 1))
    middle = START + 60 * options.minutes / 2
    spans: dict[str, list[tuple[float, float]]] = {
        "half": [(START + 33.3, middle + 11.7)],
        "whole": [(START - 1, START + 1e6)],
        "five_stints": [(middle + 300 * n + 7.7, middle + 300 * n + 250.1) for n in range(5)],
    }
    size = path.stat().st_size
    rows = options.athletes * options.minutes * 60
    return {
        "athletes": options.athletes,
        "minutes": options.minutes,
        "size_mb": round(size / 1e6, 1),
        "bytes_per_athlete_and_second": round(size / rows, 1),
        "figures_of_a_part_ms": {name: round(1e3 * timed(archive, numbers, each), 1) for name, each in spans.items()},
        "seconds_of_one_session_ms": round(1e3 * timed_seconds(archive), 1),
    }


def timed(archive: Any, numbers: list[int], spans: list[tuple[float, float]]) -> float:  # noqa: ANN401
    """Return the median time of the figures of a part, of all athletes."""
    took = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        archive.parts(numbers, spans)
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def timed_seconds(archive: Any) -> float:  # noqa: ANN401
    """Return the time of reading every figure of one session."""
    began = time.perf_counter()
    archive.seconds(1)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
