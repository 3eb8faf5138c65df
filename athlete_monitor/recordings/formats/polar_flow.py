"""Polar Flow: one training session as two tables, the first with the session's figures, the second with its samples."""

from __future__ import annotations

import csv
import dataclasses
from typing import TYPE_CHECKING, Final

from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings.cells import given
from athlete_monitor.recordings.format import Format, Options
from athlete_monitor.recordings.imported import Whose
from athlete_monitor.recordings.layout import layout_of
from athlete_monitor.recordings.moments import Rules, day_in_name, moment_of
from athlete_monitor.recordings.plans import plan_of
from athlete_monitor.recordings.source import NotARecording
from athlete_monitor.recordings.tabular import imported
from athlete_monitor.recordings.text import text_head

if TYPE_CHECKING:
    from athlete_monitor.recordings.imported import Imported
    from athlete_monitor.recordings.source import Source

_OWN: Final = {
    "samplerate": "",
    "time": "elapsed",
    "paceminkm": "",
    "temperaturesc": "",
    "powerw": "",
    "stridelengthm": "",
}
_TOTALS: Final = {
    "Total distance (km)": ("distance_m", 1000.0),
    "Average heart rate (bpm)": ("heart_rate_mean_bpm", 1.0),
    "Max heart rate (bpm)": ("heart_rate_max_bpm", 1.0),
    "Max speed (km/h)": ("speed_max_mps", 1 / 3.6),
}
_WHEELS: Final = ("cycling", "biking", "spinning")


def recognise(source: Source) -> bool:
    """Whether both tables are present."""
    text = text_head(source)
    return text is not None and "Sample rate" in text and "Start time" in text[:2048] and "Duration" in text[:2048]


def read(source: Source, options: Options) -> list[Imported]:
    """Read a training session.

    Raises:
        RecordingError: it does not give its start, or its rows are not readable.
    """
    lines = (text_head(source) or "").splitlines()
    at = next((place for place, line in enumerate(lines) if "Sample rate" in line), len(lines))
    if not any(line.strip(' ,;"') for line in lines[at + 1 :]):
        raise NotARecording(f"{source}: holds the figures of a session without samples")
    layout = layout_of(source, at)
    session = _session(lines[:at], layout.delimiter)
    plan = plan_of(layout, "polar-flow", _OWN)
    plan = dataclasses.replace(
        plan,
        start_t=_start(source, session, options),
        whose=Whose(name=session.get("Name") or None),
        totals=_totals(session),
    )
    if any(word in session.get("Sport", "").lower() for word in _WHEELS):
        plan = dataclasses.replace(plan, columns=tuple(c for c in plan.columns if c.meaning != "cadence_spm"))
    return imported(plan, dataclasses.replace(options, start_t=plan.start_t))


FORMAT: Final = Format("polar-flow", "Polar Flow CSV", recognise, read, suffixes=(".csv",))


def _session(lines: list[str], delimiter: str) -> dict[str, str]:
    rows = [row for row in csv.reader(lines, delimiter=delimiter) if row]
    return {} if len(rows) < 2 else dict(zip(map(str.strip, rows[0]), map(str.strip, rows[1]), strict=False))


def _start(source: Source, session: dict[str, str], options: Options) -> float:
    if options.start_t is not None:
        return options.start_t
    if not session.get("Date") or not session.get("Start time"):
        raise RecordingError(f"{source}: does not give its date and start; give --start 'YYYY-MM-DD HH:MM:SS'")
    day_first = True if options.day_first is None and session["Date"][2:3] in "-." else options.day_first
    rules = Rules(str(source), options.zone, None, day_first, day_t=day_in_name(source.name, options.zone))
    return moment_of(f"{session['Date']} {session['Start time']}", rules)[0]


def _totals(session: dict[str, str]) -> dict[str, float]:
    found = {}
    for name, (key, factor) in _TOTALS.items():
        value = given(session.get(name, "").replace(",", "."))
        if value is not None and value > 0:
            found[key] = value * factor
    parts = [given(part) for part in session.get("Duration", "").split(":")]
    if len(parts) == 3 and None not in parts:
        found["timer_s"] = sum((part or 0.0) * factor for part, factor in zip(parts, (3600, 60, 1), strict=True))
    return found
