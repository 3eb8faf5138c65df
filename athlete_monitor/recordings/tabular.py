"""Recordings from the rows of a table, by its plan. The vendors' readers use this."""

from __future__ import annotations

import dataclasses
from collections import Counter
from datetime import timezone
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings.cells import MISSING, given, number, safe_text
from athlete_monitor.recordings.dates import EARLIEST
from athlete_monitor.recordings.imported import Imported, Whose
from athlete_monitor.recordings.moments import (
    PARTS_OF_SECONDS,
    Rules,
    TimeColumn,
    Times,
    day_in_name,
    start_in_name,
)
from athlete_monitor.recordings.plans import ColumnPlan, PlannedColumn, named, without_channels
from athlete_monitor.recordings.plural import plural
from athlete_monitor.recordings.table import read_columns
from athlete_monitor.recordings.units import by_range
from athlete_monitor.recordings.vocabulary import (
    CHANNELS,
    DATE,
    ELAPSED,
    TIME,
    key_of,
)
from athlete_monitor.wire.sample import NO_TAGS, Tags, WireProfile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athlete_monitor.arrays import FloatArray, IntArray
    from athlete_monitor.recordings.format import Options
    from athlete_monitor.wire.session_files import Mode

QUALITY: Final = ("hdop", "satellites", "position_quality_percent", "fractional_cadence", "centiseconds")
RR: Final = "rr_intervals_ms"
TAGS: Final = ("session_phase", "intensity_level", "mode", "position", "playing_style")
BODY: Final = ("age", "weight", "height", "gender")
MOST_ATHLETES: Final = 200
_LONGEST_LIST: Final = 20
_DISAGREE: Final = 0.05
_LONGEST_TAG: Final = 64
_UTC: Final = ("utc", "gmt")
_MOST_CLOCKS: Final = 4
_BEAT_MS: Final = (273.0, 2000.0)
"""Intervals of 220 to 30 beats a minute."""


def imported(plan: ColumnPlan, options: Options) -> list[Imported]:
    """Read the recordings in a table, one for each athlete in it.

    Raises:
        RecordingError: there is no time, no channel, or the rows are not readable.
    """
    channels = [column for column in plan.columns if column.meaning in CHANNELS and column.meaning != RR]
    if not channels and plan.first(RR) is None:
        raise RecordingError(f"{plan.layout.source}: {without_channels(plan.layout)}")
    read = _Read(plan, options, channels)
    return [dataclasses.replace(by_range(part, read.given), kind=plan.kind) for part in read.recordings()]


class _Read:
    """The rows of a table that become recordings."""

    def __init__(self, plan: ColumnPlan, options: Options, channels: Sequence[PlannedColumn]) -> None:
        self._plan = plan
        self._channels = [*channels, *(column for column in plan.columns if column.meaning in QUALITY)]
        time = _time_columns(plan)
        others = [column for column in plan.columns if column.meaning == time[0].meaning == TIME] if time else []
        rules = _rules(plan, options)
        self._clocks = {
            column.place: TimeColumn(plan.name(column), _with_name(rules, column, key_of(plan.name(column))))
            for column in (*time, *others[:_MOST_CLOCKS])
        }
        texts = [column.place for column in plan.columns if column.meaning in _TEXTS]
        converters = {place: clock.convert for place, clock in self._clocks.items()}
        wanted = [column.place for column in self._channels]
        self._columns = read_columns(plan.layout, wanted, texts, converters)
        self._time = self._best(time, others[:_MOST_CLOCKS])
        self.given = {column.meaning for column in self._channels if column.unit}

    def _best(self, time: list[PlannedColumn], others: list[PlannedColumn]) -> list[PlannedColumn]:
        """Return the columns of times: of several, one with dates, else one of epochs, else the first."""
        if len(others) < 2:
            return time

        def rank(column: PlannedColumn) -> int:
            numbers = self._columns.numbers[column.place]
            epochs = len(numbers) > 0 and float(np.nanmax(numbers, initial=0.0)) >= EARLIEST
            return 2 if self._clocks[column.place].has_dates else int(epochs)

        best = max(others, key=rank)
        return [best] if rank(best) else time

    def recordings(self) -> list[Imported]:
        times = self._times()
        values, notes = self._values()
        beats = self._beats()
        if beats and "heart_rate_bpm" not in values:
            values["heart_rate_bpm"] = _rates(beats, len(times.t))
        profile, tags, index = self._profile(), *self._tags()
        ignored = _left_out([name for name, _ in self._plan.ignored])
        whole = Imported(
            self._plan.layout.source.path,
            times.t,
            values,
            beats,
            profile,
            (*self._plan.notes, *self._columns.notes(self._plan.layout), *times.notes, *notes, *ignored),
            str(self._plan.layout.source),
            self._plan.kind,
            self._plan.whose,
            self._plan.mode or _mode(tags),
            tags,
            index,
            times.offset_s if times.offset_s is not None else self._plan.offset_s,
            self._plan.totals,
            understood=self._understood(times),
        )
        return self._split(whole)

    def _understood(self, times: Times) -> tuple[str, ...]:
        """The notes that show a user how the table was read."""
        layout = self._plan.layout
        signs = {"\t": "tab", "\x1f": "cells of a workbook"}
        units = f", units in line {layout.first_row - 1}" if layout.units else ""
        header = layout.first_row - (2 if layout.units else 1)
        delimiter = signs.get(layout.delimiter, layout.delimiter)
        table = f"table: {layout.encoding}, delimiter {delimiter}, decimal sign {layout.decimal}"
        lines = [f"{table}, header in line {header}{units}"]
        lines += [f"time: column {self._plan.name(column)!r}, {times.form}" for column in self._time[:1]]
        for column in self._plan.columns:
            if column not in self._time:
                unit = "" if not column.unit else f", unit {column.unit}"
                lines.append(f"column {self._plan.name(column)!r}: {column.meaning}{unit}")
        named = [(name, why) for name, why in self._plan.ignored if name.strip()]
        return (*lines, *(f"column {name!r}: left out, {why}" for name, why in named[:_LONGEST_LIST]))

    def _times(self) -> Times:
        if not self._time:
            start = self._plan.start_t or 0.0
            return Times(start + (self._columns.lines - self._columns.lines[0]) / (self._plan.rate_hz or 1.0), "")
        place = self._time[0].place
        clock, raw = self._clocks[place], self._columns.numbers[place]
        if len(self._time) == 1:
            return clock.finish(raw)
        dates = self._clocks[self._time[1].place]
        return clock.finish(raw, dates.finish(self._columns.numbers[self._time[1].place]))

    def _values(self) -> tuple[dict[str, FloatArray], list[str]]:
        found: dict[str, list[PlannedColumn]] = {}
        for column in self._channels:
            found.setdefault(column.meaning, []).append(column)
        values, notes = {}, []
        for meaning, columns in found.items():
            chosen, note = self._one_of(meaning, columns)
            numbers = self._columns.numbers[chosen.place]
            values[meaning] = numbers * chosen.factor if chosen.factor != 1 else numbers
            notes += [note] if note else []
        fraction = values.pop("fractional_cadence", None)
        if fraction is not None and "cadence_spm" in values:
            values["cadence_spm"] = values["cadence_spm"] + np.nan_to_num(fraction)
        return values, notes

    def _one_of(self, meaning: str, columns: list[PlannedColumn]) -> tuple[PlannedColumn, str]:
        """Return which of several columns is used for a channel."""
        if len(columns) == 1:
            return columns[0], ""
        full = [column for column in columns if not np.isnan(self._columns.numbers[column.place]).all()]
        names = [repr(self._plan.name(column)) for column in columns]
        if len(full) < 2:
            chosen = (full or columns)[0]
            return (
                chosen,
                f"of {' and '.join(names)} for {meaning}, {self._plan.name(chosen)!r} is used, not the empty",
            )
        first, *others = (self._columns.numbers[column.place] * column.factor for column in full)
        for column, other in zip(full[1:], others, strict=True):
            both = ~(np.isnan(first) | np.isnan(other))
            differ = both & (np.abs(first - other) > 1e-3 + 0.01 * np.abs(first))
            if differ.sum() > _DISAGREE * max(both.sum(), 1):
                raise RecordingError(
                    f"{self._plan.layout.source}: columns {self._plan.name(full[0])!r} and "
                    f"{self._plan.name(column)!r} are both "
                    f"{meaning} and differ in {differ.sum():,} of {both.sum():,} rows; choose one with --map"
                )
        chosen = max(full, key=lambda column: (~np.isnan(self._columns.numbers[column.place])).sum())
        return (
            chosen,
            f"of the columns {' and '.join(names)} for {meaning}, {self._plan.name(chosen)!r} is used: they agree",
        )

    def _beats(self) -> dict[int, tuple[float, ...]]:
        column = self._plan.first(RR)
        if column is None:
            return {}
        return {
            row: beats
            for row, cell in enumerate(self._columns.texts[column.place])
            if (beats := _intervals(cell, column.factor))
        }

    def _profile(self) -> WireProfile:
        found = {
            column.meaning: _first(self._columns.texts[column.place])
            for column in self._plan.columns
            if column.meaning in BODY
        }
        if not found:
            return self._plan.profile
        age, weight, height = (given(found.get(name, "")) for name in BODY[:3])
        return WireProfile(_known(age), _known(weight), _known(height), _SEXES.get(found.get("gender", "").lower()))

    def _tags(self) -> tuple[tuple[Tags, ...], IntArray | None]:
        columns = [
            column for column in self._plan.columns if column.meaning in (*TAGS, "fitness_level", "fatigue_rate")
        ]
        columns = [column for column in columns if any(self._columns.texts[column.place])]
        if not columns:
            return (NO_TAGS,), None
        rows = list(zip(*(self._columns.texts[column.place] for column in columns), strict=True))
        kinds = {row: number for number, row in enumerate(dict.fromkeys(rows))}
        names = [column.meaning for column in columns]
        return tuple(_tag(names, row) for row in kinds), np.array([kinds[row] for row in rows])

    def _split(self, whole: Imported) -> list[Imported]:
        """Cut the table into one recording for each athlete or, without names, device."""
        columns = sorted((column for column in self._plan.columns if column.meaning in _OWNERS), key=self._rank)
        who = next((column for column in columns if any(self._columns.texts[column.place])), None)
        if who is None:
            return [whole]
        cells = self._names(who)
        names = [name for name in Counter(cells) if name]
        if len(names) > MOST_ATHLETES:
            raise RecordingError(
                f"{self._plan.layout.source}: column {self._plan.name(who)!r} names more than {MOST_ATHLETES} athletes"
            )
        places = {name: place for place, name in enumerate(names)}
        owners = (
            np.array([places.get(name, -1) for name in cells]) if len(names) > 1 else np.zeros(len(cells), np.int64)
        )
        nobody = int((owners < 0).sum())
        whole = whole.noted(f"{plural(nobody, 'row names', 'rows name')} no athlete and are left out" if nobody else "")
        parts = []
        for place, name in enumerate(names):
            rows = np.flatnonzero(owners == place)
            whose = self._whose(who, name, int(rows[0]))
            parts.append(
                dataclasses.replace(
                    whole if len(names) == 1 else _own(whole, rows), whose=whose, label=_label(whole, whose, len(names))
                )
            )
        return parts

    def _rank(self, column: PlannedColumn) -> float:
        """Names before numbers, numbers before devices; any name before the id of the same athlete."""
        is_id = column.meaning == "athlete" and key_of(self._plan.name(column)).endswith("id")
        return _OWNERS.index("number") - 0.5 if is_id else _OWNERS.index(column.meaning)

    def _names(self, who: PlannedColumn) -> list[str]:
        """Return the cells of a column of names; a first and a last name in two columns are put together."""
        if who.meaning not in _HALF_NAMES:
            return self._columns.texts[who.place]
        halves = [column for name in _HALF_NAMES if (column := self._plan.first(name)) is not None]
        return [
            " ".join(filter(None, cells)) for cells in zip(*(self._columns.texts[c.place] for c in halves), strict=True)
        ]

    def _whose(self, who: PlannedColumn, name: str, row: int) -> Whose:
        numbered = given(name) is not None
        ours = key_of(self._plan.name(who)) in {"athleteid", "athlete"} and numbered
        device = self._plan.first("device")
        shirt = self._plan.first("number")
        found = Whose(
            name=None if who.meaning not in ("athlete", *_HALF_NAMES) or numbered else name,
            number=name if who.meaning == "number" or (numbered and not ours and who.meaning == "athlete") else None,
            athlete_id=int(given(name) or 0) if ours else None,
            device=self._columns.texts[device.place][row] or None if device is not None else self._plan.whose.device,
        )
        if found.number is None and shirt is not None and self._columns.texts[shirt.place][row]:
            found = dataclasses.replace(found, number=self._columns.texts[shirt.place][row])
        return found


_HALF_NAMES: Final = ("first_name", "last_name")
_OWNERS: Final = ("athlete", "last_name", "first_name", "number", "device")
_TEXTS: Final = frozenset({RR, *_OWNERS, "fitness_level", "fatigue_rate", *TAGS, *BODY})


_SEXES: Final[Mapping[str, Literal["male", "female"]]] = {
    **dict.fromkeys(("male", "m", "1", "1.0"), "male"),
    **dict.fromkeys(("female", "f", "0", "0.0"), "female"),
}


def _known(value: float | None) -> float | None:
    return value if value and value > 0 else None


def _own(whole: Imported, rows: IntArray) -> Imported:
    mine = set(rows.tolist()) if whole.rr else set()
    own = {row: beats for row, beats in whole.rr.items() if row in mine}
    return dataclasses.replace(whole, rr=own).rows(rows)


def _label(whole: Imported, whose: Whose, count: int) -> str:
    return f"{whole}: {whose}" if count > 1 else str(whole)


def _mode(tags: tuple[Tags, ...]) -> Mode | None:
    modes = {tag.mode for tag in tags if tag.mode}
    return "game" if "game" in modes else "training" if "training" in modes else None


def _tag(names: Sequence[str], cells: Sequence[str]) -> Tags:
    found: dict[str, object] = {}
    for name, cell in zip(names, cells, strict=True):
        text = safe_text(cell)[:_LONGEST_TAG].strip()
        if name in {"fitness_level", "fatigue_rate"}:
            found[name] = number(text) if text else None
        elif name == "mode":
            found[name] = {"training": "training", "game": "game", "match": "game"}.get(text.lower())
        else:
            found[name] = text or None
    return Tags(**found)  # type: ignore[arg-type]


def _rates(beats: Mapping[int, tuple[float, ...]], count: int) -> FloatArray:
    """Return the heart rate of each row with beats, bpm, [n]; NaN elsewhere and where an interval is no beat's."""
    rates = np.full(count, np.nan)
    for row, intervals in beats.items():
        usual = sum(intervals) / len(intervals)
        rates[row] = round(60_000 / usual, 1) if _BEAT_MS[0] <= usual <= _BEAT_MS[1] else np.nan
    return rates


def _first(cells: Sequence[str]) -> str:
    return next((cell for cell in cells if cell.lower() not in MISSING), "")


def _intervals(cell: str, factor: float) -> tuple[float, ...]:
    """Return the beat intervals in a cell, with any separator."""
    if not cell:
        return ()
    beats = [given(part) for part in cell.strip("[]").replace(";", " ").replace(",", " ").split()]
    return tuple(beat * factor for beat in beats if beat is not None)


def _time_columns(plan: ColumnPlan) -> list[PlannedColumn]:
    """Return the column of times and, if the day is in another column, that one."""
    if plan.rate_hz:
        return []
    moment, date, elapsed = plan.first(TIME), plan.first(DATE), plan.first(ELAPSED)
    if moment is not None and date is not None:
        return [moment, date]
    if date is not None and elapsed is None:
        return [date]
    if moment is None and elapsed is None:
        raise RecordingError(
            f"{plan.layout.source}: the header lacks a timestamp; its columns: {named(plan.layout.header)}"
        )
    return [moment or elapsed]  # type: ignore[list-item]


def _time_unit(column: PlannedColumn) -> str:
    return (
        column.unit
        if column.unit.lower() in {"s", "sec", "ms", "us", "µs", "ns", "min", "h", "cs", *PARTS_OF_SECONDS}
        else ""
    )


def _with_name(rules: Rules, column: PlannedColumn, key: str) -> Rules:
    """Return the rules for a column whose name may give a unit, or say that it is UTC."""
    utc = key.startswith(_UTC) or key.endswith(_UTC)
    return dataclasses.replace(rules, unit=_time_unit(column), zone=timezone.utc if utc else rules.zone)


def _rules(plan: ColumnPlan, options: Options) -> Rules:
    start = options.start_t if options.start_t is not None else plan.start_t
    if start is None:
        start = start_in_name(plan.layout.source.name, options.zone)
    day = day_in_name(plan.layout.source.name, options.zone)
    return Rules(str(plan.layout.source), options.zone, start, options.day_first, day_t=day)


def _left_out(names: Sequence[str]) -> tuple[str, ...]:
    full = [name for name in names if name.strip()]
    return (f"columns left out: {named(full)}",) if full else ()
