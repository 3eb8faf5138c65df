"""Retention of files with personal data: each kind of file has its own number of days."""

from __future__ import annotations

import logging
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Final

from athlete_monitor.system.clock import EARLIEST_S, is_synchronised, is_trusted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
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
    if kept.days is not None:
        oldest_s = now_s - kept.days * DAY_S
        yield from (path for path, written_s in _written(kept) if EARLIEST_S <= written_s < oldest_s)


def apply_retention(
    config: Config, now_s: float | None = None, synchronised: Callable[[], bool | None] = is_synchronised
) -> int:
    """Remove what has expired and log one line for each kind; returns how many files were removed.

    A file that cannot be removed does not stop the others. Nothing is removed while the clock is not to be trusted, see
    ``is_trusted``. A file that was written while the clock was not set, or was set ahead, counts as written now.
    """
    now_s = time.time() if now_s is None else now_s
    limited = [kept for kept in kinds(config) if kept.days is not None]
    if not is_trusted(now_s, (t for kept in limited for _, t in _written(kept)), synchronised):
        _log.warning("event=retention_postponed reason='the clock may be wrong: %s'", _day(now_s))
        return 0
    return sum(_applied(kept, now_s) for kept in limited)


def _applied(kept: KeptFiles, now_s: float) -> int:
    count = 0
    for path, written_s in _written(kept):
        if not EARLIEST_S <= written_s <= now_s + DAY_S:
            with suppress(OSError):
                os.utime(path, (now_s, now_s))
    for path in expired(kept, now_s):
        with suppress(OSError):
            path.unlink()
            count += 1
    if count:
        _log.info("event=retention kind=%r removed=%d kept_days=%d", kept.kind, count, kept.days)
    return count


def _written(kept: KeptFiles) -> Iterator[tuple[Path, float]]:
    """Files of a kind with the time of their last change; no links."""
    for path in sorted(kept.folder.glob(kept.pattern)):
        with suppress(OSError):
            if not path.is_symlink():
                yield path, path.stat().st_mtime


def _day(t: float) -> str:
    return f"it says {datetime.fromtimestamp(t, timezone.utc):%Y-%m-%d}, and no file is of the year before"
