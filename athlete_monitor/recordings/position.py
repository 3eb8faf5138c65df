"""Degrees to metres on the pitch, speed from positions, and detection of bad positions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.recordings.plural import plural

if TYPE_CHECKING:
    from athlete_monitor.arrays import BoolArray, FloatArray
    from athlete_monitor.recordings.imported import Imported

MOST_HDOP: Final = 4.0
FEWEST_SATELLITES: Final = 5
MOST_INACCURATE_M: Final = 15.0
LEAST_QUALITY_PERCENT: Final = 20.0
_GOOD_POSITIONS: Final = {
    "horizontal_accuracy_m": (0.0, MOST_INACCURATE_M),
    "hdop": (0.0, MOST_HDOP),
    "satellites": (FEWEST_SATELLITES, np.inf),
    "position_quality_percent": (LEAST_QUALITY_PERCENT, np.inf),
}
FASTEST_MPS: Final = 13.0
"""Faster than any athlete on foot: a fix that would need it is wrong."""
SMOOTHED_S: Final = 1.5
"""Speed from positions is the slope of a straight line through this many seconds before and after: no lag."""
COARSE_S: Final = 5.0
"""The same for an odometer that counts whole metres."""
_FARTHEST_S: Final = 10.0
_FINE_SHARE: Final = 0.3
_EQUATOR_M: Final = 6_378_137.0
_FLATTENING: Final = 1 / 298.257223563


def local_metres(
    latitude: FloatArray, longitude: FloatArray, origin: tuple[float, float]
) -> tuple[FloatArray, FloatArray]:
    """Return metres east and north of a point, on the plane that touches the WGS 84 ellipsoid there.

    Within 5 km of the origin the error of a distance is below 1 m in 1,000.

    Args:
        latitude: degrees [n].
        longitude: degrees [n].
        origin: latitude and longitude of the point, degrees.

    >>> x, y = local_metres(np.array([60.0, 60.001]), np.array([10.0, 10.0]), (60.0, 10.0))
    >>> x.tolist(), y.round(1).tolist()
    ([0.0, 0.0], [0.0, 111.4])
    """
    phi = np.radians(origin[0])
    squared = _FLATTENING * (2 - _FLATTENING)
    w = 1 - squared * np.sin(phi) ** 2
    north, east = _EQUATOR_M * (1 - squared) / w**1.5, _EQUATOR_M / np.sqrt(w) * np.cos(phi)
    turned = (longitude - origin[1] + 180) % 360 - 180
    return np.asarray(np.radians(turned) * east), np.asarray(np.radians(latitude - origin[0]) * north)


def path_length_m(recording: Imported) -> float:
    """Return the length of the line through all positions, m; noise makes it longer than the true distance."""
    latitude, longitude = recording.channels["latitude"], recording.channels["longitude"]
    good = ~(np.isnan(latitude) | np.isnan(longitude))
    if good.sum() < 2:
        return 0.0
    x, y = local_metres(latitude[good], longitude[good], (latitude[good][0], longitude[good][0]))
    return float(np.hypot(np.diff(x), np.diff(y)).sum())


def located(recording: Imported) -> Imported:
    """Return the recording without bad fixes, with local metres, and with a computed speed if it has none."""
    recording = _without_bad_fixes(recording)
    if recording.has("latitude", "longitude") and not recording.has("x_m", "y_m"):
        latitude, longitude = recording.channels["latitude"], recording.channels["longitude"]
        fixes = np.flatnonzero(~(np.isnan(latitude) | np.isnan(longitude)))
        if len(fixes):
            origin = float(latitude[fixes[0]]), float(longitude[fixes[0]])
            x, y = local_metres(latitude, longitude, origin)
            recording = recording.with_channels({"x_m": x, "y_m": y})
    return recording if recording.has("speed_mps") else _with_speed(recording)


def _without_bad_fixes(recording: Imported) -> Imported:
    if not recording.has("latitude", "longitude"):
        return recording
    latitude, longitude = recording.channels["latitude"].copy(), recording.channels["longitude"].copy()
    nowhere = (np.abs(latitude) > 90) | (np.abs(longitude) > 180) | ((latitude == 0) & (longitude == 0))
    fixes = ~(np.isnan(latitude) | np.isnan(longitude))
    bad = fixes & (nowhere | _inaccurate(recording))
    latitude[bad] = longitude[bad] = np.nan
    jumps = _jumps(recording.t, latitude, longitude)
    latitude[jumps] = longitude[jumps] = np.nan
    notes = []
    if bad.any():
        notes.append(f"{plural(int(bad.sum()), 'inaccurate position is', 'inaccurate positions are')} left out")
    if jumps.any():
        notes.append(f"{plural(int(jumps.sum()), 'position that jumps is', 'positions that jump are')} left out")
    changed: dict[str, FloatArray | None] = {"latitude": latitude, "longitude": longitude}
    if np.isnan(latitude).all():
        changed = {"latitude": None, "longitude": None}
    return recording.with_channels(changed, *notes) if notes else recording


def _inaccurate(recording: Imported) -> BoolArray:
    """Whether the device itself reports a position as inaccurate."""
    bad = np.zeros(len(recording.t), dtype=np.bool_)
    for name, (low, high) in _GOOD_POSITIONS.items():
        if recording.has(name):
            bad |= (recording.channels[name] < low) | (recording.channels[name] > high)
    return bad


def _jumps(t: FloatArray, latitude: FloatArray, longitude: FloatArray) -> BoolArray:
    """Whether a single fix is so far from both its neighbours that nobody could run there and back."""
    jumps = np.zeros(len(t), dtype=np.bool_)
    rows = np.flatnonzero(~(np.isnan(latitude) | np.isnan(longitude)))
    if len(rows) < 3:
        return jumps
    x, y = local_metres(latitude[rows], longitude[rows], (latitude[rows[0]], longitude[rows[0]]))
    steps = np.maximum(np.diff(t[rows]), 1e-3)
    pace = np.hypot(np.diff(x), np.diff(y)) / steps
    usual = float(np.median(pace))
    fast = pace > max(FASTEST_MPS, 4 * usual)
    direct = np.hypot(x[2:] - x[:-2], y[2:] - y[:-2]) / (steps[1:] + steps[:-1])
    alone = fast[:-1] & fast[1:] & (direct < max(FASTEST_MPS, 4 * usual))
    jumps[rows[1:-1][alone]] = True
    return jumps


def _with_speed(recording: Imported) -> Imported:
    """Return the recording with a computed speed: from a fine odometer, else from positions, else from any odometer.

    Beside the device's own speed in 31 public recordings (``benchmarks/import_speed.py``), the slope of an odometer in
    steps below a metre is off by 0.30 m/s (rms, median) and that of positions by 0.38; with whole metres it is 0.68
    and 0.43.
    """
    located, measured = recording.has("x_m", "y_m"), recording.has("distance_m")
    if measured and (is_fine(recording.channels["distance_m"]) or not located):
        way = _increasing(recording.channels["distance_m"])
        each_side_s = SMOOTHED_S if is_fine(way) else COARSE_S
        speed, source = slope_speed(recording.t, way, np.zeros_like(way), each_side_s), "the device's distance"
    elif located:
        each_side_s = SMOOTHED_S
        speed, source = slope_speed(recording.t, recording.channels["x_m"], recording.channels["y_m"]), "positions"
    else:
        return recording
    note = f"speed is computed from {source}, as the slope over {2 * each_side_s:g} s around each row (no lag)"
    return recording.with_channels({"speed_mps": speed}, note) if not np.isnan(speed).all() else recording


def is_fine(distance: FloatArray) -> bool:
    """Whether an odometer counts less than whole metres."""
    known = distance[~np.isnan(distance)]
    return len(known) > 0 and float((known % 1.0 != 0.0).mean()) > _FINE_SHARE


def _increasing(distance: FloatArray) -> FloatArray:
    """Return an odometer that never goes back: where it was reset, it counts on."""
    way = np.full(len(distance), np.nan)
    rows = np.flatnonzero(~np.isnan(distance))
    way[rows] = np.cumsum(np.maximum(np.diff(distance[rows], prepend=distance[rows[:1]]), 0.0)) + distance[rows[:1]]
    return way


def slope_speed(t: FloatArray, x: FloatArray, y: FloatArray, each_side_s: float = SMOOTHED_S) -> FloatArray:
    """Return the speed of positions, m/s: at each row the slope of a straight line through those around it.

    The line also goes through the rows before and after if they are within ten seconds; without any, there is no speed.

    Args:
        t: seconds [n], increasing.
        x: metres [n], NaN where not known.
        y: metres [n].
        each_side_s: seconds before and after a row that its line goes through.

    >>> slope_speed(np.arange(5.0), np.arange(5.0) * 3, np.zeros(5)).tolist()
    [3.0, 3.0, 3.0, 3.0, 3.0]
    """
    speed = np.full(len(t), np.nan)
    rows = np.flatnonzero(~(np.isnan(x) | np.isnan(y)))
    if len(rows) < 2:
        return speed
    at = t[rows] - t[rows[0]]
    low, high = np.searchsorted(at, at - each_side_s, "left"), np.searchsorted(at, at + each_side_s, "right")
    near = np.concatenate([[False], np.diff(at) <= _FARTHEST_S, [False]])
    place = np.arange(len(at))
    low, high = np.minimum(low, place - near[:-1]), np.maximum(high, place + 1 + near[1:])
    speed[rows] = np.hypot(_slopes(at, x[rows], low, high), _slopes(at, y[rows], low, high))
    speed[rows[high - low < 2]] = np.nan
    return speed


def _slopes(at: FloatArray, value: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """Slopes of least-squares lines through ``value[low:high]``, for all rows at once by running sums."""
    centred = value - value.mean()

    def window(terms: FloatArray) -> FloatArray:
        sums = np.concatenate([[0.0], np.cumsum(terms)])
        return np.asarray(sums[high] - sums[low])

    n, time, product, square = (high - low).astype(float), window(at), window(at * centred), window(at * at)
    spread = square - time * time / n
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(spread > 0, (product - time * window(centred) / n) / spread, np.nan))
