"""Samples and beats out of the session files: what was measured, before anything was computed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from athlete_monitor.channels import TABLE
from athlete_monitor.errors import RecordingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from athlete_monitor.report.export.tables import Row, Selection
    from athlete_monitor.wire.session_reader import Recording

_log = logging.getLogger(__name__)

_WHOSE: Final = (
    ("athlete_id", "", "number of the athlete", False),
    ("device_id", "", "the device", True),
    ("file", "", "the session file", True),
    ("time_utc", "", "ISO 8601, UTC", True),
    ("time_local", "", "ISO 8601, local time of the box with its offset from UTC", True),
    ("t_s", "s", "epoch seconds", False),
)
SAMPLE_COLUMNS: Final = (
    *_WHOSE,
    *((each.name, each.unit, each.meaning, False) for each in TABLE),
    ("session_phase", "", "as the sender named it", True),
)
RR_COLUMNS: Final = (
    *_WHOSE,
    ("rr_ms", "ms", "interval between two beats, as the strap sent it; the time is that of the second beat", False),
)


def _recordings(selection: Selection) -> Iterator[Recording]:
    from athlete_monitor.wire.session_files import athletes_with_sessions, list_sessions

    for mode, folder in selection.folders.items():
        for athlete_id in athletes_with_sessions(folder):
            if selection.athletes is not None and athlete_id not in selection.athletes:
                continue
            for path in list_sessions(folder, athlete_id, mode):
                if (recording := _readable(path)) is not None:
                    yield recording


def _readable(path: Path) -> Recording | None:
    """A recording, or None with a line in the log: one bad file does not stop the others."""
    from athlete_monitor.wire.session_reader import read_session

    try:
        return read_session(path)
    except RecordingError as error:
        _log.warning("event=left_out reason=%s", error)
        return None


def _chosen(selection: Selection, t_s: float) -> bool:
    return (selection.from_t is None or t_s >= selection.from_t) and (selection.to_t is None or t_s < selection.to_t)


def sample_rows(selection: Selection, times: Callable[[float], tuple[str, str, float]]) -> Iterator[Row]:
    """Rows of ``SAMPLE_COLUMNS``."""
    for recording in _recordings(selection):
        for sample in recording.samples():
            if _chosen(selection, sample.t):
                values: tuple[Any, ...] = tuple(None if v != v else v for v in sample.values)  # noqa: PLR0124 - NaN
                whose = (recording.athlete_id, recording.device_id, recording.path.name)
                yield (*whose, *times(sample.t), *values, sample.tags.session_phase)


def rr_rows(selection: Selection, times: Callable[[float], tuple[str, str, float]]) -> Iterator[Row]:
    """Rows of ``RR_COLUMNS``: one for each interval, at the beat that ends it.

    The last interval of a sample ends with the sample; those before it are counted back, so that no two beats share a
    moment.
    """
    for recording in _recordings(selection):
        whose = (recording.athlete_id, recording.device_id, recording.path.name)
        for row, intervals in recording.rr.items():
            t_s = float(recording.t[row])
            if _chosen(selection, t_s):
                after = [sum(intervals[place:]) for place in range(1, len(intervals) + 1)]
                for interval, later_ms in zip(intervals, after, strict=True):
                    yield (*whose, *times(t_s - later_ms / 1000.0), interval)
