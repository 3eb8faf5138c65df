#!/usr/bin/env python3
"""Speed computed from positions and from the odometer, beside the speed that the device itself recorded.

    python benchmarks/import_speed.py FOLDER…

Takes every recording below the folders that has all three. Prints JSON: of each the root mean square difference of both
from the device's speed, m/s, and whether the odometer counts less than whole metres; then the medians of both groups.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from athlete_monitor.recordings.format import Options
from athlete_monitor.recordings.position import is_fine, slope_speed
from athlete_monitor.recordings.prepare import prepared
from athlete_monitor.recordings.registry import recognised
from athlete_monitor.recordings.search import search

if TYPE_CHECKING:
    from collections.abc import Iterator

    from athlete_monitor.recordings.imported import Imported

NEEDED = ("speed_mps", "distance_m", "x_m", "y_m")
FEWEST_ROWS = 300


def main() -> None:
    """Compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    rows = [compared(part) for part in recordings(parser.parse_args().folders)]
    groups = {
        name: {key: median(row[key] for row in rows if row["fine"] is fine) for key in ("odometer", "positions")}
        for name, fine in (("fine odometers", True), ("whole metres", False))
        if any(row["fine"] is fine for row in rows)
    }
    print(json.dumps({"recordings": rows, "medians": groups}, indent=1))


def recordings(folders: list[Path]) -> Iterator[Imported]:
    """Yield the recordings below some folders that have all that is compared."""
    for source in search(folders).files:
        known = recognised(source)
        try:
            parts = [part for one in known.read(source, Options()) for part in prepared(one)] if known else []
        except ValueError:
            continue
        yield from (part for part in parts if len(part) >= FEWEST_ROWS and part.has(*NEEDED))


def compared(part: Imported) -> dict[str, Any]:
    """Return how far both computed speeds are from the device's."""
    speed, way, x, y = (part.channels[name] for name in NEEDED)
    found = {"odometer": slope_speed(part.t, way, np.zeros_like(way)), "positions": slope_speed(part.t, x, y)}
    rms = {name: round(float(np.sqrt(np.nanmean((one - speed) ** 2))), 2) for name, one in found.items()}
    return {"file": str(part).rpartition("/")[2], "rows": len(part), "fine": is_fine(way), **rms}


if __name__ == "__main__":
    main()
