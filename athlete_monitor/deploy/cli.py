"""The commands of ``jetson_deploy.py``. Only the standard library is imported before the environment exists."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING, Final

from athlete_monitor import __version__
from athlete_monitor.arguments import Parser, add_common_arguments, duration, number, whole
from athlete_monitor.deploy import bootstrap
from athlete_monitor.deploy.athletes_options import add_athletes_arguments
from athlete_monitor.deploy.import_options import add_import_arguments
from athlete_monitor.errors import ConfigError
from athlete_monitor.project import DEFAULT_CONFIG, PROJECT
from athlete_monitor.system.program import run_program

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

SCRIPT: Final = PROJECT / "jetson_deploy.py"
MOST_PLAYERS: Final = 30
"""Most simulated athletes of a demonstration: a squad. For more, use the publisher."""
MOST_MINUTES: Final = 90.0
MOST_SPEED: Final = 10_000.0


OWN_JSON: Final = frozenset({"athletes", "import", "run", "status"})
"""Commands that print JSON by themselves; for the others it holds their lines and the exit code."""
OWN_QUIET: Final = frozenset({"athletes", "import", "run"})

LIGHT_HELP: Final = f"install without PyTorch ({bootstrap.LIGHT.installed_mb} MB); models run with ONNX"


def build_parser() -> Parser:
    """Return the parser of all commands."""
    parser = Parser("jetson_deploy.py", description="Set up and maintain the system.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    _add_trying(commands)
    _add_care(commands)
    _add_work(commands)
    for command in commands.choices.values():
        add_common_arguments(command)
    return parser


if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[Parser]  # noqa: SLF001 - argparse names it nowhere else


def _add_trying(commands: Commands) -> None:
    demo = commands.add_parser("demo", help="the whole system on real recordings, in under three minutes")
    demo.add_argument(
        "--players",
        type=whole(1, MOST_PLAYERS),
        default=3,
        metavar="N",
        help="simulated athletes in addition to the recorded ones, 1 to 30 (3)",
    )
    demo.add_argument(
        "--minutes",
        type=number(0, MOST_MINUTES, above=True),
        default=8.0,
        metavar="M",
        help="recorded minutes that are streamed, up to 90 (8)",
    )
    demo.add_argument(
        "--speed",
        type=number(0, MOST_SPEED, above=True),
        default=10.0,
        metavar="X",
        help="times faster than real time (10)",
    )
    demo.add_argument("--light", action="store_true", help=LIGHT_HELP)
    demo.add_argument("--root", type=Path, metavar="DIR", help="folder of its files (default: a new one)")
    test = commands.add_parser("test", help="lint, types, import rules and all tests")
    test.add_argument("pytest", nargs="*", help="passed on to pytest, after --")


def _add_care(commands: Commands) -> None:
    check = commands.add_parser("check", help="list what this machine has, what it lacks, and how to fix it")
    check.add_argument("--secure", action="store_true", help="log in to the broker as each role, show its rights")
    setup = commands.add_parser("setup", help="create folders, roster and broker configuration; safe to repeat")
    setup.add_argument("--light", action="store_true", help=LIGHT_HELP)
    setup.add_argument("--dry-run", action="store_true", help="only list what would be done")
    setup.add_argument("--secure", action="store_true", help="create accounts and access rights for broker and screen")
    setup.add_argument(
        "--tls", action="store_true", help="with --secure: encryption, with a certificate authority of this box"
    )
    setup.add_argument(
        "--listen", default="127.0.0.1", metavar="ADDRESS", help="address that the broker listens on (127.0.0.1)"
    )
    bridging = commands.add_parser("bridge-to", help="pass the box's figures on to the broker of a club")
    bridging.add_argument("address", nargs="?", metavar="HOST[:PORT]", help="the club's broker")
    bridging.add_argument("--samples", action="store_true", help="pass the sensors' samples on too")
    bridging.add_argument(
        "--only-samples", action="store_true", help="pass only the samples on: the engine runs there (league.py)"
    )
    bridging.add_argument(
        "--keep", type=duration("s"), metavar="TIME", help="keep samples and events so long while the link is away: 1h"
    )
    bridging.add_argument("--prefix", metavar="TOPIC/", help="in front of the topics there (mqtt.topic_prefix)")
    bridging.add_argument("--user", metavar="NAME", help="account at the club's broker")
    bridging.add_argument("--password-file", type=Path, metavar="FILE", help="its first line is the password")
    bridging.add_argument("--ca", type=Path, metavar="FILE", help="encrypt, and check the club's broker against these")
    bridging.add_argument("--dry-run", action="store_true", help="only show the configuration")
    bridging.add_argument("--off", action="store_true", help="remove the bridge")
    validate = commands.add_parser("validate", help="check configuration files")
    validate.add_argument("files", nargs="*", type=Path, help="configurations or rosters (default: ours)")
    validate.add_argument("--update", action="store_true", help="add the keys that a file of an earlier version lacks")
    validate.add_argument("--dry-run", action="store_true", help="with --update: only list the changes")
    saving = commands.add_parser("backup", help="write sessions, models, journal and settings to one verified file")
    saving.add_argument("file", type=Path, metavar="FILE", help="the zip file to write")
    saving.add_argument("--dry-run", action="store_true", help="only list what would be saved")
    restoring = commands.add_parser("restore", help="restore a backup; files that differ are kept under another name")
    restoring.add_argument("file", type=Path, metavar="FILE", help="file that backup wrote")
    restoring.add_argument("--dry-run", action="store_true", help="only list what would be restored")
    commands.add_parser("status", help="show settings, athletes, sessions, models, processes, temperatures")


def _add_work(commands: Commands) -> None:
    training = commands.add_parser("run", help="train the models of all athletes with new sessions")
    training.add_argument("options", nargs="*", help="passed on to sup_ml_rf_training.py, after --")
    services = commands.add_parser("install-services", help="install systemd services for prediction and training")
    services.add_argument("--user", action="store_true", help="for this user only, without root")
    services.add_argument("--dry-run", action="store_true", help="only show the units")
    services.add_argument("--uninstall", action="store_true", help="stop and remove them")
    add_athletes_arguments(commands.add_parser("athletes", help="list, add, edit or import the athletes of the roster"))
    importing = commands.add_parser("import", help="import recordings of any common format as sessions")
    add_import_arguments(importing)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; a user's mistake is one line on stderr."""
    parser = build_parser()
    args = parser.parse_args(arguments)
    if args.command is None:
        parser.error(f"give one of the commands {', '.join(COMMANDS)}")
    own_json = args.command in OWN_JSON
    quiet = args.quiet and args.command not in OWN_QUIET
    return run_program(lambda: _run_command(args, arguments), as_json=args.json and not own_json, quiet=quiet)


def _run_command(args: argparse.Namespace, arguments: Sequence[str]) -> int:
    if args.command == "check":
        _enter_if_there(arguments)
    else:
        light = getattr(args, "light", False)
        bootstrap.enter(SCRIPT, arguments, development=args.command == "test", light=light)
    return COMMANDS[args.command](args)


def _enter_if_there(arguments: Sequence[str]) -> None:
    if bootstrap.stands():
        bootstrap.enter(SCRIPT, arguments)


def _demo(args: argparse.Namespace) -> int:
    from athlete_monitor.deploy.demo import demo

    return demo(args.players, args.minutes, args.speed, args.root, args.config)


def _test(args: argparse.Namespace) -> int:
    from athlete_monitor.deploy.quality import test

    return test(args.pytest)


def _backup(args: argparse.Namespace) -> int:
    from athlete_monitor.deploy.backup import backup

    return backup(args.config, args.root, args.file, dry_run=args.dry_run)


def _restore(args: argparse.Namespace) -> int:
    from athlete_monitor.deploy.backup import restore

    return restore(args.config, args.root, args.file, dry_run=args.dry_run)


def _check(args: argparse.Namespace) -> int:
    from athlete_monitor.deploy.check import check

    return check(args.config, args.root, secure=args.secure)


def _setup(args: argparse.Namespace) -> int:
    from athlete_monitor.deploy.setup import Wish, setup

    return setup(args.config, args.root, Wish(args.secure, args.tls, args.listen, args.dry_run))


def _bridge_to(args: argparse.Namespace) -> int:
    from athlete_monitor.deploy.bridging import Club, bridge_off, bridge_to

    if args.off == (args.address is not None):
        raise ConfigError("bridge-to: give either HOST[:PORT] or --off")
    if args.off:
        return bridge_off(args.config, args.root)
    club = Club(
        args.address,
        "only" if args.only_samples else "also" if args.samples else "none",
        args.prefix,
        args.user,
        args.password_file,
        args.ca,
        args.keep,
    )
    return bridge_to(args.config, args.root, club, dry_run=args.dry_run)


def _validate(args: argparse.Namespace) -> int:
    from athlete_monitor.deploy.validate import update, validate

    files = [*args.files, *([] if args.config == DEFAULT_CONFIG else [args.config])]
    if args.dry_run and not args.update:
        raise ConfigError("validate: --dry-run goes with --update")
    return update(files, dry_run=args.dry_run) if args.update else validate(files)


def _status(args: argparse.Namespace) -> int:
    from athlete_monitor.deploy.status import status

    return status(args.config, args.root, as_json=args.json)


def _run(args: argparse.Namespace) -> int:
    from athlete_monitor.deploy.scripts import replace_process

    shown = [option for option, wanted in (("--json", args.json), ("--quiet", args.quiet)) if wanted]
    return replace_process("sup_ml_rf_training.py", args.config, args.root, [*shown, *args.options])


def _install_services(args: argparse.Namespace) -> int:
    from athlete_monitor.deploy.services import install, uninstall

    if args.uninstall:
        return uninstall(user=args.user, dry_run=args.dry_run)
    return install(args.config, args.root, user=args.user, dry_run=args.dry_run)


def _import(args: argparse.Namespace) -> int:
    gc.set_threshold(50_000)  # half a million objects at start and hardly a cycle: scans would be 5 % of the time
    from athlete_monitor.deploy.importing import import_all

    return import_all(args)


def _athletes(args: argparse.Namespace) -> int:
    from athlete_monitor.deploy.athletes import athletes

    return athletes(args)


COMMANDS: Final[dict[str, Callable[[argparse.Namespace], int]]] = {
    "athletes": _athletes,
    "backup": _backup,
    "bridge-to": _bridge_to,
    "check": _check,
    "demo": _demo,
    "import": _import,
    "install-services": _install_services,
    "restore": _restore,
    "run": _run,
    "setup": _setup,
    "status": _status,
    "test": _test,
    "validate": _validate,
}
