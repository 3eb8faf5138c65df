"""A training session: ten-minute cycles of warm-up, active part and cool-down, the whole squad in the same drill."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from athlete_monitor.sim.plan import HIGH, LOW, MEDIUM, Walker, Zone, jump, kick, tackle
from athlete_monitor.sim.randomness import generator

if TYPE_CHECKING:
    from collections.abc import Callable

CYCLE_S: Final = 600.0
WARM_UP_UNTIL_S: Final = 120.0
ACTIVE_UNTIL_S: Final = 420.0
PHASES: Final = ("warmup", "active", "cooldown")
PHASE_ENDS_S: Final = (WARM_UP_UNTIL_S, ACTIVE_UNTIL_S, CYCLE_S)
GROUND: Final = Zone(52.5, 34.0, 40.0, 28.0)
_SMALL_PITCH_M: Final = (18.0, 13.0)


def phase_at(t_s: float) -> int:
    """Index into ``PHASES`` at a time of the session, s."""
    within = t_s % CYCLE_S
    return 0 if within < WARM_UP_UNTIL_S else 1 if within < ACTIVE_UNTIL_S else 2


def write_cycle(walker: Walker, session_seed: int, cycle: int) -> None:
    """Continue the athlete's plan by one cycle of ten minutes.

    The drill of the active part follows from the session's seed, so that all athletes do the same one; each drill comes
    once before one comes again.
    """
    end = (cycle + 1) * CYCLE_S
    _warm_up(walker, end - CYCLE_S + WARM_UP_UNTIL_S)
    turn, place = divmod(cycle, len(_DRILLS))
    drill = _DRILLS[int(generator(session_seed, "drills", turn).permutation(len(_DRILLS))[place])]
    drill(walker, end - CYCLE_S + ACTIVE_UNTIL_S)
    _cool_down(walker, end)


def _warm_up(walker: Walker, until_s: float) -> None:
    """Walk, then jog a little faster from minute to minute, with mobilisation between."""
    begin, walker.intensity = walker.t_s, LOW
    while walker.t_s < until_s:
        progress = (walker.t_s - begin) / max(until_s - begin, 1.0)
        speed = 1.0 + 1.2 * progress + walker.draw(-0.15, 0.25)
        walker.go(_left(walker, until_s, walker.draw(6.0, 14.0)), speed, GROUND)
        walker.stand(_left(walker, until_s, walker.draw(3.0, 8.0)), effort_w_kg=2.5)


def _intervals(walker: Walker, until_s: float) -> None:
    """Run ten to twenty seconds near the aerobic maximum, walk as long, again and again."""
    work = walker.draw(10.0, 20.0)
    share = walker.draw(0.62, 0.76)
    while walker.t_s < until_s:
        walker.intensity = HIGH
        walker.run_line(_left(walker, until_s, work), share * walker.traits.aerobic_speed_mps, GROUND)
        walker.intensity = MEDIUM
        walker.go(_left(walker, until_s, walker.draw(1.1, 1.5) * work), walker.draw(1.0, 1.5), GROUND)


def _shuttles(walker: Walker, until_s: float) -> None:
    """Run 12 to 22 m out and back, with turns on the spot and jumps, then rest."""
    while walker.t_s < until_s:
        walker.intensity = HIGH
        home, far = (walker.x_m, walker.y_m), _shuttle_end(walker)
        for leg in range(4):
            walker.towards(far if leg % 2 == 0 else home, walker.draw(2.7, 3.5), _left(walker, until_s, 12.0))
        _if_time(walker, until_s, jump)
        walker.intensity = MEDIUM
        walker.stand(_left(walker, until_s, walker.draw(12.0, 22.0)))
        walker.go(_left(walker, until_s, walker.draw(8.0, 14.0)), walker.draw(1.0, 1.4), GROUND)


def _shuttle_end(walker: Walker) -> tuple[float, float]:
    side = 1.0 if walker.x_m < GROUND.x_m else -1.0
    return walker.x_m + side * walker.draw(12.0, 22.0), walker.y_m


def _small_sided_game(walker: Walker, until_s: float) -> None:
    """Play on a small pitch: short runs at changing speed, passes, shots, now and then a tackle."""
    zone = Zone(walker.x_m, walker.y_m, *_SMALL_PITCH_M)
    while walker.t_s < until_s:
        walker.intensity = HIGH if walker.rng.random() < 0.35 else MEDIUM
        speed = walker.draw(2.7, 4.8) if walker.intensity == HIGH else walker.draw(1.0, 2.0)
        effort = 1.2 if walker.intensity == HIGH else 0.4
        walker.go(_left(walker, until_s, walker.draw(2.0, 6.0)), speed, zone, effort)
        _if_time(walker, until_s, _ball_contact)


def _technique(walker: Walker, until_s: float) -> None:
    """Pass, receive, shoot and head at an easy pace."""
    zone = Zone(walker.x_m, walker.y_m, 12.0, 10.0)
    while walker.t_s < until_s:
        walker.intensity = MEDIUM
        walker.go(_left(walker, until_s, walker.draw(4.0, 9.0)), walker.draw(1.7, 2.9), zone, 0.6)
        _if_time(walker, until_s, lambda w: kick(w, "pass", w.draw(1.2, 2.2)))
        walker.stand(_left(walker, until_s, walker.draw(2.0, 6.0)), effort_w_kg=1.0)
        if walker.rng.random() < 0.2:
            _if_time(walker, until_s, jump)


def _cool_down(walker: Walker, until_s: float) -> None:
    """Jog slower and slower, then walk and stretch."""
    begin, walker.intensity = walker.t_s, LOW
    while walker.t_s < until_s:
        progress = (walker.t_s - begin) / max(until_s - begin, 1.0)
        speed = 1.4 * math.exp(-2.5 * progress) + 0.8
        walker.go(_left(walker, until_s, walker.draw(8.0, 16.0)), speed, GROUND)
        walker.stand(_left(walker, until_s, walker.draw(4.0, 9.0) * (1.0 + 1.5 * progress)), effort_w_kg=0.5)


def _ball_contact(walker: Walker) -> None:
    chance = walker.rng.random()
    if chance < 0.22:
        kick(walker, "pass", walker.draw(1.2, 2.4))
    elif chance < 0.26:
        kick(walker, "shot", walker.draw(2.0, 3.5))
    elif chance < 0.29:
        tackle(walker)
    elif chance < 0.31:
        jump(walker)


def _left(walker: Walker, until_s: float, wanted_s: float) -> float:
    return max(0.0, min(wanted_s, until_s - walker.t_s))


def _if_time(walker: Walker, until_s: float, act: Callable[[Walker], None]) -> None:
    """Act only where the longest action still ends within this part."""
    if until_s - walker.t_s > 7.0:
        act(walker)


_DRILLS: Final = (_intervals, _shuttles, _small_sided_game, _technique)
