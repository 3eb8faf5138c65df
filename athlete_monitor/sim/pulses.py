"""Blows, poses and flights of one athlete, put on the sample clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from athlete_monitor.arrays import GRAVITY_MPS2
from athlete_monitor.sim.plan import Blow, Flight, Pose

if TYPE_CHECKING:
    from athlete_monitor.arrays import FloatArray
    from athlete_monitor.sim.plan import MovementPlan


@dataclass(frozen=True)
class Pulses:
    """What happens to a group, [3, athletes, time]: acceleration forward, left, up (m/s²); roll, pitch, yaw (rad).

    ``grounded`` [athletes, time] is 0 in flight and 1 else.
    """

    acceleration_mps2: FloatArray
    turn_rad: FloatArray
    grounded: FloatArray

    @classmethod
    def none(cls, athletes: int, samples: int) -> Pulses:
        """Nothing happens."""
        shape = (3, athletes, samples)
        return cls(np.zeros(shape), np.zeros(shape), np.ones(shape[1:]))


def put(pulses: Pulses, athlete: int, plan: MovementPlan, t_s: FloatArray) -> None:
    """Add what the plan holds between the first and the last of the times to the athlete's row."""
    for row in _present(plan.blows, plan.blows[:, 1], t_s):
        blow = Blow(*row)
        shape = half_sine(t_s - blow.start_s, blow.duration_s)
        for axis, peak in enumerate(blow[2:]):
            pulses.acceleration_mps2[axis, athlete] += peak * shape
    for row in _present(plan.poses, plan.poses[:, 1:4].sum(axis=1), t_s):
        pose = Pose(*row)
        shape = there_and_back(t_s - pose.start_s, pose)
        for axis, angle in enumerate(pose[4:]):
            pulses.turn_rad[axis, athlete] += angle * shape
    for row in _present(plan.flights, plan.flights[:, 1], t_s):
        flight = Flight(*row)
        aloft = (t_s >= flight.start_s) & (t_s < flight.start_s + flight.duration_s)
        pulses.acceleration_mps2[2, athlete, aloft] -= GRAVITY_MPS2
        pulses.grounded[athlete, aloft] = 0.0


def _present(table: FloatArray, duration_s: FloatArray, t_s: FloatArray) -> list[list[float]]:
    """Return the rows that are going on at some time from the first to the last of ``t_s``; column 0 is the start."""
    rows: list[list[float]] = table[(table[:, 0] <= t_s[-1]) & (table[:, 0] + duration_s > t_s[0])].tolist()
    return rows


def half_sine(since_s: FloatArray, duration_s: float) -> FloatArray:
    """Return half a period of a sine from 0 to ``duration_s``, and 0 outside."""
    inside = (since_s > 0.0) & (since_s < duration_s)
    return np.where(inside, np.sin(np.pi * since_s / duration_s), 0.0)


def there_and_back(since_s: FloatArray, pose: Pose) -> FloatArray:
    """Rise smoothly from 0 to 1, stay, and fall back to 0, in the pose's times."""
    up = np.clip(since_s / pose.rise_s, 0.0, 1.0)
    down = np.clip((since_s - pose.rise_s - pose.hold_s) / pose.fall_s, 0.0, 1.0)
    return 0.5 * (np.cos(np.pi * down) - np.cos(np.pi * up))
