"""Mosquitto's configuration, access rights and passwords, made from the project's own configuration."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from athlete_monitor.deploy.bootstrap import PROJECT
from athlete_monitor.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from athlete_monitor.athletes import Roster
    from athlete_monitor.config import Config

TEMPLATE: Final = PROJECT / "deploy" / "mosquitto.conf"
ENGINE_USER: Final = "engine"
OFFLINE_S: Final = 600
BATCHES_ABOVE_HZ: Final = 25
BYTES_PER_MESSAGE: Final = 1024
ITERATIONS: Final = 20_000

ACL: Final = """\
# Each device may write its own samples and nothing else, and hears nothing of the others.
pattern write player/%u/sensor/data

# The engine, the trainer and the publisher of demonstrations.
user engine
topic readwrite player/#
topic readwrite sensor/data
topic readwrite engine/#
topic readwrite models/#
"""


@dataclass(frozen=True)
class BrokerPlan:
    """Where the broker's files go and what they say."""

    folder: Path
    address: str
    port: int
    athletes: int
    rate_hz: float
    secure: bool

    @property
    def messages_per_s(self) -> float:
        """Messages that one athlete sends a second; devices above 25 Hz send batches."""
        return min(self.rate_hz, BATCHES_ABOVE_HZ)

    @property
    def queued_messages(self) -> int:
        """Messages that must be kept while the engine is away for ten minutes."""
        return round(self.athletes * self.messages_per_s * OFFLINE_S)

    def configuration(self) -> str:
        """Return the text of ``mosquitto.conf``."""
        return TEMPLATE.read_text().format(
            port=self.port,
            address=self.address,
            access=self._access(),
            folder=self.folder / "data",
            athletes=self.athletes,
            rate=f"{self.messages_per_s:g}",
            messages=self.queued_messages,
            bytes=self.queued_messages * BYTES_PER_MESSAGE,
        )

    def _access(self) -> str:
        if not self.secure:
            return "allow_anonymous true"
        lines = [
            "allow_anonymous false",
            f"password_file {self.folder / 'passwords'}",
            f"acl_file {self.folder / 'acl'}",
        ]
        return "\n".join(lines)


def plan_broker(config: Config, roster: Roster, folder: Path, *, address: str, secure: bool) -> BrokerPlan:
    """Size the broker for the squad of the configuration.

    Raises:
        ConfigError: the address is not one, or is open to others without passwords.
    """
    if not _is_loopback(address) and not secure:
        raise ConfigError(f"--listen {address}: other machines could write to this broker; add --secure")
    athletes = max(len(roster), config.athletes.max_players)
    rate = config.feature_engineering.sampling_frequency
    return BrokerPlan(folder, address, config.mqtt.port, athletes, rate, secure)


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError as error:
        raise ConfigError(f"--listen {address}: is not an IP address") from error


def users(config: Config, roster: Roster) -> list[str]:
    """Return who may connect: the engine, and each device of the roster, or of the simulator where it is empty."""
    devices = [athlete.device for athlete in roster]
    return [ENGINE_USER, *(devices or [f"{number:03d}" for number in range(1, config.athletes.max_players + 1)])]


def new_password() -> str:
    """Return a password that nobody guesses."""
    return secrets.token_urlsafe(18)


def password_line(user: str, password: str, salt: bytes | None = None) -> str:
    """Return a line of Mosquitto's password file: PBKDF2 with SHA-512, its format 7."""
    salt = salt or secrets.token_bytes(12)
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
    return f"{user}:$7${ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}"


def matches(line: str, password: str) -> bool:
    """Tell whether a line of the password file was made from this password."""
    user, _, fields = line.partition(":$7$")
    salt = base64.b64decode(fields.split("$")[1])
    return line == password_line(user, password, salt)


def password_file(old: str, passwords: Iterable[tuple[str, str]]) -> str:
    """Return the password file's text for these users; lines of it that still hold are kept as they are."""
    kept = {line.partition(":")[0]: line for line in old.splitlines() if ":$7$" in line}
    lines = []
    for user, password in passwords:
        line = kept.get(user)
        lines.append(line if line and matches(line, password) else password_line(user, password))
    return "\n".join(lines) + "\n"
