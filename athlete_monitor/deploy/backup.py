"""``backup`` and ``restore``: one verified file with all data that cannot be recreated; the system may keep running."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import sqlite3
import tempfile
import zipfile
import zlib
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Final

from athlete_monitor import __version__
from athlete_monitor.archive.address import address
from athlete_monitor.config import load_config
from athlete_monitor.errors import MonitorError
from athlete_monitor.models.store import ROWS_FOLDER_END
from athlete_monitor.system.files import TEMPORARY_PREFIX, refuse_special, sync_to_disk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from athlete_monitor.config import Config

MANIFEST: Final = "MANIFEST.json"
JOURNAL: Final = "journal.sqlite"
BESIDE_JOURNAL: Final = ("-wal", "-shm")
BEFORE: Final = ".before-restore"
FORMAT: Final = 1
CHUNK_BYTES: Final = 1 << 20
PAGES_PER_STEP: Final = 2000
"""The journal is copied in steps, so that the engine's writes are never held up for long."""


@dataclass(frozen=True)
class BackupFile:
    """A file of the backup: its name inside, and its path."""

    name: str
    path: Path


def backup(config_file: Path, root: Path | None, target: Path, *, dry_run: bool = False) -> int:
    """Write a backup and verify it.

    Args:
        config_file: the configuration whose data are saved; it is saved too.
        root: folder of relative paths; None: that of the configuration.
        target: the file to write, a zip archive that only this user may read.
        dry_run: only list what would be saved.

    Raises:
        MonitorError: something that is not a file is in the journal's or the target's place, or it cannot be written.
    """
    refuse_special(target)
    config = load_config(config_file, root)
    refuse_special(config.paths.journal)
    parts = list(_parts(config, config_file))
    size = sum(map(_size, parts))
    if dry_run:
        for part in parts:
            print(f"would save {part.name}")
        print(f"{len(parts)} files and the journal, {size / 1e6:.1f} MB before compression")
        return 0
    target = target.resolve()
    temporary = target.with_name(f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}.zip")
    try:
        count = _write(temporary, parts, config.paths.journal)
        verified = verify(temporary)
        temporary.replace(target)
    except OSError as error:
        place = "" if error.filename in {None, str(temporary)} else f"{error.filename}: "
        raise MonitorError(f"{target}: cannot be written ({place}{error.strerror})") from error
    finally:
        temporary.unlink(missing_ok=True)
    print(f"{target}: {count} files, {target.stat().st_size / 1e6:.1f} MB, {len(verified)} verified by SHA-256")
    return 0


def _size(part: BackupFile) -> int:
    """Bytes of a file; 0 if the running system has removed it in the meantime."""
    try:
        return part.path.stat().st_size
    except FileNotFoundError:
        return 0


def _parts(config: Config, config_file: Path) -> Iterator[BackupFile]:
    yield BackupFile(f"configuration/{config_file.name}", config_file)
    roster = config.athletes.roster
    if roster.is_file():
        yield BackupFile("athletes.yaml", roster)
    live = {config.paths.journal.with_name(f"{config.paths.journal.name}{ending}") for ending in ("", *BESIDE_JOURNAL)}
    for name in FOLDERS:
        folder = getattr(config.paths, name)
        for path in sorted(folder.rglob("*")):
            if path in live:
                continue  # a snapshot of the journal is saved instead
            if path.parent.name.endswith(ROWS_FOLDER_END) or path.name.startswith(TEMPORARY_PREFIX):
                continue  # rebuilt from the sessions; unfinished files
            if path.is_file() and not path.is_symlink():
                yield BackupFile(f"{name}/{path.relative_to(folder).as_posix()}", path)


FOLDERS: Final = (
    "data_root", "game_data_root", "prediction_outputs", "models_root", "hb_tensors_updated", "hb_tensors_previous",
)  # fmt: skip
"""Folders of the configuration that are saved, under their own names."""


def _write(temporary: Path, parts: list[BackupFile], journal: Path) -> int:
    handle = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    hashes: dict[str, str] = {}
    with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for part in parts:
            with suppress(FileNotFoundError), part.path.open("rb") as source:  # the running system may have removed it
                hashes[part.name] = _add(archive, part.name, source)
        if journal.exists():
            with tempfile.TemporaryDirectory(dir=temporary.parent, prefix=TEMPORARY_PREFIX) as folder:
                copy = Path(folder, JOURNAL)
                _copy_journal(journal, copy)
                with copy.open("rb") as source:
                    hashes[JOURNAL] = _add(archive, JOURNAL, source)
        archive.writestr(MANIFEST, json.dumps(_manifest(hashes), indent=1))
    return len(hashes)


def _manifest(hashes: dict[str, str]) -> dict[str, object]:
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    return {"format": FORMAT, "version": __version__, "created": now, "sha256": hashes}


def _add(archive: zipfile.ZipFile, name: str, source: IO[bytes]) -> str:
    digest = hashlib.sha256()
    with archive.open(
        zipfile.ZipInfo(name, date_time=datetime.now().astimezone().timetuple()[:6]), "w", force_zip64=True
    ) as out:
        while chunk := source.read(CHUNK_BYTES):
            digest.update(chunk)
            out.write(chunk)
    return digest.hexdigest()


def _copy_journal(journal: Path, copy: Path) -> None:
    try:
        with (
            closing(sqlite3.connect(address(journal), uri=True)) as source,
            closing(sqlite3.connect(copy)) as to,
        ):
            source.backup(to, pages=PAGES_PER_STEP)
    except sqlite3.Error as error:
        raise MonitorError(f"{journal}: cannot be copied ({error})") from error


_DAMAGE: Final = (
    OSError, LookupError, TypeError, AttributeError, ValueError, EOFError, RuntimeError, NotImplementedError,
    zlib.error, zipfile.BadZipFile,
)  # fmt: skip
"""What a damaged zip file or manifest makes the standard library raise."""


def verify(path: Path) -> dict[str, str]:
    """Read a backup and compare every file with its hash; returns the hashes by name.

    Raises:
        MonitorError: it is not a backup, is damaged, or holds a name that points outside.
    """
    refuse_special(path)
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = json.loads(archive.read(MANIFEST))
            hashes: dict[str, str] = manifest["sha256"]
            if manifest["format"] != FORMAT:
                raise MonitorError(f"{path}: backup of format {manifest['format']}; this program reads {FORMAT}")
            for name, expected in hashes.items():
                _check_name(path, name)
                with archive.open(name) as file:
                    if _digest(file) != expected:
                        raise MonitorError(f"{path}: {name} is damaged")
    except _DAMAGE as error:
        system = error.strerror if isinstance(error, OSError) else None
        why = f"cannot be read ({system})" if system else f"not a backup, or damaged ({error})"
        raise MonitorError(f"{path}: {why}") from error
    return hashes


def _digest(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def _check_name(path: Path, name: str) -> None:
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "\\" in name:
        raise MonitorError(f"{path}: holds the name {name!r}, which points outside; nothing was restored")


def restore(config_file: Path, root: Path | None, source: Path, *, dry_run: bool = False) -> int:
    """Restore a verified backup; a file that differs is kept as ``NAME.before-restore``.

    Raises:
        MonitorError: the backup is damaged, the engine runs, or a file cannot be written.
    """
    hashes = verify(source)
    config = load_config(config_file, root)
    _refuse_while_running(config)
    restored, same = 0, 0
    with zipfile.ZipFile(source) as archive:
        for name, digest in hashes.items():
            target = _target(config, config_file, name)
            if target is None:
                print(f"left out {name}: {_left_out(config_file, name)}")
                continue
            if target.is_file() and _file_digest(target) == digest:
                same += 1
                continue
            restored += 1
            if dry_run:
                print(f"would restore {target}")
            else:
                with archive.open(name) as content:
                    _put(content, target, is_journal=name == JOURNAL)
    what = f"{restored} file{'' if restored == 1 else 's'}"
    print(f"{what} {'would be restored' if dry_run else 'restored'}, {same} unchanged")
    return 0


def _left_out(config_file: Path, name: str) -> str:
    if name.startswith("configuration/"):
        return f"this box is configured by {config_file.name}"
    return "unknown to this version"


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return _digest(file)


def _put(content: IO[bytes], target: Path, *, is_journal: bool) -> None:
    """Write a file beside its place, keep the old one, and put the new one there: a full disk changes nothing.

    Raises:
        MonitorError: it cannot be written.
    """
    temporary = target.with_name(f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as out:
            shutil.copyfileobj(content, out, CHUNK_BYTES)
            out.flush()
            sync_to_disk(out.fileno())
        for ending in ("", *BESIDE_JOURNAL) if is_journal else ("",):
            old = target.with_name(target.name + ending)
            if old.exists():
                old.replace(target.with_name(f"{target.name}{BEFORE}{ending}"))
        temporary.replace(target)
    except OSError as error:
        raise MonitorError(f"{target}: cannot be restored ({error.strerror})") from error
    finally:
        temporary.unlink(missing_ok=True)


def _target(config: Config, config_file: Path, name: str) -> Path | None:
    first, _, rest = name.partition("/")
    if name == JOURNAL:
        return config.paths.journal
    if name == "athletes.yaml":
        return config.athletes.roster
    if first == "configuration":
        return config_file if rest == config_file.name else None
    return getattr(config.paths, first) / rest if first in FOLDERS and rest else None


def _refuse_while_running(config: Config) -> None:
    from athlete_monitor.locks import holder

    running = holder(config.prediction_check.lockfile_path)
    if running is not None:
        raise MonitorError(f"held by {running}; stop it before a restore")
