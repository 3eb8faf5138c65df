"""What an athlete is going to do: straight legs across the pitch, and the blows, poses and flights on the way.

A plan is made once for a stretch of the session and is independent of the sample rate. The legs join end to end; the
movement (``path.py``) is the plan smoothed, so it stays inside the pitch as the plan does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from athlete_monitor.arrays import GRAVITY_MPS2
from athlete_monitor.sim.corners import rounded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.arrays import FloatArray
    from athlete_monitor.sim.traits import Traits

PITCH_LENGTH_M: Final = 105.0
PITCH_WIDTH_M: Final = 68.0
MARGIN_M: Final = 1.0
INTENSITIES: Final = ("Low", "Medium", "High")
LOW, MEDIUM, HIGH = range(3)

Vector = tuple[float, float, float]


class Leg(NamedTuple):
    """A piece at constant speed or constant acceleration; ``effort_w_kg`` is work beyond locomotion."""

    start_s: float
    x_m: float
    y_m: float
    vx_mps: float
    vy_mps: float
    facing_rad: float
    effort_w_kg: float
    intensity: float
    ax_mps2: float = 0.0
    ay_mps2: float = 0.0


class Blow(NamedTuple):
    """A pulse of acceleration, half a sine over time, along a direction of the body (forward, left, up), m/s²."""

    start_s: float
    duration_s: float
    forward_mps2: float
    left_mps2: float
    up_mps2: float


class Pose(NamedTuple):
    """The trunk turns by roll, pitch and yaw (rad), stays, and returns; smoothly."""

    start_s: float
    rise_s: float
    hold_s: float
    fall_s: float
    roll_rad: float
    pitch_rad: float
    yaw_rad: float


class Flight(NamedTuple):
    """The time between take-off and landing: the sensor is weightless."""

    start_s: float
    duration_s: float


@dataclass(frozen=True)
class Zone:
    """Where on the pitch an athlete moves about: centre and spread, m."""

    x_m: float
    y_m: float
    spread_x_m: float
    spread_y_m: float

    def mirrored(self) -> Zone:
        """The same zone for a team that has changed ends."""
        return Zone(PITCH_LENGTH_M - self.x_m, PITCH_WIDTH_M - self.y_m, self.spread_x_m, self.spread_y_m)

    def draw(self, rng: np.random.Generator) -> tuple[float, float]:
        """Return a point of the zone that lies inside the pitch."""
        x = self.x_m + self.spread_x_m * (2.0 * rng.random() - 1.0)
        y = self.y_m + self.spread_y_m * (2.0 * rng.random() - 1.0)
        return on_pitch(x, y)


def on_pitch(x_m: float, y_m: float) -> tuple[float, float]:
    """Return the point of the pitch, less its margin, that is nearest to this one."""
    return _within(x_m, PITCH_LENGTH_M), _within(y_m, PITCH_WIDTH_M)


def _within(value: float, length: float) -> float:
    return min(max(value, MARGIN_M), length - MARGIN_M)


@dataclass(frozen=True)
class MovementPlan:
    """A finished stretch, as arrays with one row for each leg, blow, pose and flight (columns as in the records above).

    ``events`` counts what happened, by name.
    """

    end_s: float
    legs: FloatArray
    blows: FloatArray
    poses: FloatArray
    flights: FloatArray
    events: dict[str, int]


@dataclass
class Walker:
    """Writes a plan step by step: where the athlete stands, which way the body faces, what time it is.

    ``change_mps2`` is how fast the velocity changes where one of the next legs begins; infinite: at once, so that the
    body's own lags smooth it.
    """

    rng: np.random.Generator
    traits: Traits
    t_s: float
    x_m: float
    y_m: float
    facing_rad: float
    intensity: int = LOW
    change_mps2: float = math.inf
    changes_mps2: list[float] = field(default_factory=list)
    legs: list[Leg] = field(default_factory=list)
    blows: list[Blow] = field(default_factory=list)
    poses: list[Pose] = field(default_factory=list)
    flights: list[Flight] = field(default_factory=list)
    events: dict[str, int] = field(default_factory=dict)

    def draw(self, low: float, high: float) -> float:
        """Return a number between ``low`` and ``high``."""
        return low + (high - low) * self.rng.random()

    def stand(self, duration_s: float, effort_w_kg: float = 0.0) -> None:
        """Stay in place, doing work that is no locomotion."""
        self._leg(duration_s, 0.0, 0.0, self.facing_rad, effort_w_kg)

    def go(self, duration_s: float, speed_mps: float, zone: Zone, effort_w_kg: float = 0.0) -> None:
        """Move about in the zone at this speed; each point that is reached is followed by another one."""
        left = duration_s
        while left > 1e-6:
            left -= self.towards(zone.draw(self.rng), speed_mps, left, effort_w_kg)
        if left > 0.0:
            self.stand(left, effort_w_kg)

    def run_line(self, duration_s: float, speed_mps: float, zone: Zone, effort_w_kg: float = 0.0) -> None:
        """Run as straight as the zone allows: towards the furthest of a few points."""
        points = [zone.draw(self.rng) for _ in range(4)]
        aim = max(points, key=lambda p: math.hypot(p[0] - self.x_m, p[1] - self.y_m))
        done = self.towards(aim, speed_mps, duration_s, effort_w_kg)
        if duration_s - done > 1e-6:
            self.go(duration_s - done, speed_mps, zone, effort_w_kg)

    def towards(self, aim: tuple[float, float], speed_mps: float, limit_s: float, effort_w_kg: float = 0.0) -> float:
        """Move straight towards a point until it is reached or the time is over; return the time used, s."""
        dx, dy = aim[0] - self.x_m, aim[1] - self.y_m
        distance = math.hypot(dx, dy)
        if distance < 0.5:
            duration = min(limit_s, 0.5)
            self.stand(duration, effort_w_kg)
            return duration
        duration = min(limit_s, distance / speed_mps)
        self._leg(duration, dx / distance * speed_mps, dy / distance * speed_mps, math.atan2(dy, dx), effort_w_kg)
        return duration

    def count(self, event: str) -> None:
        """Note that something happened."""
        self.events[event] = self.events.get(event, 0) + 1

    def finished(self) -> MovementPlan:
        """Return what has been written."""
        return MovementPlan(
            self.t_s,
            rounded(_table(self.legs, Leg._fields), np.array(self.changes_mps2), self.t_s),
            _table(self.blows, Blow._fields),
            _table(self.poses, Pose._fields),
            _table(self.flights, Flight._fields),
            self.events,
        )

    def _leg(self, duration_s: float, vx: float, vy: float, facing_rad: float, effort_w_kg: float) -> None:
        self.facing_rad += _turn(facing_rad - self.facing_rad)
        self.legs.append(Leg(self.t_s, self.x_m, self.y_m, vx, vy, self.facing_rad, effort_w_kg, float(self.intensity)))
        self.changes_mps2.append(self.change_mps2)
        self.t_s += duration_s
        self.x_m += vx * duration_s
        self.y_m += vy * duration_s


def _table(rows: Sequence[tuple[float, ...]], columns: tuple[str, ...]) -> FloatArray:
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(columns))


def _turn(angle_rad: float) -> float:
    """The same turn by the shorter way, −π to π."""
    return math.remainder(angle_rad, 2 * math.pi)


def jump(walker: Walker) -> None:
    """Jump: push off, fly 0.35 to 0.6 s, land.

    Momentum is kept: push-off and landing each give the take-off speed g·T/2 (half-sine pulses), landings 3 to 6 g.
    """
    flight = walker.draw(0.35, 0.6)
    speed = GRAVITY_MPS2 * flight / 2
    push, landing = walker.draw(0.24, 0.34), walker.draw(0.08, 0.13)
    start = walker.t_s + 0.1
    walker.blows.append(_vertical(start, push, speed))
    walker.flights.append(Flight(start + push, flight))
    walker.blows.append(_vertical(start + push + flight, landing, speed))
    walker.count("jump")
    walker.stand(0.1 + push + flight + landing + 0.3, effort_w_kg=25.0)


def _vertical(start_s: float, duration_s: float, speed_mps: float) -> Blow:
    """The half-sine that changes the vertical speed by ``speed_mps``."""
    return Blow(start_s, duration_s, 0.0, 0.0, speed_mps * math.pi / (2 * duration_s))


def tackle(walker: Walker) -> None:
    """Collide: 3 to 12 g for 60 to 130 ms (field measurements on the trunk); one time in six with a fall."""
    peak = min(12.0, 3.0 + float(walker.rng.exponential(1.8)))
    walker.blows.append(_hit(walker, walker.t_s + 0.15, peak, walker.draw(0.06, 0.13)))
    walker.poses.append(_stagger(walker))
    walker.count("tackle")
    if walker.rng.random() < 0.17:
        fall(walker)
    else:
        walker.stand(walker.draw(0.8, 1.6), effort_w_kg=20.0)


def fall(walker: Walker) -> None:
    """Go down (the trunk turns by 65 to 85 degrees), hit the ground with 3.5 to 8 g, lie, and get up."""
    lie = walker.draw(0.6, 2.5)
    angle = walker.draw(1.15, 1.48)
    sideways = walker.rng.random() < 0.5
    sign = 1.0 if walker.rng.random() < 0.5 else -1.0
    start = walker.t_s + 0.2
    roll, pitch = (sign * angle, 0.0) if sideways else (0.0, angle)
    walker.poses.append(Pose(start, 0.45, lie, 1.1, roll, pitch, walker.draw(-0.5, 0.5)))
    walker.blows.append(_hit(walker, start + 0.42, walker.draw(3.5, 8.0), walker.draw(0.05, 0.1)))
    walker.count("fall")
    walker.stand(0.2 + 0.45 + lie + 1.1, effort_w_kg=8.0)


def kick(walker: Walker, event: str, peak_g: float) -> None:
    """Pass or shoot: the trunk turns and gets a short blow of ``peak_g``."""
    turn = walker.draw(0.25, 0.6) * (1.0 if walker.rng.random() < 0.8 else -1.0)
    walker.poses.append(Pose(walker.t_s + 0.1, 0.2, 0.05, 0.4, 0.0, walker.draw(-0.15, 0.1), turn))
    walker.blows.append(_hit(walker, walker.t_s + 0.25, peak_g, walker.draw(0.05, 0.09)))
    walker.count(event)
    walker.stand(walker.draw(0.5, 0.9), effort_w_kg=15.0)


def _hit(walker: Walker, start_s: float, peak_g: float, duration_s: float) -> Blow:
    """A blow from any side, mostly level."""
    bearing = walker.draw(0.0, 2 * math.pi)
    rise = walker.draw(-0.35, 0.6)
    level = peak_g * GRAVITY_MPS2 * math.cos(rise)
    up = peak_g * GRAVITY_MPS2 * math.sin(rise)
    return Blow(start_s, duration_s, level * math.cos(bearing), level * math.sin(bearing), up)


def _stagger(walker: Walker) -> Pose:
    return Pose(
        walker.t_s + 0.12, 0.15, 0.05, 0.5, walker.draw(-0.4, 0.4), walker.draw(-0.3, 0.4), walker.draw(-0.6, 0.6)
    )
