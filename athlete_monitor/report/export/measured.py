"""What an activity has beside the archive's figures: positions, altitude, cadence and beats out of its session file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.arrays import CHANNEL_INDEX
from athlete_monitor.errors import RecordingError

if TYPE_CHECKING:
    from athlete_monitor.archive import DeviceSession
    from athlete_monitor.arrays import FloatArray
    from athlete_monitor.report.export.activity import Activity
    from athlete_monitor.report.export.tables import Selection
    from athlete_monitor.wire.session_files import Mode
    from athlete_monitor.wire.session_reader import Recording

MEASURED: Final = ("latitude", "longitude", "altitude_m", "cadence_spm")
_FRESH_S: Final = 3.0
"""A measurement counts for the seconds after it, for so long at most."""
_CLOCKS_APART_S: Final = 2.0


def with_measured(selection: Selection, found: Activity) -> Activity:
    """Return the activity with what its session file holds; as it is where there is no such file."""
    recording = recording_of(selection, found.session)
    if recording is None:
        return found
    t_s = found.seconds["t"]
    columns = {name: at_seconds(t_s, recording.t, recording.values[:, CHANNEL_INDEX[name]]) for name in MEASURED}
    beats = [
        (float(recording.t[row]), intervals)
        for row, intervals in sorted(recording.rr.items())
        if t_s[0] - 1.0 <= recording.t[row] <= t_s[-1] + 1.0
    ]
    return replace(found, seconds={**found.seconds, **columns}, rr=beats)


def recording_of(selection: Selection, session: DeviceSession) -> Recording | None:
    """Return the session file that a session of the archive was computed from; None without a readable one."""
    from athlete_monitor.wire.session_files import device_in_name, list_sessions
    from athlete_monitor.wire.session_reader import read_session
    from athlete_monitor.wire.timestamps import file_stamp

    mode: Mode = "game" if (session.summary or {}).get("mode") == "game" else "training"
    latest = file_stamp(session.start_t + _CLOCKS_APART_S)
    paths = [
        path
        for folder in [selection.folders.get(mode)]
        if folder is not None
        for path in list_sessions(folder, session.athlete_id, mode)
        if device_in_name(path.name) == session.device_id and stamp_of(path.name) <= latest
    ]
    if not paths:
        return None
    try:
        recording = read_session(max(paths, key=lambda path: stamp_of(path.name)))
    except RecordingError:
        return None
    return recording if recording.t[-1] >= session.start_t else None


def stamp_of(name: str) -> str:
    """Return the start in a session file's name.

    >>> stamp_of("TR1_A7_D007_2026_05_04-10_00_00.csv.gz")
    '2026_05_04-10_00_00'
    """
    return name.partition(".")[0][-19:]


def at_seconds(wanted_t: FloatArray, t: FloatArray, values: FloatArray) -> FloatArray:
    """Return the newest known value [n] at each wanted moment [n]; NaN where it is older than three seconds.

    >>> at_seconds(np.array([0.5, 9.0]), np.array([0.0, 0.4, 1.0]), np.array([7.0, np.nan, 8.0])).tolist()
    [7.0, nan]
    """
    rows = np.flatnonzero(~np.isnan(values))
    if not len(rows):
        return np.full(len(wanted_t), np.nan)
    place = np.searchsorted(t[rows], wanted_t + 1e-6, "right") - 1
    newest = rows[np.maximum(place, 0)]
    fresh = (place >= 0) & (wanted_t - t[newest] <= _FRESH_S)
    return np.asarray(np.where(fresh, values[newest], np.nan))
