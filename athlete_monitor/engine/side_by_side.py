"""Recordings run side by side in one squad: what makes importing a season take minutes where a replay takes hours.

An athlete's figures depend only on that athlete's samples, so recordings of different days, even of one athlete, may
share the steps of the squad. Every recording begins without the previous day's form.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.engine.blocks import FEW_SESSIONS, BlockStepper, SecondsReporter
from athlete_monitor.engine.build import kernel_settings, open_loader, source_of
from athlete_monitor.engine.counts import Counts
from athlete_monitor.engine.figures.variability import variability_figures
from athlete_monitor.engine.journal.cells import BESIDE, beside, kernel_cells
from athlete_monitor.engine.monitor import Monitor
from athlete_monitor.squad.kernel import Squad
from athlete_monitor.squad.prediction import ModelBook, NoModels
from athlete_monitor.squad.timeline import MOST_MOMENTS
from athlete_monitor.wire.codec import Decoder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from athlete_monitor.arrays import FloatArray
    from athlete_monitor.config import Config
    from athlete_monitor.engine.blocks import Moment
    from athlete_monitor.engine.sessions.session import Session
    from athlete_monitor.engine.sessions.wearers import Wearers
    from athlete_monitor.engine.sinks.sink import Sink
    from athlete_monitor.squad.prediction import ModelSource
    from athlete_monitor.squad.present import StepResult
    from athlete_monitor.wire.sample import Sample, Tags

SIDE_BY_SIDE: Final = 192
_SAMPLES_A_ROUND: Final = 64
_SAME_PART_S: Final = 60.0
"""Phases of one name that begin and end within a minute of each other are one period of several athletes."""


@dataclass(frozen=True)
class Phase:
    """A part of a recording that its samples name: a lap, a half, a drill."""

    athlete_id: int
    name: str
    start_t: float
    end_t: float

    def is_same(self, other: Phase) -> bool:
        """Whether two athletes were in the same part."""
        apart_s = max(abs(self.start_t - other.start_t), abs(self.end_t - other.end_t))
        return self.name == other.name and apart_s <= _SAME_PART_S


class SideBySide:
    """Runs recordings side by side, those of one call in a squad of their own.

    Args:
        config: the configuration.
        wearers: who wears which device.
        models: where models come from; those of the configuration's folders by default.
        few: so many recordings at most are computed one after another in blocks, with the same results.
    """

    def __init__(
        self, config: Config, wearers: Wearers, models: ModelSource | None = None, few: int = FEW_SESSIONS
    ) -> None:
        self._config, self._wearers, self._models, self._few = config, wearers, models, few

    def run(
        self,
        streams: Iterable[Iterator[Sample]],
        sink: Sink,
        begin: Callable[[int], Callable[[Session], int]],
        on_progress: Callable[[int], None] = lambda _done: None,
    ) -> list[list[Phase]]:
        """Run recordings to their ends, at most ``SIDE_BY_SIDE`` at a time; return the phases of each.

        Args:
            streams: the samples of each recording; the next one is taken when another one has ended.
            sink: gets events and ends, and as a ``SecondsSink`` the seconds.
            begin: for the place of a recording, what records its sessions and returns their numbers.
            on_progress: called with how many recordings have ended.
        """
        settings = kernel_settings(self._config)
        squad = Squad(settings, ModelBook(self._source(), settings.features))
        counts = Counts()
        stepper = BlockStepper(squad, SecondsReporter(squad, self._config, sink, counts), counts, self._few)
        decoder = Decoder(self._config.sensors.acc_unit, self._config.sensors.gyro_unit)
        waiting = enumerate(streams)
        lanes: list[_Lane] = []
        running: list[_Lane] = []
        while True:
            for place, stream in islice(waiting, SIDE_BY_SIDE - len(running)):
                squad.forget_days()
                monitor = Monitor(self._config, squad, decoder, self._wearers, sink, begin=begin(place))
                monitor.stepper = stepper
                running.append(_Lane(monitor, stream))
                lanes.append(running[-1])
            if not running:
                return [lane.phases for lane in lanes]
            most = MOST_MOMENTS if len(running) <= self._few else _SAMPLES_A_ROUND
            ended = [lane for lane in running if not lane.push(most)]
            stepper.advance()
            for lane in ended:
                lane.monitor.end_all("end_of_recording")
            running = [lane for lane in running if not lane.is_over]
            on_progress(len(lanes) - len(running))

    def _source(self) -> ModelSource:
        if self._models is None:
            found = any(self._config.paths.hb_tensors_updated.glob("hb_*_model.json"))
            self._models = source_of(open_loader(self._config), self._config) if found else NoModels()
        return self._models


@dataclass
class _Lane:
    """A recording in progress, with its own sessions."""

    monitor: Monitor
    stream: Iterator[Sample]
    phases: list[Phase] = field(default_factory=list)
    is_over: bool = False
    _tags: Tags | None = None
    _phase: Phase | None = None
    _last_t: float = 0.0

    def push(self, most: int) -> bool:
        """Take some samples; return whether more may follow."""
        taken = list(islice(self.stream, most))
        for sample in taken:
            if sample.tags is not self._tags:
                self._follow(sample)
            elif self._phase is not None:
                self._last_t = sample.t
        if not (taken and self.monitor.accept_run(taken, taken[-1].t)):
            for sample in taken:
                self.monitor.accept(sample, sample.t)
        if len(taken) < most:
            self._close()
            self.is_over = True
        return not self.is_over

    def _follow(self, sample: Sample) -> None:
        self._tags = sample.tags
        name = sample.tags.session_phase
        if self._phase is not None and self._phase.name == name:
            return
        self._last_t = sample.t
        self._close()
        self._phase = Phase(sample.athlete_id or 0, name, sample.t, sample.t) if name else None

    def _close(self) -> None:
        if self._phase is not None and self._last_t > self._phase.start_t:
            self.phases.append(replace(self._phase, end_t=self._last_t))
        self._phase = None


def seconds_of(
    sessions: Sequence[Session | Moment], squad: Squad, result: StepResult, due: Sequence[int]
) -> tuple[FloatArray, FloatArray]:
    """Return the times [k] and the archive's whole numbers [k, columns] of the sessions at places ``due`` of a step."""
    cells = kernel_cells(squad.present_values(result.present.take(np.array(due))))
    others = np.full((len(sessions), len(BESIDE)), np.nan)
    for place, session in enumerate(sessions):
        counts = session.stream.quality_at(session.received)
        others[place, :2] = counts.received, counts.lost
        if session.has_beats:
            beats, _ = variability_figures(squad, session.row, has_beats=True)
            others[place] = beside(counts.received, counts.lost, beats)
    return np.array([session.last_t for session in sessions]), np.concatenate([cells.T, others], axis=1)
