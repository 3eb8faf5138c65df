"""Time in which the engine itself did not run, which must not count as silence of devices."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)

STANDSTILL_S: Final = 1.2
"""Rounds of the loop are 0.2 s apart at most; further apart than this, the engine did not run."""


class Standstill:
    """Notices by the gaps between rounds that the engine stood still, and excuses the devices for that time.

    The process was stopped, the machine was suspended, or it had no processor or disk. Messages wait in the socket and
    at the broker meanwhile.

    Args:
        excuse: called with the length of the gap, in seconds, and the engine's clock after it.

    Example:
        >>> gaps = []
        >>> standstill = Standstill([lambda gap_s, now_s: gaps.append((gap_s, now_s))])
        >>> standstill.look(10.0), standstill.look(10.5), standstill.look(40.5), standstill.look(41.0)
        (None, None, None, None)
        >>> gaps
        [(30.0, 40.5)]
    """

    def __init__(self, excuse: list[Callable[[float, float], None]]) -> None:
        self.excuse = excuse
        self._looked_s = math.inf

    def look(self, now_s: float) -> None:
        """Take the engine's clock, in seconds; to be called in every round before anybody looks for silent devices."""
        gap_s, self._looked_s = now_s - self._looked_s, now_s
        if gap_s <= STANDSTILL_S:
            return
        _log.warning("event=stood_still seconds=%.1f", gap_s)
        for each in self.excuse:
            each(gap_s, now_s)
