"""``report.py export``: tables and activities of chosen athletes and days, in several formats."""

from __future__ import annotations

import itertools
import secrets
import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from athlete_monitor.arguments import add_common_arguments, add_players_argument
from athlete_monitor.athletes import Roster
from athlete_monitor.errors import MonitorError
from athlete_monitor.report.export.activities import ACTIVITIES, EMPTY, NEED_POSITIONS
from athlete_monitor.report.export.activity import activity
from athlete_monitor.report.export.measured import with_measured
from athlete_monitor.report.export.tables import TABLES, Selection
from athlete_monitor.report.export.writers import SUFFIX, WRITERS, dictionary, part_path
from athlete_monitor.report.saying import counted, say
from athlete_monitor.system.files import TEMPORARY_PREFIX, refuse_special

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from athlete_monitor.archive import Archive, DeviceSession
    from athlete_monitor.config import Config
    from athlete_monitor.report.export.tables import Table

FORMATS: Final = (*WRITERS, *ACTIVITIES)
DEFAULT_TABLE: Final = "summaries"


def add_export_arguments(commands: Any) -> None:  # noqa: ANN401 - argparse's own class is private
    """Add the command ``export``."""
    parser = commands.add_parser("export", help="tables for pandas, R or Excel, and files for other programs")
    parser.add_argument("--what", choices=tuple(TABLES), help=f"which table (default: {DEFAULT_TABLE})")
    parser.add_argument(
        "--format", choices=FORMATS, default="csv", help="fit, tcx and gpx are one file per session, without --what"
    )
    parser.add_argument("--from", dest="start", type=_day, metavar="DATE", help="first day, YYYY-MM-DD")
    parser.add_argument("--to", dest="end", type=_day, metavar="DATE", help="last day, YYYY-MM-DD")
    parser.add_argument("--session", metavar="ID", help="only this match or training; `report.py list` shows the ids")
    parser.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="folder to write to")
    add_players_argument(parser, "only these athletes: 1,2,5-9 or [1,3,7]")
    add_common_arguments(parser)
    parser.set_defaults(handler=run)


def _day(words: str) -> date:
    import argparse

    try:
        return date.fromisoformat(words)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{words!r} is not a day; allowed: YYYY-MM-DD") from None


def run(args: argparse.Namespace, config: Config, archive: Archive) -> int:
    """Write the export; a range without sessions gives an empty but valid file and one sentence."""
    if args.start and args.end and args.end < args.start:
        raise MonitorError(f"--to {args.end}: lies before --from {args.start}")
    if args.what and args.format in ACTIVITIES:
        raise MonitorError(
            f"--what {args.what}: is a table, but --format {args.format} writes whole sessions; leave --what out, or "
            f"choose a format of tables: {', '.join(WRITERS)}"
        )
    what = args.what or DEFAULT_TABLE
    from_t, to_t = _span(args, archive)
    selection = Selection(
        archive=archive,
        roster=Roster.load(config.athletes.roster),
        folders={"training": config.paths.data_root, "game": config.paths.game_data_root},
        from_t=from_t,
        to_t=to_t,
        athletes=None if args.players is None else frozenset(args.players),
        team_session=args.session,
    )
    folder = args.out.resolve()
    made_folder(folder)
    if args.format in ACTIVITIES:
        return _activities(selection, args, folder)
    nothing = "no sessions" if next(selection.sessions(), None) is None else f"nothing of {what} in these sessions"
    return _table(TABLES[what](selection), args, folder, nothing)


def _span(args: argparse.Namespace, archive: Archive) -> tuple[float | None, float | None]:
    """First and last moment that are asked for; session files know no match, so theirs are those of the match."""
    wanted = None if args.session is None else archive.team_session(args.session)
    if args.session is not None and wanted is None:
        raise MonitorError(f"--session {args.session}: not in the archive; report.py list shows what is")
    if wanted is not None and args.what in {"samples", "rr"} and not (args.start or args.end):
        return wanted.start_t, wanted.end_t
    return _midnight(args.start), _midnight(args.end + timedelta(days=1)) if args.end else None


def _midnight(day: date | None) -> float | None:
    return None if day is None else datetime(day.year, day.month, day.day).astimezone().timestamp()


def made_folder(folder: Path) -> None:
    """Create a folder.

    Raises:
        MonitorError: there is a file of that name, or it cannot be created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MonitorError(f"{folder}: is no folder and cannot be made one ({error.strerror})") from error


def _table(table: Table, args: argparse.Namespace, folder: Path, nothing: str) -> int:
    """Write a table; ``nothing`` says why it may have no rows."""
    path = folder / f"{table.name}.{SUFFIX.get(args.format, args.format)}"
    rows = write_table(table, path, args.format)
    readme = folder / f"{table.name}.README.md"
    parts = parts_after(path)
    further = f" and {counted(len(parts), 'further file')}, the last {parts[-1].name}" if parts else ""
    _replace(readme, dictionary(table.columns, table.name, rows).encode())
    sentence = (
        f"{path}{further}: {counted(rows, 'row')}; {readme.name} explains the columns"
        if rows
        else f"{path}: {nothing}; empty"
    )
    say(args, sentence, file=path, rows=rows, **({"further_files": parts} if parts else {}))
    return 0


def write_table(table: Table, path: Path, form: str) -> int:
    """Write a table and return how many rows it has; the file is there as a whole or not at all.

    Raises:
        MonitorError: a library for the format is missing, or the file cannot be written.
    """
    made_folder(path.parent)
    return _in_one_step(path, lambda temporary: WRITERS[form](table, temporary))


def _in_one_step(path: Path, write: Callable[[Path], int]) -> int:
    """Write beside the file and put it in place when it is whole: a full disk leaves nothing half-written."""
    refuse_special(path)
    temporary = path.with_name(f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}{path.suffix}")
    try:
        rows = write(temporary)
        further, before = parts_after(temporary), parts_after(path)
        for number, part in reversed(list(enumerate(further, start=2))):
            part.replace(part_path(path, number))
        temporary.replace(path)
        for left in before[len(further) :]:
            left.unlink()
    except BaseException as error:
        for part in (*parts_after(temporary), temporary):
            part.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise MonitorError(f"{path}: cannot be written ({error.strerror})") from error
        raise
    return rows


def parts_after(path: Path) -> list[Path]:
    """The files in which a table continues, in their order."""
    numbered = (part_path(path, number) for number in itertools.count(2))
    return list(itertools.takewhile(Path.exists, numbered))


def _replace(path: Path, content: bytes) -> None:
    _in_one_step(path, lambda temporary: temporary.write_bytes(content))


def _activities(selection: Selection, args: argparse.Namespace, folder: Path) -> int:
    """Write one file for each session; one that cannot be written does not stop the others."""
    count = dict.fromkeys(("written", "left_out", "failed"), 0)
    for session in selection.sessions():
        outcome = _write_activity(selection, session, args.format, folder)
        if outcome:
            count[outcome] += 1
    if not count["written"] + count["failed"]:
        nothing = "no_positions" if count["left_out"] else "no_sessions"
        _replace(folder / f"{nothing}.{args.format}", EMPTY[args.format]())
    say(args, f"{folder}: {_sentence(args.format, **count)}", folder=folder, **count)
    return 3 if count["failed"] else 0


def _write_activity(selection: Selection, session: DeviceSession, form: str, folder: Path) -> str:
    """Write one session; return what became of it, or nothing where the archive has no second of it."""
    periods = selection.archive.periods(session.team_session) if session.team_session else []
    found = activity(selection.archive, session, selection.name(session), periods)
    if found is None:
        return ""
    measured = with_measured(selection, found)
    if form in NEED_POSITIONS and not measured.has_positions:
        return "left_out"
    try:
        _replace(folder / f"{session.session_id}.{form}", ACTIVITIES[form](measured))
    except MonitorError as error:
        print(error, file=sys.stderr)
        return "failed"
    return "written"


def _sentence(form: str, written: int, left_out: int, failed: int) -> str:
    """What an export of activities has done.

    >>> _sentence("gpx", written=0, left_out=1, failed=0)
    '0 gpx files, 1 session without positions left out (gpx needs them; tcx and fit do not); an empty file'
    """
    if not written + left_out + failed:
        return "no sessions; an empty file"
    parts = [counted(written, f"{form} file")]
    if left_out:
        parts.append(
            f"{counted(left_out, 'session')} without positions left out ({form} needs them; tcx and fit do not)"
        )
    if failed:
        parts.append(f"{failed} could not be written")
    return ", ".join(parts) + ("" if written + failed else "; an empty file")
