"""The files in an archive: zip and tar, on disk, compressed or inside another archive; no name in it becomes a path."""

from __future__ import annotations

import io
import tarfile
import tempfile
import weakref
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, BinaryIO, Final, TypeVar, cast

from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings.source import Source, is_office

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_MEMBERS: Final = 20_000
MOST_NESTED_BYTES: Final = 512 * 2**20
MOST_ARCHIVE_BYTES: Final = 8 * 2**30
_ZIP_MAGICS: Final = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08", b"PK00PK")
"""Of a file, of an archive without files, and of one that was written in parts."""
_TAR_MAGIC: Final = b"ustar"
_TAR_MAGIC_PLACE: Final = 257
_NOT_OURS: Final = ("__MACOSX/", "._")
_ENCRYPTED: Final = 1
_MOST_OPEN: Final = 4
"""Archives of one kind that stay open to be read on; a season may be a thousand of them."""
_DAMAGE: Final = (zipfile.BadZipFile, tarfile.TarError, zlib.error, ValueError, NotImplementedError, EOFError)

_Archive = TypeVar("_Archive", zipfile.ZipFile, tarfile.TarFile)


@dataclass(frozen=True)
class _Member:
    name: str
    size: int
    opener: Callable[[], BinaryIO]
    encrypted: bool = False


def is_archive(source: Source) -> bool:
    """Whether a file is an archive with files to examine: not a document of an office program."""
    return _is_tar(source.head) or (source.head.startswith(_ZIP_MAGICS) and not is_office(source))


def members(source: Source) -> tuple[list[Source], list[str]]:
    """Return the files in an archive, and one line for those that nobody can read without a password.

    Raises:
        RecordingError: the archive is damaged, holds too much, or nothing.
    """
    try:
        every = _in_tar(source) if _is_tar(source.head) else _in_zip(source)
    except RecordingError:
        raise
    except _DAMAGE as error:
        raise RecordingError(f"{source}: is a damaged archive: {error}") from None
    except OSError as error:
        raise RecordingError(f"{source}: cannot be read: {error.strerror or error}") from None
    wanted = [member for member in every if _wanted(member.name)]
    _check(source, wanted)
    readable = [member for member in wanted if not member.encrypted]
    closed = len(wanted) - len(readable)
    which = (
        "its files are"
        if closed == len(wanted)
        else f"{closed} of its {len(wanted)} files {'is' if closed == 1 else 'are'}"
    )
    said = [f"{source}: {which} encrypted; unpack it with its password and import the files"] if closed else []
    return _as_sources(source, readable), said


def _is_tar(head: bytes) -> bool:
    return head[_TAR_MAGIC_PLACE : _TAR_MAGIC_PLACE + len(_TAR_MAGIC)] == _TAR_MAGIC


def _check(source: Source, wanted: list[_Member]) -> None:
    if not wanted:
        raise RecordingError(f"{source}: is an archive without files")
    if len(wanted) > MOST_MEMBERS:
        raise RecordingError(f"{source}: holds more than {MOST_MEMBERS} files")
    if sum(member.size for member in wanted) > MOST_ARCHIVE_BYTES:
        raise RecordingError(f"{source}: would unpack to more than {MOST_ARCHIVE_BYTES // 2**30} GB")
    twice = [name for name, times in Counter(member.name for member in wanted).items() if times > 1]
    if twice:
        raise RecordingError(f"{source}: is damaged: it names {twice[0][:120]!r} twice")


def _wanted(name: str) -> bool:
    hidden = any(part.startswith(".") and part.strip(".") for part in name.split("/"))
    return not hidden and not name.startswith(_NOT_OURS)


def _as_sources(outer: Source, found: list[_Member]) -> list[Source]:
    folders: dict[str, dict[str, Source]] = {}
    prefix = f"{outer.member}/" if outer.member else ""
    made = []
    for member in sorted(found, key=lambda each: each.name):
        here = folders.setdefault(member.name.rpartition("/")[0], {})
        source = Source(outer.path, member.opener, prefix + member.name, here.copy)
        here[source.name] = source
        made.append(source)
    return made


def _in_zip(source: Source) -> list[_Member]:
    return [
        _Member(info.filename, info.file_size, partial(_in_zip_opened, source, info), bool(info.flag_bits & _ENCRYPTED))
        for info in _zip(source).infolist()
        if info.filename and not info.is_dir()
    ]


def _in_zip_opened(source: Source, info: zipfile.ZipInfo) -> BinaryIO:
    archive = _zip(source)
    try:
        stream = archive.open(info)
    except (zipfile.BadZipFile, zlib.error, ValueError) as error:
        raise OSError(str(error)) from None
    weakref.finalize(stream, id, archive)  # the archive lives as long as the stream
    return cast("BinaryIO", stream)


def _in_tar(source: Source) -> list[_Member]:
    return [
        _Member(info.name.removeprefix("./"), info.size, partial(_in_tar_opened, source, info))
        for info in _tar(source).getmembers()
        if info.isreg()
    ]


def _in_tar_opened(source: Source, info: tarfile.TarInfo) -> BinaryIO:
    archive = _tar(source)
    stream = cast("BinaryIO", archive.extractfile(info))
    weakref.finalize(stream, id, archive)
    return stream


@lru_cache(maxsize=_MOST_OPEN)
def _zip(source: Source) -> zipfile.ZipFile:
    return _closing(source, zipfile.ZipFile)


@lru_cache(maxsize=_MOST_OPEN)
def _tar(source: Source) -> tarfile.TarFile:
    return _closing(source, lambda file: tarfile.open(fileobj=file, mode="r:"))


def _closing(source: Source, opened: Callable[[BinaryIO], _Archive]) -> _Archive:
    """Open an archive whose file is closed after it: the collector may end them at once and in any order."""
    file = _file_of(source)
    try:
        archive = opened(file)
    except BaseException:
        file.close()
        raise
    weakref.finalize(archive, file.close)
    return archive


def close_all() -> None:
    """Close the archives that were open in case that they are read again."""
    _zip.cache_clear()
    _tar.cache_clear()


def _file_of(source: Source) -> BinaryIO:
    """Open an archive in place; one that is compressed or inside another is first unpacked to a temporary file."""
    if not source.member:
        file = source.opener()
        if file.read(len(source.head[:512])) == source.head[:512]:
            file.seek(0)
            return file
        file.close()
    # a spooled file would stay in memory, but before Python 3.11 zipfile cannot read from one
    unpacked = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the archive
    try:
        with source.opened(MOST_NESTED_BYTES) as stream:
            while block := stream.read(io.DEFAULT_BUFFER_SIZE * 16):
                unpacked.write(block)
    except BaseException:
        unpacked.close()
        raise
    unpacked.seek(0)
    return unpacked
