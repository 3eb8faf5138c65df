"""Plans of tables: what each column means, by its name and unit, and why a table cannot be read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings.imported import Whose
from athlete_monitor.recordings.vocabulary import (
    CHANNELS,
    Meaning,
    UnknownUnitError,
    key_of,
    meaning_of,
)
from athlete_monitor.wire.sample import NO_PROFILE, WireProfile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athlete_monitor.recordings.layout import Layout
    from athlete_monitor.wire.session_files import Mode

_LONGEST_NAMED: Final = 5
_MOST_WORDS: Final = 5
"""Of the name of a channel and its unit."""
_OF_FORMAT: Final = "defined by the format"
_HOURS: Final = frozenset(("ora", "orario", "hora"))
"""Beside one of these, ``Data`` is a date."""
_NO_AXES: Final = "x, y and z without a unit can be a position or a sensor"
_EXAMPLES: Final = "heart_rate_bpm, speed_mps, distance_m, latitude, acc_x"


@dataclass(frozen=True)
class PlannedColumn:
    """A column that is used.

    Attributes:
        place: in the table, from 0.
        meaning: a channel or a role.
        factor: from its unit to ours.
        unit: as the file gives it, empty if it does not.
    """

    place: int
    meaning: str
    factor: float = 1.0
    unit: str = ""


@dataclass(frozen=True)
class ColumnPlan:
    """The plan by which the columns of a table are read.

    Attributes:
        layout: of the table.
        columns: those that are used.
        ignored: names of columns that are not used, with the reason.
        kind: the format.
        whose: the athlete of the whole table.
        mode: training or game, if the file gives it.
        start_t: of a table that counts from 0, if the file gives it.
        rate_hz: rows a second of a table without a column of times.
        profile: the body, as far as the file gives it.
        totals: totals as given by the device.
        notes: what a user should know.
    """

    layout: Layout
    columns: tuple[PlannedColumn, ...]
    ignored: tuple[tuple[str, str], ...] = ()
    kind: str = "csv"
    whose: Whose = field(default_factory=Whose)
    mode: Mode | None = None
    start_t: float | None = None
    rate_hz: float | None = None
    offset_s: int | None = None
    profile: WireProfile = NO_PROFILE
    totals: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def first(self, *meanings: str) -> PlannedColumn | None:
        """Return the first column of one of these meanings."""
        return next((column for meaning in meanings for column in self.columns if column.meaning == meaning), None)

    def name(self, column: PlannedColumn) -> str:
        """Return a column's name in the file."""
        return self.layout.header[column.place]


def plan_of(layout: Layout, kind: str = "csv", own: Mapping[str, str] | None = None) -> ColumnPlan:
    """Return the meanings of a table's columns, by their names and units.

    Args:
        layout: of the table.
        kind: the format.
        own: meanings of columns that the format defines, by their names without case, spaces and signs; an empty
            meaning leaves the column out, ``*`` and a factor give its unit.

    Raises:
        RecordingError: a column's unit is not known.
    """
    found: list[PlannedColumn] = []
    ignored: list[tuple[str, str]] = []
    for place, header in enumerate(layout.header):
        unit = layout.units[place] if place < len(layout.units) else ""
        meaning = _meaning(layout, header, unit, own or {})
        if meaning is None:
            ignored.append((header, "its name is not known"))
        else:
            found.append(PlannedColumn(place, meaning.meaning, meaning.factor, meaning.unit))
    axes = _axes_of_nothing(layout, found, own or {})
    ignored += [(layout.header[column.place], _NO_AXES) for column in axes]
    return ColumnPlan(layout, tuple(column for column in found if column not in axes), tuple(ignored), kind)


def _axes_of_nothing(layout: Layout, found: Sequence[PlannedColumn], own: Mapping[str, str]) -> list[PlannedColumn]:
    """Return columns ``x`` and ``y`` beside a ``z`` without units: of a position or of a sensor."""
    bare = {key_of(layout.header[place]) for place in range(len(layout.header))} - own.keys()
    if not {"x", "y", "z"} <= bare:
        return []
    return [
        column
        for column in found
        if column.meaning in {"x_m", "y_m"} and not column.unit and key_of(layout.header[column.place]) in {"x", "y"}
    ]


def _meaning(layout: Layout, header: str, unit: str, own: Mapping[str, str]) -> Meaning | None:
    if not header.strip():
        return None
    key = key_of(header)
    if key == "data" and not _HOURS & {key_of(name) for name in layout.header}:
        return None
    if key in own:
        name, _, factor = own[key].partition("*")
        return Meaning(name, _OF_FORMAT if factor else "", float(factor or 1)) if name else None
    try:
        return meaning_of(header, unit)
    except UnknownUnitError as error:
        raise RecordingError(f"{layout.source}: column {header!r}: {error}") from None


def without_channels(layout: Layout) -> str:
    """Return why a table has no channel, and what can be done."""
    if {"x", "y", "z"} <= {key_of(name) for name in layout.header}:
        return f"{_NO_AXES}: name them acc_x, acc_y, acc_z or x_m, y_m, with units, or give them with --map"
    wide = [name for name in layout.header if _of_somebody(name)]
    if len(wide) > 1:
        return (
            f"seems to have a column for each athlete ({named(wide)}); give each row one athlete, in a column "
            "Athlete, or import it once for each athlete with --map and --athlete"
        )
    return (
        f"no column is a channel; its columns: {named(layout.header)}; "
        f"name them {_EXAMPLES}, … (docs/formats.md), or give them with --map"
    )


def _of_somebody(header: str) -> bool:
    """Whether the end of a name is a channel: it has an athlete before it."""
    words = [word for word in re.split(r"[\s_:.\-–/]+", header) if word]
    for first in range(max(len(words) - _MOST_WORDS, 1), len(words)):
        try:
            meaning = meaning_of(" ".join(words[first:]), "")
        except UnknownUnitError:
            continue
        if meaning is not None and meaning.meaning in CHANNELS:
            return True
    return False


def named(names: Sequence[str]) -> str:
    """Return a list of names, the first few of them.

    >>> named([f"kpi_{n}" for n in range(8)])
    'kpi_0, kpi_1, kpi_2, kpi_3, kpi_4 and 3 more'
    """
    kept = [name[:40] or "(no name)" for name in names[:_LONGEST_NAMED]]
    more = f" and {len(names) - len(kept):,} more" if len(names) > len(kept) else ""
    return ", ".join(kept) + more
