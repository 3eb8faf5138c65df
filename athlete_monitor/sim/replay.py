"""Recordings as a source: several files side by side on one timeline."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from athlete_monitor.recordings.opening import open_recordings
from athlete_monitor.sim.moments import Moment, ending

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from athlete_monitor.athletes import Athlete
    from athlete_monitor.wire.sample import Sample
    from athlete_monitor.wire.session_reader import Recording


BORDER_S: Final = 1.0
"""Between two recordings of one device: the first one's session ends there, and the next one begins."""


def read_recordings(paths: Sequence[Path], roster: Iterable[Athlete] = ()) -> list[Recording]:
    """Read recordings of every format that ``import`` takes, oldest first.

    Raises:
        RecordingError: a file does not exist or is no recording.
    """
    return sorted(open_recordings(paths, roster), key=lambda recording: float(recording.t[0]))


def rate_hz(recordings: Sequence[Recording]) -> float:
    """Return the fastest of the recordings' usual sample rates, Hz."""
    steps = [float(np.median(np.diff(recording.t))) for recording in recordings if len(recording) > 1]
    return max((1.0 / step for step in steps if step > 0.0), default=1.0)


def replayed(recordings: Sequence[Recording], start_t: float | None = None) -> Iterator[Moment]:
    """Yield the samples in order of the time since the replay's start, and the end of each recording.

    Args:
        recordings: those of different devices begin together, whenever they were made; those of one device follow each
            other, each a session of its own.
        start_t: timestamps are moved so that the replay begins at this epoch second; None keeps them as recorded.
    """
    by_device: dict[str, list[Recording]] = {}
    for recording in recordings:
        by_device.setdefault(recording.device_id, []).append(recording)
    streams = [_timed(each, number, start_t) for number, each in enumerate(by_device.values())]
    for session_s, _, sample in heapq.merge(*streams, key=lambda item: item[:2]):
        yield Moment(session_s, [sample])


def _timed(recordings: Sequence[Recording], number: int, start_t: float | None) -> Iterator[tuple[float, int, Sample]]:
    begins_s = 0.0
    for recording in recordings:
        first = float(recording.t[0])
        for sample in recording.samples():
            since = begins_s + (sample.t - first)
            moved = sample if start_t is None else msgspec.structs.replace(sample, t=round(start_t + since, 3))
            yield since, number, moved
        yield since, number, ending(moved)
        begins_s = since + BORDER_S
