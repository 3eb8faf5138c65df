"""From a phone's acceleration sensors to what an accelerometer measures: the specific force, upwards at rest.

iOS turns the sign of all three axes, unless the app's "Standardise Units & Frames" is on, and the message does not say
so. Android's ``totalacceleration`` has the right sign. Else the sign is noticed at rest: a phone that lies flat shows
9.81 m/s² along its screen's axis, and it lies with the screen up, so that a minus means the other sign.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Literal

from athlete_monitor.channels import GRAVITY_MPS2

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athlete_monitor.bridge.joining import Vector

Sign = Literal["auto", "as-sent", "turned"]
SIGNS: Final[tuple[Sign, ...]] = ("auto", "as-sent", "turned")

REST_S: Final = 1.0
STILL_MPS2: Final = 0.5
"""How far the axes may move at rest, m/s²."""
FLAT: Final = 0.95
"""Share of gravity along the screen's axis of a phone that lies flat."""


class Gravity:
    """Makes one acceleration of what a phone's sensors say.

    >>> gravity = Gravity("auto")
    >>> gravity.total({"accelerometer": (0.0, 0.0, 0.0), "gravity": (0.0, 0.0, -9.81)}, 0.0)
    (0.0, 0.0, -9.81)
    >>> gravity.total({"totalacceleration": (0.0, 0.0, 9.81)}, 0.1)
    (0.0, 0.0, 9.81)

    Args:
        sign: ``auto`` notices it, ``as-sent`` and ``turned`` set it.
    """

    def __init__(self, sign: Sign = "auto") -> None:
        self._asked = sign
        self._sign = -1.0 if sign == "turned" else 1.0
        self._decided = sign != "auto"
        self._rest: deque[tuple[float, Vector]] = deque()

    @property
    def note(self) -> str | None:
        """What was found out about the sign; None where it is as sent."""
        return "the sign of gravity is turned" if self._sign < 0.0 else None

    def total(self, sensors: Mapping[str, Any], t_s: float) -> Vector | None:
        """Return the acceleration with gravity, m/s², from the sensors that there are; None where that needs others."""
        total: Vector | None = sensors.get("totalacceleration")
        if total is not None:
            return total
        found = _sum(sensors.get("accelerometer"), sensors.get("gravity"))
        if found is None:
            return None
        if not self._decided:
            self._notice(found, t_s)
        return found if self._sign > 0.0 else (-found[0], -found[1], -found[2])

    def _notice(self, found: Vector, t_s: float) -> None:
        if self._rest and not _is_near(found, self._rest[0][1]):
            self._rest.clear()
        self._rest.append((t_s, found))
        if t_s - self._rest[0][0] < REST_S:
            return
        self._rest.popleft()
        if abs(math.hypot(*found) - GRAVITY_MPS2) < STILL_MPS2 and abs(found[2]) > FLAT * GRAVITY_MPS2:
            self._sign, self._decided = math.copysign(1.0, found[2]), True
            self._rest.clear()


def _sum(linear: Vector | None, gravity: Vector | None) -> Vector | None:
    if linear is None or gravity is None:
        return None
    return linear[0] + gravity[0], linear[1] + gravity[1], linear[2] + gravity[2]


def _is_near(a: Vector, b: Vector) -> bool:
    return all(abs(x - y) < STILL_MPS2 for x, y in zip(a, b, strict=True))
