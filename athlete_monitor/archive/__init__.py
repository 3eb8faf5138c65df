"""The archive: reads the engine's journal while the engine writes it.

>>> from pathlib import Path
>>> from athlete_monitor.archive import Archive
>>> Archive(Path("no_journal_here.sqlite3")).team_sessions()
[]
"""

from athlete_monitor.archive.reader import Archive
from athlete_monitor.archive.records import DeviceSession, Event
from athlete_monitor.team.records import AlarmRow, Marker, Period, Rating, Stint, TeamSession, Whose

__all__ = [
    "AlarmRow",
    "Archive",
    "DeviceSession",
    "Event",
    "Marker",
    "Period",
    "Rating",
    "Stint",
    "TeamSession",
    "Whose",
]
