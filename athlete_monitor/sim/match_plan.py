"""A match: two halves and the interval, by position and style.

The mix of standing, walking, jogging, running and sprinting follows time-motion analyses (Bangsbo 1991; Di Salvo et
al. 2007): outfield players cover 9 to 12 km in 90 minutes, goalkeepers 4 to 6; effort falls off towards the end (Mohr
et al. 2003). Most changes of pace are mild, and few are hard: some 34 accelerations and 57 decelerations in a match,
and 642 m above 5.5 m/s (a formation's means in Tierney et al. 2016, Hum Mov Sci 49:1-8).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.sim.plan import HIGH, LOW, MEDIUM, Walker, Zone, jump, kick, on_pitch, tackle

if TYPE_CHECKING:
    from athlete_monitor.sim.traits import Traits

PHASES: Final = ("first_half", "halftime", "second_half")
HALF_S: Final = 45 * 60.0
INTERVAL_S: Final = 15 * 60.0
INTERVAL_SHARE: Final = 0.1
_TOUCHLINE: Final = Zone(52.5, 2.0, 8.0, 1.0)
_STYLE_PACE: Final = {"Aggressive": 1.06, "Moderate": 1.0, "Conservative": 0.94}
_STYLE_CONTACTS: Final = {"Aggressive": 1.3, "Moderate": 1.0, "Conservative": 0.7}


@dataclass(frozen=True)
class Timetable:
    """When the first half ends, the second begins and the match is over, s."""

    first_until_s: float
    second_from_s: float
    end_s: float

    @property
    def phase_ends_s(self) -> tuple[float, float, float]:
        """The ends of first half, half-time and second half, s."""
        return self.first_until_s, self.second_from_s, self.end_s


def timetable(duration_s: float | None) -> Timetable:
    """Return when the phases of a match are: without a duration two halves of 45 minutes, and 15 minutes between.

    ``duration_s`` is the whole match, as the clock on the wall shows it: the halves share it equally, and half-time
    takes its middle tenth, 15 minutes at most.
    """
    if duration_s is None:
        return Timetable(HALF_S, HALF_S + INTERVAL_S, 2 * HALF_S + INTERVAL_S)
    interval = min(INTERVAL_S, INTERVAL_SHARE * duration_s)
    return Timetable((duration_s - interval) / 2, (duration_s + interval) / 2, duration_s)


@dataclass(frozen=True)
class Bout:
    """One way of moving: how long, how fast, how hard it looks, and the work beyond running."""

    shortest_s: float
    longest_s: float
    slowest_mps: float
    fastest_mps: float
    intensity: int
    effort_w_kg: float


@dataclass(frozen=True)
class Role:
    """What a position does: home zone, weights of the bouts, chances of an action after a bout."""

    zone: Zone
    weights: tuple[float, ...]
    actions: tuple[float, float, float, float]


_BOUTS: Final = (
    Bout(2.0, 7.0, 0.0, 0.0, LOW, 0.8),
    Bout(4.0, 10.0, 1.0, 1.7, LOW, 0.8),
    Bout(3.0, 8.0, 2.3, 3.2, MEDIUM, 1.6),
    Bout(2.5, 5.0, 3.6, 4.9, MEDIUM, 2.0),
    Bout(2.5, 4.5, 5.4, 6.8, HIGH, 2.0),
    Bout(3.0, 5.0, 7.2, 8.8, HIGH, 2.0),
)
_SPRINT: Final = len(_BOUTS) - 1
_FAST: Final = _SPRINT - 1
_JOG_MPS: Final = 2.3
_SHORTEST_RUN_S: Final = 2.0
"""Who has only a few metres does not run them at full speed."""
_GENTLE_MPS2: Final = (1.2, 2.4)
_HARD_MPS2: Final = (4.0, 7.0)
_HARD_CUT: Final = 0.15
_HARD_START: Final = 0.15
_HARD_STOP: Final = 0.5
"""How often an ordinary leg begins hard, and a fast run begins and ends so; other fast runs are jogged out."""
_ROLES: Final = {
    "Goalkeeper": Role(Zone(7.0, 34.0, 8.0, 13.0), (5.0, 6.0, 1.0, 0.25, 0.12, 0.04), (0.05, 0.002, 0.008, 0.02)),
    "Defender": Role(Zone(30.0, 34.0, 20.0, 28.0), (1.4, 3.9, 3.8, 1.7, 0.55, 0.25), (0.10, 0.004, 0.03, 0.03)),
    "Midfielder": Role(Zone(52.0, 34.0, 28.0, 28.0), (0.9, 3.4, 4.5, 2.3, 0.75, 0.28), (0.13, 0.006, 0.025, 0.015)),
    "Forward": Role(Zone(74.0, 34.0, 24.0, 26.0), (1.5, 3.9, 3.4, 1.7, 0.80, 0.42), (0.09, 0.014, 0.02, 0.025)),
}
"""Actions: pass, shot, tackle, jump."""


def home(traits: Traits) -> Zone:
    """Return where this athlete plays in the first half."""
    return _ROLES[traits.position].zone


def write_match(walker: Walker, times: Timetable) -> None:
    """Write the athlete's whole match."""
    role = _ROLES[walker.traits.position]
    _play(walker, role, role.zone, times.first_until_s, times)
    _rest(walker, times.second_from_s)
    _play(walker, role, role.zone.mirrored(), times.end_s, times)


def _play(walker: Walker, role: Role, zone: Zone, until_s: float, times: Timetable) -> None:
    chances = np.cumsum(np.array(role.weights) / sum(role.weights))
    while walker.t_s < until_s:
        kind = min(int(np.searchsorted(chances, walker.rng.random(), side="right")), _SPRINT)
        walker.change_mps2 = _change(walker, _HARD_START if kind >= _FAST else _HARD_CUT)
        _move(walker, kind, zone, until_s, _pace(walker, times))
        walker.change_mps2 = _change(walker, 0.0)
        if kind >= _FAST:
            _end_run(walker, until_s)
        if until_s - walker.t_s > 7.0:
            _act(walker, role)


def _change(walker: Walker, hard: float) -> float:
    """How fast the velocity is to change, m/s²: mildly, and with a chance of ``hard`` as fast as a player can."""
    return walker.draw(*(_HARD_MPS2 if walker.rng.random() < hard else _GENTLE_MPS2))


def _move(walker: Walker, kind: int, zone: Zone, until_s: float, pace: float) -> None:
    bout = _BOUTS[kind]
    walker.intensity = bout.intensity
    duration = min(walker.draw(bout.shortest_s, bout.longest_s), until_s - walker.t_s)
    if bout.fastest_mps == 0.0:
        walker.stand(duration, bout.effort_w_kg)
        return
    speed = min(pace * walker.draw(bout.slowest_mps, bout.fastest_mps), walker.traits.top_speed_mps)
    if kind == _SPRINT:
        walker.count("sprint")
    if bout.slowest_mps < _JOG_MPS:
        walker.go(duration, speed, zone, bout.effort_w_kg)
    else:
        _run(walker, duration, speed, _aim(walker, zone, 4 if bout.intensity == HIGH else 1), bout.effort_w_kg)


def _aim(walker: Walker, zone: Zone, points: int) -> tuple[float, float]:
    """The furthest of a few points of the zone."""
    drawn = [zone.draw(walker.rng) for _ in range(points)]
    return max(drawn, key=lambda p: math.hypot(p[0] - walker.x_m, p[1] - walker.y_m))


def _run(walker: Walker, duration_s: float, speed_mps: float, aim: tuple[float, float], effort_w_kg: float) -> None:
    """Run straight towards a point; the run ends where it is reached."""
    distance = math.hypot(aim[0] - walker.x_m, aim[1] - walker.y_m)
    walker.towards(aim, min(speed_mps, distance / _SHORTEST_RUN_S + 0.1), duration_s, effort_w_kg)


def _end_run(walker: Walker, until_s: float) -> None:
    """Stop hard, or jog out a fast run the way it went, as far as the pitch goes."""
    if walker.rng.random() < _HARD_STOP:
        walker.change_mps2 = walker.draw(*_HARD_MPS2)
        walker.stand(min(walker.draw(0.8, 1.6), until_s - walker.t_s), effort_w_kg=2.0)
        return
    walker.intensity = MEDIUM
    duration = min(walker.draw(2.5, 4.0), until_s - walker.t_s)
    last, speed = walker.legs[-1], walker.draw(2.2, 3.6)
    way = duration * speed / max(math.hypot(last.vx_mps, last.vy_mps), 0.1)
    aim = on_pitch(walker.x_m + way * last.vx_mps, walker.y_m + way * last.vy_mps)
    _run(walker, duration, speed, aim, 2.0)


def _pace(walker: Walker, times: Timetable) -> float:
    """Style, and tiredness: up to 10 % slower at the end of a full match."""
    tired = 0.10 * walker.traits.fatigue_rate * min(walker.t_s, times.end_s) / (2 * HALF_S)
    return _STYLE_PACE[walker.traits.playing_style] * (1.0 - tired)


def _act(walker: Walker, role: Role) -> None:
    passes, shots, tackles, jumps = role.actions
    tackles *= _STYLE_CONTACTS[walker.traits.playing_style]
    chance = walker.rng.random()
    for share, act in ((passes, _pass), (shots, _shot), (tackles, tackle), (jumps, jump)):
        if chance < share:
            act(walker)
            return
        chance -= share


def _pass(walker: Walker) -> None:
    kick(walker, "pass", walker.draw(1.2, 2.4))


def _shot(walker: Walker) -> None:
    kick(walker, "shot", walker.draw(2.2, 4.0))


def _rest(walker: Walker, until_s: float) -> None:
    """Half-time: walk to the touchline, sit and stroll."""
    walker.intensity = LOW
    while walker.t_s < until_s:
        walker.go(min(walker.draw(8.0, 25.0), until_s - walker.t_s), 1.2, _TOUCHLINE)
        walker.stand(max(0.0, min(walker.draw(20.0, 70.0), until_s - walker.t_s)), effort_w_kg=1.2)
