#!/usr/bin/env python3
"""Monitor a squad live: heart rate, load and impacts of every athlete, from sensor data over MQTT."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import athlete_monitor.deploy.entered  # noqa: F401 - first of all, into the project's own environment
from athlete_monitor.arguments import (
    Parser,
    add_common_arguments,
    add_players_argument,
    add_workers_argument,
    device_id,
    duration,
    duration_forms,
)
from athlete_monitor.athletes import Roster
from athlete_monitor.config import config_from_args
from athlete_monitor.engine.run import NOTHING_REPLAYED, print_summaries, run_live, run_replay, set_up_logging
from athlete_monitor.system.program import run_program

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from athlete_monitor.config import Config
    from athlete_monitor.engine.run import Shown


SOME_FAILED = 3
"""Exit code if some recordings of a replay could not be read, or not everything could be archived and written."""


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = Parser("main.py", description=__doc__)
    add_players_argument(parser, "monitor only these athletes: 1,2,5-9 or [1,3,7]")
    parser.add_argument("--device", type=device_id, metavar="ID", help="monitor only this device, in detail")
    parser.add_argument("--duration", type=duration("s"), metavar="TIME", help=f"end after it: {duration_forms('s')}")
    parser.add_argument("--exit-when-idle", action="store_true", help="end when the last session has ended")
    parser.add_argument("--no-ui", action="store_true", help="log lines in place of the table")
    parser.add_argument("--replay", nargs="+", metavar="FILE", help="run recordings offline, at full speed")
    parser.add_argument(
        "--seconds", type=Path, metavar="FILE", help="with --replay: every second's figures as .csv, .json, .xlsx, …"
    )
    add_workers_argument(parser, "replay whole seasons with so many processes; what was computed before is kept")
    parser.add_argument("--cluster", metavar="ADDRESS|auto", help="the same on a running Ray cluster")
    parser.add_argument("--results", metavar="DIR|URL", help="where the result of each recording is kept")
    add_common_arguments(parser)
    args = parser.parse_args(arguments)
    if args.replay and (args.players or args.device or args.duration):
        parser.error("--replay runs whole files: --players, --device and --duration do not go with it")
    if args.seconds and not args.replay:
        parser.error("--seconds goes with --replay; of live sessions report.py export --what seconds writes them")
    _check_batch(parser, args)
    return args


def _check_batch(parser: Parser, args: argparse.Namespace) -> None:
    """End where the options of a batch do not fit together."""
    if args.workers is not None and args.cluster:
        parser.error("give --workers or --cluster, not both: a cluster has its own number of workers")
    for option in ("workers", "cluster"):
        if getattr(args, option) is not None and not args.replay:
            parser.error(f"--{option} goes with --replay")
    if args.replay and not _is_batch(args) and (urls := [each for each in args.replay if "://" in each]):
        parser.error(f"{urls[0]}: URLs are replayed with --workers or --cluster")
    if args.results is not None and not _is_batch(args):
        parser.error("--results goes with --replay and --workers or --cluster")


def _is_batch(args: argparse.Namespace) -> bool:
    return args.workers is not None or args.cluster is not None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the engine; return the exit code."""
    args = parse(arguments)
    try:
        return run_program(lambda: _run(args))
    finally:
        logging.shutdown()


def _run(args: argparse.Namespace) -> int:
    config = config_from_args(args)
    shown: Shown = "none" if args.quiet else "json" if args.json else "table"
    if args.replay and _is_batch(args):
        return _batch(args, config, shown)
    if args.replay:
        return _replay(args, config, shown)
    return run_live(
        config,
        players=None if args.players is None else frozenset(args.players),
        device=args.device,
        duration_s=args.duration,
        exit_when_idle=args.exit_when_idle,
        show=not (args.no_ui or args.json or args.quiet) and sys.stdout.isatty(),
        quiet=args.quiet,
        as_json=args.json,
    )


def _replay(args: argparse.Namespace, config: Config, shown: Shown) -> int:
    """Run recordings; one that cannot be read is one line, and does not stop the others."""
    from athlete_monitor.recordings.opening import open_recordings

    failed: list[str] = []
    form = None if args.seconds is None else _form_of(args.seconds)
    paths = [Path(each) for each in args.replay]
    recordings = open_recordings(paths, Roster.load(config.athletes.roster), on_failure=failed.append)
    for recording in recordings:
        for note in recording.notes:
            print(f"note: {recording.path}: {note}", file=sys.stderr)
    for cause in failed:
        print(cause, file=sys.stderr)
    replayed = run_replay(config, recordings, shown) if recordings else NOTHING_REPLAYED
    if form is not None and replayed.is_archived:
        _write_seconds(config, replayed.sessions, args.seconds, form, say=shown == "table")
    elif form is not None:
        print(f"{args.seconds}: not written: the seconds are not in the archive", file=sys.stderr)
    return 0 if replayed.is_archived and replayed.has_files and not failed else SOME_FAILED


def _form_of(path: Path) -> str:
    """Return the format that a file's name asks for, before an hour's replay and not after it."""
    from athlete_monitor.report.export.writers import format_of

    return format_of(path)


def _write_seconds(config: Config, sessions: Sequence[str], path: Path, form: str, *, say: bool) -> None:
    """Write the seconds of some sessions out of the archive."""
    from athlete_monitor.archive import Archive
    from athlete_monitor.report.export.command import write_table
    from athlete_monitor.report.export.tables import Selection, seconds

    archive, roster = Archive(config.paths.journal), Roster.load(config.athletes.roster)
    rows = write_table(seconds(Selection(archive, roster, {}, session_ids=frozenset(sessions))), path, form)
    if say:
        print(f"seconds: {path}, {rows} rows")


def _batch(args: argparse.Namespace, config: Config, shown: Shown) -> int:
    """Run whole seasons; what cannot be read or computed is one line each."""
    from athlete_monitor.replay.command import place_of, run_batch

    form = None if args.seconds is None else _form_of(args.seconds)
    set_up_logging(config, console=False)
    batch = run_batch(
        config,
        args.replay,
        place_of(config, args.workers, args.cluster),
        args.results,
        lambda cause: print(cause, file=sys.stderr),
    )
    print_summaries(batch.merged.summaries, shown)
    if form is not None:
        sessions = [summary["session_id"] for summary in batch.merged.summaries]
        _write_seconds(config, sessions, args.seconds, form, say=shown == "table")
    if not args.quiet:
        print(batch.line, file=sys.stderr)
    return batch.exit_code


if __name__ == "__main__":
    sys.exit(main())
