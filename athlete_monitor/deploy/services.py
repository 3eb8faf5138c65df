"""``install-services``: the systemd units of prediction, screen and training, and the rotation of the logs."""

from __future__ import annotations

import getpass
import grp
import ipaddress
import os
import pwd
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Final

from athlete_monitor.athletes import Roster
from athlete_monitor.config import load_config
from athlete_monitor.deploy.broker_place import owner_named
from athlete_monitor.deploy.commands import run_command
from athlete_monitor.deploy.setup import filesystem, folders, in_filesystem
from athlete_monitor.errors import MonitorError
from athlete_monitor.project import PROJECT, home_of
from athlete_monitor.system.files import open_file
from athlete_monitor.wire.session_files import athletes_with_sessions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from athlete_monitor.config import Config

TEMPLATES: Final = PROJECT / "deploy" / "systemd"
UNITS: Final = (
    "athlete-prediction.service",
    "athlete-training.service",
    "athlete-training.timer",
    "athlete-training.path",
    "athlete-dashboard.service",
    "athlete-publisher@.service",
)
STARTED: Final = (
    "athlete-prediction.service",
    "athlete-dashboard.service",
    "athlete-training.timer",
    "athlete-training.path",
)
BRIDGES: Final = {
    "athlete-bridge-straps.service": ("ble", "heart-rate straps"),
    "athlete-bridge-phones.service": ("phone", "phone apps"),
    "athlete-bridge-map.service": ("map", "foreign streams"),
}
"""Units of what the section ``bridge`` of the configuration asks for: the command of bridge.py, and what it is for."""
ROOT: Final = Path("/")
SYSTEM_FOLDER: Final = Path("/etc/systemd/system")
LOGROTATE: Final = Path("/etc/logrotate.d/athlete-monitor")
GPU_DEVICES: Final = ("/dev/nvidia*", "/dev/nvhost-*", "/dev/nvmap", "/dev/dri/*")
NOT_FOR_USERS: Final = (
    "CapabilityBoundingSet",
    "AmbientCapabilities",
    "ProtectClock",
    "ProtectKernelLogs",
    "PrivateDevices",
)
"""Directives of the hardening that a user's own service manager has no right to apply."""


@dataclass(frozen=True)
class ServicePlace:
    """The user of the services, and their folders."""

    home: Path
    config_file: Path
    python: Path
    owner: str
    group: str
    user: bool

    @property
    def unit_folder(self) -> Path:
        """Folder of systemd's units."""
        return unit_folder(user=self.user)

    @property
    def systemctl(self) -> list[str]:
        """The command for the service manager."""
        return ["systemctl", "--user"] if self.user else ["systemctl"]


def unit_folder(*, user: bool) -> Path:
    """Return the folder of systemd's units."""
    return Path.home() / ".config/systemd/user" if user else in_filesystem(SYSTEM_FOLDER)


def here(config_file: Path, root: Path | None, *, user: bool) -> ServicePlace:
    """Return the place for this checkout: the services run as the owner of the project, if possible not as root."""
    owner = pwd.getpwnam(getpass.getuser()) if user else pwd.getpwuid(PROJECT.stat().st_uid)
    home = home_of(config_file, root)
    group = grp.getgrgid(owner.pw_gid).gr_name
    return ServicePlace(home, config_file.resolve(), Path(sys.executable), owner.pw_name, group, user)


def render_units(config: Config, place: ServicePlace) -> dict[str, str]:
    """Return the text of every unit by its file name."""
    values = _values(config, place)
    screen = {**values, "network": _network(config.mqtt.host, config.dashboard.host)}
    each = {name: screen if "dashboard" in name else values for name in UNITS}
    each |= {name: {**values, **dict(zip(("command", "what"), BRIDGES[name], strict=True))} for name in bridges(config)}
    return {
        name: _fill(_template(name), {**own, "hardening": _hardening(own, user=place.user)})
        for name, own in each.items()
    }


def bridges(config: Config) -> list[str]:
    """Return the units of the bridges that the configuration asks for."""
    asked = (config.bridge.straps, config.bridge.phones, config.bridge.mapping is not None)
    return [name for name, wanted in zip(BRIDGES, asked, strict=True) if wanted]


def _template(name: str) -> Path:
    return TEMPLATES / ("athlete-bridge.service" if name in BRIDGES else name)


def render_logrotate(config: Config, place: ServicePlace) -> str:
    """Return the text of the log rotation."""
    values = {"logs": config.logging.logs_dir, "training_log": config.logging.log_file}
    return _fill(PROJECT / "deploy" / "logrotate", {**values, "owner": place.owner, "group": place.group})


def _fill(template: Path, values: dict[str, object]) -> str:
    return Template(template.read_text(encoding="utf-8")).substitute(values)


def _values(config: Config, place: ServicePlace) -> dict[str, object]:
    return {
        "project": PROJECT,
        "python": place.python,
        "config": place.config_file,
        "home": place.home,
        "user": "" if place.user else f"User={place.owner}\nGroup={place.group}",
        "target": "default.target" if place.user else "multi-user.target",
        "memory": f"{config.jetson.memory_limit_mb}M",
        "writable": " ".join(map(str, writable(config))),
        "devices": _devices(config),
        "network": _network(config.mqtt.host),
        "watched": "\n".join(f"PathChanged={folder}" for folder in _watched(config)),
    }


def writable(config: Config) -> list[Path]:
    """Return the folders and files that the services write: not the home, which may hold the code.

    Raises:
        MonitorError: one of them contains the code.
    """
    accounts = config.dashboard.accounts_file
    places = {*folders(config), config.paths.journal.parent, *own_files(config)}
    places |= set() if accounts is None else {accounts.parent}
    for place in places:
        if PROJECT.is_relative_to(place):
            raise MonitorError(f"{place}: the services write there, so it must not contain their code; move the code")
    return sorted(places)


def own_files(config: Config) -> list[Path]:
    """Return the files in the home that the services write: systemd opens a file to them only if it exists."""
    check = config.prediction_check
    return [check.lockfile_path, check.training_lockfile_path, config.logging.log_file]


def _hardening(values: dict[str, object], *, user: bool) -> str:
    lines = _fill(TEMPLATES / "hardening.conf", values).splitlines()
    return "\n".join(line for line in lines if not (user and line.startswith(NOT_FOR_USERS)))


def _devices(config: Config) -> str:
    if config.model_loading.device == "cpu":
        return "PrivateDevices=yes\nDevicePolicy=closed"
    return "\n".join(["DevicePolicy=closed", *(f"DeviceAllow={device} rw" for device in GPU_DEVICES)])


def _network(*hosts: str) -> str:
    """Return the directive that closes a service to other machines, if it only needs this one."""
    return "IPAddressAllow=localhost\nIPAddressDeny=any" if all(map(_on_this_machine, hosts)) else ""


def _on_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _watched(config: Config) -> Iterable[Path]:
    """Folders whose new sessions start a training: of the roster, of athletes with sessions, and new folders."""
    numbers = set(range(1, config.athletes.max_players + 1))
    numbers.update(athlete.id for athlete in Roster.load(config.athletes.roster))
    roots = [config.paths.data_root]
    if config.training.use_games:
        roots.append(config.paths.game_data_root)
    for root in roots:
        yield root
        yield from (root / f"player_{number}" for number in sorted(numbers.union(athletes_with_sessions(root))))


def install(config_file: Path, root: Path | None, *, user: bool, dry_run: bool) -> int:
    """Write the units, start prediction and the training's timer; or only print them.

    Raises:
        MonitorError: root's rights are missing, or systemd refuses.
    """
    place = here(config_file, root, user=user)
    _check_paths(place)
    config = load_config(config_file, root)
    files = {place.unit_folder / name: text for name, text in render_units(config, place).items()}
    if not user:
        files[in_filesystem(LOGROTATE)] = render_logrotate(config, place)
    if dry_run:
        print("\n".join(f"# {file}\n{text}" for file, text in files.items()))
        return 0
    _need_root(user=user)
    for own in writable(config):
        _prepare(own, place, is_file=own in own_files(config))
    for file, text in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        print(f"wrote {file}")
    if not user and filesystem() != ROOT:
        print(f"nothing is started: the files are for the system under {filesystem()}")
        return 0
    run_command([*place.systemctl, "daemon-reload"])
    started = [*STARTED, *bridges(config)]
    run_command([*place.systemctl, "enable", "--now", *started])
    print(f"started {', '.join(started)}; look at them with: {' '.join(place.systemctl)} status 'athlete-*'")
    return 0


def _prepare(path: Path, place: ServicePlace, *, is_file: bool) -> None:
    """Create a file or folder owned by the services' user; without it systemd does not start them."""
    if is_file:
        os.close(open_file(path, os.O_WRONLY | os.O_CREAT))
    else:
        path.mkdir(parents=True, exist_ok=True)
    owner = None if place.user else owner_named(place.owner)
    if owner is not None:
        owner.take(path)


def uninstall(*, user: bool, dry_run: bool) -> int:
    """Stop the services and remove what ``install`` wrote; or only print that.

    Files are removed also where systemd does not run, so that an installation that failed can be undone.

    Raises:
        MonitorError: root's rights are missing, or systemd refuses.
    """
    folder = unit_folder(user=user)
    written = [*(folder / name for name in (*UNITS, *BRIDGES)), *(() if user else (in_filesystem(LOGROTATE),))]
    files = [file for file in written if file.exists()]
    if dry_run or not files:
        print("\n".join(f"would remove {file}" for file in files) or "nothing is installed")
        return 0
    _need_root(user=user)
    systemctl = ["systemctl", "--user"] if user else ["systemctl"]
    running = [*STARTED, *(name for name in BRIDGES if folder / name in files)]
    is_here = user or filesystem() == ROOT
    try:
        if is_here:
            run_command([*systemctl, "disable", "--now", *running])
    finally:
        for file in files:
            file.unlink()
            print(f"removed {file}")
    if is_here:
        run_command([*systemctl, "daemon-reload"])
    return 0


def _check_paths(place: ServicePlace) -> None:
    for path in (PROJECT, place.home, place.config_file, place.python):
        if re.search(r"[\s%]", str(path)):
            raise MonitorError(f"{path}: a path with a blank or a % is not allowed in a systemd unit; move it")


def _need_root(*, user: bool) -> None:
    if not user and os.geteuid() != 0:
        raise MonitorError("system services need root: run with sudo, or add --user for services of only this user")
