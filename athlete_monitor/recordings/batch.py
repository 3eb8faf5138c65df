"""Import of many files: each is recognised, read, assigned and written; one that fails never stops the others."""

from __future__ import annotations

import dataclasses
import logging
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from athlete_monitor.errors import MonitorError, RecordingError
from athlete_monitor.recordings.figures import Figures, figures_of
from athlete_monitor.recordings.format import Format, Options
from athlete_monitor.recordings.jobs import jobs_of
from athlete_monitor.recordings.jsons import is_json
from athlete_monitor.recordings.owners import AmbiguousOwnerError, Owners
from athlete_monitor.recordings.plans import named
from athlete_monitor.recordings.prepare import prepared
from athlete_monitor.recordings.registry import by_kind
from athlete_monitor.recordings.search import Search, search
from athlete_monitor.recordings.source import NotARecording, Source
from athlete_monitor.recordings.stored import StoredSessions, difference
from athlete_monitor.recordings.timeline import in_zone
from athlete_monitor.recordings.writing import keep_summary, samples, write_session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from athlete_monitor.athletes import Athlete
    from athlete_monitor.recordings.imported import Imported, Whose
    from athlete_monitor.wire.sample import Sample
    from athlete_monitor.wire.session_files import Mode

log = logging.getLogger(__name__)
_MOST_BESIDE: Final = 3
_HELD_CELLS: Final = 16_000_000
"""Cells of recordings that wait to be written in the order of their starts: 128 MB. They are archived together, which
costs the less for each the more they are."""


@dataclass(frozen=True)
class Request:
    """A request to import files.

    Attributes:
        paths: files and folders.
        training_root: folder of training sessions.
        game_root: folder of matches.
        options: for the readers.
        kind: the format of all files; recognised if None.
        athlete_id: the athlete of all files.
        named: athletes by the names in the files.
        mode: training or game; from the files if None.
        device: the device that they are assigned to.
        dry_run: whether nothing is written.
        create: creates an athlete for a recording whose owner is not in the roster, and returns the id.
        archive: gets the sessions that were written, a few at a time; nothing is archived if None.
    """

    paths: Sequence[Path]
    training_root: Path
    game_root: Path
    options: Options = field(default_factory=Options)
    kind: str | None = None
    athlete_id: int | None = None
    named: Mapping[str, int] = field(default_factory=dict)
    mode: Mode | None = None
    device: str | None = None
    dry_run: bool = False
    create: Callable[[Whose], int] | None = None
    archive: Callable[[Sequence[Written]], None] | None = None


@dataclass(frozen=True)
class Written:
    """A recording that has become a session file.

    Attributes:
        recording: its samples.
        athlete_id: the athlete.
        device_id: the device that it is assigned to.
        mode: training or game.
    """

    recording: Imported
    athlete_id: int
    device_id: str
    mode: Mode

    def __len__(self) -> int:
        return len(self.recording)

    def samples(self) -> Iterator[Sample]:
        """Yield the rows as samples, as the session file has them."""
        return samples(self.recording.in_mode(self.mode), self.athlete_id, self.device_id)


@dataclass(frozen=True)
class Done:
    """A session that was imported, or would be.

    Attributes:
        figures: what was read.
        athlete_id: the athlete; None in a dry run without owner.
        mode: training or game.
        path: the session file; None in a dry run, and for figures without samples.
        known: whether it was already imported.
        differs: how the imported session differs from the file, empty where it does not.
        problem: why it has no owner, in a dry run; empty without an owner if one would be created.
    """

    figures: Figures
    athlete_id: int | None
    mode: Mode
    path: Path | None
    known: bool = False
    differs: str = ""
    problem: str = ""


@dataclass
class Report:
    """The results of all files.

    Attributes:
        done: sessions, oldest first as far as they were read together.
        failed: one line for each file or recording that could not be imported.
        passed_over: files in searched folders that are not recordings, by reason.
        others: the first of them, one line each with the reason; in a dry run only.
        links: links that were not followed.
        archived: sessions that are new in the archive.
    """

    done: list[Done] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)
    others: list[str] = field(default_factory=list)
    links: int = 0
    archived: int = 0


def import_files(
    request: Request,
    roster: Iterable[Athlete],
    on_file: Callable[[str, int, int], None] = lambda _label, _place, _of: None,
    on_done: Callable[[Done], None] = lambda _done: None,
) -> Report:
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
    report = Report(failed=list(found.failed), links=found.links)
    run = _Run(request, Owners(roster, request.athlete_id, request.named), report, on_done)
    jobs = _jobs(found, forced, report, explain=request.dry_run)
    for place, (source, known) in enumerate(jobs):
        on_file(str(source), place, len(jobs))
        with_boundary(
            str(source),
            report,
            partial(run.take, source, known),
            named=found.is_named(source),
        )
    run.write()
    return report


def with_boundary(label: str, report: Report, work: Callable[[], None], *, named: bool = True) -> None:
    """Do some work; any error in it becomes one line."""
    try:
        work()
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


def _jobs(found: Search, forced: Format | None, report: Report, *, explain: bool) -> list[tuple[Source, Format]]:
    """Return the files that are recordings, each with its format."""
    jobs = jobs_of(found.files, forced)
    for source in jobs.unknown:
        if found.is_named(source):
            report.failed.append(f"{source}: {unrecognised(source)}")
        else:
            report.passed_over["are not recordings"] += 1
            if explain and len(report.others) < _MOST_EXPLAINED:
                report.others.append(f"{source}: {unrecognised(source)}")
    return jobs.recordings


_EXPORT: Final = "export FIT, TCX or GPX from its program"
_OTHERS: Final = {
    ".xls": ("an old Excel workbook", "save it as .xlsx or CSV"),
    ".ods": ("an OpenDocument workbook", "save it as .xlsx or CSV"),
    ".kml": ("a Google Earth file", "export GPX"),
    ".kmz": ("a Google Earth file", "export GPX"),
    ".hrm": ("a file of old Polar watches", _EXPORT),
    ".sml": ("a file of Suunto", _EXPORT),
    ".pwx": ("a file of TrainingPeaks", _EXPORT),
    ".fitlog": ("a file of SportTracks", _EXPORT),
    ".srm": ("a file of SRM power meters", _EXPORT),
    ".slf": ("a file of Sigma", _EXPORT),
}
"""Formats of recordings that are known and not read, by their suffix: what they are, and what to do."""
_MOST_EXPLAINED: Final = 20
_TABLES: Final = (".csv", ".txt", ".tsv", ".xlsx", ".gz")


def unrecognised(source: Source) -> str:
    """Return why a file is not a known recording."""
    if not source.head:
        try:
            source.read(1024)
        except RecordingError as error:
            return str(error).removeprefix(f"{source}: ")
        return "is empty"
    other = _OTHERS.get(source.name.lower()[source.name.rfind(".") :])
    if other is not None:
        return f"is {other[0]}, which is not read; {other[1]}"
    if is_json(source):
        if b'"seconds_elapsed"' in source.head:
            return "is JSON of Sensor Logger; export its recording as CSV (zip)"
        return "is JSON of an unknown program; JSON of GoldenCheetah and Strava is read"
    cause = _table_cause(source)
    return f"is not recognised as a recording{': ' if cause else ''}{cause}"


def _table_cause(source: Source) -> str:
    """Return why a table is not a recording; of a text without columns, only that it is none."""
    from athlete_monitor.recordings.formats.generic import understood
    from athlete_monitor.recordings.tabular import imported

    try:
        plan = understood(source, Options(start_t=0.0))
        if len(plan.layout.header) < 2 or not source.name.lower().endswith(_TABLES):
            return "it has no columns"
        imported(plan, Options(start_t=0.0))
    except RecordingError as error:
        return str(error).removeprefix(f"{source}: ")
    return ""


class _Run:
    """Recordings that become session files."""

    def __init__(self, request: Request, owners: Owners, report: Report, on_done: Callable[[Done], None]) -> None:
        self._request = request
        self._owners = owners
        self._report = report
        self._on_done = on_done
        self._stored = StoredSessions({"training": request.training_root, "game": request.game_root})
        self._held: list[tuple[Imported, int]] = []
        self._written: list[Written] = []
        self._cells = 0

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
        for part in self._noted(parts, athlete_id):
            self._held.append((part, athlete_id))
            self._cells += len(part.t) * (len(part.channels) + 1)
        if self._cells > _HELD_CELLS:
            self.write()

    def _look(self, parts: Sequence[Imported], folders: Sequence[str]) -> None:
        for part in parts:
            problem, athlete_id = "", None
            try:
                athlete_id = self._owners.athlete_of(part.whose, folders)
            except RecordingError as error:
                problem = "" if self._creates(part, error) else str(error)
            if athlete_id is None or part.summary:
                self._finish(Done(figures_of(part), athlete_id, self._mode(part), None, problem=problem))
            elif not self._is_known(part, athlete_id):
                [noted] = self._noted([self._beside(part, athlete_id)], athlete_id)
                self._finish(Done(figures_of(noted), athlete_id, self._mode(part), None))
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
        held, self._held, self._cells = (
            sorted(self._held, key=lambda item: float(item[0].t[0]) if len(item[0].t) else 0.0),
            [],
            0,
        )
        for recording, athlete_id in held:
            with_boundary(str(recording), self._report, partial(self._write, recording, athlete_id))
        written, self._written = self._written, []
        if self._request.archive is not None and written:
            with_boundary("archive", self._report, partial(self._request.archive, written))

    def _write(self, recording: Imported, athlete_id: int) -> None:
        mode = self._mode(recording)
        root = self._request.training_root if mode == "training" else self._request.game_root
        if recording.summary:
            path, known_path = keep_summary(recording, root, athlete_id, mode)
            self._finish(Done(figures_of(recording), athlete_id, mode, path, known=known_path))
            return
        if self._is_known(recording, athlete_id):
            return
        noted = self._beside(recording, athlete_id)
        path = write_session(recording, root, athlete_id, self._device(athlete_id), mode)
        self._stored.add(athlete_id, path, mode, recording.t)
        self._written.append(Written(recording, athlete_id, self._device(athlete_id), mode))
        self._finish(Done(figures_of(noted), athlete_id, mode, path))

    def _device(self, athlete_id: int) -> str:
        return self._request.device or f"{athlete_id:03d}"

    def _is_known(self, recording: Imported, athlete_id: int) -> bool:
        """Report a session that is already imported; what is missing in the archive is added to it."""
        known = self._stored.same(athlete_id, float(recording.t[0]), self._mode(recording))
        if known is None:
            return False
        differs = difference(recording, known.path) if known.path.exists() else ""
        if not differs and not self._request.dry_run:
            self._written.append(Written(recording, athlete_id, self._device(athlete_id), known.mode))
        self._finish(Done(figures_of(recording), athlete_id, known.mode, known.path, known=True, differs=differs))
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

    def _finish(self, done: Done) -> None:
        self._on_done(done)
        self._report.done.append(done)
