#!/usr/bin/env python3
"""Write docs/formats.md: what is read of each format, and real files of other people beside what their device says.

python docs/make_formats.py [--data FOLDER]      without FOLDER the measured table stays as it is
"""

from __future__ import annotations

import argparse
import csv
import importlib
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from athlete_monitor.recordings import formats
from athlete_monitor.recordings.figures import Figures, figures_of
from athlete_monitor.recordings.format import Options
from athlete_monitor.recordings.prepare import prepared
from athlete_monitor.recordings.registry import all_formats, recognised
from athlete_monitor.recordings.search import search

if TYPE_CHECKING:
    from collections.abc import Iterator

    from athlete_monitor.recordings.format import Format

PAGE: Final = Path(__file__).with_name("formats.md")
START, END = "<!-- measured -->\n", "<!-- end of measured -->\n"

INTRODUCTION: Final = """\
# Formats of recordings

Written by `docs/make_formats.py` from the readers themselves. `python3 jetson_deploy.py import FILE… [DIR…]`
recognises a file by its content, searches folders and opens `.zip` and `.gz`; `--kind` forces a format.
`publisher.py --replay` and `main.py --replay` take the same files.

    python3 jetson_deploy.py import season/ --dry-run
    python3 jetson_deploy.py import season/ --athlete "J. Smith=7" --as game
    python3 jetson_deploy.py import export.csv --map mapping.yaml --athlete 7

- **Whose it is** comes from `--athlete N`, from `--athlete NAME=N`, or from the name, number or device in the file,
  or the name of a folder, against `athletes.yaml`. Only a sure match counts: `SMITH, John`, `J. Smith`, accents and
  apostrophes are understood, two possible athletes are listed. Nobody is created silently; `--create` adds an
  athlete and says so.
- **What it is**: `--as game` or `--as training`, else what the file says, else training.
- **One bad file never stops the others**: one line with the file and the cause on standard error, exit code 3. Exit
  code 1: there was nothing to import.
- **Importing twice** is safe: a session of the same athlete that starts in the same second is not written again.
- **Into the archive**: every session is also computed, at its own date, so that season, reports and exports have it.
  Recordings that overlap in time are one team session; laps, halves and drills that a file names become its periods,
  for those who were in them. `--no-archive` writes session files only; a later import catches up. What takes longest
  is a high sample rate: runs at 1 Hz are computed about 3,000 times as fast as they were run, 100 Hz about ten times.
- **Times** keep the moment and, where the file gives it, the offset of the local time. Local times without an offset
  are read in `--zone` (this machine's zone by default). A date that can be read in two ways is refused with both
  readings (`--dates`). A clock that was set in mid-session is repaired, rows that repeat are left out, rows of whole
  seconds are spread; each is said. A pause of more than three hours makes two sessions.
- **Units** that a file does not give are checked by their range: an acceleration near 1 is taken as g, a speed above
  12.5 m/s for long (or 3.6 times what distance or positions say) as km/h, a running cadence of 40 to 115 as strides.
- **Positions** become metres on the plane that touches the ellipsoid at the first fix. Fixes with HDOP above 4,
  fewer than 5 satellites, an accuracy worse than 15 m, or a jump that nobody can run are left out and counted. Where
  a file has no speed, it is the slope of a straight line through 3 s of positions around each row (no lag).
- **The device's odometer** (`distance_m`) counts before integrated speed; where they differ by more than 2 %, both
  are said.
- **Heart rate** of 0 or 255 is missing. A strap's memory wins over what the watch heard.
- **Bounds**: 128 MB for a file that is read as a whole, 2 GB for a table, 48 million cells, three archives inside one
  another; XML with entities or a document type is refused; links in searched folders are not followed.

## Any other table

A table needs a column of times and one channel; `--dry-run` shows what each column was taken for. Understood are UTF-8,
UTF-16 and Windows 1252, commas, semicolons, tabs and bars, decimal points and commas, lines before the header, a row of
units, Excel workbooks, ISO times, day-first and month-first dates, epoch seconds to nanoseconds, and elapsed times with
`--start`. Two columns for one channel are refused where they differ. A mapping says what names do not:

```yaml
time: {column: Moment, unit: ms}
channels:
  heart_rate_bpm: Channel A
  speed_mps: {column: 3, unit: km/h}   # the third column
athlete: Player
dates: day-first
zone: Europe/Berlin
start: 2026-05-04 10:00:00
```

## Formats

| kind | format | what is read |
|---|---|---|
"""
MEASURED: Final = """
## Real files beside what their device says

Public recordings of other people, imported and compared with the device's own summary (`session` message of FIT),
or, where there is none, with sums over the file by a few lines of Python. A dash: the device says nothing. Durations
are from the first to the last row; a device also counts the seconds around them.

"""


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of real files")
    data = parser.parse_args().data
    rows = "".join(f"| `{known.kind}` | {known.title} | {described(known)} |\n" for known in all_formats())
    old = PAGE.read_text(encoding="utf-8") if PAGE.exists() else START + END
    measured = START + table(data) + END if data else START + old.partition(START)[2].partition(END)[0] + END
    PAGE.write_text(INTRODUCTION + rows + MEASURED + measured, encoding="utf-8")


def described(known: Format) -> str:
    """What a reader's module says of itself, after its first line."""
    module = next(m for m in modules() if getattr(m, "FORMAT", None) is known)
    first, _, more = (module.__doc__ or "").strip().partition("\n")
    return " ".join((more.strip() or first.partition(": ")[2] or first).replace("|", "\\|").replace("``", "`").split())


def modules() -> Iterator[object]:
    """The modules of all formats."""
    for path in sorted(Path(formats.__path__[0]).glob("[!_]*.py")):
        yield importlib.import_module(f"{formats.__name__}.{path.stem}")


def table(data: Path) -> str:
    """Import every file below a folder and compare."""
    lines = [
        "| file | duration, s | distance, m | mean heart rate | highest heart rate | compared with |\n",
        "|---|---|---|---|---|---|\n",
    ]
    for source in search([data]).files:
        known = recognised(source)
        if known is None:
            continue
        try:
            parts = [part for one in known.read(source, Options(start_t=None)) for part in prepared(one)][:3]
        except ValueError as error:
            reason = str(error).rpartition(": ")[2]
            lines.append(f"| {source.name} | {reason} | | | | |\n")
            continue
        lines += [line(source.path, figures_of(part)) for part in parts]
    return "".join(lines)


def line(path: Path, figures: Figures) -> str:
    """One row: ours / theirs."""
    theirs, oracle = dict(figures.totals), "its session message"
    if not theirs:
        theirs, oracle = summed(path, figures)
    cells = [
        pair(figures.duration_s, theirs.get("duration_s"), 0),
        pair(figures.distance_m, theirs.get("distance_m"), 0),
        pair(figures.heart_rate_mean_bpm, theirs.get("heart_rate_mean_bpm"), 0),
        pair(figures.heart_rate_max_bpm, theirs.get("heart_rate_max_bpm"), 0),
    ]
    name = path.name if figures.kind != "epts" else f"{path.name}, {figures.who}"
    return f"| {name} | {' | '.join(cells)} | {oracle} |\n"


def pair(ours: float | None, theirs: float | None, digits: int) -> str:
    """Both values."""

    def text(value: float | None) -> str:
        return "–" if value is None else f"{value:,.{digits}f}"

    return "" if ours is None and theirs is None else f"{text(ours)} / {text(theirs)}"


def summed(path: Path, figures: Figures) -> tuple[dict[str, float], str]:
    """Sums over a file, without any code of this project."""
    if path.name == "sd10Hz.csv":
        rows = list(csv.DictReader(path.open()))
        t = [int(row["ts"]) + int(row["cs"]) / 100 for row in rows]
        return {"duration_s": t[-1] - t[0], "distance_m": float(rows[-1]["o"]) - float(rows[0]["o"])}, "its columns"
    if path.name == "highfreq100hz.csv":
        table = list(csv.reader(path.open()))[3:]
        at = table[0].index("Odometer")
        known = [float(row[at]) for row in table[1:] if row[at] != "NA"]
        return {"duration_s": (len(table) - 2) / 100, "distance_m": known[-1] - known[0]}, "its columns"
    if figures.kind == "epts":
        place = int(figures.who.rpartition("_")[2]) - 1
        frames = [row.split(":") for row in (path.parent / "epts_metrica_tracking.txt").read_text().split()]
        speeds = [float(frame[1].split(";")[place].split(",")[3]) / 3.6 / 25 for frame in frames]
        span = (int(frames[-1][0]) - int(frames[0][0])) / 25
        return {
            "duration_s": span,
            "distance_m": sum(v for v in speeds if not math.isnan(v)),
        }, "its columns, nothing for the pause of 6 s"
    return {}, "–"


if __name__ == "__main__":
    main()
