"""Simulated sessions as whole arrays, for the tests of this room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from athlete_monitor.sim.session import SimulatedSession
from athlete_monitor.sim.squad import SimulatedSquad
from athlete_monitor.sim.traits import traits_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.arrays import FloatArray, IntArray
    from athlete_monitor.sim.squad import Block
    from athlete_monitor.sim.traits import Traits


@dataclass(frozen=True)
class Course:
    """A session: blocks, and what they hold joined along time."""

    squad: list[Traits]
    session: SimulatedSession
    blocks: list[Block]
    events: dict[int, dict[str, int]]

    @property
    def values(self) -> FloatArray:
        """[athletes, samples, channels]."""
        return np.concatenate([b.values for b in self.blocks], axis=1)

    @property
    def phase(self) -> IntArray:
        return np.concatenate([b.phase for b in self.blocks])

    def truth(self, *names: str) -> FloatArray:
        """A field of the truth, e.g. ``truth("path", "position_m")``, joined along time."""
        parts = []
        for block in self.blocks:
            part: object = block.truth
            for name in names:
                part = getattr(part, name)
            parts.append(np.asarray(part))
        return np.concatenate(parts, axis=-1)


def course(
    ids: Sequence[int] = (1, 7, 9), mode: str = "training", seconds: float = 120.0, **settings: object
) -> Course:
    """Simulate a session; ``settings`` go to ``SimulatedSession``."""
    squad = [traits_of(i) for i in ids]
    session = SimulatedSession(mode, settings.pop("seed", 1), settings.pop("rate_hz", 10), seconds, **settings)  # type: ignore[arg-type]
    simulated = SimulatedSquad(squad, session)
    return Course(squad, session, list(simulated.blocks()), simulated.events)
