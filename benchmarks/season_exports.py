#!/usr/bin/env python3
"""A season of a squad, exported to every format and read back by libraries that are not ours.

    python benchmarks/season_exports.py --athletes 30 --sessions 100 --seconds 300

Recordings are made and archived with the project's own code: eight sessions of each athlete are computed, later ones
repeat them on other days; one in four has beats. Each export runs in a process of its own. Prints JSON: rows or files
of each export, what the other library has read (rows and the sum of a column), wall and CPU seconds and the most memory
in MB. With --root the season is kept in that folder and used again.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


from athlete_monitor.config import DEFAULT_CONFIG, load_config
from athlete_monitor.recordings.imported import Imported

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT: Final = Path(__file__).resolve().parents[1]
START: Final = 1_754_294_400
DAY_S: Final = 86_400
BEATS_EVERY: Final = 4
DISTINCT: Final = 8
"""So many sessions of each athlete are computed."""
ROWS: Final = 10**9
"""More rows than the archive of the computed sessions has."""
APART_S: Final = 3 * DAY_S
TABLES: Final = ("summaries", "periods", "seconds", "samples", "events", "rr")


def recording(athlete: int, session: int, seconds: int) -> Imported:
    """Return a session of an athlete: intervals on the pitch, with strap, beats and positions."""
    t, kind = np.arange(float(seconds)), session % DISTINCT
    pace = 3.0 + 2.5 * np.sin(t / 9 + athlete)
    rate = 135 + 30 * np.sin(t / 25 + kind)
    return Imported(
        Path("season"),
        START + session * APART_S + athlete + t,
        {
            "speed_mps": pace, "heart_rate_bpm": np.round(rate), "cadence_spm": np.full(seconds, 164.0),
            "latitude": 52 + np.cumsum(pace) / 111_277, "longitude": np.full(seconds, 13.0),
        },
        rr={row: (round(60_000 / bpm, 1),) for row, bpm in enumerate(rate.tolist()) if not kind % BEATS_EVERY},
    )  # fmt: skip


def fill(root: Path, athletes: int, sessions: int, seconds: int) -> None:
    """Write the session files and the archive; sessions after the first ``DISTINCT`` repeat them, weeks later."""
    from athlete_monitor.engine.archiving import Archiver
    from athlete_monitor.recordings.import_results import WrittenSession
    from athlete_monitor.recordings.writing import write_session

    config = load_config(DEFAULT_CONFIG, root)
    archiver = Archiver(config)
    for session in range(sessions):
        written = [
            WrittenSession(recording(each, session, seconds), each, f"{each:03d}", "training")
            for each in range(1, athletes + 1)
        ]
        for each in written:
            write_session(each.recording, config.paths.data_root, each.athlete_id, each.device_id)
        if session < DISTINCT:
            archiver.add(written)
    archiver.close()
    for first in range(DISTINCT, sessions, DISTINCT):
        repeat(config.paths.journal, first, min(DISTINCT, sessions - first))


def repeat(journal: Path, first: int, count: int) -> None:
    """Copy the archive's first ``count`` team sessions to later days."""
    shift_s = first * APART_S
    with closing(sqlite3.connect(journal)) as connection, connection:
        columns = {
            table: [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            for table in ("team_sessions", "sessions", "seconds", "blocks")
        }
        end_t = START + (count - 1) * APART_S + DAY_S
        chosen = f"(SELECT id FROM sessions WHERE start_t < {end_t})"
        number = first << 44
        later = {name: f"{name} + {shift_s}" for name in ("t", "start_t", "end_t", "began_s", "first_t", "last_t")}
        later |= {name: f"{name} || '_{first}'" for name in ("session_id", "team_session")}
        later |= {name: f"{name} + {first * ROWS}" for name in ("first_id", "last_id")}
        for table, own, where in (
            ("team_sessions", {"id": f"id || '_{first}'"}, f"start_t < {end_t}"),
            ("sessions", {"id": f"id + {number}"}, f"start_t < {end_t}"),
            ("seconds", {"id": f"id + {first * ROWS}", "session": f"session + {number}"}, f"session IN {chosen}"),
            ("blocks", {"session": f"session + {number}"}, f"session IN {chosen}"),
        ):
            values = ", ".join((later | own).get(name, f'"{name}"') for name in columns[table])
            connection.execute(f"INSERT INTO {table} SELECT {values} FROM {table} WHERE {where}")


MEASURE: Final = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(round(used.ru_utime + used.ru_stime, 1), used.ru_maxrss // 1024, file=sys.stderr)
sys.exit(code)
"""
"""A small process between: what a child needs at most is counted from its parent's size on."""


def exported(root: Path, out: Path, *arguments: str) -> dict[str, object]:
    """Run an export; return what it said, its time and its memory."""
    command = [sys.executable, str(ROOT / "report.py"), "export", *arguments, "--out", str(out), "--root", str(root)]
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-S", "-c", MEASURE, *command, "--json"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr}")
    spent_s = round(time.perf_counter() - began, 1)
    cpu_s, peak_mb = done.stderr.split()[-2:]
    return {**json.loads(done.stdout), "s": spent_s, "cpu_s": float(cpu_s), "peak_mb": int(peak_mb)}


Read = tuple[int, float]
"""Rows or points, and the sum of one of their columns."""
SUMMED: Final = {
    "summaries": "distance_m", "periods": "distance_m", "seconds": "heart_rate_bpm", "samples": "heart_rate_bpm",
    "events": "t_s", "rr": "rr_ms",
}  # fmt: skip


def read_csv(path: Path, column: str) -> Read:
    """Rows by pandas."""
    import pandas as pd

    found = pd.read_csv(path, usecols=[column])[column]
    return len(found), float(found.sum())


def read_json(path: Path, column: str) -> Read:
    """Objects by Python's own reader, one after the other: together they would need gigabytes."""
    decoder, count, more, total = json.JSONDecoder(), 0, True, 0.0
    with path.open(encoding="utf-8") as file:
        if file.readline() == "[\n":
            for line in file:
                if line == "]\n" and not (count and more):
                    return count, total
                row, end = decoder.raw_decode(line)
                count, more, total = count + 1, line[end:] == ",\n", total + (row[column] or 0.0)
    raise SystemExit(f"{path}: is no array of objects")


def read_parquet(path: Path, column: str) -> Read:
    """Rows by pyarrow."""
    from pyarrow import compute, parquet

    parts = [path, *path.parent.glob(f"{path.stem}.part*{path.suffix}")]
    found = [parquet.read_table(part, columns=[column])[column] for part in parts]
    return sum(map(len, found)), sum(compute.sum(each).as_py() or 0.0 for each in found)


def read_xlsx(path: Path, column: str) -> Read:
    """Rows below the headings by openpyxl."""
    import openpyxl

    count, total = 0, 0.0
    for sheet in openpyxl.load_workbook(path, read_only=True).worksheets:
        rows = sheet.iter_rows(values_only=True)
        place = list(next(rows)).index(column)
        for row in rows:
            count, total = count + 1, total + float(str(row[place] or 0.0))
    return count, total


def read_influx(path: Path, column: str) -> Read:
    """Points by the parser of line-protocol-parser; of events the sum is that of the times."""
    from line_protocol_parser import parse_line

    count, total = 0, 0.0
    with path.open(encoding="utf-8") as file:
        for line in file:
            point = parse_line(line.rstrip("\n"))
            value = point["time"] / 1000 if column == "t_s" else point["fields"].get(column)
            count, total = count + 1, total + (value or 0.0)
    return count, total


def read_fit(path: Path) -> Read:
    """Records and their heart rate by Garmin's decoder; fitdecode must read the same."""
    import fitdecode
    from garmin_fit_sdk import Decoder, Stream

    messages, errors = Decoder(Stream.from_file(str(path))).read()
    if errors:
        raise SystemExit(f"{path}: {errors}")
    rates = [each.get("heart_rate", 0) for each in messages["record_mesgs"]]
    with fitdecode.FitReader(str(path), check_crc=fitdecode.CrcCheck.RAISE) as frames:
        others = [
            frame.get_value("heart_rate", fallback=0) or 0
            for frame in frames
            if isinstance(frame, fitdecode.FitDataMessage) and frame.name == "record"
        ]
    if rates != others:
        raise SystemExit(f"{path}: {len(others)} records by fitdecode, {len(rates)} by Garmin's decoder")
    return len(rates), float(sum(rates))


def read_tcx(path: Path) -> Read:
    """Points by tcxreader."""
    from tcxreader.tcxreader import TCXReader

    points = TCXReader().read(str(path)).trackpoints
    return len(points), float(sum(each.hr_value or 0 for each in points))


def read_gpx(path: Path) -> Read:
    """Points by gpxpy."""
    import gpxpy

    parts = [part for track in gpxpy.parse(path.read_text()).tracks for part in track.segments]
    points = [point for part in parts for point in part.points]
    rates = [each.text for point in points for extra in point.extensions for each in extra if each.tag.endswith("}hr")]
    return len(points), float(sum(map(int, rates)))


TABULAR: Final[dict[str, tuple[str, Callable[[Path, str], Read]]]] = {
    "csv": ("csv", read_csv), "json": ("json", read_json), "parquet": ("parquet", read_parquet),
    "xlsx": ("xlsx", read_xlsx), "influx": ("lp", read_influx),
}  # fmt: skip
ACTIVITIES: Final = {"fit": read_fit, "tcx": read_tcx, "gpx": read_gpx}


def known_sums(root: Path) -> dict[str, Read]:
    """Rows and sums of the archive by SQL; those of the other tables are the ones that the first format had."""
    journal = load_config(DEFAULT_CONFIG, root).paths.journal
    with closing(sqlite3.connect(journal)) as connection:
        return {
            "seconds": connection.execute("SELECT COUNT(*), SUM(heart_rate_bpm) FROM session_seconds").fetchone(),
            "summaries": connection.execute(
                "SELECT COUNT(*), SUM(json_extract(summary, '$.distance_m')) FROM sessions WHERE summary IS NOT NULL"
            ).fetchone(),
        }


def main() -> None:
    """Make the season, export it, read it back."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--athletes", type=int, default=30)
    parser.add_argument("--sessions", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--root", type=Path, help="keep the season here, or use the one that is there")
    parser.add_argument("--only", nargs="+", metavar="FORMAT", help="only these formats")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root, found = args.root or Path(folder), dict[str, object]()
        if not (root / "prediction_outputs" / "journal.sqlite3").exists():
            began = time.perf_counter(), time.process_time()
            fill(root, args.athletes, args.sessions, args.seconds)
            spent = time.perf_counter() - began[0], time.process_time() - began[1]
            found["archived"] = {"s": round(spent[0], 1), "cpu_s": round(spent[1], 1)}
        out, known = Path(folder), known_sums(root)
        for form, (ending, read) in TABULAR.items():
            for table in TABLES if not args.only or form in args.only else ():
                made = exported(root, out, "--format", form, "--what", table)
                path = out / f"{table}.{ending}"
                counted = read(path, SUMMED[table])
                found[f"{form} {table}"] = checked(made, counted, known.setdefault(table, counted))
                for each in (path, *out.glob(f"{table}.part*")):
                    each.unlink()
        for form, read_one in ACTIVITIES.items():
            if not args.only or form in args.only:
                made = exported(root, out / form, "--format", form)
                each_file = [read_one(path) for path in sorted((out / form).iterdir())]
                points = sum(count for count, _ in each_file), sum(total for _, total in each_file)
                found[form] = checked(made, points, known["seconds"])
    print(json.dumps(found, indent=1))


def checked(made: dict[str, object], read: Read, expected: Read) -> dict[str, object]:
    """Return the figures of an export; end where another library reads something else.

    A whole number of beats per minute may differ from the archive's by half a beat.
    """
    rows, total = read
    apart = abs(total - expected[1])
    if rows != expected[0] or apart > max(1e-6 * abs(total), 0.5 * rows * ("written" in made)):
        raise SystemExit(f"{made}: another library reads {read}, not {expected}")
    kept = {name: value for name, value in made.items() if name in {"rows", "written", "s", "cpu_s", "peak_mb"}}
    print(made.get("file") or made.get("folder"), kept, read, file=sys.stderr, flush=True)
    return {**kept, "read": rows, "sum": round(total, 1)}


if __name__ == "__main__":
    main()
