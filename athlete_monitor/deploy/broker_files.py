"""Mosquitto's configuration and passwords, generated from the project's own configuration."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from athlete_monitor.errors import ConfigError
from athlete_monitor.project import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from athlete_monitor.athletes import Roster
    from athlete_monitor.config import Config, Mqtt
    from athlete_monitor.deploy.broker_place import BrokerPlace

TEMPLATE: Final = PROJECT / "deploy" / "mosquitto.conf"
LOOPBACK: Final = "127.0.0.1"
OFFLINE_S: Final = 600
INFLIGHT_S: Final = 10
LEAST_INFLIGHT: Final = 1000
MOST_INFLIGHT: Final = 65_535
BATCHES_ABOVE_HZ: Final = 25
BYTES_PER_MESSAGE: Final = 1024
ITERATIONS: Final = 20_000


@dataclass(frozen=True)
class BrokerPlan:
    """The broker's files, its addresses, and the size of its squad.

    Attributes:
        place: folders and owners of its files.
        address: address for other machines; a loopback address for this machine only.
        mqtt: ports and topic prefix.
        athletes: size of the squad.
        rate_hz: samples of an athlete per second.
        secure: accounts and access rights.
        tls: encryption of connections from other machines.
    """

    place: BrokerPlace
    address: str
    mqtt: Mqtt
    athletes: int
    rate_hz: float
    secure: bool
    tls: bool = False

    @property
    def messages_per_s(self) -> float:
        """Messages per second of one athlete; devices above 25 Hz send batches."""
        return min(self.rate_hz, BATCHES_ABOVE_HZ)

    @property
    def queued_messages(self) -> int:
        """Messages that must be kept while the engine is disconnected for ten minutes."""
        return round(self.athletes * self.messages_per_s * OFFLINE_S)

    @property
    def inflight_messages(self) -> int:
        """Messages that may be in flight before the engine acknowledges the first: ten seconds of the squad."""
        return min(MOST_INFLIGHT, max(LEAST_INFLIGHT, round(self.athletes * self.messages_per_s * INFLIGHT_S)))

    def configuration(self) -> str:
        """Return the text of ``mosquitto.conf``."""
        return TEMPLATE.read_text(encoding="utf-8").format(
            listeners="\n".join(self._listeners()),
            access=self._access(),
            storage="\n".join(self._storage()),
            athletes=self.athletes,
            rate=f"{self.messages_per_s:g}",
            messages=self.queued_messages,
            bytes=self.queued_messages * BYTES_PER_MESSAGE,
            inflight=self.inflight_messages,
        )

    def _listeners(self) -> Iterator[str]:
        local = LOOPBACK if self.tls else self.address
        yield f"listener {self.mqtt.port} {local}"
        if self.tls:
            yield f"\n# Encrypted, for other machines; they need ca.crt.\nlistener {self.mqtt.tls_port} {self.address}"
            yield from self._certificate()
        if self.mqtt.websocket_port is not None:
            yield f"\n# WebSockets, for phones.\nlistener {self.mqtt.websocket_port} {self.address}"
            yield "protocol websockets"
            # without it Mosquitto 2.0 ignores the address and listens on all of them
            yield f"socket_domain ipv{ipaddress.ip_address(self.address).version}"
            yield from self._certificate() if self.tls else ()

    def _certificate(self) -> list[str]:
        return [f"certfile {self.place.tls / 'box.crt'}", f"keyfile {self.place.tls / 'box.key'}"]

    def _access(self) -> str:
        if not self.secure:
            return "allow_anonymous true"
        files = (f"password_file {self.place.passwords}", f"acl_file {self.place.rights}")
        return "\n".join(["allow_anonymous false", *files])

    def _storage(self) -> Iterator[str]:
        """Yield settings that keep data over a restart, unless the system's own configuration has them."""
        wanted = (
            "persistence true",
            f"persistence_location {self.place.data}/",
            "autosave_interval 60",
            "persistent_client_expiration 1d",
            "log_dest stderr",
        )
        said = self.place.said_elsewhere()
        yield "# Sessions and queued messages survive a restart of the broker."
        yield from (line for line in wanted if line.split(" ")[0] not in said)
        if self.place.system is None:
            yield f"\n# A bridge to the broker of a club: jetson_deploy.py bridge-to\n{self.place.including}"


def plan_broker(
    config: Config, roster: Roster, place: BrokerPlace, *, address: str, secure: bool, tls: bool = False
) -> BrokerPlan:
    """Size the broker for the squad of the configuration.

    Raises:
        ConfigError: the address is not valid, or is open to other machines without passwords.
    """
    if tls and not secure:
        raise ConfigError("--tls: encryption without accounts protects nobody; add --secure")
    if not _is_loopback(address) and not secure:
        raise ConfigError(f"--listen {address}: other machines could write to this broker; add --secure")
    athletes = max(len(roster), config.athletes.max_players)
    rate = config.feature_engineering.sampling_frequency
    return BrokerPlan(place, address, config.mqtt, athletes, rate, secure, tls)


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError as error:
        raise ConfigError(f"--listen {address}: is not an IP address") from error


def devices(config: Config, roster: Roster) -> list[str]:
    """Return the devices that may connect: those of the roster, or of the simulator while the roster is empty."""
    known = [athlete.device for athlete in roster]
    return known or [f"{number:03d}" for number in range(1, config.athletes.max_players + 1)]


def new_password() -> str:
    """Return a random password."""
    return secrets.token_urlsafe(18)


def password_line(user: str, password: str, salt: bytes | None = None) -> str:
    """Return a line of Mosquitto's password file: PBKDF2 with SHA-512, its format 7."""
    salt = salt or secrets.token_bytes(12)
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
    return f"{user}:$7${ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}"


def matches(line: str, password: str) -> bool:
    """Return whether a line of the password file was made from this password; a damaged line was not."""
    user, _, fields = line.partition(":$7$")
    try:
        salt = base64.b64decode(fields.split("$")[1])
    except (IndexError, ValueError):
        return False
    return line == password_line(user, password, salt)


def password_file(old: str, passwords: Iterable[tuple[str, str]]) -> str:
    """Return the password file's text for these users; lines that are still valid are kept unchanged."""
    kept = {line.partition(":")[0]: line for line in old.splitlines() if ":$7$" in line}
    lines = []
    for user, password in passwords:
        line = kept.get(user)
        lines.append(line if line and matches(line, password) else password_line(user, password))
    return "\n".join(lines) + "\n"
