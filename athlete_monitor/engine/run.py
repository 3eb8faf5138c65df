"""The runs that ``main.py`` starts: a live run with lock, broker, log and screen, or an offline one."""

from __future__ import annotations

import errno
import gc
import logging
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec
from rich.console import Console

from athlete_monitor.engine.journal.replayed import open_replay
from athlete_monitor.engine.live import EngineOptions, LiveEngine, client_id
from athlete_monitor.engine.offline import run_recordings
from athlete_monitor.engine.sinks.files import FileSink
from athlete_monitor.engine.sinks.registry import SinkContext, make_sinks
from athlete_monitor.engine.sinks.sink import Sinks
from athlete_monitor.engine.terminal.screen import TerminalScreen, summary_table
from athlete_monitor.errors import MonitorError
from athlete_monitor.locks import acquire
from athlete_monitor.system.allocator import return_large_blocks
from athlete_monitor.system.log_file import LogFile
from athlete_monitor.system.retention import apply_retention
from athlete_monitor.wire.broker import open_broker

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from athlete_monitor.config import Config
    from athlete_monitor.engine.journal.replayed import ReplaySink
    from athlete_monitor.engine.offline import Recorded

Shown = Literal["table", "json", "none"]
"""Format of the printed session summaries."""

_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
_LOG_BYTES = 5_000_000
_LOG_FILES = 3
_PLAIN_WIDTH = 120
_OF_THE_DISK = frozenset({errno.EDQUOT, errno.EIO, errno.ENOSPC, errno.EROFS})
_COLLECTED_AFTER = (50_000, 20, 20)  # every session lives long: the usual thresholds take a tenth of the time
_SWITCH_S = 0.0005  # short switch interval, so that no thread delays the stepping or network thread


def set_up_logging(config: Config, *, console: bool) -> None:
    """Send log lines to ``logs_dir/engine.log`` and, if requested, to standard error.

    A full or read-only disk costs the file, which one line says, and nothing else.

    Raises:
        MonitorError: the log cannot be written for another reason.
    """
    handlers: list[logging.Handler] = []
    if config.logging.log_to_file and (file := _log_file(config.logging.logs_dir / "engine.log")) is not None:
        handlers.append(file)
    if console and config.logging.console_output:
        handlers.append(logging.StreamHandler())
    logging.raiseExceptions = False
    logging.basicConfig(
        level=config.logging.level, format=_FORMAT, handlers=handlers or [logging.NullHandler()], force=True
    )


def _log_file(path: Path) -> logging.Handler | None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return LogFile(path, maxBytes=_LOG_BYTES, backupCount=_LOG_FILES, encoding="utf-8")
    except OSError as error:
        if error.errno not in _OF_THE_DISK:
            raise MonitorError(f"{path}: cannot be written: {error.strerror} (logging.logs_dir)") from error
        sys.stderr.write(f"{path}: no log file ({error.strerror})\n")
        return None


def run_live(  # noqa: PLR0913 - the options of main.py
    config: Config,
    *,
    players: Collection[int] | None = None,
    device: str | None = None,
    duration_s: float | None = None,
    exit_when_idle: bool = False,
    show: bool = False,
    quiet: bool = False,
    as_json: bool = False,
    name: str | None = None,
) -> int:
    """Serve until stopped; returns the exit code.

    Args:
        config: the configuration.
        players: monitored athletes; None for all.
        device: the only monitored device, shown in detail; None for all.
        duration_s: end after this time.
        exit_when_idle: end when the last session has ended.
        show: draw the table.
        quiet: no log lines on standard error.
        as_json: print the sessions' summaries as JSON at the end.
        name: the engine's client id at the broker; by default one made of the machine and the journal's path. An engine
            that moves to another machine keeps its name, and with it what the broker has queued for it.

    Raises:
        MonitorError: the engine cannot start: it runs already, no model runtime, no broker, a broken journal.
    """
    set_up_logging(config, console=not show and not quiet)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until the engine answers it: a terminal may close while it starts
    sys.setswitchinterval(_SWITCH_S)
    return_large_blocks()
    name = name or client_id(config)
    options = EngineOptions(players, None if device is None else {device}, duration_s, exit_when_idle, name)
    lock = acquire(config.prediction_check.lockfile_path, "main.py")
    with lock, open_broker(config.mqtt, name) as broker:
        apply_retention(config)
        engine = LiveEngine(config, options, take_retained=broker.embedded)
        engine.install_signal_handlers()
        screen = TerminalScreen(engine, Console(), device) if show else None
        if screen is not None:
            screen.start()
        gc.collect()
        gc.set_threshold(*_COLLECTED_AFTER)
        gc.freeze()  # freeze start-up objects (mainly torch's): rescanning them would pause stepping for 0.3 s
        try:
            code = engine.run()
            if not engine.was_stopped:
                broker.drain()  # there is no hurry, and publishers may still wait for acknowledgements
            return code
        finally:
            if screen is not None:
                screen.stop()
            if screen is not None or as_json:
                print_summaries(engine.notices.summaries, "json" if as_json else "table")


@dataclass(frozen=True)
class Replayed:
    """What a replay has left.

    Attributes:
        sessions: ids of the sessions, as the archive knows them.
        is_archived: whether everything of them is in the archive.
        has_files: whether all of their files have been written.
    """

    sessions: list[str]
    is_archived: bool
    has_files: bool


NOTHING_REPLAYED: Final = Replayed([], is_archived=True, has_files=True)


def run_replay(config: Config, recordings: Sequence[Recorded], shown: Shown = "table") -> Replayed:
    """Run recordings offline, write their files and the archive, print their summaries and where all of it is."""
    set_up_logging(config, console=False)
    archive = open_replay(config.paths.journal, config.archive.keep_days, _mention)
    sinks = make_sinks(SinkContext(config, _mention))
    sink = Sinks([*sinks.values(), *([archive] if archive else [])])
    begin = archive.begin if archive else lambda _session: 0
    try:
        collected = run_recordings(config, recordings, sink=sink, begin=begin)
    finally:
        sink.stop()
    print_summaries(collected.summaries, shown)
    has_files = not any(each.unwritten for each in sinks.values() if isinstance(each, FileSink))
    if shown == "table":
        sys.stdout.write(_where(config, archive, len(collected.summaries), has_files=has_files) + "\n")
    sessions = [summary["session_id"] for summary in collected.summaries]
    return Replayed(sessions, archive is not None and not archive.unwritten, has_files)


def _mention(text: str, is_bad: bool) -> None:  # noqa: FBT001 - as a journal calls it
    if is_bad:
        sys.stderr.write(f"{text.removesuffix('; monitoring continues without it and tries again')}\n")


def _where(config: Config, archive: ReplaySink | None, sessions: int, *, has_files: bool) -> str:
    """Return where a replay wrote, in one line."""
    files = f"{'files' if has_files else 'not all files written'}: {config.paths.prediction_outputs}"
    if archive is None:
        return f"{files}; not archived: {config.paths.journal} cannot be used"
    if archive.unwritten:
        return f"{files}; not all archived: {config.paths.journal} cannot be used; replay again later"
    known = f", {archive.skipped} of {sessions} were there already" if archive.skipped else ""
    return f"{files}; archive: {config.paths.journal}{known}"


def print_summaries(summaries: Iterable[Mapping[str, Any]], shown: Shown) -> None:
    """Print the summaries of sessions."""
    if shown == "json":
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(list(summaries)), indent=1).decode() + "\n")
    if shown != "table":
        return
    console = Console()
    width = console.width if console.is_terminal else _PLAIN_WIDTH
    Console(width=width).print(summary_table(summaries, width))
