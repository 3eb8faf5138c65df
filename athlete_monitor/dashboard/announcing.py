"""The screen makes itself known in the local network by mDNS: ``http://athletes.local:8080`` instead of an address.

Only a screen that listens beyond this machine is announced, and nothing but its name, address and port. A name that
another box answers to already is left to it; this one adds its own name to it.
"""

from __future__ import annotations

import ipaddress
import logging
import re
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import psutil

from athlete_monitor.dashboard.addresses import own_address
from athlete_monitor.wire.broker import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from zeroconf import ServiceInfo, Zeroconf

    from athlete_monitor.config import Config

KIND: Final = "_http._tcp.local."
LOOK_EVERY_S: Final = 30.0
"""How often the addresses of this machine are compared with the announced ones."""
ASK_S: Final = 1.5
"""How long another box has to answer to the name."""
STOP_S: Final = 5.0
_LONGEST_LABEL: Final = 63
_log = logging.getLogger(__name__)


@contextmanager
def announced(config: Config) -> Iterator[None]:
    """Announce the screen for the time of the block, where the configuration asks for it.

    Whatever goes wrong is one line in the log: the screen serves without its name too.
    """
    name = config.box.local_name
    if name is None or is_loopback(config.dashboard.host):
        yield
        return
    secure = config.dashboard.tls.cert_file is not None
    announcement = Announcement(
        name, config.box.label, config.dashboard.port, lambda: addresses_of(config), secure=secure
    )
    announcement.start()
    try:
        yield
    finally:
        announcement.stop()


def addresses_of(config: Config) -> tuple[str, ...]:
    """Return the addresses at which the screen can be reached from the network, sorted."""
    host = ipaddress.ip_address(config.dashboard.host) if _is_address(config.dashboard.host) else None
    if host is not None and not host.is_unspecified:
        return (str(host),)
    versions = {4, 6} if host is None or host.version == 6 else {4}
    usable = (each for each in _own_addresses() if not each.is_loopback and not each.is_link_local)
    return tuple(sorted(str(each) for each in usable if each.version in versions))


def _own_addresses() -> set[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """Return the machine's addresses; under systemd, which hides the cards, the one that leads to the network."""
    families = {socket.AF_INET, socket.AF_INET6}
    try:
        cards = psutil.net_if_addrs().values()
    except OSError:
        return {ipaddress.ip_address(own_address())}
    return {
        ipaddress.ip_address(each.address.partition("%")[0])
        for card in cards
        for each in card
        if each.family in families
    }


class Announcement:
    """Keeps a name alive in the local network, in a thread of its own.

    Args:
        name: the name without ``.local``.
        box: name of the box, shown to people who search for services.
        port: port of the screen.
        addresses: returns the machine's addresses; looked at again every half minute.
        secure: whether the screen is encrypted.
    """

    def __init__(
        self, name: str, box: str, port: int, addresses: Callable[[], Sequence[str]], *, secure: bool = False
    ) -> None:
        self._name, self._box, self._port, self._addresses, self._secure = name, box, port, addresses, secure
        self.host: str | None = None
        """Name that is announced now, such as ``athletes.local``; None while nothing is."""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="announcing", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Take the name back."""
        self._stopping.set()
        self._thread.join(STOP_S)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                addresses = tuple(self._addresses())
                if addresses:
                    self._serve(addresses)
            except Exception as error:  # noqa: BLE001 - the border of this thread: the screen goes on without its name
                _log.warning("event=not_announced name=%s.local error=%r", self._name, error)
            if self.host is None:
                self._stopping.wait(LOOK_EVERY_S)
            self.host = None

    def _serve(self, addresses: Sequence[str]) -> None:
        """Announce these addresses for as long as they are the machine's."""
        from zeroconf import IPVersion, Zeroconf

        versions = {ipaddress.ip_address(each).version for each in addresses}
        version = IPVersion.All if len(versions) == 2 else IPVersion.V4Only if versions == {4} else IPVersion.V6Only
        network = Zeroconf(interfaces=list(addresses), ip_version=version)
        try:
            host = self._free_name(network, addresses)
            network.register_service(self._service(host, addresses), allow_name_change=True)
            self.host = host.rstrip(".")
            scheme = "https" if self._secure else "http"
            _log.info("event=announced address=%s://%s:%d", scheme, self.host, self._port)
            while not self._stopping.wait(LOOK_EVERY_S) and tuple(self._addresses()) == tuple(addresses):
                pass
        finally:
            network.close()

    def _free_name(self, network: Zeroconf, addresses: Sequence[str]) -> str:
        from zeroconf import AddressResolver  # type: ignore[attr-defined]  # documented, but not in __all__

        for name in (self._name, own_name(self._name, self._box)):
            asked = AddressResolver(f"{name}.local.")
            if not asked.request(network, ASK_S * 1000) or set(asked.parsed_addresses()) <= set(addresses):
                return f"{name}.local."
        return f"{own_name(self._name, self._box)}.local."

    def _service(self, host: str, addresses: Sequence[str]) -> ServiceInfo:
        from zeroconf import ServiceInfo

        label = re.sub(r"\.", " ", f"Athletes ({self._box})")[:_LONGEST_LABEL]
        return ServiceInfo(
            KIND,
            f"{label}.{KIND}",
            port=self._port,
            server=host,
            parsed_addresses=list(addresses),
            properties={"path": "/", "box": self._box},
        )


def own_name(name: str, box: str) -> str:
    """Return a name of the box's own, from the usual one.

    >>> own_name("athletes", "Box 3")
    'athletes-box-3'
    """
    tail = re.sub(r"[^a-z0-9]+", "-", box.lower()).strip("-")
    return f"{name}-{tail or 'box'}"[:_LONGEST_LABEL].rstrip("-")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
