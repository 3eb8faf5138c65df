"""The publisher's command line."""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from athlete_monitor.arguments import (
    Parser,
    add_common_arguments,
    add_players_argument,
    duration,
    duration_forms,
    number,
    whole,
)
from athlete_monitor.errors import ConfigError, PayloadError
from athlete_monitor.sim.session import MAX_RATE_HZ
from athlete_monitor.wire.timestamps import parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.wire.session_files import Mode

MAX_DURATION_S: Final = 7 * 86_400.0
"""A week."""
FULL_SPEED_TRAINING_MIN: Final = 90.0
"""Training without a duration goes on until it is stopped; at full speed it lasts so long."""

_EXAMPLES: Final = """\
examples:
  publisher.py 30 --mode training                        all thirty players, until Ctrl+C
  publisher.py --players [2,9,28] --mode game            three players, a full match
  publisher.py 5 --duration 90 --offline --speed max     90 minutes of files in seconds, without a broker
  publisher.py --replay athlete_training_data/player_7/TR1_*.csv --speed 20
"""


class UsageError(ConfigError):
    """The command line is incomplete or contradicts itself."""


@dataclass(frozen=True)
class SimulationOptions:
    """What the command line asks for.

    ``players`` are ids, or None where ``count`` of them are to be drawn; ``speed`` is None for as fast as possible;
    ``start_t`` is epoch seconds, None for now.
    """

    count: int | None
    players: tuple[int, ...] | None
    mode: Mode
    duration_s: float | None
    max_players: int | None
    speed: float | None
    rate_hz: int
    seed: int | None
    squad_seed: int
    start_t: float | None
    offline: bool
    replay: tuple[Path, ...]
    restamp: bool
    qos: Literal[0, 1] | None
    loss: float
    no_files: bool
    jitter_s: float
    dropout: float
    rr: bool


def parser() -> argparse.ArgumentParser:
    """Return the parser of the publisher's command line."""
    made = Parser(
        "publisher.py",
        description="Stream a simulated squad, or recordings, to the broker; simulated sessions are recorded too.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_who(made)
    _add_session(made)
    _add_transmission(made)
    add_common_arguments(made)
    return made


def _add_who(made: argparse.ArgumentParser) -> None:
    made.add_argument("num_players", type=int, nargs="?", help="how many players, drawn at random (1 to --max-players)")
    add_players_argument(made, "which players: 1,2,5-9 or [1,3,7]")
    made.add_argument("--max-players", type=whole(1, 1_000_000), metavar="N", help="highest player id (default: 30)")
    made.add_argument(
        "--replay",
        nargs="+",
        type=Path,
        default=[],
        metavar="FILE",
        help="stream recordings of any format that import reads",
    )
    made.add_argument(
        "--restamp", action="store_true", help="replay as if it happened now, not with the recorded times"
    )


def _add_session(made: argparse.ArgumentParser) -> None:
    made.add_argument("--mode", choices=("training", "game"), default="training", help="default: training")
    made.add_argument(
        "--duration",
        type=duration("m", MAX_DURATION_S),
        metavar="TIME",
        help=f"length of the whole session: {duration_forms('m')}; a game's halves share it around a tenth "
        "(at most 15 min) of half-time. "
        "Default: a game is 45 + 15 + 45 minutes, training goes on until stopped (90 minutes at --speed max)",
    )
    made.add_argument(
        "--rate", type=whole(1, MAX_RATE_HZ), default=10, metavar="HZ", help="samples a second, 1 to 200 (10)"
    )
    made.add_argument(
        "--seed",
        type=whole(0, 2**63),
        metavar="N",
        help="the same seed gives the same session; default: a new one",
    )
    made.add_argument(
        "--squad-seed", type=whole(0, 2**63), default=0, metavar="N", help="other bodies behind the same ids (0)"
    )
    made.add_argument("--start", type=_time, metavar="TIME", help="time of the first sample (default: now)")
    made.add_argument("--rr", action="store_true", help="send beat-to-beat intervals too")
    made.add_argument(
        "--dropout", type=number(0, 0.9), default=0.0, metavar="SHARE", help="time the strap has no contact (0)"
    )


def _add_transmission(made: argparse.ArgumentParser) -> None:
    made.add_argument("--speed", type=_speed, default=1.0, metavar="X", help="1, 20, ... times real time, or max (1)")
    made.add_argument("--offline", action="store_true", help="write files only, without a broker")
    made.add_argument("--no-files", action="store_true", help="send only: a simulation leaves no session files")
    made.add_argument(
        "--qos", type=int, choices=(0, 1), help="of samples (default: mqtt.qos of the configuration; 1 at --speed max)"
    )
    made.add_argument("--loss", type=number(0, 1), default=0.0, metavar="SHARE", help="messages to lose (0)")
    made.add_argument(
        "--jitter", type=number(0, 60_000), default=0.0, metavar="MS", help="delay messages by up to this (0)"
    )


def read_options(arguments: Sequence[str] | None = None) -> tuple[SimulationOptions, argparse.Namespace]:
    """Return the options, and the raw arguments for the configuration.

    Raises:
        UsageError: the arguments contradict each other.
        SystemExit: an argument is not understood (printed on stderr), or help was asked for.
    """
    args = parser().parse_args(arguments)
    _check(args)
    return _options(args), args


def _check(args: argparse.Namespace) -> None:
    wanted = [args.num_players is not None, args.players is not None, bool(args.replay)]
    if sum(wanted) != 1:
        raise UsageError("give one of: a number of players, --players LIST, --replay FILE...")
    if args.replay and args.offline:
        raise UsageError("--replay needs a broker: a recording is not recorded again (without --offline)")
    if args.offline and args.no_files:
        raise UsageError("--offline writes files only; with --no-files nothing is left to do")
    if args.restamp and not args.replay:
        raise UsageError("--restamp goes with --replay; a simulated session starts at --start")


def _options(args: argparse.Namespace) -> SimulationOptions:
    return SimulationOptions(
        count=args.num_players,
        players=args.players,
        mode=args.mode,
        duration_s=_duration_s(args),
        max_players=args.max_players,
        speed=args.speed,
        rate_hz=args.rate,
        seed=args.seed,
        squad_seed=args.squad_seed,
        start_t=args.start,
        offline=args.offline,
        replay=tuple(args.replay),
        restamp=args.restamp,
        qos=args.qos,
        loss=args.loss,
        no_files=args.no_files,
        jitter_s=args.jitter / 1000.0,
        dropout=args.dropout,
        rr=args.rr,
    )


def _duration_s(args: argparse.Namespace) -> float | None:
    if args.duration is not None:
        return float(args.duration)
    endless = args.mode == "training" and args.speed is None and not args.replay
    return FULL_SPEED_TRAINING_MIN * 60.0 if endless else None


def _speed(text: str) -> float | None:
    if text == "max":
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 < value <= 10_000.0:
        raise argparse.ArgumentTypeError(f"{text!r} is not allowed; allowed: more than 0, up to 10000, or max")
    return value


def _time(text: str) -> float:
    try:
        return parse_timestamp(text)
    except PayloadError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error} (YYYY-MM-DD HH:MM:SS)") from None
