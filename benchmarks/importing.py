#!/usr/bin/env python3
"""What importing costs: a long FIT file, a season of files, a long file at 100 Hz. Prints JSON.

    python benchmarks/importing.py
    python benchmarks/importing.py --only season_archived --share 0.1     # a tenth of the files, rows or minutes

Each part without the archive and, as ``..._archived``, with it: the whole command as users run it. ``cpu_s`` counts all
processes; ``ratio`` is the CPU time with the archive by that without.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))


def main() -> None:
    """Measure each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=list(PARTS), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--only", action="append", choices=list(PARTS), help="only these parts")
    parser.add_argument("--share", type=float, default=1.0, help="of the archived parts' size: 1 is what is promised")
    args = parser.parse_args()
    if args.part:
        print(json.dumps(PARTS[args.part](args.folder, args.share)))
        return
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps({part: measured(part, Path(folder), args.share) for part in args.only or PARTS}, indent=1))


def measured(part: str, folder: Path, share: float) -> dict[str, object]:
    """Run one part in a process of its own."""
    command = [sys.executable, __file__, "--part", part, "--folder", str(folder), "--share", str(share)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found


def fit(folder: Path, _share: float) -> dict[str, float]:
    """Five hours of one-second records: read, prepared, written."""
    from athlete_monitor.recordings.format import Options
    from athlete_monitor.recordings.formats.fit import read
    from athlete_monitor.recordings.import_request import ImportRequest
    from athlete_monitor.recordings.importing import import_files
    from athlete_monitor.recordings.prepare import prepared
    from athlete_monitor.recordings.source import from_path
    from tests.recordings.fit_kit import running

    path = folder / "long.fit"
    path.write_bytes(running(5 * 3600).bytes())
    begin, cpu = time.perf_counter(), time.process_time()
    prepared(read(from_path(path), Options())[0])
    reading, reading_cpu = time.perf_counter() - begin, time.process_time() - cpu
    begin, cpu = time.perf_counter(), time.process_time()
    report = import_files(ImportRequest([path], folder / "t", folder / "g", athlete_id=1), ())
    assert not report.failed
    return {
        "read_s": round(reading, 2),
        "read_cpu_s": round(reading_cpu, 2),
        "import_s": round(time.perf_counter() - begin, 2),
        "import_cpu_s": round(time.process_time() - cpu, 2),
        "records": 5 * 3600,
    }


def other_decoder(folder: Path, _share: float) -> dict[str, float]:
    """The same file by fitdecode, message after message, nothing done with them."""
    import fitdecode

    begin = time.process_time()
    with fitdecode.FitReader(folder / "long.fit") as reader:
        messages = sum(1 for _ in reader)
    return {"fitdecode_cpu_s": round(time.process_time() - begin, 2), "messages": messages}


def season(folder: Path, _share: float) -> dict[str, float]:
    """200 files of 90 minutes: FIT and CSV in turn."""
    from athlete_monitor.recordings.import_request import ImportRequest
    from athlete_monitor.recordings.importing import import_files

    files = a_season(folder / "season", 200)
    begin, cpu = time.perf_counter(), time.process_time()
    report = import_files(ImportRequest([files], folder / "t2", folder / "g2", athlete_id=1), ())
    assert (len(report.done), report.failed) == (200, [])
    return {
        "files": 200,
        "s": round(time.perf_counter() - begin, 1),
        "cpu_s": round(time.process_time() - cpu, 1),
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def fast(folder: Path, _share: float) -> dict[str, float]:
    """Two hours of a 100-Hz export of 16 columns: written by another process, so that only the import is counted."""
    from athlete_monitor.recordings.import_request import ImportRequest
    from athlete_monitor.recordings.importing import import_files

    path = folder / "fast.csv"
    subprocess.run([sys.executable, "-c", WRITE_FAST, str(path), "720000"], check=True)
    begin, cpu = time.perf_counter(), time.process_time()
    report = import_files(ImportRequest([path], folder / "t3", folder / "g3", athlete_id=1), ())
    assert (len(report.done), report.failed) == (1, [])
    return {
        "rows": report.done[0].figures.rows,
        "file_mb": path.stat().st_size // 2**20,
        "s": round(time.perf_counter() - begin, 1),
        "cpu_s": round(time.process_time() - cpu, 1),
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


WRITE_FAST = """
import sys
head = open(sys.argv[1], "w")
head.write("Reference time: 05/04/26 08:00:00 UTC,,,\\nCentisecTime: 177788160000,,,\\nDeviceID: 71,,,\\n"
    "Acceleration.forward,Acceleration.side,Acceleration.up,Rotation.roll,Rotation.pitch,Rotation.yaw,RawPlayerLoad,"
    "SmoothedPlayerLoad,Latitude,Longitude,Odometer,RawVelocity,SmoothedVelocity,GNSS.Fix,GNSS.HDOP,HeartRate\\n")
for n in range(int(sys.argv[2])):
    fix = f"{52 + n * 2.7e-7:.7f},13.0000001,{500 + n * 0.03:.2f},3.0,2.9,12,0.9,130"
    fix = fix if n % 10 == 4 else "NA,NA,NA,NA,NA,NA,NA,0"
    motion = f"0.{n % 1000:03d},-0.{n % 997:03d},1.0{n % 89:02d},{n % 360}.5,{n % 90}.25,-{n % 45}"
    head.write(f"{motion},0.1,0.1,{fix}\\n")
"""


def a_season(files: Path, count: int) -> Path:
    """Write so many files of 90 minutes: FIT and CSV in turn."""
    from tests.recordings.fit_kit import START, running

    files.mkdir()
    for number in range(count):
        start = START + number * 86_400
        if number % 2:
            (files / f"{number:03d}.fit").write_bytes(running(5400, start).bytes())
        else:
            rows = "".join(f"{start + s},{120 + s % 40},{3 + s % 7 / 10:.1f},{s * 3}\n" for s in range(5400))
            (files / f"{number:03d}.csv").write_text("timestamp,hr,speed [m/s],distance [m]\n" + rows)
    return files


def with_bytecode(folder: Path) -> dict[str, str]:
    """Return an environment in which Python keeps its bytecode, as it does where users install the project."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return environment | {"PYTHONPYCACHEPREFIX": str(folder / "bytecode")}


def both_ways(folder: Path, source: Path) -> dict[str, float]:
    """Import with the command as users run it, without and with the archive; once before, for the bytecode."""
    small = folder / "small.csv"
    small.write_text("timestamp,hr\n" + "".join(f"{1_777_888_800 + second},120\n" for second in range(60)))
    command(folder, small)
    plain, archived = command(folder, source, "--no-archive"), command(folder, source)
    return {**archived, "without_s": plain["s"], "ratio": round(archived["cpu_s"] / plain["cpu_s"], 1)}


def command(folder: Path, source: Path, *options: str) -> dict[str, float]:
    """Run the command in a process of its own; its memory is that of the largest process."""
    root = Path(tempfile.mkdtemp(dir=folder))
    for name in ("athletes.yaml", "jetson_nano_4gb_config.yaml"):
        shutil.copy(ROOT / name, root)
    wanted = ["import", str(source), "--athlete", "1", "--json", "--yes", *options]
    place = ["--root", str(root), "--config", str(root / "jetson_nano_4gb_config.yaml")]
    before, begin = os.times(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, str(ROOT / "jetson_deploy.py"), *wanted, *place],
        capture_output=True,
        text=True,
        check=False,
        env=with_bytecode(folder),
    )
    took_s, after = time.perf_counter() - begin, os.times()
    report = json.loads(done.stdout)
    assert not report["failed"], report["failed"]
    return {
        "sessions": len(report["sessions"]),
        "archived": report["archived"],
        "s": round(took_s, 1),
        "cpu_s": round(after[2] + after[3] - before[2] - before[3], 1),
        "memory_mb": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024,
    }


def fit_archived(folder: Path, share: float) -> dict[str, float]:
    """Five hours of one-second records, into the archive too."""
    from tests.recordings.fit_kit import running

    path = folder / "archived.fit"
    path.write_bytes(running(round(5 * 3600 * share)).bytes())
    return both_ways(folder, path)


def season_archived(folder: Path, share: float) -> dict[str, float]:
    """200 files of 90 minutes, into the archive too."""
    return both_ways(folder, a_season(folder / "season_archived", round(200 * share)))


def fast_archived(folder: Path, share: float) -> dict[str, float]:
    """Two hours at 100 Hz, into the archive too: 720,000 steps of the kernel for one athlete."""
    path = folder / "fast_archived.csv"
    subprocess.run([sys.executable, "-c", WRITE_FAST, str(path), str(round(720_000 * share))], check=True)
    return both_ways(folder, path)


PARTS = {
    "fit": fit,
    "other_decoder": other_decoder,
    "season": season,
    "fast": fast,
    "fit_archived": fit_archived,
    "season_archived": season_archived,
    "fast_archived": fast_archived,
}


if __name__ == "__main__":
    main()
