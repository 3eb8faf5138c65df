"""Retention of files with personal data: each kind of file has its own number of days."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from athlete_monitor.config import Config

_log: Final = logging.getLogger(__name__)
DAY_S: Final = 86_400.0


@dataclass(frozen=True)
class KeptFiles:
    """One kind of file: its folder, its name patterns, and for how many days it is kept; None: forever."""

    kind: str
    folder: Path
    pattern: str
    days: int | None


def kinds(config: Config) -> tuple[KeptFiles, ...]:
    """The kinds of files that the configuration limits."""
    keep, paths = config.retention, config.paths
    return (
        KeptFiles("training sessions", paths.data_root, "player_*/TR*.csv*", keep.session_files_days),
        KeptFiles("match sessions", paths.game_data_root, "player_*/GM*.csv*", keep.session_files_days),
        KeptFiles("outputs", paths.prediction_outputs, "A*/*.json", keep.outputs_days),
        KeptFiles("logs of devices", config.logging.logs_dir, "A*.log", keep.logs_days),
    )


def expired(kept: KeptFiles, now_s: float) -> Iterator[Path]:
    """Files of a kind that were last written longer ago than they are kept; links are not touched."""
    if kept.days is None:
        return
    oldest_s = now_s - kept.days * DAY_S
    for path in sorted(kept.folder.glob(kept.pattern)):
        with suppress(OSError):
            if not path.is_symlink() and path.stat().st_mtime < oldest_s:
                yield path


def apply_retention(config: Config, now_s: float | None = None) -> int:
    """Remove what has expired and log one line for each kind; returns how many files were removed.

    A file that cannot be removed does not stop the others.
    """
    now_s = time.time() if now_s is None else now_s
    removed = 0
    for kept in kinds(config):
        count = 0
        for path in expired(kept, now_s):
            with suppress(OSError):
                path.unlink()
                count += 1
        if count:
            _log.info("event=retention kind=%r removed=%d kept_days=%d", kept.kind, count, kept.days)
        removed += count
    return removed
