"""Results of steps as documents for the sinks: figures, events, status and summaries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from athlete_monitor.engine.figures.record import Records, encode, identity
from athlete_monitor.engine.figures.summary import summarise, total_cells
from athlete_monitor.engine.journal.earlier import PastLoad
from athlete_monitor.physiology.chronic import CHRONIC
from athlete_monitor.physiology.impacts import BANDS
from athlete_monitor.wire.timestamps import format_timestamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.config import Outputs
    from athlete_monitor.engine.counts import Counts
    from athlete_monitor.engine.sessions.history import LoadHistory
    from athlete_monitor.engine.sessions.session import Session
    from athlete_monitor.engine.sinks.sink import Sink
    from athlete_monitor.physiology.impacts import Impact
    from athlete_monitor.squad.kernel import Squad
    from athlete_monitor.squad.present import StepResult
    from athlete_monitor.wire.sample import Sample

CHRONIC_EVERY_S: Final = 60.0


class Reporter:
    """Makes documents from changes of sessions, and passes them to the sinks.

    Args:
        squad: the kernel.
        settings: the ``outputs`` section of the configuration.
        history: load of earlier sessions.
        sink: gets everything.
        counts: counters of the engine.
    """

    def __init__(self, squad: Squad, settings: Outputs, history: LoadHistory, sink: Sink, counts: Counts) -> None:
        self._squad, self._history, self._sink, self._counts = squad, history, sink, counts
        self._limits = settings.training_load
        self._records = Records(squad, settings.training_load)
        self._chronic_every = max(1, round(CHRONIC_EVERY_S * settings.metrics_rate_hz))

    def started(self, session: Session) -> None:
        """A session has begun, or is resumed after a restart."""
        self._sink.started(session)

    def samples(self, session: Session, samples: Sequence[Sample]) -> None:
        """These samples have been used."""
        if samples and self._sink.wants_samples:
            self._sink.samples(session, tuple(samples))

    def step(self, sessions: Sequence[Session], result: StepResult) -> None:
        """A step has advanced ``sessions``."""
        if result.impacts:
            by_row = {session.row: session for session in sessions}
            for impact in result.impacts:
                self._impact(by_row[impact.row], impact)
        if len(result.due):
            self._metrics([sessions[index] for index in result.due.tolist()], result)

    def status(self, session: Session, status: str) -> None:
        """A device is ``online``, ``stale`` or ``offline``."""
        if status != session.status:
            session.status = status
            self._sink.status(session.device_id, status)

    def ended(self, session: Session, reason: str) -> None:
        """A session has ended: all its samples have been used."""
        self.ended_all([(session, reason)])

    def ended_all(self, ends: Sequence[tuple[Session, str]]) -> None:
        """Sessions have ended, each for its reason: all their samples have been used."""
        for session, _ in ends:
            for impact in self._squad.flush(session.row):
                self._impact(session, impact)
        cells = total_cells(self._squad, [session for session, _ in ends])
        for (session, reason), figures in zip(ends, cells, strict=True):
            self._ended(session, self._summary(session, reason, figures))

    def _ended(self, session: Session, summary: dict[str, Any]) -> None:
        self._history.add(session.athlete_id, PastLoad(session.device_start_t, session.device_t, summary["trimp"]))
        session.status = "offline"
        self._sink.ended(session, summary)

    def paused_all(self, sessions: Sequence[Session], reason: str) -> None:
        """The engine stops; the sessions are resumed if it restarts soon enough."""
        for session, cells in zip(sessions, total_cells(self._squad, sessions), strict=True):
            summary = self._summary(session, reason, cells)
            session.status = "offline"
            self._sink.paused(session, summary)

    def chronic(self, session: Session) -> None:
        """Update the load of the last weeks with the running session."""
        trimp = float(self._squad.trimp.total(np.array([session.row]))[0])
        load = PastLoad(session.device_start_t, session.device_t, None if np.isnan(trimp) else trimp)
        figures, session.chronic_reasons = self._history.figures(session.athlete_id, load)
        session.chronic = tuple(figures[figure.key] for figure in CHRONIC)

    def _summary(self, session: Session, reason: str, cells: list[Any]) -> dict[str, Any]:
        session.phases.close(session.last_t)
        self.chronic(session)
        return summarise(self._squad, session, self._limits, reason, cells)

    def _metrics(self, due: Sequence[Session], result: StepResult) -> None:
        for session in due:
            if session.outputs % self._chronic_every == 0:
                self.chronic(session)
        outputs = self._records.of(due, result.present.take(result.due))
        for session, record in outputs:
            session.latest = record
            session.outputs += 1
        self._counts.outputs += len(outputs)
        self._sink.enrich_all(outputs)
        self._sink.metrics_all(outputs, [encode(record) for record in outputs.records])

    def _impact(self, session: Session, impact: Impact) -> None:
        rate, t = impact.sample_rate_hz, impact.t - session.stream.offset_s
        self._counts.events += 1
        self._sink.event(
            session,
            {
                **identity(session),
                "kind": "impact",
                "t_s": round(t, 3),
                "timestamp": format_timestamp(t),
                "peak_g": round(impact.peak_g, 2),
                "band": BANDS[impact.band],
                "alert": impact.alert,
                "undersampled": impact.undersampled,
                "sample_rate_hz": None if rate is None or np.isnan(rate) else round(rate, 1),
            },
        )
