"""The journal: what survives a kill or a power cut, and the archive of every session.

A SQLite file in WAL mode with full synchronisation, written by one thread in one transaction per cycle:

* ``sessions``: one row each, written at the first sample and at the summary; a recording that is sent twice, or a
  message that the broker retains, begins a second session of one id;
* ``recent``, ``seconds``: one row per athlete and second, appended to the first and moved to the second once a minute,
  sorted by session, so that a session can be read without reading the others;
* ``blocks``: one row per session and minute: where its seconds are, and their sums and extremes;
* ``events``: impacts, alerts and the like;
* ``totals``: for each running session what changes: everything that has been added up, replaced each cycle;
* ``layouts``: names of the numbers in ``totals``, so that a session goes on over an update that adds a figure;
* ``memories``: for each running session what features, fusion and filters remember, replaced every ``MEMORY_EVERY_S``.

``athlete_monitor.archive`` has the tables and reads them. Pages of a microSD card wear: rows are appended or replaced
in place, there is no index to keep, and the write-ahead log is written back seldom. States are compressed by the
writing thread.
"""

from __future__ import annotations

import sqlite3
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from athlete_monitor.archive.columns import MAPPINGS, archived
from athlete_monitor.archive.schema import SCHEMA_VERSION, forget_seconds, prepare
from athlete_monitor.engine.journal.seconds import SecondsTable
from athlete_monitor.engine.sinks.worker import Alarm, Worker
from athlete_monitor.errors import MonitorError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

MEMORY_EVERY_S = 30.0
KEEP_DAYS = 400
_DAY_S = 86_400.0
_OPEN_SESSIONS = """
SELECT id, session_id, device_id, athlete_id, start_t + offset_s, COALESCE(totals.last_t, start_t + offset_s),
    COALESCE(arrived_s, began_s), facts, totals.state, memories.state
FROM sessions LEFT JOIN totals ON totals.session = id LEFT JOIN memories ON memories.session = id
WHERE end_t IS NULL ORDER BY id"""
_FORGET_REPEATED = """
DELETE FROM recent WHERE id IN (SELECT r.id FROM recent r JOIN sessions s ON s.id = r.session
    LEFT JOIN totals ON totals.session = r.session
    WHERE s.end_t IS NULL AND r.t + r.ms / 1000.0 > COALESCE(totals.last_t, s.start_t + s.offset_s) + 0.001)"""
_CHECKPOINT_PAGES = 4000
_BEGIN = """
INSERT INTO sessions (id, session_id, device_id, athlete_id, start_t, began_s, facts) VALUES (
    ?1, CASE WHEN EXISTS (SELECT 1 FROM sessions WHERE session_id = ?2) THEN ?2 || '_' || ?1 ELSE ?2 END,
    ?3, ?4, ?5, ?6, ?7)"""
_SECOND = "second"
"""Marks a record that is one athlete's second: session, time by the session's clock, and the figures of the message."""


@dataclass(frozen=True)
class OpenSession:
    """A session as the journal knows it. ``facts`` are the engine's, ``arrived_s`` the wall time of the commit."""

    number: int
    session_id: str
    device_id: str
    athlete_id: int
    start_t: float
    last_t: float
    arrived_s: float
    facts: dict[str, Any]
    totals: bytes | None
    memory: bytes | None


@dataclass(frozen=True)
class PastLoad:
    """A finished session of an athlete, for the history of load."""

    start_t: float
    end_t: float
    trimp: float | None
    """None where nobody knows it."""


def connect(path: Path) -> sqlite3.Connection:
    """Open the journal, making it where there is none.

    Raises:
        MonitorError: the file cannot be made, is no journal, or of another version.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise MonitorError(f"{path}: cannot be opened: {reason} (paths.journal)") from error
    connection.create_function("packed", 1, _pack, deterministic=True)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        _check_version(path, version)
        connection.execute("BEGIN IMMEDIATE")
        prepare(connection, (name for name in archived() if name not in MAPPINGS))
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        connection.close()
        raise MonitorError(f"{path}: not usable as a journal ({error}); move it away to begin a new one") from error
    except MonitorError:
        connection.close()
        raise
    return connection


def _check_version(path: Path, version: int) -> None:
    if version > SCHEMA_VERSION:
        raise MonitorError(f"{path}: journal of version {version}, this program reads {SCHEMA_VERSION}")


class Journal:
    """The journal of one engine.

    Every method but ``open_sessions`` and ``past_loads`` only leaves a record for the writing thread. While the
    disk fails, the newest snapshot of each session is kept, and other records up to a limit.

    Args:
        path: the SQLite file.
        now_s: wall clock, epoch seconds.
        period_s: time between two transactions.
        tell: called with a sentence, and whether it is bad news, when the disk fails or works again.
        keep_days: seconds of sessions that ended longer ago are deleted; sessions, summaries and events stay.
    """

    def __init__(
        self,
        path: Path,
        now_s: Callable[[], float],
        period_s: float = 1.0,
        tell: Callable[[str, bool], None] | None = None,
        keep_days: float = KEEP_DAYS,
    ) -> None:
        self._connection = connect(path)
        self._now_s = now_s
        self._seconds = SecondsTable(self._connection)
        self._keep_days = keep_days
        self._forget_old_seconds()
        found = self._connection.execute("SELECT COALESCE(MAX(id), 0) FROM sessions").fetchone()
        self._last_number = int(found[0])
        self._worker = Worker("journal", self._write, period_s=period_s, alarm=Alarm("journal", tell))
        self._kept: list[_Record] = []

    @property
    def failing(self) -> bool:
        """Whether the last transaction failed."""
        return self._worker.alarm.raised

    @property
    def lost(self) -> int:
        """Records given up because the disk has failed for too long."""
        return self._worker.dropped

    def start(self) -> None:
        """Start the writing thread."""
        self._worker.start()

    def stop(self) -> None:
        """Write what is waiting and close the file."""
        self._worker.stop()
        self._connection.close()

    def open_sessions(self) -> list[OpenSession]:
        """Sessions that an earlier engine began and did not end; call before ``start``.

        Seconds after their last snapshot are dropped: the sessions go on from there and would count them twice.
        """
        self._connection.execute(_FORGET_REPEATED)
        rows = self._connection.execute(_OPEN_SESSIONS)
        return [_open_session(row) for row in rows]

    def add_layout(self, number: int, names: Sequence[str]) -> None:
        """Keep the names of the numbers that snapshots hold from now on; call before ``start``."""
        self._connection.execute(
            "INSERT OR IGNORE INTO layouts VALUES (?, ?)", (number, msgspec.json.encode(list(names)))
        )

    def layouts(self) -> dict[int, list[str]]:
        """Names of the numbers of every layout that snapshots may hold; call before ``start``."""
        rows = self._connection.execute("SELECT id, names FROM layouts")
        return {number: msgspec.json.decode(names) for number, names in rows}

    def past_loads(self) -> dict[int, list[PastLoad]]:
        """Finished sessions of every athlete, oldest first; call before ``start``."""
        loads: dict[int, list[PastLoad]] = {}
        rows = self._connection.execute(
            "SELECT athlete_id, start_t, end_t, load_trimp FROM sessions WHERE end_t IS NOT NULL ORDER BY start_t"
        )
        for athlete_id, *load in rows:
            loads.setdefault(athlete_id, []).append(PastLoad(*load))
        return loads

    def begin(self, session_id: str, device_id: str, athlete_id: int, start_t: float, facts: dict[str, Any]) -> int:
        """Record a new session and return its number; an id that was there before gets the number behind it."""
        number = self._last_number = self._last_number + 1
        self._put(_BEGIN, (number, session_id, device_id, athlete_id, start_t, self._now_s(), _json(facts)))
        return number

    def second(self, number: int, t: float, figures: dict[str, Any]) -> None:
        """Record one athlete's second: the figures of a metrics message, at ``t`` by the session's own clock."""
        self._put(_SECOND, (number, t, figures))

    def set_clock(self, number: int, start_t: float, offset_s: float) -> None:
        """Record that the device's clock was set: when the session began by it, and what is added to it since."""
        self._put("UPDATE sessions SET start_t = ?, offset_s = ? WHERE id = ?", (start_t, offset_s, number))

    def event(self, number: int, t: float, kind: str, body: dict[str, Any]) -> None:
        """Record an event of a session."""
        self._put("INSERT INTO events VALUES (?, ?, ?, ?)", (number, t, kind, _json(body)))

    def commit(self) -> None:
        """Begin the transaction now."""
        self._worker.hurry()

    def snapshot(self, number: int, last_t: float, totals: bytes, memory: bytes | None) -> None:
        """Record what a running session has added up and, where given, what it remembers."""
        self._put("INSERT OR REPLACE INTO totals VALUES (?, ?, ?, packed(?))", (number, last_t, self._now_s(), totals))
        if memory is not None:
            self._put("INSERT OR REPLACE INTO memories VALUES (?, ?, packed(?))", (number, last_t, memory))

    def end(self, number: int, span_t: tuple[float, float], load_trimp: float | None, summary: dict[str, Any]) -> None:
        """Record the end of a session, from when to when it was, and drop what was kept for its resumption."""
        self._put(
            "UPDATE sessions SET start_t = ?, end_t = ?, load_trimp = ?, summary = ? WHERE id = ?",
            (*span_t, load_trimp, _json(summary), number),
        )
        self._put("DELETE FROM totals WHERE session = ?", (number,))
        self._put("DELETE FROM memories WHERE session = ?", (number,))

    def _put(self, statement: str, values: tuple[Any, ...]) -> None:
        self._worker.put((statement, values))

    def _write(self, records: Sequence[_Record]) -> None:
        """One transaction; what a failing disk refuses is kept, newest first to lose, and tried again."""
        self._kept.extend(records)
        if not self._kept:
            return
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for statement, values in self._kept:
                if statement == _SECOND:
                    self._seconds.insert(*values)
                else:
                    self._connection.execute(statement, values)
            self._seconds.tidy(self._now_s())
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            self._shed()
            raise OSError(str(error)) from error
        self._kept.clear()

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self._seconds.follow()  # columns that the transaction had made are gone

    def _shed(self) -> None:
        """Keep the newest snapshot of each session alone, and bound what is left."""
        seen: set[tuple[str, Any]] = set()
        kept = []
        for statement, values in reversed(self._kept):
            key = (statement, values[0])
            if not (statement.startswith("INSERT OR REPLACE") and key in seen):
                kept.append((statement, values))
            seen.add(key)
        self._worker.dropped += max(0, len(kept) - KEPT_RECORDS)
        self._kept = kept[:KEPT_RECORDS][::-1]

    def _forget_old_seconds(self) -> None:
        forget_seconds(self._connection, self._now_s() - self._keep_days * _DAY_S)


def _open_session(row: tuple[Any, ...]) -> OpenSession:
    number, session_id, device_id, athlete_id, start_t, last_t, arrived_s, facts, totals, memory = row
    known = msgspec.json.decode(facts)
    states = (_unpack(totals), _unpack(memory))
    return OpenSession(number, session_id, device_id, athlete_id, start_t, last_t, arrived_s, known, *states)


def _unpack(state: bytes | None) -> bytes | None:
    try:
        return None if state is None else zlib.decompress(state)
    except zlib.error:  # the session goes on without it
        return None


def _pack(state: bytes) -> bytes:
    return zlib.compress(state, level=1)


_Record = tuple[str, tuple[Any, ...]]
KEPT_RECORDS = 100_000


def _json(value: dict[str, Any]) -> bytes:
    return msgspec.json.encode(value)
