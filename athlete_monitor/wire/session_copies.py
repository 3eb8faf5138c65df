"""Whether samples stand in a session file already, and whether somebody's sessions are real."""

from __future__ import annotations

import gzip
import math
import zlib
from datetime import datetime
from typing import TYPE_CHECKING, Final

from athlete_monitor.arrays import CHANNEL_INDEX
from athlete_monitor.channels import BY_NAME, session_columns
from athlete_monitor.wire.session_files import device_in_name, list_sessions, may_be_measured
from athlete_monitor.wire.timestamps import file_stamp, format_timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from athlete_monitor.wire.sample import Sample
    from athlete_monitor.wire.session_files import Mode

LONGEST_S: Final = 24 * 3600.0
"""A file that began longer before a sample does not hold it."""
_SLACK_S: Final = 1.0
_STAMP: Final = "%Y_%m_%d-%H_%M_%S"
_STAMP_LENGTH: Final = len(file_stamp(0.0))
_SAME: Final = 1e-3
_PLACES: Final = {BY_NAME[name].column: CHANNEL_INDEX[name] for name in session_columns(optional=False)}


def has_real_sessions(roots: Iterable[tuple[Path, Mode]], athlete_id: int) -> bool:
    """Return whether an athlete has a session that was not simulated; broken files do not count.

    Args:
        roots: folders of sessions, with the kind of each.
        athlete_id: whose sessions are looked at.
    """
    return any(may_be_measured(path) for root, mode in roots for path in list_sessions(root, athlete_id, mode))


def copy_of(root: Path, mode: Mode, athlete_id: int, samples: Sequence[Sample]) -> Path | None:
    """Return the session file of the same device that holds the first measured sample already, or None.

    So a session that is replayed, or that the simulator writes itself, is not recorded a second time. Time and
    measurements must agree: a device whose clock begins at the same time each day has sessions of its own.

    Args:
        root: folder of all sessions of this mode.
        mode: training or game.
        athlete_id: whose session it is.
        samples: the first samples of a session, in order.
    """
    first = next((each for each in samples if not each.end and _measures(each)), None)
    if first is None:
        return None
    paths = [path for path in list_sessions(root, athlete_id, mode) if _may_hold(path, first)]
    return next((path for path in reversed(paths) if _holds(path, first)), None)


def _measures(sample: Sample) -> bool:
    return any(not math.isnan(sample.values[place]) for place in _PLACES.values())


def _may_hold(path: Path, sample: Sample) -> bool:
    name = path.name
    if device_in_name(name) != sample.device_id:
        return False
    stamp = name.partition(f"_D{sample.device_id}_")[2][:_STAMP_LENGTH]
    try:
        began_t = datetime.strptime(stamp, _STAMP).timestamp()  # noqa: DTZ007 - names have local time
    except ValueError:
        return False
    return began_t - _SLACK_S <= sample.t <= began_t + LONGEST_S


def _holds(path: Path, sample: Sample) -> bool:
    try:
        data = path.read_bytes() if path.suffix != ".gz" else gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error):
        return False
    begin = data.find(f"\n{format_timestamp(sample.t)},".encode())
    if begin < 0:
        return False
    head = data[: data.find(b"\n")].decode("utf-8", "replace").rstrip("\r").split(",")
    row = data[begin + 1 : data.find(b"\n", begin + 1)].decode("utf-8", "replace").rstrip("\r").split(",")
    cells = dict(zip(head, row, strict=False))
    return all(_agrees(cells.get(column, ""), sample.values[place]) for column, place in _PLACES.items())


def _agrees(cell: str, value: float) -> bool:
    try:
        return math.isclose(float(cell), value, rel_tol=_SAME, abs_tol=_SAME)
    except ValueError:
        return math.isnan(value)
