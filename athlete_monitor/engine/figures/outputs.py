"""The outputs of one step: the records of all athletes whose figures are due, with the numbers behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from athlete_monitor.arrays import FloatArray
    from athlete_monitor.engine.sessions.session import Session


@dataclass(frozen=True)
class Outputs:
    """What a step publishes; sinks that work on arrays take all athletes at once.

    Attributes:
        sessions: the athletes' sessions [k].
        records: their ``AthleteFigures`` [k].
        values: the numbers of ``PRESENT_FIGURES`` as published, rounded [sum of widths, k]; NaN is null.
    """

    sessions: Sequence[Session]
    records: Sequence[Any]
    values: FloatArray

    def __iter__(self) -> Iterator[tuple[Session, Any]]:
        return zip(self.sessions, self.records, strict=True)

    def __len__(self) -> int:
        return len(self.sessions)
