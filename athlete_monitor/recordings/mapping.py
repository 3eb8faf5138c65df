"""A mapping file: which column of a table is which channel, for tables with unknown column names.

time: Zeitpunkt          # or {column: Zeitpunkt, unit: ms}
channels:
  heart_rate_bpm: Kanal 3
  speed_mps: {column: V, unit: km/h}
  acc_x: {column: 4, unit: g}     # a number is the place of the column, from 1
athlete: Spieler         # a column of names
number: Nr
phase: Abschnitt
dates: day-first         # or month-first
zone: Europe/Berlin
start: 2026-05-04 10:00:00
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

from athlete_monitor.config import read_plain
from athlete_monitor.errors import ConfigError, RecordingError
from athlete_monitor.recordings.moments import Rules, moment_of
from athlete_monitor.recordings.plans import ColumnPlan, PlannedColumn, named
from athlete_monitor.recordings.vocabulary import BY_MEANING, CHANNELS, DATE, TIME
from athlete_monitor.recordings.zones import zone_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from athlete_monitor.recordings.format import Options
    from athlete_monitor.recordings.layout import Layout

_ROLES: Final = {
    "time": TIME,
    "date": DATE,
    "athlete": "athlete",
    "number": "number",
    "phase": "session_phase",
    "device": "device",
}
_SETTINGS: Final = ("dates", "zone", "start")
KEYS: Final = (*_ROLES, "channels", *_SETTINGS)


def load_mapping(path: Path) -> Mapping[str, object]:
    """Read a mapping file.

    Raises:
        ConfigError: it is not a mapping; the text gives the place and what is allowed.
    """
    mapping: Any = read_plain(path)
    if not isinstance(mapping, dict) or not mapping:
        raise ConfigError(f"{path}: is not a mapping; allowed keys: {', '.join(KEYS)}")
    unknown = [str(key) for key in mapping if key not in KEYS]
    if unknown:
        raise ConfigError(f"{path}: unknown key {unknown[0]!r}; allowed: {', '.join(KEYS)}")
    _check_channels(path, mapping.get("channels"))
    _check_settings(path, mapping)
    return mapping


def _check_channels(path: Path, channels: object) -> None:
    if not isinstance(channels, dict) or not channels:
        raise ConfigError(f"{path}: channels must name at least one channel and its column")
    unknown = [str(name) for name in channels if name not in (*CHANNELS, "hdop", "satellites")]
    if unknown:
        raise ConfigError(f"{path}: channels: unknown channel {unknown[0]!r}; allowed: {', '.join(CHANNELS)}")


def _check_settings(path: Path, mapping: Mapping[str, object]) -> None:
    if mapping.get("dates") not in (None, "day-first", "month-first"):
        raise ConfigError(f"{path}: dates must be day-first or month-first")
    try:
        if mapping.get("zone") is not None:
            zone_of(str(mapping["zone"]))
        if mapping.get("start") is not None:
            moment_of(str(mapping["start"]), Rules(f"{path}: start"))
    except (RecordingError, ValueError) as error:
        raise ConfigError(f"{path}: {error}") from None


def mapped(layout: Layout, mapping: Mapping[str, object]) -> ColumnPlan:
    """Return the plan of a table by a mapping.

    Raises:
        RecordingError: a column is not in the table, or a unit is not known.
    """
    columns = [
        _column(layout, meaning, mapping[key]) for key, meaning in _ROLES.items() if mapping.get(key) is not None
    ]
    channels: Mapping[str, object] = mapping["channels"]  # type: ignore[assignment]
    columns += [_column(layout, name, said) for name, said in channels.items()]
    used = {column.place for column in columns}
    ignored = tuple((name, "it is not in the mapping") for place, name in enumerate(layout.header) if place not in used)
    return ColumnPlan(layout, tuple(columns), ignored)


def _column(layout: Layout, meaning: str, said: object) -> PlannedColumn:
    wanted, unit = (said.get("column"), str(said.get("unit") or "")) if isinstance(said, dict) else (said, "")
    place = _place(layout, wanted)
    units = BY_MEANING[meaning].units
    if unit and meaning not in (TIME, DATE) and unit.casefold().replace(" ", "") not in units:
        raise RecordingError(f"{layout.source}: {meaning}: unit {unit!r} is not known; allowed: {', '.join(units)}")
    factor = units.get(unit.casefold().replace(" ", ""), 1.0) if unit else 1.0
    return PlannedColumn(place, meaning, factor, unit)


def _place(layout: Layout, wanted: object) -> int:
    if isinstance(wanted, int) and not isinstance(wanted, bool):
        if 1 <= wanted <= len(layout.header):
            return wanted - 1
        raise RecordingError(f"{layout.source}: has no column {wanted}; it has {len(layout.header)}")
    place = layout.column(str(wanted))
    if place is None:
        raise RecordingError(f"{layout.source}: has no column {str(wanted)!r}; its columns: {named(layout.header)}")
    return place


def settings(options: Options) -> Options:
    """Return the options with the mapping's values, unless the command line sets them."""
    mapping = options.mapping or {}
    day_first = options.day_first
    if day_first is None and mapping.get("dates"):
        day_first = mapping["dates"] == "day-first"
    zone = options.zone or (zone_of(str(mapping["zone"])) if mapping.get("zone") else None)
    start = options.start_t
    if start is None and mapping.get("start"):
        start = moment_of(str(mapping["start"]), Rules("start", zone, None, day_first))[0]
    return dataclasses.replace(options, day_first=day_first, zone=zone, start_t=start)
