"""Sessions as files that other programs open: FIT, TCX and GPX, one file per athlete and session."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape, quoteattr

from athlete_monitor.report.export.activity import is_place
from athlete_monitor.report.export.cells import printable, valid
from athlete_monitor.report.numbers import times

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from athlete_monitor.report.export.activity import Activity, Lap

LARGEST_UINT16: Final = 65_534
LARGEST_HEART_RATE: Final = 255
LARGEST_CADENCE: Final = 254
"""In strides a minute, as watches count a runner's cadence."""


def _rows(found: Activity) -> Iterator[dict[str, float]]:
    names = list(found.seconds)
    for values in zip(*(found.seconds[name].tolist() for name in names), strict=True):
        yield dict(zip(names, values, strict=True))


def tcx(found: Activity) -> bytes:
    """Garmin's Training Center XML, version 2; laps are the periods.

    The sport is running: GoldenCheetah takes "Other" without positions for swimming in a pool.
    """
    laps = "".join(_tcx_lap(found, lap) for lap in found.laps)
    notes = f"<Notes>{_text(found.name)}</Notes>"
    whole = f'<Activity Sport="Running"><Id>{times(found.start_t)[0]}</Id>{laps}{notes}</Activity>'
    return f"{_TCX_START}{whole}{_TCX_END}".encode()


_TCX_START: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<TrainingCenterDatabase xmlns="http://www.garmin.com/xmlschemas/TrainingCenterDatabase/v2"'
    ' xmlns:ns3="http://www.garmin.com/xmlschemas/ActivityExtension/v2"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' xsi:schemaLocation="http://www.garmin.com/xmlschemas/TrainingCenterDatabase/v2'
    ' http://www.garmin.com/xmlschemas/TrainingCenterDatabasev2.xsd"><Activities>'
)
_TCX_END: Final = "</Activities></TrainingCenterDatabase>\n"


def _text(text: str) -> str:
    """A text as XML has it."""
    return escape(printable(valid(text)))


def _tcx_lap(found: Activity, lap: Lap) -> str:
    span = lap[1:]
    heart = found.inside("heart_rate_bpm", span)
    heart = heart[(heart >= 1) & (heart <= LARGEST_HEART_RATE)]
    distance, energy = found.gained("distance_m", span), found.gained("energy_kcal", span)
    speed = found.inside("speed_mps", span)
    parts = [f"<TotalTimeSeconds>{lap[2] - lap[1]:.1f}</TotalTimeSeconds>"]
    parts.append(f"<DistanceMeters>{0.0 if math.isnan(distance) else distance:.2f}</DistanceMeters>")
    if len(speed):
        parts.append(f"<MaximumSpeed>{speed.max():.2f}</MaximumSpeed>")
    parts.append(f"<Calories>{0 if math.isnan(energy) else min(round(energy), LARGEST_UINT16)}</Calories>")
    if len(heart):
        parts.append(f"<AverageHeartRateBpm><Value>{heart.mean():.0f}</Value></AverageHeartRateBpm>")
        parts.append(f"<MaximumHeartRateBpm><Value>{heart.max():.0f}</Value></MaximumHeartRateBpm>")
    track = "".join(_tcx_point(row) for row in _rows(found) if _in_lap(found, span, row["t"]))
    notes = f"<Notes>{_text(lap[0])}</Notes>" if lap[0] else ""
    head = f"<Lap StartTime={quoteattr(times(lap[1])[0])}>{''.join(parts)}<Intensity>Active</Intensity>"
    points = f"<Track>{track}</Track>" if track else ""
    return f"{head}<TriggerMethod>Manual</TriggerMethod>{points}{notes}</Lap>"


def _in_lap(found: Activity, span: tuple[float, float], t_s: float) -> bool:
    """A second belongs to one lap; the last lap holds the last second too."""
    return span[0] <= t_s < span[1] or t_s == span[1] == found.end_t


def _has_position(row: Mapping[str, float]) -> bool:
    """Whether a place is known that the formats allow."""
    return is_place(row["latitude"], row["longitude"])


def _has_heart_rate(row: Mapping[str, float]) -> bool:
    """Whether a heart rate is known that the formats allow."""
    return 1 <= row["heart_rate_bpm"] <= LARGEST_HEART_RATE


def _tcx_point(row: Mapping[str, float]) -> str:
    parts = [f"<Time>{times(row['t'])[0]}</Time>"]
    if _has_position(row):
        where = f"<LatitudeDegrees>{row['latitude']:.7f}</LatitudeDegrees>"
        parts.append(f"<Position>{where}<LongitudeDegrees>{row['longitude']:.7f}</LongitudeDegrees></Position>")
    if not math.isnan(row["altitude_m"]):
        parts.append(f"<AltitudeMeters>{row['altitude_m']:.1f}</AltitudeMeters>")
    if not math.isnan(row["distance_m"]):
        parts.append(f"<DistanceMeters>{row['distance_m']:.2f}</DistanceMeters>")
    if _has_heart_rate(row):
        parts.append(f"<HeartRateBpm><Value>{row['heart_rate_bpm']:.0f}</Value></HeartRateBpm>")
    extra = "" if math.isnan(row["speed_mps"]) else f"<ns3:Speed>{row['speed_mps']:.3f}</ns3:Speed>"
    if 0 <= row["cadence_spm"] / 2 <= LARGEST_CADENCE:
        extra += f"<ns3:RunCadence>{row['cadence_spm'] / 2:.0f}</ns3:RunCadence>"
    if extra:
        parts.append(f"<Extensions><ns3:TPX>{extra}</ns3:TPX></Extensions>")
    return f"<Trackpoint>{''.join(parts)}</Trackpoint>"


def gpx(found: Activity) -> bytes:
    """GPX 1.1 with Garmin's track-point extension; only moments with a position, because a point of GPX is a place."""
    points = "".join(_gpx_point(row) for row in _rows(found) if _has_position(row))
    track = f"<trk><name>{_text(found.name)}</name><trkseg>{points}</trkseg></trk>"
    return f"{_GPX_START}{track}</gpx>\n".encode()


# GoldenCheetah and others know the extensions by their usual prefixes, "ns3" and "gpxtpx", not by their namespaces.
_GPX_START: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<gpx version="1.1" creator="athlete-monitor"'
    ' xmlns="http://www.topografix.com/GPX/1/1"'
    ' xmlns:gpxtpx="http://www.garmin.com/xmlschemas/TrackPointExtension/v2"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' xsi:schemaLocation="http://www.topografix.com/GPX/1/1 http://www.topografix.com/GPX/1/1/gpx.xsd'
    " http://www.garmin.com/xmlschemas/TrackPointExtension/v2"
    ' http://www.garmin.com/xmlschemas/TrackPointExtensionv2.xsd">'
)


def _gpx_point(row: Mapping[str, float]) -> str:
    parts = [] if math.isnan(row["altitude_m"]) else [f"<ele>{row['altitude_m']:.1f}</ele>"]
    parts.append(f"<time>{times(row['t'])[0]}</time>")
    extra = f"<gpxtpx:hr>{row['heart_rate_bpm']:.0f}</gpxtpx:hr>" if _has_heart_rate(row) else ""
    if 0 <= row["cadence_spm"] / 2 <= LARGEST_CADENCE:
        extra += f"<gpxtpx:cad>{row['cadence_spm'] / 2:.0f}</gpxtpx:cad>"
    extra += "" if math.isnan(row["speed_mps"]) else f"<gpxtpx:speed>{row['speed_mps']:.3f}</gpxtpx:speed>"
    if extra:
        parts.append(f"<extensions><gpxtpx:TrackPointExtension>{extra}</gpxtpx:TrackPointExtension></extensions>")
    return f'<trkpt lat="{row["latitude"]:.7f}" lon="{row["longitude"]:.7f}">{"".join(parts)}</trkpt>'


def fit(found: Activity) -> bytes:
    """A FIT activity: heart rate, speed, distance, position, beats, laps, and our own figures as developer fields."""
    from athlete_monitor.report.export.fit import encode

    return encode(found)


ACTIVITIES: Final[dict[str, Callable[[Activity], bytes]]] = {"fit": fit, "tcx": tcx, "gpx": gpx}
NEED_POSITIONS: Final = frozenset({"gpx"})
"""Formats that have nothing to say about a session without positions."""


def _no_fit() -> bytes:
    """A FIT file that only says what it is."""
    from athlete_monitor.report.export.fit import empty

    return empty()


EMPTY: Final[dict[str, Callable[[], bytes]]] = {
    "fit": _no_fit,
    "tcx": f"{_TCX_START}{_TCX_END}".encode,
    "gpx": f"{_GPX_START}</gpx>\n".encode,
}
"""A valid file without a session, where none lies in the range."""
