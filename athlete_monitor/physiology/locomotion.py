"""External load from speed or position: distance, high-speed running, sprints, accelerations and decelerations."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np

from athlete_monitor.arrays import MAX_STEP_S
from athlete_monitor.figures import Figure, columns
from athlete_monitor.physiology.squad_state import SquadState

if TYPE_CHECKING:
    from athlete_monitor.arrays import FloatArray, IntArray

HIGH_SPEED_MPS: Final = 5.5
SPRINT_MPS: Final = 7.0
SPRINT_HELD_S: Final = 1.0
ACCELERATION_MPS2: Final = 3.0
ACCELERATION_HELD_S: Final = 0.5
REARMED_MPS2: Final = 1.5
"""An acceleration is over, and the next can be counted, below half the threshold."""
SPRINT_DIP_S: Final = 0.5
"""Readings below the sprint speed for no longer than this do not end a sprint."""
STANDSTILL_MPS: Final = 0.5
"""Speeds from positions below this are the jitter of the position system, and count as standing."""
JITTER_S: Final = 0.02

_SLOTS: Final = 7
_SLOT_S: Final = 0.08
_SPEEDING_AND_SLOWING: Final = np.array([[1.0], [-1.0]])
_PAST: Final = tuple(f"{name}_{slot}" for name in ("t", "speed", "x", "y") for slot in range(_SLOTS))
_TOTALS: Final = ("distance_m", "high_speed_m", "sprints", "accelerations", "decelerations", "max_speed_mps")
_RUNNING: Final = ("speed", "t", "readings", "sprint_since", "sprint_last", "sprint_counted", "speeding", "slowing")


class Locomotion(SquadState):
    """Distance, high-speed running, sprints, accelerations and decelerations of the session so far.

    Works from 1 to 100 Hz, on readings of speed, or of position where there is no speed; samples without a reading are
    passed over. Against noise nothing is taken from two neighbouring readings alone at high rates: an acceleration is
    the change of speed over the last 0.5 s or more (a reading 0.1 m/s off makes it 0.2 m/s^2 wrong), and a speed from
    positions is the displacement over the same time. Thus "at least 3 m/s^2 held 0.5 s" reads: the mean acceleration
    over 0.5 s reaches it. Thresholds vary between sports and systems (Sweeting et al. 2017, Front Physiol 8:432); these
    are absolute and not fitted to a person.

    - distance_m: speed over time, trapezoids, a step counting 2 s at most
    - high_speed_m: the distance of steps at 5.5 m/s or more
    - sprints: 7 m/s or more held for 1 s, dips of up to 0.5 s allowed
    - accelerations, decelerations: stretches of at least 3 m/s^2 held 0.5 s
    - max_speed_mps: highest speed that two neighbouring readings reached
    """

    FIELDS = MappingProxyType(
        {
            **dict.fromkeys(_PAST, np.nan),
            **dict.fromkeys(_TOTALS, 0.0),
            **dict.fromkeys(_RUNNING, 0.0),
            "speed": np.nan,
            "t": np.nan,
            "sprint_since": np.nan,
            "sprint_last": np.nan,
        }
    )
    MOMENTS: ClassVar[tuple[Figure, ...]] = (
        Figure(
            "speed_mps", "Speed", "m/s", 1, "present", "mean", needs=("speed_mps",), scope="moment",
            equation="as measured, else from positions",
        ),
    )  # fmt: skip
    FIGURES: ClassVar[tuple[Figure, ...]] = (
        Figure(
            "max_speed_mps", "Maximal speed", "m/s", 1, "total", "maximum", needs=("speed_mps",),
            equation="highest speed that two neighbouring readings reached",
        ),
        Figure(
            "distance_m", "Distance", "m", 0, "total", "difference", needs=("speed_mps",),
            equation="speed over time, or from positions where there is no speed",
        ),
        Figure(
            "high_speed_running_m", "High-speed running", "m", 0, "total", "difference", needs=("speed_mps",),
            equation="distance at 5.5 m/s or more",
        ),
        Figure(
            "sprints", "Sprints", "", 0, "count", "difference", needs=("speed_mps",), digits=0,
            equation="7 m/s or more held for 1 s",
        ),
        Figure(
            "accelerations", "Accelerations", "", 0, "count", "difference", needs=("speed_mps",), digits=0,
            equation="3 m/s² or more held for 0.5 s",
        ),
        Figure(
            "decelerations", "Decelerations", "", 0, "count", "difference", needs=("speed_mps",), digits=0,
            equation="-3 m/s² or less held for 0.5 s",
        ),
    )  # fmt: skip

    def update(
        self, rows: IntArray, t: FloatArray, speed_mps: FloatArray, x_m: FloatArray, y_m: FloatArray
    ) -> FloatArray:
        """Take speed [k], m/s, or position [k], m, at ``t`` [k], s; NaN: no reading in this sample.

        Returns the speed [k], m/s, used for this sample; NaN where there was none.
        """
        read = ~(np.isnan(speed_mps) & np.isnan(x_m + y_m))
        used = np.full(len(rows), np.nan)
        if not read.any():
            return used
        reading = np.array([speed_mps, x_m, y_m])
        if read.all():
            return self._read(rows, t, reading)
        used[read] = self._read(rows[read], t[read], reading[:, read])
        return used

    def total(self, name: str, rows: IntArray) -> FloatArray:
        """Total of ``name`` [k]: a distance, a count or ``max_speed_mps`` as the class names them.

        NaN for athletes without speed so far.
        """
        return np.where(self._field("readings", rows) > 0.0, self._field(name, rows), np.nan)

    def values(self, rows: IntArray) -> FloatArray:
        """Values of ``FIGURES`` for ``rows`` [k]."""
        state = self._take(rows)
        totals = dict(zip(_TOTALS, state[len(_PAST) : -len(_RUNNING)], strict=True))
        totals["high_speed_running_m"] = totals["high_speed_m"]
        known = state[len(_PAST) + len(_TOTALS) + _RUNNING.index("readings")] > 0.0
        return np.where(known, columns(self.FIGURES, totals), np.nan)

    def _read(self, rows: IntArray, t: FloatArray, reading: FloatArray) -> FloatArray:
        """Advance ``rows`` by one reading [speed, x, y] [3, k]; returns the speed [k]."""
        state = self._take(rows)
        past = state[: len(_PAST)].reshape(4, _SLOTS, -1)
        since_s, before = _half_a_second_ago(past, t)
        dx, dy = reading[1:] - before[1:]
        moved_mps = np.sqrt(dx * dx + dy * dy) / since_s
        moved_mps = np.where(moved_mps < STANDSTILL_MPS, 0.0, moved_mps)
        speed = np.where(np.isnan(reading[0]), moved_mps, reading[0])
        known = ~np.isnan(speed)
        _remember(past, t, speed, reading[1:])
        totals, running = state[len(_PAST) : -len(_RUNNING)], state[-len(_RUNNING) :]
        last_speed, gap = running[0].copy(), t - running[1]
        _add_distance(totals, last_speed, speed, gap)
        _count_sprints(totals, running, t, speed, gap)
        _count_accelerations(totals, running, (speed - before[0]) / since_s)
        np.copyto(running[:2], (speed, t), where=known)
        running[2] += known
        self._put(rows, state)
        return speed


def _half_a_second_ago(past: FloatArray, t: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Age, s [k], of the newest remembered reading that is half a second old, and the reading [3, k]; NaN: none."""
    age_s = t - past[0]
    old = age_s >= ACCELERATION_HELD_S - JITTER_S
    slot = np.argmax(old, axis=0)
    found = past[:, slot, np.arange(len(t))]
    since_s = t - found[0]
    usable = (since_s >= ACCELERATION_HELD_S - JITTER_S) & (since_s <= MAX_STEP_S)
    return np.where(usable, since_s, np.nan), found[1:]


def _remember(past: FloatArray, t: FloatArray, speed: FloatArray, position: FloatArray) -> None:
    """Put the reading in front of the ``past`` [4, slots, k], newest first, unless one was put there just before."""
    due = ~(np.abs(t - past[0, 0]) < _SLOT_S)
    np.copyto(past[:, 1:], past[:, :-1].copy(), where=due)
    np.copyto(past[0, 0], t, where=due)
    np.copyto(past[1, 0], speed, where=due)
    np.copyto(past[2:, 0], position, where=due)


def _add_distance(totals: FloatArray, last_speed: FloatArray, speed: FloatArray, gap: FloatArray) -> None:
    mean_mps = 0.5 * (last_speed + speed)
    step_m = np.fmax(mean_mps * np.minimum(np.fmax(gap, 0.0), MAX_STEP_S), 0.0)
    totals[0] += step_m
    totals[1] += np.where(mean_mps >= HIGH_SPEED_MPS, step_m, 0.0)
    reached_mps = np.where(gap <= MAX_STEP_S, np.minimum(last_speed, speed), np.nan)
    totals[5] = np.fmax(totals[5], reached_mps)


def _count_sprints(totals: FloatArray, running: FloatArray, t: FloatArray, speed: FloatArray, gap: FloatArray) -> None:
    last_speed, _, _, since, last, counted, _, _ = running
    fast = speed >= SPRINT_MPS
    if not fast.any():
        return
    goes_on = ((last_speed >= SPRINT_MPS) & (gap <= MAX_STEP_S)) | (np.abs(t - last) <= SPRINT_DIP_S)
    begins = fast & ~goes_on
    np.copyto(since, t, where=begins)
    np.copyto(last, t, where=fast)
    np.copyto(counted, 0.0, where=begins)
    held = fast & (t - since >= SPRINT_HELD_S - JITTER_S) & (counted == 0.0)
    np.copyto(counted, 1.0, where=held)
    totals[2] += held


def _count_accelerations(totals: FloatArray, running: FloatArray, acceleration: FloatArray) -> None:
    """Count each stretch of acceleration, and of deceleration, once."""
    change = acceleration * _SPEEDING_AND_SLOWING
    on = running[6:8]
    reached = change >= ACCELERATION_MPS2
    totals[3:5] += reached & (on == 0.0)
    on[:] = reached | ((on == 1.0) & (change >= REARMED_MPS2))
