"""Where a squad's state lies while its engine runs, and how another node gets it.

On a folder that all nodes share, the engine works in it directly and a move loses nothing. Behind a URL, the engine
works in a folder of its node; every ``snapshot_s`` the journal is copied by SQLite's own backup, which is consistent
while the engine writes, and every other file that has changed. A node that is lost loses what came after the last copy.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import quote, unquote

from athlete_monitor.archive.address import address
from athlete_monitor.batch.storage import is_url, store_at
from athlete_monitor.errors import MonitorError
from athlete_monitor.league.fence import Fence
from athlete_monitor.system.files import replace_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from athlete_monitor.batch.storage import Store
    from athlete_monitor.league.assignment import Assignment

CLAIMS: Final = "claims"
FILES: Final = "files"
COPIED: Final = "league_copied.json"
"""In the folder of a node: the claim under which it was used, and when its state was copied last."""
_NOT_COPIED: Final = ("-wal", "-shm", ".lock", "-journal", COPIED)
_JOURNAL: Final = ".sqlite3"
_RESTED_S: Final = 5.0
"""A file that is still written is copied when it has been still for so long, or at the end."""


def state_of(assignment: Assignment) -> StateFolder:
    """Return the state of a squad.

    Raises:
        MonitorError: the URL cannot be opened.
    """
    return Copied(assignment) if is_url(assignment.state) else Shared(assignment)


class StateFolder(Protocol):
    """The state of a squad, on the node where its engine runs."""

    folder: Path
    """Where the engine works."""
    fence: Fence
    every_s: float
    """How often ``keep`` is called, s."""

    def fetch(self) -> str:
        """Make the folder ready after the claim; return what was lost, empty for nothing.

        Raises:
            MonitorError: the state cannot be read, or the folder not be written.
        """

    def keep(self, *, whole: bool = False) -> None:
        """Check the claim, and copy what has changed; ``whole`` also what is still written.

        Raises:
            FencedError: the state was taken over.
            MonitorError: the store cannot be used.
        """


class Shared:
    """State on a folder that all nodes share."""

    every_s: float = 1.0

    def __init__(self, assignment: Assignment) -> None:
        self.folder = Path(assignment.state)
        self.fence = Fence(store_at(assignment.state, CLAIMS, "state"))

    def fetch(self) -> str:
        """See ``StateFolder``."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise MonitorError(f"{self.folder}: cannot be created: {error.strerror} (state)") from error
        return ""

    def keep(self, *, whole: bool = False) -> None:  # noqa: ARG002 - as of ``Copied``
        """See ``StateFolder``."""
        self.fence.check()


class Copied:
    """State behind a URL, with a folder of this node in front of it."""

    def __init__(self, assignment: Assignment) -> None:
        self.folder = Path(assignment.node_folder)
        self.every_s = assignment.snapshot_s
        self.fence = Fence(store_at(assignment.state, CLAIMS, "state"))
        self._store: Store = store_at(assignment.state, FILES, "state")
        self._known: dict[str, tuple[int, int]] = {}

    def fetch(self) -> str:
        """See ``StateFolder``; nothing is brought here where this node has had the state last."""
        previous = max((n for n in self.fence.names() if n < self.fence.claimed), default="")
        mark = self._mark()
        names = sorted(self._store.names())
        journals = [self.folder / unquote(name) for name in names if name.endswith(_JOURNAL)]
        if previous and mark.get("claim") == previous and all(path.is_file() for path in journals):
            self._write_mark(float(mark.get("copied_s", 0.0)))
            return ""
        copied_s = 0.0
        try:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True, mode=0o700)
            for name in names:
                if name == COPIED:
                    copied_s = float(json.loads(self._store.get(name))["copied_s"])
                else:
                    replace_file(self.folder / unquote(name), self._store.get(name), sync=False)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise MonitorError(f"{self.folder}: state cannot be restored: {error}") from error
        self._write_mark(copied_s)
        return "" if not previous or not names else f"archive after {_clock(copied_s)}, the time of the last copy"

    def keep(self, *, whole: bool = False) -> None:
        """See ``StateFolder``."""
        self.fence.check()
        began_s = time.time()
        for path in self._changed(began_s, whole=whole):
            name = quote(path.relative_to(self.folder).as_posix(), safe="")
            status = path.stat()
            self._store.put(name, _content(path))
            self._known[name] = (status.st_mtime_ns, status.st_size)
        self._store.put(COPIED, json.dumps({"copied_s": began_s}).encode())
        self._write_mark(began_s)

    def _changed(self, now_s: float, *, whole: bool) -> Iterator[Path]:
        for path in sorted(self.folder.rglob("*")):
            if not path.is_file() or path.is_symlink() or path.name.endswith(_NOT_COPIED) or path.name[0] == ".":
                continue
            if path.suffix == _JOURNAL:
                yield path
                continue
            status = path.stat()
            name = quote(path.relative_to(self.folder).as_posix(), safe="")
            rested = whole or now_s - status.st_mtime > _RESTED_S
            if rested and self._known.get(name) != (status.st_mtime_ns, status.st_size):
                yield path

    def _mark(self) -> dict[str, Any]:
        try:
            found = json.loads((self.folder / COPIED).read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _write_mark(self, copied_s: float) -> None:
        mark = {"claim": self.fence.claimed, "copied_s": copied_s}
        with suppress(OSError):
            replace_file(self.folder / COPIED, json.dumps(mark).encode(), sync=False)


def _content(path: Path) -> bytes:
    """Return the bytes of a file; of a journal a consistent copy, made while the engine writes.

    Raises:
        MonitorError: it cannot be read.
    """
    try:
        return path.read_bytes() if path.suffix != _JOURNAL else _backup(path)
    except (OSError, sqlite3.Error) as error:
        raise MonitorError(f"{path}: cannot be copied: {error}") from error


def _backup(path: Path) -> bytes:
    with tempfile.TemporaryDirectory(prefix="athlete-monitor-") as folder:
        copy = Path(folder) / "copy.sqlite3"
        with closing(sqlite3.connect(address(path), uri=True)) as source, closing(sqlite3.connect(copy)) as to:
            source.backup(to)
        return copy.read_bytes()


def _clock(t: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(t)) if t else "an unknown time"
