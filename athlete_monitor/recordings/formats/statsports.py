"""STATSports: the raw CSV of Apex vests, with leading blanks in its header and the misspelling ``Gyro Yro X``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from athlete_monitor.recordings.format import Format, Options
from athlete_monitor.recordings.layout import layout_of
from athlete_monitor.recordings.plans import plan_of
from athlete_monitor.recordings.tabular import imported
from athlete_monitor.recordings.text import text_head

if TYPE_CHECKING:
    from athlete_monitor.recordings.imported import Imported
    from athlete_monitor.recordings.source import Source

_OWN: Final = {
    "playerdisplayname": "athlete",
    "instantaneousaccelerationimpulse": "",
    "qualityofsignal": "",
    "noofsatellites": "satellites",
    "hacc": "horizontal_accuracy_m",
    "gyroyrox": "gyro_x",
}


def recognise(source: Source) -> bool:
    """Whether the header is that of a raw export."""
    text = text_head(source)
    first = text[:2048].lower() if text else ""
    return "player display name" in first and (
        any(word in first for word in ("accl x", "hdop", "instantaneous acceleration", "speed m/s", "speed (m/s)"))
    )


def read(source: Source, options: Options) -> list[Imported]:
    """Read a raw export, one recording for each player.

    Raises:
        RecordingError: it is not readable.
    """
    return imported(plan_of(layout_of(source), "statsports", _OWN), options)


FORMAT: Final = Format("statsports", "STATSports raw CSV", recognise, read, suffixes=(".csv",))
