"""Garmin Connect: the list of activities and the laps of one, as its website exports them; figures only.

Samples come from the activity's FIT or TCX file.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from athlete_monitor.recordings.format import Format, Options
from athlete_monitor.recordings.layout import layout_of
from athlete_monitor.recordings.summaries import summaries
from athlete_monitor.recordings.text import first_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.recordings.imported import Imported
    from athlete_monitor.recordings.source import Source

_LISTS: Final = (
    ("Activity Type", "Date", "Avg HR"),
    ("Activity Type", "Date", "Distance"),
    *((first, other) for first in ("Laps", "Lap", "Intervals", "Split") for other in ("Avg HR", "Cumulative Time")),
    ("Aktivitätstyp", "Datum"),
    ("Type d'activité", "Date"),
    ("Tipo de actividad", "Fecha"),
    ("Tipo di attività", "Data"),
    ("Activiteittype", "Datum"),
    ("Tipo de atividade", "Data"),
    ("Aktivitetstyp", "Datum"),
    ("Aktivitetstype", "Dato"),
    ("Aktiviteetin tyyppi", "Päivämäärä"),
    ("Typ aktywności", "Data"),
    ("Typ aktivity", "Datum"),
    ("Тип занятия", "Дата"),
    ("アクティビティタイプ", "日付"),
    ("活动类型", "日期"),
    ("활동 유형", "날짜"),
)
"""The website writes the headers in the language of its user."""
_FOLDED: Final = tuple(tuple(name.casefold() for name in names) for names in _LISTS)
_DATES: Final = ("Date", "Datum", "Fecha", "Data", "Dato", "Päivämäärä", "Дата", "日付", "日期", "날짜")


def recognise(source: Source) -> bool:
    """Whether the header is that of a list of activities or laps."""
    cells = [cell.strip(' "') for cell in re.split(r"[,;\t]", first_line(source).casefold().replace("’", "'"))]
    return any(all(_has(cells, name) for name in names) for names in _FOLDED)


def _has(cells: Sequence[str], name: str) -> bool:
    """Whether a column has this name, perhaps with a unit behind it."""
    return any(cell == name or cell.startswith(f"{name} ") for cell in cells)


def read(source: Source, options: Options) -> list[Imported]:
    """Read the figures of the activities.

    Raises:
        RecordingError: it is not readable.
    """
    keys = {"start": _DATES, "session": (*_DATES, "Title")}
    return summaries(layout_of(source), "garmin-connect", options, keys)


FORMAT: Final = Format("garmin-connect", "Garmin Connect CSV (figures only)", recognise, read, suffixes=(".csv",))
