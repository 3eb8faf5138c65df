"""Search for files below the paths of a user: folders and archives are searched, links are not followed."""

from __future__ import annotations

import io
import os
import stat
import tempfile
import weakref
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings.source import Source, beside, from_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

MOST_FILES: Final = 100_000
MOST_MEMBERS: Final = 20_000
MOST_NESTED_BYTES: Final = 512 * 2**20
MOST_ARCHIVE_BYTES: Final = 8 * 2**30
DEEPEST: Final = 3
_ZIP_MAGIC: Final = b"PK\x03\x04"
_NOT_OURS: Final = ("__MACOSX/", "._")


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
        raise RecordingError(f"{path}: does not exist")
    if not stat.S_ISREG(path.stat().st_mode):
        raise RecordingError(f"{path}: cannot be read: it is not a regular file")
    before = len(found.files)
    _open(from_path(path), found, 0)
    if len(found.files) == before + 1 and not found.files[-1].member:
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
    if not source.head.startswith(_ZIP_MAGIC) or _is_office(source):
        found.files.append(source)
        return
    if depth >= DEEPEST:
        found.failed.append(f"{source}: archives inside archives are opened to a depth of {DEEPEST}")
        return
    try:
        for inner in members(source):
            _open(inner, found, depth + 1)
    except RecordingError as error:
        found.failed.append(str(error))


def _is_office(source: Source) -> bool:
    """Whether a zip is a document of an office program: a table, not an archive."""
    return source.name.lower().endswith((".xlsx", ".xlsm", ".docx", ".pptx", ".ods", ".odt"))


def members(source: Source) -> list[Source]:
    """Return the files in a zip archive.

    Raises:
        RecordingError: the archive is damaged, or holds too much.
    """
    archive = _archive(source)
    files = [info for info in archive.infolist() if info.filename and not info.is_dir() and _wanted(info.filename)]
    if len(files) > MOST_MEMBERS:
        raise RecordingError(f"{source}: holds more than {MOST_MEMBERS} files")
    if sum(info.file_size for info in files) > MOST_ARCHIVE_BYTES:
        raise RecordingError(f"{source}: would unpack to more than {MOST_ARCHIVE_BYTES // 2**30} GB")
    twice = [name for name, times in Counter(info.filename for info in files).items() if times > 1]
    if twice:
        raise RecordingError(f"{source}: is damaged: it names {twice[0][:120]!r} twice")
    return _as_sources(source, archive, files)


def _wanted(name: str) -> bool:
    hidden = any(part.startswith(".") and part.strip(".") for part in name.split("/"))
    return not hidden and not name.startswith(_NOT_OURS)


def _as_sources(outer: Source, archive: zipfile.ZipFile, files: list[zipfile.ZipInfo]) -> list[Source]:
    folders: dict[str, dict[str, Source]] = {}
    prefix = f"{outer.member}/" if outer.member else ""
    made = []
    for info in sorted(files, key=lambda info: info.filename):
        folder = info.filename.rpartition("/")[0]
        here = folders.setdefault(folder, {})
        source = Source(outer.path, _member_opener(archive, info), prefix + info.filename, here.copy)
        here[source.name] = source
        made.append(source)
    return made


def _member_opener(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], BinaryIO]:
    def opened() -> BinaryIO:
        try:
            return cast("BinaryIO", archive.open(info))
        except (zipfile.BadZipFile, zlib.error, ValueError) as error:
            raise OSError(str(error)) from None

    return opened


def _archive(source: Source) -> zipfile.ZipFile:
    """Open an archive in place; one inside another is first unpacked to a temporary file."""
    try:
        return _closing_with_it(source.path.open("rb") if not source.member else _unpacked(source))
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError) as error:
        if isinstance(error, RecordingError):
            raise
        raise RecordingError(f"{source}: is a damaged archive: {error}") from None


def _closing_with_it(file: BinaryIO) -> zipfile.ZipFile:
    """Read an archive from a file, which is closed when nobody holds the archive any more.

    The sources in an archive refer to each other, so the collector ends them all at once and in any order: an archive
    that closed its file itself could come after the file.
    """
    try:
        archive = zipfile.ZipFile(file)
    except BaseException:
        file.close()
        raise
    weakref.finalize(archive, file.close)
    return archive


def _unpacked(source: Source) -> BinaryIO:
    # a spooled file would stay in memory, but before Python 3.11 zipfile cannot read from one
    unpacked = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the archive
    try:
        with source.opened(MOST_NESTED_BYTES) as stream:
            while block := stream.read(io.DEFAULT_BUFFER_SIZE * 16):
                unpacked.write(block)
    except BaseException:
        unpacked.close()
        raise
    return unpacked
