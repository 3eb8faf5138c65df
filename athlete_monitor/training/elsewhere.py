"""Sessions read on machines that do not have the files: the bytes of new ones travel there, their rows come back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from athlete_monitor.training.dataset import extract
from athlete_monitor.training.rows import SessionRows, Unusable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from athlete_monitor.config import Config
    from athlete_monitor.features import FeatureSpec
    from athlete_monitor.training.row_cache import RowCache
    from athlete_monitor.training.sessions import Candidates


@dataclass(frozen=True)
class Missing:
    """The sessions of a group of athletes whose rows are not known here; their bytes are read when it is pickled."""

    group: tuple[Candidates, ...]
    cache: RowCache | None = None

    def __getstate__(self) -> dict[str, object]:
        """Give what travels: new sessions with their bytes."""
        return {"group": tuple(_packed(athlete, self.cache) for athlete in self.group), "cache": None}


def _packed(athlete: Candidates, cache: RowCache | None) -> Candidates:
    missing = [file for file in athlete.files if cache is None or cache.load(athlete.athlete_id, file) is None]
    return replace(athlete, files=tuple(file.packed() for file in missing))


def extract_missing(missing: Missing, spec: FeatureSpec, settings: Config) -> list[list[SessionRows | Unusable]] | str:
    """Read and replay new sessions; runs anywhere. The reason where that is impossible."""
    try:
        return extract(missing.group, spec, settings.training.rows_per_second, settings.jetson.batch_size)
    except MemoryError:
        return "not enough memory"


def with_known(
    group: Sequence[Candidates], fresh: Sequence[Sequence[SessionRows | Unusable]], cache: RowCache
) -> list[list[SessionRows | Unusable]]:
    """Put new rows between known ones, in the order of the files, and keep them for the next time."""
    return [_with_known(athlete, iter(items), cache) for athlete, items in zip(group, fresh, strict=True)]


def _with_known(
    athlete: Candidates, fresh: Iterator[SessionRows | Unusable], cache: RowCache
) -> list[SessionRows | Unusable]:
    found: list[SessionRows | Unusable] = []
    for file in athlete.files:
        item = cache.load(athlete.athlete_id, file)
        if item is None:
            new = next(fresh)
            if isinstance(new, SessionRows):
                cache.save(athlete.athlete_id, file, new)
            found.append(new)
        else:
            found.append(item)
    cache.prune(athlete.athlete_id, athlete.files)
    return found
