"""The tables that can be exported: their columns with units and meaning, and their rows one after the other.

Every row carries the athlete, the session and the time in UTC and as local time with its offset; rows come in the
order of time and are never all held in memory.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from athlete_monitor.archive.columns import SOURCES
from athlete_monitor.catalogue import FIGURES
from athlete_monitor.physiology import session_rpe
from athlete_monitor.report.export.samples import RR_COLUMNS, SAMPLE_COLUMNS, rr_rows, sample_rows
from athlete_monitor.report.numbers import times
from athlete_monitor.report.ratings import Ratings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from athlete_monitor.archive import Archive, DeviceSession, Period
    from athlete_monitor.arrays import FloatArray
    from athlete_monitor.athletes import Roster
    from athlete_monitor.report.worn import Figures
    from athlete_monitor.wire.session_files import Mode

Value = str | float | int | bool | None
Row = tuple[Value, ...]

_PIECE_ROWS: Final = 3_600
_SOURCE: Final = "heart_rate_source"


@dataclass(frozen=True)
class ExportColumn:
    """A column of an export: name, unit and what it means, for the data dictionary."""

    name: str
    unit: str = ""
    meaning: str = ""
    is_text: bool = False


@dataclass(frozen=True)
class Table:
    """A table: its columns, and its rows as they are read."""

    name: str
    columns: Sequence[ExportColumn]
    rows: Iterator[Row]


@dataclass(frozen=True)
class Selection:
    """What is exported.

    Attributes:
        archive: the journal.
        roster: names.
        folders: where session files of each mode lie, for samples and beats.
        from_t: first moment, epoch seconds; None from the beginning.
        to_t: last moment; None to the end.
        athletes: only these; None for all.
        team_session: only this match or training; None for all.
        session_ids: only these sessions of devices; None for all.
    """

    archive: Archive
    roster: Roster
    folders: Mapping[Mode, Path]
    from_t: float | None = None
    to_t: float | None = None
    athletes: frozenset[int] | None = None
    team_session: str | None = None
    session_ids: frozenset[str] | None = None

    def sessions(self) -> Iterator[DeviceSession]:
        """The device sessions of the selection, oldest first, read as they are used."""
        for each in self.archive.each_session(self.team_session, from_t=self.from_t, to_t=self.to_t):
            if (self.athletes is None or each.athlete_id in self.athletes) and (
                self.session_ids is None or each.session_id in self.session_ids
            ):
                yield each

    def name(self, session: DeviceSession) -> str:
        """The athlete's name."""
        known = self.roster.by_id(session.athlete_id)
        return (known.name if known and known.name else session.name) or f"Device_{session.device_id}"


IDENTITY: Final = (
    ExportColumn("athlete_id", "", "number of the athlete in the roster; 0: nobody is known to wear the device"),
    ExportColumn("name", "", "name of the athlete", is_text=True),
    ExportColumn("session_id", "", "session of one device: athlete, device and time of the first sample", is_text=True),
    ExportColumn("team_session", "", "the match or training that it belongs to", is_text=True),
    ExportColumn("device_id", "", "the device", is_text=True),
)
TIME: Final = (
    ExportColumn("time_utc", "", "ISO 8601, UTC", is_text=True),
    ExportColumn("time_local", "", "ISO 8601, local time of the box with its offset from UTC", is_text=True),
    ExportColumn("t_s", "s", "the same as epoch seconds"),
)


def _identity(selection: Selection, session: DeviceSession) -> Row:
    return (
        session.athlete_id, selection.name(session), session.session_id, session.team_session, session.device_id
    )  # fmt: skip


def figure_column(name: str) -> ExportColumn:
    """The column of an archived figure, with the catalogue's unit and equation.

    >>> figure_column("distance_m_per_min").unit, figure_column("sprints").unit, figure_column("metres_per_min").unit
    ('m/min', '1', 'm/min')
    """
    if name in _OF_PARTS:
        return ExportColumn(name, *_OF_PARTS[name])
    whole = name.partition("__")[0]
    per_minute = name.endswith("_per_min") and whole not in FIGURES
    key, _, entry = (name.removesuffix("_per_min") if per_minute else name).partition("__")
    figure = FIGURES.get(key)
    unit = (figure.unit if figure else "") or "1"
    meaning = (figure.equation or figure.label) if figure else _QUALITY.get(key, "")
    if entry:
        meaning = f"{meaning}: {entry.replace('_', ' ')}"
    return ExportColumn(
        name,
        f"{unit}/min" if per_minute else unit,
        f"{meaning}; per minute of the part" if per_minute else meaning,
        is_text=name == _SOURCE,
    )


_OF_PARTS: Final = {
    "duration_s": ("s", "length of the part within the session"),
    "quality_percent": ("%", "samples received, of those that were expected"),
}
_QUALITY: Final = {"quality": "samples of the session"}


def summaries(selection: Selection) -> Table:
    """One row per athlete and session, with the figures of the whole session and of the athlete's rating of it.

    A rating is about the team's session: where an athlete wore several devices in it, only their first row has the
    rating, so that loads may be added up.
    """
    rated = Ratings(selection.archive)
    known = {key for each in selection.sessions() for key in FIGURES if _plain(each.summary, key) is not None}
    keys = [key for key in FIGURES if key in known]
    ratings = (
        _rating_columns() if any(rated.of(each.team_session, each.athlete_id) for each in selection.sessions()) else ()
    )
    columns = (*IDENTITY, ExportColumn("mode", "", "training or game", is_text=True), *_named("start"), *_named("end"))
    rows = (
        (
            *_identity(selection, each), (each.summary or {}).get("mode"), *times(each.start_t),
            *times(each.end_t or each.start_t), *(_plain(each.summary, key) for key in keys),
            *_in_order(rated.once(each.team_session, each.athlete_id), ratings),
        )
        for each in selection.sessions()
        if each.summary is not None
    )  # fmt: skip
    return Table("summaries", (*columns, *map(figure_column, keys), *ratings), rows)


def _in_order(figures: Figures, columns: Sequence[ExportColumn]) -> Row:
    return tuple(figures.get(each.name) for each in columns)


def _rating_columns() -> tuple[ExportColumn, ...]:
    return tuple(ExportColumn(each.key, each.unit or "1", each.equation) for each in session_rpe.FIGURES)


def _named(prefix: str) -> tuple[ExportColumn, ...]:
    return tuple(ExportColumn(f"{prefix}_{each.name}", each.unit, each.meaning, each.is_text) for each in TIME)


def _plain(summary: Any, key: str) -> Value:  # noqa: ANN401 - a summary as JSON
    value = (summary or {}).get(key)
    return value if isinstance(value, str | float | int | bool) else None


def periods(selection: Selection) -> Table:
    """One row per athlete, session and period; the whole session is the period ``whole session``."""
    names = _part_names(selection)
    head = (
        *IDENTITY, ExportColumn("period", "", "name of the period", is_text=True),
        ExportColumn("period_kind", "", "half, drill, warm-up, break, other or whole", is_text=True), *_named("start"),
    )  # fmt: skip
    return Table("periods", (*head, *map(_part_column, names)), _period_rows(selection, names))


def _part_column(name: str) -> ExportColumn:
    """A column of a part: its extremes of heart rate are those of its seconds, a summary's are held for 5 s."""
    known = figure_column(name)
    return replace(known, meaning=_BY_THE_SECOND[name]) if name in _BY_THE_SECOND else known


_BY_THE_SECOND: Final = {
    "heart_rate_highest_bpm": "highest heart rate of a second; in summaries the highest that was held for 5 s",
    "heart_rate_lowest_bpm": "lowest heart rate of a second; in summaries the lowest that was held for 5 s",
}


def _part_names(selection: Selection) -> list[str]:
    first = next(selection.sessions(), None)
    return list(selection.archive.part(first.number, [(first.start_t, first.start_t + 1)])) if first else []


def _period_rows(selection: Selection, names: Sequence[str]) -> Iterator[Row]:
    known: dict[str, list[Period]] = {}
    for session in selection.sessions():
        team = session.team_session
        if team is not None and team not in known:
            known[team] = selection.archive.periods(team)
        end_t = session.end_t or session.start_t + 1e7
        spans = [("whole session", "whole", session.start_t, end_t)]
        group = _group(selection, session.athlete_id)
        mine = [each for each in known.get(team or "", ()) if each.whose.includes(session.athlete_id, group)]
        spans += [(each.name, str(each.kind), each.start_t, each.end_t or end_t) for each in mine]
        for name, kind, start, end in spans:
            figures = selection.archive.part(session.number, [(start, end)])
            if figures.get("duration_s"):
                values = (_in_words(each, figures.get(each)) for each in names)
                yield (*_identity(selection, session), name, kind, *times(max(start, session.start_t)), *values)


def _in_words(name: str, value: float | None) -> Value:
    """A figure of a part; the source by its name instead of its place in ``SOURCES``."""
    return SOURCES[int(value)] if name == _SOURCE and value is not None else value


def _group(selection: Selection, athlete_id: int) -> str | None:
    known = selection.roster.by_id(athlete_id)
    return getattr(known, "group", None)


def seconds(selection: Selection) -> Table:
    """One row per athlete and second: present figures and the running totals."""
    first = next(selection.sessions(), None)
    names = [name for name in selection.archive.seconds(first.number, 0.0, 0.0) if name != "t"] if first else []
    return Table("seconds", (*IDENTITY, *TIME, *map(figure_column, names)), _second_rows(selection, names))


def _second_rows(selection: Selection, names: Sequence[str]) -> Iterator[Row]:
    for session in selection.sessions():
        identity = _identity(selection, session)
        for table in _pieces(selection, session, names):
            columns = [_values(name, table[name]) for name in names]
            for t_s, *values in zip(table["t"].tolist(), *columns, strict=True):
                yield (*identity, *times(t_s), *values)


def _pieces(selection: Selection, session: DeviceSession, names: Sequence[str]) -> Iterator[dict[str, FloatArray]]:
    """The seconds of a session an hour at a time: a session of a day does not lie in memory as a whole."""
    t_s = selection.archive.seconds(session.number, selection.from_t, selection.to_t, ())["t"]
    starts = t_s[::_PIECE_ROWS].tolist()
    for first, after in zip(starts, [*starts[1:], selection.to_t], strict=True) if starts else ():
        yield selection.archive.seconds(session.number, first, after, names)


def _values(name: str, values: FloatArray) -> list[Value]:
    unknown = np.isnan(values)
    if name == _SOURCE:
        return [None if missing else SOURCES[int(value)] for value, missing in zip(values, unknown, strict=True)]
    found: list[Value] = values.tolist()
    for place in np.flatnonzero(unknown).tolist():
        found[place] = None
    return found


def events(selection: Selection) -> Table:
    """One row per impact, alarm or other event."""
    extra = (
        ExportColumn("kind", "", "impact, alarm …", is_text=True), ExportColumn("peak_g", "g", "peak of an impact"),
        ExportColumn("band", "g", "band of the peak", is_text=True),
        ExportColumn("alert", "", "whether it reached the alert"),
        ExportColumn("text", "", "of an alarm", is_text=True),
    )  # fmt: skip
    rows = (
        (*_identity(selection, session), *times(event.t), event.kind, *_event_values(event.body))
        for session in selection.sessions()
        for event in selection.archive.events(session.number)
    )
    return Table("events", (*IDENTITY, *TIME, *extra), rows)


def _event_values(body: dict[str, Any]) -> Row:
    return body.get("peak_g"), body.get("band"), body.get("alert"), body.get("text")


def samples(selection: Selection) -> Table:
    """Every sample of the session files, as it was measured."""
    return Table("samples", tuple(ExportColumn(*each) for each in SAMPLE_COLUMNS), sample_rows(selection, times))


def rr(selection: Selection) -> Table:
    """Every beat-to-beat interval of the session files."""
    return Table("rr", tuple(ExportColumn(*each) for each in RR_COLUMNS), rr_rows(selection, times))


TABLES: Final[dict[str, Callable[[Selection], Table]]] = {
    "summaries": summaries,
    "periods": periods,
    "seconds": seconds,
    "samples": samples,
    "events": events,
    "rr": rr,
}
