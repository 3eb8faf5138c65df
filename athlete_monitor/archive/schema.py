"""The tables and views of the journal, version 2, and the migration of older journals.

``docs/outputs.md`` describes every table and column. The engine is the only program that writes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from athlete_monitor.archive.columns import SOURCES, column

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

SCHEMA_VERSION: Final = 2
BLOCK_ROWS: Final = 64
"""About this many rows of one session are adjacent in ``seconds`` and share a row of ``blocks``."""

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS sessions (
    id INTEGER PRIMARY KEY, session_id TEXT NOT NULL UNIQUE, device_id TEXT NOT NULL, athlete_id INTEGER NOT NULL,
    start_t REAL NOT NULL, began_s REAL NOT NULL, facts BLOB NOT NULL,
    end_t REAL, load_trimp REAL, summary BLOB, team_session TEXT, offset_s REAL NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS seconds (
    id INTEGER PRIMARY KEY, session INTEGER NOT NULL, t INTEGER NOT NULL, ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS recent (
    id INTEGER PRIMARY KEY, session INTEGER NOT NULL, t INTEGER NOT NULL, ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS blocks (
    session INTEGER NOT NULL, first_t INTEGER NOT NULL, last_t INTEGER NOT NULL,
    first_id INTEGER NOT NULL, last_id INTEGER NOT NULL, PRIMARY KEY (session, first_t, first_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (session INTEGER NOT NULL, t REAL NOT NULL, kind TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS totals (
    session INTEGER PRIMARY KEY, last_t REAL NOT NULL, arrived_s REAL NOT NULL, state BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS layouts (id INTEGER PRIMARY KEY, names BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS memories (session INTEGER PRIMARY KEY, last_t REAL NOT NULL, state BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS days (athlete_id INTEGER PRIMARY KEY, form BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS team_sessions (
    id TEXT PRIMARY KEY, start_t REAL NOT NULL, end_t REAL, mode TEXT, name TEXT, note TEXT, opponent TEXT,
    day_code TEXT);
CREATE TABLE IF NOT EXISTS commands (
    id TEXT PRIMARY KEY, team_session TEXT, received_t REAL NOT NULL, at REAL NOT NULL, body BLOB NOT NULL,
    result BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS periods (
    id TEXT PRIMARY KEY, team_session TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, whose TEXT NOT NULL,
    start_t REAL NOT NULL, end_t REAL, automatic INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS markers (
    id TEXT PRIMARY KEY, team_session TEXT NOT NULL, t REAL NOT NULL, text TEXT NOT NULL, athlete_id INTEGER);
CREATE TABLE IF NOT EXISTS pitch (
    team_session TEXT NOT NULL, athlete_id INTEGER NOT NULL, start_t REAL NOT NULL, end_t REAL, state TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS alarms (
    id TEXT PRIMARY KEY, team_session TEXT, rule TEXT NOT NULL, athlete_id INTEGER, level TEXT NOT NULL,
    text TEXT NOT NULL, raised_t REAL NOT NULL, cleared_t REAL, acknowledged_t REAL);
CREATE TABLE IF NOT EXISTS entries (
    id TEXT PRIMARY KEY, team_session TEXT, athlete_id INTEGER NOT NULL, t REAL NOT NULL, kind TEXT NOT NULL,
    body TEXT NOT NULL);
"""
_FIXED: Final = ("session", "t", "ms")
_OF_VERSION_1: Final = (
    "heart_rate_bpm", "heart_rate_source", "trimp", "energy_kj", "player_load", "distance_m", "stress_percent",
)  # fmt: skip
_PERIODS_VIEW: Final = """
CREATE VIEW IF NOT EXISTS session_periods AS
SELECT p.team_session, p.id AS period, p.name, p.kind, s.id AS session, s.athlete_id, s.device_id,
    MAX(p.start_t, s.start_t) AS start_t, MIN(COALESCE(p.end_t, 9e12), COALESCE(s.end_t, 9e12)) AS end_t
FROM periods p JOIN sessions s ON s.team_session = p.team_session
WHERE COALESCE(p.end_t, 9e12) > s.start_t AND p.start_t < COALESCE(s.end_t, 9e12)
"""


def columns_of(connection: sqlite3.Connection, table: str) -> list[str]:
    """Names of a table's columns, in its own order; empty if there is no such table."""
    return [str(row[1]) for row in connection.execute(f"PRAGMA table_info({table})")]


def figure_columns(connection: sqlite3.Connection) -> list[str]:
    """Names of the figures' columns of ``seconds``."""
    return [name for name in columns_of(connection, "recent") if name not in {"id", *_FIXED}]


def prepare(connection: sqlite3.Connection, columns: Iterable[str]) -> None:
    """Make or migrate the tables, with these figures' columns, in the transaction of the caller."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == 1:
        _begin_migration(connection)
    for statement in _TABLES.strip().split(";\n"):
        connection.execute(statement)
    add_columns(connection, columns)
    if version == 1:
        _end_migration(connection)
    connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")


def add_columns(connection: sqlite3.Connection, columns: Iterable[str]) -> list[str]:
    """Add missing columns of figures and rebuild the views; return the new columns."""
    known = set(figure_columns(connection))
    new = [name for name in dict.fromkeys(columns) if name not in known]
    for name in new:
        for table in ("seconds", "recent"):
            connection.execute(f'ALTER TABLE {table} ADD COLUMN "{name}" INTEGER')
    _add_aggregates(connection)
    _build_views(connection, figure_columns(connection))
    return new


def aggregates(columns: Iterable[str]) -> dict[str, str]:
    """Columns of ``blocks`` other than the fixed ones, and the SQL that computes each from the block's rows.

    >>> sorted(aggregates(["speed_mps", "distance_m"]))
    ['max_speed_mps', 'min_speed_mps', 'n_speed_mps', 'sum_speed_mps']
    """
    found: dict[str, str] = {}
    for name in columns:
        how = column(name).how
        if how == "maximum":
            found[f"max_{name}"] = f'MAX("{name}")'
        elif how == "minimum":
            found[f"min_{name}"] = f'MIN("{name}")'
        elif how == "mean":
            found |= {f"sum_{name}": f'SUM("{name}")', f"n_{name}": f'COUNT("{name}")'}
            found |= {f"max_{name}": f'MAX("{name}")', f"min_{name}": f'MIN("{name}")'}
    return found


def close_blocks(connection: sqlite3.Connection, up_to: str) -> None:
    """Move rows from ``recent`` to ``seconds``, sorted by session, and create their ``blocks``.

    ``up_to``: SQL condition on a row of ``recent`` r that holds for the rows to move.
    """
    names = ", ".join(f'"{name}"' for name in (*_FIXED, *figure_columns(connection)))
    (last,) = connection.execute("SELECT COALESCE(MAX(id), 0) FROM seconds").fetchone()
    moved = connection.execute(
        f"INSERT INTO seconds ({names}) SELECT {names} FROM recent r WHERE {up_to} ORDER BY session, t, ms, id"  # noqa: S608 - names of our own
    ).rowcount
    if moved:
        connection.execute(f"DELETE FROM recent AS r WHERE {up_to}")  # noqa: S608
        insert_blocks(connection, f"id > {last}", "session")


def insert_blocks(connection: sqlite3.Connection, where: str, group: str) -> None:
    """Create the ``blocks`` of the rows of ``seconds`` that match a condition, one for each ``group``."""
    extra = aggregates(figure_columns(connection))
    names = ", ".join(f'"{name}"' for name in ("session", "first_t", "last_t", "first_id", "last_id", *extra))
    values = ", ".join(("session", "MIN(t)", "MAX(t)", "MIN(id)", "MAX(id)", *extra.values()))
    connection.execute(
        f"INSERT OR REPLACE INTO blocks ({names})"  # noqa: S608 - names of our own
        f" SELECT {values} FROM seconds WHERE {where} GROUP BY {group}"
    )


def forget_seconds(connection: sqlite3.Connection, before_t: float) -> None:
    """Delete the seconds of sessions that ended before; the sessions themselves stay."""
    old = "session IN (SELECT id FROM sessions WHERE end_t < ?)"
    connection.execute(
        "DELETE FROM seconds WHERE id IN (SELECT x.id FROM blocks b CROSS JOIN seconds x"  # noqa: S608 - constants
        f" ON x.id BETWEEN b.first_id AND b.last_id WHERE b.{old})",
        (before_t,),
    )
    connection.execute(f"DELETE FROM blocks WHERE {old}", (before_t,))  # noqa: S608


def decoded(name: str, table: str = "x") -> str:
    """SQL of the figure itself from a column of whole numbers."""
    if name == "heart_rate_source":
        cases = " ".join(f"WHEN {code} THEN '{source}'" for code, source in enumerate(SOURCES))
        return f'CASE {table}."{name}" {cases} END AS "{name}"'
    return f'{table}."{name}" / {column(name).scale!r} AS "{name}"'


def _add_aggregates(connection: sqlite3.Connection) -> None:
    known = set(columns_of(connection, "blocks"))
    for name in aggregates(figure_columns(connection)):
        if name not in known:
            connection.execute(f'ALTER TABLE blocks ADD COLUMN "{name}" INTEGER')


def _build_views(connection: sqlite3.Connection, columns: Sequence[str]) -> None:
    figures = ", ".join(decoded(name) for name in columns)
    chosen = (
        "s.id AS session, s.session_id, s.team_session, s.athlete_id, s.device_id,"
        " x.t + x.ms / 1000.0 - s.offset_s AS t" + (f", {figures}" if figures else "")
    )
    connection.execute("DROP VIEW IF EXISTS session_seconds")
    connection.execute(
        f"CREATE VIEW session_seconds AS SELECT {chosen} FROM sessions s CROSS JOIN blocks b ON b.session = s.id"  # noqa: S608 - names of our own
        " CROSS JOIN seconds x ON x.id BETWEEN b.first_id AND b.last_id AND x.session = s.id"
        f" UNION ALL SELECT {chosen} FROM sessions s JOIN recent x ON x.session = s.id"
    )
    connection.execute(_PERIODS_VIEW)


def _begin_migration(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE seconds RENAME TO seconds_1")
    connection.execute("ALTER TABLE sessions ADD COLUMN team_session TEXT")
    connection.execute("ALTER TABLE sessions ADD COLUMN offset_s REAL NOT NULL DEFAULT 0")


def _end_migration(connection: sqlite3.Connection) -> None:
    """Copy the seconds of version 1; every row is kept, also rows that no longer belong to a session."""
    add_columns(connection, _OF_VERSION_1)
    names = ", ".join(_OF_VERSION_1)
    values = ", ".join(_encoded(name) for name in _OF_VERSION_1)
    connection.execute(
        f"INSERT INTO seconds (session, t, ms, {names}) SELECT session, t, 0, {values} FROM seconds_1"  # noqa: S608
        " ORDER BY session, t, rowid"
    )
    insert_blocks(connection, "TRUE", f"session, id / {BLOCK_ROWS}")
    connection.execute("DROP TABLE seconds_1")


def _encoded(name: str) -> str:
    if name == "heart_rate_source":
        cases = " ".join(f"WHEN '{source}' THEN {code}" for code, source in enumerate(SOURCES))
        return f"CASE {name} {cases} END"
    return f"CAST(ROUND({name} * {column(name).scale!r}) AS INTEGER)"
