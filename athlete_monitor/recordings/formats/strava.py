"""Strava: the streams of an activity as its API gives them, as an object by type or as a list.

What is known of the activity (its start, athlete and type) may be beside the streams or in an object ``activity``.
``start_date_local`` ends in a Z that does not mean UTC: it gives the offset of the local time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings import jsons
from athlete_monitor.recordings.dates import EARLIEST
from athlete_monitor.recordings.format import Format, Options
from athlete_monitor.recordings.imported import Imported, Whose
from athlete_monitor.recordings.moments import Rules, moment_of, start_in_name
from athlete_monitor.recordings.source import NotARecording
from athlete_monitor.recordings.text import first_line
from athlete_monitor.recordings.units import by_range

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athlete_monitor.arrays import FloatArray
    from athlete_monitor.recordings.source import Source

_STREAMS: Final = {
    "heartrate": "heart_rate_bpm",
    "velocity_smooth": "speed_mps",
    "distance": "distance_m",
    "altitude": "altitude_m",
    "cadence": "cadence_spm",
}
_MARKS: Final = (b"velocity_smooth", b'"latlng"', b'"heartrate"', b'"original_size"')
_ABOUT: Final = ("activity", "detail", "details", "metadata", "meta", "summary")
_LOCAL: Final = ("start_date_local", "start_local", "start_time_local", "startTimeLocal")
_RIDES: Final = ("ride", "cycl", "bike")


def recognise(source: Source) -> bool:
    """Whether the file begins like streams: with their names, and a stream of times."""
    return (jsons.is_json(source) and _has_marks(source)) or _is_list(source)


def _is_list(source: Source) -> bool:
    """Whether it is the list of activities beside the files of an export of a whole account."""
    return {"Activity ID", "Activity Date"} <= set(first_line(source).split(","))


def _has_marks(source: Source) -> bool:
    """Streams may be long: the names of the later ones are far from the beginning."""
    try:
        data = source.read(jsons.MOST_BYTES)
    except RecordingError:
        data = source.head
    return b'"time"' in data and any(mark in data for mark in _MARKS) and b'"RIDE"' not in data[:4096]


def read(source: Source, options: Options) -> list[Imported]:
    """Read the streams of an activity.

    Raises:
        RecordingError: it is not valid, has no stream of times, or its start is not known.
        NotARecording: it is a list of activities.
    """
    if _is_list(source):
        raise NotARecording(f"{source}: is Strava's list of activities; import the files in the folder beside it")
    document = jsons.load(source)
    streams = _streams(document)
    if "time" not in streams:
        raise RecordingError(f"{source}: has no stream of times")
    time = jsons.numbers(streams["time"])
    if np.isnan(time).all():
        raise RecordingError(f"{source}: the stream of times holds no number")
    about = _about(document)
    start, offset_s = (0.0, None) if _is_epoch(time) else _start(source, about, options)
    t = start + time
    channels = {
        channel: _sized(jsons.numbers(streams[name]), len(t)) for name, channel in _STREAMS.items() if name in streams
    }
    channels |= _position(streams.get("latlng", []), len(t))
    if any(word in str(about.get("type") or about.get("sport_type") or "").lower() for word in _RIDES):
        channels.pop("cadence_spm", None)
    athlete = about.get("athlete")
    name = (
        " ".join(str(athlete[key]) for key in ("firstname", "lastname") if athlete.get(key))
        if isinstance(athlete, dict)
        else ""
    )
    whose = Whose(name=name or None)
    recording = Imported(source.path, t, channels, label=str(source), kind="strava", whose=whose, offset_s=offset_s)
    recording = recording.noted(_other_lengths(streams, len(t)))
    return [by_range(recording, {"speed_mps", "distance_m"})]


FORMAT: Final = Format("strava", "Strava streams (JSON)", recognise, read, suffixes=(".json",))


def _streams(document: Any) -> dict[str, list[object]]:  # noqa: ANN401
    """Return the streams by their names, for both layouts."""
    if isinstance(document, dict) and isinstance(document.get("streams"), dict | list):
        document = document["streams"]
    if isinstance(document, list):
        rows = jsons.objects(document)
        if rows and "type" not in rows[0]:  # one object for each moment
            return {name: [row.get(name) for row in rows] for name in ("time", "latlng", *_STREAMS) if name in rows[0]}
        found = {str(one.get("type")): one.get("data") for one in document if isinstance(one, dict)}
    elif isinstance(document, dict):
        found = {name: one.get("data") if isinstance(one, dict) else one for name, one in document.items()}
    else:
        found = {}
    return {name: data for name, data in found.items() if isinstance(data, list)}


def _other_lengths(streams: Mapping[str, list[object]], count: int) -> str:
    """Return a note on streams that have another length than the times, empty if none has."""
    sizes = {name: len(streams[name]) for name in (*_STREAMS, "latlng") if streams.get(name)}
    other = [f"{name} ({size:,})" for name, size in sizes.items() if size != count]
    return (
        f"streams of another length than the {count:,} times, read from their start: {', '.join(other)}"
        if other
        else ""
    )


def _sized(column: FloatArray, count: int) -> FloatArray:
    return np.concatenate([column[:count], np.full(max(count - len(column), 0), np.nan)])


def _position(pairs: list[object], count: int) -> dict[str, FloatArray]:
    if not pairs:
        return {}
    good = [pair if isinstance(pair, list) and len(pair) == 2 else [None, None] for pair in pairs]
    columns = [_sized(jsons.numbers([pair[axis] for pair in good]), count) for axis in (0, 1)]
    return {"latitude": columns[0], "longitude": columns[1]}


def _is_epoch(time: FloatArray) -> bool:
    known = time[~np.isnan(time)]
    return len(known) > 0 and bool(np.median(known) >= EARLIEST)


def _about(document: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return what a file says about the activity: beside its streams, or in an object of its own."""
    if not isinstance(document, dict):
        return {}
    inner: dict[str, Any] = next((document[key] for key in _ABOUT if isinstance(document.get(key), dict)), {})
    return {**inner, **{key: value for key, value in document.items() if key not in _ABOUT}}


def _start(source: Source, about: dict[str, Any], options: Options) -> tuple[float, int | None]:
    """Return the start and the offset of the local time; ``start_date_local`` ends in a Z that means nothing."""
    if options.start_t is not None:
        return options.start_t, None
    rules = Rules(str(source), options.zone)
    local = next((str(about[key]) for key in _LOCAL if about.get(key)), "").rstrip("Z")
    for key in ("start_date", "start_time"):
        if about.get(key):
            start = moment_of(str(about[key]), rules)[0]
            return start, round(moment_of(f"{local}Z", rules)[0] - start) if local else None
    if local:
        return moment_of(local, rules)[0], None
    named = start_in_name(source.name, options.zone)
    if named is None:
        raise RecordingError(f"{source}: streams do not give their start; give --start 'YYYY-MM-DD HH:MM:SS'")
    return named, None
