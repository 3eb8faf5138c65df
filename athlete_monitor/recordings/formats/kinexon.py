"""Kinexon: positions of all players in one table, by sensor and name; rows of the ball are left out."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Final

from athlete_monitor.recordings.format import Format, Options
from athlete_monitor.recordings.layout import layout_of
from athlete_monitor.recordings.plans import plan_of
from athlete_monitor.recordings.tabular import imported
from athlete_monitor.recordings.text import first_line

if TYPE_CHECKING:
    from athlete_monitor.recordings.imported import Imported
    from athlete_monitor.recordings.source import Source

_OWN: Final = {
    "tsinms": "time",
    "formattedlocaltime": "",
    "sensorid": "device",
    "mappedid": "",
    "leagueid": "",
    "fullname": "athlete",
    "number": "number",
    "groupname": "",
    "groupid": "",
    "zinm": "",
}
_BALL: Final = re.compile(r"((game|match|the)\s)?ball[\s_#-]*\d*", re.IGNORECASE)


def recognise(source: Source) -> bool:
    """Whether the header is that of a position export."""
    first = first_line(source).lower()
    return "ts in ms" in first and ("sensor id" in first or "mapped id" in first or "x in m" in first)


def read(source: Source, options: Options) -> list[Imported]:
    """Read positions, one recording for each player.

    Raises:
        RecordingError: it is not readable.
    """
    plan = plan_of(layout_of(source), "kinexon", _OWN)
    time = tuple(dataclasses.replace(c, unit="ms") if c.meaning == "time" else c for c in plan.columns)
    parts = imported(dataclasses.replace(plan, columns=time), options)
    return [part for part in parts if not _BALL.fullmatch((part.whose.name or "").strip())]


FORMAT: Final = Format("kinexon", "Kinexon positions", recognise, read, suffixes=(".csv",))
