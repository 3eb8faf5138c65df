"""Keep a league of squads running: one live engine for each, on a Ray cluster.

    league.py check                    read league.yaml and show which shards it makes
    league.py start                    start what is missing; after a change of the file, apply it
    league.py status                   how squads, shards and nodes are doing
    league.py move reds north-2        move a squad to another shard
    league.py drain 4f1c               empty a node; --undo allows shards on it again
    league.py stop                     end all engines in order

Exit code 0: done, 1: not done, 2: not understood.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import TYPE_CHECKING, Any, Final

from athlete_monitor.arguments import Parser, add_output_arguments, add_version_argument, duration
from athlete_monitor.athletes import Roster
from athlete_monitor.batch.storage import store_at
from athlete_monitor.errors import MonitorError
from athlete_monitor.league.ownership import PLACE, check_owner
from athlete_monitor.league.placing import need_of, planned_shards
from athlete_monitor.league.settings import DEFAULT_LEAGUE, engine_settings, load_league

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from athlete_monitor.league.cluster import RemoteOffice
    from athlete_monitor.league.settings import League

WAIT_S: Final = 120.0
_LOOK_S: Final = 0.5
NOT_DONE: Final = 1
Document = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks for; return the exit code.

    Raises:
        MonitorError: the file is not valid, Ray is missing, or the cluster or the league does not answer.
    """
    args = parse(arguments)
    league = load_league(args.config)
    result: int = args.do(league, args)
    return result


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    from pathlib import Path

    parser = Parser("league.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_version_argument(parser)
    commands = parser.add_subparsers(dest="what", required=True, metavar="COMMAND")
    check = commands.add_parser("check", help="read the file and show which shards it makes")
    start = commands.add_parser("start", help="start what is missing, and apply changes of the file")
    status = commands.add_parser("status", help="how squads, shards and nodes are doing")
    move = commands.add_parser("move", help="move a squad to another shard")
    move.add_argument("squad")
    move.add_argument("shard")
    drain = commands.add_parser("drain", help="move all shards away from a node")
    drain.add_argument("node", help="its name, its address, or the beginning of its id, as status shows them")
    drain.add_argument("--undo", action="store_true", help="allow shards on it again")
    stop = commands.add_parser("stop", help="end all engines in order")
    for command, do in (
        (check, _check),
        (start, _start),
        (status, _status),
        (move, _move),
        (drain, _drain),
        (stop, _stop),
    ):
        command.add_argument(
            "--config", type=Path, default=DEFAULT_LEAGUE, metavar="FILE", help="the league (default: %(default)s)"
        )
        add_output_arguments(command)
        add_version_argument(command)
        command.set_defaults(do=do)
    for command in (start, status, move, drain, stop):
        command.add_argument(
            "--cluster", default="auto", metavar="ADDRESS|auto", help="the Ray cluster (default: auto)"
        )
    for command in (start, move, drain):
        command.add_argument(
            "--wait", type=duration("s"), default=WAIT_S, metavar="TIME", help="for the engines (default: 2m)"
        )
    return parser.parse_args(arguments)


def _check(league: League, args: argparse.Namespace) -> int:
    """Read everything that engines will read, and show the shards."""
    from pathlib import Path

    for squad in league.squads:
        Roster.load(engine_settings(league, squad, Path(league.state) / squad).athletes.roster)
    store_at(league.state, PLACE, "state")
    shards = planned_shards(league)
    needs = {shard: need_of(league, squads) for shard, squads in shards.items()}
    if args.json:
        rows = [
            {"shard": shard, "squads": list(squads), "cpus": needs[shard].cpus, "memory_mb": needs[shard].memory_mb}
            for shard, squads in shards.items()
        ]
        print(json.dumps({"league": league.name, "shards": rows}))
    elif not args.quiet:
        print(f"{league.name}: {len(league.squads)} squads in {len(shards)} shards; state: {league.state}")
        for shard, squads in shards.items():
            need = needs[shard]
            print(f"  {shard:16} {need.cpus:5.2f} CPUs {need.memory_mb:6.0f} MB  {', '.join(squads)}")
    return 0


def _start(league: League, args: argparse.Namespace) -> int:
    check_owner(league)
    office = _office(league, args, start=True)
    if not office.was_started:
        office.call("apply", league)
    return _wait(office, args, _all_run)


def _status(league: League, args: argparse.Namespace) -> int:
    document = _office(league, args).call("status")
    _show(document, args)
    return 0 if _all_run(document) else NOT_DONE


def _move(league: League, args: argparse.Namespace) -> int:
    office = _office(league, args)
    office.call("move", args.squad, args.shard)

    def is_there(document: Document) -> bool:
        return any(
            row["squad"] == args.squad and row["shard"] == args.shard and row["condition"] == "running"
            for row in document["squads"]
        )

    return _wait(office, args, is_there)


def _drain(league: League, args: argparse.Namespace) -> int:
    office = _office(league, args)
    node = office.call("drain", args.node, args.undo)

    def is_empty(document: Document) -> bool:
        shards = [row["shards"] for row in document["nodes"] if row["node"] == node]
        return not any(shards) and _all_run(document)

    return _wait(office, args, _anything if args.undo else is_empty)


def _stop(league: League, args: argparse.Namespace) -> int:
    from athlete_monitor.league.cluster import NotRunningError

    try:
        office = _office(league, args)
    except NotRunningError:
        done = True
    else:
        done = bool(office.call("stop"))
        office.end()
    if args.json:
        print(json.dumps({"stopped": done}))
    elif not args.quiet:
        print("stopped" if done else "some engines did not end in time; their processes end with their shards")
    return 0 if done else NOT_DONE


def _office(league: League, args: argparse.Namespace, *, start: bool = False) -> RemoteOffice:
    from athlete_monitor.league.cluster import RemoteOffice, connected

    return RemoteOffice(connected(args.cluster), league, start=start)


def _wait(office: RemoteOffice, args: argparse.Namespace, is_done: Callable[[Document], bool]) -> int:
    """Wait until it is done; show how it is."""
    end_s = time.monotonic() + args.wait
    document: Document = office.call("status")
    while not is_done(document) and time.monotonic() < end_s:
        time.sleep(_LOOK_S)
        document = office.call("status")
    _show(document, args)
    if is_done(document):
        return 0
    raise MonitorError(f"not done within {args.wait:g} s; it goes on: league.py status")


def _anything(_document: Document) -> bool:
    return True


def _all_run(document: Document) -> bool:
    return all(row["condition"] == "running" for row in document["squads"])


def _show(document: Document, args: argparse.Namespace) -> None:
    if args.json:
        print(json.dumps(document, ensure_ascii=False))
    elif not args.quiet:
        print("\n".join(lines_of(document)))


def lines_of(document: Document) -> list[str]:
    """Return the league's state for a terminal."""
    lines = [_totals_line(document["league"], document["totals"])]
    lines += [f"  problem: {document['problem']}"] if document["problem"] else []
    lines += [_squad_line(row) for row in document["squads"]]
    for node in document["nodes"]:
        how = "" if node["alive"] else "  lost"
        how += "  drained" if node["drained"] else ""
        how += f"  {node['note']}" if node["note"] else ""
        lines.append(f"  node {node['node']} {node['name']:16} {', '.join(node['shards']) or 'no shards'}{how}")
    return lines


def _totals_line(league: str, totals: Document) -> str:
    return (
        f"{league}: {totals['running']} of {totals['squads']} squads running, "
        f"{_shown(totals['athletes_live'])} athletes live, {totals['behind']} behind, "
        f"{totals['silent_boxes']} silent boxes, {_shown(totals['alarms'])} alarms"
    )


def _squad_line(row: Document) -> str:
    return (
        f"  {row['squad']:16} {row['condition']:9} {row['shard']:12} on {row['node'] or '-':12} "
        f"box {row.get('box', 'unknown'):8} live {_shown(row.get('athletes_live')):>4} "
        f"delay {_shown(row['delay_s'])} s  {row['note']}"
    ).rstrip()


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"
