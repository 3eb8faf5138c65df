"""Import of recordings into the archive, many in parallel: in this process or in several."""

from __future__ import annotations

from collections.abc import Sized
from itertools import chain
from typing import TYPE_CHECKING, Final

from athlete_monitor.archive import Archive
from athlete_monitor.athletes import Roster
from athlete_monitor.engine.archive_sink import ArchiveSink
from athlete_monitor.engine.blocks import FEW_SESSIONS
from athlete_monitor.engine.journal.bulk import BulkJournal
from athlete_monitor.engine.sessions.session import session_id
from athlete_monitor.engine.sessions.wearers import Wearers
from athlete_monitor.engine.side_by_side import SideBySide

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from athlete_monitor.config import Config
    from athlete_monitor.engine.archive_workers import Workers
    from athlete_monitor.engine.offline import Recorded
    from athlete_monitor.engine.side_by_side import Phase
    from athlete_monitor.squad.prediction import ModelSource
    from athlete_monitor.wire.sample import Sample

LEAST_FOR_A_WORKER: Final = 16
"""Fewer recordings are computed faster by one process: it starts sooner, and each step is of more athletes."""


class Archiver:
    """Runs recordings into the archive of a configuration.

    Args:
        config: the configuration.
        models: the source of models; by default the configuration's folders.
        workers: the most processes that compute; one means this process.
        few: see ``SideBySide``.

    Raises:
        MonitorError: the archive cannot be used.
    """

    def __init__(
        self, config: Config, models: ModelSource | None = None, workers: int = 1, few: int = FEW_SESSIONS
    ) -> None:
        self._config = config
        self._journal = BulkJournal(config.paths.journal)
        self._sink = ArchiveSink(self._journal, Archive(config.paths.journal))
        self._roster = Roster.load(config.athletes.roster)
        self._wearers = Wearers(self._roster, "all")
        self._side_by_side = SideBySide(config, self._wearers, models, few)
        self._most_workers, self._workers = workers, None
        self._phases: list[Phase] = []

    _workers: Workers | None

    @property
    def archived(self) -> int:
        """Sessions that were archived."""
        return self._sink.archived + len(self._sink.ended_sessions)

    def add(
        self, recordings: Iterable[Recorded], on_progress: Callable[[int, int], None] = lambda _done, _of: None
    ) -> None:
        """Run some recordings; those that the archive already holds are skipped.

        Args:
            recordings: in any order.
            on_progress: called with the number of samples that were used, and their total as far as it is known.

        Raises:
            MonitorError: the archive cannot be written, or a worker was lost.
        """
        new = [recording for recording in recordings if self._is_new(recording)]
        total = sum(len(recording) if isinstance(recording, Sized) else 0 for recording in new)
        on_progress(0, total)
        if workers := self._workers_for(len(new)):
            self._phases += workers.run(new, self._sink, lambda ended: on_progress(total * ended // len(new), total))
            return
        used = _Used()
        phases = self._side_by_side.run(
            (used.counted(recording.samples()) for recording in new),
            self._sink,
            lambda _place: self._sink.begin,
            lambda _ended: on_progress(used.samples, total),
        )
        self._phases += chain.from_iterable(phases)

    def close(self) -> None:
        """Write what is still open.

        Raises:
            MonitorError: the archive cannot be written.
        """
        try:
            self._sink.finish(self._phases)
        finally:
            self._stop()

    def abandon(self) -> None:
        """Remove sessions that are not complete."""
        self._sink.abandon()
        self._stop()

    def _stop(self) -> None:
        if self._workers is not None:
            self._workers.end()
        self._sink.stop()

    def _is_new(self, recording: Recorded) -> bool:
        first = next(iter(recording.samples()), None)
        return first is not None and not self._sink.knows(session_id(self._wearers.of(first), first.t))

    def _workers_for(self, recordings: int) -> Workers | None:
        """Return the workers, if so many recordings are worth them."""
        count = min(self._most_workers, recordings // LEAST_FOR_A_WORKER)
        if self._workers is None and count > 1:
            from athlete_monitor.engine.archive_workers import Workers

            self._workers = Workers(count, self._config, self._roster)
        return self._workers


class _Used:
    """Counts the samples that recordings have given."""

    samples = 0

    def counted(self, samples: Iterable[Sample]) -> Iterator[Sample]:
        """Yield samples, counting them."""
        for each in samples:
            self.samples += 1
            yield each
