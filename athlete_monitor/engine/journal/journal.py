"""The journal: data that survive a kill or a power cut, and the archive of every session.

A SQLite file in WAL mode with full synchronisation, written by one thread in one transaction per cycle:

* ``sessions``: one row each, written at the first sample and at the summary; a recording that is sent twice, or a
  message that the broker retains, begins a second session of one id;
* ``recent``, ``seconds``: one row per athlete and second, appended to the first and moved to the second once a minute,
  sorted by session, so that a session can be read without reading the others;
* ``blocks``: one row per session and minute: the place of its seconds, and their sums and extremes;
* ``events``: impacts, alerts and the like;
* ``days``: for each athlete the day's form after the last session, for a further one on that day;
* ``totals``: for each running session its totals so far, replaced each cycle;
* ``layouts``: names of the numbers in ``totals``, so that a session survives an update that adds a figure;
* ``memories``: for each running session the state of features, fusion and filters, replaced every ``MEMORY_EVERY_S``.

``athlete_monitor.archive`` defines the tables and reads them. Pages of a microSD card wear: rows are appended or
replaced in place, there is no index to update, and the write-ahead log is written back rarely. States are compressed by
the writing thread.
"""

from __future__ import annotations

import logging
import math
import sqlite3
from contextlib import suppress
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from athlete_monitor.archive.schema import forget_seconds
from athlete_monitor.engine.journal import earlier
from athlete_monitor.engine.journal.file import DamagedError, JournalFile, classified
from athlete_monitor.engine.journal.seconds import SecondsTable
from athlete_monitor.engine.sinks.worker import Alarm, Worker
from athlete_monitor.errors import MonitorError
from athlete_monitor.system.clock import is_trusted

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence
    from pathlib import Path

    from athlete_monitor.engine.journal.earlier import OpenSession, PastLoad

_log = logging.getLogger(__name__)

T = TypeVar("T")
_Record = tuple[str, tuple[Any, ...]]
"""A statement and its values."""

MEMORY_EVERY_S = 30.0
KEEP_DAYS = 400
KEPT_RECORDS = 100_000
"""Most records that wait while the disk fails."""
_DAY_S = 86_400.0
_BEGIN = """
INSERT OR IGNORE INTO sessions (id, session_id, device_id, athlete_id, start_t, began_s, facts) VALUES (
    ?1, CASE WHEN EXISTS (SELECT 1 FROM sessions WHERE session_id = ?2) THEN ?2 || '_' || ?1 ELSE ?2 END,
    ?3, ?4, ?5, ?6, ?7)"""
RETRY_S = 5.0
"""Interval at which a missing file is tried again."""
_USED = "used"
"""Marks a record that holds tokens of messages: they may be acknowledged when the transaction is committed."""
_SECOND = "second"
"""Marks a record that is one athlete's second: session, time by the session's clock, and the figures of the message."""


class Journal:
    """The journal of one engine.

    Every method except ``open_sessions`` and ``past_loads`` only queues a record for the writing thread. While the disk
    fails, the newest snapshot of each session is kept, and other records up to a limit. A file that is damaged or lost
    is replaced, and running sessions continue in the new one.

    Args:
        path: the SQLite file.
        now_s: wall clock, epoch seconds.
        period_s: time between two transactions.
        notify: called with a sentence, and whether it is bad news, when the disk fails or works again.
        keep_days: seconds of sessions that ended longer ago are deleted; sessions, summaries and events stay.

    Raises:
        MonitorError: the path itself is wrong.
    """

    def __init__(
        self,
        path: Path,
        now_s: Callable[[], float],
        period_s: float = 1.0,
        notify: Callable[[str, bool], None] | None = None,
        keep_days: float = KEEP_DAYS,
    ) -> None:
        self._now_s, self._keep_days = now_s, keep_days
        self._file = JournalFile(path, notify)
        self._seconds: SecondsTable | None = None
        self._retry_s = -math.inf
        self._forgot_s = -math.inf
        self._stopped = False
        self._standing: dict[Hashable, _Record] = {}
        self._kept: list[_Record] = []
        self.committed: Callable[[Sequence[int]], object] = lambda _tokens: None
        """Called in the writing thread."""
        self.generation = 0
        """Incremented with each new file: owners of tables in it write them again."""
        self._open()
        self._last_number = self._read(earlier.last_number, earlier.FIRST_UNCONFIRMED + int(now_s()))
        self._worker = Worker("journal", self._write, period_s=period_s, alarm=Alarm("journal", notify))

    @property
    def failing(self) -> bool:
        """Whether the last transaction failed, or there is no file."""
        return self._worker.alarm.raised or (self._file.connection is None and not self._stopped)

    @property
    def lost(self) -> int:
        """Records given up because the disk has failed for too long."""
        return self._worker.dropped

    @property
    def unwritten(self) -> int:
        """Records that are not in the file: after ``stop`` those that are lost."""
        return self._worker.dropped + len(self._kept)

    def start(self) -> None:
        """Start the writing thread."""
        self._worker.start()

    def stop(self) -> None:
        """Write waiting records and close the file."""
        self._worker.stop()
        self._stopped = True
        self._file.close()

    def reopen(self, since_s: float) -> frozenset[int]:
        """Reopen the sessions that were running when an earlier engine stopped, if that was since then.

        Call before ``open_sessions`` and ``past_loads``.

        Args:
            since_s: epoch seconds; sessions that stopped earlier stay ended.

        Returns:
            Numbers of the reopened sessions.
        """
        return self._read(lambda connection: earlier.reopen(connection, since_s), frozenset())

    def open_sessions(self) -> list[OpenSession]:
        """Sessions that an earlier engine began and did not end; call before ``start``.

        Seconds after their last snapshot are dropped: the sessions continue from there and would count them twice.
        """
        sessions: list[OpenSession] = self._read(earlier.open_sessions, [])
        for each in sessions:
            self._standing["session", each.number] = (
                _BEGIN,
                (each.number, each.session_id, each.device_id, each.athlete_id, each.start_t, each.arrived_s,
                 _json(each.facts)),
            )  # fmt: skip
        return sessions

    def add_layout(self, number: int, names: Sequence[str]) -> None:
        """Store the names of the numbers in the following snapshots."""
        values = (number, msgspec.json.encode(list(names)))
        self.keep(("layout", number), "INSERT OR IGNORE INTO layouts VALUES (?, ?)", values)

    def layouts(self) -> dict[int, list[str]]:
        """Names of the numbers of every layout that snapshots may hold; call before ``start``."""
        return self._read(earlier.layouts, {})

    def past_loads(self) -> dict[int, list[PastLoad]]:
        """Finished sessions of every athlete, oldest first; call before ``start``."""
        return self._read(earlier.past_loads, {})

    def day(self, athlete_id: int, form: bytes) -> None:
        """Record the day's form of an athlete whose session has ended."""
        self._put("INSERT OR REPLACE INTO days VALUES (?, ?)", (athlete_id, form))

    def days(self) -> dict[int, bytes]:
        """The day's form after the last session of each athlete; call before ``start``."""
        return self._read(earlier.days, {})

    def number_from(self, number: int) -> None:
        """Set the next session number: another program may write into the same file."""
        self._last_number = number

    def begin(self, session_id: str, device_id: str, athlete_id: int, start_t: float, facts: dict[str, Any]) -> int:
        """Record a new session and return its number; an id that already exists gets the number as a suffix."""
        number = self._last_number = self._last_number + 1
        values = (number, session_id, device_id, athlete_id, start_t, self._now_s(), _json(facts))
        self._standing["session", number] = (_BEGIN, values)
        self._put(_BEGIN, values)
        return number

    def keep(self, key: Hashable, statement: str, values: tuple[Any, ...]) -> None:
        """Keep a record for a new file, in case this one is lost; a later one with the same key replaces it."""
        self._standing[key] = (statement, values)
        self._put(statement, values)

    def release(self, key: Hashable) -> None:
        """Drop a record that was kept for a new file."""
        self._standing.pop(key, None)

    def put(self, statement: str, values: tuple[Any, ...]) -> None:
        """Record a row of a table of the archive."""
        self._put(statement, values)

    def second(self, number: int, t: float, cells: Sequence[float]) -> None:
        """Record one athlete's second, at ``t`` by the session's own clock: the whole numbers of ``COLUMNS``."""
        self._put(_SECOND, (number, t, cells))

    def set_clock(self, number: int, start_t: float, offset_s: float) -> None:
        """Record that the device's clock was set: the session's start by the new clock, and the offset added since."""
        self._put("UPDATE sessions SET start_t = ?, offset_s = ? WHERE id = ?", (start_t, offset_s, number))

    def event(self, number: int, t: float, kind: str, body: dict[str, Any]) -> None:
        """Record an event of a session."""
        self._put("INSERT INTO events VALUES (?, ?, ?, ?)", (number, t, kind, _json(body)))

    def commit(self) -> None:
        """Begin the transaction now."""
        self._worker.hurry()

    def snapshot(self, number: int, last_t: float, totals: bytes, memory: bytes | None) -> None:
        """Record the totals of a running session and, if given, its memories."""
        self._put("INSERT OR REPLACE INTO totals VALUES (?, ?, ?, packed(?))", (number, last_t, self._now_s(), totals))
        if memory is not None:
            self._put("INSERT OR REPLACE INTO memories VALUES (?, ?, packed(?))", (number, last_t, memory))

    def end(self, number: int, span_t: tuple[float, float], load_trimp: float | None, summary: dict[str, Any]) -> None:
        """Record the start and end of a finished session, and drop the data for its resumption."""
        self._put(
            "UPDATE sessions SET start_t = ?, end_t = ?, load_trimp = ?, summary = ? WHERE id = ?",
            (*span_t, load_trimp, _json(summary), number),
        )
        self._put("DELETE FROM totals WHERE session = ?", (number,))
        self._put("DELETE FROM memories WHERE session = ?", (number,))
        self._standing.pop(("session", number), None)

    def pause(
        self, number: int, span_t: tuple[float, float], load_trimp: float | None, summary: dict[str, Any]
    ) -> None:
        """Record the end of a session that is resumed if the engine restarts soon enough (``reopen``)."""
        self._put(
            "UPDATE sessions SET start_t = ?, end_t = ?, load_trimp = ?, summary = ? WHERE id = ?",
            (*span_t, load_trimp, _json(summary), number),
        )

    def used(self, tokens: Sequence[int]) -> None:
        """Call ``committed`` with these tokens when all earlier records are on the disk."""
        self._put(_USED, tuple(tokens))

    def _put(self, statement: str, values: tuple[Any, ...]) -> None:
        self._worker.put((statement, values))

    def _open(self) -> bool:
        """Open the file, or note when to try again."""
        if not self._file.open():
            self._retry_s = self._now_s() + RETRY_S
            return False
        connection = self._file.connection
        if connection is not None:
            self._seconds = SecondsTable(connection)
        self.generation += 1
        return True

    def _read(self, read: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """Read before the writing thread has started; a damaged file is renamed."""
        if self._file.connection is None:
            return otherwise
        try:
            return read(self._file.connection)
        except sqlite3.Error as error:
            self._recover(error)
            return otherwise

    def _recover(self, error: sqlite3.Error) -> None:
        """Begin a new file if the error means damage."""
        found = classified(error)
        if isinstance(found, DamagedError):
            self._file.begin_anew(str(found))
            self._open()

    def _write(self, records: Sequence[_Record]) -> None:
        """One transaction; records that a failing disk refuses are kept and tried again, the newest dropped first."""
        self._kept.extend(records)
        if self._file.is_lost():
            self._file.mention_loss()
            self._replace()
        if self._file.connection is None and not self._is_back():
            self._shed()
            return
        if not self._kept and not self._is_tidying():
            return
        try:
            self._commit()
        except sqlite3.Error as error:
            self._roll_back()
            self._shed()
            if isinstance(classified(error), DamagedError):
                self._file.begin_anew(str(classified(error)))
                self._replace()
                return
            raise OSError(str(error)) from error
        used = [token for statement, values in self._kept if statement == _USED for token in values]
        self._kept.clear()
        if used:
            self.committed(used)

    def _is_back(self) -> bool:
        return self._now_s() >= self._retry_s and self._replace()

    def _replace(self) -> bool:
        """Open the file again; running sessions that it does not contain are inserted."""
        try:
            is_open = self._open()
        except MonitorError:  # the file has been replaced by a folder
            self._retry_s = self._now_s() + RETRY_S
            return False
        if is_open:
            self._kept[:0] = self._standing.copy().values()
        return is_open

    def _is_tidying(self) -> bool:
        return self._seconds is not None and self._seconds.is_due(self._now_s())

    def _commit(self) -> None:
        connection, seconds = self._file.connection, self._seconds
        if connection is None or seconds is None:
            return
        connection.execute("BEGIN IMMEDIATE")
        for statement, records in groupby(self._kept, key=itemgetter(0)):
            if statement == _SECOND:
                seconds.insert_all(values for _, values in records)
            elif statement != _USED:
                for _, values in records:
                    self._execute(connection, statement, values)
        now_s = self._now_s()
        seconds.tidy(now_s)
        if now_s >= self._forgot_s + _DAY_S:
            self._forget(connection, now_s)
        connection.execute("COMMIT")

    def _forget(self, connection: sqlite3.Connection, now_s: float) -> None:
        """Delete seconds that are kept no longer; not while the clock may be years ahead."""
        ends = [end_t for (end_t,) in connection.execute("SELECT end_t FROM sessions WHERE end_t IS NOT NULL")]
        if is_trusted(now_s, ends):
            forget_seconds(connection, now_s - self._keep_days * _DAY_S)
        self._forgot_s = now_s

    def _execute(self, connection: sqlite3.Connection, statement: str, values: tuple[Any, ...]) -> None:
        """Execute; a row that does not fit must not keep out the others."""
        try:
            connection.execute(statement, values)
        except sqlite3.IntegrityError as error:
            self._worker.dropped += 1
            _log.error("event=row_refused reason=%r", str(error))

    def _roll_back(self) -> None:
        connection = self._file.connection
        with suppress(sqlite3.Error):
            if connection is not None and connection.in_transaction:
                connection.execute("ROLLBACK")

    def _shed(self) -> None:
        """Keep only the newest snapshot of each session, and limit the other records."""
        seen: set[tuple[str, Any]] = set()
        kept = []
        for statement, values in reversed(self._kept):
            key = (statement, values[0])
            if not (statement.startswith("INSERT OR REPLACE") and key in seen):
                kept.append((statement, values))
            seen.add(key)
        self._worker.dropped += max(0, len(kept) - KEPT_RECORDS)
        self._kept = kept[:KEPT_RECORDS][::-1]


def _json(value: dict[str, Any]) -> bytes:
    return msgspec.json.encode(value)
