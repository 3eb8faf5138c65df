"""``main.py --replay`` with ``--workers`` or ``--cluster``: plan, compute what is missing, archive, say how it went."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from athlete_monitor.athletes import Roster
from athlete_monitor.batch.choosing import chosen_place
from athlete_monitor.batch.progress import progress
from athlete_monitor.batch.storage import store_at
from athlete_monitor.replay.merging import merge
from athlete_monitor.replay.planning import formulas_version, grouped, planned, settings_version
from athlete_monitor.replay.task import Context

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from athlete_monitor.batch.places import Place
    from athlete_monitor.batch.storage import Store
    from athlete_monitor.batch.work import ItemOutcome
    from athlete_monitor.config import Config
    from athlete_monitor.replay.merging import Merged
    from athlete_monitor.replay.task import ReplayItem

SOME_FAILED: Final = 3
NONE_SUCCEEDED: Final = 1
WORKER_MB: Final = 600
"""Allowed for a worker; an estimate, not measured."""


@dataclass
class BatchTally:
    """How a batch goes."""

    computed: int = 0
    stored: int = 0
    """Files whose results an earlier run has left."""
    keys: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    cpu_s: float = 0.0


@dataclass(frozen=True)
class FinishedBatch:
    """A finished batch."""

    tally: BatchTally
    merged: Merged
    retries: int
    wall_s: float

    @property
    def exit_code(self) -> int:
        """0 where every file has a result, 3 where some have, 1 where none has."""
        if not self.tally.failed:
            return 0
        return SOME_FAILED if self.tally.keys else NONE_SUCCEEDED

    @property
    def line(self) -> str:
        """What was done, in one line."""
        tally, merged = self.tally, self.merged
        parts = [
            _count(len(tally.keys), "recording"),
            f"{tally.computed} computed",
            f"{tally.stored} from an earlier run",
            f"{len(tally.failed)} failed",
            f"{_count(merged.archived, 'session')} archived",
            f"{merged.known} already in the archive",
            _count(self.retries, "retry", "retries"),
            f"{tally.cpu_s:.1f} s of processor time in {self.wall_s:.1f} s",
        ]
        return ", ".join(parts)


def run_batch(
    config: Config,
    paths: Sequence[str],
    place: Place,
    results: str | None = None,
    on_failure: Callable[[str], None] = print,
) -> FinishedBatch:
    """Compute recordings and archive them; what an earlier run has computed is not computed again.

    Args:
        config: the configuration.
        paths: files, folders and archives, or URLs.
        place: where to compute.
        results: folder or URL where the results of single recordings are kept; by default beside the archive.
        on_failure: called at once for everything that cannot be read or computed, with one line.

    Raises:
        MonitorError: the archive or the store of results cannot be used.
    """
    began_s, tally = time.monotonic(), BatchTally()

    def failed(cause: str) -> None:
        tally.failed.append(cause)
        on_failure(cause)

    roster = Roster.load(config.athletes.roster)
    versions = f"{formulas_version()}-{settings_version(config)}"
    store = store_at(results or str(config.paths.journal.parent / "replay_results"), versions)
    context = Context(versions, config, roster, store.url)
    with progress("recordings") as bar:
        makers = list(planned(paths, roster, failed))
        bar.expect(len(makers))
        items = _missing(makers, store, tally, bar.step)
        groups = grouped(items, len(makers), place.workers)
        for cause in _kept(place.run(context, groups), store, tally, bar.step):
            failed(cause)
        merged = merge(config, store, tally.keys)
    for key in merged.damaged:
        failed(f"result {key}: is damaged; delete it and run again")
    return FinishedBatch(tally, merged, place.retries, time.monotonic() - began_s)


def _missing(
    makers: Iterable[Callable[[], list[ReplayItem]]], store: Store, tally: BatchTally, on_step: Callable[[], None]
) -> Iterator[ReplayItem]:
    """Yield the items that have no result yet, reading files only when a worker is free."""
    there, seen = store.names(), set(tally.keys)
    for make in makers:
        items = [item for item in make() if item.key not in seen]
        seen.update(item.key for item in items)
        missing = [item for item in items if item.key not in there]
        tally.stored += len(items) - len(missing)
        tally.keys += [item.key for item in items if item.key in there]
        if not missing:
            on_step()
        yield from missing


def _kept(
    outcomes: Iterable[ItemOutcome], store: Store, tally: BatchTally, on_step: Callable[[], None]
) -> Iterator[str]:
    """Store results as they come; yield the failures."""
    for outcome in outcomes:
        tally.cpu_s += outcome.cpu_s
        on_step()
        if outcome.failure is not None:
            yield outcome.failure
            continue
        if outcome.content is not None:
            store.put(outcome.item_key, outcome.content)
        tally.computed += 1
        tally.keys.append(outcome.item_key)


def place_of(config: Config, workers: int | None, cluster: str | None = None) -> Place:
    """Return where to replay; see ``batch.choosing.chosen_place``.

    Raises:
        MonitorError: Ray is not installed, or no cluster answers.
    """
    return chosen_place(workers, cluster, config.jetson.memory_limit_mb // WORKER_MB)


def _count(number: int, one: str, several: str = "") -> str:
    return f"{number} {one if number == 1 else several or f'{one}s'}"
