"""Command the team's session: periods, substitutions, markers, ratings, alarms.

    control.py period start "1st half"           control.py sub 7 for 14
    control.py period end "1st half"             control.py pitch 1-11 on
    control.py marker "goal" --ago 20s           control.py rpe 7 6 --minutes 70
    control.py session edit --opponent Reds      control.py state

Exit code 0: done, 1: refused, 2: not understood, 3: no broker or no engine answers.
"""

from __future__ import annotations

import argparse
import json
import time
import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from athlete_monitor.arguments import Parser, add_common_arguments, device_id, duration, listed_ids, number, whole
from athlete_monitor.config import config_from_args
from athlete_monitor.control.client import ControlClient
from athlete_monitor.errors import PayloadError
from athlete_monitor.team.commands import LARGEST_ID, WELLNESS
from athlete_monitor.team.records import PERIOD_KINDS, PITCH_STATES
from athlete_monitor.wire.timestamps import format_timestamp, parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WAIT_S: Final = 5.0
REFUSED: Final = 1
_SESSION_WORDS: Final = ("name", "note", "opponent", "day_code", "mode")
Values = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Send what the command line asks for; return the exit code.

    Raises:
        MonitorError: no broker or engine answers, or the configuration is not valid.
    """
    args = parse(arguments)
    config = config_from_args(args)
    with ControlClient(config.mqtt) as client:
        if args.make is None:
            return _show_state(client.state(args.wait), as_json=args.json)
        return _show_answers(client.send(commands_of(args), args.wait), args)


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = Parser("control.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_common_arguments(parser)
    parser.add_argument(
        "--wait", type=duration("s"), default=WAIT_S, metavar="TIME", help="for an answer (default: 5s)"
    )
    doing = parser.add_subparsers(dest="what", required=True, metavar="COMMAND")
    _add_periods(doing)
    _add_pitch(doing)
    _add_markers(doing)
    _add_ratings(doing)
    _add_session(doing)
    _add_alarms(doing)
    _leaf(doing, "state", None, "show the team's session")
    return parser.parse_args(arguments)


def commands_of(args: argparse.Namespace) -> list[Values]:
    """The messages of the command line."""
    made: list[Values] = args.make(args)
    at = None if args.at is None and args.ago is None else (args.at or time.time() - args.ago)
    ids = [args.id or uuid.uuid4().hex, *(uuid.uuid4().hex for _ in made[1:])]
    return [{"id": each, **command, "at": at} for each, command in zip(ids, made, strict=True)]


def _leaf(doing: Any, name: str, make: Callable[[Any], list[Values]] | None, text: str) -> Parser:  # noqa: ANN401
    """A subcommand with the common options."""
    parser: Parser = doing.add_parser(name, help=text, description=text)
    add_common_arguments(parser)
    parser.add_argument("--wait", type=duration("s"), metavar="TIME", help="for an answer (default: 5s)")
    for action in parser._actions:  # noqa: SLF001 - what was given before the command must not be lost
        action.default = argparse.SUPPRESS
    parser.add_argument("--at", type=moment, metavar="TIME", help="15:04, 15:04:30, or a date with time (default: now)")
    parser.add_argument("--ago", type=duration("s"), metavar="TIME", help="time before now: 90, 2m, 1h30m")
    parser.add_argument("--id", help="id of the command: a command with the same id is executed only once")
    parser.set_defaults(make=make)
    return parser


def _branch(doing: Any, name: str, text: str) -> Any:  # noqa: ANN401 - of argparse
    parser: Parser = doing.add_parser(name, help=text, description=text)
    return parser.add_subparsers(dest=f"{name}_what", required=True, metavar="COMMAND")


def _add_periods(doing: Any) -> None:  # noqa: ANN401
    period = _branch(doing, "period", "halves, drills, breaks")
    start = _leaf(period, "start", _period_start, "start a period")
    start.add_argument("name")
    start.add_argument("--period-id", help="id of the period (default: a new one)")
    end = _leaf(period, "end", lambda a: [{"do": "period_end", "period": a.period}], "end a period")
    edit = _leaf(period, "edit", _period_edit, "correct a period, now or after the match")
    delete = _leaf(period, "delete", lambda a: [{"do": "period_delete", "period": a.period}], "delete a period")
    for parser in (end, edit, delete):
        parser.add_argument("period", help="name or id")
    edit.add_argument("--name")
    edit.add_argument("--start", type=moment, metavar="TIME")
    edit.add_argument("--end", type=moment, metavar="TIME")
    edit.add_argument("--reopen", action="store_true", help="the period has not ended")
    for parser in (start, edit):
        parser.add_argument("--kind", choices=PERIOD_KINDS)
        whose = parser.add_mutually_exclusive_group()
        whose.add_argument("--group", help="for a group of the roster")
        whose.add_argument("--athletes", type=athletes, metavar="1,2,5-9", help="for these athletes")
        whose.add_argument("--everybody", action="store_true")


def _add_pitch(doing: Any) -> None:  # noqa: ANN401
    sub = _leaf(doing, "sub", _substitution, "substitute an athlete for another: sub 7 for 14")
    sub.add_argument("comes", type=_athlete)
    sub.add_argument("word", choices=["for"], metavar="for")
    sub.add_argument("leaves", type=_athlete)
    pitch = _leaf(doing, "pitch", _pitch, "set who is on the pitch: pitch 1-11 on")
    pitch.add_argument("who", type=athletes, metavar="1,2,5-9")
    pitch.add_argument("state", choices=PITCH_STATES)


def _add_markers(doing: Any) -> None:  # noqa: ANN401
    marker = _leaf(doing, "marker", _marker, "mark a moment")
    marker.add_argument("text")
    marker.add_argument("--athlete", type=_athlete)
    unmark = _leaf(doing, "unmark", lambda a: [{"do": "marker_delete", "marker": a.marker}], "delete a marker")
    unmark.add_argument("marker", help="id, as state shows it")


def _add_ratings(doing: Any) -> None:  # noqa: ANN401
    rpe = _leaf(doing, "rpe", _rpe, "session RPE, 0 to 10: rpe 7 6")
    rpe.add_argument("athlete", type=_athlete)
    rpe.add_argument("rpe", type=number(0, 10))
    rpe.add_argument("--minutes", type=duration("m"), help="of the session (default: the measured duration)")
    wellness = _leaf(doing, "wellness", _wellness, "how an athlete feels, 0 to 10: wellness 7 sleep=8 fatigue=3")
    wellness.add_argument("athlete", type=_athlete)
    wellness.add_argument("ratings", nargs="+", type=_rating, metavar="NAME=VALUE", help=f"of {', '.join(WELLNESS)}")
    target = _leaf(doing, "target", _target, "a target for this session: target 7 distance_m 9000")
    target.add_argument("athlete", type=_athlete)
    target.add_argument("figure")
    target.add_argument("value", type=_value_or_none, help="a number, or none")


def _add_session(doing: Any) -> None:  # noqa: ANN401
    assign = _leaf(doing, "assign", _assign, "a device is worn by an athlete from now on: assign 014 7")
    assign.add_argument("device", type=device_id)
    assign.add_argument("athlete", type=_athlete)
    session = _branch(doing, "session", "edit the match or training itself")
    edit = _leaf(session, "edit", _session_edit, "set name, note, opponent or day code")
    for word in _SESSION_WORDS:
        edit.add_argument(f"--{word.replace('_', '-')}")
    edit.add_argument("--session", help="an earlier session's id")


def _add_alarms(doing: Any) -> None:  # noqa: ANN401
    alarm = _branch(doing, "alarm", "acknowledge or mute alarms")
    ack = _leaf(alarm, "ack", lambda a: [{"do": "alarm_ack", "alarm": a.alarm}], "acknowledge an alarm, or all")
    ack.add_argument("alarm", help="id, or all")
    mute = _leaf(alarm, "mute", _mute, "silence a rule for a while: alarm mute hot 10m")
    mute.add_argument("rule")
    mute.add_argument("minutes", type=duration("m"))
    mute.add_argument("--athlete", type=_athlete)


def _period_start(args: argparse.Namespace) -> list[Values]:
    found = {
        "do": "period_start",
        "name": args.name,
        "kind": args.kind,
        "period": args.period_id,
        "whose": _whose(args),
    }
    return [_given(found)]


def _period_edit(args: argparse.Namespace) -> list[Values]:
    changes = {"name": args.name, "kind": args.kind, "start": args.start, "end": args.end, "whose": _whose(args)}
    return [{"do": "period_edit", "period": args.period, **_given(changes), **({"end": None} if args.reopen else {})}]


def _whose(args: argparse.Namespace) -> Any:  # noqa: ANN401 - as a message says it
    if args.group is not None:
        return {"group": args.group}
    if args.athletes is not None:
        return {"athletes": list(args.athletes)}
    return "all" if args.everybody else None


def _substitution(args: argparse.Namespace) -> list[Values]:
    return [{"do": "pitch", "athlete": args.comes, "state": "on", "for": args.leaves}]


def _pitch(args: argparse.Namespace) -> list[Values]:
    return [{"do": "pitch", "athlete": each, "state": args.state} for each in args.who]


def _marker(args: argparse.Namespace) -> list[Values]:
    return [_given({"do": "marker", "text": args.text, "athlete": args.athlete})]


def _rpe(args: argparse.Namespace) -> list[Values]:
    minutes = None if args.minutes is None else args.minutes / 60.0
    return [_given({"do": "rpe", "athlete": args.athlete, "rpe": args.rpe, "minutes": minutes})]


def _wellness(args: argparse.Namespace) -> list[Values]:
    return [{"do": "wellness", "athlete": args.athlete, **dict(args.ratings)}]


def _target(args: argparse.Namespace) -> list[Values]:
    return [{"do": "target", "athlete": args.athlete, "figure": args.figure, "value": args.value}]


def _assign(args: argparse.Namespace) -> list[Values]:
    return [{"do": "assign", "device": args.device, "athlete": args.athlete}]


def _session_edit(args: argparse.Namespace) -> list[Values]:
    return [_given({"do": "session_edit", "session": args.session, **{w: getattr(args, w) for w in _SESSION_WORDS}})]


def _mute(args: argparse.Namespace) -> list[Values]:
    values = {"do": "alarm_mute", "rule": args.rule, "athlete": args.athlete, "minutes": args.minutes / 60.0}
    return [_given(values)]


def _given(values: Values) -> Values:
    return {name: value for name, value in values.items() if value is not None}


def moment(text: str) -> float:
    """Epoch seconds of ``15:04``, ``15:04:30`` (today, local time) or a date with time.

    Raises:
        argparse.ArgumentTypeError: it is none of them.
    """
    today = datetime.now().strftime("%Y-%m-%d")  # noqa: DTZ005 - the local day
    for form in (text, f"{today} {text}", f"{today} {text}:00", f"{text}:00"):
        try:
            return parse_timestamp(form)
        except PayloadError:  # noqa: PERF203 - four forms
            continue
    raise argparse.ArgumentTypeError(f"{text!r} is not a time; allowed: 15:04, 15:04:30 or 2026-05-04 15:04:30")


def athletes(text: str) -> tuple[int, ...]:
    """Ids of athletes.

    Raises:
        argparse.ArgumentTypeError: the list is not understood.
    """
    try:
        return listed_ids(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


_athlete: Final = whole(1, LARGEST_ID)


def _rating(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    if name not in WELLNESS:
        raise argparse.ArgumentTypeError(f"{text!r} is not allowed; allowed: NAME=VALUE with {', '.join(WELLNESS)}")
    return name, number(0, 10)(value)


def _value_or_none(text: str) -> float | None:
    return None if text.casefold() == "none" else number(-1e9, 1e9)(text)


def _show_answers(answers: list[Values], args: argparse.Namespace) -> int:
    refused = [answer for answer in answers if not answer["ok"]]
    if args.json:
        print(json.dumps(answers[0] if len(answers) == 1 else answers, ensure_ascii=False))
    elif refused:
        from sys import stderr

        print(f"refused: {refused[0]['error']}", file=stderr)
    elif not args.quiet:
        print(f"done (revision {answers[-1]['revision']})")
    return REFUSED if refused else 0


def _show_state(state: Values, *, as_json: bool) -> int:
    print(json.dumps(state, ensure_ascii=False) if as_json else "\n".join(_lines(state)))
    return 0


def _lines(state: Values) -> list[str]:
    session = state["team_session"]
    if session is None:
        return ["no team session is running"]
    named = [str(session[word]) for word in ("name", "opponent", "mode", "day_code") if session[word]]
    lines = [f"{session['id']}  since {_clock(session['start_t'])}  {', '.join(named)}".rstrip()]
    for period in state["periods"]:
        end = _clock(period["end_t"]) if period["end_t"] else "open"
        lines.append(f"  {_clock(period['start_t'])} – {end:8}  {period['name']} ({period['kind']})")
    for word in PITCH_STATES:
        who = sorted(int(athlete) for athlete, where in state["pitch"].items() if where == word)
        lines += [f"  {word}: {', '.join(map(str, who))}"] if who else []
    lines += [f"  {_clock(each['t'])}  {each['text']}  [{each['id']}]" for each in state["markers"]]
    lines += [f"  alarm {each['level']}: {each['text']}  [{each['id']}]" for each in state["alarms"]]
    return lines


def _clock(t: float) -> str:
    return format_timestamp(t)[11:19]
