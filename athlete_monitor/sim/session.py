"""What is to be simulated: the session's settings, its phases, and each athlete's plan for it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.sim import match_plan, training_plan
from athlete_monitor.sim.plan import Leg, MovementPlan, Walker
from athlete_monitor.sim.randomness import generator

if TYPE_CHECKING:
    from athlete_monitor.arrays import FloatArray, IntArray
    from athlete_monitor.sim.traits import Traits
    from athlete_monitor.wire.session_files import Mode

MAX_RATE_HZ: Final = 200


@dataclass(frozen=True)
class SimulatedSession:
    """One session of a squad.

    Attributes:
        mode: training or game.
        seed: everything that happens follows from it (and from who takes part); 0 or more.
        rate_hz: samples a second, 1 to 200.
        duration_s: length; None is without end in training, and a full match in a game.
        rr: whether beat intervals are made too.
        dropout: share of the time in which the strap has no contact, 0 up to (not including) 1.
    """

    mode: Mode
    seed: int
    rate_hz: int = 10
    duration_s: float | None = None
    rr: bool = False
    dropout: float = 0.0

    @property
    def times(self) -> match_plan.Timetable:
        """The timetable, where the session is a game."""
        return match_plan.timetable(self.duration_s)

    @property
    def samples(self) -> int | None:
        """Samples of each athlete; None without end."""
        if self.duration_s is None:
            return None if self.mode == "training" else round(self.times.end_s * self.rate_hz)
        return max(1, round(self.duration_s * self.rate_hz))

    @property
    def phases(self) -> tuple[str, ...]:
        """The names of the phases."""
        return training_plan.PHASES if self.mode == "training" else match_plan.PHASES

    def phase_at(self, t_s: FloatArray) -> IntArray:
        """Return the index into ``phases`` at these times."""
        if self.mode == "training":
            return np.searchsorted(training_plan.PHASE_ENDS_S, t_s % training_plan.CYCLE_S, side="right")
        index = np.searchsorted(self.times.phase_ends_s, t_s, side="right")
        return np.minimum(index, len(match_plan.PHASES) - 1)


@dataclass
class Entrant:
    """An athlete in a session: the present plan, and the generators that only this athlete draws from."""

    traits: Traits
    session: SimulatedSession
    events: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        key = (self.traits.athlete_id, self.session.mode)
        self.noise = generator(self.session.seed, *key, "noise")
        self.slow = generator(self.session.seed, *key, "slow")
        self.strap = generator(self.session.seed, *key, "strap")
        self._script = generator(self.session.seed, *key, "script")
        zone = training_plan.GROUND if self.session.mode == "training" else match_plan.home(self.traits)
        x, y = zone.draw(self._script)
        facing = 2.0 * math.pi * float(self._script.random())
        self._cycle = 0
        self._walker = Walker(self._script, self.traits, 0.0, x, y, facing)
        self.plan = self._write()

    def plan_at(self, start_s: float) -> MovementPlan:
        """Return the plan that covers a time from its first second on; times must not go back."""
        while start_s > self.plan.end_s - 1e-3 and self.session.mode == "training":
            last = self._walker
            self._walker = Walker(
                self._script, self.traits, self._cycle * training_plan.CYCLE_S, last.x_m, last.y_m, last.facing_rad
            )
            self.plan = self._write()
        return self.plan

    def _write(self) -> MovementPlan:
        if self.session.mode == "training":
            training_plan.write_cycle(self._walker, self.session.seed, self._cycle)
            self._cycle += 1
        else:
            match_plan.write_match(self._walker, self.session.times)
        plan = self._walker.finished()
        for event, count in plan.events.items():
            self.events[event] = self.events.get(event, 0) + count
        return plan


def legs_at(plan: MovementPlan, t_s: FloatArray) -> FloatArray:
    """Return the leg going on at each of the times, [columns of ``Leg``, times]; the last one continues without end."""
    index = np.searchsorted(plan.legs[:, 0], t_s, side="right") - 1
    return plan.legs.T[:, np.maximum(index, 0)]


LEG: Final = {name: column for column, name in enumerate(Leg._fields)}
