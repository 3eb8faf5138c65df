"""The live engine: the monitor with a broker, a clock, a journal and files around it."""

from __future__ import annotations

import signal
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from athlete_monitor.archive import Archive
from athlete_monitor.athletes import Roster
from athlete_monitor.engine.build import build_monitor, live_source, open_loader
from athlete_monitor.engine.intake.guard import IntakeBudgets
from athlete_monitor.engine.journal.journal import Journal
from athlete_monitor.engine.journal.keeper import JournalSink, resume_all, snapshot
from athlete_monitor.engine.live.connection import Connection, client_id, engine_status
from athlete_monitor.engine.live.loop import Loop
from athlete_monitor.engine.live.service import ServiceNotifier
from athlete_monitor.engine.live.stats import Stats
from athlete_monitor.engine.live.upkeep import Upkeep
from athlete_monitor.engine.sessions.book import Chosen
from athlete_monitor.engine.sessions.history import LoadHistory
from athlete_monitor.engine.sinks.notices import Notices
from athlete_monitor.engine.sinks.registry import SinkContext, make_sinks
from athlete_monitor.engine.team.keeper import TeamKeeper
from athlete_monitor.engine.team.rules import WatchedRules
from athlete_monitor.wire import topics

if TYPE_CHECKING:
    from collections.abc import Collection

    from athlete_monitor.config import Config

__all__ = ["EngineOptions", "LiveEngine", "client_id"]

LOCKED_PATIENCE_S: Final = 0.05
LOCKED_REST_S: Final = 5.0
"""The loop reads the archive when sessions begin; a journal that another program has locked must not stop figures."""


@dataclass(frozen=True)
class EngineOptions:
    """Options of the command line."""

    players: Collection[int] | None = None
    devices: Collection[str] | None = None
    duration_s: float | None = None
    exit_when_idle: bool = False
    name: str | None = None
    """Client id at the broker; None for the one of ``client_id``."""


class LiveEngine:
    """All parts of the running engine. ``run`` returns when the engine is to end.

    Args:
        config: the configuration.
        options: what the command line adds.
        take_retained: whether the broker is the embedded one of this engine (``Connection``).

    Raises:
        MonitorError: the models' runtime, the journal or the broker's credentials cannot be used.
    """

    def __init__(
        self, config: Config, options: EngineOptions = EngineOptions(), *, take_retained: bool = False
    ) -> None:
        self.config, self.options = config, options
        self.notifier = ServiceNotifier()
        roster = Roster.load(config.athletes.roster)
        self.loader = open_loader(config, len(roster))
        self.notices = Notices()
        self.journal = Journal(config.paths.journal, time.time, notify=self._notify, keep_days=config.archive.keep_days)
        self._reopened = self.journal.reopen(time.time() - config.engine.idle_s)
        self.connection = Connection(config, self._notify, is_embedded=take_retained, name=options.name)
        self.link = self.connection.link
        self.team = TeamKeeper(
            roster,
            self.journal,
            Archive(config.paths.journal, patience_s=LOCKED_PATIENCE_S, rest_s=LOCKED_REST_S),
            self.link,
            self._warn,
            gap_s=config.team.session_gap_s,
            rules=WatchedRules(config.team.alarm_rules, self._warn),
            assign=self._assign,
            box=config.box.label,
        )
        sinks = make_sinks(SinkContext(config, self._notify, self.link, self.journal))
        self.monitor = build_monitor(
            config,
            roster,
            [self.team, *sinks.values(), self.notices],
            models=live_source(self.loader),
            begin=JournalSink(self.journal).begin,
            history=LoadHistory(self.journal.past_loads()),
            chosen=Chosen(options.players, options.devices),
            guard=IntakeBudgets(config.engine.max_rate_hz),
            wall_s=time.time,
        )
        self.stats = Stats(self.connection.inbox, self.monitor, self.loader, time.monotonic())
        self._upkeep = Upkeep(
            config, self.monitor, self.connection, self.journal, self.loader, self.stats, self.notifier, self._warn
        )
        self.team.sink = self.monitor.sink
        self._upkeep.rounds += [self.team.tick, self.monitor.sink.settle]
        self._upkeep.standstill.excuse.append(self.team.excuse)
        self._upkeep.connected.append(self.team.publish_again)
        self.connection.on_command = self.team.receive
        self.connection.inbox.expects = self.monitor.expects
        self._loop = Loop(
            self.connection.inbox,
            self.monitor,
            self._upkeep,
            self.stats.lags,
            config.engine.coalesce_ms,
            self.connection.shed,
        )
        self._stopping = threading.Event()
        self._saw_sessions = False
        self._ended_before = 0

    def request_stop(self) -> None:
        """Request the end after the present round; safe from any thread and from signal handlers."""
        self._stopping.set()
        self.connection.inbox.wake()

    @property
    def was_stopped(self) -> bool:
        """Whether the end was requested."""
        return self._stopping.is_set()

    def run(self) -> int:
        """Serve until the end is requested, the time is up, or no device sends any more; return the exit code."""
        self.team.resume()
        resume_all(
            self.journal, self.monitor, time.monotonic(), time.time(), self.config.engine, self._reopened
        )  # fmt: skip
        self._ended_before = self.monitor.counts.sessions_ended
        self.journal.committed = lambda numbers: self.connection.acks.used(numbers, time.monotonic())
        self.journal.start()
        self.link.start()
        try:
            self._loop.run(self._is_over)
        except BaseException:
            self.journal.stop()  # sessions stay open in it: the next engine resumes them
            raise
        self._shut_down()
        return 0

    def install_signal_handlers(self) -> None:
        """SIGINT, SIGTERM and SIGQUIT end the engine; SIGHUP checks for changed models; SIGUSR1 and 2 do nothing."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
            signal.signal(number, lambda *_: self.request_stop())
        for number in (signal.SIGUSR1, signal.SIGUSR2):  # their default would end the engine without a word
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, lambda *_: self.connection.updated_models.append("*"))

    def _assign(self, device_id: str, athlete_id: int) -> None:
        self.monitor.assign(device_id, athlete_id)

    def _notify(self, text: str, bad: bool) -> None:  # noqa: FBT001 - callback of alarms
        self.notices.notice(text, bad=bad)

    def _warn(self, text: str) -> None:
        self._notify(text, bad=True)

    def _is_over(self, elapsed_s: float) -> bool:
        duration_s = self.options.duration_s
        if self._stopping.is_set() or (duration_s is not None and elapsed_s >= duration_s):
            return True
        has_ended = self.monitor.counts.sessions_ended > self._ended_before  # perhaps within one round
        self._saw_sessions = self._saw_sessions or has_ended or bool(self.monitor.sessions)
        return self.options.exit_when_idle and self._saw_sessions and not self.monitor.sessions

    def _shut_down(self) -> None:
        """Stop the intake, use received messages, commit, acknowledge and disconnect."""
        self.notifier.stopping()
        self.connection.close_intake()
        self._loop.drain()
        if self.was_stopped:
            snapshot(self.journal, self.monitor, whole=True)
            self.monitor.pause_all("shutdown")
        else:
            self.monitor.end_all("shutdown")
            snapshot(self.journal, self.monitor)
        self.stats.take(time.monotonic(), **self._upkeep.surroundings())
        self.monitor.sink.settle()
        self.link.publish(topics.ENGINE_STATUS, engine_status(self.config, "offline"), 1, retain=True)
        self.monitor.sink.stop()
        self.link.stop()
        self.notifier.close()
