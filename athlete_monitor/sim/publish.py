"""What ``publisher.py`` does: build the source and the way out of it, run, and sum up."""

from __future__ import annotations

import math
import os
import secrets
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from athlete_monitor.athletes import Roster
from athlete_monitor.config import config_from_args
from athlete_monitor.errors import BrokerError, ConfigError, MonitorError
from athlete_monitor.sim.moments import Clock, simulated
from athlete_monitor.sim.options import SimulationOptions, UsageError, read_options
from athlete_monitor.sim.pacing import Pacer, Stop
from athlete_monitor.sim.radio import SimulatedRadio, samples_per_message
from athlete_monitor.sim.randomness import generator
from athlete_monitor.sim.recorder import SessionRecorder
from athlete_monitor.sim.session import SimulatedSession
from athlete_monitor.sim.squad import SimulatedSquad
from athlete_monitor.sim.traits import Traits, device_name, traits_of
from athlete_monitor.sim.transmission import Tally, Transmission
from athlete_monitor.sim.uplink import Echo, Uplink, batch_for_lead, lead_limit_s
from athlete_monitor.system.program import FAILED, run_program
from athlete_monitor.wire import topics
from athlete_monitor.wire.mqtt import MqttLink
from athlete_monitor.wire.permission import refused_devices

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Sequence

    from athlete_monitor.config import Config, Mqtt
    from athlete_monitor.sim.moments import Moment

FIRST_CONTACT_S: Final = 3.0
"""So long a live run waits to learn whether there is a broker, so that its first samples arrive."""
_LONGEST_NAMED: Final = 5
CLOSE_S: Final = 30.0
"""So long the end of a run waits for the broker's acknowledgements."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the publisher; return its exit code. A user's mistake is one line on stderr."""
    try:
        options, raw = read_options(arguments)
    except MonitorError as error:
        _explain(error)
        return error.exit_code
    return run_program(lambda: _run(options, raw), as_json=raw.json, quiet=raw.quiet)


def _run(options: SimulationOptions, raw: argparse.Namespace) -> int:
    try:
        return publish(options, config_from_args(raw))
    except MonitorError as error:
        _explain(error)
        return error.exit_code


def publish(options: SimulationOptions, config: Config) -> int:
    """Do what the options ask for; return the exit code.

    Raises:
        MonitorError: it cannot be done, or not any further.
    """
    stop = Stop()
    stop.on_signals()
    try:
        if options.replay:
            return _replay(options, config, stop)
        return _simulate(options, config, stop)
    finally:
        stop.close()


def _simulate(options: SimulationOptions, config: Config, stop: Stop) -> int:
    seed = secrets.randbits(32) if options.seed is None else options.seed
    squad = _squad(options, config, seed)
    session = SimulatedSession(options.mode, seed, options.rate_hz, options.duration_s, options.rr, options.dropout)
    _announce(options, squad, session)
    if options.offline and options.speed is None:
        with _recorder(options, config, squad, session) as (recorder, _):
            _report(_write_all(SimulatedSquad(squad, session), recorder, stop), recorder, None)
        return 0
    made = SimulatedSquad(squad, session)
    devices = [traits.device_id for traits in squad]
    way = _Way.out(options, config, stop, devices, float(options.rate_hz), seed=seed)
    if options.no_files:
        with way.opened():
            way.run(simulated(made, _clock(options)), None)
    else:
        with way.opened(), _recorder(options, config, squad, session) as (recorder, clock):
            way.run(simulated(made, clock), recorder)
        if recorder.failure is not None:
            return max(way.judge(recorded=False), FAILED)
    return way.judge(recorded=not options.no_files)


@contextmanager
def _recorder(
    options: SimulationOptions, config: Config, squad: Sequence[Traits], session: SimulatedSession
) -> Iterator[tuple[SessionRecorder, Clock]]:
    """The session files, and the clock that starts now unless a start is given; closed on leaving, whatever happens."""
    clock = _clock(options)
    root = config.paths.data_root if options.mode == "training" else config.paths.game_data_root
    recorder = SessionRecorder(root, squad, session, clock)
    try:
        yield recorder, clock
        if recorder.failure is None:
            recorder.close()
    finally:
        recorder.abandon()


def _clock(options: SimulationOptions) -> Clock:
    return Clock.starting(time.time() if options.start_t is None else options.start_t, options.rate_hz)


def _write_all(squad: SimulatedSquad, recorder: SessionRecorder, stop: Stop) -> dict[str, Tally]:
    """Write the whole session as fast as it can be made."""
    tallies: dict[str, Tally] = {}
    began = time.monotonic()
    for block in squad.blocks():
        if stop:
            break
        recorder.write_block(block)
        for traits in block.athletes:
            tally = tallies.setdefault(traits.device_id, Tally(traits.athlete_id))
            tally.rows += block.samples
            tally.last_s = time.monotonic() - began
            tally.session_s = (tally.rows - 1) / squad.session.rate_hz
    return tallies


def _replay(options: SimulationOptions, config: Config, stop: Stop) -> int:
    from athlete_monitor.sim.replay import rate_hz, read_recordings, replayed

    recordings = read_recordings(options.replay, Roster.load(config.athletes.roster))
    for recording in recordings:
        for note in recording.notes:
            _warn(f"{recording.path}: {note}")
    devices = sorted({recording.device_id for recording in recordings})
    out = _Way.out(options, config, stop, devices, rate_hz(recordings), seed=options.seed or 0)
    with out.opened():
        moments = replayed(recordings, time.time() if options.restamp else options.start_t)
        limit_s = math.inf if options.duration_s is None else options.duration_s
        out.run(takewhile(lambda moment: moment.session_s < limit_s, moments), None)
    return out.judge(recorded=False)


class _Contact:
    """Reports the connection's changes, and remembers whether it was ever made."""

    def __init__(self, meanwhile: str) -> None:
        self._meanwhile = meanwhile
        self.made = False
        self.missed = False

    def changed(self, connected: bool, text: str) -> None:  # noqa: FBT001 - the link's callback
        self.made |= connected
        self.missed |= not connected
        _warn(text if connected else f"{text}; {self._meanwhile}")


@dataclass
class _Access:
    """Whether the broker lets this user publish for the devices; asked once, as soon as there is a broker."""

    settings: Mqtt
    devices: tuple[str, ...]
    refused: list[str] | None = None

    def check(self) -> bool:
        """Return whether all devices are allowed; report those that are not.

        Raises:
            BrokerError: none is.
        """
        if self.settings.username is None or self.refused is not None:
            return not self.refused
        self.refused = refused_devices(self.settings, self.devices)
        if not self.refused:
            return True
        where = f"the broker at {self.settings.host}:{self.settings.port} does not let user {self.settings.username!r}"
        named = ", ".join(self.refused[:_LONGEST_NAMED]) + (", ..." if len(self.refused) > _LONGEST_NAMED else "")
        text = f"{where} publish for {named} ({len(self.refused)} of {len(self.devices)} devices; mqtt.username)"
        if len(self.refused) == len(self.devices):
            raise BrokerError(f"{text}: nothing was sent")
        _warn(f"{text}: nothing of them arrives")
        return False


@dataclass
class _Way:
    """The way out, built: pace, radio, and the broker unless it is an offline run."""

    pacer: Pacer
    radio: SimulatedRadio
    link: MqttLink | None
    uplink: Uplink | None
    contact: _Contact
    hold: bool
    access: _Access | None = None
    arrived: bool = False

    @classmethod
    def out(
        cls, options: SimulationOptions, config: Config, stop: Stop, devices: Sequence[str], rate: float, *, seed: int
    ) -> _Way:
        full_speed = options.speed is None
        per_message = samples_per_message(rate)
        if full_speed:
            per_message = max(per_message, batch_for_lead(config, len(devices), rate))
        hold = full_speed or options.no_files or bool(options.replay)
        contact = _Contact("waiting for it" if hold else "recording goes on in the files")
        pacer = Pacer(options.speed, stop, _warn)
        radio = SimulatedRadio(per_message, options.loss, options.jitter_s, seed)
        if options.offline:
            return cls(pacer, radio, None, None, contact, hold)
        echo = Echo(lead_limit_s(config, len(devices), rate / per_message), stop, _warn) if full_speed else None
        link = _link(config, echo, contact)
        qos = options.qos if options.qos is not None else 1 if full_speed else config.mqtt.qos
        access = _Access(config.mqtt, tuple(devices))
        return cls(pacer, radio, link, Uplink(link, qos, echo, stop, hold=hold), contact, hold, access)

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Connect, as far as there is a broker, and hang up on leaving, when everything underway has arrived.

        Raises:
            BrokerError: the broker lets this user publish for none of the devices.
        """
        if self.link is None or self.uplink is None:
            yield
            return
        self.link.start()
        try:
            if self.hold:
                self.uplink.wait_for_broker()
            else:
                self.uplink.wait_for_broker(FIRST_CONTACT_S, unless=lambda: self.contact.missed)
            if self.access is not None and self.link.connected:
                self.access.check()
            yield
        finally:
            self.arrived = self.uplink.close(CLOSE_S)

    def run(self, moments: Iterable[Moment], recorder: SessionRecorder | None) -> None:
        """Take the moments through, and report.

        Raises:
            RecordingError: a file cannot be written, and there is no broker.
        """
        transmission = Transmission(self.pacer, self.radio, recorder, self.uplink, _warn_unrecorded)
        transmission.run(moments)
        _report(transmission.tallies, recorder, self)

    def judge(self, *, recorded: bool) -> int:
        """Return the exit code of a run that came to its end.

        Raises:
            BrokerError: there never was a broker.
        """
        if self.link is None:
            return 0
        files = "; the files are complete" if recorded else ""
        if not self.contact.made:
            raise BrokerError(f"no connection to a broker at {self.link.address}: nothing was sent{files}")
        if not self.arrived:
            _warn(f"the broker has not confirmed every message{files}")
        return 0 if self.access is None or self.access.check() else 1


def _link(config: Config, echo: Echo | None, contact: _Contact) -> MqttLink:
    return MqttLink(
        config.mqtt,
        f"publisher-{os.getpid()}-{secrets.token_hex(3)}",
        on_message=None if echo is None else echo.heard,
        subscriptions=() if echo is None else ((topics.metrics("+"), 0),),
        on_connection=contact.changed,
    )


def _squad(options: SimulationOptions, config: Config, seed: int) -> list[Traits]:
    """The athletes who take part, in order of their id.

    Raises:
        UsageError: ids outside the range.
    """
    highest = options.max_players or config.athletes.max_players
    roster = Roster.load(config.athletes.roster)
    day = datetime.fromtimestamp(options.start_t or time.time()).date()  # noqa: DTZ006 - a birthday is a local date
    squad = []
    for athlete_id in _chosen(options, highest, seed):
        known = roster.by_id(athlete_id)
        device = known.device if known else _free_device(roster, athlete_id)
        squad.append(traits_of(athlete_id, options.squad_seed, known.profile(day) if known else None, device))
    return squad


def _chosen(options: SimulationOptions, highest: int, seed: int) -> list[int]:
    limits = f"1 to {highest} (--max-players raises the limit)"
    if options.players is None:
        count = options.count or 0
        if not 1 <= count <= highest:
            raise UsageError(f"number of players: {count} is outside {limits}")
        return sorted((generator(seed, "players").permutation(highest)[:count] + 1).tolist())
    outside = [str(i) for i in options.players if not 1 <= i <= highest]
    if outside:
        raise UsageError(f"--players: {', '.join(outside)} is outside {limits}")
    return sorted(options.players)


def _free_device(roster: Roster, athlete_id: int) -> str:
    """The usual device of this id, unless the roster gives it to somebody else."""
    name = device_name(athlete_id)
    return name if roster.by_device(name) is None else f"sim-{athlete_id}"


def _announce(options: SimulationOptions, squad: Sequence[Traits], session: SimulatedSession) -> None:
    speed = "full speed" if options.speed is None else f"speed {options.speed:g}"
    ids = ", ".join(str(traits.athlete_id) for traits in squad)
    length = "until stopped" if session.samples is None else _duration(session.samples / session.rate_hz)
    _print(f"{options.mode}: {len(squad)} athletes, {session.rate_hz} Hz, {length}, {speed}, seed {session.seed}")
    _print(f"athletes: {ids}")


def _duration(seconds: float) -> str:
    return f"{seconds / 60:g} min" if seconds >= 60 and not seconds % 6 else f"{seconds:g} s"


def _report(tallies: dict[str, Tally], recorder: SessionRecorder | None, way: _Way | None) -> None:
    for device, tally in tallies.items():
        path = "" if recorder is None else _place(recorder, device)
        _print(
            f"athlete {tally.athlete_id} device {device}: {tally.rows} rows, {tally.session_s:.1f} s, "
            f"{tally.rate_hz:.2f} Hz {path}".rstrip()
        )
    rows = sum(tally.rows for tally in tallies.values())
    _print(f"in all {rows} rows of {len(tallies)} athletes{'' if way is None else _delivery(way)}")


def _place(recorder: SessionRecorder, device: str) -> str:
    """Return where the rows of a device are."""
    path = recorder.writers[device].path
    return str(path) if recorder.failure is None else f"({recorder.safe_rows(device)} of them in {path})"


def _warn_unrecorded(reason: str) -> None:
    _warn(f"{reason}; sending goes on without files")


def _delivery(way: _Way) -> str:
    late = way.pacer.lateness
    lateness = [f"{name} {late.percentile_ms(percent):.1f} ms" for name, percent in (("p50", 50.0), ("p99", 99.0))]
    delay = f"; lateness {', '.join(lateness)}, worst {late.worst_s * 1000:.1f} ms" if late.worst_s else ""
    if way.uplink is None:
        return delay
    lost = f", {way.radio.lost} lost on purpose" if way.radio.lost else ""
    unsent = f", {way.uplink.unsent} not sent: no broker" if way.uplink.unsent else ""
    return f"; {way.uplink.sent} messages sent{lost}{unsent}{delay}"


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _explain(error: MonitorError) -> None:
    if isinstance(error, ConfigError) and not isinstance(error, UsageError):
        sys.stderr.write(f"{error}\n")  # each of its lines begins with the file
    else:
        _warn(str(error))


def _warn(text: str) -> None:
    sys.stderr.write(f"publisher.py: {text}\n")
    sys.stderr.flush()
