"""Any other table: its columns are recognised by their names and units, shown, and may be given in a mapping."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings import sheets
from athlete_monitor.recordings.format import Format, Options
from athlete_monitor.recordings.imported import MEASURED
from athlete_monitor.recordings.layout import layout_of
from athlete_monitor.recordings.mapping import mapped, settings
from athlete_monitor.recordings.plans import ColumnPlan, plan_of
from athlete_monitor.recordings.tabular import RR, imported
from athlete_monitor.recordings.text import text_head
from athlete_monitor.recordings.timeline import usual_step_s
from athlete_monitor.recordings.vocabulary import DATE, ELAPSED, TIME

if TYPE_CHECKING:
    from athlete_monitor.recordings.imported import Imported
    from athlete_monitor.recordings.source import Source

LAST: Final = 1000
MOST_APART_S: Final = 600.0
"""Rows further apart than ten minutes are not samples of a session."""


def recognise(source: Source) -> bool:
    """Whether a table has a time and at least one channel."""
    if not sheets.is_sheet(source) and text_head(source) is None:
        return False
    try:
        plan = plan_of(layout_of(source))
    except RecordingError:
        return False
    return plan.first(TIME, DATE, ELAPSED) is not None and plan.first(*MEASURED, RR) is not None


def understood(source: Source, options: Options) -> ColumnPlan:
    """Return the plan by which the table is read.

    Raises:
        RecordingError: it is not a table, or the mapping does not fit it.
    """
    layout = layout_of(source)
    return mapped(layout, options.mapping) if options.mapping else plan_of(layout)


def read(source: Source, options: Options) -> list[Imported]:
    """Read a table of samples, its rows at their own times.

    Raises:
        RecordingError: the layout or a unit is not known, or cells cannot be read.
    """
    plan = understood(source, options)
    if options.mapping:
        options = settings(options)
    return [_of_samples(part) for part in imported(plan, options)]


def _of_samples(part: Imported) -> Imported:
    """Return the recording unchanged.

    Raises:
        RecordingError: its rows are sessions or days.
    """
    apart_s = usual_step_s(part.t)
    if len(part.t) > 1 and apart_s > MOST_APART_S:
        raise RecordingError(f"{part}: its rows are {apart_s / 60:,.0f} minutes apart: a list of sessions, not samples")
    return part


FORMAT = Format(
    "csv", "table of samples (CSV, Excel)", recognise, read, rank=LAST, suffixes=(".csv", ".txt", ".tsv", ".xlsx")
)
