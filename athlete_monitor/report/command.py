"""``report.py``: what is in the archive, the report of a session, the season, and exports."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from athlete_monitor.archive import Archive
from athlete_monitor.arguments import Parser, add_common_arguments, add_players_argument, add_version_argument
from athlete_monitor.athletes import Roster
from athlete_monitor.config import config_from_args
from athlete_monitor.errors import MonitorError
from athlete_monitor.report.numbers import clock, day
from athlete_monitor.report.saying import counted, in_folder, say, warn, write

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from athlete_monitor.archive import TeamSession
    from athlete_monitor.config import Config

FORMATS: Final = ("pdf", "html")
_UNSAFE: Final = re.compile(r"[^\w-]+")


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    from athlete_monitor.report.export.command import add_export_arguments
    from athlete_monitor.report.season import add_season_arguments

    parser = Parser("report.py", description="Reports of sessions, the season, and exports.")
    add_version_argument(parser)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="list the sessions in the archive, newest first")
    add_common_arguments(listing)
    session = commands.add_parser("session", help="write the report of one match or training as PDF or HTML")
    session.add_argument("session", nargs="?", default="last", help="id from `report.py list`; the last one by default")
    session.add_argument("--format", choices=FORMATS, help="format (default: by the ending of --out, else pdf)")
    session.add_argument(
        "--out", type=Path, metavar="FILE", help="file or folder to write to (default: the current folder)"
    )
    session.add_argument("--lang", choices=("en", "de"), help="language (default: report.lang)")
    session.add_argument("--sort", default="", metavar="FIGURE", help="sort the squad by a figure, such as trimp")
    session.add_argument("--player", action="store_true", help="one plain page for each athlete, to hand out")
    add_players_argument(session, "only these athletes: 1,2,5-9 or [1,3,7]")
    add_common_arguments(session)
    add_season_arguments(commands)
    add_export_arguments(commands)
    return parser.parse_args(arguments)


def run(args: argparse.Namespace) -> int:
    """Run a command; return the exit code."""
    config = config_from_args(args)
    archive = Archive(config.paths.journal)
    if args.command == "list":
        return _list(archive, as_json=args.json)
    if args.command == "session":
        return _session(args, config, archive)
    handler = args.handler
    code: int = handler(args, config, archive)
    return code


def _list(archive: Archive, *, as_json: bool) -> int:
    sessions = archive.team_sessions()
    if as_json:
        print(json.dumps([asdict(each) for each in sessions], indent=1))
        return 0
    if not sessions:
        print("No sessions yet: main.py writes them into the archive.")
    for each in reversed(sessions):
        athletes = len({s.athlete_id for s in archive.sessions(team_session=each.id)})
        end = clock(each.end_t) if each.end_t else "running"
        when = f"{day(each.start_t)} {clock(each.start_t)}–{end}"
        print(f"{each.id}  {when}  {each.mode or ''}  {counted(athletes, 'athlete')}  {each.name or ''}")
    return 0


def _session(args: argparse.Namespace, config: Config, archive: Archive) -> int:
    from athlete_monitor.report.columns import SORTABLE
    from athlete_monitor.report.document import document
    from athlete_monitor.report.gather import gather
    from athlete_monitor.report.look import look_of

    if args.sort and args.sort not in SORTABLE:
        raise MonitorError(f"--sort {args.sort}: not a figure of the table; allowed: {', '.join(SORTABLE)}")
    team = wanted(archive, args.session)
    data = gather(archive, team.id, Roster.load(config.athletes.roster), args.players)
    if not data.participants:
        raise MonitorError(f"session {team.id}: holds no data of these athletes")
    form = args.format or _format_of(args.out)
    made = document(archive, data, look_of(config, args.lang, args.sort), "player" if args.player else "team")
    path = in_folder(args.out, f"{_file_name(made['title'], team)}.{form}")
    if form == "pdf":
        from athlete_monitor.report.fonts import boxes_in
        from athlete_monitor.report.pdf import pdf

        content = pdf(made)
        warn(boxes_in(made))
    else:
        from athlete_monitor.report.page import page

        content = page(made)
    write(path, content)
    say(
        args,
        f"{path}: {counted(len(data.participants), 'athlete')}, {len(content) / 1000:.0f} kB",
        file=path,
        session=team.id,
    )
    return 0


def _format_of(path: Path | None) -> str:
    if path is None or path.is_dir():
        return "pdf"
    ending = path.suffix.lower().removeprefix(".")
    if ending in {"htm", "html"}:
        return "html"
    if ending == "pdf":
        return "pdf"
    raise MonitorError(f"--out {path}: must end with .pdf or .html, or give --format")


def _file_name(title: str, team: TeamSession) -> str:
    return f"{day(team.start_t).replace(' ', '-')}_{_UNSAFE.sub('_', title).strip('_')[:60] or 'session'}"


def wanted(archive: Archive, name: str) -> TeamSession:
    """The team session of an id, or the last one for ``last``.

    Raises:
        MonitorError: there is none.
    """
    if name != "last":
        found = archive.team_session(name)
        if found is None:
            raise MonitorError(f"session {name!r}: not in the archive; report.py list shows what is")
        return found
    sessions = archive.team_sessions()
    if not sessions:
        raise MonitorError("No sessions yet: main.py writes them into the archive.")
    return sessions[-1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line and run it."""
    return run(parse(arguments if arguments is not None else sys.argv[1:]))
