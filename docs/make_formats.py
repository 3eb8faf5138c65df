#!/usr/bin/env python3
"""Write docs/formats.md: what is read of each format, and real files of other people beside what their device says.

python docs/make_formats.py [--data SOURCE=PATH …]     without data the measured table stays as it is
"""

from __future__ import annotations

import argparse
import csv
import importlib
import json
import math
import sys
from collections import Counter
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from defusedxml.ElementTree import parse

from athlete_monitor.recordings import formats
from athlete_monitor.recordings.figures import RecordingFigures, figures_of
from athlete_monitor.recordings.format import Options
from athlete_monitor.recordings.prepare import prepared
from athlete_monitor.recordings.registry import all_formats, recognised
from athlete_monitor.recordings.search import search

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from xml.etree.ElementTree import Element

    from athlete_monitor.recordings.format import Format

PAGE: Final = Path(__file__).with_name("formats.md")
BEATS_T: Final = 1_577_836_800.0
"""A start for beat intervals, which often have none."""
MOST_PARTS: Final = 3
OWN: Final = frozenset({"session", "runs", "hexoskin"})
"""Formats that the table leaves out: our own, and two whose files are whole folders."""
COMPARED: Final = {
    "duration_s": 0,
    "distance_m": 0,
    "heart_rate_mean_bpm": 0,
    "heart_rate_max_bpm": 0,
    "speed_max_mps": 1,
}
START, END = "<!-- measured -->\n", "<!-- end of measured -->\n"

INTRODUCTION: Final = """\
# Formats of recordings

Written by `docs/make_formats.py` from the readers themselves. `python3 jetson_deploy.py import FILE… [DIR…]`
recognises a file by its content, searches folders and opens `.zip`, `.tar`, `.gz`, `.bz2` and `.xz`;
`--kind` forces a format. `publisher.py --replay` and `main.py --replay` take the same files.

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
- **What may hold recordings and cannot be opened** (7-Zip, RAR, Zstandard, encrypted or damaged files, files
  without the right to read them) is one of those lines, in a searched folder too; other files there are counted.
- **Importing twice** is safe: a session of the same athlete that starts in the same second is not written again. If
  its content differs from the file, the difference is said and the first one is kept. A second
  import at the same time waits for the end of the first.
- **Two devices at the same time**: both sessions are kept, the overlap is said, and season, reports and load history
  count only the one with the larger load.
- **Into the archive**: every session is also computed, at its own date, so that season, reports and exports have it.
  Recordings that overlap in time are one team session; laps, halves and drills that a file names become its periods,
  for those who were in them. `--no-archive` writes session files only; a later import catches up. What takes longest
  is a high sample rate: runs at 1 Hz are computed about 3,000 times as fast as they were run, 100 Hz about ten times.
  Many recordings together cost far less for each than one by one, and from 32 on several processes compute them: import
  a season with one command. Ctrl+C, a kill and a full disk leave whole sessions; the same command goes on.
- **Times** keep the moment and, where the file gives it, the offset of the local time. Local times without an offset
  are read in `--zone` (this machine's zone by default). A date that can be read in two ways is refused with both
  readings (`--dates`). A clock that was set in mid-session is repaired, rows that repeat are left out, rows of whole
  seconds are spread, rows of one time with different measurements are joined; each is said. A pause of more than
  three hours makes two sessions.
- **Units** that a file does not give are checked by their range: an acceleration near 1 is taken as g, a speed above
  12.5 m/s for long (or 3.6 times what distance or positions say) as km/h, a running cadence of 40 to 115 as strides.
- **Positions** become metres on the plane that touches the ellipsoid at the first fix. Fixes with HDOP above 4,
  fewer than 5 satellites, an accuracy worse than 15 m, or a jump that nobody can run are left out and counted. Where
  a file has no speed, it is the slope of a straight line through 3 s of the odometer, or without a fine one of the
  positions, around each row (no lag); an odometer of whole metres without positions is looked at over 10 s.
- **The device's odometer** (`distance_m`) counts before integrated speed; where they differ by more than 2 %, both
  are said.
- **Heart rate** of 0 or 255 is missing. A strap's memory wins over what the watch heard.
- **Bounds**: 128 MB for a file that is read as a whole, 2 GB for a table, 48 million cells, three archives inside one
  another, 2 MB for a tag or a text of XML, 64 MB for the texts and 30 million cells of a workbook; XML with entities or
  a document type is refused; links in searched folders are not followed.

## Any other table

A table needs a column of times and one channel; `--dry-run` shows what each column was taken for. Understood are UTF-8,
UTF-16 and Windows 1252, commas, semicolons, tabs and bars, decimal points and commas, lines before the header, a row of
units, Excel workbooks (the sheet with the most rows), ISO times, day-first and month-first dates, names of months,
12-hour clocks, epoch seconds to nanoseconds, and elapsed times with `--start`. A date with two readings is the one in
the file's name, if there is one. Of several columns of times, one with dates is used. Two columns for one channel are
refused where they differ. NUL characters are left out and counted. A mapping says what names do not:

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

Public recordings of other people, imported and compared (ours / theirs) with the device's own summary (the `session`
message of FIT, the laps of TCX), or, where there is none, with sums over the file by a few lines of Python. A dash:
nothing is said. Durations are from the first to the last row; a device also counts the seconds around them, and the
laps of TCX leave out pauses. Where only positions are known, our highest speed and distance are those of a line through
3 s, theirs of the line through every fix. In italics: why a file is no recording. The files come from the named
packages and repositories and are not part of this project.

"""


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", action="append", default=[], metavar="SOURCE=PATH", help="real files, and where from")
    data = [(source, Path(path)) for source, _, path in (text.partition("=") for text in parser.parse_args().data)]
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


def table(data: Sequence[tuple[str, Path]]) -> str:
    """Import every file below some folders and compare."""
    found = sorted((row for source, path in data for row in rows_of(source, path)), key=lambda row: row[:2])
    counts = Counter(kind for kind, _, _ in found)
    missing = [f"`{known.kind}`" for known in all_formats() if not counts[known.kind] and known.kind not in OWN]
    return (
        "| format | file | from | duration, s | distance, m | mean heart rate | highest heart rate | top speed, m/s "
        "| compared with |\n|---|---|---|---|---|---|---|---|---|\n"
        + "".join(text for _, _, text in found)
        + f"\nNo public file was at hand of {', '.join(missing)}: those readers are tested with files made up in the "
        "vendors' layouts (`tests/recordings`).\n"
    )


def rows_of(origin: str, folder: Path) -> Iterator[tuple[str, str, str]]:
    """Yield the format, the file and the line of each recording below a folder."""
    for source in search([folder]).files:
        known = recognised(source)
        if known is None:
            continue
        name = f"{source.name} | {origin}"
        try:
            parts = [
                part
                for one in known.read(source, Options(start_t=BEATS_T if known.kind == "rr" else None))
                for part in prepared(one)
            ][:MOST_PARTS]
        except ValueError as error:
            reason = str(error).rpartition(": ")[2]
            yield known.kind, source.name, f"| {known.kind} | {name} | *{reason}* | | | | | |\n"
            continue
        for part in parts:
            yield known.kind, source.name, line(source.path, name, figures_of(part))


def line(path: Path, name: str, figures: RecordingFigures) -> str:
    """One row: ours / theirs."""
    theirs, oracle = dict(figures.totals), "its totals of laps" if figures.kind == "tcx" else "its session message"
    if not theirs:
        theirs, oracle = summed(path, figures)
    theirs.setdefault("duration_s", theirs.get("timer_s", math.nan))
    cells = [pair(getattr(figures, key), theirs.get(key), digits) for key, digits in COMPARED.items()]
    who = f", {figures.who}" if figures.kind == "epts" else ""
    return f"| {figures.kind} | {name.replace(' |', who + ' |', 1)} | {' | '.join(cells)} | {oracle} |\n"


def pair(ours: float | None, theirs: float | None, digits: int) -> str:
    """Both values."""

    def text(value: float | None) -> str:
        return "–" if value is None or math.isnan(value) else f"{value:,.{digits}f}"

    return "" if text(ours) == text(theirs) == "–" else f"{text(ours)} / {text(theirs)}"


def summed(path: Path, figures: RecordingFigures) -> tuple[dict[str, float], str]:
    """Sums over a file, without any code of this project."""
    by_kind = {
        "gpx": of_gpx,
        "tcx": of_tcx,
        "rr": of_beats,
        "goldencheetah": of_golden_cheetah,
        "catapult": of_catapult,
        "csv": of_table,
    }
    if figures.kind == "epts":
        return of_epts(path, figures)
    if figures.kind in by_kind:
        sums = by_kind[figures.kind](path)
        return sums, "sums over its rows" if sums else "–"
    return {}, "–"


def of_gpx(path: Path) -> dict[str, float]:
    """The line through the points of a track, and the range of its heart rate."""
    points = elements(path, "trkpt")
    t = [moment(leaf(point, "time")) for point in points]
    places = [(math.radians(float(p.get("lat", 0))), math.radians(float(p.get("lon", 0)))) for p in points]
    way = sum(
        2 * 6_371_009 * math.asin(math.sqrt(math.sin((b[0] - a[0]) / 2) ** 2
        + math.cos(a[0]) * math.cos(b[0]) * math.sin((b[1] - a[1]) / 2) ** 2))
        for a, b in pairwise(places)
    )  # fmt: skip
    return {"duration_s": t[-1] - t[0], "distance_m": way} | of_heart([leaf(p, "hr") for p in points])


def of_tcx(path: Path) -> dict[str, float]:
    """The points of an activity without totals."""
    points = elements(path, "Trackpoint")
    t = [moment(leaf(point, "Time")) for point in points]
    return {"duration_s": t[-1] - t[0]} | of_heart([leaf(point, "Value") for point in points])


def of_heart(texts: Sequence[str]) -> dict[str, float]:
    """Mean and highest of heart rates as text."""
    rates = [float(text) for text in texts if text and float(text) > 0]
    return {"heart_rate_mean_bpm": sum(rates) / len(rates), "heart_rate_max_bpm": max(rates)} if rates else {}


def elements(path: Path, name: str) -> list[Element]:
    """All elements of one name."""
    return [element for element in parse(path).iter() if str(element.tag).rpartition("}")[2] == name]


def leaf(element: Element, name: str) -> str:
    """The text of the first element of one name inside another."""
    return next((e.text or "" for e in element.iter() if str(e.tag).rpartition("}")[2] == name), "").strip()


def moment(text: str) -> float:
    """Epoch seconds of an ISO time in UTC."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def of_beats(path: Path) -> dict[str, float]:
    """The sum of beat intervals."""
    beats = [float(row.split()[-1]) for row in path.read_text(encoding="utf-8").splitlines() if row.strip()]
    seconds = [beat / (1000 if max(beats) > 30 else 1) for beat in beats]
    return {"duration_s": sum(seconds[1:]), "heart_rate_mean_bpm": 60 * len(seconds) / sum(seconds)}


def of_golden_cheetah(path: Path) -> dict[str, float]:
    """The samples of an activity."""
    samples = json.loads(path.read_text(encoding="utf-8-sig"))["RIDE"]["SAMPLES"]
    found = {
        "duration_s": samples[-1]["SECS"] - samples[0]["SECS"],
        "distance_m": 1000 * (samples[-1].get("KM", math.nan) - samples[0].get("KM", math.nan)),
        "speed_max_mps": max(sample.get("KPH", math.nan) for sample in samples) / 3.6,
    }
    return found | of_heart([str(sample.get("HR", "")) for sample in samples])


def of_catapult(path: Path) -> dict[str, float]:
    """The columns of the two tables of catapultR."""
    if path.name == "sd10Hz.csv":
        rows = list(csv.DictReader(path.open()))
        t = [int(row["ts"]) + int(row["cs"]) / 100 for row in rows]
        speeds = [float(row["v"]) for row in rows]
        way = float(rows[-1]["o"]) - float(rows[0]["o"])
        return {"duration_s": t[-1] - t[0], "distance_m": way, "speed_max_mps": max(speeds)}
    rows_100 = list(csv.reader(path.open()))[3:]
    at = rows_100[0].index("Odometer")
    known = [float(row[at]) for row in rows_100[1:] if row[at] != "NA"]
    return {"duration_s": (len(rows_100) - 2) / 100, "distance_m": known[-1] - known[0]}


def of_table(path: Path) -> dict[str, float]:
    """The columns of the tables of two power meters; nothing of other tables."""
    rows = [[cell.strip() for cell in row] for row in csv.reader(path.open(encoding="cp1252"))]
    names, rows = rows[0], [row for row in rows[1:] if row and row[0].replace(".", "").isdigit()]
    if not rows or not {"Minutes", "ZEIT"} & set(names):
        return {}

    def column(*called: str) -> list[float]:
        return [float(row[next(names.index(name) for name in called if name in names)]) for row in rows]

    t, way = column("Minutes", "ZEIT"), column("Km", "STRECKE")
    return {
        "duration_s": (t[-1] - t[0]) * (60 if "Minutes" in names else 1),
        "distance_m": 1000 * (way[-1] - way[0]),
        "speed_max_mps": max(column("Km/h", "SPEED")) / 3.6,
    } | of_heart([str(rate) for rate in column("Hrate", "PULS")])


def of_epts(path: Path, figures: RecordingFigures) -> tuple[dict[str, float], str]:
    """The speeds of one player of kloppy's file."""
    if not figures.who.startswith("Track_"):
        return {}, "–"
    place = int(figures.who.rpartition("_")[2]) - 1
    frames = [row.split(":") for row in (path.parent / "epts_metrica_tracking.txt").read_text().split()]
    speeds = [float(frame[1].split(";")[place].split(",")[3]) / 3.6 for frame in frames]
    known = [speed for speed in speeds if not math.isnan(speed)]
    span = (int(frames[-1][0]) - int(frames[0][0])) / 25
    sums = {"duration_s": span, "distance_m": sum(known) / 25, "speed_max_mps": max(known)}
    return sums, "its columns, nothing for the pause of 6 s"


if __name__ == "__main__":
    main()
