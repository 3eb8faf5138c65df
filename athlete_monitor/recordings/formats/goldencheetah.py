"""GoldenCheetah: activities as JSON, with beats where it has them, and as CSV."""

from __future__ import annotations

import dataclasses
import re
from datetime import timezone
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings import jsons
from athlete_monitor.recordings.format import Format, Options
from athlete_monitor.recordings.imported import Imported, Whose
from athlete_monitor.recordings.layout import layout_of
from athlete_monitor.recordings.moments import Rules, moment_of
from athlete_monitor.recordings.plans import plan_of
from athlete_monitor.recordings.source import NotARecording, Source
from athlete_monitor.recordings.tabular import imported
from athlete_monitor.recordings.text import first_line
from athlete_monitor.recordings.units import by_range

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athlete_monitor.arrays import FloatArray

_SAMPLE: Final = {
    "HR": ("heart_rate_bpm", 1.0),
    "KPH": ("speed_mps", 1 / 3.6),
    "KM": ("distance_m", 1000.0),
    "CAD": ("cadence_spm", 1.0),
    "RCAD": ("cadence_spm", 2.0),
    "ALT": ("altitude_m", 1.0),
    "LAT": ("latitude", 1.0),
    "LON": ("longitude", 1.0),
}
_COLUMNS: Final = {
    "secs": "elapsed",
    "kph": f"speed_mps*{1 / 3.6}",
    "km": "distance_m*1000",
    "cad": "cadence_spm",
    "nm": "",
    "rcad": "cadence_spm*2",
    "temp": "",
}
_ON_FOOT: Final = ("run", "walk", "hike", "football", "soccer", "rugby", "hockey")


def recognise(source: Source) -> bool:
    """Whether it is an activity of GoldenCheetah, as JSON or CSV."""
    if jsons.is_json(source):
        return b'"RIDE"' in source.head[:4096]
    names = re.split(r"[,;\t]", first_line(source).lower())
    return {"secs", "hr", "kph", "km"} <= {name.strip().strip('"') for name in names}


def read(source: Source, options: Options) -> list[Imported]:
    """Read an activity.

    Raises:
        RecordingError: it is not valid, or does not give its start.
    """
    if not jsons.is_json(source):
        return imported(plan_of(layout_of(source), "goldencheetah", _COLUMNS), options)
    ride = jsons.mapping(source, "RIDE")
    samples = jsons.objects(ride.get("SAMPLES"))
    if not samples:
        raise NotARecording(f"{source}: holds an activity without samples")
    return [by_range(_recording(source, options, ride, samples), {"speed_mps", "distance_m"})]


FORMAT: Final = Format("goldencheetah", "GoldenCheetah JSON and CSV", recognise, read, suffixes=(".json", ".csv"))


def _recording(source: Source, options: Options, ride: Mapping[str, Any], samples: list[dict[str, Any]]) -> Imported:
    start = options.start_t
    if start is None:
        try:
            start = moment_of(str(ride.get("STARTTIME", "")).strip(), Rules(str(source), timezone.utc))[0]
        except RecordingError:
            raise RecordingError(f"{source}: its STARTTIME is not a time; give --start") from None
    t = start + jsons.numbers([sample.get("SECS") for sample in samples])
    channels = _channels(samples)
    given = ride.get("TAGS")
    tags: Mapping[str, Any] = given if isinstance(given, dict) else {}
    sport = str(tags.get("Sport", "")).strip().lower()
    notes = []
    if sport and "cadence_spm" in channels and not any(word in sport for word in _ON_FOOT):
        del channels["cadence_spm"]
        notes.append("the cadence does not count steps and is left out")
    name = str(tags.get("Athlete") or tags.get("Athlete Name") or "").strip()
    recording = Imported(
        source.path,
        t,
        channels,
        notes=tuple(notes),
        label=str(source),
        kind="goldencheetah",
        whose=Whose(name=name or None),
    )
    return dataclasses.replace(recording, rr=_beats(ride, t, start))


def _channels(samples: list[dict[str, Any]]) -> dict[str, FloatArray]:
    found: dict[str, FloatArray] = {}
    for key, (channel, factor) in _SAMPLE.items():
        column = jsons.numbers([sample.get(key) for sample in samples])
        if not np.isnan(column).all():
            found[channel] = column * factor
    return found


def _beats(ride: Mapping[str, Any], t: FloatArray, start: float) -> dict[int, tuple[float, ...]]:
    """Return the beats of the extra data that is called HRV, in ms."""
    rr: dict[int, tuple[float, ...]] = {}
    for extra in jsons.objects(ride.get("XDATA")):
        if str(extra.get("NAME", "")).upper() != "HRV":
            continue
        for sample in jsons.objects(extra.get("SAMPLES")):
            beat = jsons.numbers([sample.get("VALUE"), sample.get("SECS")])
            row = int(np.searchsorted(t, start + beat[1])) if not np.isnan(beat).any() else len(t)
            if row < len(t):
                rr[row] = (*rr.get(row, ()), float(beat[0]))
    return rr
