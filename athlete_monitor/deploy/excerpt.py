"""The first minutes of a session file."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

from athlete_monitor.wire.timestamps import parse_timestamp

if TYPE_CHECKING:
    from pathlib import Path


def write_excerpt(session: Path, folder: Path, minutes: float) -> Path:
    """Write the first minutes of a compressed session, uncompressed, below its athlete's folder; return the file."""
    target = folder / session.parent.name / session.name.removesuffix(".gz")
    target.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(session, "rt", encoding="utf-8") as source, target.open("w", encoding="utf-8") as out:
        out.write(next(source))
        end = None
        for line in source:
            t = parse_timestamp(line.partition(",")[0])
            end = t + minutes * 60 if end is None else end
            if t >= end:
                break
            out.write(line)
    return target
