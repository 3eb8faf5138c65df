"""The parts of a team session: plain frozen records, shared by the engine, the archive and the screen.

All times are epoch seconds of the box's clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from athlete_monitor.physiology.reasons import RATED_TIME_UNKNOWN, RATING_MISSING
from athlete_monitor.physiology.session_rpe import published_load

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


@dataclass(frozen=True)
class Rating:
    """How hard an athlete found a whole team session: ``rpe`` is 0 to 10, ``t`` when it was given.

    ``minutes`` are those that the rating is about, None where they are unknown.

    >>> Rating(7, 0.0, 6.5, 90.0).figures
    {'rpe': 6.5, 'rated_minutes': 90.0, 'srpe_load': 585.0}
    """

    athlete_id: int
    t: float
    rpe: float
    minutes: float | None = None

    @property
    def srpe_load(self) -> float | None:
        """Load of the session, arbitrary units; None without minutes."""
        return published_load(self.rpe, self.minutes)

    @property
    def figures(self) -> dict[str, float | None]:
        """The figures of ``physiology.session_rpe`` by key."""
        return {"rpe": self.rpe, "rated_minutes": self.minutes, "srpe_load": self.srpe_load}


def reasons_of(rating: Rating | None) -> dict[str, str]:
    """Why figures of a rating are not known, by key.

    >>> reasons_of(Rating(7, 0.0, 6.5))
    {'srpe_load': 'the minutes that the rating is about are unknown'}
    """
    if rating is None:
        return {"rpe": RATING_MISSING, "srpe_load": RATING_MISSING}
    return {} if rating.minutes is not None else {"srpe_load": RATED_TIME_UNKNOWN}
