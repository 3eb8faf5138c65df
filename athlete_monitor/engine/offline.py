"""The same engine without waiting: recordings in, figures and summaries out, as fast as the machine allows."""

from __future__ import annotations

import heapq
import math
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Protocol

from athlete_monitor.athletes import Roster
from athlete_monitor.engine.build import build_monitor
from athlete_monitor.engine.sinks.sink import Collected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from athlete_monitor.config import Config
    from athlete_monitor.engine.monitor import Monitor
    from athlete_monitor.engine.sessions.session import Session
    from athlete_monitor.engine.sinks.sink import Sink
    from athlete_monitor.squad.prediction import ModelSource
    from athlete_monitor.wire.sample import Sample

SAMPLES_PER_ROUND = 256


class Recorded(Protocol):
    """A recording: samples in time order."""

    def samples(self) -> Iterator[Sample]:
        """The samples, oldest first."""


def run_recordings(
    config: Config,
    recordings: Iterable[Recorded],
    *,
    models: ModelSource | None = None,
    sink: Sink | None = None,
    begin: Callable[[Session], int] = lambda _session: 0,
) -> Collected:
    """Run recordings through the engine and end every session; the end of a recording always ends its session.

    Recordings of different devices that overlap in time run in parallel; the clock that ends silent sessions is that of
    the samples. The wearer that a recording names is used.

    Args:
        config: the configuration; models come from its folders unless ``models`` is given.
        recordings: in any order.
        models: the source of models.
        sink: gets everything too.
        begin: records a new session and returns its number.

    Returns:
        All outputs.
    """
    collected = Collected()
    sinks = [collected] if sink is None else [collected, sink]
    monitor = build_monitor(config, Roster.load(config.athletes.roster), sinks, models=models, trust="all", begin=begin)
    for wave in _waves(recordings):
        _run_side_by_side(monitor, [samples for _, samples in wave])
        monitor.end_all("end_of_recording")
    return collected


def _run_side_by_side(monitor: Monitor, streams: Sequence[Iterable[Sample]]) -> None:
    for count, sample in enumerate(heapq.merge(*streams, key=attrgetter("t"))):
        if count % SAMPLES_PER_ROUND == 0:
            monitor.advance()
            monitor.tick(sample.t)
        monitor.accept(sample, sample.t)
    monitor.advance()


_Stream = tuple["Sample", "Iterator[Sample]"]
"""The first sample of a recording, and all of them."""


def _waves(recordings: Iterable[Recorded]) -> Iterator[list[_Stream]]:
    """Yield recordings that may run in parallel: of different devices, and overlapping in time."""
    wave: list[_Stream] = []
    devices: set[str] = set()
    end_t = -math.inf
    for recording in sorted(filter(_has_samples, recordings), key=_start_t):
        samples = recording.samples()
        first = next(samples)
        if wave and (first.device_id in devices or first.t > end_t):
            yield wave
            wave, devices, end_t = [], set(), -math.inf
        wave.append((first, chain([first], samples)))
        devices.add(first.device_id)
        end_t = max(end_t, _end_t(recording))
    if wave:
        yield wave


def _has_samples(recording: Recorded) -> bool:
    return next(recording.samples(), None) is not None


def _start_t(recording: Recorded) -> float:
    return next(recording.samples()).t


def _end_t(recording: Recorded) -> float:
    """Return the end of a recording; one with an unknown end overlaps with all that follow."""
    times = getattr(recording, "t", None)
    return math.inf if times is None else float(times[-1])
