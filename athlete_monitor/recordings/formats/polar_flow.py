"""Polar Flow: the CSV of one training session.

One training session is two tables, the first with its figures, the second with its samples. In other languages than
English, the columns are those of the same places: their order is always the same.
"""

from __future__ import annotations

import dataclasses
import re
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
from athlete_monitor.recordings.text import cells_of, text_head

if TYPE_CHECKING:
    from collections.abc import Sequence

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
_FIGURES: Final = (
    *("Name", "Sport", "Date", "Start time", "Duration", "Total distance (km)", "Average heart rate (bpm)"),
    *("Average speed (km/h)", "Max speed (km/h)"),
)
_SAMPLES: Final = (
    *("Sample rate", "Time", "HR (bpm)", "Speed", "Pace", "Cadence", "Altitude", "Stride length", "Distances"),
    *("Temperatures", "Power"),
)
"""The columns of both tables in their order; the units of the second stay those of the file."""
_BEGINS: Final = ("Name,Sport,Date,", "Name;Sport;Date;")
_LOOKED_AT: Final = 8
_DAY: Final = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}")
_CLOCK: Final = re.compile(r"\d{1,2}[:.]\d\d[:.]\d\d(\s?[AaPp]\.?[Mm]\.?)?")
_DOTS: Final = re.compile(r"(?<=\d)\.(?=\d)")
_LONGEST_UNIT: Final = 32
_UNIT: Final = re.compile(r"\([^)]*\)\s*$")
_WHEELS: Final = ("cycling", "biking", "spinning")


def recognise(source: Source) -> bool:
    """Whether the tables are present; the second may be missing."""
    text = text_head(source)
    if text is None:
        return False
    return _is_english(text) or _foreign_header(text.splitlines()[:_LOOKED_AT]) is not None


def _is_english(text: str) -> bool:
    return all(name in text[:2048] for name in ("Sport", "Date", "Duration")) and (
        "Sample rate" in text or text.startswith(_BEGINS)
    )


def _foreign_header(lines: Sequence[str]) -> int | None:
    """Return the line of the second header in another language, by what is in the columns; None if there is none."""
    rows = [[cell.strip() for cell in row] for row in cells_of(lines, _delimiter(lines))]
    if len(rows) < 3 or len(rows[0]) < len(_FIGURES) or len(rows[1]) < len(_FIGURES):
        return None
    forms = zip(rows[1][2:5], (_DAY, _CLOCK, _CLOCK), strict=True)
    if not all(form.fullmatch(cell) for cell, form in forms):
        return None
    place = next((place for place, row in enumerate(rows[2:], 2) if len(row) >= len(_SAMPLES)), None)
    return None if place is None or any(cell[:1].isdigit() for cell in rows[place]) else place


def _delimiter(lines: Sequence[str]) -> str:
    return ";" if lines and lines[0].count(";") > lines[0].count(",") else ","


def read(source: Source, options: Options) -> list[Imported]:
    """Read a training session.

    Raises:
        RecordingError: it does not give its start, or its rows are not readable.
    """
    text = text_head(source) or ""
    lines = text.splitlines()
    foreign = None if _is_english(text) else _foreign_header(lines[:_LOOKED_AT])
    at = next((place for place, line in enumerate(lines) if "Sample rate" in line), len(lines))
    at = at if foreign is None else foreign
    if not any(line.strip(' ,;"') for line in lines[at + 1 :]):
        raise NotARecording(f"{source}: holds the figures of a session without samples")
    layout = layout_of(source, at)
    session = _session(lines[:at], layout.delimiter, () if foreign is None else _FIGURES)
    layout = layout if foreign is None else dataclasses.replace(layout, header=_in_english(layout.header))
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


def _session(lines: list[str], delimiter: str, names: Sequence[str] = ()) -> dict[str, str]:
    rows = [row for row in cells_of(lines, delimiter) if row]
    if len(rows) < 2:
        return {}
    return dict(zip(names or map(str.strip, rows[0]), map(str.strip, rows[1]), strict=False))


def _in_english(header: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the second table in English, with the units of the file; a heart rate is in bpm."""
    units = [match[0] if (match := _UNIT.search(name[-_LONGEST_UNIT:])) else "" for name in header]
    named = [name if "(" in name else f"{name} {unit}".strip() for name, unit in zip(_SAMPLES, units, strict=False)]
    return (*named, *([""] * (len(header) - len(named))))


def _start(source: Source, session: dict[str, str], options: Options) -> float:
    if options.start_t is not None:
        return options.start_t
    if not session.get("Date") or not session.get("Start time"):
        raise RecordingError(f"{source}: does not give its date and start; give --start 'YYYY-MM-DD HH:MM:SS'")
    day_first = True if options.day_first is None and session["Date"][2:3] in "-." else options.day_first
    rules = Rules(str(source), options.zone, None, day_first, day_t=day_in_name(source.name, options.zone))
    return moment_of(f"{session['Date']} {_DOTS.sub(':', session['Start time'])}", rules)[0]


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
