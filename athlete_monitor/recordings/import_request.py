"""What a user asks for when files are imported."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from athlete_monitor.recordings.format import Options

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from athlete_monitor.recordings.import_results import WrittenSession
    from athlete_monitor.recordings.imported import Whose
    from athlete_monitor.wire.session_files import Mode


@dataclass(frozen=True)
class ImportRequest:
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
    archive: Callable[[Sequence[WrittenSession]], None] | None = None
