"""Import of many files: each is recognised, read, assigned and written; one that fails never stops the others."""

from __future__ import annotations

import dataclasses
import logging
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from athlete_monitor.errors import MonitorError, RecordingError
from athlete_monitor.recordings.figures import figures_of
from athlete_monitor.recordings.import_results import ImportedSession, ImportResults, WrittenSession
from athlete_monitor.recordings.jobs import jobs_of
from athlete_monitor.recordings.owners import AmbiguousOwnerError, Owners
from athlete_monitor.recordings.plans import named
from athlete_monitor.recordings.prepare import prepared
from athlete_monitor.recordings.registry import by_kind
from athlete_monitor.recordings.search import search
from athlete_monitor.recordings.source import NotARecording, Source
from athlete_monitor.recordings.stored import StoredSessions, difference
from athlete_monitor.recordings.timeline import in_zone
from athlete_monitor.recordings.unrecognised import unread, unrecognised
from athlete_monitor.recordings.writing import NoSpaceError, keep_summary, remove_unfinished, write_session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from athlete_monitor.athletes import Athlete
    from athlete_monitor.recordings.format import Format
    from athlete_monitor.recordings.import_request import ImportRequest
    from athlete_monitor.recordings.imported import Imported
    from athlete_monitor.wire.session_files import Mode

log = logging.getLogger(__name__)
_MOST_BESIDE: Final = 3
_MOST_EXPLAINED: Final = 20
_STOPPED: Final = "nothing more is imported; free some space and give the same command again"
_QUEUED_SESSIONS: Final = 32
_QUEUED_CELLS: Final = 1_000_000
"""Sessions that wait to be written in the order of their starts: few, so that the first ones are soon on the disk."""
_ARCHIVED_CELLS: Final = 16_000_000
"""Cells of written sessions that wait to be archived: 128 MB. They are archived together, which costs the less for
each the more they are."""


def import_files(
    request: ImportRequest,
    roster: Iterable[Athlete],
    on_file: Callable[[str, int, int], None] = lambda _label, _place, _of: None,
    on_done: Callable[[ImportedSession], None] = lambda _done: None,
) -> ImportResults:
    """Import all recordings below the paths.

    Args:
        request: what to import and how.
        roster: for the owners.
        on_file: called before each file is read, with its label, its position and the number of files.
        on_done: called with each session after it is written.

    Raises:
        RecordingError: the kind is not known.
    """
    forced = by_kind(request.kind) if request.kind else None
    found = search(request.paths)
    report = ImportResults(failed=list(found.failed), links=found.links)
    run = _Run(request, Owners(roster, request.athlete_id, request.named), report, on_done)
    try:
        _remove_unfinished(request)
        for place, (source, known) in enumerate(jobs_of(found.files, forced)):
            on_file(str(source), place, len(found.files))
            if known is None:
                _pass_over(source, report, named=found.is_named(source), explain=request.dry_run)
            else:
                with_boundary(str(source), report, partial(run.take, source, known), named=found.is_named(source))
        run.write()
        run.archive()
    except NoSpaceError as error:
        report.failed.append(f"{error}; {_STOPPED}")
    finally:
        _remove_unfinished(request)
    return report


def _remove_unfinished(request: ImportRequest) -> None:
    if not request.dry_run:
        remove_unfinished(request.training_root)
        remove_unfinished(request.game_root)


def with_boundary(label: str, report: ImportResults, work: Callable[[], None], *, named: bool = True) -> None:
    """Do some work; any error in it becomes one line, but for a full disk.

    Raises:
        NoSpaceError: there is no room for this session, nor for others.
    """
    try:
        work()
    except NoSpaceError:
        raise
    except NotARecording as error:
        if named:
            report.failed.append(str(error))
        else:
            report.passed_over["hold no recording"] += 1
            report.others.append(str(error))
    except MonitorError as error:
        report.failed.append(str(error))
    except MemoryError:
        report.failed.append(f"{label}: needs more memory than is available")
    except Exception as error:
        log.exception("%s", label)
        report.failed.append(f"{label}: cannot be read: {type(error).__name__}: {' '.join(str(error).split())[:120]}")


def _pass_over(source: Source, report: ImportResults, *, named: bool, explain: bool) -> None:
    """Count a file of no supported format; one that may hold recordings, or that the user named, is a failure."""
    cause = unread(source)
    if cause or named:
        report.failed.append(f"{source}: {cause or unrecognised(source)}")
        return
    report.passed_over["are not recordings"] += 1
    if explain and len(report.others) < _MOST_EXPLAINED:
        report.others.append(f"{source}: {unrecognised(source)}")


class _Run:
    """Recordings that become session files."""

    def __init__(
        self, request: ImportRequest, owners: Owners, report: ImportResults, on_done: Callable[[ImportedSession], None]
    ) -> None:
        self._request = request
        self._owners = owners
        self._report = report
        self._on_done = on_done
        self._stored = StoredSessions({"training": request.training_root, "game": request.game_root})
        self._queued: list[tuple[Imported, int]] = []
        self._written: list[WrittenSession] = []
        self._written_cells = 0

    def take(self, source: Source, known: Format) -> None:
        """Read a file and queue its sessions for writing; recordings in it that fail do not stop the others.

        Raises:
            RecordingError: the file is not readable, or has several athletes where the user names one.
        """
        recordings = known.recordings(source, self._request.options)
        people = list(dict.fromkeys(str(recording.whose) for recording in recordings))
        if self._request.athlete_id is not None and len(people) > 1:
            what = "devices" if all(recording.whose.is_device for recording in recordings) else "athletes"
            raise RecordingError(
                f"{source}: holds {len(people)} {what}: {named(people)}; leave --athlete out, "
                f"or give --athlete {'DEVICE' if what == 'devices' else 'NAME'}=N for each"
            )
        for recording in recordings:
            whole = dataclasses.replace(recording, kind=recording.kind or known.kind)
            with_boundary(str(whole), self._report, partial(self._take_one, whole, source))

    def _take_one(self, recording: Imported, source: Source) -> None:
        if self._request.athlete_id is not None and recording.whose.athlete_id not in (None, self._request.athlete_id):
            recording = recording.noted(
                f"its rows are of {recording.whose}; imported for athlete {self._request.athlete_id}"
            )
        recording = in_zone(recording, self._request.options.zone)
        parts = [recording] if recording.summary else prepared(recording)
        folders = (*source.folders, source.stem)
        if self._request.dry_run:
            self._look(parts, folders)
            return
        athlete_id = self._owner(recording, folders)
        self._queued += [(part, athlete_id) for part in self._noted(parts, athlete_id)]
        if len(self._queued) >= _QUEUED_SESSIONS or sum(_cells(part) for part, _ in self._queued) > _QUEUED_CELLS:
            self.write()

    def _look(self, parts: Sequence[Imported], folders: Sequence[str]) -> None:
        for part in parts:
            problem, athlete_id = "", None
            try:
                athlete_id = self._owners.athlete_of(part.whose, folders)
            except RecordingError as error:
                problem = "" if self._creates(part, error) else str(error)
            if athlete_id is None or part.summary:
                self._finish(ImportedSession(figures_of(part), athlete_id, self._mode(part), None, problem=problem))
            elif not self._is_known(part, athlete_id):
                [noted] = self._noted([self._beside(part, athlete_id)], athlete_id)
                self._finish(ImportedSession(figures_of(noted), athlete_id, self._mode(part), None))
                self._stored.add(athlete_id, Path(str(part)), self._mode(part), part.t)

    def _noted(self, parts: Sequence[Imported], athlete_id: int) -> list[Imported]:
        return [part.noted(self._owners.taken_as(part.whose, athlete_id)) for part in parts]

    def _owner(self, recording: Imported, folders: Sequence[str]) -> int:
        try:
            return self._owners.athlete_of(recording.whose, folders)
        except RecordingError as error:
            if self._request.create is None or not self._creates(recording, error):
                raise RecordingError(f"{recording}: {error}") from None
            return self._request.create(recording.whose)

    def _creates(self, recording: Imported, error: RecordingError) -> bool:
        """Whether an athlete is created for a recording of nobody in the roster."""
        whose = recording.whose
        named_somehow = any(given is not None for given in (whose.name, whose.number, whose.athlete_id))
        return self._request.create is not None and named_somehow and not isinstance(error, AmbiguousOwnerError)

    def _mode(self, recording: Imported) -> Mode:
        return self._request.mode or recording.mode or "training"

    def write(self) -> None:
        """Write the queued sessions, in the order of their starts."""
        queued, self._queued = sorted(self._queued, key=lambda item: _start(item[0])), []
        for recording, athlete_id in queued:
            with_boundary(str(recording), self._report, partial(self._write, recording, athlete_id))
        if self._written_cells > _ARCHIVED_CELLS:
            self.archive()

    def archive(self) -> None:
        """Archive the written sessions, in the order of their starts."""
        written = sorted(self._written, key=lambda each: _start(each.recording))
        self._written, self._written_cells = [], 0
        if self._request.archive is not None and written:
            with_boundary("archive", self._report, partial(self._request.archive, written))

    def _write(self, recording: Imported, athlete_id: int) -> None:
        mode = self._mode(recording)
        root = self._request.training_root if mode == "training" else self._request.game_root
        if recording.summary:
            path, known_path = keep_summary(recording, root, athlete_id, mode)
            self._finish(ImportedSession(figures_of(recording), athlete_id, mode, path, known=known_path))
            return
        if self._is_known(recording, athlete_id):
            return
        noted = self._beside(recording, athlete_id)
        path = write_session(recording, root, athlete_id, self._device(athlete_id), mode)
        self._stored.add(athlete_id, path, mode, recording.t)
        self._to_archive(recording, athlete_id, mode)
        self._finish(ImportedSession(figures_of(noted), athlete_id, mode, path))

    def _to_archive(self, recording: Imported, athlete_id: int, mode: Mode) -> None:
        if self._request.archive is not None:
            self._written.append(WrittenSession(recording, athlete_id, self._device(athlete_id), mode))
            self._written_cells += _cells(recording)

    def _device(self, athlete_id: int) -> str:
        return self._request.device or f"{athlete_id:03d}"

    def _is_known(self, recording: Imported, athlete_id: int) -> bool:
        """ImportResults a session that is already imported; what is missing in the archive is added to it."""
        known = self._stored.same(athlete_id, float(recording.t[0]), self._mode(recording))
        if known is None:
            return False
        differs = difference(recording, known.path) if known.path.exists() else ""
        if not differs and not self._request.dry_run:
            self._to_archive(recording, athlete_id, known.mode)
        self._finish(
            ImportedSession(figures_of(recording), athlete_id, known.mode, known.path, known=True, differs=differs)
        )
        return True

    def _beside(self, recording: Imported, athlete_id: int) -> Imported:
        """Note sessions of the same athlete at the same time: two devices, or an athlete mistaken for another."""
        others = self._stored.overlapping(athlete_id, recording.t)
        names = ", ".join(other.path.name for other, _ in others[:_MOST_BESIDE])
        minutes = max((shared_s for _, shared_s in others), default=0.0) / 60
        return recording.noted(
            f"athlete {athlete_id} has another session at the same time ({names}, {minutes:.0f} min in common): loads "
            "count only the one with the larger load"
            if others
            else ""
        )

    def _finish(self, done: ImportedSession) -> None:
        self._on_done(done)
        self._report.done.append(done)


def _start(recording: Imported) -> float:
    return float(recording.t[0]) if len(recording.t) else 0.0


def _cells(recording: Imported) -> int:
    return len(recording.t) * (len(recording.channels) + 1)
