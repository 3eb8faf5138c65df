"""Rows from sessions: the features that live prediction would use, with the strap's clean heart rate.

Several sessions are replayed in parallel as rows of one feature bank: the same calls as live, at a fraction of the cost
of one session after the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.arrays import CHANNELS, HEART_RATE
from athlete_monitor.channels import of_group
from athlete_monitor.errors import RecordingError
from athlete_monitor.features import GROUPS
from athlete_monitor.features.blocks import BlockBank
from athlete_monitor.physiology.strap_readings import StrapReadings
from athlete_monitor.training.rows import SessionRows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from athlete_monitor.arrays import BoolArray, FloatArray, IntArray
    from athlete_monitor.features import FeatureSpec
    from athlete_monitor.features.blocks import FeatureBlock
    from athlete_monitor.training.sessions import SessionFile
    from athlete_monitor.wire.sample import WireProfile

USED_CHANNELS: Final = tuple(sorted({HEART_RATE, *(channel for group in GROUPS for channel in of_group(group))}))
_ODD: Final = np.array([pow(0x9E3779B97F4A7C15, 2 * i + 1, 1 << 64) for i in range(len(CHANNELS))], dtype=np.uint64)
"""A factor of each channel, for ``_prints``."""

PAUSE_S: Final = 60.0
"""Longest time between two samples of a running recording, s."""
BLOCK_SAMPLES: Final = 1920
"""Samples of all tracks together that are computed at once: more no longer fit into a processor's cache."""


@dataclass(frozen=True)
class ReplayTrack:
    """A session ready to be replayed: times [n] and the measured channels [n, len(columns)], axis 0 is time."""

    file: SessionFile
    t: FloatArray
    columns: IntArray
    values: FloatArray
    profile: WireProfile
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.t)


def load_track(file: SessionFile, athlete_id: int) -> ReplayTrack:
    """Read a session for training.

    Raises:
        RecordingError: not readable, of another athlete, or without any heart rate.
    """
    from athlete_monitor.wire.session_reader import read_session

    with file.on_disk() as path:
        try:
            recording = read_session(path, with_tags=False)
        except RecordingError as error:
            raise RecordingError(str(error).replace(str(path), str(file.path))) from error
    if recording.athlete_id != athlete_id:
        raise RecordingError(
            f"{file.path}: holds rows of athlete {recording.athlete_id}, in athlete {athlete_id}'s folder"
        )
    measured = np.array([c for c in USED_CHANNELS if not np.isnan(recording.values[:, c]).all()])
    if HEART_RATE not in measured:
        raise RecordingError(f"{file.path}: holds no heart rate")
    ordered = recording.t >= np.maximum.accumulate(recording.t)
    values = np.ascontiguousarray(recording.values[np.ix_(ordered, measured)])
    lost = int(len(ordered) - ordered.sum())
    notes = (*recording.notes, *([f"the clock goes back; {lost} rows left out"] if lost else []))
    return ReplayTrack(file, recording.t[ordered], measured, values, recording.profile, notes)


def replay(
    tracks: Sequence[ReplayTrack], spec: FeatureSpec, rows_per_second: float, batch_steps: int
) -> list[SessionRows]:
    """Replay sessions in parallel; one row is kept for each 1/``rows_per_second`` s with an accepted reading.

    Impossible readings (outside 30-220 bpm, jumps above 10 bpm/s) are left out, never repaired.
    The result has the order of ``tracks`` and does not depend on the choice of sessions that are replayed together.
    """
    order = sorted(range(len(tracks)), key=lambda i: -len(tracks[i]))
    ordered = [tracks[i] for i in order]
    groups = {group for track in tracks for group in _measured_groups(track)}
    bank, straps = BlockBank(spec, len(tracks), groups), [StrapReadings() for _ in tracks]
    kept = [_Kept(track, spec, groups, rows_per_second) for track in ordered]
    for t, values in _blocks(ordered, batch_steps):
        block = bank.update_block(t, values)
        for row in range(t.shape[1]):
            accepted = straps[row].accepted(t[:, row], values[:, HEART_RATE, row])
            if accepted.any():
                kept[row].add(block, values[:, :, row], accepted, row)
    replayed = dict(zip(order, (rows.session() for rows in kept), strict=True))
    return [replayed[i] for i in range(len(tracks))]


def _blocks(tracks: Sequence[ReplayTrack], batch_steps: int) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Times [T, k] and samples [T, len(CHANNELS), k] of the next steps, for tracks ordered from long to short.

    A block ends where a track ends, so that each of its tracks has all of its steps.
    """
    lengths = [len(track) for track in tracks]
    start = 0
    while running := sum(length > start for length in lengths):
        stop = min(lengths[running - 1], start + max(1, min(batch_steps, BLOCK_SAMPLES // running)))
        t = np.empty((stop - start, running))
        values = np.full((stop - start, len(CHANNELS), running), np.nan)
        for place, track in enumerate(tracks[:running]):
            t[:, place] = track.t[start:stop]
            values[:, track.columns, place] = track.values[start:stop]
        yield t, values
        start = stop


class _Kept:
    """The kept rows of one track, in arrays that are long enough from the start."""

    def __init__(self, track: ReplayTrack, spec: FeatureSpec, groups: Iterable[str], rows_per_second: float) -> None:
        self._track, self._rate = track, rows_per_second
        most = min(len(track), max(0, int((track.t[-1] - track.t[0]) * rows_per_second)) + 2)
        self._columns = spec.columns(_measured_groups(track))
        self._places = np.searchsorted(spec.columns(groups), self._columns)
        self._X = np.empty((most, len(self._columns)), dtype=np.float32)
        self._available = np.empty((most, len(GROUPS)), dtype=np.bool_)
        self._t, self._y = np.empty(most), np.empty(most)
        self._prints = np.empty(most, dtype=np.int64)
        self._interval = -1.0
        self._n = 0

    def add(self, block: FeatureBlock, values: FloatArray, accepted: BoolArray, row: int) -> None:
        """Keep those of the samples [T, len(CHANNELS)] whose interval has no kept row yet."""
        steps = self._due(block.t[:, row], accepted)
        kept = slice(self._n, self._n + len(steps))
        self._X[kept] = block.features(steps, row)[:, self._places]
        self._available[kept] = block.available(steps, row)
        self._t[kept], self._y[kept] = block.t[steps, row], values[steps, HEART_RATE]
        self._prints[kept] = _prints(values[steps])
        self._n = kept.stop

    def _due(self, t: FloatArray, accepted: BoolArray) -> IntArray:
        """Steps with an accepted reading in another interval than the accepted reading before."""
        steps = np.flatnonzero(accepted)
        interval = np.floor((t[steps] - self._track.t[0]) * self._rate)
        new = interval != np.concatenate([[self._interval], interval[:-1]])
        self._interval = float(interval[-1])
        due: IntArray = steps[new]
        return due

    def session(self) -> SessionRows:
        """The kept rows."""
        track, n = self._track, self._n
        rate_hz = usual_rate_hz(track.t)
        return SessionRows(
            track.file.name,
            track.file.sha256,
            self._t[:n],
            self._X[:n],
            self._columns,
            self._available[:n],
            self._y[:n],
            self._prints[:n],
            rate_hz,
            track.profile,
            track.notes,
        )


def usual_rate_hz(t: FloatArray) -> float:
    """Return the sample rate of times [n], s, in order, Hz; pauses do not count, nor clocks that jump ahead.

    Example:
        >>> import numpy as np
        >>> usual_rate_hz(np.array([0.0, 0.5, 1.0, 1e9, 1e9 + 0.5]))
        2.0
    """
    if len(t) < 2:
        return 1.0
    pauses_s = np.diff(t)
    pauses_s = pauses_s[pauses_s > PAUSE_S]
    if len(pauses_s) == len(t) - 1:  # no rate is usual here
        return 1.0
    span_s = float(t[-1] - t[0]) - float(pauses_s.sum())
    return (len(t) - 1 - len(pauses_s)) / max(span_s, 1e-3)


def _measured_groups(track: ReplayTrack) -> list[str]:
    """Groups whose channels occur in the track."""
    measured = np.isin(np.arange(len(CHANNELS)), track.columns)
    return [group for group in GROUPS if measured[list(of_group(group))].all()]


def _prints(values: FloatArray) -> IntArray:
    """One number for each measurement [n, len(CHANNELS)]: equal for equal ones, almost surely different else."""
    bits = np.ascontiguousarray(np.where(np.isnan(values), 0.0, values)).view(np.uint64)
    mixed = (bits ^ (bits >> np.uint64(29))) * _ODD
    prints: IntArray = np.bitwise_xor.reduce(mixed ^ (mixed >> np.uint64(32)), axis=1).view(np.int64)
    return prints
