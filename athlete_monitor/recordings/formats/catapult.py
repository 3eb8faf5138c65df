"""Catapult: OpenField exports at 10 Hz and 100 Hz, and the tables of its API.

The 10-Hz export has comment lines with the reference time in UTC, the units, the period and the athlete; its column
``Timestamp`` is local, so that the offset is known. The 100-Hz export gives only the time of its start: rows are 10 ms
apart. The API's ``ts`` counts seconds and ``cs`` hundredths. ``Odometer`` and ``o`` are cumulative; a heart rate of 0
means no reading.
"""

from __future__ import annotations

import dataclasses
import math
import re
from datetime import timezone
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.channels import GRAVITY_MPS2
from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings.cells import safe_text
from athlete_monitor.recordings.format import Format, Options
from athlete_monitor.recordings.imported import Imported, Whose
from athlete_monitor.recordings.layout import layout_of
from athlete_monitor.recordings.moments import Rules, moment_of
from athlete_monitor.recordings.plans import ColumnPlan, PlannedColumn, plan_of
from athlete_monitor.recordings.tabular import imported
from athlete_monitor.recordings.text import first_line, text_head
from athlete_monitor.recordings.vocabulary import BY_MEANING, key_of
from athlete_monitor.wire.sample import Tags

if TYPE_CHECKING:
    from athlete_monitor.recordings.layout import Layout
    from athlete_monitor.recordings.source import Source

_G: Final = f"*{GRAVITY_MPS2}"
_DEGREES: Final = f"*{math.pi / 180}"
_FAST: Final = {
    **{f"acceleration{name}": f"acc_{axis}{_G}" for name, axis in (("forward", "x"), ("side", "y"), ("up", "z"))},
    **{f"rotation{name}": f"gyro_{axis}{_DEGREES}" for name, axis in (("roll", "x"), ("pitch", "y"), ("yaw", "z"))},
    "rawvelocity": "speed_mps*1",
    "smoothedvelocity": "",
    "gnsshdop": "hdop",
    "gnssfix": "satellites",
}
_OPENFIELD: Final = {
    "seconds": "elapsed",
    "velocity": "speed_mps*1",
    "odometer": "distance_m*1",
    "positionalquality": "position_quality_percent",
    "sats": "satellites",
}
_API: Final = {
    "ts": "time",
    "cs": "centiseconds",
    "o": "distance_m*1",
    "v": "speed_mps*1",
    "a": "",
    "x": "",
    "y": "",
}
_UNITS: Final = {
    **dict.fromkeys(("meters/second", "metres/second", "meterspersecond", "metrespersecond"), "m/s"),
    **dict.fromkeys(("kilometers/hour", "kilometres/hour", "kilometersperhour", "kilometresperhour"), "km/h"),
    **dict.fromkeys(("miles/hour", "milesperhour"), "mph"),
    **dict.fromkeys(("yards/second", "yardspersecond"), "yd/s"),
    "meters": "m",
    "metres": "m",
    "kilometers": "km",
    "yards": "yd",
    "miles": "mi",
    "feet": "ft",
}
_HALVES: Final = re.compile(
    r"\b(half|match|game|1st|2nd|quarter|overtime|extra time|spiel|halbzeit|mi-temps|partido|partita|jogo|wedstrijd)\b",
    re.IGNORECASE,
)
_QUARTER_S: Final = 900
_LONGEST_OFFSET_S: Final = 14 * 3600


def recognise(source: Source) -> bool:
    """Whether the file is one of the three exports."""
    text = text_head(source)
    if text is None:
        return False
    head = text[:4096]
    api = re.split(r"[,;\t]", first_line(source).lower().replace('"', ""))
    return (
        "OpenField" in head[:200]
        or ("CentisecTime" in head and ("Reference time" in head or "DeviceID" in head or "DeviceId" in head))
        or {"ts", "cs", "v", "o", "hr"} <= set(api)
    )


def read(source: Source, options: Options) -> list[Imported]:
    """Read an export.

    Raises:
        RecordingError: it does not give its start, or its rows are not readable.
    """
    layout = layout_of(source)
    names = {key_of(name) for name in layout.header}
    if is_api(layout):
        return of_api(layout, options)
    settings = _settings(layout)
    if "accelerationforward" in names:
        return imported(_fast(layout, settings, options), options)
    return [_with_period(part, settings) for part in imported(_slow(layout, settings, options), options)]


def is_api(layout: Layout) -> bool:
    """Whether a table has the columns of the API."""
    return {"ts", "cs"} <= {key_of(name) for name in layout.header}


def of_api(layout: Layout, options: Options) -> list[Imported]:
    """Read a table of the API.

    Raises:
        RecordingError: its rows are not readable.
    """
    return [_with_hundredths(part) for part in imported(plan_of(layout, "catapult", _API), options)]


FORMAT: Final = Format(
    "catapult", "Catapult OpenField (10 Hz, 100 Hz) and API tables", recognise, read, suffixes=(".csv",)
)


def _settings(layout: Layout) -> dict[str, str]:
    found = {}
    for line in layout.preamble:
        key, colon, value = line.partition(":")
        key = key.strip('#" \t')
        if colon and key.replace(" ", "").isalpha():
            found[key_of(key)] = value.strip(' \t,;"')
    return found


def _start(layout: Layout, settings: dict[str, str], options: Options) -> float | None:
    """Return the epoch of the reference time; the count of hundredths is preferred: the text has two readings."""
    hundredths = re.match(r"\d{1,15}", settings.get("centisectime", ""))
    if hundredths:
        return int(hundredths[0]) / 100
    if "referencetime" not in settings:
        return None
    rules = Rules(str(layout.source), timezone.utc, None, options.day_first)
    return moment_of(settings["referencetime"], rules)[0]


def _fast(layout: Layout, settings: dict[str, str], options: Options) -> ColumnPlan:
    start = _start(layout, settings, options) if options.start_t is None else options.start_t
    if start is None:
        raise RecordingError(f"{layout.source}: does not give its start; give --start 'YYYY-MM-DD HH:MM:SS'")
    plan = plan_of(layout, "catapult", _FAST)
    return dataclasses.replace(plan, start_t=start, rate_hz=100.0, whose=_whose(settings))


def _slow(layout: Layout, settings: dict[str, str], options: Options) -> ColumnPlan:
    plan = plan_of(layout, "catapult", _OPENFIELD)
    factors = {
        "speed_mps": _factor(layout, settings.get("speedunits", ""), "speed_mps"),
        "distance_m": _factor(layout, settings.get("distanceunits", ""), "distance_m"),
    }
    columns = [_scaled(column, factors) for column in plan.columns]
    start = _start(layout, settings, options)
    offset = None
    if start is not None and plan.first("elapsed") is not None:
        offset = _offset(layout, start, plan.first("time"))
        columns = [column for column in columns if column.meaning not in {"time", "date"}]
    return dataclasses.replace(plan, columns=tuple(columns), start_t=start, offset_s=offset, whose=_whose(settings))


def _scaled(column: PlannedColumn, factors: dict[str, float | None]) -> PlannedColumn:
    """Give a column its unit; without one in the file, its values are checked by their range."""
    if column.meaning not in factors:
        return column
    factor = factors[column.meaning]
    return dataclasses.replace(column, factor=1.0 if factor is None else factor, unit="" if factor is None else "given")


def _factor(layout: Layout, unit: str, channel: str) -> float | None:
    if not unit:
        return None
    known = BY_MEANING[channel].units | {"yd/s": 0.9144}
    spelled = unit.lower().replace(" ", "")
    found = known.get(_UNITS.get(spelled, spelled))
    if found is None:
        raise RecordingError(
            f"{layout.source}: unit {unit[:40]!r} of {channel} is not known; allowed: {', '.join(known)}"
        )
    return found


def _offset(layout: Layout, start: float, column: PlannedColumn | None) -> int | None:
    """Return how far the local ``Timestamp`` of the first row is ahead of the reference time in UTC."""
    from athlete_monitor.recordings.table import rows_of

    row = next(iter(rows_of(layout)), None)
    if column is None or row is None or column.place >= len(row[1]):
        return None
    for day_first in (True, False):
        try:
            local, _ = moment_of(row[1][column.place].strip(), Rules("", timezone.utc, None, day_first))
        except RecordingError:
            continue
        if abs(local - start) <= _LONGEST_OFFSET_S:
            return round((local - start) / _QUARTER_S) * _QUARTER_S
    return None


def _whose(settings: dict[str, str]) -> Whose:
    device = re.match(r"[A-Za-z0-9_-]+", settings.get("deviceid", ""))
    return Whose(name=settings.get("athlete") or None, device=device[0] if device else None)


def _with_period(part: Imported, settings: dict[str, str]) -> Imported:
    period = safe_text(settings.get("period", ""))[:64]
    if not period:
        return part
    mode = "game" if _HALVES.search(period) else part.mode
    return dataclasses.replace(part, tags=(Tags(session_phase=period),), tag_index=None, mode=mode)


def _with_hundredths(part: Imported) -> Imported:
    hundredths = part.channels.get("centiseconds")
    if hundredths is None:
        return part
    t = part.t + np.nan_to_num(hundredths) / 100
    return dataclasses.replace(part, t=t).with_channels({"centiseconds": None})
