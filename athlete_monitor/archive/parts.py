"""Figures of a part of a session: totals as differences, extremes as extremes, means over its seconds.

Only the ends of a part are read second by second; between them each of the ``blocks`` covers about a minute. A running
total between two seconds is interpolated, so that parts add up to the whole wherever they are cut.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from athlete_monitor.archive.columns import PRESENT_OF, Column, column
from athlete_monitor.archive.schema import figure_columns
from athlete_monitor.catalogue import FIGURES

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence

STEP_S: Final = 2.0
"""A total grows only within this time before the second in which it is seen: the rest of a longer gap is missing."""
_BLOCK_BEFORE: Final = """
SELECT first_id, last_id FROM blocks WHERE session = ? AND first_t <= ? ORDER BY first_t DESC, first_id DESC LIMIT 1"""
_BLOCKS_AFTER: Final = """
SELECT first_id, last_id FROM blocks WHERE session = ? AND first_t > ? ORDER BY first_t, first_id LIMIT 2"""

_UP_TO: Final = "x.t + x.ms / 1000.0 <= ? ORDER BY x.t DESC, x.ms DESC, x.id DESC"
_AFTER: Final = "x.t + x.ms / 1000.0 > ? ORDER BY x.t, x.ms, x.id DESC"

Row = dict[str, Any]
Span = tuple[float, float]


@dataclass
class Extremes:
    """Sums over the seconds of a part, for one present figure, in whole numbers of the table."""

    total: float = 0.0
    count: int = 0
    highest: float = -math.inf
    lowest: float = math.inf

    def add(self, total: float, count: int, highest: float, lowest: float) -> None:
        """Add further seconds."""
        self.total += total
        self.count += count
        self.highest = max(self.highest, highest)
        self.lowest = min(self.lowest, lowest)

    def value(self, how: str) -> float:
        """The mean, maximum or minimum."""
        if how == "mean":
            return self.total / self.count
        return self.highest if how == "maximum" else self.lowest


@dataclass
class _Found:
    """A part while it is computed."""

    spans: list[Span]
    ends: list[tuple[Row, Row]] = field(default_factory=list)
    present: dict[str, Extremes] = field(default_factory=dict)


class Parts:
    """Computes parts on an open connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._names = figure_columns(connection)
        self._columns = [column(name) for name in self._names]
        self._chosen = ", ".join(("x.t + x.ms / 1000.0", *(f'x."{name}"' for name in self._names)))
        self._present = [each for each in self._columns if each.how in {"mean", "maximum", "minimum"}]

    def of(self, sessions: Iterable[int], spans: Sequence[Span]) -> dict[int, dict[str, float | None]]:
        """Figures of the part that consists of ``spans``, for each session."""
        return {session: self._one(session, _joined(spans)) for session in sessions}

    def totals_at(self, session: int, t: float) -> Row:
        """Every column at a moment, totals interpolated; empty before the first second."""
        return self._at(session, t + self._offset(session))

    def _one(self, session: int, spans: list[Span]) -> dict[str, float | None]:
        offset = self._offset(session)
        begin, end = self._extent(session)
        inside = [(max(a + offset, begin), min(b + offset, end)) for a, b in spans]
        found = _Found([span for span in inside if span[1] > span[0]])
        for first, last in found.spans:
            found.ends.append((self._at(session, first) if first > begin else {}, self._at(session, last)))
            self._add_present(found, session, (first, last), is_end=last >= end)
        return _figures(self._columns, found)

    def _offset(self, session: int) -> float:
        row = self._connection.execute("SELECT offset_s FROM sessions WHERE id = ?", (session,)).fetchone()
        return float(row[0]) if row else 0.0

    def _extent(self, session: int) -> Span:
        """The span from the session's first sample to its last second; empty if there is no second."""
        (first,) = self._connection.execute(
            "SELECT start_t + offset_s FROM sessions WHERE id = ?", (session,)
        ).fetchone() or (None,)
        rows = self._connection.execute(
            "SELECT MIN(first_t), MAX(last_t) + 1 FROM blocks WHERE session = ?"
            " UNION ALL SELECT MIN(t), MAX(t) + 1 FROM recent WHERE session = ?",
            (session, session),
        ).fetchall()
        known = [row for row in rows if row[0] is not None]
        if not known:
            return 0.0, 0.0
        begin = min(row[0] for row in known)
        return float(begin if first is None else min(first, begin)), float(max(row[1] for row in known))

    def _at(self, session: int, t: float) -> Row:
        before, after = self._neighbours(session, t)
        if before is None or after is None:
            return dict(zip(self._names, before[1:], strict=True)) if before is not None else {}
        reach = min(after[0] - before[0], STEP_S)
        share = 1.0 - (after[0] - t) / reach if reach > 0.0 else 1.0
        return {
            each.name: _between(each, before[index], after[index], min(max(share, 0.0), 1.0))
            for index, each in enumerate(self._columns, start=1)
        }

    def _neighbours(self, session: int, t: float) -> tuple[Any, Any]:
        """The last row up to ``t`` and the first after it, None if there is none."""
        sources = self._sources(session, t)
        before = [row for source in sources if (row := self._row(source, session, t, _UP_TO))]
        after = [row for source in sources if (row := self._row(source, session, t, _AFTER))]
        return (max(before, key=_time) if before else None), (min(after, key=_time) if after else None)

    def _sources(self, session: int, t: float) -> list[tuple[str, tuple[int, ...]]]:
        """The sources that may hold rows around ``t``; a block's ``first_t`` is the whole second in which it begins."""
        blocks: list[tuple[int, ...]] = []
        for which in (_BLOCK_BEFORE, _BLOCKS_AFTER):
            blocks += self._connection.execute(which, (session, t - 1.0))
        return [("recent x WHERE TRUE", ()), *(("seconds x WHERE x.id BETWEEN ? AND ?", block) for block in blocks)]

    def _row(self, source: tuple[str, tuple[int, ...]], session: int, t: float, which: str) -> Any:  # noqa: ANN401
        query = f"SELECT {self._chosen} FROM {source[0]} AND x.session = ? AND {which} LIMIT 1"  # noqa: S608 - our own
        return self._connection.execute(query, (*source[1], session, t)).fetchone()

    def _add_present(self, found: _Found, session: int, span: Span, *, is_end: bool) -> None:
        """Add the seconds of a span: whole blocks if they are inside, else row by row."""
        names = [each.name for each in self._present]
        if not names:
            return
        first, last = span[0], math.inf if is_end else span[1]
        sums = ", ".join(_block_sums(each) for each in self._present)
        inside = "session = ? AND first_t >= ? AND last_t + 1 <= ?"
        query = f"SELECT {sums} FROM blocks WHERE {inside}"  # noqa: S608 - names of our own
        _merge(found, names, self._connection.execute(query, (session, first, last)).fetchone())
        sums = ", ".join(_row_sums(each) for each in self._present)
        ragged = "b.session = ? AND b.last_t + 1 > ? AND b.first_t < ? AND NOT (b.first_t >= ? AND b.last_t + 1 <= ?)"
        within = "x.session = ? AND x.t + x.ms / 1000.0 >= ? AND x.t + x.ms / 1000.0 < ?"
        query = (
            f"SELECT {sums} FROM blocks b CROSS JOIN seconds x ON x.id BETWEEN b.first_id AND b.last_id"  # noqa: S608
            f" WHERE {ragged} AND {within}"
        )
        values = (session, first, last, first, last, session, first, last)
        _merge(found, names, self._connection.execute(query, values).fetchone())
        query = f"SELECT {sums} FROM recent x WHERE {within}"  # noqa: S608
        _merge(found, names, self._connection.execute(query, (session, first, last)).fetchone())


def _time(row: Any) -> float:  # noqa: ANN401 - a row of SQLite
    return float(row[0])


def _joined(spans: Sequence[Span]) -> list[Span]:
    """Spans in order, with touching or overlapping ones merged so that nothing is counted twice."""
    joined: list[Span] = []
    for first, last in sorted(span for span in spans if span[1] > span[0]):
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined


def _between(each: Column, before: Any, after: Any, share: float) -> Any:  # noqa: ANN401 - numbers of SQLite, or None
    """A value between two rows: totals grow evenly, everything else stays as it was."""
    if each.how != "difference" or before is None or after is None:
        return before
    return before + share * (after - before)


def _block_sums(each: Column) -> str:
    name = each.name
    if each.how == "mean":
        return f'SUM("sum_{name}"), SUM("n_{name}"), MAX("max_{name}"), MIN("min_{name}")'
    extreme = f'MAX("max_{name}")' if each.how == "maximum" else f'MIN("min_{name}")'
    return f"NULL, NULL, {extreme}, {extreme}"


def _row_sums(each: Column) -> str:
    name = f'x."{each.name}"'
    return f"SUM({name}), COUNT({name}), MAX({name}), MIN({name})"


def _merge(found: _Found, names: Sequence[str], sums: Sequence[Any]) -> None:
    for index, name in enumerate(names):
        total, count, highest, lowest = sums[4 * index : 4 * index + 4]
        if highest is not None:
            found.present.setdefault(name, Extremes()).add(total or 0.0, count or 0, highest, lowest)


def _figures(columns: Sequence[Column], found: _Found) -> dict[str, float | None]:
    duration_s = sum(last - first for first, last in found.spans)
    figures: dict[str, float | None] = {"duration_s": duration_s}
    for each in columns:
        value = _value(each, found)
        figures[each.name] = None if value is None else value / each.scale
        if each.adds and not each.is_time:
            known = value is not None and duration_s > 0.0
            figures[f"{each.name}_per_min"] = 60.0 * value / each.scale / duration_s if known else None  # type: ignore[operator]
    return figures | _of_the_seconds(found) | _quality(figures)


def _of_the_seconds(found: _Found) -> dict[str, float | None]:
    """Mean and extremes, as in a summary, from the seconds of a present figure."""
    figures: dict[str, float | None] = {}
    for name, present in PRESENT_OF.items():
        seen, which = found.present.get(present), FIGURES[name].part
        if FIGURES[name].scope == "summary":
            figures[name] = None if seen is None else seen.value(which) / column(present).scale
    return figures


def _quality(figures: Mapping[str, float | None]) -> dict[str, float | None]:
    """Received samples in percent of the expected ones."""
    received, lost = figures.get("quality__received"), figures.get("quality__lost")
    expected = (received or 0.0) + (lost or 0.0)
    return {"quality_percent": 100.0 * (received or 0.0) / expected if expected else None}


def _value(each: Column, found: _Found) -> float | None:
    """One figure of a part, in whole numbers of the table."""
    if each.adds:
        return _difference(each.name, found.ends)
    if each.how in {"highest", "lowest"}:
        return _running_extreme(each, found)
    if each.how in {"last", "none"}:
        return _last(each.name, found.ends)
    seen = found.present.get(each.name)
    return None if seen is None else seen.value(each.how)


def _difference(name: str, ends: Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> float | None:
    differences = [last[name] - (first.get(name) or 0.0) for first, last in ends if last.get(name) is not None]
    return sum(differences) if differences else None


def _last(name: str, ends: Sequence[tuple[Row, Row]]) -> float | None:
    known: list[float] = [float(end[name]) for _, end in ends if end.get(name) is not None]
    return known[-1] if known else None


def _running_extreme(each: Column, found: _Found) -> float | None:
    """An extreme of a part: the session's running extreme if it changed within the part, else that of its seconds."""
    moved: list[float] = [last[each.name] for first, last in found.ends if _moved(each, first, last)]
    seen = found.present.get(PRESENT_OF.get(each.name, ""))
    if seen is not None:
        moved.append(seen.highest if each.how == "highest" else seen.lowest)
    if not moved:
        return None
    return max(moved) if each.how == "highest" else min(moved)


def _moved(each: Column, first: Row, last: Row) -> bool:
    return last.get(each.name) is not None and first.get(each.name) != last[each.name]
