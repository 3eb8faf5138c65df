#!/usr/bin/env python3
"""Watch a squad live: heart rate, load and impacts of every athlete, from what their sensors send over MQTT."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import athlete_monitor.deploy.entered  # noqa: F401 - first of all, into the project's own environment
from athlete_monitor.arguments import Parser, device_id, number
from athlete_monitor.athletes import listed_ids
from athlete_monitor.config import add_config_arguments, config_from_args
from athlete_monitor.engine.run import run_live, run_replay
from athlete_monitor.errors import MonitorError

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERRUPTED = 130


def _players(text: str) -> frozenset[int]:
    try:
        return frozenset(listed_ids(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = Parser("main.py", description=__doc__)
    parser.add_argument("--players", type=_players, metavar="1,2,5-9", help="watch these athletes alone")
    parser.add_argument("--device", type=device_id, metavar="ID", help="watch this device alone, in detail")
    parser.add_argument("--duration", type=number(0, above=True), metavar="S", help="end after so many seconds")
    parser.add_argument("--exit-when-idle", action="store_true", help="end when the last session has ended")
    parser.add_argument("--no-ui", action="store_true", help="log lines in place of the table")
    parser.add_argument(
        "--replay", nargs="+", type=Path, metavar="FILE", help="run session files offline, at full speed, without MQTT"
    )
    add_config_arguments(parser)
    args = parser.parse_args(arguments)
    if args.replay and (args.players or args.device or args.duration):
        parser.error("--replay runs whole files: --players, --device and --duration do not go with it")
    return args


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the engine; return the exit code."""
    args = parse(arguments)
    try:
        config = config_from_args(args)
        if args.replay:
            from athlete_monitor.wire.session_reader import read_session

            return run_replay(config, [read_session(path) for path in args.replay])
        return run_live(
            config,
            players=args.players,
            device=args.device,
            duration_s=args.duration,
            exit_when_idle=args.exit_when_idle,
            show=not args.no_ui and sys.stdout.isatty(),
        )
    except MonitorError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:  # while it starts; later it ends in order
        return INTERRUPTED
    finally:
        logging.shutdown()


if __name__ == "__main__":
    sys.exit(main())
