"""Polar Team Pro: one row for each player and phase, figures only; zone limits are in the header and differ by club."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from athlete_monitor.recordings.format import Format, Options
from athlete_monitor.recordings.layout import layout_of
from athlete_monitor.recordings.summaries import summaries
from athlete_monitor.recordings.text import text_head

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
_HEADER_WITHIN: Final = 20
"""Lines, some of which may describe the report before the header."""


def recognise(source: Source) -> bool:
    """Whether the header is that of a team's session."""
    lines = (text_head(source) or "").splitlines()[:_HEADER_WITHIN]
    return any("Player name" in line and "Phase name" in line for line in lines)


def read(source: Source, options: Options) -> list[Imported]:
    """Read the figures of a team's session, one set for each player.

    Raises:
        RecordingError: it is not readable.
    """
    return summaries(layout_of(source), "polar-team-pro", options, _KEYS)


FORMAT: Final = Format("polar-team-pro", "Polar Team Pro CSV (figures only)", recognise, read, suffixes=(".csv",))
