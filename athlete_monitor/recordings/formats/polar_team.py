"""Polar Team Pro: one row for each player and phase, figures only; zone limits are in the header and differ by club."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from athlete_monitor.recordings.format import Format, Options
from athlete_monitor.recordings.summaries import summaries
from athlete_monitor.recordings.table import first_line, layout_of

if TYPE_CHECKING:
    from athlete_monitor.recordings.imported import Imported
    from athlete_monitor.recordings.source import Source

_KEYS: Final = {
    "name": ("Player name",),
    "number": ("Player number",),
    "start": ("Start time",),
    "session": ("Session name",),
    "type": ("Type",),
}


def recognise(source: Source) -> bool:
    """Whether the header is that of a team's session."""
    first = first_line(source)
    return "Player name" in first and "Phase name" in first


def read(source: Source, options: Options) -> list[Imported]:
    """Read the figures of a team's session, one set for each player.

    Raises:
        RecordingError: it is not readable.
    """
    return summaries(layout_of(source), "polar-team-pro", options, _KEYS)


FORMAT: Final = Format("polar-team-pro", "Polar Team Pro CSV (figures only)", recognise, read, suffixes=(".csv",))
