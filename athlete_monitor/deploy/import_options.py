"""The command line of ``import``. Only the standard library is imported."""

from __future__ import annotations

import argparse
from pathlib import Path

from athlete_monitor.arguments import LARGEST_ID, device_id, whole

OLD_FORMS = ("csv", "hexoskin", "runs")
"""Kinds that may be the first word, as in earlier versions."""
EPILOG = """Formats: FIT, TCX, GPX, Polar (Flow, Team Pro), Catapult, STATSports, Kinexon, FIFA EPTS, GoldenCheetah,
Strava, Garmin Connect, Sensor Logger, Hexoskin, RR text, this system's own sessions,
and any table with names for its columns. docs/formats.md describes what is read of each."""


def add_import_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``import``, except ``--config`` and ``--root``."""
    parser.epilog = EPILOG
    parser.add_argument(
        "sources", nargs="+", type=Path, metavar="FILE|DIR", help="recordings, folders to search, .zip, .tar, .gz"
    )
    parser.add_argument("--kind", metavar="KIND", help="format of all files (default: recognised from their content)")
    parser.add_argument(
        "--athlete", action="append", default=[], type=_owner, metavar="N|NAME=N",
        help="the athlete: an id for all files, or an id for a name in the files (default: by the name)",
    )  # fmt: skip
    parser.add_argument("--create", action="store_true", help="add athletes who are not in the roster to it")
    parser.add_argument(
        "--as",
        dest="mode",
        choices=["game", "training"],
        help="mode of the sessions (default: from the file, else training)",
    )
    parser.add_argument(
        "--device", type=device_id, metavar="ID", help="device of the sessions (default: the athlete's)"
    )
    parser.add_argument(
        "--map", type=Path, metavar="FILE", dest="mapping", help="YAML file that maps columns to channels"
    )
    parser.add_argument(
        "--no-archive",
        action="store_true",
        help="write only session files: the sessions will be missing from season and reports",
    )
    parser.add_argument("--dry-run", action="store_true", help="only show how the files are read, write nothing")
    parser.add_argument("--yes", action="store_true", help="import guessed tables without asking")
    parser.add_argument("--start", metavar="TIME", help="start of files that count from 0: 'YYYY-MM-DD HH:MM:SS'")
    parser.add_argument(
        "--zone", metavar="ZONE", help="zone of times without one: Europe/Berlin, +02:00, UTC (default: this machine's)"
    )
    parser.add_argument("--dates", choices=["day-first", "month-first"], help="how 03/04/2026 is read")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--quiet", action="store_true", help="print only failures and the last line")


def _owner(text: str) -> tuple[str | None, int]:
    name, equals, number = text.rpartition("=")
    athlete = whole(1, LARGEST_ID)(number)
    if equals and not name.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is not allowed; allowed: N, or NAME=N")
    return (name.strip() if equals else None), athlete


def split_kind(sources: list[Path], kind: str | None) -> tuple[list[Path], str | None]:
    """Return the files and the kind; a first word such as ``csv`` is the kind unless a file has that name.

    >>> split_kind([Path("runs"), Path("a.csv")], None)
    ([PosixPath('a.csv')], 'runs')
    """
    first, *others = sources
    if kind is None and others and str(first) in OLD_FORMS and not first.is_file():
        return others, str(first)
    return sources, kind
