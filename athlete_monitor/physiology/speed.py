"""Steps of motion from readings of speed or position, for all figures: wrong fixes are ignored, gaps counted once.

Distance, bands, accelerations and power are all computed from these steps, so that they agree with each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from athlete_monitor.arrays import every, places, some
from athlete_monitor.physiology.clock import LEAST_STEP_S, LONGEST_STEP_S, foresee_usual, learn_usual, longest_step_s
from athlete_monitor.physiology.squad_state import SquadState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.arrays import BoolArray, FloatArray, IntArray

SURPRISING_MPS2: Final = 5.0
"""A reading that changes faster than this counts when the next one agrees; athletes seldom hold more for a second."""
PLAUSIBLE_MPS2: Final = 10.0
"""No athlete changes speed faster than this; such a change adds nothing even if it lasts."""
CHANGE_OVER_S: Final = 0.2
"""Changes are taken over at least this time, since neighbouring readings at 100 Hz differ by noise."""
CHANGE_WIDENS_S: Final = 1.0
"""The accepted change widens with the gap, but only up to this."""
FIX_NOISE_M: Final = 1.0
"""Distance by which neighbouring positions may differ because of a position system's noise."""
STANDSTILL_MPS: Final = 0.5
"""Speeds from positions below this are the jitter of the position system, and count as standing."""
SMOOTHED_S: Final = 0.5
"""Accelerations, and speeds from positions, are differences over at least this time: they lag by half of it."""
JITTER_S: Final = 0.02
"""Error of sample times."""

READINGS_PER_S: Final = 5.0
"""Faster readings are thinned to the first of each fifth of a second: figures agree with those of all readings within
0.5 %, and the cost of a step halves at 10 Hz (``benchmarks/physiology.py``)."""

SLOTS: Final = 7
_SLOT_S: Final = 0.08
_PAST: Final = tuple(f"{name}_{slot}" for name in ("t", "speed", "x", "y") for slot in range(SLOTS))
_WAITING: Final = ("waiting_t", "waiting_speed", "waiting_x", "waiting_y")
_RUNNING: Final = ("last_t", "last_speed", "last_x", "last_y", "usual_s", "steps", "unbroken_t", "tick")


@dataclass(frozen=True)
class MotionStep:
    """One step of motion of several athletes, each array [k]: from the previous accepted reading to this one."""

    rows: IntArray
    t: FloatArray
    """Sample time of this reading, s."""
    gap_s: FloatArray
    """Seconds since the reading before; NaN for the first."""
    dt_s: FloatArray
    """Seconds that count: the gap, up to three usual intervals (``SampleClock``); 0 for the first."""
    joined: BoolArray
    """Whether nothing is missing between the two readings."""
    from_mps: FloatArray
    """Speed of the reading before; NaN for the first."""
    speed_mps: FloatArray
    """Speed of this reading."""
    earlier_mps: FloatArray
    """Speed half a second ago, or at the reading before where readings are rarer; NaN: unknown."""
    acceleration_mps2: FloatArray
    """Mean acceleration since then; NaN: unknown."""
    held_mps: FloatArray
    """Highest speed that was held for half a second up to this reading, or of one reading where they are rarer."""

    def take(self, index: IntArray) -> MotionStep:
        """The steps of the athletes at ``index`` [m] into this one's arrays."""
        return MotionStep(*(values[index] for values in vars(self).values()))

    @property
    def distance_m(self) -> FloatArray:
        """Distance of the step [k], m: trapezoid; 0 where it is not known."""
        return np.fmax(0.5 * (self.from_mps + self.speed_mps) * self.dt_s, 0.0)

    def crossed_t(self, level_mps: FloatArray | float) -> FloatArray:
        """Time [k], s, at which the speed crossed a level between the two readings, or that of this reading."""
        change = self.speed_mps - self.from_mps
        share = (level_mps - self.from_mps) / np.where(change == 0.0, np.nan, change)
        inside = self.joined & (share >= 0.0) & (share <= 1.0)
        return self.t - np.where(inside, self.gap_s, 0.0) * (1.0 - np.where(inside, share, 1.0))


class SpeedTrack(SquadState):
    """Accepted readings of speed, or of position where there is no speed, as steps of motion.

    Works from 1 to 100 Hz, and uses at most five readings a second; samples without a reading are skipped. A first
    reading, one after a gap and one that changes by more than 5 m/s per second wait for the next reading: if the next
    one agrees, both count; if it agrees with the reading before, the wrong one is dropped and the step spans it. So a
    single wrong fix adds nothing, and a real start is late by one reading. Positions that stay after a jump are
    accepted without the jump.
    """

    FIELDS = MappingProxyType({**dict.fromkeys((*_PAST, *_WAITING, *_RUNNING), np.nan), "usual_s": 0.0, "steps": 1.0})

    def update(
        self, rows: IntArray, t: FloatArray, speed_mps: FloatArray, x_m: FloatArray, y_m: FloatArray
    ) -> list[MotionStep]:
        """Take speed [k], m/s, or position [k], m, at ``t`` [k], s; NaN: no reading in this sample.

        Returns up to two steps, each of some of the athletes, in order of time.
        """
        tick = np.floor(t * READINGS_PER_S)
        read = (tick != self._field("tick", rows)) & ~(np.isnan(speed_mps) & np.isnan(x_m + y_m))
        if not some(read):
            return []
        reading = np.array([t, speed_mps, x_m, y_m])
        if not every(read):
            rows, reading, tick = rows[read], reading[:, read], tick[read]
        state = self._open(rows)
        state[-1] = tick
        steps = self._believe(rows, state, reading)
        self._put(rows, state)
        return steps

    def foresee(self, before: FloatArray, args: Sequence[Any]) -> None:  # noqa: ARG002 - the readings are in ``before``
        """See ``SquadState``: what follows from the readings that seem to be accepted."""
        last, waiting = before[_LAST], before[_WAIT]
        advances = places(last[0, 1:] != last[0, :-1])
        second = before[1, advances + 1] == waiting[0, advances]  # with a reading that waited
        readings = np.stack([waiting[:, advances], last[:, advances + 1]], axis=2).reshape(4, -1)
        readings = readings[:, np.stack([second, np.ones_like(second)], axis=1).ravel()]
        count = np.cumsum(_at(advances, 1 + second, before.shape[1]))
        jumps = second & np.isnan(before[2, advances + 1])
        first = np.maximum.accumulate(_at(advances, jumps * (SLOTS + count[advances]), before.shape[1]))
        past = before[_PAST_ROWS].reshape(4, SLOTS, -1)
        slots = SLOTS - 1 + count - np.arange(SLOTS)[:, None]
        past[:] = np.where(slots >= first, np.hstack([past[:, ::-1, 0], readings])[:, slots], np.nan)
        gap_s = np.fmax(np.diff(readings[0], prepend=last[0, 0]), 0.0)
        gap_s[count[advances[jumps]]] = 0.0
        usual = np.repeat(before[_USUAL : _USUAL + 2, :1], len(gap_s) + 1, axis=1)
        foresee_usual(usual[0], usual[1], np.append(gap_s, 0.0))
        before[_USUAL : _USUAL + 2] = usual[:, count]

    def speed_mps(self, rows: IntArray) -> FloatArray:
        """Speed of the last accepted reading [k], m/s; NaN before the first."""
        return self._field("last_speed", rows)

    def seen(self, rows: IntArray) -> BoolArray:
        """Whether a reading has been accepted [k]."""
        return ~np.isnan(self._field("last_t", rows))

    def _believe(self, rows: IntArray, state: FloatArray, reading: FloatArray) -> list[MotionStep]:
        """Steps of the readings [t, speed, x, y] [4, k] that are accepted; the others wait in ``state``."""
        last, waiting = state[_LAST], state[_WAIT]
        follows = _agree(reading, last, last[1])
        if every(follows) and every(np.isnan(waiting[0])):
            return [_advance(rows, state, reading)]
        closer = ~follows | (np.abs(reading[1] - waiting[1]) < np.abs(reading[1] - last[1]))
        second = closer & _agree(reading, waiting, np.fmax(waiting[1], last[1]))
        follows &= ~second
        steps = [self._second(rows, state, second)] if some(second) else []
        waits = ~(follows | second)
        np.copyto(waiting, reading, where=waits)
        np.copyto(waiting, np.nan, where=~waits)
        believed = places(~waits)
        if len(believed):
            part = state[:, believed]
            steps.append(_advance(rows[believed], part, reading[:, believed]))
            state[:, believed] = part
        return steps

    @staticmethod
    def _second(rows: IntArray, state: FloatArray, second: BoolArray) -> MotionStep:
        """Advance the ``second`` [k] athletes, whose waiting reading was confirmed, by that reading."""
        index = places(second)
        part = state[:, index]
        waiting, last = part[_WAIT].copy(), part[_LAST]
        possible = _within(waiting, last, last[1], PLAUSIBLE_MPS2)
        part[_PAST_ROWS, ~possible] = np.nan  # a jump: the earlier readings do not describe the present
        part[_LAST, ~possible] = np.nan
        step = _advance(rows[index], part, waiting)
        state[:, index] = part
        return step


def _at(advances: IntArray, values: IntArray, count: int) -> IntArray:
    """Values [m] at the moments that follow ``advances`` [m], of ``count`` moments; 0 elsewhere."""
    found = np.zeros(count, dtype=np.int64)
    found[advances + 1] = values
    return found


_LAST: Final = slice(len(_PAST) + 4, len(_PAST) + 8)
_WAIT: Final = slice(len(_PAST), len(_PAST) + 4)
_PAST_ROWS: Final = slice(0, len(_PAST))
_USUAL: Final = len(_PAST) + 8


def _agree(reading: FloatArray, other: FloatArray, speed_mps: FloatArray) -> BoolArray:
    """Whether a reading [4, k] needs no confirmation beyond the ``other`` before it, at ``speed_mps`` [k]."""
    return _within(reading, other, speed_mps, SURPRISING_MPS2)


def _within(reading: FloatArray, other: FloatArray, speed_mps: FloatArray, limit_mps2: float) -> BoolArray:
    """Whether the change between two readings [t, speed, x, y] [4, k] is at most ``limit_mps2``."""
    gap_s = np.abs(reading[0] - other[0])
    over_s = np.where(gap_s <= LONGEST_STEP_S, np.clip(gap_s, CHANGE_OVER_S, CHANGE_WIDENS_S), CHANGE_OVER_S)
    close: BoolArray = np.abs(reading[1] - other[1]) <= limit_mps2 * over_s
    blind = np.isnan(reading[1])
    if not some(blind):
        return close
    dx, dy = reading[2:] - other[2:]
    reach_m = FIX_NOISE_M + (np.fmax(speed_mps, 0.0) + limit_mps2 * over_s) * np.minimum(gap_s, LONGEST_STEP_S)
    near: BoolArray = np.sqrt(dx * dx + dy * dy) <= reach_m
    return np.where(blind, near, close)


def _advance(rows: IntArray, state: FloatArray, reading: FloatArray) -> MotionStep:
    """Advance the columns of ``state`` by one accepted reading [t, speed, x, y] [4, k]."""
    t = reading[0]
    past, last = state[_PAST_ROWS].reshape(4, SLOTS, -1), state[_LAST]
    usual_s, steps, unbroken_t = state[_USUAL : _USUAL + 3]
    longest_s = longest_step_s(usual_s)
    since_s, earlier = _half_a_second_ago(past, t, longest_s)
    speed = _speed(reading, earlier, since_s, last[1])
    gap_s = t - last[0]
    joined = (gap_s > 0.0) & (gap_s <= longest_s)
    from_mps = np.where(joined & np.isnan(last[1]), speed, last[1])  # the first displacement has no speed before it
    dt_s = np.where(np.isnan(from_mps), 0.0, np.minimum(np.fmax(gap_s, 0.0), longest_s))
    learn_usual(usual_s, steps, np.fmax(gap_s, 0.0))
    np.copyto(unbroken_t, t, where=~joined)
    held = _held(past, t, speed, usual_s, unbroken_t)
    acceleration = np.where(since_s <= LEAST_STEP_S, (speed - earlier[0]) / since_s, np.nan)
    _remember(past, t, speed, reading[2:])
    last[:] = reading
    last[1] = speed
    return MotionStep(rows, t, gap_s, dt_s, joined, from_mps, speed, earlier[0], acceleration, held)


def _speed(reading: FloatArray, earlier: FloatArray, since_s: FloatArray, last_mps: FloatArray) -> FloatArray:
    """Speed [k] as read, else of the displacement since ``earlier``, else as it was."""
    speed: FloatArray = reading[1]
    if not some(np.isnan(speed)):
        return speed
    dx, dy = reading[2:] - earlier[1:]
    moved_mps = np.sqrt(dx * dx + dy * dy) / since_s
    moved_mps = np.where(moved_mps < STANDSTILL_MPS, 0.0, moved_mps)
    moved_mps = np.where(np.isnan(moved_mps), last_mps, moved_mps)
    return np.where(np.isnan(speed), moved_mps, speed)


def _half_a_second_ago(past: FloatArray, t: FloatArray, longest_s: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Age, s [k], of the newest remembered reading that is half a second old, and the reading [3, k]; NaN: none."""
    age_s = t - past[0]
    old = age_s >= SMOOTHED_S - JITTER_S
    slot = np.argmax(old, axis=0)
    found = past[:, slot, np.arange(len(t))]
    since_s = t - found[0]
    usable = (since_s >= SMOOTHED_S - JITTER_S) & (since_s <= longest_s + JITTER_S)
    return np.where(usable, since_s, np.nan), found[1:]


def _held(
    past: FloatArray, t: FloatArray, speed: FloatArray, usual_s: FloatArray, unbroken_t: FloatArray
) -> FloatArray:
    """Lowest speed [k] over the last half second, where each reading covers its interval; NaN after a gap."""
    window_s = SMOOTHED_S + JITTER_S - 0.5 * np.where(usual_s > 0.0, usual_s, LEAST_STEP_S)
    inside = t - past[0] <= window_s
    lowest = np.minimum(speed, np.where(inside, past[1], np.inf).min(axis=0))
    return np.where(t - unbroken_t >= window_s - 2.0 * JITTER_S - _SLOT_S, lowest, np.nan)


def _remember(past: FloatArray, t: FloatArray, speed: FloatArray, position: FloatArray) -> None:
    """Insert the reading at the front of the ``past`` [4, slots, k], newest first, unless one was just inserted."""
    due = ~(np.abs(t - past[0, 0]) < _SLOT_S)
    np.copyto(past[:, 1:], past[:, :-1].copy(), where=due)
    np.copyto(past[0, 0], t, where=due)
    np.copyto(past[1, 0], speed, where=due)
    np.copyto(past[2:, 0], position, where=due)
