"""Files of every format as recordings in memory, for replays: nothing is written, unknown people get a free id."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from athlete_monitor.errors import RecordingError
from athlete_monitor.recordings.format import Options
from athlete_monitor.recordings.jobs import jobs_of
from athlete_monitor.recordings.owners import Owners
from athlete_monitor.recordings.prepare import prepared
from athlete_monitor.recordings.registry import recognised
from athlete_monitor.recordings.search import search
from athlete_monitor.recordings.source import NotARecording
from athlete_monitor.recordings.unrecognised import unread, unrecognised
from athlete_monitor.wire.session_files import athlete_in_name
from athlete_monitor.wire.session_reader import Recording, read_session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from athlete_monitor.athletes import Athlete
    from athlete_monitor.recordings.imported import Imported, Whose
    from athlete_monitor.recordings.source import Source

log = logging.getLogger(__name__)


def open_recordings(
    paths: Sequence[Path],
    roster: Iterable[Athlete] = (),
    options: Options | None = None,
    on_failure: Callable[[str], None] | None = None,
) -> list[Recording]:
    """Return all recordings below some paths: files, folders and archives that ``import`` reads.

    Args:
        paths: what to open.
        roster: for the owners; a person whom a file does not name, or who is not in the roster, gets a free id.
        options: for the readers.
        on_failure: called with one line for each file that could not be opened; the others are still opened. Without
            it, the first failure is raised.

    Raises:
        RecordingError: a path is not a readable recording, or none is below it.
    """

    def refuse(cause: str) -> None:
        raise RecordingError(cause)

    opener = Opener(roster, options)
    return [recording for path in paths for recording in _one(path, opener, on_failure or refuse)]


class Opener:
    """Opens files one after another, so that not all of them are in memory; strangers keep their free numbers.

    Args:
        roster: for the owners.
        options: for the readers.
    """

    def __init__(self, roster: Iterable[Athlete] = (), options: Options | None = None) -> None:
        self._owners, self._options = _Numbers(list(roster)), options or Options()

    def search(self, path: Path, on_failure: Callable[[str], None]) -> list[Source]:
        """Return the recordings below a path, unread; what cannot be opened is passed to ``on_failure`` as one line."""
        found = search([path])
        for cause in found.failed:
            on_failure(cause)
        recordings = []
        for source, known in jobs_of(found.files):
            if known is not None:
                recordings.append(source)
            elif cause := unread(source) or (unrecognised(source) if found.is_named(source) else ""):
                on_failure(f"{source}: {cause}")
        return recordings

    def is_session(self, source: Source) -> bool:
        """Whether a file is one of the project's own session files, on disk."""
        known = recognised(source)
        return known is not None and known.kind == "session" and not source.member

    def keep_number(self, name: str) -> None:
        """Give nobody else the athlete's number in a session file's name."""
        number = athlete_in_name(name)
        if number is not None:
            self._owners.take(number)

    def recordings(self, source: Source) -> Iterator[Recording]:
        """Yield the recordings in a file.

        Raises:
            RecordingError: it cannot be read, or one of its recordings cannot be used; the others come first.
        """
        known = recognised(source)
        if known is not None and known.kind == "session" and not source.member:
            yield self._owners.seen(read_session(source.path))
        elif known is not None:
            failed: list[str] = []
            for recording in known.recordings(source, self._options):
                yield from self._converted(recording, source, failed)
            if failed:
                raise RecordingError("; ".join(failed))

    def _converted(self, recording: Imported, source: Source, failed: list[str]) -> list[Recording]:
        try:
            return _converted(recording, source, self._owners)
        except RecordingError as error:
            failed.append(str(error))
            return []


def _one(path: Path, opener: Opener, on_failure: Callable[[str], None]) -> Iterator[Recording]:
    """Yield the recordings below a path; any error becomes one line and does not stop the others."""
    failed: list[str] = []
    empty: list[str] = []
    count = 0
    for source in opener.search(path, failed.append):
        for recording in _whatever_it_is(source, opener, failed, empty):
            count += 1
            yield recording
    if not count and not failed:
        failed += empty or [f"{path}: holds no recording"]
    for cause in failed:
        on_failure(cause)


def _whatever_it_is(source: Source, opener: Opener, failed: list[str], empty: list[str]) -> Iterator[Recording]:
    try:
        yield from opener.recordings(source)
    except NotARecording as error:
        empty.append(str(error))
    except RecordingError as error:
        failed.append(str(error))
    except Exception as error:
        log.exception("%s", source)
        failed.append(f"{source}: cannot be read: {type(error).__name__}: {' '.join(str(error).split())[:120]}")


def _converted(recording: Imported, source: Source, owners: _Numbers) -> list[Recording]:
    if recording.summary:
        return []
    athlete_id, note = owners.number(recording.whose, (*source.folders, source.stem), str(recording))
    return [
        Recording(
            path=source.path,
            athlete_id=athlete_id,
            device_id=owners.device(athlete_id),
            mode=part.mode or "training",
            profile=part.profile,
            t=part.t,
            values=part.values,
            tags=part.tags,
            tag_index=np.zeros(len(part.t), np.int64) if part.tag_index is None else part.tag_index,
            rr=dict(part.rr),
            skipped_rows=0,
            notes=(*part.notes, *([note] if note else [])),
        )
        for part in prepared(recording)
    ]


class _Numbers:
    """Ids of athletes: from the roster, else free ones."""

    def __init__(self, roster: list[Athlete]) -> None:
        self._owners = Owners(roster)
        self._devices = {athlete.id: athlete.device for athlete in roster}
        self._taken = set(self._devices)
        self._given: dict[str, int] = {}

    def seen(self, recording: Recording) -> Recording:
        """Register the id in a session file."""
        self.take(recording.athlete_id)
        return recording

    def take(self, number: int) -> None:
        """Remember that a number is somebody's."""
        self._taken.add(number)

    def number(self, whose: Whose, folders: Sequence[str], label: str) -> tuple[int, str]:
        """Return the athlete's id, and a note if it is only a free one."""
        try:
            return self._owners.athlete_of(whose, folders), ""
        except RecordingError:
            if whose.athlete_id is not None and whose.athlete_id >= 1:
                return whose.athlete_id, ""
        key = label if whose.name is None and whose.number is None else str(whose)
        if key not in self._given:
            self._given[key] = next(n for n in range(1, len(self._taken) + 2) if n not in self._taken)
            self._taken.add(self._given[key])
        return self._given[key], f"{whose} is replayed as athlete {self._given[key]}"

    def device(self, athlete_id: int) -> str:
        """Return the device that an athlete wears."""
        return self._devices.get(athlete_id, f"{athlete_id:03d}")
