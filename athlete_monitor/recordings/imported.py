"""What an importer makes of a foreign recording, and how that becomes a session file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.arrays import CHANNEL_INDEX, CHANNELS, FloatArray
from athlete_monitor.channels import TABLE
from athlete_monitor.errors import RecordingError
from athlete_monitor.wire.sample import NO_PROFILE, Sample, WireProfile
from athlete_monitor.wire.session_files import EXTRA_CHANNELS, RR_COLUMN, SessionWriter
from athlete_monitor.wire.timestamps import file_stamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_SCALE: Final = 10.0 ** np.array([max(4, channel.decimals) for channel in TABLE])
"""Four decimals are finer than any sensor here and keep the files small; degrees need more."""
_LIMITS: Final = np.array([channel.limits for channel in TABLE])


@dataclass(frozen=True)
class Imported:
    """A foreign recording in our units. Axis 0 is time.

    Attributes:
        source: the file or folder it was read from.
        t: epoch seconds, increasing, [n].
        values: [n, len(CHANNELS)], SI units, NaN where not measured.
        rr: beat intervals in ms by row: those of the beats since the row before.
        profile: the athlete's body, as far as the recording tells.
        notes: what a user should know about it, one sentence each.
    """

    source: Path
    t: FloatArray
    values: FloatArray
    rr: Mapping[int, tuple[float, ...]] = field(default_factory=dict)
    profile: WireProfile = NO_PROFILE
    notes: tuple[str, ...] = ()


def checked(recording: Imported) -> Imported:
    """Return the recording with values out of physical range left out, and noted.

    Raises:
        RecordingError: it measures nothing, or its times do not increase.
    """
    values = recording.values
    if not len(values) or np.isnan(values).all():
        raise RecordingError(f"{recording.source}: holds no measurement")
    if (np.diff(recording.t) <= 0).any():
        row = int(np.argmax(np.diff(recording.t) <= 0)) + 3
        raise RecordingError(f"{recording.source}: the time does not increase at row {row}")
    beyond = (values < _LIMITS[:, 0]) | (values > _LIMITS[:, 1])
    names = [CHANNELS[channel] for channel in np.unique(np.nonzero(beyond)[1])]
    if not names:
        return recording
    note = f"{int(beyond.sum())} values out of physical range are left out ({', '.join(names)})"
    kept = np.where(beyond, np.nan, values)
    return Imported(recording.source, recording.t, kept, recording.rr, recording.profile, (*recording.notes, note))


def write_session(recording: Imported, root: Path, athlete_id: int, device_id: str) -> Path:
    """Write a training session file and return its path.

    Args:
        recording: what to write.
        root: folder of all training sessions.
        athlete_id: whose session it becomes.
        device_id: which device it counts as.

    Raises:
        OSError: the file cannot be written.
    """
    extra = [name for name in EXTRA_CHANNELS if not np.isnan(recording.values[:, CHANNEL_INDEX[name]]).all()]
    if recording.rr:
        extra.append(RR_COLUMN)
    start_t = float(recording.t[0])
    with SessionWriter(root, "training", athlete_id, device_id, start_t, recording.profile, extra) as writer:
        writer.write(samples(recording, athlete_id, device_id))
    return writer.path


def samples(recording: Imported, athlete_id: int, device_id: str) -> Iterator[Sample]:
    """Yield the rows as samples, numbered by their row."""
    rows = (np.rint(recording.values * _SCALE) / _SCALE).tolist()
    for row, (t, values) in enumerate(zip(recording.t.tolist(), rows, strict=True)):
        rr = recording.rr.get(row, ())
        yield Sample(device_id, t, tuple(values), athlete_id, row, recording.profile, rr_intervals_ms=rr)


def session_from(recording: Imported, root: Path, athlete_id: int) -> Path | None:
    """Return the athlete's session that starts in the same second, or None: importing twice would teach it twice."""
    stamp = file_stamp(float(recording.t[0]))
    return next(iter(sorted((root / f"player_{athlete_id}").glob(f"TR*_{stamp}.csv*"))), None)
