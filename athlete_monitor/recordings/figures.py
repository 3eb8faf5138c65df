"""The key figures of a recording: its start, length, distance, heart rate and channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from athlete_monitor.arrays import CHANNEL_INDEX
from athlete_monitor.recordings.prepare import distances_m
from athlete_monitor.recordings.timeline import usual_step_s

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athlete_monitor.recordings.imported import Imported


@dataclass(frozen=True)
class RecordingFigures:
    """A recording in a few numbers; None where it cannot be known.

    Attributes:
        label: its name in messages.
        kind: its format.
        who: the athlete that the file names.
        start_t: epoch seconds of the first row.
        offset_s: seconds of its local time ahead of UTC, if the file gives them.
        rows: number of rows.
        duration_s: from the first to the last row.
        rate_hz: of usual rows.
        distance_m: by the odometer, else by the speed.
        distance_from: ``odometer``, ``speed`` or empty.
        heart_rate_mean_bpm: over the time with a heart rate.
        heart_rate_max_bpm: the highest reading.
        speed_max_mps: the highest reading.
        beats: number of beat intervals.
        channels: range of each channel that is measured.
        totals: totals as given by the device.
        notes: what a user should know.
        summary: rows of a file without samples.
        understood: how a table was read.
    """

    label: str
    kind: str
    who: str
    start_t: float | None
    offset_s: int | None
    rows: int
    duration_s: float | None
    rate_hz: float | None
    distance_m: float | None
    distance_from: str
    heart_rate_mean_bpm: float | None
    heart_rate_max_bpm: float | None
    speed_max_mps: float | None
    beats: int
    channels: Mapping[str, tuple[float, float]]
    totals: Mapping[str, float]
    notes: tuple[str, ...]
    summary: tuple[Mapping[str, object], ...] = ()
    understood: tuple[str, ...] = ()


@np.errstate(all="ignore")
def figures_of(recording: Imported) -> RecordingFigures:
    """Return the figures of a recording."""
    rows = len(recording.t)
    odometer, speed = distances_m(recording) if rows else (None, None)
    heart_rate, pace = recording.channels.get("heart_rate_bpm"), recording.channels.get("speed_mps")
    return RecordingFigures(
        str(recording),
        recording.kind,
        str(recording.whose),
        float(recording.t[0]) if rows else None,
        recording.offset_s,
        rows,
        float(recording.t[-1] - recording.t[0]) if rows else None,
        1 / usual_step_s(recording.t) if rows > 1 else None,
        odometer if odometer is not None else speed,
        "odometer" if odometer is not None else "speed" if speed is not None else "",
        _mean(recording, "heart_rate_bpm"),
        _most(heart_rate),
        _most(pace),
        sum(map(len, recording.rr.values())),
        {
            name: _range(column)
            for name, column in recording.channels.items()
            if recording.has(name) and name in CHANNEL_INDEX
        },
        recording.totals,
        recording.notes,
        recording.summary,
        recording.understood,
    )


def _mean(recording: Imported, name: str) -> float | None:
    """Return the mean by time: a reading counts until the next row, ten seconds at most."""
    if not recording.has(name):
        return None
    column, weight = (
        recording.channels[name],
        np.minimum(np.diff(recording.t, append=recording.t[-1] + usual_step_s(recording.t)), 10.0),
    )
    good = ~np.isnan(column) & (weight > 0.0)
    return float(np.average(column[good], weights=weight[good])) if good.any() else None


def _most(column: np.ndarray[tuple[int], np.dtype[np.float64]] | None) -> float | None:
    return None if column is None or np.isnan(column).all() else float(np.nanmax(column))


def _range(column: np.ndarray[tuple[int], np.dtype[np.float64]]) -> tuple[float, float]:
    return float(np.nanmin(column)), float(np.nanmax(column))
