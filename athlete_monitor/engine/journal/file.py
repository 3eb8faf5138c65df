"""The journal's file, and its failures: damaged, deleted, locked, on a full disk, of another version.

None of them stops the monitoring. A damaged or newer file is renamed with a time stamp, and a new one is created. If
the file cannot be used at present, the engine runs without it and tries again.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from athlete_monitor.archive.columns import initial_columns
from athlete_monitor.archive.schema import SCHEMA_VERSION, prepare
from athlete_monitor.errors import MonitorError
from athlete_monitor.system.files import refuse_special
from athlete_monitor.system.flock import has_record_locks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_CHECKPOINT_PAGES: Final = 4000
_BUSY_S: Final = 5.0
_STARTING_BUSY_S: Final = 1.0
_CHECKED_BYTES: Final = 50_000_000
"""A file up to this size is checked as a whole when it is opened; of a larger one only the tables needed at start."""
_NEEDED: Final = ("sessions", "recent", "totals", "memories", "team_sessions", "commands", "periods")
_DAMAGE: Final = ("malformed", "not a database", "file is encrypted", "corrupt")


class DamagedError(MonitorError):
    """The file is not a journal that this program can use; the text names the reason."""


class UnavailableError(MonitorError):
    """The file cannot be used at present: locked, disk full, not readable."""


class JournalFile:
    """A connection to the journal, open or closed for the time being.

    Args:
        path: the SQLite file; its folder is created.
        notify: called with a sentence, and whether it is bad news.
    """

    def __init__(self, path: Path, notify: Callable[[str, bool], None] | None = None) -> None:
        self.path = path
        self.connection: sqlite3.Connection | None = None
        self._notify = notify or (lambda _text, _bad: None)
        self._identity: tuple[int, int] | None = None
        self._why_not = ""

    def open(self, *, busy_s: float = _BUSY_S) -> bool:
        """Open the file, renaming one that cannot be used; return whether there is a connection now.

        Raises:
            MonitorError: the path itself is wrong: its folder cannot be created, or it is no file.
        """
        try:
            self.connection = self._open_or_replace(busy_s)
        except UnavailableError as error:
            if str(error) != self._why_not:
                self._notify(f"journal {self.path}: {error}; monitoring continues without it and tries again", True)  # noqa: FBT003
            self._why_not = str(error)
            return False
        self._identity = _identity(self.path)
        if self._why_not:
            self._notify(f"journal {self.path}: in use again", False)  # noqa: FBT003
        self._why_not = ""
        return True

    def close(self) -> None:
        """Close the connection."""
        if self.connection is not None:
            with suppress(sqlite3.Error):
                self.connection.close()
        self.connection = None

    def is_lost(self) -> bool:
        """Whether the file was deleted or replaced by another one."""
        return self.connection is not None and _identity(self.path) != self._identity

    def begin_anew(self, why: str) -> None:
        """Close the connection, and rename the file if it still exists."""
        self.close()
        self._move_aside("damaged", why)

    def mention_loss(self) -> None:
        """Report that the file is gone, and close the connection."""
        self.close()
        self._notify(f"journal {self.path}: deleted or replaced while in use; a new one is created", True)  # noqa: FBT003

    def _open_or_replace(self, busy_s: float) -> sqlite3.Connection:
        try:
            return connect(self.path, busy_s)
        except DamagedError as error:
            label = "newer" if "version" in str(error) else "damaged"
            self._move_aside(label, str(error))
        try:
            return connect(self.path, busy_s)
        except DamagedError as error:  # it could not be renamed
            raise UnavailableError(str(error)) from error

    def _move_aside(self, label: str, why: str) -> None:
        aside = _free_name(self.path, f"{label}-{time.strftime('%Y%m%d-%H%M%S')}")
        try:
            os.replace(self.path, aside)  # noqa: PTH105 - the path may vanish meanwhile
        except FileNotFoundError:
            aside = self.path
        except OSError as error:
            raise UnavailableError(f"{why}, and cannot be moved aside: {error.strerror}") from error
        for end in ("-wal", "-shm"):
            with suppress(OSError):
                os.replace(f"{self.path}{end}", f"{aside}{end}")  # noqa: PTH105
        self._notify(f"journal {self.path}: {why}; moved to {aside.name}, a new one is created", True)  # noqa: FBT003


def connect(path: Path, busy_s: float = _STARTING_BUSY_S) -> sqlite3.Connection:
    """Open the journal for writing, creating a missing one and updating an older one.

    Raises:
        DamagedError: the file is not a journal, is damaged, or of a newer version.
        UnavailableError: it cannot be used at present.
        MonitorError: the path is wrong.
    """
    connection = _connect(path, busy_s)
    try:
        _set_up(connection)
    except sqlite3.Error as error:
        connection.close()
        raise _classified_at(path, error) from error
    except MonitorError:
        connection.close()
        raise
    return connection


def classified(error: sqlite3.Error) -> MonitorError:
    """What an error of SQLite means for the file: damage, or a temporary failure."""
    text = str(error)
    if any(word in text for word in _DAMAGE):
        return DamagedError(f"damaged ({text})")
    if "locked" in text:
        return UnavailableError("locked by another program")
    return UnavailableError(text)


def _classified_at(path: Path, error: sqlite3.Error) -> MonitorError:
    """The same for a file that cannot be opened: where no file can be locked, nobody else holds it."""
    if "locked" in str(error):
        with suppress(OSError):
            if not has_record_locks(path.parent):
                return UnavailableError("its file system has no locks, which SQLite needs")
    return classified(error)


def _connect(path: Path, busy_s: float) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise MonitorError(f"{path}: cannot be opened: is a folder (paths.journal)")
        refuse_special(path)
        return sqlite3.connect(path, timeout=busy_s, isolation_level=None, check_same_thread=False)
    except (NotADirectoryError, FileExistsError, PermissionError) as error:
        raise MonitorError(f"{path}: cannot be opened: {error.strerror} (paths.journal)") from error
    except (OSError, sqlite3.Error) as error:
        raise UnavailableError(str(getattr(error, "strerror", None) or error)) from error


def _set_up(connection: sqlite3.Connection) -> None:
    connection.create_function("packed", 1, _pack, deterministic=True)
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise DamagedError(f"of version {version}, newer than this program's {SCHEMA_VERSION}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
    _check(connection)
    connection.execute("BEGIN IMMEDIATE")
    prepare(connection, initial_columns())
    connection.execute("COMMIT")
    for table in _NEEDED:  # a damaged page may have been unused until now
        connection.execute(f"SELECT * FROM {table} LIMIT 1").fetchall()  # noqa: S608 - our own tables


def _check(connection: sqlite3.Connection) -> None:
    """Check for damaged pages.

    Raises:
        DamagedError: SQLite found some.
    """
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
    known = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    whole = pages * page_bytes <= _CHECKED_BYTES
    checks = ["PRAGMA quick_check(1)"] if whole else [f"PRAGMA quick_check('{n}')" for n in _NEEDED if n in known]
    for check in checks:
        (found,) = connection.execute(check).fetchone()
        if found != "ok":
            raise DamagedError(f"damaged ({' '.join(found.split())[:100]})")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _free_name(path: Path, label: str) -> Path:
    """An unused name in the folder of the file."""
    names = [
        path.with_name(f"{path.stem}.{label}{more}{path.suffix}") for more in ("", *(f"-{n}" for n in range(2, 100)))
    ]
    return next((name for name in names if not name.exists()), names[-1])


def _pack(state: bytes) -> bytes:
    import zlib

    return zlib.compress(state, level=1)
