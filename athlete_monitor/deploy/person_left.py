"""What an erasure leaves: files beside the programs' own that hold the person's name or may hold it."""

from __future__ import annotations

import glob
import html
import json
import os
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from athlete_monitor.deploy.backup import CHUNK_BYTES, FOLDERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from athlete_monitor.config import Config

_OPAQUE: Final = frozenset({".pdf", ".parquet", ".fit", ".gz", ".npz", ".pkl"})
"""Endings of compressed files that a search for the name does not see into."""
_ZIPPED: Final = frozenset({".zip", ".xlsx"})


def say_what_is_left(config: Config, athlete_id: int) -> None:
    """Say which files beside the data may hold the person, and what this command cannot know."""
    for path in _files_around(config):
        if path.name.startswith(f"A{athlete_id}_"):
            print(f"not removed: {path}; an export of a session of this athlete: delete it")
        elif path.suffix.lower() in _OPAQUE and not _is_stored(config, path):
            print(f"not searched: {path}; a report, an export or a backup may hold this athlete: delete it")
    for path in _set_aside(config.paths.journal):
        print(f"not searched: {path}; a journal that was set aside may hold this athlete: delete it")
    print(
        "not searched: reports, exports and backups in other places; after restoring a backup made before now, erase "
        "again"
    )


def _set_aside(journal: Path) -> list[Path]:
    """Journals that the engine renamed because they are damaged or of a newer version, with their logs."""
    names = (f"{glob.escape(journal.stem)}.{why}-*" for why in ("damaged", "newer"))
    return [path for name in names for path in sorted(journal.parent.glob(name))]


def _is_stored(config: Config, path: Path) -> bool:
    """Whether a file lies in a folder of the programs: what is there of the athlete has been removed."""
    return any(path.is_relative_to(getattr(config.paths, name)) for name in FOLDERS)


def _files_around(config: Config) -> Iterator[Path]:
    """Files in the folder of the roster and below it, without hidden folders and environments of Python."""
    for folder, names, files in os.walk(config.athletes.roster.parent):
        there = Path(folder)
        names[:] = sorted(name for name in names if not _is_left_out(there / name))
        yield from (there / name for name in sorted(files))


def _is_left_out(folder: Path) -> bool:
    return folder.name.startswith(".") or (folder / "pyvenv.cfg").exists() or folder.is_symlink()


def still_named(config: Config, names: set[str]) -> Iterator[Path]:
    """Files that hold one of the names, as UTF-8, as JSON escapes it, or as HTML does."""
    forms = ((name, json.dumps(name)[1:-1], html.escape(name), escape(name)) for name in names)
    wanted = {form.encode() for each in forms for form in each}
    folders = {getattr(config.paths, name) for name in FOLDERS} | {config.logging.logs_dir}
    paths = [*plain_files(tuple(sorted(folders))), *_files_around(config)]
    for path in dict.fromkeys(each for each in paths if each.is_file() and not each.is_symlink()):
        if wanted and _holds(path, wanted):
            yield path


def _holds(path: Path, wanted: set[bytes]) -> bool:
    """Whether a file holds one of the texts; workbooks and zip files are searched inside."""
    with suppress(OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError, zlib.error):
        if path.suffix.lower() in _ZIPPED:
            with zipfile.ZipFile(path) as archive:
                return any(_is_in(archive.open(name), wanted) for name in archive.namelist())
        return _is_in(path.open("rb"), wanted)
    return False


def _is_in(file: IO[bytes], wanted: set[bytes]) -> bool:
    longest, before = max(map(len, wanted)), b""
    with file:
        while chunk := file.read(CHUNK_BYTES):
            text = before + chunk
            if any(each in text for each in wanted):
                return True
            before = text[-longest:]
    return False


def plain_files(paths: tuple[Path, ...]) -> Iterator[Path]:
    """Files in these folders, and these files, without links."""
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            yield from (each for each in sorted(path.rglob("*")) if each.is_file() and not each.is_symlink())
        elif path.is_file() and not path.is_symlink():
            yield path
