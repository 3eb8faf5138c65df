"""Bring in what people own: Bluetooth straps, phones, and any stream of JSON.

    bridge.py ble                  keep the straps of the roster connected
    bridge.py scan                 list the straps in range
    bridge.py pair 7               give athlete 7 the strap that is held close
    bridge.py phone                translate what phone apps send (docs/phones.md)
    bridge.py token 007            print the address to which the phone of device 007 pushes
    bridge.py map devices.yaml     translate foreign streams (docs/devices.md)

Exit code 0: done, 1: not possible, 2: not understood, 3: no Bluetooth.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from athlete_monitor.arguments import LARGEST_ID, Parser, add_common_arguments, device_id, duration, number, whole
from athlete_monitor.bridge.gravity import SIGNS
from athlete_monitor.config import config_from_args

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from athlete_monitor.config import Config


LISTEN_S: Final = 8.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a bridge until it is stopped, or a command to its end; return the exit code.

    Raises:
        MonitorError: it is not possible; the text says why.
    """
    args = parse(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("bleak").setLevel(logging.ERROR)  # it warns of what cannot be helped
    run: Callable[[argparse.Namespace, Config], int] = args.run
    return run(args, config_from_args(args))


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = Parser("bridge.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_common_arguments(parser)
    doing = parser.add_subparsers(dest="what", required=True, metavar="COMMAND")
    _add_straps(doing)
    _add_phones(doing)
    _add_mapping(doing)
    return parser.parse_args(arguments)


def leaf(doing: Any, name: str, run: Callable[[argparse.Namespace, Config], int], text: str) -> Parser:  # noqa: ANN401
    """A command, with the options that all have."""
    parser: Parser = doing.add_parser(name, help=text, description=text)
    add_common_arguments(parser)
    for action in parser._actions:  # noqa: SLF001 - what was given before the command must not be lost
        action.default = argparse.SUPPRESS
    parser.set_defaults(run=run)
    return parser


def _add_straps(doing: Any) -> None:  # noqa: ANN401 - of argparse
    ble = leaf(doing, "ble", _ble, "keep the straps of the roster connected, and publish what they send")
    ble.add_argument("--all", action="store_true", help="also straps that belong to nobody in the roster")
    ble.add_argument("--per-adapter", type=whole(1, 30), default=7, metavar="N", help="most straps of one adapter (7)")
    ble.add_argument("--acceleration", type=number(0, 200), default=0.0, metavar="HZ",
                     help="also acceleration of Polar sensors, at the nearest rate that they offer")  # fmt: skip
    pulses = "also pulse intervals of optical Polar sensors, whose heart rate then comes every 5 s"
    ble.add_argument("--pulses", action="store_true", help=pulses)
    scan = leaf(doing, "scan", _scan, "list the straps in range")
    scan.add_argument("--no-battery", action="store_true", help="do not connect to read the batteries")
    pair = leaf(doing, "pair", _pair, "give an athlete the strap that is held close to this machine")
    pair.add_argument("athlete", type=whole(1, LARGEST_ID))
    pair.add_argument("strap", nargs="?", help="its address or name; without it the closest one is taken")
    for parser in (scan, pair):
        parser.add_argument("--listen", type=duration("s"), default=LISTEN_S, metavar="TIME", help="so long (8s)")
    for parser in (ble, scan, pair):
        parser.add_argument("--adapter", action="append", default=[], metavar="hci0", help="only this one; repeatable")


def _add_phones(doing: Any) -> None:  # noqa: ANN401 - of argparse
    phone = leaf(doing, "phone", _phone, "translate what phone apps send by MQTT, or push to the screen's server")
    phone.add_argument("--rate", type=number(1, 200), metavar="HZ", help="samples a second (bridge.phone_rate_hz)")
    phone.add_argument("--sign", choices=SIGNS, default="auto", help="of gravity: iPhones turn it (default: auto)")
    token = leaf(doing, "token", _token, "print the address to which a phone pushes over HTTP")
    token.add_argument("device", type=device_id)


def _add_mapping(doing: Any) -> None:  # noqa: ANN401 - of argparse
    parser = leaf(doing, "map", _map, "translate foreign streams, as a file says")
    parser.add_argument("mapping", nargs="?", type=Path, metavar="FILE", help="the mapping (bridge.mapping)")
    parser.add_argument("--try", dest="trial", metavar="MESSAGE", type=Path, help="show what this message becomes")
    parser.add_argument("--topic", help="topic of the message to try")


def _map(args: argparse.Namespace, config: Config) -> int:
    from athlete_monitor.bridge.running import translate_streams, try_mapping

    return translate_streams(args, config) if args.trial is None else try_mapping(args, config)


def _phone(args: argparse.Namespace, config: Config) -> int:
    from athlete_monitor.bridge.running import translate_phones

    return translate_phones(args, config)


def _token(args: argparse.Namespace, config: Config) -> int:
    from athlete_monitor.bridge.running import print_token

    return print_token(args, config)


def _ble(args: argparse.Namespace, config: Config) -> int:
    from athlete_monitor.bridge.running import keep_straps

    return until_stopped(keep_straps(args, config))


def _scan(args: argparse.Namespace, config: Config) -> int:
    from athlete_monitor.bridge.finding import scan

    return until_stopped(scan(args, config))


def _pair(args: argparse.Namespace, config: Config) -> int:
    from athlete_monitor.bridge.finding import pair

    return until_stopped(pair(args, config))


def until_stopped(work: Coroutine[Any, Any, int]) -> int:
    """Run until it is done, or until SIGTERM or Ctrl+C, which let it leave in order; return the exit code."""
    return asyncio.run(_stoppable(work))


async def _stoppable(work: Coroutine[Any, Any, int]) -> int:
    task = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    for number_ in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number_, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        return await task
    return 0
