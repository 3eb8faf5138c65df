"""The sessions that an athlete's folders already hold, so that a recording is not written twice.

A folder is listed once for all files of an import, and a session is opened only where it may be the same or overlap.
"""

from __future__ import annotations

import gzip
import time
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.arrays import CHANNELS
from athlete_monitor.errors import MonitorError, RecordingError
from athlete_monitor.recordings.plural import plural
from athlete_monitor.recordings.writing import SCALE
from athlete_monitor.wire.session_files import PREFIX
from athlete_monitor.wire.timestamps import file_stamp, parse_timestamp

if TYPE_CHECKING:
    from pathlib import Path

    from athlete_monitor.arrays import FloatArray
    from athlete_monitor.recordings.imported import Imported
    from athlete_monitor.wire.session_files import Mode

_STAMP: Final = "%Y_%m_%d-%H_%M_%S"
_LONGEST_S: Final = 24 * 3600.0
_CLOCKS_S: Final = 2 * 3600.0
"""A stamp is local time: it may be another zone's summer time."""
_SHORT_S: Final = 60.0
"""A shorter overlap is the change from one device to another."""
_TAIL_BYTES: Final = 8192
_LARGEST_BYTES: Final = 64 << 20
"""A larger file is compared by its span only."""
_SAME_S: Final = 2e-3
_SAME: Final = 1.5 / SCALE
"""Session files round to that."""


@dataclass(frozen=True)
class Stored:
    """A session file.

    Attributes:
        path: the file.
        mode: training or game.
        about_t: when it began, by the stamp in its name, epoch s; before all others if it has none.
    """

    path: Path
    mode: Mode
    about_t: float


class StoredSessions:
    """The session files of athletes, in both modes.

    Args:
        roots: folder of all sessions, by mode.
    """

    def __init__(self, roots: dict[Mode, Path]) -> None:
        self._roots = roots
        self._listed: dict[int, defaultdict[str, list[Stored]]] = {}
        self._in_order: dict[int, list[Stored]] = {}
        self._spans: dict[Path, tuple[float, float] | None] = {}

    def same(self, athlete_id: int, start_t: float, mode: Mode) -> Stored | None:
        """Return the session that starts in the same second, first one of this mode: training must not use it twice."""
        found = self._of(athlete_id).get(file_stamp(start_t), [])
        return min(found, key=lambda each: (each.mode != mode, each.path), default=None)

    def add(self, athlete_id: int, path: Path, mode: Mode, t: FloatArray) -> None:
        """Register a session that has just been written; its times [n], epoch s."""
        stamp = file_stamp(float(t[0]))
        self._keep(athlete_id, stamp, Stored(path, mode, _epoch(stamp)))
        self._spans[path] = float(t[0]), float(t[-1])

    def overlapping(self, athlete_id: int, t: FloatArray) -> list[tuple[Stored, float]]:
        """Return the sessions that overlap in time by a minute or more, and for how many seconds.

        Args:
            athlete_id: the athlete.
            t: epoch seconds of another recording, [n].
        """
        start, end = float(t[0]), float(t[-1])
        self._of(athlete_id)
        sessions = self._in_order[athlete_id]
        first = bisect_left(sessions, start - _LONGEST_S - _CLOCKS_S, key=_about)
        found = []
        for each in sessions[first : bisect_right(sessions, end + _CLOCKS_S, key=_about)]:
            span = self._span(each.path)
            shared_s = -1.0 if span is None else min(end, span[1]) - max(start, span[0])
            if shared_s >= min(_SHORT_S, (end - start) / 2):
                found.append((each, shared_s))
        return sorted(found, key=lambda each: each[0].path)

    def _of(self, athlete_id: int) -> defaultdict[str, list[Stored]]:
        if athlete_id not in self._listed:
            self._listed[athlete_id] = defaultdict(list)
            self._in_order[athlete_id] = []
            for mode, root in self._roots.items():
                for path in sorted((root / f"player_{athlete_id}").glob(f"{PREFIX[mode]}*.csv*")):
                    stamp = path.name.partition(".")[0].partition("_D")[2].partition("_")[2]
                    self._keep(athlete_id, stamp, Stored(path, mode, _epoch(stamp)))
        return self._listed[athlete_id]

    def _keep(self, athlete_id: int, stamp: str, session: Stored) -> None:
        self._of(athlete_id)[stamp].append(session)
        insort(self._in_order[athlete_id], session, key=_about)

    def _span(self, path: Path) -> tuple[float, float] | None:
        if path not in self._spans:
            self._spans[path] = span_of(path)
        return self._spans[path]


_about: Final = attrgetter("about_t")


def _epoch(stamp: str) -> float:
    """Return about when a session began, by the stamp in its name; before all others if it has none."""
    try:
        return time.mktime(time.strptime(stamp, _STAMP))
    except (ValueError, OverflowError):
        return float("-inf")


def span_of(path: Path) -> tuple[float, float] | None:
    """Return the first and last time of a session file, epoch s; None if it cannot be read."""
    try:
        if path.name.endswith(".gz"):
            with gzip.open(path) as file:
                head = tail = file.read(_LARGEST_BYTES)
        else:
            with path.open("rb") as file:
                head = file.read(_TAIL_BYTES)
                file.seek(max(path.stat().st_size - _TAIL_BYTES, 0))
                tail = file.read()
        first, last = head.splitlines()[1], tail.splitlines()[-1]
        return tuple(parse_timestamp(line.decode().partition(",")[0]) for line in (first, last))  # type: ignore[return-value]
    except (OSError, EOFError, IndexError, ValueError):
        return None


def difference(recording: Imported, stored: Path) -> str:
    """Return how the content of a session file differs from a recording, empty where it is the same.

    >>> from pathlib import Path
    >>> difference(None, Path("missing.csv"))
    'cannot be read'
    """
    from athlete_monitor.wire.session_reader import read_session

    try:
        if stored.stat().st_size > _LARGEST_BYTES:
            return ""
        other = read_session(stored)
    except (MonitorError, RecordingError, OSError):
        return "cannot be read"
    if len(other.t) != len(recording.t):
        return f"has {plural(len(other.t), 'row', 'rows')}, not {len(recording.t):,}"
    if not np.allclose(other.t, recording.t, rtol=0.0, atol=_SAME_S):
        return "has other times"
    ours, theirs = recording.values.T, other.values.T
    differ = [
        name
        for name, a, b, bound in zip(CHANNELS, ours, theirs, _SAME.tolist(), strict=True)
        if not np.allclose(a, b, rtol=0.0, atol=bound, equal_nan=True)
    ]
    return f"has other values of {', '.join(differ)}" if differ else ""
