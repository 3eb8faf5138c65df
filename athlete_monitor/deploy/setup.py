"""``setup``: creates everything that the system needs on this machine; existing parts are not changed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from athlete_monitor.athletes import Roster
from athlete_monitor.config import load_config
from athlete_monitor.deploy import broker_files
from athlete_monitor.deploy.broker_place import BrokerPlace, Owner, broker_place, owner_of
from athlete_monitor.deploy.commands import run_command
from athlete_monitor.deploy.scripts import same_place
from athlete_monitor.deploy.secure import METRICS_TOKEN, SecurePlan, secure_steps
from athlete_monitor.deploy.steps import Step, file_step, folder_step
from athlete_monitor.errors import MonitorError
from athlete_monitor.project import PROJECT, home_of
from athlete_monitor.system.board import read_board
from athlete_monitor.system.files import replace_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from athlete_monitor.config import Config

SYSTEM_FILES: Final = "ATHLETE_MONITOR_FILESYSTEM"
"""Variable of the environment: folder in which /etc and /var are written (for images and tests); default /."""


@dataclass(frozen=True)
class Wish:
    """The options of setup.

    Attributes:
        secure: accounts and access rights for the broker and the screen.
        tls: encryption too, with a certificate authority of this box.
        listen: address on which the broker listens.
        dry_run: only print what would be done.
    """

    secure: bool = False
    tls: bool = False
    listen: str = broker_files.LOOPBACK
    dry_run: bool = False


def setup(config: Path, root: Path | None, wish: Wish, notify: Callable[[str], None] = print) -> int:
    """Create missing parts and report each part; a second run changes nothing.

    Raises:
        ConfigError: the configuration or the roster is not valid.
        MonitorError: a folder or file cannot be read or written.
    """
    home = home_of(config, root)
    tree = load_config(config, root)
    place = broker_place(home, filesystem())
    roster = Roster.load(tree.athletes.roster)
    plan = broker_files.plan_broker(tree, roster, place, address=wish.listen, secure=wish.secure, tls=wish.tls)
    notify(f"{config}: valid")
    try:
        for step in _steps(tree, home, plan, broker_files.devices(tree, roster)):
            if not step.stands and not wish.dry_run:
                _make(step)
            notify(f"{_verdict(step, dry_run=wish.dry_run)} {step.what}")
    except PermissionError as error:
        raise MonitorError(
            f"{error.filename}: cannot be read ({error.strerror}); run setup as its owner or as root"
        ) from error
    for line in _following(tree, home, plan):
        notify(line)
    following = f"Next: python3 jetson_deploy.py status{same_place(config, root)}"
    notify("Nothing was created: --dry-run" if wish.dry_run else following)
    return 0


def filesystem() -> Path:
    """Return where the system's folders begin."""
    return Path(os.environ.get(SYSTEM_FILES, "/"))


def in_filesystem(path: Path) -> Path:
    """Return an absolute path of the system, below the root of its own files."""
    return filesystem() / path.relative_to("/")


def make_step(step: Step, notify: Callable[[str], None]) -> None:
    """Make one part and report it.

    Raises:
        MonitorError: it cannot be made.
    """
    if not step.stands:
        _make(step)
    notify(f"{_verdict(step, dry_run=False)} {step.what}")


def _make(step: Step) -> None:
    try:
        step.make()
    except OSError as error:
        raise MonitorError(f"{step.what}: cannot be created ({error.strerror})") from error


def _verdict(step: Step, *, dry_run: bool) -> str:
    if step.stands:
        return "  is there  "
    return "  would make" if dry_run else "  made      "


def _steps(config: Config, home: Path, plan: broker_files.BrokerPlan, devices: list[str]) -> Iterator[Step]:
    for folder in folders(config):
        yield folder_step(folder)
    yield roster_step(config.athletes.roster)
    yield folder_step(plan.place.data)
    if plan.place.system is None:
        yield folder_step(plan.place.bridge.parent)
    if plan.secure:
        yield from secure_steps(SecurePlan(home, config, plan, devices))
    yield file_step(plan.place.configuration, plan.configuration())
    yield from broker_owner_steps(plan.place)
    yield from home_owner_steps(home, config)
    if config.performance.auto_performance_mode:
        yield from power_steps(Path("/"), print)


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


def roster_step(roster: Path) -> Step:
    """Copy the roster's template, with its explanations, to the configured path of the roster."""

    def copy_template() -> None:
        replace_file(roster, (PROJECT / "athletes.yaml").read_bytes())

    return Step(str(roster), roster.exists(), copy_template)


def broker_owner_steps(place: BrokerPlace) -> Iterator[Step]:
    """Make the system's Mosquitto the owner of its files: it drops root privileges before it reads them."""
    if place.owner is not None:
        secret = [place.secrets, *sorted(place.secrets.rglob("*"))] if place.secrets.is_dir() else []
        yield from _owner_step(place.owner, [place.data, *secret])


def service_owner() -> Owner:
    """Return the user that the services run as: the owner of the project."""
    return owner_of(PROJECT)


def home_owner_steps(home: Path, config: Config) -> Iterator[Step]:
    """Make the services' user the owner of what root has created in the home folder, except the authority's key."""
    if os.geteuid() != 0:
        return
    broker = home / "broker"
    made = [
        *folders(config),
        config.athletes.roster,
        *sorted((home / "screen").rglob("*")),
        home / "screen",
        broker,
        *sorted(broker.rglob("*")),
    ]
    yield from _owner_step(service_owner(), [path for path in made if path.name != "ca.key"])


def _owner_step(owner: Owner, paths: list[Path]) -> Iterator[Step]:
    foreign = [path for path in paths if path.exists() and not owner.owns(path)]
    if foreign:

        def take() -> None:
            for path in foreign:
                owner.take(path)

        yield Step(f"{len(foreign)} files and folders belong to {owner.name}", stands=False, make=take)


def power_steps(filesystem: Path, notify: Callable[[str], None] = print) -> Iterator[Step]:
    """Switch a Jetson to its full power mode, if this user is allowed to."""
    board = read_board(filesystem)
    if not board.is_jetson:
        return
    full = board.power_mode is not None and board.power_mode.number == 0
    if full or os.geteuid() == 0:
        yield Step("full power mode (nvpmodel -m 0)", full, lambda: run_command(["nvpmodel", "-m", "0"]))
    else:
        notify("  needs root: sudo nvpmodel -m 0")


def _following(config: Config, home: Path, plan: broker_files.BrokerPlan) -> Iterator[str]:
    """Yield the next steps for the user."""
    yield f"\nBroker: {plan.place.start}\n        (without one, main.py hosts its own)"
    if not plan.secure:
        return
    credentials = home / "broker" / "credentials"
    settings = [("mqtt.username", "engine"), ("mqtt.password_file", credentials / "engine")]
    settings += (
        [("dashboard.accounts_file", home / "screen" / "accounts.json")]
        if config.dashboard.accounts_file is None
        else []
    )
    if config.dashboard.metrics_token_file is None:
        settings.append(("dashboard.metrics_token_file", credentials / METRICS_TOKEN))
    if plan.tls:
        tls = home / "broker" / "tls"
        settings += [("dashboard.tls.cert_file", tls / "box.crt"), ("dashboard.tls.key_file", tls / "box.key")]
    yield "Set these keys of the configuration, so that engine, trainer and screen use the accounts:"
    yield from (f"  {key}: {value}" for key, value in settings)
    yield f"Each device logs in as its own id, with the password in {credentials}/; coach and viewer likewise."
    yield f"The screen's accounts admin, coach and viewer have theirs in {credentials}/screen-admin and so on."
    if plan.tls:
        authority = home / "broker" / "tls" / "ca.crt"
        yield f"Devices connect to port {plan.mqtt.tls_port} and need {authority}; browsers too."
    yield "Then: python3 jetson_deploy.py check --secure"
