"""What sessions bring, kept in memory as plain values, so that another process can write it into the archive."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from athlete_monitor.engine.journal.keeper import facts_of
from athlete_monitor.engine.side_by_side import seconds_of
from athlete_monitor.engine.sinks.sink import Sink

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from athlete_monitor.arrays import FloatArray
    from athlete_monitor.engine.blocks import Moment
    from athlete_monitor.engine.sessions.session import Session
    from athlete_monitor.squad.kernel import Squad
    from athlete_monitor.squad.present import StepResult


@dataclass(frozen=True)
class GatheredSession:
    """A session that has ended, with every second of it.

    Attributes:
        session_id: the engine's name of the session.
        device_id: the device.
        athlete_id: the athlete.
        name: the athlete's name.
        mode: training, game, or None where nobody says.
        start_t: when it began, by the device's clock as it was then, epoch s.
        span_t: from when to when it was, by the device's last clock.
        offset_s: what is added to the device's last clock.
        facts: what was known from the first sample on.
        summary: the summary, without the load of earlier sessions.
        t: when each second was, epoch s, [n].
        cells: the archive's whole numbers, [n, columns]; NaN where not known.
        events: impacts and alerts, oldest first.
    """

    session_id: str
    device_id: str
    athlete_id: int
    name: str
    mode: str | None
    start_t: float
    span_t: tuple[float, float]
    offset_s: float
    facts: dict[str, Any]
    summary: dict[str, Any]
    t: FloatArray
    cells: FloatArray
    events: tuple[dict[str, Any], ...]


@dataclass
class _Running:
    place: int
    second: int | None = None
    t: list[float] = field(default_factory=list)
    cells: list[FloatArray] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)


class Gathering(Sink):
    """Keeps the sessions of several recordings apart by the place of the recording."""

    def __init__(self) -> None:
        self._running: dict[int, _Running] = {}
        self._begun = 0
        self._ended: dict[int, list[GatheredSession]] = {}

    def begin(self, place: int) -> Callable[[Session], int]:
        """Return what numbers the sessions of the recording at a place."""
        return partial(self._begin, place)

    def of(self, place: int) -> tuple[GatheredSession, ...]:
        """Return the ended sessions of the recording at a place, in order of their ends."""
        return tuple(self._ended.get(place, ()))

    def seconds(self, sessions: Sequence[Session | Moment], squad: Squad, result: StepResult) -> None:
        """Keep the seconds that fall due with a step; the first of each whole second counts."""
        due = [index for index in result.due.tolist() if self._is_new(sessions[index])]
        if not due:
            return
        chosen = [sessions[index] for index in due]
        for session, t, cells in zip(chosen, *seconds_of(chosen, squad, result, due), strict=True):
            running = self._running[session.number]
            running.t.append(float(t))
            running.cells.append(cells)

    def event(self, session: Session, event: dict[str, Any]) -> None:
        """Keep the event."""
        self._running[session.number].events.append(event)

    def ended(self, session: Session, summary: dict[str, Any]) -> None:
        """Put the session together."""
        running = self._running.pop(session.number)
        gathered = GatheredSession(
            session_id=session.session_id,
            device_id=session.device_id,
            athlete_id=session.athlete_id,
            name=session.wearer.name,
            mode=session.mode,
            start_t=session.start_t,
            span_t=(session.device_start_t, session.device_t),
            offset_s=session.stream.offset_s,
            facts=facts_of(session),
            summary=summary,
            t=np.array(running.t, dtype=np.float64),
            cells=np.array(running.cells, dtype=np.float64),
            events=tuple(running.events),
        )
        self._ended.setdefault(running.place, []).append(gathered)

    def _begin(self, place: int, _session: Session) -> int:
        self._begun += 1
        self._running[self._begun] = _Running(place)
        return self._begun

    def _is_new(self, session: Session | Moment) -> bool:
        running, second = self._running[session.number], int(session.last_t)
        is_new = second != running.second
        running.second = second
        return is_new
