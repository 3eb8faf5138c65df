"""One file that may be a recording, on disk or inside an archive, read with limits.

The declared size of a file is ignored: the bytes that are read are counted, and reading ends with one line when a limit
is reached. So archive bombs and files that declare gigabytes cost neither memory nor time.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import re
import stat
import tarfile
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from athlete_monitor.errors import RecordingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

HEAD_BYTES: Final = 65_536
"""The part of a file that a recogniser gets."""
MOST_BYTES: Final = 128 * 2**20
"""The largest file that is read as a whole: FIT, XML, JSON."""
MOST_STREAMED_BYTES: Final = 2 * 2**30
"""The largest file that is read row by row: tables."""
MOST_LAYERS: Final = 3
"""Compressions around each other."""
_GZIP_MAGIC: Final = b"\x1f\x8b"
_BZIP2_MAGIC: Final = re.compile(rb"BZh[1-9]1AY&SY")
_XZ_MAGIC: Final = b"\xfd7zXZ\0"
_XZ_MEMORY: Final = 256 * 2**20
_MAGIC_BYTES: Final = 10
_PACKED_BYTES: Final = 65_536
_SUFFIXES: Final = (".gz", ".bz2", ".xz")
_DAMAGE: Final = (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile, tarfile.TarError, lzma.LZMAError)
_ZIP_MAGIC: Final = b"PK\x03\x04"
_FIRST_NAME_PLACE: Final = 30
_OFFICE_SUFFIXES: Final = (".xlsx", ".xlsm", ".docx", ".pptx", ".ods", ".odt")
_OFFICE_NAMES: Final = (b"[Content_Types].xml", b"docProps/", b"_rels/", b"xl/", b"word/", b"ppt/", b"mimetype")


class NotARecording(RecordingError):  # noqa: N818 - not a fault where a folder was searched
    """A file is valid and of a known format, but holds no recording: settings, a route, an empty export."""


@dataclass(frozen=True, eq=False)
class Source:
    """A file that may be a recording.

    Attributes:
        path: the file on disk; the archive if the file is inside one.
        opener: opens the content for reading.
        member: the name inside the archive, with its folders; empty for a file on disk.
        siblings: finds the other files of the same folder, by name.
    """

    path: Path
    opener: Callable[[], BinaryIO]
    member: str = ""
    siblings: Callable[[], Mapping[str, Source]] = field(default=dict)

    @property
    def name(self) -> str:
        """Its name without folders and without ``.gz``, ``.bz2`` or ``.xz``.

        >>> from pathlib import Path
        >>> from_path(Path("season/run.csv.gz")).name
        'run.csv'
        """
        name = self.member.rpartition("/")[2] or self.path.name
        while name.lower().endswith(_SUFFIXES):
            name = name.rpartition(".")[0]
        return name

    @property
    def stem(self) -> str:
        """Its name without the last suffix."""
        return self.name.rpartition(".")[0] or self.name

    @property
    def folders(self) -> tuple[str, ...]:
        """The names of the folders above it, the innermost last."""
        return (*self.path.parts[:-1], *self.member.split("/")[:-1])

    def __str__(self) -> str:
        return f"{self.path}: {self.member}" if self.member else str(self.path)

    @cached_property
    def head(self) -> bytes:
        """The first bytes of the content, uncompressed, as far as they are readable."""
        try:
            with self.opened(HEAD_BYTES) as stream:
                return stream.read(HEAD_BYTES)
        except RecordingError:
            return b""

    def release(self) -> None:
        """Release the first bytes of the content; they are read again where they are needed."""
        self.__dict__.pop("head", None)

    @contextmanager
    def opened(self, limit: int = MOST_STREAMED_BYTES) -> Iterator[BinaryIO]:
        """Open the content, uncompressed.

        Args:
            limit: bytes that may be read; more raises an error.

        Raises:
            RecordingError: it cannot be read, its compression is damaged, or it is longer than the limit.
        """
        try:
            with self.opener() as raw:
                stream = _uncompressed(raw)
                if stream is raw and HEAD_BYTES < limit < self._size_of(raw):
                    raise RecordingError(_too_long(str(self), limit))
                yield io.BufferedReader(_Bounded(stream, limit, str(self)), 65_536)
        except _DAMAGE:
            raise RecordingError(f"{self}: is damaged: its compressed data end early or are not valid") from None
        except (OSError, RuntimeError, NotImplementedError) as error:
            raise RecordingError(f"{self}: cannot be read: {_reason(error)}") from None

    def lines_on_disk(self) -> float:
        """Return about how many lines a file has, by its size and its first lines; 0 if it is compressed or no file."""
        try:
            with self.opener() as raw:
                plain = self.head != b"" and raw.read(HEAD_BYTES) == self.head
                return self._size_of(raw) * self.head.count(b"\n") / len(self.head) if plain else 0.0
        except OSError:
            return 0.0

    def _size_of(self, raw: BinaryIO) -> int:
        """Return the bytes of an open file on the disk, 0 of another stream."""
        is_file = not self.member and isinstance(raw, io.BufferedReader)
        return os.fstat(raw.fileno()).st_size if is_file else 0

    def read(self, limit: int = MOST_BYTES) -> bytes:
        """Return the whole content, uncompressed.

        Raises:
            RecordingError: as ``opened``.
        """
        with self.opened(limit) as stream:
            return stream.read()


def _uncompressed(raw: BinaryIO) -> BinaryIO:
    """Return a stream without the compressions around it, recognised by their first bytes."""
    stream = raw
    for _ in range(MOST_LAYERS):
        magic = stream.read(_MAGIC_BYTES)
        stream.seek(0)
        if magic.startswith(_GZIP_MAGIC):
            stream = cast("BinaryIO", gzip.GzipFile(fileobj=stream, mode="rb"))
        elif _BZIP2_MAGIC.match(magic):
            stream = cast("BinaryIO", bz2.BZ2File(stream))
        elif magic.startswith(_XZ_MAGIC):
            stream = io.BufferedReader(_Xz(stream), _PACKED_BYTES)
        else:
            break
    return stream


class _Xz(io.RawIOBase):
    """The content of an ``.xz`` file; one that asks for much memory is refused, which ``lzma.LZMAFile`` cannot."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._begin()

    def _begin(self) -> None:
        self._stream.seek(0)
        self._unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ, _XZ_MEMORY)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go back to the start, the only place that is known without reading."""
        if offset or whence:
            raise io.UnsupportedOperation("xz: only the start")
        self._begin()
        return 0

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        while True:
            packed = self._packed()
            if packed is None:
                return 0
            data = self._unpacker.decompress(packed, len(buffer))
            if data:
                buffer[: len(data)] = data
                return len(data)

    def _packed(self) -> bytes | None:
        """Return the next compressed bytes, empty while there are some in the decompressor; None at the end."""
        if self._unpacker.eof:
            rest = (self._unpacker.unused_data or self._stream.read(_PACKED_BYTES)).lstrip(b"\0")
            if not rest:
                return None
            self._unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ, _XZ_MEMORY)
            return rest
        packed = self._stream.read(_PACKED_BYTES) if self._unpacker.needs_input else b""
        if self._unpacker.needs_input and not packed:
            raise EOFError
        return packed


def is_office(source: Source) -> bool:
    """Whether a zip is a document of an office program: a table, not an archive. Its name may say something else."""
    first = source.head[_FIRST_NAME_PLACE:]
    return source.head.startswith(_ZIP_MAGIC) and (
        first.startswith(_OFFICE_NAMES) or source.name.lower().endswith(_OFFICE_SUFFIXES)
    )


class _Bounded(io.RawIOBase):
    """A stream that refuses to give more than a number of bytes."""

    def __init__(self, stream: BinaryIO, limit: int, label: str) -> None:
        self._stream = stream
        self._left = limit
        self._limit = limit
        self._label = label

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self._stream.read(len(buffer))
        if len(data) > self._left and self._limit > HEAD_BYTES:
            raise RecordingError(_too_long(self._label, self._limit))
        data = data[: self._left]
        self._left -= len(data)
        buffer[: len(data)] = data
        return len(data)


def _too_long(label: str, limit: int) -> str:
    return f"{label}: is longer than {limit // 2**20} MB, the most that is read"


def _reason(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or str(error) or type(error).__name__)


def from_path(path: Path) -> Source:
    """Return a file on disk as a source; its siblings are the files beside it."""
    return Source(path, lambda: _regular(path), siblings=lambda: beside(path.parent))


def beside(folder: Path) -> dict[str, Source]:
    """Return the regular files of a folder, by name; links are not followed."""
    try:
        files = [entry for entry in folder.iterdir() if entry.is_file() and not entry.is_symlink()]
    except OSError:
        return {}
    return {file.name: from_path(file) for file in sorted(files)}


def _regular(path: Path) -> BinaryIO:
    """Open a regular file; reading a pipe or a device could block forever."""
    if not stat.S_ISREG(path.stat().st_mode):
        message = "it is not a regular file"
        raise OSError(message)
    return path.open("rb")
