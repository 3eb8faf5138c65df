"""From the command line to a running bridge."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from athlete_monitor.athletes import Roster
from athlete_monitor.bridge.adapters import adapters
from athlete_monitor.bridge.broker_link import broker_link
from athlete_monitor.bridge.mapping import load_mapping
from athlete_monitor.bridge.outlet import STRAPS_FIRST, Joined, Outlet
from athlete_monitor.bridge.phones import PhoneBridge, PhoneInbox
from athlete_monitor.bridge.translating import MapBridge
from athlete_monitor.bridge.wire_values import wire_factors
from athlete_monitor.channels import GRAVITY_MPS2
from athlete_monitor.errors import ConfigError, MonitorError
from athlete_monitor.wire import push, topics
from athlete_monitor.wire.broker import is_loopback

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from pathlib import Path

    from athlete_monitor.bridge.mapping import MappingFile
    from athlete_monitor.config import Config
    from athlete_monitor.wire.link import LinkMessage

_log = logging.getLogger(__name__)

TICK_S: Final = 1.0


async def keep_straps(args: argparse.Namespace, config: Config) -> int:
    """Keep the straps of the roster until cancelled.

    Raises:
        NoBluetoothError: there is no Bluetooth at the start; later the bridge waits for it.
        MonitorError: the roster names no strap.
    """
    from athlete_monitor.bridge.keeping import Wishes
    from athlete_monitor.bridge.radio import Radio
    from athlete_monitor.bridge.straps import StrapBridge

    roster = WatchedRoster(config.athletes.roster)
    names = [each.name for each in await adapters(args.adapter)]
    count = sum(1 for each in roster() if each.strap)
    if not count and not args.all:
        raise MonitorError(
            f"{config.athletes.roster}: no athlete has a strap; run: python3 bridge.py pair 1, or use --all"
        )
    tell = teller(args)
    tell(
        {"adapters": names, "straps": count},
        f"{count} {'strap' if count == 1 else 'straps'} of the roster; adapters {', '.join(names)}",
    )
    joined = Joined()
    listens = [(topics.JOINS_FILTER, 0)]
    with broker_link(config, "ble", on_message=joined.take, subscriptions=listens) as broker:
        bridge = StrapBridge(
            Radio(args.adapter, args.per_adapter),
            Outlet(broker, config.mqtt.qos, first=STRAPS_FIRST, joined=joined),
            wishes=Wishes(args.acceleration, args.pulses),
            acc_unit=1.0 if config.sensors.acc_unit == "g" else GRAVITY_MPS2,
            on_link=Changes(tell).take,
        )
        await bridge.run(roster, everyone=args.all)
    return 0


def translate_phones(args: argparse.Namespace, config: Config) -> int:
    """Translate what phones send until SIGTERM or Ctrl+C."""
    inbox, tell, stopped = PhoneInbox(), teller(args), stop_signal()
    filters = [(name, config.mqtt.qos) for name in (*topics.PHONE_FILTERS, topics.STRAP_FILTER)]
    with broker_link(config, "phone", on_message=inbox.put, subscriptions=filters, take_retained=False) as broker:
        bridge = PhoneBridge(
            Outlet(broker, config.mqtt.qos),
            WatchedRoster(config.athletes.roster),
            rate_hz=args.rate or config.bridge.phone_rate_hz,
            factors=wire_factors(config.sensors),
            sign=args.sign,
            on_link=Changes(tell).take,
        )
        tell({"topics": topics.PHONE_FILTERS}, f"phones send to {', '.join(topics.PHONE_FILTERS)} at {broker.address}")
        serve(bridge, inbox, stopped)
    return 0


def translate_streams(args: argparse.Namespace, config: Config) -> int:
    """Translate foreign streams until SIGTERM or Ctrl+C.

    Raises:
        ConfigError: there is no mapping, or it is not valid.
    """
    mapping = _mapping(args, config)
    inbox, tell, stopped = PhoneInbox(), teller(args), stop_signal()
    filters = list(dict.fromkeys(stream.topic for stream in mapping.streams))
    subscriptions = [(name, config.mqtt.qos) for name in filters]
    with broker_link(config, "map", on_message=inbox.put, subscriptions=subscriptions, take_retained=False) as broker:
        tell({"topics": filters}, f"translating {', '.join(filters)} at {broker.address}")
        serve(MapBridge(mapping, Outlet(broker, config.mqtt.qos), wire_factors(config.sensors)), inbox, stopped)
    return 0


def try_mapping(args: argparse.Namespace, config: Config) -> int:
    """Print what one message becomes, without a broker.

    Raises:
        ConfigError: there is no mapping, or it is not valid.
        MonitorError: nothing becomes of the message; the text says why.
    """
    mapping, shown = _mapping(args, config), PrintingPublisher()
    bridge = MapBridge(mapping, Outlet(shown), wire_factors(config.sensors))
    topic = args.topic or mapping.streams[0].topic.replace("+", "7").replace("#", "7")
    try:
        payload = args.trial.read_bytes()
    except OSError as error:
        raise MonitorError(f"{args.trial}: cannot be read ({error.strerror})") from None
    logging.disable(logging.WARNING)  # the reason is the message of the command
    bridge.take(topic, payload, time.time())
    logging.disable(logging.NOTSET)
    if not shown.count:
        raise MonitorError(f"{args.trial}: {next(iter(bridge.refused), f'no stream of the mapping has topic {topic}')}")
    return 0


class PrintingPublisher:
    """Prints messages instead of sending them."""

    def __init__(self) -> None:
        self.count = 0

    def publish(self, topic: str, payload: bytes, _qos: int = 0, *, retain: bool = False) -> bool:  # noqa: ARG002
        """Print a message."""
        self.count += 1
        print(f"{topic} {payload.decode()}")
        return True


def _mapping(args: argparse.Namespace, config: Config) -> MappingFile:
    file = args.mapping or config.bridge.mapping
    if file is None:
        raise ConfigError("give a mapping: bridge.py map FILE, or set bridge.mapping; see docs/devices.md")
    return load_mapping(file)


class Service(Protocol):
    """What takes messages and does something from time to time."""

    def take(self, topic: str, payload: bytes, now_s: float) -> None:
        """Take a message."""

    def tick(self, now_s: float) -> None:
        """Once a second."""

    def end(self, now_s: float) -> None:
        """At the end."""


def serve(service: Service, inbox: PhoneInbox, stopped: threading.Event) -> None:
    """Hand messages on until stopped."""
    ticked_s, dropped = time.time(), 0
    while not stopped.is_set():
        message = inbox.get(TICK_S)
        if message is not None:
            service.take(*message)
        now_s = time.time()
        if abs(now_s - ticked_s) >= TICK_S:
            ticked_s = now_s
            service.tick(now_s)
            if inbox.dropped > dropped:
                _log.warning(
                    "event=messages_dropped total=%d reason='they come faster than they are read'", inbox.dropped
                )
                dropped = inbox.dropped
    service.end(time.time())


def stop_signal() -> threading.Event:
    """Return an event that SIGTERM and Ctrl+C set."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    return stopped


def print_token(args: argparse.Namespace, config: Config) -> int:
    """Print the address to which the phone of a device pushes; make the box's secret where there is none."""
    token = push.token_of(push.make_secret(config.bridge.push_secret_file), args.device)
    screen = config.dashboard
    scheme = "https" if screen.tls.cert_file else "http"
    url = f"{scheme}://{screen.host}:{screen.port}/push/{args.device}?token={token}"
    print(msgspec.json.encode({"device": args.device, "token": token, "url": url}).decode() if args.json else url)
    if is_loopback(screen.host) and not args.quiet:
        print("dashboard.host is this machine only: set it to an address that phones reach", file=sys.stderr)
    return 0


class WatchedRoster:
    """The roster, read again when its file changes; a file that is not valid changes nothing while the bridge runs.

    Raises:
        ConfigError: the file is not a valid roster at the start.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = self._stamped()
        self._roster = Roster.load(path)

    def __call__(self) -> Roster:
        """Return the athletes as of now."""
        stamp = self._stamped()
        if stamp != self._stamp:
            self._stamp = stamp
            self._roster = self._read() or self._roster
        return self._roster

    def _read(self) -> Roster | None:
        try:
            return Roster.load(self._path)
        except (ConfigError, OSError):
            return None

    def _stamped(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size


class Changes:
    """Prints a line where a strap is connected, lost, or cannot be reached."""

    def __init__(self, tell: Callable[[Any, str], None]) -> None:
        self._tell = tell
        self._said: dict[str, tuple[str, str | None]] = {}

    def take(self, link: LinkMessage) -> None:
        """Print what is new about a strap."""
        if self._said.get(link.device_id) != (link.state, link.reason):
            self._said[link.device_id] = link.state, link.reason
            self._tell(link, _sentence(link))


def _sentence(link: LinkMessage) -> str:
    who = f"athlete {link.athlete_id}" if link.athlete_id else f"device {link.device_id}"
    name = f"{link.name or 'strap'} {link.address}"
    if link.state != "connected":
        return f"{who}: {name} {link.state}{f': {link.reason}' if link.reason else ''}"
    battery = "" if link.battery_percent is None else f", battery {link.battery_percent:.0f} %"
    signal = "" if link.rssi_dbm is None else f", signal {link.rssi_dbm:.0f} dBm"
    return f"{who}: {name} connected by {link.adapter}{signal}{battery}"


def teller(args: argparse.Namespace) -> Callable[[Any, str], None]:
    """Return what prints a line, or its values with ``--json``, or nothing with ``--quiet``."""
    if args.quiet:
        return lambda _values, _text: None
    if args.json:
        return lambda values, _text: print(msgspec.json.encode(values).decode(), flush=True)
    return lambda _values, text: print(text, flush=True)
