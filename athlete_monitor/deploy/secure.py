"""``setup --secure``: accounts of broker and screen, access rights, certificates."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Final

from athlete_monitor.deploy import broker_files
from athlete_monitor.deploy.rights import PEOPLE, access_file
from athlete_monitor.deploy.steps import Step, file_step
from athlete_monitor.errors import MonitorError
from athlete_monitor.system.clock import EARLIEST_S
from athlete_monitor.system.files import PRIVATE, READABLE, replace_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from athlete_monitor.config import Config

METRICS_TOKEN: Final = "screen-metrics"  # noqa: S105 - the name of a file
"""File whose token lets Prometheus read the screen's figures."""
SCREEN_ROLES: Final = ("admin", "coach", "viewer")


@dataclass(frozen=True)
class SecurePlan:
    """The home, configuration, broker and devices of the accounts."""

    home: Path
    config: Config
    broker: broker_files.BrokerPlan
    devices: Sequence[str]

    @property
    def credentials(self) -> Path:
        """Folder of the plain passwords, one file for each user, readable by the owner only."""
        return self.home / "broker" / "credentials"

    @property
    def tls(self) -> Path:
        """Folder of the authority, and of the box's certificate for the screen."""
        return self.home / "broker" / "tls"


def secure_steps(plan: SecurePlan) -> Iterator[Step]:
    """Yield the steps for the accounts: passwords that are created once, and the files for Mosquitto and the screen."""
    home = plan.config.home_assistant
    rights = access_file(
        plan.devices, plan.config.mqtt.topic_prefix, home.discovery_prefix if home.enabled else None
    )  # fmt: skip
    passwords = []
    for user in (*PEOPLE, *plan.devices):
        password = _password(plan.credentials / user)
        passwords.append((user, password))
        yield file_step(plan.credentials / user, f"{password}\n", PRIVATE, plan.home)
    place = plan.broker.place
    old = place.passwords.read_text(encoding="utf-8", errors="replace") if place.passwords.exists() else ""
    yield file_step(place.passwords, broker_files.password_file(old, passwords), PRIVATE)
    yield file_step(place.rights, rights, PRIVATE)
    yield from screen_steps(plan)
    if plan.broker.tls:
        yield from certificate_steps(plan)


def screen_steps(plan: SecurePlan) -> Iterator[Step]:
    """Yield the screen's accounts, if there are none yet."""
    file = plan.config.dashboard.accounts_file or plan.home / "screen" / "accounts.json"
    secrets = {role: _password(plan.credentials / f"screen-{role}") for role in SCREEN_ROLES}
    there = file.exists()
    if not there:
        for role, secret in secrets.items():
            yield file_step(plan.credentials / f"screen-{role}", f"{secret}\n", PRIVATE, plan.home)

    def make() -> None:
        from athlete_monitor.dashboard.accounts import make_account, save_accounts

        save_accounts(file, [make_account(role, role, secret) for role, secret in secrets.items()])

    yield Step(str(file), there, make)
    token = plan.credentials / METRICS_TOKEN
    yield file_step(token, f"{_password(token)}\n", PRIVATE, plan.home)


def certificate_steps(plan: SecurePlan) -> Iterator[Step]:
    """Yield the authority, the box's certificate for the screen, and its copy for the broker."""
    from athlete_monitor.deploy.certificates import is_good, names_of_this_box

    now, folder, names = (
        datetime.now(timezone.utc),
        plan.tls,
        names_of_this_box(plan.broker.address, plan.config.box.local_name),
    )
    authority, box = folder / "ca.crt", folder / "box.crt"
    _refuse_unset_clock(now)
    fault = _authority_fault(folder, now)
    why = f" ({fault}: devices and browsers need the new one)" if fault else ""
    yield Step(f"{authority}, the authority of this box{why}", fault is None, lambda: _make_authority(plan))
    good = fault is None and is_good(box, folder / "box.key", authority, names, now)
    yield Step(f"{box} for {', '.join(names)}", good, lambda: _make_certificate(plan, names))
    target = plan.broker.place.tls
    if target != folder and box.exists():
        for name, mode in (("ca.crt", READABLE), ("box.crt", READABLE), ("box.key", PRIVATE)):
            yield file_step(target / name, (folder / name).read_text(encoding="ascii"), mode)


def _refuse_unset_clock(now: datetime) -> None:
    if now.timestamp() < EARLIEST_S:
        raise MonitorError(
            f"the clock of this machine says {now:%Y-%m-%d %H:%M}: its certificates would soon have expired; "
            "set the clock, then run setup again (sudo timedatectl set-ntp true)"
        )


def _authority_fault(folder: Path, now: datetime) -> str | None:
    """Return why a new authority is needed: empty if there is none yet, None if the present one can go on."""
    from athlete_monitor.deploy.certificates import fault_of

    try:
        return fault_of((folder / "ca.crt").read_bytes(), (folder / "ca.key").read_bytes(), now)
    except FileNotFoundError:
        return ""


def _make_authority(plan: SecurePlan) -> None:
    from athlete_monitor.deploy.certificates import make_authority

    made = make_authority(socket.gethostname(), datetime.now(timezone.utc))
    replace_file(plan.tls / "ca.key", made.key, mode=PRIVATE, below=plan.home)
    replace_file(plan.tls / "ca.crt", made.certificate, below=plan.home)


def _make_certificate(plan: SecurePlan, names: Sequence[str]) -> None:
    from athlete_monitor.deploy.certificates import Pair, make_certificate

    authority = Pair((plan.tls / "ca.crt").read_bytes(), (plan.tls / "ca.key").read_bytes())
    made = make_certificate(authority, names, datetime.now(timezone.utc))
    replace_file(plan.tls / "box.key", made.key, mode=PRIVATE, below=plan.home)
    replace_file(plan.tls / "box.crt", made.certificate, below=plan.home)


def _password(file: Path) -> str:
    return file.read_text(encoding="utf-8").strip() if file.exists() else broker_files.new_password()
