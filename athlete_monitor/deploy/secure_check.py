"""``check --secure``: log in to the broker as each role, and compare its rights with the intended ones."""

from __future__ import annotations

import ssl
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from athlete_monitor.config import load_config
from athlete_monitor.deploy.findings import Finding
from athlete_monitor.deploy.mqtt_probe import Listener, ProbeError, ProbeSession, log_in
from athlete_monitor.deploy.rights import PEOPLE, RIGHTS, ROLES, Right, Role, may
from athlete_monitor.project import home_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from athlete_monitor.config import Mqtt

SETUP: Final = "python3 jetson_deploy.py setup --secure, and restart the broker"
OTHER: Final = "somebody-else"
"""A device that does not exist."""


@dataclass(frozen=True)
class BrokerUser:
    """A user of the broker."""

    user: str
    password: str


@dataclass(frozen=True)
class Cell:
    """A role's rights on a topic."""

    read: bool
    write: bool

    def __str__(self) -> str:
        """Return ``rw``, ``r-``, ``-w`` or ``--``."""
        return f"{'r' if self.read else '-'}{'w' if self.write else '-'}"


def secure_findings(config: Path, root: Path | None) -> Iterator[Finding]:
    """Yield whether each role can log in and has its rights, and whether unknown users are refused.

    It sends an empty message on each topic, which the engine counts as invalid or ignores.
    """
    tree = load_config(config, root)
    home = home_of(config, root)
    try:
        accounts = read_accounts(home / "broker" / "credentials")
        listener = broker_listener(tree.mqtt)
    except OSError as error:
        yield Finding("accounts", "fail", f"{error.filename or 'mqtt.tls'}: {error.strerror or error}", SETUP)
        return
    try:
        yield stranger_finding(listener)
        matrix = measure(listener, accounts, tree.mqtt.topic_prefix)
    except (ProbeError, OSError) as error:
        yield Finding("broker", "fail", f"{listener.host}:{listener.port}: {error}", SETUP)
        return
    yield from matrix_findings(matrix)


def read_accounts(credentials: Path) -> dict[Role, BrokerUser]:
    """Return an account for each role; for devices the account of the first one.

    Raises:
        OSError: they do not exist, or this user may not read them.
    """
    devices = sorted(file.name for file in credentials.iterdir() if not file.name.startswith("screen-"))
    users: dict[Role, str] = {"engine": "engine", "coach": "coach", "viewer": "viewer"}
    users["device"] = next(name for name in [*devices, "device"] if name not in PEOPLE)
    return {role: BrokerUser(user, (credentials / user).read_text("utf-8").strip()) for role, user in users.items()}


def broker_listener(mqtt: Mqtt) -> Listener:
    """Return the address of the configured broker.

    Raises:
        OSError: a certificate cannot be read.
    """
    context = ssl.create_default_context(cafile=mqtt.tls.ca_file) if mqtt.tls.enabled else None
    return Listener(mqtt.host, mqtt.port, context)


def stranger_finding(listener: Listener) -> Finding:
    """Report whether the broker refuses an unknown user."""
    try:
        with log_in(listener, "stranger", "guess"):
            return Finding("strangers", "fail", "the broker accepts any user", SETUP)
    except ProbeError as error:
        return Finding("strangers", "ok", f"refused ({error})")


def measure(listener: Listener, accounts: Mapping[Role, BrokerUser], prefix: str = "") -> dict[tuple[str, Role], Cell]:
    """Return the rights of each role on each topic, as the broker grants them.

    Args:
        listener: its address.
        accounts: one for each role.
        prefix: the prefix of every topic.

    Raises:
        ProbeError: a role cannot log in.
        OSError: the broker cannot be reached.
    """
    topics = [f"{prefix}{topic}" for topic, _ in rows(accounts["device"].user)]
    with ExitStack() as stack:
        sessions = {role: stack.enter_context(_logged_in(listener, role, accounts[role])) for role in ROLES}
        for session in sessions.values():
            for topic in topics:
                session.subscribe(topic)
        for topic in topics:
            sessions["engine"].publish(topic)
        heard = {role: session.heard() for role, session in sessions.items()}
        return {
            (topic.removeprefix(prefix), role): Cell(topic in heard[role], session.may_write(topic))
            for topic in topics
            for role, session in sessions.items()
        }


def rows(device: str) -> list[tuple[str, Right]]:
    """Return the topics of the matrix: all topics of the device, and those of another device."""
    own = [(right.topic.format(device=device), right) for right in RIGHTS]
    others = [(right.topic.format(device=OTHER), right) for right in RIGHTS if "{device}" in right.topic]
    return own + others


def expected(topic: str, right: Right, role: Role) -> Cell:
    """Return the intended rights of a role; a device has no right on another device's topics."""
    if role == "device" and OTHER in topic:
        return Cell(read=False, write=False)
    return Cell(*may(role, right))


def matrix_findings(matrix: Mapping[tuple[str, Role], Cell]) -> Iterator[Finding]:
    """Yield a line for each topic: the rights of each role, and deviations from the intended ones."""
    device = next(topic.split("/")[1] for topic, _ in matrix if topic.endswith("/sensor/data"))
    yield Finding("rights of", "ok", "  ".join(f"{role:<6}" for role in ROLES).rstrip())
    for topic, right in rows(device):
        cells = {role: matrix[topic, role] for role in ROLES}
        wrong = [
            f"{role} should have {should}" for role in ROLES if cells[role] != (should := expected(topic, right, role))
        ]
        shown = "  ".join(f"{cells[role]!s:<6}" for role in ROLES).rstrip()
        yield Finding(topic, "fail" if wrong else "ok", shown, f"{', '.join(wrong)}: {SETUP}" if wrong else "")


@contextmanager
def _logged_in(listener: Listener, role: Role, account: BrokerUser) -> Iterator[ProbeSession]:
    try:
        with log_in(listener, account.user, account.password) as session:
            yield session
    except ProbeError as error:
        raise ProbeError(f"{role} cannot log in as {account.user}: {error}") from None
