"""The rows of several athletes' sessions: those that are cached, and the others read and replayed together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from athlete_monitor.boundary import described, printable
from athlete_monitor.training.replaying import ReplayTrack, load_track, replay
from athlete_monitor.training.rows import SessionRows, Unusable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from athlete_monitor.features import FeatureSpec
    from athlete_monitor.training.sessions import Candidates, SessionFile


class CachedRows(Protocol):
    """Rows of sessions that were replayed before: ``training/row_cache.py``."""

    def load(self, athlete_id: int, file: SessionFile) -> SessionRows | None:
        """The rows of a session; None if they are not cached."""

    def save(self, athlete_id: int, file: SessionFile, rows: SessionRows) -> None:
        """Store the rows of a session."""

    def prune(self, athlete_id: int, files: Iterable[SessionFile]) -> None:
        """Remove an athlete's other sessions."""


def extract(
    candidates: Sequence[Candidates],
    spec: FeatureSpec,
    rows_per_second: float,
    batch_steps: int,
    kept: CachedRows | None = None,
) -> list[list[SessionRows | Unusable]]:
    """Read and replay the sessions of several athletes together; unusable ones get a reason, for each athlete.

    Sessions whose rows are ``kept`` are not read again.
    """
    found = [
        [kept.load(athlete.athlete_id, file) if kept else None for file in athlete.files] for athlete in candidates
    ]
    fresh = _fresh(candidates, found, spec, rows_per_second, batch_steps)
    results: list[list[SessionRows | Unusable]] = []
    for athlete, items in zip(candidates, found, strict=True):
        results.append([])
        for file, known in zip(athlete.files, items, strict=True):
            item = next(fresh) if known is None else known
            results[-1].append(item)
            if kept and known is None and isinstance(item, SessionRows):
                kept.save(athlete.athlete_id, file, item)
        if kept:
            kept.prune(athlete.athlete_id, athlete.files)
    return results


def _fresh(
    candidates: Sequence[Candidates],
    found: Sequence[Sequence[SessionRows | None]],
    spec: FeatureSpec,
    rows_per_second: float,
    batch_steps: int,
) -> Iterator[SessionRows | Unusable]:
    """Read and replay the sessions that were not found, in order."""
    loaded = [
        _load(file, athlete.athlete_id)
        for athlete, items in zip(candidates, found, strict=True)
        for file, known in zip(athlete.files, items, strict=True)
        if known is None
    ]
    tracks = [item for item in loaded if isinstance(item, ReplayTrack)]
    replayed = iter(_replayed(tracks, spec, rows_per_second, batch_steps))
    return (item if isinstance(item, Unusable) else next(replayed) for item in loaded)


def _load(file: SessionFile, athlete_id: int) -> ReplayTrack | Unusable:
    try:
        return load_track(file, athlete_id)
    except Exception as error:  # noqa: BLE001 - a session's reading is a border
        return _unusable(file, error)


def _unusable(file: SessionFile, error: Exception) -> Unusable:
    fault = described(error)
    reason = fault.cause.removeprefix(printable(str(file.path))).lstrip(":1 ")
    return Unusable(file.name, file.sha256, f"cannot be read ({reason})" if fault.trace else reason, fault.trace)


def _replayed(
    tracks: Sequence[ReplayTrack], spec: FeatureSpec, rows_per_second: float, batch_steps: int
) -> list[SessionRows | Unusable]:
    """Replay together; if that fails, one by one, so that only the faulty session is lost."""
    try:
        return [*replay(tracks, spec, rows_per_second, batch_steps)]
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - a session's replay is a border
        if len(tracks) == 1:
            return [_unusable(tracks[0].file, error)]
    return [item for track in tracks for item in _replayed([track], spec, rows_per_second, batch_steps)]
