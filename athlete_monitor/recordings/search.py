"""Search for files below the paths of a user: folders and archives are searched, links are not followed."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings.archives import is_archive, members
from athlete_monitor.recordings.source import Source, beside, from_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MOST_FILES: Final = 100_000
DEEPEST: Final = 3


@dataclass
class Search:
    """The files below the paths that a user named.

    Attributes:
        files: files to examine, each once, in order of their names.
        named: those that the user named one by one; they must be recordings.
        failed: paths that could not be opened, one line each.
        links: links that were not followed.
    """

    files: list[Source] = field(default_factory=list)
    named: set[int] = field(default_factory=set)
    failed: list[str] = field(default_factory=list)
    links: int = 0

    def is_named(self, source: Source) -> bool:
        """Whether the user named this file."""
        return id(source) in self.named


def search(paths: Iterable[Path]) -> Search:
    """Find all files below some paths.

    A path that cannot be read is noted in ``failed`` and does not stop the others.
    """
    found = Search()
    for path in dict.fromkeys(paths):
        _try(path, found)
    return found


def _try(path: Path, found: Search) -> None:
    try:
        _add(path, found)
    except RecordingError as error:
        found.failed.append(str(error))
    except OSError as error:
        found.failed.append(f"{path}: cannot be read: {error.strerror}")


def _add(path: Path, found: Search) -> None:
    if path.is_dir():
        for source in _walk(path, found):
            _open(source, found, 0)
        return
    if not path.exists():
        raise RecordingError(f"{path}: {'is a link to nothing' if path.is_symlink() else 'does not exist'}")
    if not stat.S_ISREG(path.stat().st_mode):
        raise RecordingError(f"{path}: cannot be read: it is not a regular file")
    before = len(found.files)
    _open(from_path(path), found, 0)
    if len(found.files) == before + 1:
        found.named.add(id(found.files[-1]))


def _walk(root: Path, found: Search) -> Iterator[Source]:
    seen = 0
    for folder, folders, names in os.walk(root, onerror=lambda error: found.failed.append(_walk_error(error))):
        inside = [name for name in sorted(folders) if not name.startswith(".")]
        linked = [name for name in inside if Path(folder, name).is_symlink()]
        found.links += len(linked)
        folders[:] = [name for name in inside if name not in linked]
        here = beside(Path(folder))
        found.links += sum(Path(folder, name).is_symlink() for name in names)
        seen += len(here)
        if seen > MOST_FILES:
            raise RecordingError(f"{root}: holds more than {MOST_FILES} files; name the folders with recordings")
        yield from (source for name, source in here.items() if not name.startswith("."))


def _walk_error(error: OSError) -> str:
    return f"{error.filename}: cannot be read: {error.strerror}"


def _open(source: Source, found: Search, depth: int) -> None:
    """Add a file, or the files in it if it is an archive."""
    if not is_archive(source):
        source.release()
        found.files.append(source)
        return
    if depth >= DEEPEST:
        found.failed.append(f"{source}: archives inside archives are opened to a depth of {DEEPEST}")
        return
    try:
        inside, said = members(source)
    except RecordingError as error:
        found.failed.append(str(error))
        return
    found.failed += said
    source.release()
    for inner in inside:
        _open(inner, found, depth + 1)
