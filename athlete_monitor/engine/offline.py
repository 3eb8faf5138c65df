"""The same engine without waiting: recordings in, figures and summaries out, as fast as the machine goes."""

from __future__ import annotations

import heapq
from operator import attrgetter
from typing import TYPE_CHECKING, Protocol

from athlete_monitor.athletes import Roster
from athlete_monitor.engine.build import build_monitor
from athlete_monitor.engine.sinks.sink import Collected

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from athlete_monitor.config import Config
    from athlete_monitor.engine.sinks.sink import Sink
    from athlete_monitor.squad.prediction import ModelSource
    from athlete_monitor.wire.sample import Sample

SAMPLES_PER_ROUND = 256


class Recorded(Protocol):
    """A recording: samples in time order."""

    def samples(self) -> Iterator[Sample]:
        """The samples, oldest first."""


def run_recordings(
    config: Config, recordings: Iterable[Recorded], *, models: ModelSource | None = None, sink: Sink | None = None
) -> Collected:
    """Run recordings through the engine, side by side in sample time, and end every session.

    The clock that ends silent sessions is the samples' own.

    Args:
        config: the configuration; models come from its folders unless ``models`` is given.
        recordings: of different devices, or of one device one after the other.
        models: where models come from.
        sink: is told everything too.

    Returns:
        Everything that was told.
    """
    collected = Collected()
    sinks = [collected] if sink is None else [collected, sink]
    monitor = build_monitor(config, Roster.load(config.athletes.roster), sinks, models=models)
    arrivals = heapq.merge(*(recording.samples() for recording in recordings), key=attrgetter("t"))
    for count, sample in enumerate(arrivals):
        if count % SAMPLES_PER_ROUND == 0:
            monitor.advance()
            monitor.tick(sample.t)
        monitor.accept(sample, sample.t)
    monitor.advance()
    monitor.end_all("end_of_recording")
    return collected
