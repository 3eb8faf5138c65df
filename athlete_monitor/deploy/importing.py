"""``import``: recordings of other systems become sessions; the command shows what was read, written and refused."""

from __future__ import annotations

import dataclasses
import os
import sys
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Final

from rich.console import Console

from athlete_monitor.athletes import Roster
from athlete_monitor.config import load_config
from athlete_monitor.deploy.import_options import split_kind
from athlete_monitor.deploy.import_output import Output
from athlete_monitor.deploy.scripts import same_place
from athlete_monitor.errors import ConfigError, MonitorError, RecordingError
from athlete_monitor.recordings.creation import Creator
from athlete_monitor.recordings.format import Options
from athlete_monitor.recordings.import_request import ImportRequest
from athlete_monitor.recordings.importing import import_files, with_boundary
from athlete_monitor.recordings.mapping import load_mapping
from athlete_monitor.recordings.moments import Rules, moment_of
from athlete_monitor.recordings.search import search
from athlete_monitor.recordings.zones import zone_of
from athlete_monitor.system.flock import is_locked, locked

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from athlete_monitor.config import Config
    from athlete_monitor.engine.archiving import Archiver
    from athlete_monitor.recordings.import_results import WrittenSession

_STOPPED: Final = "stopped: the sessions written so far are kept; the same command imports and archives the rest"
WORKER_MB: Final = 250
"""Allowed for a process that computes figures, with the recordings that it runs side by side."""
MOST_WORKERS: Final = 4
_PLAIN_WIDTH: Final = 100


def import_all(args: argparse.Namespace) -> int:
    """Import recordings as given on the command line; return the exit code.

    Raises:
        ConfigError: the configuration, the roster or the mapping is not valid.
        RecordingError: the command line contradicts itself.
    """
    config = load_config(args.config, args.root)
    roster = Roster.load(config.athletes.roster)
    creator = Creator(config.athletes.roster) if args.create else None
    request = request_of(args, config, creator)
    out = Output(args, Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else _PLAIN_WIDTH))
    if _must_ask(args) and not _agreed(request, roster, out):
        return 1
    try:
        with (
            nullcontext() if args.dry_run else only_import(config.paths.data_root),
            out.progress() as on_file,
            archive_of(args, config, on_file) as archive,
        ):
            report = import_files(dataclasses.replace(request, archive=archive), roster, on_file, out.session)
            if archive is not None:
                with_boundary("archive", report, archive.close)
                report.archived = archive.archived
    except KeyboardInterrupt:
        print(_STOPPED, file=sys.stderr)
        raise
    for text in () if creator is None or args.json else creator.said:
        out.line(text)
    return out.end(report, same_place(args.config, args.root))


@contextmanager
def only_import(root: Path) -> Iterator[None]:
    """Wait until no other import writes below the folder of all sessions: both would write the same recordings."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:  # said of each session
        yield
        return
    try:
        if is_locked(handle):
            print(f"another import writes into {root}: waiting for its end", file=sys.stderr, flush=True)
        with locked(handle):
            yield
    finally:
        os.close(handle)


@contextmanager
def archive_of(
    args: argparse.Namespace, config: Config, on_file: Callable[[str, int, int], None]
) -> Iterator[IntoArchive | None]:
    """The writer into the archive, if the command line enables it; incomplete sessions are removed at the end."""
    if args.dry_run or args.no_archive:
        yield None
        return
    archive = IntoArchive(config, on_file)
    try:
        yield archive
    finally:
        archive.abandon()


class IntoArchive:
    """Adds written sessions to the archive; the engine is imported with the first ones.

    Args:
        config: the configuration.
        on_file: called with the progress.
    """

    def __init__(self, config: Config, on_file: Callable[[str, int, int], None]) -> None:
        self._config, self._on_file = config, on_file
        self._archiver: Archiver | None = None
        self._failed = False
        self.archived = 0

    def __call__(self, written: Sequence[WrittenSession]) -> None:
        """Archive some sessions; after a failure no others are tried.

        Raises:
            MonitorError: the archive cannot be used or written.
        """
        from athlete_monitor.engine.archiving import Archiver

        if self._failed:
            return
        self._failed = True
        if self._archiver is None:
            self._archiver = Archiver(self._config, workers=workers_of(self._config))
        self._archiver.add(written, lambda done, of: self._on_file("samples into the archive", done, of))
        self._failed = False

    def close(self) -> None:
        """Write the ends of all sessions.

        Raises:
            MonitorError: the archive cannot be written.
        """
        archiver = self._archiver
        if archiver is not None and not self._failed:
            archiver.close()
            self._archiver, self.archived = None, archiver.archived

    def abandon(self) -> None:
        """Remove incomplete sessions."""
        if self._archiver is not None:
            with suppress(MonitorError):
                self._archiver.abandon()


def workers_of(config: Config) -> int:
    """Return the most processes that may compute figures, by the cores and the memory."""
    return max(1, min(os.cpu_count() or 1, MOST_WORKERS, config.jetson.memory_limit_mb // WORKER_MB))


def request_of(args: argparse.Namespace, config: Config, creator: Creator | None) -> ImportRequest:
    """Return the request of the command line.

    Raises:
        ConfigError: the mapping is not valid.
        RecordingError: an option is not valid.
    """
    sources, kind = split_kind(list(args.sources), args.kind)
    everybody = [number for name, number in args.athlete if name is None]
    if len(everybody) > 1:
        raise ConfigError("import: --athlete N may be given once; use --athlete NAME=N for several athletes")
    return ImportRequest(
        sources,
        config.paths.data_root,
        config.paths.game_data_root,
        options_of(args, config.feature_engineering.sampling_frequency),
        kind or ("csv" if args.mapping else None),
        everybody[0] if everybody else None,
        {name: number for name, number in args.athlete if name is not None},
        args.mode,
        args.device,
        args.dry_run,
        creator,
    )


def options_of(args: argparse.Namespace, rate_hz: float) -> Options:
    """Return the readers' options.

    Raises:
        RecordingError: the start is not a time or the zone is not known.
    """
    zone = None
    if args.zone:
        try:
            zone = zone_of(args.zone)
        except ValueError as error:
            raise RecordingError(f"import: --zone: {error}") from None
    day_first = None if args.dates is None else args.dates == "day-first"
    start = moment_of(args.start, Rules("import: --start", zone, None, day_first))[0] if args.start else None
    return Options(rate_hz, zone, start, day_first, load_mapping(args.mapping) if args.mapping else None)


def _must_ask(args: argparse.Namespace) -> bool:
    return not (args.yes or args.dry_run or args.json or args.mapping) and sys.stdin.isatty() and sys.stdout.isatty()


def _agreed(request: ImportRequest, roster: Roster, out: Output) -> bool:
    """Show how guessed tables are read, and ask once; there is no question if no file is a guess."""
    from athlete_monitor.recordings.jobs import jobs_of
    from athlete_monitor.recordings.registry import by_kind

    forced = by_kind(request.kind) if request.kind else None
    files = search(request.paths).files
    guessed = [source for source, known in jobs_of(files, forced) if known is not None and known.kind == "csv"]
    if not guessed:
        return True
    look = dataclasses.replace(request, paths=[source.path for source in guessed[:3]], dry_run=True, create=None)
    import_files(look, roster, on_done=out.understood)
    more = f" (and {len(guessed) - 3} more tables)" if len(guessed) > 3 else ""
    answer = input(f"Import like this{more}? [y/N] ")
    return answer.strip().lower() in {"y", "yes"}
