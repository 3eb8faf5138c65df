"""One file that may be a recording, on disk or inside an archive, read with limits.

The declared size of a file is ignored: the bytes that are read are counted, and reading ends with one line when a limit
is reached. So archive bombs and files that declare gigabytes cost neither memory nor time.
"""

from __future__ import annotations

import gzip
import io
import stat
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, BinaryIO, Final

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
_GZIP_MAGIC: Final = b"\x1f\x8b"
_DAMAGE: Final = (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile)


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
        """Its name without folders and without ``.gz``.

        >>> from pathlib import Path
        >>> from_path(Path("season/run.csv.gz")).name
        'run.csv'
        """
        name = self.member.rpartition("/")[2] or self.path.name
        return name[:-3] if name.lower().endswith(".gz") else name

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
                magic = raw.read(2)
                raw.seek(0)
                inner = gzip.GzipFile(fileobj=raw) if magic == _GZIP_MAGIC else raw
                yield io.BufferedReader(_Bounded(inner, limit, str(self)), 65_536)
        except _DAMAGE:
            raise RecordingError(f"{self}: is damaged: its compressed data end early or are not valid") from None
        except (OSError, RuntimeError, NotImplementedError) as error:
            raise RecordingError(f"{self}: cannot be read: {_reason(error)}") from None

    def read(self, limit: int = MOST_BYTES) -> bytes:
        """Return the whole content, uncompressed.

        Raises:
            RecordingError: as ``opened``.
        """
        with self.opened(limit) as stream:
            return stream.read()


class _Bounded(io.RawIOBase):
    """A stream that refuses to give more than a number of bytes."""

    def __init__(self, stream: BinaryIO | gzip.GzipFile, limit: int, label: str) -> None:
        self._stream = stream
        self._left = limit
        self._limit = limit
        self._label = label

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self._stream.read(len(buffer))
        if len(data) > self._left and self._limit > HEAD_BYTES:
            raise RecordingError(f"{self._label}: is longer than {self._limit // 2**20} MB, the most that is read")
        data = data[: self._left]
        self._left -= len(data)
        buffer[: len(data)] = data
        return len(data)


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
