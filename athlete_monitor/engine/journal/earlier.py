"""What earlier engines left in the journal: sessions to resume, and finished ones for the history of load."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    import sqlite3

FIRST_UNCONFIRMED = 1 << 40
"""Numbers of sessions begin here if the last one cannot be read from the file."""
_OPEN_SESSIONS = """
SELECT id, session_id, device_id, athlete_id, start_t + offset_s, COALESCE(totals.last_t, start_t + offset_s),
    COALESCE(arrived_s, began_s), facts, totals.state, memories.state
FROM sessions LEFT JOIN totals ON totals.session = id LEFT JOIN memories ON memories.session = id
WHERE end_t IS NULL ORDER BY id"""
_PAUSED = "SELECT id FROM sessions WHERE end_t IS NOT NULL AND id IN (SELECT session FROM totals{condition})"
_REOPEN = "UPDATE sessions SET end_t = NULL, load_trimp = NULL, summary = NULL WHERE id = ?"
_FORGET_REPEATED = """
DELETE FROM recent WHERE id IN (SELECT r.id FROM recent r JOIN sessions s ON s.id = r.session
    LEFT JOIN totals ON totals.session = r.session
    WHERE s.end_t IS NULL AND r.t + r.ms / 1000.0 > COALESCE(totals.last_t, s.start_t + s.offset_s) + 0.001)"""


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
    """None if it is unknown."""


def last_number(connection: sqlite3.Connection) -> int:
    """Return the highest number of a session."""
    found = connection.execute(
        "SELECT COALESCE(MAX(id), 0) FROM sessions WHERE id < ?", (FIRST_UNCONFIRMED,)
    ).fetchone()
    return int(found[0])


def reopen(connection: sqlite3.Connection, since_s: float) -> frozenset[int]:
    """Reopen the sessions that were running when an earlier engine stopped, if that was since then.

    Args:
        connection: to the journal.
        since_s: epoch seconds; sessions that stopped earlier stay ended.

    Returns:
        Numbers of the reopened sessions.
    """
    recent = connection.execute(_PAUSED.format(condition=" WHERE arrived_s >= ?"), (since_s,)).fetchall()
    connection.executemany(_REOPEN, recent)
    old = connection.execute(_PAUSED.format(condition="")).fetchall()
    for table in ("totals", "memories"):
        connection.executemany(f"DELETE FROM {table} WHERE session = ?", old)  # noqa: S608 - constants
    return frozenset(number for (number,) in recent)


def open_sessions(connection: sqlite3.Connection) -> list[OpenSession]:
    """Return the sessions that have not ended; seconds after their last snapshot are deleted."""
    connection.execute(_FORGET_REPEATED)
    return [_open_session(row) for row in connection.execute(_OPEN_SESSIONS)]


def layouts(connection: sqlite3.Connection) -> dict[int, list[str]]:
    """Return the names of the numbers of every layout that snapshots may hold."""
    rows = connection.execute("SELECT id, names FROM layouts")
    return {number: msgspec.json.decode(names) for number, names in rows}


def days(connection: sqlite3.Connection) -> dict[int, bytes]:
    """Return what was kept of each athlete's last day, as it was written."""
    return dict(connection.execute("SELECT athlete_id, form FROM days"))


def past_loads(connection: sqlite3.Connection) -> dict[int, list[PastLoad]]:
    """Return the finished sessions of every athlete, oldest first."""
    found: dict[int, list[PastLoad]] = {}
    for athlete_id, start_t, end_t, trimp in connection.execute(
        "SELECT athlete_id, start_t, end_t, load_trimp FROM sessions WHERE end_t IS NOT NULL ORDER BY start_t"
    ):
        found.setdefault(athlete_id, []).append(PastLoad(start_t, end_t, trimp))
    return found


def _open_session(row: tuple[Any, ...]) -> OpenSession:
    number, session_id, device_id, athlete_id, start_t, last_t, arrived_s, facts, totals, memory = row
    known = msgspec.json.decode(facts)
    states = (_unpack(totals), _unpack(memory))
    return OpenSession(number, session_id, device_id, athlete_id, start_t, last_t, arrived_s, known, *states)


def _unpack(state: bytes | None) -> bytes | None:
    try:
        return None if state is None else zlib.decompress(state)
    except zlib.error:  # the session continues without it
        return None
