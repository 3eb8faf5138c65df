"""One person's data: exported (GDPR Art. 15 and 20) or erased (Art. 17), wherever the system stores any."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sqlite3
import zipfile
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from athlete_monitor.archive.address import address, has_tables
from athlete_monitor.archive.schema import SCHEMA_VERSION, prepare
from athlete_monitor.athletes.editing import RosterEditor
from athlete_monitor.config import load_config, read_plain
from athlete_monitor.deploy.backup import BEFORE, FOLDERS
from athlete_monitor.deploy.person_left import plain_files, say_what_is_left, still_named
from athlete_monitor.errors import ConfigError, MonitorError
from athlete_monitor.locks import holder
from athlete_monitor.models.store import RETRAIN_MARK
from athlete_monitor.system.files import TEMPORARY_PREFIX, refuse_special, replace_file
from athlete_monitor.wire import topics
from athlete_monitor.wire.mqtt import MqttLink

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from athlete_monitor.config import Config

_BY_SESSION: Final = ("seconds", "recent", "blocks", "events", "totals", "memories")
_BY_ATHLETE: Final = ("markers", "pitch", "alarms", "entries", "days")


@dataclass(frozen=True)
class Traces:
    """The places of a person's data: files and folders, and the devices of the person's sessions."""

    files: tuple[Path, ...]
    devices: tuple[str, ...]


def traces(config: Config, athlete_id: int) -> Traces:
    """Find all data of one athlete below the configured folders; links are not followed."""
    paths = config.paths
    patterns = (
        (paths.data_root, f"player_{athlete_id}"),
        (paths.game_data_root, f"player_{athlete_id}"),
        (paths.prediction_outputs, f"A{athlete_id}_*"),
        (config.logging.logs_dir, f"A{athlete_id}_*"),
        (paths.models_root, f"Player{athlete_id}_*"),
        (paths.hb_tensors_updated, f"hb_{athlete_id}_*"),
        (paths.hb_tensors_previous, f"hb_{athlete_id}_*"),
        (paths.hb_tensors_previous, f"*/hb_{athlete_id}_*"),
        (paths.hb_tensors_previous, f"{athlete_id}"),
    )
    found = [path for folder, pattern in patterns for path in sorted(folder.glob(pattern))]
    return Traces(tuple(dict.fromkeys(found)), tuple(sorted(_devices(config, athlete_id))))


def _devices(config: Config, athlete_id: int) -> set[str]:
    journal = config.paths.journal
    if not journal.exists():
        return set()
    with _opened(journal, "ro") as connection:
        query = "SELECT DISTINCT device_id FROM sessions WHERE athlete_id = ?"
        return {str(row[0]) for row in connection.execute(query, (athlete_id,))}


@contextmanager
def _opened(journal: Path, mode: str) -> Iterator[sqlite3.Connection]:
    """Provide the journal's connection inside the block; an empty one if the file has no tables yet.

    Raises:
        MonitorError: it cannot be read: locked, damaged, or not a journal.
    """
    refuse_special(journal)
    try:
        with closing(sqlite3.connect(address(journal, f"mode={mode}"), uri=True, timeout=10.0)) as connection:
            if has_tables(connection):
                _refuse_newer(journal, connection)
                yield connection
                return
        with closing(sqlite3.connect(":memory:")) as empty:
            prepare(empty, ())
            yield empty
    except sqlite3.Error as error:
        raise MonitorError(f"{journal}: cannot be read ({error})") from error


def _refuse_newer(journal: Path, connection: sqlite3.Connection) -> None:
    """Refuse a journal that may hold more about a person than this program knows."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise MonitorError(
            f"{journal}: of version {version}, newer than this program's {SCHEMA_VERSION}; update it first"
        )


def export_person(config_file: Path, root: Path | None, athlete_id: int, target: Path) -> int:
    """Write all data of one athlete into a zip: files unchanged, the journal's rows as JSON lines.

    Raises:
        MonitorError: there are no data of the athlete, or the file cannot be written.
    """
    refuse_special(target)
    config = load_config(config_file, root)
    found = traces(config, athlete_id)
    rows = list(_journal_rows(config, athlete_id))
    roster = _roster_entry(config.athletes.roster, athlete_id)
    if not (found.files or rows or roster):
        raise MonitorError(f"athlete {athlete_id}: no data of this athlete are stored here")
    texts = {
        "README.txt": _README.format(athlete=athlete_id),
        "roster.json": json.dumps(roster, indent=1, default=str),
        "journal.jsonl": "".join(f"{json.dumps(row)}\n" for row in rows),
    }
    temporary = target.with_name(f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}.zip")
    try:
        count = _write_zip(config, temporary, texts, found.files)
        temporary.replace(target)
    except OSError as error:
        raise MonitorError(f"{target}: cannot be written ({error.strerror})") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    print(f"{target}: {count} files, {len(rows)} rows of the journal")
    return 0


def _write_zip(config: Config, target: Path, texts: Mapping[str, str], files: tuple[Path, ...]) -> int:
    """Write a zip file that only this user may read; returns how many of the files are in it."""
    handle, count = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), 0
    with (
        os.fdopen(handle, "wb") as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive,
    ):
        for name, text in texts.items():
            archive.writestr(name, text)
        for path in plain_files(files):
            with suppress(FileNotFoundError):  # the running system may have removed it
                archive.write(path, f"files/{_inside(config, path)}")
                count += 1
    return count


_README: Final = """Everything that this system keeps of athlete {athlete}.

roster.json    name, body and limits
journal.jsonl  one object per row of the journal: "table" and its columns; figures of each second as whole numbers
files/         session files (what was measured), outputs (what was computed), logs and models, as they are
"""


def _inside(config: Config, path: Path) -> str:
    """Path of a file in the archive: below the name of its configured folder."""
    folders = {name: getattr(config.paths, name) for name in FOLDERS} | {"logs": config.logging.logs_dir}
    name = next(name for name, folder in folders.items() if path.is_relative_to(folder))
    return f"{name}/{path.relative_to(folders[name]).as_posix()}"


def _roster_entry(roster: Path, athlete_id: int) -> dict[str, Any] | None:
    try:
        known = read_plain(roster)
    except ConfigError:
        return None
    entries = (known.get("athletes") if isinstance(known, dict) else None) or []
    return next((dict(each) for each in entries if isinstance(each, dict) and each.get("id") == athlete_id), None)


def _journal_rows(config: Config, athlete_id: int) -> Iterator[dict[str, Any]]:
    journal = config.paths.journal
    if not journal.exists():
        return
    with _opened(journal, "ro") as connection:
        connection.row_factory = sqlite3.Row
        for table, where in _selections(connection, athlete_id):
            for row in connection.execute(f"SELECT * FROM {table} WHERE {where}"):  # noqa: S608 - names of our own
                yield {"table": table, **{key: _plain(row[key]) for key in row.keys()}}  # noqa: SIM118 - sqlite3.Row


def _plain(value: Any) -> Any:  # noqa: ANN401 - a cell of SQLite
    if not isinstance(value, bytes):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return f"{len(value)} bytes"


def _selections(connection: sqlite3.Connection, athlete_id: int) -> list[tuple[str, str]]:
    """Tables with the condition that chooses the rows of an athlete; the sessions come last."""
    there = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    mine = f"session IN (SELECT id FROM sessions WHERE athlete_id = {int(athlete_id)})"  # noqa: S608 - a whole number
    chosen = [(table, mine) for table in _BY_SESSION if table in there]
    chosen += [(table, f"athlete_id = {int(athlete_id)}") for table in _BY_ATHLETE if table in there]
    return [*chosen, ("sessions", f"athlete_id = {int(athlete_id)}")]


def erase_person(config_file: Path, root: Path | None, athlete_id: int, *, dry_run: bool = False) -> int:
    """Erase all data of one athlete and print a list of what was removed.

    The engine must not run: it would write the athlete's session again. The squad's default model was trained with this
    person's data; it is marked, and the next training rebuilds it from the remaining athletes.

    Raises:
        MonitorError: the engine or a training runs, or something cannot be removed.
    """
    config = load_config(config_file, root)
    for lock in (config.prediction_check.lockfile_path, config.prediction_check.training_lockfile_path):
        if (running := holder(lock)) is not None:
            raise MonitorError(f"{lock.name}: held by {running}; stop it before data are erased")
    found, names = traces(config, athlete_id), _names(config, athlete_id)
    failed: list[str] = []
    erased = False
    for what in _erase_all(config, athlete_id, found.files, failed, dry_run=dry_run):
        print(f"{'would be removed' if dry_run else 'removed'}: {what}")
        erased = True
    if erased:
        say_what_is_left(config, athlete_id)
    if not erased:
        print(f"no data of athlete {athlete_id} are stored here")
    elif not dry_run:
        _mark_default(config)
        for path in still_named(config, names):
            print(f"still named: {path}; a note, a marker or a log of somebody else: look at it")
        _clear_retained(config, athlete_id, found.devices)
    if failed:
        raise MonitorError("\n".join([*failed, "not all was removed: erase again when this is solved"]))
    return 0


def _erase_all(
    config: Config, athlete_id: int, files: tuple[Path, ...], failed: list[str], *, dry_run: bool
) -> Iterator[str]:
    """Remove files, rows of the journal and the entry of the roster, and say what each was.

    What cannot be removed becomes a line of ``failed`` and does not keep the rest.
    """
    for path in files:
        with _noted(path, failed):
            if not dry_run:
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
            yield str(path)
    for journal in _with_older(config.paths.journal):
        with _noted(journal, failed):
            for table, count in _erase_rows(journal, athlete_id, dry_run=dry_run).items():
                yield f"{count} row{'s' if count != 1 else ''} of {table} in {journal}"
    for notes in (config.paths.models_root / "attempts.json", config.paths.journal.with_name("models_served.json")):
        with _noted(notes, failed):
            if _remove_from_notes(notes, athlete_id, dry_run=dry_run):
                yield f"athlete {athlete_id} in {notes}"
    for roster in _with_older(config.athletes.roster):
        with _noted(roster, failed):
            if _remove_from_roster(roster, athlete_id, dry_run=dry_run):
                yield f"athlete {athlete_id} in {roster}"


@contextmanager
def _noted(path: Path, failed: list[str]) -> Iterator[None]:
    """Turn a failure inside the block into a line of ``failed``."""
    try:
        yield
    except MonitorError as error:
        failed.append(str(error))
    except OSError as error:
        failed.append(f"{path}: cannot be removed ({error.strerror})")


def _with_older(path: Path) -> list[Path]:
    """A file, and the copy that a restore has kept of an older one."""
    return [path, path.with_name(f"{path.name}{BEFORE}")]


def _names(config: Config, athlete_id: int) -> set[str]:
    """The names under which the athlete is known, long enough to be searched for."""
    roster = _roster_entry(config.athletes.roster, athlete_id) or {}
    found = {str(roster.get("name") or "")}
    if config.paths.journal.exists():
        with _opened(config.paths.journal, "ro") as connection:
            query = (
                "SELECT DISTINCT json_extract(CAST(facts AS TEXT), '$.profile.name') FROM sessions WHERE athlete_id = ?"
            )
            found |= {str(name or "") for (name,) in connection.execute(query, (athlete_id,))}
    return {name for name in found if len(name) > 3}


def _erase_rows(journal: Path, athlete_id: int, *, dry_run: bool) -> dict[str, int]:
    if not journal.exists():
        return {}
    removed: dict[str, int] = {}
    with _opened(journal, "ro" if dry_run else "rw") as connection:
        if not dry_run:
            connection.execute("PRAGMA secure_delete = ON")
        for table, where in _selections(connection, athlete_id):
            (count,) = connection.execute(f"SELECT COUNT(*) FROM {table} WHERE {where}").fetchone()  # noqa: S608
            if count:
                removed[table] = count
        if not dry_run:
            try:
                _erase_from(connection, athlete_id)
            except sqlite3.Error as error:
                raise MonitorError(
                    f"{journal}: old copies of the rows cannot be removed while another program uses it ({error}); "
                    "end that program, such as the dashboard or an export, and erase again"
                ) from error
    return removed


def _erase_from(connection: sqlite3.Connection, athlete_id: int) -> None:
    """Delete the rows, then every old copy of them in free pages and in the write-ahead log.

    The copies are removed even if no row is left: an earlier attempt may have been held up.

    Raises:
        sqlite3.Error: another program reads or writes.
    """
    with connection:
        for table, where in _selections(connection, athlete_id):
            connection.execute(f"DELETE FROM {table} WHERE {where}")  # noqa: S608
        _erase_commands(connection, athlete_id)
        _erase_own_periods(connection, athlete_id)
    for command in ("PRAGMA wal_checkpoint(TRUNCATE)", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
        answer = connection.execute(command).fetchone()
        if answer and answer[0]:
            raise sqlite3.OperationalError("its log is in use")


def _erase_commands(connection: sqlite3.Connection, athlete_id: int) -> None:
    """Remove the commands that name the athlete: substitutions, RPE, targets."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'commands'").fetchone() is None:
        return
    for number, body in connection.execute("SELECT id, body FROM commands").fetchall():
        command = _object(body)
        if athlete_id in {command.get("athlete"), command.get("for")} or _is_only_of(command.get("whose"), athlete_id):
            connection.execute("DELETE FROM commands WHERE id = ?", (number,))


def _erase_own_periods(connection: sqlite3.Connection, athlete_id: int) -> None:
    """Remove the periods that nobody else was in: laps of the person's own recordings."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'periods'").fetchone() is None:
        return
    for number, whose in connection.execute("SELECT id, whose FROM periods").fetchall():
        if _is_only_of(_object(whose), athlete_id):
            connection.execute("DELETE FROM periods WHERE id = ?", (number,))


def _object(text: str | bytes | None) -> dict[str, Any]:
    """The JSON object of a cell; nothing of a cell that is damaged, which does not keep others from being erased."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _is_only_of(whose: object, athlete_id: int) -> bool:
    return isinstance(whose, dict) and whose.get("athletes") == [athlete_id]


def _remove_from_notes(path: Path, athlete_id: int, *, dry_run: bool) -> bool:
    """Remove the athlete from a JSON object that has an entry for each athlete; a damaged one is left as it is."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    if not isinstance(found, dict) or found.pop(str(athlete_id), None) is None:
        return False
    if not dry_run:
        replace_file(path, json.dumps(found, indent=1, sort_keys=True).encode() + b"\n")
    return True


def _remove_from_roster(roster: Path, athlete_id: int, *, dry_run: bool) -> bool:
    if _roster_entry(roster, athlete_id) is None:
        return False
    if not dry_run:
        editor = RosterEditor(roster)
        editor.remove(athlete_id)
        editor.save()
    return True


def _mark_default(config: Config) -> None:
    folder = config.paths.hb_tensors_updated
    if any(folder.glob("hb_default_model.json")):
        replace_file(folder / RETRAIN_MARK, b"a person's data were erased; the next training rebuilds this model\n")
        print("marked: the next training rebuilds the squad's default model")


def _clear_retained(config: Config, athlete_id: int, devices: tuple[str, ...]) -> None:
    """Clear retained messages about the person on the broker, if one answers."""
    wanted = [topics.model_updated(athlete_id), topics.TEAM_STATE, *(topics.status(device) for device in devices)]
    link = MqttLink(config.mqtt, f"erase-{os.getpid()}")
    try:
        link.start(timeout_s=3.0)
    except MonitorError:
        print("not cleared: no broker answers; its retained messages about this athlete stay")
        return
    for topic in wanted:
        link.publish(topic, b"", 1, retain=True)
    link.stop()
    print(f"cleared: {len(wanted)} retained topics")
