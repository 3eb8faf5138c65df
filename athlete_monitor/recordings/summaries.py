"""Tables of figures without samples: stored unchanged, one set of rows for each athlete."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings.cells import number
from athlete_monitor.recordings.imported import Imported, Whose
from athlete_monitor.recordings.moments import Rules, moment_of
from athlete_monitor.recordings.source import NotARecording
from athlete_monitor.recordings.table import rows_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athlete_monitor.recordings.format import Options
    from athlete_monitor.recordings.layout import Layout
    from athlete_monitor.wire.session_files import Mode

MOST_ROWS = 50_000
NOTE = "a table of figures without samples: not usable for training"


def summaries(layout: Layout, kind: str, options: Options, keys: Mapping[str, Sequence[str]]) -> list[Imported]:
    """Return the rows of a table, one recording without samples for each athlete and session.

    Args:
        layout: of the table.
        kind: the format.
        options: for dates.
        keys: names of the columns for ``name``, ``number``, ``start``, ``session`` and ``type``.

    Raises:
        NotARecording: the table is empty.
        RecordingError: a start can be read in two ways, or the table is too long.
    """
    places = {role: layout.column(*names) for role, names in keys.items()}
    groups: dict[tuple[str, ...], list[dict[str, object]]] = {}
    for _, cells in rows_of(layout):
        if len(groups) > MOST_ROWS:
            raise RecordingError(f"{layout.source}: holds more than {MOST_ROWS:,} rows of figures")
        row = [cell.strip() for cell in cells]
        if any(row):
            key = tuple(_cell(row, places.get(role)) for role in ("name", "number", "session", "type"))
            groups.setdefault(key, []).append(_figures(layout, row))
    if not groups:
        raise NotARecording(f"{layout.source}: holds no rows below its header")
    start = keys.get("start", ())
    return [_recording(layout, kind, options, key, rows, start) for key, rows in groups.items()]


def _cell(row: Sequence[str], place: int | None) -> str:
    return row[place] if place is not None and place < len(row) else ""


def _figures(layout: Layout, row: Sequence[str]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, cell in zip(layout.header, row, strict=False):
        if name and cell:
            value = number(cell, layout.decimal)
            found[name] = cell if value is None or value != value else value  # noqa: PLR0124 - NaN
    return found


def _recording(
    layout: Layout,
    kind: str,
    options: Options,
    key: tuple[str, ...],
    rows: list[dict[str, object]],
    start: Sequence[str],
) -> Imported:
    name, shirt, session, activity = key
    mode: Mode | None = "game" if activity.lower() in {"match", "game"} else None
    label = f"{layout.source}: {name or shirt or 'figures'}{f', {session}' if session else ''}"
    recording = Imported(
        layout.source.path,
        _start(layout, options, rows, start),
        notes=(NOTE,),
        label=label,
        kind=kind,
        whose=Whose(name=name or None, number=shirt or None),
        mode=mode,
        summary=tuple(rows),
    )
    return dataclasses.replace(recording)


def _start(layout: Layout, options: Options, rows: Sequence[Mapping[str, object]], names: Sequence[str]) -> np.ndarray:
    text = next((str(row[name]) for row in rows for name in names if name in row), "")
    if not text:
        return np.empty(0)
    day_first = True if options.day_first is None else options.day_first
    try:
        return np.array([moment_of(text, Rules(str(layout.source), options.zone, None, day_first))[0]])
    except RecordingError:
        return np.empty(0)
