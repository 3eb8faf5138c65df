"""Where results lie, and where recordings may come from: a local folder, or any URL that fsspec reads.

A name is written once and as a whole, so nobody ever sees half of it. ``s3://``, ``gs://`` and others need their own
fsspec package (``s3fs``, ``gcsfs``) and take their settings from the environment, as these packages do.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from athlete_monitor.errors import MonitorError
from athlete_monitor.system.files import replace_file

if TYPE_CHECKING:
    from collections.abc import Sequence


class Store(Protocol):
    """Bytes under names."""

    @property
    def url(self) -> str | None:
        """Where any machine reaches it; None for a folder of this machine."""

    def names(self) -> frozenset[str]:
        """Return the names that are there."""

    def get(self, name: str) -> bytes:
        """Return the bytes of a name.

        Raises:
            MonitorError: they cannot be read.
        """

    def put(self, name: str, content: bytes) -> None:
        """Keep bytes under a name, as a whole or not at all.

        Raises:
            MonitorError: they cannot be written.
        """


class Folder:
    """A folder of this machine."""

    url: str | None = None

    def __init__(self, path: Path, setting: str = "--results") -> None:
        self._path, self._setting = path, setting

    def names(self) -> frozenset[str]:
        """See ``Store``."""
        try:
            return frozenset(entry.name for entry in self._path.iterdir())
        except FileNotFoundError:
            return frozenset()
        except OSError as error:
            raise MonitorError(f"{self._path}: cannot be read: {error.strerror} ({self._setting})") from error

    def get(self, name: str) -> bytes:
        """See ``Store``."""
        try:
            return (self._path / name).read_bytes()
        except OSError as error:
            raise MonitorError(f"{self._path / name}: cannot be read: {error.strerror}") from error

    def put(self, name: str, content: bytes) -> None:
        """See ``Store``."""
        try:
            replace_file(self._path / name, content, sync=False)
        except OSError as error:
            raise MonitorError(f"{self._path}: cannot be written: {error.strerror} ({self._setting})") from error


class UrlStore:
    """A place behind a URL, through fsspec.

    Args:
        url: such as ``s3://bucket/folder``.

    Raises:
        MonitorError: fsspec or the package of its protocol is missing, or the URL is not understood.
    """

    def __init__(self, url: str) -> None:
        self.url: str | None = url.rstrip("/")
        self._files, self._root = opened(self.url)

    def names(self) -> frozenset[str]:
        """See ``Store``."""
        try:
            self._files.invalidate_cache()
            return frozenset(str(path).rpartition("/")[2] for path in self._files.ls(self._root, detail=False))
        except FileNotFoundError:
            return frozenset()
        except Exception as error:  # each protocol raises its own
            raise MonitorError(f"{self.url}: cannot be read: {short(error)}") from error

    def get(self, name: str) -> bytes:
        """See ``Store``."""
        try:
            return bytes(self._files.cat_file(f"{self._root}/{name}"))
        except Exception as error:
            raise MonitorError(f"{self.url}/{name}: cannot be read: {short(error)}") from error

    def put(self, name: str, content: bytes) -> None:
        """See ``Store``."""
        try:
            self._files.makedirs(self._root, exist_ok=True)
            self._files.pipe_file(f"{self._root}/{name}", content)
        except Exception as error:
            raise MonitorError(f"{self.url}: cannot be written: {short(error)}") from error


def store_at(place: str, below: str, setting: str = "--results") -> Store:
    """Return the store of a folder or URL, in a folder ``below`` it; ``setting`` is what names the place.

    Raises:
        MonitorError: see ``UrlStore``.
    """
    return UrlStore(f"{place.rstrip('/')}/{below}") if is_url(place) else Folder(Path(place) / below, setting)


def is_url(text: str) -> bool:
    """Whether a place is a URL.

    >>> is_url("s3://season/2026"), is_url("season/2026")
    (True, False)
    """
    return "://" in text


def found_at(url: str) -> Sequence[tuple[str, str]]:
    """Return the files at a URL, a file, a folder or a pattern: their URLs, and a mark that changes with their content.

    Raises:
        MonitorError: nothing is there, or it cannot be read.
    """
    files, root = opened(url)
    try:
        paths = files.glob(root) if any(sign in root for sign in "*?[") else files.find(root)
        found = [(files.unstrip_protocol(path), str(files.ukey(path))) for path in sorted(paths)]
    except Exception as error:
        raise MonitorError(f"{url}: cannot be read: {short(error)}") from error
    if not found:
        raise MonitorError(f"{url}: holds no file")
    return found


def read_url(url: str) -> bytes:
    """Return the content of a file at a URL.

    Raises:
        MonitorError: it cannot be read.
    """
    files, path = opened(url)
    try:
        return bytes(files.cat_file(path))
    except Exception as error:
        raise MonitorError(f"{url}: cannot be read: {short(error)}") from error


def opened(url: str) -> tuple[Any, str]:
    """Return fsspec's file system of a URL, and the path in it.

    Raises:
        MonitorError: see ``UrlStore``.
    """
    try:
        import fsspec

        files, path = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError, OSError) as error:
        raise MonitorError(f"{url}: cannot be opened: {short(error)}") from error
    return files, str(path).rstrip("/")


def short(error: BaseException) -> str:
    """Return an error in one short line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:160]}".removesuffix(": ")
