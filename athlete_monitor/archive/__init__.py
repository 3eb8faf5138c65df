"""The archive: reads the engine's journal while the engine writes it.

>>> from athlete_monitor.archive import Archive
>>> Archive.__init__.__doc__ is not None
True
"""

from athlete_monitor.archive.reader import Archive
from athlete_monitor.archive.records import DeviceSession, Event
from athlete_monitor.team.records import AlarmRow, Marker, Period, Stint, TeamSession, Whose

__all__ = [
    "AlarmRow",
    "Archive",
    "DeviceSession",
    "Event",
    "Marker",
    "Period",
    "Stint",
    "TeamSession",
    "Whose",
]
