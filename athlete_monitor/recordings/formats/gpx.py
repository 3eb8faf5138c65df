"""GPX 1.0 and 1.1, with Garmin's extensions for heart rate, cadence and speed.

Each track is a recording; its segments are separated by pauses. Accuracy (``hdop``, ``sat``) drops bad fixes. There is
no odometer but in some extensions; a missing speed is computed from the positions. OsmAnd writes its accuracy in metres
as ``hdop``, OpenTracks the distance of each point.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from athlete_monitor.recordings import xml
from athlete_monitor.recordings.format import Format, Options
from athlete_monitor.recordings.imported import Imported
from athlete_monitor.recordings.moments import Rules
from athlete_monitor.recordings.points import Points
from athlete_monitor.recordings.source import NotARecording, Source
from athlete_monitor.recordings.units import by_range

if TYPE_CHECKING:
    from athlete_monitor.arrays import FloatArray

_POINT: Final = (
    ("altitude_m", ("ele",)),
    ("heart_rate_bpm", ("hr", "heartrate", "heartratebpm", "heart_rate", "bpm")),
    ("cadence_spm", ("cad", "cadence", "runcadence")),
    ("speed_mps", ("speed",)),
    ("distance_m", ("distance",)),
    ("hdop", ("hdop",)),
    ("satellites", ("sat",)),
    ("horizontal_accuracy_m", ("accuracy", "hacc", "accuracy_horizontal", "horizontalaccuracy")),
)
_DECREASES_SHARE: Final = 0.2
_WHEELS: Final = frozenset({"1", "2", "cycling", "biking", "ride", "virtualride", "mountain_biking", "road_biking"})


def recognise(source: Source) -> bool:
    """Whether the outermost element is that of GPX."""
    return xml.root_tag(source).lower() == "gpx"


def read(source: Source, options: Options) -> list[Imported]:
    """Read the tracks of a GPX file.

    Raises:
        RecordingError: it is not valid, or has no points with times.
    """
    reading = _Reading(source, options)
    notes = xml.walk(source, reading.start, reading.end)
    reading.finish()
    if not reading.found:
        xml.damaged(source, notes)
        why = "its points have no times: a route" if reading.points_seen else "it holds no track"
        raise NotARecording(f"{source}: {why}, not a recording")
    many = len(reading.found) > 1
    return [
        dataclasses.replace(part, label=f"{source} (track {place})" if many else str(source)).noted(*notes)
        for place, part in enumerate(reading.found, 1)
    ]


FORMAT: Final = Format("gpx", "GPX 1.0 and 1.1", recognise, read, suffixes=(".gpx",))


def _is_of_each_point(distance: FloatArray) -> bool:
    """Whether a distance is that since the point before, as OpenTracks writes it: it often decreases."""
    steps = np.diff(distance[~np.isnan(distance)])
    return len(steps) > 0 and float((steps < 0).mean()) > _DECREASES_SHARE


class _Reading:
    """What has been read of a file."""

    def __init__(self, source: Source, options: Options) -> None:
        self._source = source
        self._rules = Rules(str(source), options.zone, None, options.day_first)
        self._points = Points(self._rules)
        self._kind = ""
        self._creator = ""
        self.points_seen = 0
        self.found: list[Imported] = []

    def start(self, name: str, element: Any) -> None:  # noqa: ANN401
        if name == "gpx":
            self._creator = str(element.get("creator") or "").lower()
        elif name == "trk":
            self.finish()

    def end(self, name: str, element: Any) -> bool:  # noqa: ANN401
        if name == "trkpt":
            self._point(element)
        elif name == "type" and not self._kind:
            self._kind = (element.text or "").strip().lower()
        elif name == "trk":
            self.finish()
        return name in {"trkpt", "wpt", "rtept", "trkseg", "trk", "rte"}

    def _point(self, element: Any) -> None:  # noqa: ANN401
        self.points_seen += 1
        texts = {name.lower(): text for name, text in xml.leaves(element).items()}
        numbers = [(channel, next((texts[key] for key in keys if key in texts), None)) for channel, keys in _POINT]
        numbers += [("latitude", element.get("lat")), ("longitude", element.get("lon"))]
        self._points.add(texts.get("time"), numbers)

    def finish(self) -> None:
        """End a track."""
        if len(self._points):
            self.found.append(self._recording())
        self._points, self._kind = Points(self._rules), ""

    def _recording(self) -> Imported:
        columns = self._points.columns()
        notes = [f"{self._points.undated} points without a time are left out" if self._points.undated else ""]
        if self._kind in _WHEELS and columns.pop("cadence_spm", None) is not None:
            notes.append("the cadence does not count steps and is left out")
        if self._creator.startswith("osmand") and "hdop" in columns:
            columns.setdefault("horizontal_accuracy_m", columns.pop("hdop"))
        if "distance_m" in columns and _is_of_each_point(columns["distance_m"]):
            columns["distance_m"] = np.nancumsum(columns["distance_m"])
            notes.append("the distance is that of each point and is summed")
        recording = Imported(self._source.path, self._points.t, columns, kind="gpx", offset_s=self._points.offset_s)
        return by_range(recording.noted(*notes), {"speed_mps", "distance_m"})
