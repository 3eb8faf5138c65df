"""``bridge-to``: the box's Mosquitto passes figures on to the broker of a club, by Mosquitto's own bridge.

Only what the box publishes goes out, nothing comes in: the club cannot command a box. Figures of the second are not
kept while the club cannot be reached; events, summaries and samples (QoS 1) wait in the box's broker.
"""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

from athlete_monitor.config import load_config
from athlete_monitor.deploy.broker_files import BATCHES_ABOVE_HZ, BYTES_PER_MESSAGE
from athlete_monitor.deploy.broker_place import BrokerPlace, broker_place
from athlete_monitor.deploy.rights import BRIDGED, SAMPLES
from athlete_monitor.deploy.setup import filesystem, make_step
from athlete_monitor.deploy.steps import Step, file_step
from athlete_monitor.errors import ConfigError, MonitorError
from athlete_monitor.project import home_of
from athlete_monitor.system.files import PRIVATE, READABLE
from athlete_monitor.wire.broker import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from athlete_monitor.config import Config

PLAIN_PORT: Final = 1883
TLS_PORT: Final = 8883
AUTHORITY: Final = "club-ca.crt"
_ADDRESS: Final = re.compile(r"(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d{1,5}))?")
_PREFIX: Final = re.compile(r"(?:[A-Za-z0-9_.-]+/)+")
_LONGEST_ID: Final = 23


@dataclass(frozen=True)
class Club:
    """The broker of a club, and what goes there.

    Attributes:
        address: host or ``host:port``.
        samples: whether what the sensors send goes there: ``also``, beside what the engine publishes; ``only``, for an
            engine that runs there (``league.py``); ``none``.
        prefix: in front of every topic there; None for ``mqtt.topic_prefix``, or one made of the box's name.
        user: account there.
        password_file: file whose first line is its password.
        authority: certificates that the club's broker is checked against; None for no encryption.
        keep_s: how long messages of QoS 1 wait in the box's broker while the link is away, s; None for ten minutes.
    """

    address: str
    samples: Literal["none", "also", "only"] = "none"
    prefix: str | None = None
    user: str | None = None
    password_file: Path | None = None
    authority: Path | None = None
    keep_s: float | None = None

    @property
    def host_and_port(self) -> tuple[str, int]:
        """Host and port of the broker.

        Raises:
            ConfigError: the address is not one.

        Example:
            >>> Club("club.example:8884").host_and_port, Club("10.0.0.5").host_and_port
            (('club.example', 8884), ('10.0.0.5', 1883))
        """
        match = _ADDRESS.fullmatch(self.address)
        port = PLAIN_PORT if self.authority is None else TLS_PORT
        port = int(match["port"]) if match and match["port"] else port
        if match is None or not 0 < port < 2**16:
            raise ConfigError(f"{self.address!r} is not an address; allowed: HOST or HOST:PORT, such as 10.0.0.5:8883")
        return match["host"].strip("[]"), port


def bridge_to(
    config: Path, root: Path | None, club: Club, *, dry_run: bool = False, notify: Callable[[str], None] = print
) -> int:
    """Write the bridge's configuration; it works from the next start of the broker on.

    Raises:
        ConfigError: a part of ``club`` is not valid.
        MonitorError: the broker has not been set up, or a file cannot be read or written.
    """
    tree, place = _place(config, root)
    if not place.configuration.exists():
        raise MonitorError(f"{place.configuration}: is not there; first run: python3 jetson_deploy.py setup")
    text = bridge_configuration(tree, club, place)
    if dry_run:
        notify(re.sub(r"(?m)^(remote_password) .*", r"\1 (from the file)", text).rstrip("\n"))
        return 0
    for step in _steps(club, place, text):
        make_step(step, notify)
    notify(f"Restart the broker: {place.start}")
    host, port = club.host_and_port
    prefix = prefix_at_club(tree, club)
    notify(f"The broker at {host}:{port} must let this box write {prefix}#, and a viewer read it.")
    if club.authority is None and not is_loopback(host):
        notify("Warning: without --ca everything goes there unencrypted, passwords too.")
    return 0


def bridge_off(config: Path, root: Path | None, notify: Callable[[str], None] = print) -> int:
    """Take the bridge's configuration away.

    Raises:
        MonitorError: it cannot be removed.
    """
    _, place = _place(config, root)
    if not place.bridge.exists():
        notify("There is no bridge.")
        return 0
    try:
        place.bridge.unlink()
    except OSError as error:
        raise MonitorError(f"{place.bridge}: cannot be removed ({error.strerror})") from error
    notify(f"Removed {place.bridge}\nRestart the broker: {place.start}")
    return 0


def bridge_configuration(config: Config, club: Club, place: BrokerPlace) -> str:
    """Return the text of the bridge's configuration file.

    Raises:
        ConfigError: a part of ``club`` is not valid.
        MonitorError: the password cannot be read.
    """
    return "\n".join(_lines(config, club, place)) + "\n"


def prefix_at_club(config: Config, club: Club) -> str:
    """Return the prefix of the box's topics at the club; each box has its own.

    Raises:
        ConfigError: it is not valid.
    """
    name = re.sub(r"[^A-Za-z0-9_.-]+", "_", config.box.label)
    prefix = club.prefix or config.mqtt.topic_prefix or f"boxes/{name}/"
    prefix = f"{prefix.rstrip('/')}/"
    if not _PREFIX.fullmatch(prefix):
        raise ConfigError(f"--prefix {club.prefix!r} is not allowed; allowed: levels of a topic such as club/box3/")
    return prefix


def _lines(config: Config, club: Club, place: BrokerPlace) -> Iterator[str]:
    host, port = club.host_and_port
    prefix, own = prefix_at_club(config, club), config.mqtt.topic_prefix
    yield "# Written by jetson_deploy.py bridge-to; bridge-to --off removes it."
    if club.keep_s is not None:
        yield from _queue(config, club.keep_s)
    yield f"connection {prefix.rstrip('/').replace('/', '-')}"
    yield f"address {host}:{port}"
    yield "bridge_protocol_version mqttv311"
    yield "cleansession false"
    yield "try_private false"
    yield "restart_timeout 2 30"
    yield "keepalive_interval 30"
    yield f"notification_topic {prefix}bridge/state"
    yield from _account(club)
    if club.authority is not None:
        yield f"bridge_cafile {place.secrets / AUTHORITY}"
    yield ""
    for topic, qos in _passed_on(club):
        yield f"topic {topic} out {qos} {own or _NOTHING} {prefix}"


_NOTHING: Final = '""'


def _passed_on(club: Club) -> tuple[tuple[str, int], ...]:
    if club.samples == "only":
        return SAMPLES
    return (*BRIDGED, *SAMPLES) if club.samples == "also" else BRIDGED


def _queue(config: Config, keep_s: float) -> Iterator[str]:
    """Yield limits of the broker's queues for a longer outage; they hold for its other clients, too.

    A bridge needs memory only for what waits: about ``BYTES_PER_MESSAGE`` a message.
    """
    athletes, rate = config.athletes.max_players, min(config.feature_engineering.sampling_frequency, BATCHES_ABOVE_HZ)
    messages = round(athletes * rate * keep_s)
    yield f"# {keep_s:g} s of {athletes} athletes at {rate:g} messages a second each."
    yield f"max_queued_messages {messages}"
    yield f"max_queued_bytes {messages * BYTES_PER_MESSAGE}"
    yield ""


def _account(club: Club) -> Iterator[str]:
    if club.password_file is not None and club.user is None:
        raise ConfigError("--password-file goes with --user")
    if club.user is None:
        return
    if not club.user.isprintable() or not club.user.strip() == club.user != "":
        raise ConfigError(f"--user {club.user!r} is not allowed; allowed: printable characters, no blank at the ends")
    yield f"remote_username {club.user}"
    if club.password_file is not None:
        yield f"remote_password {_password(club.password_file)}"


def _password(file: Path) -> str:
    try:
        first = file.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise MonitorError(f"--password-file {file}: cannot be read ({reason})") from error
    if not first.isprintable() or not first.strip() == first != "":
        raise ConfigError(f"--password-file {file}: its first line must be the password, without blanks at the ends")
    return first


def _place(config: Path, root: Path | None) -> tuple[Config, BrokerPlace]:
    return load_config(config, root), broker_place(home_of(config, root), filesystem())


def _steps(club: Club, place: BrokerPlace, text: str) -> Iterator[Step]:
    if place.system is None:
        yield from _including(place)
    if club.authority is not None:
        yield file_step(place.secrets / AUTHORITY, _certificates(club.authority), READABLE)
    yield file_step(place.bridge, text, PRIVATE)
    owner = place.owner
    if owner is not None:
        for path in (place.bridge, place.secrets / AUTHORITY):
            if path.exists() and not owner.owns(path):
                yield Step(f"{path} belongs to {owner.name}", stands=False, make=partial(owner.take, path))


def _including(place: BrokerPlace) -> Iterator[Step]:
    """Let a configuration that an earlier version wrote read the folder of the bridge."""
    text = place.configuration.read_text(encoding="utf-8")
    line = place.including
    if line not in text.splitlines():
        yield file_step(place.configuration, f"{text.rstrip()}\n\n{line}\n")


def _certificates(file: Path) -> str:
    try:
        text = file.read_text(encoding="ascii")
        ssl.create_default_context(cadata=text)
    except (OSError, UnicodeDecodeError, ValueError) as error:  # ssl.SSLError is an OSError
        reason = getattr(error, "strerror", None) or "no certificate in it"
        raise ConfigError(f"--ca {file}: cannot be used ({reason})") from error
    return text
