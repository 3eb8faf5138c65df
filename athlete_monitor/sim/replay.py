"""Recordings as a source: several files side by side on one timeline."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings.opening import open_recordings
from athlete_monitor.sim.moments import Moment, ending

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from athlete_monitor.athletes import Athlete
    from athlete_monitor.wire.sample import Sample
    from athlete_monitor.wire.session_reader import Recording


def read_recordings(paths: Sequence[Path], roster: Iterable[Athlete] = ()) -> list[Recording]:
    """Read recordings of different devices, of every format that ``import`` takes.

    Raises:
        RecordingError: a file does not exist or is no recording, or two are of one device.
    """
    recordings: dict[str, Recording] = {}
    for recording in open_recordings(paths, roster):
        other = recordings.setdefault(recording.device_id, recording)
        if other is not recording:
            device = recording.device_id
            raise RecordingError(
                f"{recording.path}: is of device {device}, as {other.path} is; one file of a device at a time"
            )
    return list(recordings.values())


def rate_hz(recordings: Sequence[Recording]) -> float:
    """Return the fastest of the recordings' usual sample rates, Hz."""
    steps = [float(np.median(np.diff(recording.t))) for recording in recordings if len(recording) > 1]
    return max((1.0 / step for step in steps if step > 0.0), default=1.0)


def replayed(recordings: Sequence[Recording], start_t: float | None = None) -> Iterator[Moment]:
    """Yield the recordings' samples in order of the time since each recording's own start, and each one's end.

    Args:
        recordings: all begin together, whenever they were made.
        start_t: timestamps are moved so that the recordings begin at this epoch second; None keeps them as recorded.
    """
    streams = [_timed(recording, number, start_t) for number, recording in enumerate(recordings)]
    for session_s, _, sample in heapq.merge(*streams, key=lambda item: item[:2]):
        yield Moment(session_s, [sample])


def _timed(recording: Recording, number: int, start_t: float | None) -> Iterator[tuple[float, int, Sample]]:
    first = float(recording.t[0])
    for sample in recording.samples():
        since = sample.t - first
        moved = sample if start_t is None else msgspec.structs.replace(sample, t=round(start_t + since, 3))
        yield since, number, moved
    yield since, number, ending(moved)
