"""This system's own session files, with all their content: body, phases, mode, beats and all channels."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from athlete_monitor.recordings.format import Format, Options
from athlete_monitor.recordings.imported import Whose
from athlete_monitor.recordings.layout import layout_of
from athlete_monitor.recordings.plans import plan_of
from athlete_monitor.recordings.tabular import imported
from athlete_monitor.recordings.text import text_head
from athlete_monitor.wire.session_files import device_in_name

if TYPE_CHECKING:
    from athlete_monitor.recordings.imported import Imported
    from athlete_monitor.recordings.source import Source
    from athlete_monitor.wire.session_files import Mode

_REQUIRED: Final = frozenset(
    {"timestamp", "athlete_id", "acc_x", "acc_y", "acc_z", "gyro_x", "heart_rate", "session_phase"}
)


def recognise(source: Source) -> bool:
    """Whether the header is that of a session file."""
    text = text_head(source)
    return text is not None and set(text.partition("\n")[0].strip().split(",")) >= _REQUIRED


def read(source: Source, options: Options) -> list[Imported]:
    """Read a session file.

    Raises:
        RecordingError: it is not readable.
    """
    plan = plan_of(layout_of(source), "session")
    columns = tuple(dataclasses.replace(column, unit=column.unit or "SI") for column in plan.columns)
    mode: Mode | None = "game" if source.name.startswith("GM") else None
    device = device_in_name(source.name)
    plan = dataclasses.replace(plan, columns=columns, mode=mode, whose=Whose(device=device))
    return imported(plan, options)


FORMAT: Final = Format("session", "this system's own session files", recognise, read, suffixes=(".csv",))
