"""Files for each athlete: the live figures, session summaries, the impact log and a log of each session.

All files are written by one thread. A full or missing disk delays files, never figures: one alarm is raised, and
summaries and logs are kept and written when there is space again.
"""

from __future__ import annotations

import os
import time
from collections import deque
from typing import TYPE_CHECKING, Any

import msgspec

from athlete_monitor.engine.figures.record import SCHEMA_VERSION
from athlete_monitor.engine.sinks.live_files import LiveFiles
from athlete_monitor.engine.sinks.sink import Sink
from athlete_monitor.engine.sinks.worker import Alarm, Worker
from athlete_monitor.system.files import open_file, replace_file
from athlete_monitor.wire.timestamps import file_stamp, format_timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from athlete_monitor.engine.sessions.session import Session
    from athlete_monitor.engine.sessions.wearers import Wearer
    from athlete_monitor.engine.sinks.registry import SinkContext

KEPT_JOBS = 10_000
IMPACTS_KEPT = 1000
FAILURES_A_ROUND = 20
LOG_EVERY_S = 60.0
SYNCED_EACH = 16
"""Up to so many summaries in a round are put on the disk one by one; more of them together, which costs one wait."""
_PERIOD_S = 0.2


def make(context: SinkContext) -> FileSink:
    """Return the sink of this configuration."""
    config = context.config
    return FileSink(
        config.paths.prediction_outputs,
        config.logging.logs_dir if config.logging.log_to_file else None,
        config.outputs.realtime_file_interval_s,
        context.notify,
    )


class FileSink(Sink):
    """Writes the files of every athlete.

    Args:
        outputs: folder of the athletes' folders.
        logs: folder of the sessions' logs; None writes none.
        interval_s: shortest time between two writes of one live file.
        notify: called with a sentence, and whether it is bad news, when the disk fails or works again.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        outputs: Path,
        logs: Path | None,
        interval_s: float,
        notify: Callable[[str, bool], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._outputs, self._logs = outputs, logs
        self._paths: dict[str, Path] = {}
        self._live: LiveFiles[tuple[Path, bytes]] = LiveFiles(interval_s, self._replace_live, clock)
        self._kept: deque[_Job] = deque(maxlen=KEPT_JOBS)
        self._impacts: dict[Path, list[dict[str, Any]]] = {}
        self._log_due_t: dict[str, float] = {}
        self._log_paths: dict[str, Path] = {}
        self._lost = 0
        self._stopping = False
        self._syncs_each = True
        self._worker = Worker("files", self._write, period_s=_PERIOD_S, alarm=Alarm("writing files", notify))
        self._worker.start()

    @property
    def failing(self) -> bool:
        """Whether the last write failed."""
        return self._worker.alarm.raised

    @property
    def unwritten(self) -> int:
        """Writes that have not been made: after ``stop`` those that are lost."""
        return self._lost + self._worker.dropped + len(self._kept) + len(self._live)

    def health(self) -> dict[str, object]:
        """Whether the last write failed, and how far apart the writes of one live file are."""
        return {"files_failing": self.failing, "realtime_file_every_s": round(self._live.apart_s, 1)}

    def started(self, session: Session) -> None:
        """Begin the session's log."""
        self._log(session, f"event=session_started session={session.session_id} mode={session.mode}")

    def metrics(self, session: Session, figures: msgspec.Struct, payload: bytes) -> None:
        """Keep the newest figures for the live file, and add a line per minute to the log."""
        key = session.session_id
        path = self._paths.get(key)
        if path is None:
            path = self._folder(session.wearer) / f"{session.wearer.file_stem}_realtime_output.json"
            self._paths[key] = path
        self._live.put(key, (path, payload))
        if session.last_t >= self._log_due_t.get(session.session_id, 0.0):
            self._log_due_t[session.session_id] = session.last_t + LOG_EVERY_S
            self._log(session, _line(figures))

    def event(self, session: Session, event: dict[str, Any]) -> None:
        """Add an impact to the athlete's log of impacts."""
        if event["kind"] != "impact":
            self._log(session, f"event={event['kind']} state={event.get('state')} text={event.get('text')!r}")
            return
        path = self._folder(session.wearer) / f"A{session.athlete_id}_g_impact_log.json"
        self._worker.put((self._add_impact, (path, event)))
        self._log(session, f"event={event['kind']} peak_g={event.get('peak_g')} alert={event.get('alert')}")

    def ended(self, session: Session, summary: dict[str, Any]) -> None:
        """Write the summary."""
        name = f"{session.wearer.file_stem}_session_summary_{file_stamp(session.start_t)}.json"
        self._worker.put((self._write_summary, (self._folder(session.wearer) / name, summary, session.was_paused)))
        self._log(session, f"event=session_ended reason={summary['end_reason']} trimp={summary['trimp']}")
        self._log_due_t.pop(session.session_id, None)
        self._paths.pop(session.session_id, None)
        self._log_paths.pop(session.session_id, None)
        self._live.forget(session.session_id)

    def stop(self) -> None:
        """Write all waiting files."""
        self._stopping = True
        self._worker.stop()

    def _folder(self, wearer: Wearer) -> Path:
        return self._outputs / wearer.folder

    def _log(self, session: Session, text: str) -> None:
        if self._logs is not None:
            path = self._log_paths.get(session.session_id)
            if path is None:
                path = self._logs / f"{session.wearer.file_stem}_{file_stamp(session.start_t)}.log"
                self._log_paths[session.session_id] = path
            self._worker.put((_append, (path, f"{format_timestamp(session.device_t)} {text}\n")))

    def _write(self, jobs: Sequence[_Job]) -> None:
        """Run the queued writes; a failed one is tried again in the next round and does not delay the others."""
        self._lost += max(0, len(self._kept) + len(jobs) - KEPT_JOBS)
        self._kept.extend(jobs)
        self._syncs_each = sum(act == self._write_summary for act, _ in self._kept) <= SYNCED_EACH
        errors: list[OSError] = []
        for _ in range(len(self._kept)):
            job = self._kept.popleft()
            if error := _attempt(*job):
                errors.append(error)
                self._kept.append(job)
            if len(errors) >= FAILURES_A_ROUND:
                break
        if not self._syncs_each:
            os.sync()
        errors += self._live.write_due(everything=self._stopping)
        if errors:
            raise errors[-1]

    def _replace_live(self, content: tuple[Path, bytes]) -> None:
        path, payload = content
        replace_file(path, payload, sync=False, below=self._outputs)

    def _write_summary(self, path: Path, summary: dict[str, Any], replaces: bool) -> None:  # noqa: FBT001 - a job
        """Write a summary; if a session is resumed after a stop, its later summary replaces the one of the stop."""
        free = path
        number = 1
        while free.exists() and not replaces:
            number += 1
            free = path.with_name(f"{path.stem}_{number}.json")
        replace_file(free, _pretty(summary), sync=self._syncs_each, below=self._outputs)

    def _add_impact(self, path: Path, event: dict[str, Any]) -> None:
        known = self._impacts.get(path)
        impacts = list(_read_impacts(path) if known is None else known)
        impacts = [*impacts, event][-IMPACTS_KEPT:]
        content = _pretty({"schema_version": SCHEMA_VERSION, "impacts": impacts})
        replace_file(path, content, sync=False, below=self._outputs)
        self._impacts[path] = impacts


_Job = tuple["Callable[..., None]", tuple[Any, ...]]


def _attempt(act: Callable[..., None], arguments: tuple[Any, ...]) -> OSError | None:
    try:
        act(*arguments)
    except OSError as error:
        return error
    return None


def _pretty(value: dict[str, Any]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def _read_impacts(path: Path) -> list[dict[str, Any]]:
    try:
        impacts = msgspec.json.decode(path.read_bytes())["impacts"]
    except (FileNotFoundError, msgspec.DecodeError, KeyError, TypeError):
        return []
    return impacts if isinstance(impacts, list) else []


def _append(path: Path, text: str) -> None:
    handle = open_file(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, below=path.parent)
    with os.fdopen(handle, "a", encoding="utf-8") as file:
        file.write(text)


def _line(figures: msgspec.Struct) -> str:
    shown = (
        "heart_rate_bpm",
        "heart_rate_source",
        "heart_rate_zone",
        "trimp",
        "energy_kcal",
        "player_load",
        "distance_m",
    )
    values = {name: getattr(figures, name) for name in shown}
    return " ".join(f"{name}={value}" for name, value in values.items() if value is not None)
