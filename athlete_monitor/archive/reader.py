"""Reads the journal while the engine writes it: sessions, seconds, periods and the figures of any part."""

from __future__ import annotations

import json
import math
import sqlite3
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np

from athlete_monitor.archive.address import address, has_tables
from athlete_monitor.archive.columns import column
from athlete_monitor.archive.parts import Parts
from athlete_monitor.archive.records import DeviceSession, Event
from athlete_monitor.archive.schema import SCHEMA_VERSION, figure_columns
from athlete_monitor.errors import MonitorError
from athlete_monitor.physiology.session_rpe import LARGEST_RPE
from athlete_monitor.team.minutes import minutes_played
from athlete_monitor.team.records import AlarmRow, Marker, Period, Rating, Stint, TeamSession, Whose

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from athlete_monitor.arrays import FloatArray

_TEAM: Final = "SELECT id, start_t, end_t, mode, name, note, opponent, day_code FROM team_sessions"
_SESSIONS: Final = """
SELECT id, session_id, device_id, athlete_id, start_t, end_t, team_session, facts, load_trimp, summary FROM sessions"""
_OVERLAPS: Final = "COALESCE(end_t, 9e12) > ? AND start_t < ?"
PATIENCE_S: Final = 2.0
_SESSIONS_A_TIME: Final = 32
_MOST_MINUTES: Final = 1e5

T = TypeVar("T")


class Archive:
    """Read-only access to the journal that never blocks the engine.

    It may be used from several threads. A journal that does not exist yet is read as empty; if the file is moved or
    replaced, the new one is opened. Times are epoch seconds by the device's clock.

    Args:
        path: ``paths.journal`` of the configuration.
        patience_s: how long a call waits for a journal that another program has locked.
        rest_s: for so long after a call that failed, further calls fail at once: a live program must not wait again and
            again for what cannot be read.

    Raises:
        MonitorError: raised by every method, in one line: the journal is damaged, unreadable or of another version.
    """

    def __init__(self, path: Path, *, patience_s: float = PATIENCE_S, rest_s: float = 0.0) -> None:
        self._path = path
        self._patience_s, self._rest_s = patience_s, rest_s
        self._failure: MonitorError | None = None
        self._failed_s = -math.inf
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None

    def close(self) -> None:
        """Close the connection; the next call opens it again."""
        with self._lock:
            self._forget()

    def team_sessions(self, from_t: float | None = None, to_t: float | None = None) -> list[TeamSession]:
        """Team sessions that overlap a span of time, oldest first."""
        where, span = _OVERLAPS, (_or(from_t, -9e12), _or(to_t, 9e12))
        return [TeamSession(*row) for row in self._rows(f"{_TEAM} WHERE {where} ORDER BY start_t, id", span)]

    def team_session(self, id: str) -> TeamSession | None:  # noqa: A002 - the record's own name for it
        """One team session, or None."""
        return next((TeamSession(*row) for row in self._rows(f"{_TEAM} WHERE id = ?", (id,))), None)

    def sessions(
        self,
        team_session: str | None = None,
        athlete_id: int | None = None,
        from_t: float | None = None,
        to_t: float | None = None,
    ) -> list[DeviceSession]:
        """Sessions of devices, oldest first; each argument is a filter."""
        where, values = _filter(team_session, athlete_id, from_t, to_t)
        rows = self._rows(f"{_SESSIONS} WHERE {where} ORDER BY start_t, id", values)
        return [_device_session(row) for row in rows]

    def each_session(
        self,
        team_session: str | None = None,
        athlete_id: int | None = None,
        from_t: float | None = None,
        to_t: float | None = None,
    ) -> Iterator[DeviceSession]:
        """The same as ``sessions``, read some at a time: the summaries of a year do not lie in memory together."""
        where, values = _filter(team_session, athlete_id, from_t, to_t)
        found = self._rows(f"SELECT id FROM sessions WHERE {where} ORDER BY start_t, id", values)  # noqa: S608 - our own
        numbers = [number for (number,) in found]
        for first in range(0, len(numbers), _SESSIONS_A_TIME):
            chosen = ", ".join(map(str, numbers[first : first + _SESSIONS_A_TIME]))
            for row in self._rows(f"{_SESSIONS} WHERE id IN ({chosen}) ORDER BY start_t, id"):
                yield _device_session(row)

    def seconds(
        self,
        session: int,
        from_t: float | None = None,
        to_t: float | None = None,
        columns: Sequence[str] | None = None,
    ) -> dict[str, FloatArray]:
        """Figures of a session by the second, oldest first.

        Args:
            session: ``DeviceSession.number``.
            from_t: first moment, included; None: from the beginning.
            to_t: last moment, excluded; None: to the end.
            columns: figures; None for all in the archive. Figures that are not in the archive are all NaN.

        Returns:
            float64 arrays [n]: ``"t"`` and one for each figure, NaN where it was null. Entries of a mapping are columns
            of their own, ``time_in_zones_s__zone_1``; ``heart_rate_source`` is a position in ``columns.SOURCES``.
        """
        with self._lock:
            return self._guarded(lambda c: _seconds(c, session, (_or(from_t, -9e12), _or(to_t, 9e12)), columns))

    def periods(self, team_session: str) -> list[Period]:
        """Periods of a team session, in the order of their beginning."""
        rows = self._rows(
            "SELECT id, name, kind, start_t, end_t, whose, automatic FROM periods WHERE team_session = ?"
            " ORDER BY start_t, id",
            (team_session,),
        )
        return [_period(row) for row in rows]

    def markers(self, team_session: str) -> list[Marker]:
        """Markers of a team session, oldest first."""
        query = "SELECT id, t, text, athlete_id FROM markers WHERE team_session = ? ORDER BY t, id"
        return [Marker(*row) for row in self._rows(query, (team_session,))]

    def stints(self, team_session: str) -> list[Stint]:
        """Who was on the pitch, off it or unavailable, and when; oldest first."""
        query = (
            "SELECT athlete_id, state, start_t, end_t FROM pitch WHERE team_session = ? ORDER BY start_t, athlete_id"
        )
        return [Stint(*row) for row in self._rows(query, (team_session,))]

    def alarms(self, team_session: str) -> list[AlarmRow]:
        """Alarms of a team session, oldest first."""
        query = (
            "SELECT id, rule, level, text, raised_t, athlete_id, cleared_t, acknowledged_t FROM alarms"
            " WHERE team_session = ? ORDER BY raised_t, id"
        )
        return [AlarmRow(*row) for row in self._rows(query, (team_session,))]

    def events(self, session: int) -> list[Event]:
        """Events of a session, oldest first."""
        rows = self._rows("SELECT t, kind, body FROM events WHERE session = ? ORDER BY t", (session,))
        return [Event(t, kind, found) for t, kind, body in rows if (found := _object(body)) is not None]

    def commands(self, team_session: str) -> list[dict[str, Any]]:
        """Accepted commands of a team session, in the order of execution."""
        rows = self._rows("SELECT body FROM commands WHERE team_session = ? ORDER BY rowid", (team_session,))
        return _objects(rows)

    def results(self, since_t: float) -> list[dict[str, Any]]:
        """Answers to the commands that were received since a moment."""
        rows = self._rows("SELECT result FROM commands WHERE received_t >= ? ORDER BY rowid", (since_t,))
        return _objects(rows)

    def entries(self, team_session: str) -> list[dict[str, Any]]:
        """Session RPE and wellness of a team session: ``athlete_id``, ``kind``, ``t`` and the ratings."""
        query = "SELECT athlete_id, kind, t, body FROM entries WHERE team_session = ? ORDER BY t, id"
        rows = self._rows(query, (team_session,))
        return [{"athlete_id": who, "kind": kind, "t": t, **(_object(body) or {})} for who, kind, t, body in rows]

    def ratings(self, team_session: str) -> dict[int, Rating]:
        """The latest session RPE of each athlete of a team session, by athlete; one that was taken back is left out.

        Minutes that nobody gave are those of the whole session, also where the rating was given before its end.
        """
        latest = {each["athlete_id"]: each for each in self.entries(team_session) if each["kind"] == "rpe"}
        for who, each in latest.items():
            if each.get("measured") is True:
                each["minutes"] = self._minutes(team_session, who) or each.get("minutes")
        return {who: found for who, each in sorted(latest.items()) if (found := _rating(each)) is not None}

    def _minutes(self, team_session: str, athlete_id: int) -> float | None:
        """Minutes that an athlete took part in a team session; None while it runs, or where nothing is known."""
        query = "SELECT start_t, end_t FROM sessions WHERE team_session = ? AND athlete_id = ?"
        spans = self._rows(query, (team_session, athlete_id))
        if not spans or any(end is None for _, end in spans):
            return None
        stints = [each for each in self.stints(team_session) if each.athlete_id == athlete_id]
        return minutes_played(spans, stints, 0.0)

    def last_moment(self, team_session: str) -> float | None:
        """The last moment with data in a team session; None if there are none."""
        query = (
            "SELECT MAX(t) FROM (SELECT MAX(end_t) AS t FROM sessions WHERE team_session = :id"
            " UNION ALL SELECT MAX(last_t - offset_s) FROM totals JOIN sessions ON id = session"
            " WHERE team_session = :id"
            " UNION ALL SELECT MAX(r.t + r.ms / 1000.0 - offset_s) FROM sessions s JOIN recent r ON r.session = s.id"
            " WHERE team_session = :id"
            " UNION ALL SELECT MAX(b.last_t - offset_s) FROM sessions s JOIN blocks b ON b.session = s.id"
            " WHERE team_session = :id"
            " UNION ALL SELECT MAX(at) FROM commands WHERE team_session = :id)"
        )
        ((last,),) = self._rows(query, {"id": team_session})
        return None if last is None else float(last)

    def recent_summaries(self, athlete_id: int, count: int) -> list[dict[str, Any]]:
        """Summaries of an athlete's last finished sessions, newest first."""
        query = (
            "SELECT summary FROM sessions WHERE athlete_id = ? AND summary IS NOT NULL ORDER BY start_t DESC LIMIT ?"
        )
        return _objects(self._rows(query, (athlete_id, count)))

    def open_teams(self) -> dict[int, str]:
        """The team session of each device's session that has not ended, by the session's number."""
        query = "SELECT id, team_session FROM sessions WHERE end_t IS NULL AND team_session IS NOT NULL"
        return dict(self._rows(query))

    def totals_at(self, session: int, t: float) -> dict[str, float]:
        """Every column at a moment, totals interpolated between seconds; empty before the first second."""
        with self._lock:
            row = self._guarded(lambda c: Parts(c).totals_at(session, t))
        return {name: value / column(name).scale for name, value in row.items() if value is not None}

    def part(self, session: int, spans: Sequence[tuple[float, float]]) -> dict[str, float | None]:
        """Figures of a part of a session.

        Args:
            session: ``DeviceSession.number``.
            spans: pairs of first moment (included) and last moment (excluded) that form the part.

        Returns:
            By column: totals as differences, extremes of the part, means over its seconds; None where unknown.
            ``duration_s`` is the length of the spans inside the session, ``{total}_per_min`` a total per minute of it.
        """
        return self.parts([session], spans)[session]

    def parts(
        self, sessions: Sequence[int], spans: Sequence[tuple[float, float]]
    ) -> dict[int, dict[str, float | None]]:
        """``part`` of several sessions at once, by session."""
        with self._lock:
            return self._guarded(lambda c: Parts(c).of(sessions, spans))

    def _rows(self, query: str, values: tuple[Any, ...] | dict[str, Any] = ()) -> list[Any]:
        with self._lock:
            return self._guarded(lambda c: c.execute(query, values).fetchall())

    def _guarded(self, read: Callable[[sqlite3.Connection], T]) -> T:
        """Read with an open connection; errors of SQLite become one line."""
        if self._failure is not None and time.monotonic() - self._failed_s < self._rest_s:
            raise self._failure
        try:
            return read(self._open())
        except MonitorError as error:
            self._failed(error)
            raise
        except (sqlite3.Error, OSError) as error:
            self._forget()
            failure = self._failed(MonitorError(f"{self._path}: the archive cannot be read ({error})"))
            raise failure from error

    def _failed(self, failure: MonitorError) -> MonitorError:
        self._failure, self._failed_s = failure, time.monotonic()
        return failure

    def _open(self) -> sqlite3.Connection:
        identity = _identity(self._path)
        if self._connection is not None and identity == self._identity:
            return self._connection
        self._forget()
        found = _connect(self._path, self._patience_s) if identity else None
        self._identity = identity if found is not None else None  # a file without tables is opened again each time
        self._connection = _empty() if found is None else found
        return self._connection

    def _forget(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = self._identity = None


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if found.st_size else None


def _connect(path: Path, patience_s: float) -> sqlite3.Connection | None:
    """A read-only connection; an immutable one if nobody writes and the shared memory of WAL cannot be created.

    None if the file has no tables yet: the disk was full when it was created.
    """
    for options in ("mode=ro", "mode=ro&immutable=1"):
        connection = sqlite3.connect(address(path, options), uri=True, isolation_level=None, check_same_thread=False)
        try:
            connection.execute(f"PRAGMA busy_timeout={round(1000 * patience_s)}")
            if not has_tables(connection):
                connection.close()
                return None
            _check_version(path, connection)
        except sqlite3.OperationalError as error:
            connection.close()
            locked = "locked" in str(error)
            if locked or "immutable" in options or path.with_name(f"{path.name}-wal").exists():
                raise
        except (sqlite3.Error, MonitorError):
            connection.close()
            raise
        else:
            return connection
    raise MonitorError(f"{path}: the archive cannot be read")


def _check_version(path: Path, connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version != SCHEMA_VERSION:
        remedy = "main.py updates it" if version < SCHEMA_VERSION else "a newer program wrote it: update this one"
        raise MonitorError(f"{path}: journal of version {version}, this program reads {SCHEMA_VERSION}; {remedy}")


def _empty() -> sqlite3.Connection:
    """An empty archive in memory."""
    from athlete_monitor.archive.schema import prepare

    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    prepare(connection, ())
    return connection


def _filter(
    team_session: str | None, athlete_id: int | None, from_t: float | None, to_t: float | None
) -> tuple[str, tuple[Any, ...]]:
    """A condition on ``sessions`` and its values."""
    conditions = {
        "team_session = ?": team_session,
        "athlete_id = ?": athlete_id,
        "COALESCE(end_t, 9e12) > ?": from_t,
        "start_t < ?": to_t,
    }
    asked = {text: value for text, value in conditions.items() if value is not None}
    return " AND ".join(asked) or "TRUE", tuple(asked.values())


def _object(cell: str | bytes | None) -> dict[str, Any] | None:
    """The JSON object of a cell; None if it is empty or damaged, which must not hide the other rows."""
    if not isinstance(cell, str | bytes):
        return None
    try:
        found = json.loads(cell)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _objects(rows: Sequence[tuple[str | bytes | None]]) -> list[dict[str, Any]]:
    return [found for (cell,) in rows if (found := _object(cell)) is not None]


def _device_session(row: tuple[Any, ...]) -> DeviceSession:
    number, session_id, device_id, athlete_id, start_t, end_t, team_session, facts, load_trimp, summary = row
    document = _object(summary)
    profile = (_object(facts) or {}).get("profile")
    name = document.get("name") if document else profile.get("name") if isinstance(profile, dict) else None
    return DeviceSession(
        number, session_id, device_id, athlete_id, start_t, end_t, team_session, name, load_trimp, document
    )


def _period(row: tuple[Any, ...]) -> Period:
    number, name, kind, start_t, end_t, whose, automatic = row
    return Period(number, name, kind, start_t, end_t, _whose(whose), bool(automatic))


def _rating(entry: dict[str, Any]) -> Rating | None:
    """A rating; None where it was taken back or is damaged."""
    rpe, minutes = _within(entry.get("rpe"), LARGEST_RPE), _within(entry.get("minutes"), _MOST_MINUTES)
    return None if rpe is None else Rating(entry["athlete_id"], entry["t"], rpe, minutes)


def _within(value: object, largest: float) -> float | None:
    """A number of at least 0; None for anything else."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number and 0.0 <= value <= largest else None  # type: ignore[operator,return-value]


def _whose(text: str) -> Whose:
    document = _object(text) or {}
    athletes = document.get("athletes")
    return Whose(document.get("group"), None if athletes is None else tuple(athletes))


def _seconds(
    connection: sqlite3.Connection, session: int, span: tuple[float, float], columns: Sequence[str] | None
) -> dict[str, FloatArray]:
    known = figure_columns(connection)
    asked = list(dict.fromkeys(known if columns is None else (name for name in columns if name != "t")))
    found = [name for name in asked if name in known]
    names = ", ".join(("x.t + x.ms / 1000.0 - :offset", *(f'x."{name}"' for name in found)))
    offset = connection.execute("SELECT offset_s FROM sessions WHERE id = ?", (session,)).fetchone()
    values = {"session": session, "offset": offset[0] if offset else 0.0, "from_t": span[0], "to_t": span[1]}
    with closing(connection.cursor()) as cursor:
        rows = cursor.execute(_seconds_query(names), values).fetchall()
    table = np.array(rows, dtype=np.float64).reshape(len(rows), 1 + len(found))
    table = _each_second_once(table[(table[:, 0] >= span[0]) & (table[:, 0] < span[1])])
    arrays = {name: table[:, index + 1] / column(name).scale for index, name in enumerate(found)}
    empty = np.full(len(table), np.nan)
    return {"t": table[:, 0], **{name: arrays.get(name, empty) for name in asked}}


def _seconds_query(names: str) -> str:
    return (
        f"SELECT {names} FROM blocks b CROSS JOIN seconds x ON x.id BETWEEN b.first_id AND b.last_id"  # noqa: S608
        " WHERE b.session = :session AND x.session = :session"
        " AND b.last_t - :offset >= :from_t - 1 AND b.first_t - :offset < :to_t"
        f" UNION ALL SELECT {names} FROM recent x WHERE x.session = :session ORDER BY 1"
    )


def _each_second_once(table: FloatArray) -> FloatArray:
    """Rows [n, c] in the order of time; of rows with the same time, the later one."""
    if len(table) < 2:
        return table
    is_last = np.append(np.diff(table[:, 0]) > 0.0, True)
    once: FloatArray = table[is_last]
    return once
