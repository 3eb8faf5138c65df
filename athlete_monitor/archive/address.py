"""How the archive's file is opened where it is only read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path


def address(path: Path, options: str = "mode=ro") -> str:
    """Return the URI of a file for ``sqlite3.connect``; a folder's name may have ``?``, ``#`` and ``%``.

    Example:
        >>> from pathlib import Path
        >>> address(Path("/data/box #3/journal.sqlite3"))
        'file:///data/box%20%233/journal.sqlite3?mode=ro'
    """
    return f"{path.absolute().as_uri()}?{options}"


def has_tables(connection: sqlite3.Connection) -> bool:
    """Whether the file has any: one that was created on a full disk has none."""
    return connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is not None
