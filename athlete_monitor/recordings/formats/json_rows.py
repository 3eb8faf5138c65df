"""Samples as a list of JSON objects, one for each row, as programs and the interfaces of vendors give them.

The list is the document, or in it under a usual name (``data``, ``samples``, ``records``, ``points``, …); a document of
several athletes has such a list for each. The names of the keys are understood like those of columns.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings import jsons
from athlete_monitor.recordings.format import Format, Options
from athlete_monitor.recordings.formats import catapult
from athlete_monitor.recordings.imported import MEASURED, Whose
from athlete_monitor.recordings.layout import layout_of
from athlete_monitor.recordings.mapping import mapped, settings
from athlete_monitor.recordings.plans import ColumnPlan, plan_of
from athlete_monitor.recordings.rewritten import as_table
from athlete_monitor.recordings.tabular import RR, imported
from athlete_monitor.recordings.vocabulary import DATE, ELAPSED, TIME

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from athlete_monitor.recordings.imported import Imported
    from athlete_monitor.recordings.source import Source

LAST: Final = 900
_LISTS: Final = (
    *("data", "samples", "records", "points", "trackpoints", "track_points", "rows", "values", "readings"),
    *("measurements", "stream", "streams", "sensor_data"),
)
_NAMES: Final = ("athlete", "athlete_name", "player", "player_name", "name")
_DEEPEST: Final = 3
_LOOKED_AT_ROWS: Final = 1000
_MOST_NAMES: Final = 500


def recognise(source: Source) -> bool:
    """Whether the rows have a time and at least one channel."""
    if not jsons.is_json(source):
        return False
    try:
        tables = list(_tables(source))
        return bool(tables) and _is_recording(plan_of(layout_of(tables[0][0])))
    except RecordingError:
        return False


def read(source: Source, options: Options) -> list[Imported]:
    """Read all lists of rows.

    Raises:
        RecordingError: it is not valid JSON, or its rows are not readable.
    """
    if options.mapping:
        options = settings(options)
    return [part for table, name in _tables(source) for part in _recordings(table, name, options)]


FORMAT: Final = Format("json", "list of samples (JSON)", recognise, read, rank=LAST, suffixes=(".json",))


def _is_recording(plan: ColumnPlan) -> bool:
    return plan.first(TIME, DATE, ELAPSED) is not None and plan.first(*MEASURED, RR) is not None


def _recordings(table: Source, name: str | None, options: Options) -> list[Imported]:
    layout = layout_of(table)
    if catapult.is_api(layout):
        parts = catapult.of_api(layout, options)
    else:
        plan = mapped(layout, options.mapping) if options.mapping else plan_of(layout)
        parts = imported(dataclasses.replace(plan, kind="json"), options)
    named = Whose(name=name)
    return [dataclasses.replace(part, whose=named) if name and not part.whose.name else part for part in parts]


def _tables(source: Source) -> Iterator[tuple[Source, str | None]]:
    for rows, name in _lists(jsons.load(source), None, 0):
        yield as_table(source, _names(rows), rows), name


def _names(rows: list[dict[str, Any]]) -> list[str]:
    """Return the keys of the first rows, in their order."""
    return list(dict.fromkeys(str(key) for row in rows[:_LOOKED_AT_ROWS] for key in row))[:_MOST_NAMES]


def _lists(value: object, name: str | None, depth: int) -> Iterator[tuple[list[dict[str, Any]], str | None]]:
    """Yield the lists of rows in a document, each with the athlete's name where one is beside it."""
    if depth > _DEEPEST:
        return
    if isinstance(value, dict):
        inner = next((value[key] for key in _LISTS if isinstance(value.get(key), list | dict)), None)
        if inner is not None:
            yield from _lists(inner, _named(value) or name, depth + 1)
        return
    rows = jsons.objects(value)
    if rows and any(isinstance(rows[0].get(key), list) for key in _LISTS):
        for row in rows:
            yield from _lists(row, name, depth + 1)
    elif rows:
        yield rows, name


def _named(about: Mapping[str, object]) -> str | None:
    return next((str(about[key]) for key in _NAMES if isinstance(about.get(key), str) and about[key]), None)
