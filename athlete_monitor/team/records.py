"""The parts of a team session: plain frozen records, shared by the engine, the archive and the screen.

All times are epoch seconds of the box's clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, get_args

PeriodKind = Literal["half", "drill", "warm-up", "break", "other"]
PitchState = Literal["on", "off", "unavailable"]
Level = Literal["info", "warning", "danger"]

PERIOD_KINDS: Final[tuple[PeriodKind, ...]] = get_args(PeriodKind)
PITCH_STATES: Final[tuple[PitchState, ...]] = get_args(PitchState)


@dataclass(frozen=True)
class Whose:
    """The athletes of a period: all, one group of the roster, or a list of athletes."""

    group: str | None = None
    athletes: tuple[int, ...] | None = None

    def includes(self, athlete_id: int, group: str | None = None) -> bool:
        """Whether an athlete takes part.

        >>> Whose().includes(7), Whose(athletes=(7, 9)).includes(8), Whose(group="backs").includes(7, "backs")
        (True, False, True)
        """
        if self.athletes is not None:
            return athlete_id in self.athletes
        return self.group is None or self.group == group


@dataclass(frozen=True)
class TeamSession:
    """One match or one training of the squad. ``end_t`` is None while it runs."""

    id: str
    start_t: float
    end_t: float | None = None
    mode: str | None = None
    name: str | None = None
    note: str | None = None
    opponent: str | None = None
    day_code: str | None = None


@dataclass(frozen=True)
class Period:
    """A part of a team session: a half, a drill, a break. ``end_t`` is None while it is open.

    ``automatic`` periods come from the sender's ``session_phase``; commands replace them.
    """

    id: str
    name: str
    kind: PeriodKind
    start_t: float
    end_t: float | None = None
    whose: Whose = field(default_factory=Whose)
    automatic: bool = False

    def holds(self, t: float) -> bool:
        """Whether the period is open at ``t``.

        >>> Period("1", "1st half", "half", 10.0, 20.0).holds(20.0)
        False
        """
        return self.start_t <= t and (self.end_t is None or t < self.end_t)


@dataclass(frozen=True)
class Marker:
    """A remark at a moment; ``athlete_id`` is None if it is about the team."""

    id: str
    t: float
    text: str
    athlete_id: int | None = None


@dataclass(frozen=True)
class Stint:
    """A stretch of time in which an athlete was on the pitch, off it, or unavailable; open while ``end_t`` is None."""

    athlete_id: int
    state: PitchState
    start_t: float
    end_t: float | None = None


@dataclass(frozen=True)
class AlarmRow:
    """An alarm that a rule has raised. ``athlete_id`` is None for an alarm of the whole team."""

    id: str
    rule: str
    level: Level
    text: str
    raised_t: float
    athlete_id: int | None = None
    cleared_t: float | None = None
    acknowledged_t: float | None = None
