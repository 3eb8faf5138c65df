"""Garmin Connect: the list of activities and the laps of one, as its website exports them; figures only.

Samples come from the activity's FIT or TCX file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from athlete_monitor.recordings.format import Format, Options
from athlete_monitor.recordings.layout import layout_of
from athlete_monitor.recordings.summaries import summaries
from athlete_monitor.recordings.text import first_line

if TYPE_CHECKING:
    from athlete_monitor.recordings.imported import Imported
    from athlete_monitor.recordings.source import Source

_LISTS: Final = (
    ("Activity Type", "Date", "Avg HR"),
    ("Activity Type", "Date", "Distance"),
    ("Laps", "Avg HR"),
    ("Split", "Avg HR"),
    ("Aktivitätstyp", "Datum"),
    ("Type d'activité", "Date"),
    ("Tipo de actividad", "Fecha"),
    ("Tipo di attività", "Data"),
    ("Activiteittype", "Datum"),
    ("Tipo de atividade", "Data"),
)
"""The website writes the headers in the language of its user."""
_DATES: Final = ("Date", "Datum", "Fecha", "Data")


def recognise(source: Source) -> bool:
    """Whether the header is that of a list of activities or laps."""
    first = first_line(source).casefold().replace("’", "'")
    return any(all(name.casefold() in first for name in names) for names in _LISTS)


def read(source: Source, options: Options) -> list[Imported]:
    """Read the figures of the activities.

    Raises:
        RecordingError: it is not readable.
    """
    keys = {"start": _DATES, "session": (*_DATES, "Title")}
    return summaries(layout_of(source), "garmin-connect", options, keys)


FORMAT: Final = Format("garmin-connect", "Garmin Connect CSV (figures only)", recognise, read, suffixes=(".csv",))
