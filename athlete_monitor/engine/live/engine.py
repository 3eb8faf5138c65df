"""The live engine: the monitor with a broker, a clock, a journal and files around it."""

from __future__ import annotations

import logging
import math
import signal
import threading
import time
import zlib
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from athlete_monitor.athletes import Roster
from athlete_monitor.engine.build import build_monitor, open_loader, source_of
from athlete_monitor.engine.intake.inbox import Inbox
from athlete_monitor.engine.journal.journal import Journal
from athlete_monitor.engine.journal.keeper import JournalSink, resume_all, snapshot
from athlete_monitor.engine.live.heat import Heat
from athlete_monitor.engine.live.service import Notifier
from athlete_monitor.engine.live.stats import Stats
from athlete_monitor.engine.monitor import Chosen
from athlete_monitor.engine.sessions.history import LoadHistory
from athlete_monitor.engine.sinks.files import FileSink
from athlete_monitor.engine.sinks.mqtt import MqttSink
from athlete_monitor.engine.sinks.recorder import Recorder
from athlete_monitor.engine.sinks.sink import Sink
from athlete_monitor.errors import MonitorError
from athlete_monitor.wire import topics
from athlete_monitor.wire.mqtt import MqttLink, Will

if TYPE_CHECKING:
    from collections.abc import Collection

    from athlete_monitor.config import Config
    from athlete_monitor.engine.sessions.session import Session

_log = logging.getLogger(__name__)

TICK_S = 0.2
SNAPSHOT_S = 0.8
LOOK_S = 0.0005
HOLD_S = 0.05
"""Samples that bring no output wait so long for one that does, so that devices that send one by one share steps."""
STEP_COALESCES = 2.0
"""Steps begin at least so many times ``engine.coalesce_ms`` after one another. More would save processor time and cost
latency."""
FIRST_STATS_S = 2.0
_encode = msgspec.json.Encoder().encode
_OFFLINE = _encode({"status": "offline"})


@dataclass(frozen=True)
class Options:
    """What the command line adds to the configuration."""

    players: Collection[int] | None = None
    devices: Collection[str] | None = None
    duration_s: float | None = None
    exit_when_idle: bool = False


def client_id(config: Config) -> str:
    """The engine's name at the broker: the same at every start, another for another journal."""
    return f"athlete-monitor-{zlib.crc32(str(config.paths.journal).encode()):08x}"


class Notices(Sink):
    """What the operator should know: logged, and kept for the screen with the summaries of ended sessions."""

    KEPT = 50
    SUMMARIES_KEPT = 2000

    def __init__(self) -> None:
        self._recent: deque[tuple[float, str]] = deque(maxlen=self.KEPT)
        self.summaries: deque[dict[str, Any]] = deque(maxlen=self.SUMMARIES_KEPT)

    def notice(self, text: str, *, bad: bool) -> None:
        """Log and keep a sentence."""
        _log.log(logging.WARNING if bad else logging.INFO, "event=notice %s", text)
        self._recent.append((time.monotonic(), text))

    def since(self, seconds: float) -> list[str]:
        """The sentences of the last seconds, oldest first."""
        limit = time.monotonic() - seconds
        return [text for told_s, text in list(self._recent) if told_s >= limit]

    def started(self, session: Session) -> None:
        """Log the beginning of a session."""
        _log.info("event=session_started session=%s", session.session_id)

    def ended(self, session: Session, summary: dict[str, Any]) -> None:
        """Log the end of a session, and keep its summary."""
        names = ("end_reason", "duration_s", "heart_rate_mean_bpm", "trimp", "energy_kcal")
        told = " ".join(f"{name}={summary[name]}" for name in names)
        _log.info("event=session_ended session=%s %s", session.session_id, told)
        self.summaries.append(summary)


class LiveEngine:
    """Everything that runs while the engine is up. ``run`` returns when it is to end.

    Args:
        config: the configuration.
        options: what the command line adds.
        take_retained: whether samples that the broker sends with the retain flag are used. Mosquitto marks so what it
            kept from before, a stale sample; the embedded broker also what a persistent session has missed.

    Raises:
        MonitorError: the models' runtime, the journal or the broker's credentials cannot be used.
    """

    def __init__(self, config: Config, options: Options = Options(), *, take_retained: bool = False) -> None:
        self.config, self.options = config, options
        self.notifier = Notifier()
        self.notices = Notices()
        self.inbox = Inbox(config.engine.queue_per_device, config.engine.max_devices, topics.SENSOR_FILTERS[1])
        self.loader = open_loader(config)
        self.journal = Journal(config.paths.journal, time.time, tell=self._tell, keep_days=config.archive.keep_days)
        self.link = self._make_link(take_retained=take_retained)
        roster = Roster.load(config.athletes.roster)
        journal_sink = JournalSink(self.journal)
        self.files = FileSink(
            config.paths.prediction_outputs,
            config.logging.logs_dir if config.logging.log_to_file else None,
            config.outputs.realtime_file_interval_s,
            self._tell,
        )
        sinks: list[Sink] = [MqttSink(self.link), journal_sink, self.files, self.notices]
        self.recorder = self._make_recorder()
        if self.recorder is not None:
            sinks.append(self.recorder)
        self.monitor = build_monitor(
            config,
            roster,
            sinks,
            models=source_of(self.loader, config),
            begin=journal_sink.begin,
            history=LoadHistory(self.journal.past_loads()),
            chosen=Chosen(options.players, options.devices),
        )
        self.heat = Heat(config.performance, config.engine.prediction_rate_hz)
        self.stats = Stats(self.inbox, self.monitor, self.loader, time.monotonic())
        self._stopping = threading.Event()
        self._reason = "shutdown"
        self._arrivals: list[float] = []
        self._updated: deque[int | str] = deque()
        self._overflow_told = 0
        self._saw_sessions = False

    def request_stop(self) -> None:
        """End after the present round; safe from any thread and from signal handlers."""
        self._stopping.set()
        self.inbox.wake()

    @property
    def was_stopped(self) -> bool:
        """Whether the end was asked for."""
        return self._stopping.is_set()

    def run(self) -> int:
        """Serve until the end is asked for, the time is up, or nobody sends any more; return the exit code."""
        self._resume_sessions()
        self.journal.start()
        self.link.start()
        try:
            self._serve()
        except BaseException:
            self.journal.stop()  # sessions stay open in it: the next engine goes on with them
            raise
        self._shut_down()
        return 0

    def install_signal_handlers(self) -> None:
        """SIGINT and SIGTERM end the engine; SIGHUP looks for changed models."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self.request_stop())
        signal.signal(signal.SIGHUP, lambda *_: self._updated.append("*"))

    def _make_link(self, *, take_retained: bool) -> MqttLink:
        mqtt = self.config.mqtt
        filters = [(name, mqtt.qos) for name in topics.SENSOR_FILTERS]
        return MqttLink(
            mqtt,
            client_id(self.config),
            on_message=self._on_message,
            subscriptions=[*filters, (topics.MODEL_UPDATED_FILTER, 1)],
            will=Will(topics.ENGINE_STATUS, _OFFLINE),
            on_connection=self._on_connection,
            persistent=mqtt.persistent_session and mqtt.qos == 1,
            take_retained=take_retained,
        )

    def _make_recorder(self) -> Recorder | None:
        paths = self.config.paths
        if self.config.engine.record == "off":
            return None
        game = {"game": paths.game_data_root} if self.config.engine.record == "all" else {}
        return Recorder({"training": paths.data_root, **game}, self._tell)  # type: ignore[dict-item]

    def _on_message(self, topic: str, payload: bytes) -> None:
        """In the network thread: only leave the message."""
        if topic.startswith("models/"):
            athlete_id = topics.athlete_of(topic)
            if athlete_id is not None:
                self._updated.append(athlete_id)
        else:
            self.inbox.put(topic, payload, time.monotonic())

    def _on_connection(self, connected: bool, text: str) -> None:  # noqa: FBT001 - the link's callback
        self._tell(text, not connected)
        if connected:
            self.link.publish(topics.ENGINE_STATUS, _encode({"status": "online"}), 1, retain=True)
            for session in list(self.monitor.sessions.values()):
                self.monitor.sink.status(session.device_id, session.status)
            self.notifier.ready()
        self.notifier.status(text)

    def _tell(self, text: str, bad: bool) -> None:  # noqa: FBT001 - callback of alarms
        self.notices.notice(text, bad=bad)

    def _warn(self, text: str) -> None:
        self.notices.notice(text, bad=True)

    def _resume_sessions(self) -> None:
        resume_all(self.journal, self.monitor, time.monotonic(), time.time(), self.config.engine)

    def _serve(self) -> None:
        start_s = time.monotonic()
        due = _Due(start_s, self.config.engine.stats_interval_s)
        while not self._stopping.is_set():
            if self.inbox.wait(self._patience_s(due)):
                time.sleep(LOOK_S)  # messages seldom come alone
                self._receive()
            now_s = time.monotonic()
            if self.monitor.is_urgent or now_s >= self._held_until_s():
                self._wait_for_company(due)
                self._step(due)
            if now_s >= due.tick_s:
                due.tick_s = now_s + TICK_S
                self._look_around(due, now_s)
            if self._is_over(now_s - start_s):
                return

    def _patience_s(self, due: _Due) -> float:
        """How long to wait for messages."""
        return max(0.0, min(due.tick_s, self._held_until_s()) - time.monotonic())

    def _held_until_s(self) -> float:
        """When the oldest message that waits has waited enough."""
        return self._arrivals[0] + HOLD_S if self._arrivals else math.inf

    def _receive(self) -> bool:
        """Take what has arrived; return whether there was anything."""
        messages = self.inbox.drain()
        for topic, waiting in messages.items():
            for payload, arrived_s in waiting:
                self.monitor.receive(topic, payload, arrived_s)
                self._arrivals.append(arrived_s)
        return bool(messages)

    def _wait_for_company(self, due: _Due) -> None:
        """Wait while more devices' messages keep coming, but not for long: a wide step costs less than narrow ones."""
        coalesce_s = self.config.engine.coalesce_ms / 1000.0
        end_s = time.monotonic() + coalesce_s
        pause_s = due.step_s + STEP_COALESCES * coalesce_s - time.monotonic()
        if pause_s > 0.0 and not self._is_complete():
            time.sleep(pause_s)
            self._receive()
        while not self._is_complete() and time.monotonic() < end_s:
            time.sleep(min(coalesce_s, LOOK_S))
            if not self._receive():
                return

    def _is_complete(self) -> bool:
        """Whether samples of the whole squad wait."""
        return self.monitor.waiting >= len(self.monitor.sessions)

    def _step(self, due: _Due) -> None:
        due.step_s = time.monotonic()
        self.monitor.advance()
        self.stats.lags.add(self._arrivals, time.monotonic())
        self._arrivals = []

    def _look_around(self, due: _Due, now_s: float) -> None:
        self.monitor.tick(now_s)
        if not self.link.running:
            raise MonitorError("the thread that listens to the broker has ended; the sessions go on at the next start")
        self.notifier.alive()
        if self._updated:
            self._refresh_models()
        if now_s >= due.snapshot_s:
            due.snapshot_s = now_s + SNAPSHOT_S
            snapshot(self.journal, self.monitor)
        if now_s >= due.models_s:
            due.models_s = now_s + self.config.model_loading.reload_check_s
            self.monitor.squad.models.look_again()
        if now_s >= due.stats_s:
            due.stats_s = now_s + self.config.engine.stats_interval_s
            self._tell_stats(now_s)

    def _refresh_models(self) -> None:
        for athlete_id in {self._updated.popleft() for _ in range(len(self._updated))}:
            if athlete_id == "*":
                self.loader.reload_changed()
            elif self.loader.peek(athlete_id) is None:  # type: ignore[arg-type]
                self.loader.reload(athlete_id)  # type: ignore[arg-type]
                self.monitor.squad.models.refresh(None if athlete_id == "default" else int(athlete_id))
            else:
                self.loader.request_reload(athlete_id)  # type: ignore[arg-type]

    def _tell_stats(self, now_s: float) -> None:
        figures = self.stats.take(now_s, **self._surroundings())
        self.link.publish(topics.ENGINE_STATS, _encode(figures))
        self._say_overflow(figures)
        said = self.heat.feel(figures["temperature_c"])
        self.monitor.squad.prediction_rate_hz = self.heat.rate_hz
        if said is not None:
            self._warn(said)
        self.notifier.status(
            f"{figures['online']} online, {figures['messages_per_s']:g} messages/s, lag p99 {figures['lag_p99_ms']} ms"
        )
        _log.info("event=stats %s", " ".join(f"{name}={figures[name]}" for name in _LOGGED))

    def _surroundings(self) -> dict[str, Any]:
        return {
            "broker_connected": self.link.connected,
            "unsent": self.link.dropped,
            "files_failing": self.files.failing,
            "journal_failing": self.journal.failing,
            "journal_lost": self.journal.lost,
            "prediction_rate_hz": self.monitor.squad.prediction_rate_hz,
        }

    def _say_overflow(self, figures: dict[str, Any]) -> None:
        new = figures["overflowed"] - self._overflow_told
        if new:
            whose = ", ".join(figures["overflowed_topics"])
            self._warn(f"{new} messages dropped: they arrive faster than they are used ({whose})")
        self._overflow_told = figures["overflowed"]

    def _is_over(self, elapsed_s: float) -> bool:
        duration_s = self.options.duration_s
        if duration_s is not None and elapsed_s >= duration_s:
            return True
        self._saw_sessions = self._saw_sessions or bool(self.monitor.sessions)
        return self.options.exit_when_idle and self._saw_sessions and not self.monitor.sessions

    def _shut_down(self) -> None:
        self.notifier.stopping()
        self._receive()
        self.monitor.advance()
        self.monitor.end_all(self._reason)
        self.stats.take(time.monotonic(), **self._surroundings())
        self.link.publish(topics.ENGINE_STATUS, _OFFLINE, 1, retain=True)
        self.monitor.sink.stop()
        self.link.stop()
        self.notifier.close()


_LOGGED = (
    "online", "stale", "offline", "messages_per_s", "samples_per_s", "lag_p50_ms", "lag_p99_ms", "invalid",
    "overflowed", "lost", "cache_hit_percent", "cpu_percent", "memory_mb", "temperature_c", "broker_connected",
)  # fmt: skip


class _Due:
    """When each thing is to be looked at next, by the engine's clock."""

    def __init__(self, now_s: float, stats_interval_s: float) -> None:
        self.tick_s = self.snapshot_s = self.models_s = self.step_s = now_s
        self.stats_s = now_s + min(stats_interval_s, FIRST_STATS_S)
