"""Polar Flow: the training sessions in the archive of a whole account (``training-session….json``).

Times are local, with the offset beside them. Older archives give each reading its time, newer ones a list of values and
their interval for each channel; positions have times of their own and are placed into the nearest row. Speed is in
km/h. Values that are ``NaN`` are missing, and so are altitudes of 0 before the first other one.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings import jsons
from athlete_monitor.recordings.format import Format, Options
from athlete_monitor.recordings.imported import Imported
from athlete_monitor.recordings.source import NotARecording
from athlete_monitor.recordings.units import by_range

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from athlete_monitor.arrays import FloatArray
    from athlete_monitor.recordings.source import Source

    Series = tuple[str, FloatArray, FloatArray]
    """A channel, the times of its readings, epoch s [n], and their values [n]."""

_CHANNELS: Final = {
    "heartrate": ("heart_rate_bpm", 1.0),
    "speed": ("speed_mps", 1 / 3.6),
    "distance": ("distance_m", 1.0),
    "altitude": ("altitude_m", 1.0),
    "cadence": ("cadence_spm", 1.0),
}
_PLACES: Final = ("latitude", "longitude", "altitude")
_TOTALS: Final = {
    "distance_m": ("distance", "distanceMeters"),
    "heart_rate_mean_bpm": ("averageHeartRate", "hrAvg"),
    "heart_rate_max_bpm": ("maximumHeartRate", "hrMax"),
}
_WHEELS: Final = ("CYCLING", "BIKING", "SPINNING")
_WHEEL_IDS: Final = {"2", "5", "18", "38"}
"""Cycling, mountain biking, indoor cycling and road cycling."""
_DURATION: Final = re.compile(r"PT(\d{1,6}(?:\.\d{1,9})?)S")
_NEAR_S: Final = 1.0
_MOST_OFFSET_MIN: Final = 24 * 60


def recognise(source: Source) -> bool:
    """Whether it is a training session of such an archive."""
    head = source.head
    marks = (b'"exercises"', b'"startTime"', b"oneOffset")
    return jsons.is_json(source) and all(mark in head for mark in marks)


def read(source: Source, options: Options) -> list[Imported]:
    """Read the exercises of a session.

    Raises:
        NotARecording: none of them has samples.
        RecordingError: it is not valid, or gives no start.
    """
    document = jsons.load(source)
    exercises = jsons.objects(document.get("exercises")) if isinstance(document, dict) else []
    found = [part for each in exercises if (part := _exercise(source, each, document, options)) is not None]
    if not found:
        raise NotARecording(f"{source}: holds a training session without samples")
    return [by_range(part, {"speed_mps", "distance_m"}) for part in found]


FORMAT: Final = Format("polar-json", "Polar Flow account archive (JSON)", recognise, read, suffixes=(".json",))


def _exercise(
    source: Source, exercise: Mapping[str, Any], session: Mapping[str, Any], options: Options
) -> Imported | None:
    ahead_s = _ahead_s(exercise, session)
    start = options.start_t
    local = _moments([exercise.get("startTime") or session.get("startTime")])[0]
    if start is None:
        start = float(local) - ahead_s
    if not np.isfinite(start):
        raise RecordingError(f"{source}: does not give its start; give --start 'YYYY-MM-DD HH:MM:SS'")
    shift_s = start - float(local) if np.isfinite(local) else 0.0
    series, places = (
        _shifted(each, shift_s) for each in (_series(exercise, float(local)), _places(exercise, float(local)))
    )
    if not series and not places:
        return None
    times = np.unique(np.concatenate([t for _, t, _ in series or places]))
    series = [*places, *series]
    channels = {name: _placed(times, t, values) for name, t, values in series}
    if _has_wheels(exercise, session):
        channels.pop("cadence_spm", None)
    if "altitude_m" in channels:
        channels["altitude_m"] = _settled(channels["altitude_m"])
    return Imported(
        source.path,
        times,
        channels,
        rr=_beats(exercise, times, start),
        label=str(source),
        kind="polar-json",
        offset_s=ahead_s,
        totals=_totals(exercise, session),
    )


def _shifted(series: Iterable[Series], shift_s: float) -> list[Series]:
    """Return the readings that have a time."""
    return [(name, t[good] + shift_s, values[good]) for name, t, values in series if (good := np.isfinite(t)).any()]


def _ahead_s(*objects: Mapping[str, Any]) -> int:
    """Return how far the local time is ahead of UTC, s."""
    for each in objects:
        for key in ("timezoneOffsetMinutes", "timezoneOffset", "timeZoneOffset"):
            value = each.get(key)
            if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _MOST_OFFSET_MIN:
                return value * 60
    return 0


def _series(exercise: Mapping[str, Any], local: float) -> Iterator[Series]:
    """Yield the channels."""
    samples = exercise.get("samples")
    if isinstance(samples, dict):
        yield from _timed(samples)
        yield from _regular(jsons.objects(samples.get("samples")), local)


def _places(exercise: Mapping[str, Any], local: float) -> Iterator[Series]:
    """Yield the positions, from where both generations of archives have them."""
    samples, routes = exercise.get("samples"), exercise.get("routes")
    if isinstance(samples, dict):
        yield from _route(jsons.objects(samples.get("recordedRoute")), None)
    route = routes.get("route") if isinstance(routes, dict) else None
    if isinstance(route, dict):
        begin = _moments([route.get("startTime")])[0]
        yield from _route(jsons.objects(route.get("wayPoints")), local if np.isnan(begin) else float(begin))


def _timed(samples: Mapping[str, Any]) -> Iterator[Series]:
    for key, rows in samples.items():
        known = _CHANNELS.get(key.lower())
        readings = jsons.objects(rows) if known else []
        if known and readings:
            values = jsons.numbers([reading.get("value") for reading in readings]) * known[1]
            yield known[0], _moments([reading.get("dateTime") for reading in readings]), values


def _regular(samples: list[dict[str, Any]], local: float) -> Iterator[Series]:
    for each in samples:
        known = _CHANNELS.get(str(each.get("type", "")).replace("_", "").lower())
        values = each.get("values")
        step = jsons.numbers([each.get("intervalMillis")])[0] / 1000
        if known and isinstance(values, list) and step > 0:
            yield known[0], local + np.arange(len(values)) * step, jsons.numbers(values) * known[1]


def _route(points: list[dict[str, Any]], begin: float | None) -> Iterator[Series]:
    if not points:
        return
    if begin is None:
        t = _moments([point.get("dateTime") for point in points])
    else:
        t = begin + jsons.numbers([point.get("elapsedMillis") for point in points]) / 1000
    for key in _PLACES:
        yield ("altitude_m" if key == "altitude" else key), t, jsons.numbers([point.get(key) for point in points])


def _moments(texts: Sequence[object]) -> FloatArray:
    """Return local times as seconds since 1970 [n], NaN where there is none."""
    return np.array([_seconds(text) if isinstance(text, str) else np.nan for text in texts], dtype=np.float64)


def _seconds(text: str) -> float:
    try:
        return datetime.fromisoformat(text[:23]).replace(tzinfo=timezone.utc).timestamp()
    except ValueError:
        return np.nan


def _placed(times: FloatArray, t: FloatArray, values: FloatArray) -> FloatArray:
    """Return a channel at the rows [n]: each reading in the nearest one."""
    after = np.clip(np.searchsorted(times, t), 1 if len(times) > 1 else 0, len(times) - 1)
    before = np.maximum(after - 1, 0)
    rows = np.where(t - times[before] < times[after] - t, before, after)
    near = np.abs(times[rows] - t) <= _NEAR_S
    column = np.full(len(times), np.nan)
    column[rows[near]] = values[near]
    return column


def _settled(altitude: FloatArray) -> FloatArray:
    """Return an altitude without the zeros before the first other reading."""
    other = np.flatnonzero(np.nan_to_num(altitude) != 0.0)
    first = int(other[0]) if len(other) else 0
    return np.where((np.arange(len(altitude)) < first) & (altitude == 0.0), np.nan, altitude)


def _has_wheels(*objects: Mapping[str, Any]) -> bool:
    sports = [each.get("sport") for each in objects]
    names = [str(sport.get("id") if isinstance(sport, dict) else sport).upper() for sport in sports]
    return any(name in _WHEEL_IDS or any(word in name for word in _WHEELS) for name in names)


def _beats(exercise: Mapping[str, Any], times: FloatArray, start: float) -> dict[int, tuple[float, ...]]:
    """Return the beats of older archives, one duration after the other from the start, in ms."""
    samples = exercise.get("samples")
    found = jsons.objects(samples.get("rr")) if isinstance(samples, dict) else []
    lengths = [_DURATION.fullmatch(str(each.get("duration"))) for each in found]
    rr: dict[int, tuple[float, ...]] = {}
    at = start
    for length in lengths:
        beat_s = float(length[1]) if length else 0.0
        at += beat_s
        row = int(np.searchsorted(times, at))
        if beat_s and row < len(times):
            rr[row] = (*rr.get(row, ()), beat_s * 1000)
    return rr


def _totals(*objects: Mapping[str, Any]) -> dict[str, float]:
    found: dict[str, float] = {}
    for total, keys in _TOTALS.items():
        values = jsons.numbers([each.get(key) for each in objects for key in keys])
        known = values[values > 0]
        if len(known):
            found[total] = float(known[0])
    return found
