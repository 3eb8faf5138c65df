"""TCX: Garmin's Training Center files, also written by Polar, Wahoo, Suunto and many apps.

Each ``Activity`` is a recording. Time, heart rate, distance, altitude and position are read, and from the extensions
speed and ``RunCadence``, which counts strides and is doubled. The sums of the laps are the device's own totals. Points
that hold only a time, as some devices write them around pauses, are left out.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from athlete_monitor.recordings import xml
from athlete_monitor.recordings.cells import number
from athlete_monitor.recordings.format import Format, Options
from athlete_monitor.recordings.imported import Imported, Whose
from athlete_monitor.recordings.moments import Rules
from athlete_monitor.recordings.points import Points
from athlete_monitor.recordings.source import NotARecording, Source
from athlete_monitor.wire.sample import Tags

if TYPE_CHECKING:
    from collections.abc import Sequence

_POINT: Final = (
    ("heart_rate_bpm", "HeartRateBpm"),
    ("distance_m", "DistanceMeters"),
    ("altitude_m", "AltitudeMeters"),
    ("latitude", "LatitudeDegrees"),
    ("longitude", "LongitudeDegrees"),
    ("speed_mps", "Speed"),
    ("cadence_spm", "RunCadence"),
)


def recognise(source: Source) -> bool:
    """Whether the outermost element is a training database."""
    return xml.root_tag(source) == "TrainingCenterDatabase"


def read(source: Source, options: Options) -> list[Imported]:
    """Read the activities of a TCX file.

    Raises:
        RecordingError: it is not valid, or holds no activity with points.
    """
    reading = _Reading(source, options)
    notes = xml.walk(source, reading.start, reading.end)
    reading.finish()
    if not reading.found:
        xml.damaged(source, notes)
        what = "holds only the totals of an activity" if reading.laps_seen else "holds a course or a workout"
        raise NotARecording(f"{source}: {what}, without points")
    many = len(reading.found) > 1
    return [
        dataclasses.replace(part, label=f"{source} (activity {place})" if many else str(source)).noted(*notes)
        for place, part in enumerate(reading.found, 1)
    ]


FORMAT: Final = Format("tcx", "TCX (Garmin, Polar, Wahoo, Suunto)", recognise, read, suffixes=(".tcx",))


class _Reading:
    """What has been read of a file."""

    def __init__(self, source: Source, options: Options) -> None:
        self._source = source
        self._rules = Rules(str(source), options.zone, None, options.day_first)
        self.found: list[Imported] = []
        self.laps_seen = 0
        self._begin("")

    def _begin(self, sport: str) -> None:
        self._points = Points(self._rules)
        self._laps: list[dict[str, str]] = []
        self._lap_starts: list[int] = []
        self._sport = sport

    def start(self, name: str, element: Any) -> None:  # noqa: ANN401
        if name == "Activity":
            self.finish()
            self._begin(str(element.get("Sport") or ""))
        elif name == "Lap":
            self._lap_starts.append(len(self._points))

    def end(self, name: str, element: Any) -> bool:  # noqa: ANN401
        if name == "Trackpoint":
            texts = xml.leaves(element)
            if "RunCadence" not in texts and self._sport.lower() == "running" and "Cadence" in texts:
                texts["RunCadence"] = texts["Cadence"]
            self._points.add(texts.get("Time"), ((channel, texts.get(key)) for channel, key in _POINT))
        elif name == "Lap":
            self.laps_seen += 1
            self._laps.append(xml.leaves(element))
        elif name == "Activity":
            self.finish()
        return name in {"Trackpoint", "Lap", "Activity", "Course", "Track"}

    def finish(self) -> None:
        """End an activity."""
        if len(self._points):
            self.found.append(self._recording())
        self._begin("")

    def _recording(self) -> Imported:
        tags, index = _phases(self._lap_starts, len(self._points))
        note = f"{self._points.undated} points without a time are left out" if self._points.undated else ""
        return Imported(
            self._source.path,
            self._points.t,
            self._points.columns({"cadence_spm": 2.0}),
            kind="tcx",
            whose=Whose(),
            tags=tags,
            tag_index=index,
            offset_s=self._points.offset_s,
            totals=_totals(self._laps),
        ).noted(note)


def _phases(starts: Sequence[int], count: int) -> tuple[tuple[Tags, ...], np.ndarray[Any, np.dtype[np.int64]] | None]:
    if len(starts) < 2:
        return (Tags(),), None
    tags = tuple(Tags(session_phase=f"lap {lap}") for lap in range(1, len(starts) + 1))
    return tags, np.maximum(np.searchsorted(np.array(starts), np.arange(count), "right") - 1, 0)


def _totals(laps: Sequence[dict[str, str]]) -> dict[str, float]:
    """Return the sums, maxima and means over laps."""
    if not laps:
        return {}
    column = {key: np.nan_to_num([number(lap.get(key, "")) or 0.0 for lap in laps]) for key in _LAP}
    seconds, mean = column["TotalTimeSeconds"], column["AverageHeartRateBpm"]
    texts = {
        "timer_s": float(seconds.sum()),
        "distance_m": float(column["DistanceMeters"].sum()),
        "heart_rate_max_bpm": float(column["MaximumHeartRateBpm"].max()),
        "speed_max_mps": float(column["MaximumSpeed"].max()),
    }
    if (mean > 0).all() and seconds.sum() > 0:
        texts["heart_rate_mean_bpm"] = float((mean * seconds).sum() / seconds.sum())
    return {name: value for name, value in texts.items() if value > 0}


_LAP: Final = ("TotalTimeSeconds", "DistanceMeters", "AverageHeartRateBpm", "MaximumHeartRateBpm", "MaximumSpeed")
