"""Make the example sessions of this folder from the original recordings.

    python examples/make_examples.py --data FOLDER

FOLDER holds ``hexoskin/011`` with ``hexoskin/subjects.csv`` beside it, and ``runs/``, as README.md names them. The
result is the same on every machine: local times are written as UTC, and the compressed files carry no time of their
own.
"""

from __future__ import annotations

import argparse
import gzip
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from athlete_monitor.config import load_config
from athlete_monitor.recordings.formats.hexoskin import read_hexoskin
from athlete_monitor.recordings.formats.runs import read_run
from athlete_monitor.recordings.prepare import prepared
from athlete_monitor.recordings.writing import write_session

HERE = Path(__file__).resolve().parent
SHIRT_ATHLETE, RUN_ATHLETE = 11, 12
SHIRT_ROWS_TO_LEARN = 24 * 60 * 10
"""24 minutes at 10 Hz, until after the jog: standing, walking, stairs and jogging."""
RUNS = ("2021-04-28-12-34-28.csv.gz", "2021-05-12-08-15-45.csv.gz")
"""Two runs over the same hills, two weeks apart."""


def main() -> None:
    """Import, split and compress."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the original recordings")
    data = parser.parse_args().data
    os.environ["TZ"] = "UTC"
    time.tzset()
    with tempfile.TemporaryDirectory() as root:
        config = load_config(root=Path(root))
        [worn] = prepared(read_hexoskin(data / "hexoskin" / "011", config.feature_engineering.sampling_frequency))
        shirt = write_session(worn, config.paths.data_root, SHIRT_ATHLETE, f"{SHIRT_ATHLETE:03d}")
        earlier, later = (
            write_session(
                read_run(data / "runs" / name, 1.0), config.paths.data_root, RUN_ATHLETE, f"{RUN_ATHLETE:03d}"
            )
            for name in RUNS
        )
        learn, stream = split(shirt.read_text(encoding="utf-8"), SHIRT_ROWS_TO_LEARN)
        write("train", SHIRT_ATHLETE, shirt.name, learn)
        write("stream", SHIRT_ATHLETE, later_part(shirt.name, stream), stream)
        write("train", RUN_ATHLETE, earlier.name, earlier.read_text(encoding="utf-8"))
        write("stream", RUN_ATHLETE, later.name, later.read_text(encoding="utf-8"))


def split(text: str, rows: int) -> tuple[str, str]:
    """Return the first rows and the rest, each with the header."""
    header, *lines = text.splitlines(keepends=True)
    return header + "".join(lines[:rows]), header + "".join(lines[rows:])


def later_part(name: str, text: str) -> str:
    """Return the session's name with the next number and the start of this part."""
    second = text.splitlines()[1].partition(".")[0]
    stamp = second.replace(" ", "-").replace(":", "_")
    date, clock = stamp[:10].replace("-", "_"), stamp[11:]
    athlete_and_device = name.partition("_")[2].rsplit("_", 5)[0]
    return f"TR2_{athlete_and_device}_{date}-{clock}.csv"


def write(part: str, athlete_id: int, name: str, text: str) -> None:
    """Write a compressed session into ``train`` or ``stream``."""
    path = HERE / part / f"player_{athlete_id}" / f"{name}.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))
    print(f"{path.relative_to(HERE)}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
