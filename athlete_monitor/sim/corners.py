"""Corners rounded: athletes brake before they turn, and gather and lose speed over a while.

Where two legs of a plan meet the velocity jumps. The jump is spread evenly over a time around the corner, so that the
way there is a parabola that leaves the first leg and joins the second (linear segments with parabolic blends, as in
robotics: Craig 1989, Introduction to Robotics, ch. 7). A turn at speed thus begins with braking, the acceleration in
it is constant and bounded, and the way stays in the triangle of the two legs: inside the pitch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from athlete_monitor.arrays import FloatArray

START: Final = 0
PLACE: Final = slice(1, 3)
VELOCITY: Final = slice(3, 5)
ACCELERATION: Final = slice(8, 10)
"""Columns of a plan's legs."""
_SHORTEST_S: Final = 1e-6


def rounded(legs: FloatArray, change_mps2: FloatArray, end_s: float) -> FloatArray:
    """Return the legs with the corners between them rounded.

    Args:
        legs: [legs, columns of ``plan.Leg``], straight, joining end to end.
        change_mps2: how fast the velocity changes at the beginning of each leg, more than 0; infinite leaves the corner
            as it is. Where a leg is too short for that, it changes as slowly as the leg allows.
        end_s: when the last leg ends.
    """
    if len(legs) == 0 or np.isinf(change_mps2).all():
        return legs
    length_s = np.diff(legs[:, START], append=end_s)
    jump = np.diff(legs[:, VELOCITY], axis=0)
    half_s = _fitting(np.hypot(jump[:, 0], jump[:, 1]) / change_mps2[1:] / 2.0, length_s)
    bend = np.zeros_like(jump)
    np.divide(jump, 2.0 * half_s[:, None], out=bend, where=half_s[:, None] > _SHORTEST_S)
    after, before = np.append(0.0, half_s), np.append(half_s, 0.0)
    straight = _from(legs, after)
    leaving = _bent(_from(legs, length_s - before), np.vstack((bend, np.zeros(2))))
    joining = _bent(_from(legs, after), np.vstack((np.zeros(2), bend)), -after)
    parts = np.stack((joining, straight, leaving), axis=1)
    lasting = np.stack((after, length_s - before - after, before), axis=1) > _SHORTEST_S
    return np.asarray(parts[lasting])


def _fitting(half_s: FloatArray, length_s: FloatArray) -> FloatArray:
    """Half the time of each corner, shortened so that the corners at both ends of a leg do not overlap."""
    wanted = np.append(0.0, half_s) + np.append(half_s, 0.0)
    share = np.minimum(1.0, length_s / np.maximum(wanted, _SHORTEST_S))
    return np.asarray(half_s * np.minimum(share[:-1], share[1:]))


def _from(legs: FloatArray, since_s: FloatArray) -> FloatArray:
    """The legs, begun so much later."""
    later = legs.copy()
    later[:, START] += since_s
    later[:, PLACE] += legs[:, VELOCITY] * since_s[:, None]
    return later


def _bent(legs: FloatArray, bend: FloatArray, since_s: FloatArray | float = 0.0) -> FloatArray:
    """The legs with a steady acceleration that is zero at their start, begun ``since_s`` later (or earlier)."""
    since = np.broadcast_to(since_s, len(legs))[:, None]
    bent = legs.copy()
    bent[:, START] += since[:, 0]
    bent[:, PLACE] += (legs[:, VELOCITY] + 0.5 * bend * since) * since
    bent[:, VELOCITY] += bend * since
    bent[:, ACCELERATION] = bend
    return bent
