"""What has become of imported files: sessions that were written, and the results of all files."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from athlete_monitor.recordings.writing import samples

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from athlete_monitor.recordings.figures import RecordingFigures
    from athlete_monitor.recordings.imported import Imported
    from athlete_monitor.wire.sample import Sample
    from athlete_monitor.wire.session_files import Mode


@dataclass(frozen=True)
class WrittenSession:
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
class ImportedSession:
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

    figures: RecordingFigures
    athlete_id: int | None
    mode: Mode
    path: Path | None
    known: bool = False
    differs: str = ""
    problem: str = ""


@dataclass
class ImportResults:
    """The results of all files.

    Attributes:
        done: sessions, oldest first as far as they were read together.
        failed: one line for each file or recording that could not be imported.
        passed_over: files in searched folders that are not recordings, by reason.
        others: the first of them, one line each with the reason; in a dry run only.
        links: links that were not followed.
        archived: sessions that are new in the archive.
    """

    done: list[ImportedSession] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)
    others: list[str] = field(default_factory=list)
    links: int = 0
    archived: int = 0
