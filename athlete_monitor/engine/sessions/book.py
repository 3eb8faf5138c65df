"""The sessions that are running: opened by the first sample of a device, found by device, closed one by one."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from athlete_monitor.athletes import merge
from athlete_monitor.engine.intake.ordering import DeviceStream
from athlete_monitor.engine.sessions.session import Session, session_id
from athlete_monitor.engine.sessions.wearers import UNKNOWN_ATHLETE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from athlete_monitor.config import Engine
    from athlete_monitor.engine.counts import Counts
    from athlete_monitor.engine.intake.guard import IntakeBudgets
    from athlete_monitor.engine.sessions.wearers import Wearers
    from athlete_monitor.engine.sinks.sink import Sink
    from athlete_monitor.squad.kernel import Squad
    from athlete_monitor.wire.sample import Sample

_log = logging.getLogger(__name__)
_LOG_EVERY_S: Final = 1.0


@dataclass(frozen=True)
class Chosen:
    """Which athletes and devices are monitored; None for all."""

    players: Collection[int] | None = None
    devices: Collection[str] | None = None

    def holds(self, athlete_id: int, device_id: str) -> bool:
        """Whether an athlete with a device is monitored."""
        by_device = self.devices is None or device_id in self.devices
        return by_device and (self.players is None or athlete_id in self.players)


class SessionBook:
    """The running sessions.

    Args:
        squad: gives each session its row.
        wearers: finds the wearer of a device.
        limits: the ``engine`` section of the configuration.
        counts: counters of the engine.
        sink: gets a notice of two devices of one athlete, and of devices that contradict the roster.
        begin: records a new session and returns its number (the journal's).
        chosen: the monitored athletes and devices.
        guard: how often a device may begin a session or change its wearer.
    """

    def __init__(
        self,
        squad: Squad,
        wearers: Wearers,
        limits: Engine,
        counts: Counts,
        sink: Sink,
        begin: Callable[[Session], int],
        chosen: Chosen,
        guard: IntakeBudgets,
    ) -> None:
        self.box = ""
        """Name of this box, for the messages of every session."""
        self.running: dict[str, Session] = {}
        self._changes = 0
        self._view: tuple[int, tuple[Session, ...]] = (0, ())
        self._squad, self._wearers, self._limits, self._counts, self._sink = squad, wearers, limits, counts, sink
        self._begin, self._chosen, self._guard = begin, chosen, guard
        self._worn: dict[int, list[str]] = {}
        self._refused_s = -_LOG_EVERY_S

    @property
    def view(self) -> tuple[Session, ...]:
        """The running sessions as of the last change; safe to iterate from any thread."""
        changes, view = self._view
        if changes != self._changes:
            changes = self._changes  # before they are copied: a change in between is noticed by the next call
            view = tuple(self.running.values())
            self._view = changes, view
        return view

    def wearer_changed(self, session: Session, sample: Sample, arrived_s: float) -> bool:
        """Whether the sample names, and may name, another athlete as the wearer of the device of ``session``."""
        if self._wearers.athlete_id(sample) == session.athlete_id:
            session.wire_athlete_id = sample.athlete_id
            return False
        return self._guard.may_change_wearer(sample.device_id, arrived_s)

    def open(self, sample: Sample, arrived_s: float) -> Session | None:
        """Begin a session with its first sample; None if the device or its athlete is not monitored."""
        if not self._chosen.holds(self._wearers.athlete_id(sample), sample.device_id):
            self._counts.filtered += 1
            return None
        expected = self._wearers.expects(sample)
        full = len(self.running) >= self._limits.max_devices and not expected
        if full or not self._guard.may_begin_session(sample.device_id, arrived_s):
            self._refuse(sample.device_id, arrived_s)
            return None
        session = self._new(sample, arrived_s)
        self._counts.sessions_started += 1
        self.enter(session)
        contradiction = self._wearers.contradiction(sample)
        if contradiction is not None:
            self._sink.notice(contradiction, bad=True)
        return session

    def enter(self, session: Session) -> None:
        """Add a session that already exists."""
        session.box = self.box
        self._warn_of_second_device(session)
        self.running[session.device_id] = session
        self._changes += 1

    def leave(self, session: Session) -> None:
        """Remove a session that has ended; its row is free again."""
        del self.running[session.device_id]
        self._changes += 1
        worn = self._worn[session.athlete_id]
        worn.remove(session.device_id)
        if not worn:
            del self._worn[session.athlete_id]
        self._squad.remove(session.row)
        self._counts.sessions_ended += 1

    def learn(self, session: Session, sample: Sample) -> None:
        """Fill unknown values of the athlete's profile with those that the device sends."""
        session.told_profile = sample.profile
        known = session.wearer.profile
        profile = merge(known, sample.profile.as_profile(session.athlete_id))
        if profile != known:
            session.wearer = replace(session.wearer, profile=profile)
            self._squad.learn(session.row, profile)

    def _new(self, sample: Sample, arrived_s: float) -> Session:
        wearer = self._wearers.of(sample)
        session = Session(
            session_id=session_id(wearer, sample.t),
            number=0,
            wearer=wearer,
            row=self._squad.add(wearer.profile, wearer.phase),
            start_t=sample.t,
            stream=DeviceStream(self._limits.late_tolerance_s, self._limits.idle_s),
            arrived_s=arrived_s,
            wire_athlete_id=sample.athlete_id,
            told_profile=sample.profile,
            last_t=sample.t,
            memory_t=sample.t,
        )
        session.follow_tags(sample.tags, sample.t)
        session.number = self._begin(session)
        return session

    def _warn_of_second_device(self, session: Session) -> None:
        worn = self._worn.setdefault(session.athlete_id, [])
        if worn and session.athlete_id != UNKNOWN_ATHLETE:
            self._sink.notice(
                f"athlete {session.athlete_id} wears two devices, {worn[0]} and {session.device_id}: "
                "each has a session of its own",
                bad=True,
            )
        worn.append(session.device_id)

    def _refuse(self, device_id: str, arrived_s: float) -> None:
        self._counts.refused_devices += 1
        if arrived_s - self._refused_s >= _LOG_EVERY_S:
            self._refused_s = arrived_s
            _log.warning("event=device_refused device=%s max_devices=%d", device_id, self._limits.max_devices)
