"""``setup``: everything the system needs on this machine, made once and left alone after that."""

from __future__ import annotations

import os
import pwd
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from athlete_monitor.athletes import Roster
from athlete_monitor.config import load_config
from athlete_monitor.deploy import broker_files
from athlete_monitor.deploy.bootstrap import PROJECT
from athlete_monitor.deploy.commands import run_command
from athlete_monitor.deploy.doors import same_place
from athlete_monitor.errors import MonitorError
from athlete_monitor.system.board import read_board

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from athlete_monitor.config import Config

PRIVATE: Final = 0o600
READABLE: Final = 0o644


@dataclass(frozen=True)
class Step:
    """One thing that setup sees to: what it is, whether it stands already, and how to make it."""

    what: str
    stands: bool
    make: Callable[[], None]


def setup(config: Path, root: Path | None, *, secure: bool, listen: str, dry_run: bool) -> int:
    """Make what is missing and say so, line by line; a second run changes nothing.

    Raises:
        ConfigError: the configuration or the roster is not valid.
        MonitorError: a folder or file cannot be written.
    """
    home = (root or config.parent).resolve()
    tree = load_config(config, root)
    roster = Roster.load(tree.athletes.roster)
    plan = broker_files.plan_broker(tree, roster, home / "broker", address=listen, secure=secure)
    print(f"{config}: valid")
    for step in _steps(tree, plan, broker_files.users(tree, roster)):
        if not step.stands and not dry_run:
            _make(step)
        print(f"{_verdict(step, dry_run=dry_run)} {step.what}")
    _say_broker(tree, home, secure=secure)
    following = f"Next: python3 jetson_deploy.py status{same_place(config, root)}"
    print("Nothing was made: --dry-run" if dry_run else following)
    return 0


def _make(step: Step) -> None:
    try:
        step.make()
    except OSError as error:
        raise MonitorError(f"{step.what}: cannot be made ({error.strerror})") from error


def _verdict(step: Step, *, dry_run: bool) -> str:
    if step.stands:
        return "  is there  "
    return "  would make" if dry_run else "  made      "


def _steps(config: Config, plan: broker_files.BrokerPlan, users: list[str]) -> Iterator[Step]:
    for folder in folders(config):
        yield _folder_step(folder)
    yield roster_step(config.athletes.roster)
    yield _folder_step(plan.folder / "data")
    yield file_step(plan.folder / "mosquitto.conf", plan.configuration())
    if plan.secure:
        yield from secure_steps(plan.folder, users)
    yield from owner_steps(plan.folder)
    if config.performance.auto_performance_mode:
        yield from power_steps(Path("/"))


def folders(config: Config) -> list[Path]:
    """Return every folder of the configuration that the system writes into."""
    paths = config.paths
    return [
        paths.data_root,
        paths.game_data_root,
        paths.models_root,
        paths.hb_tensors_updated,
        paths.hb_tensors_previous,
        paths.prediction_outputs,
        config.logging.logs_dir,
    ]


def _folder_step(folder: Path) -> Step:
    return Step(f"{folder}/", folder.is_dir(), lambda: folder.mkdir(parents=True, exist_ok=True))


def roster_step(roster: Path) -> Step:
    """Put the roster's template, with its explanations, where the configuration looks for the roster."""

    def copy_template() -> None:
        roster.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PROJECT / "athletes.yaml", roster)

    return Step(str(roster), roster.exists(), copy_template)


def file_step(file: Path, text: str, mode: int = READABLE) -> Step:
    """Write a file that must hold exactly this text."""

    def write() -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            os.fchmod(descriptor, mode)
            stream.write(text)

    stands = file.is_file() and file.read_text(encoding="utf-8") == text
    return Step(str(file), stands, write)


def secure_steps(folder: Path, users: list[str]) -> Iterator[Step]:
    """Give each user a password of its own, once, and write what Mosquitto reads."""
    passwords = []
    for user in users:
        file = folder / "credentials" / user
        password = file.read_text(encoding="utf-8").strip() if file.exists() else broker_files.new_password()
        passwords.append((user, password))
        yield file_step(file, password + "\n", PRIVATE)
    existing = folder / "passwords"
    old = existing.read_text(encoding="utf-8") if existing.exists() else ""
    yield file_step(existing, broker_files.password_file(old, passwords), PRIVATE)
    yield file_step(folder / "acl", broker_files.ACL, PRIVATE)


def owner_steps(folder: Path) -> Iterator[Step]:
    """Hand Mosquitto its files where root sets up: the broker gives root's rights away before it reads them."""
    mosquitto = _user_id("mosquitto")
    if os.geteuid() != 0 or mosquitto is None:
        return
    for file in (folder / "data", folder / "passwords", folder / "acl"):
        if file.exists():
            owned = file.stat().st_uid == mosquitto
            yield Step(f"{file} belongs to mosquitto", owned, partial(os.chown, file, mosquitto, -1))


def _user_id(name: str) -> int | None:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return None


def power_steps(filesystem: Path) -> Iterator[Step]:
    """Put a Jetson into its full power mode, where this user may."""
    board = read_board(filesystem)
    if not board.is_jetson:
        return
    full = board.power_mode is not None and board.power_mode.number == 0
    if full or os.geteuid() == 0:
        yield Step("full power mode (nvpmodel -m 0)", full, lambda: run_command(["nvpmodel", "-m", "0"]))
    else:
        print("  needs root: sudo nvpmodel -m 0")


def _say_broker(config: Config, home: Path, *, secure: bool) -> None:
    broker = home / "broker"
    print(f"\nBroker: mosquitto -c {broker / 'mosquitto.conf'}\n        (without one, main.py hosts its own)")
    if secure and config.mqtt.password_file is None:
        print("The engine logs in once the configuration says so:")
        print(f"  mqtt.username: {broker_files.ENGINE_USER}")
        print(f"  mqtt.password_file: {broker / 'credentials' / broker_files.ENGINE_USER}")
    if secure:
        print(f"Each device logs in as its own id, with the password in {broker / 'credentials'}/")
