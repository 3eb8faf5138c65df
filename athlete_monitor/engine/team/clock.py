"""The present of a team session, also when its samples come from a simulation or a replay with a time of its own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLE_CLOCK_S: Final = 60.0
"""Samples this far from the wall clock come from a simulation or a replay: then their time is used as team time."""


class TeamClock:
    """The wall clock, unless the samples of the running session use another clock.

    Another clock goes on at the pace of the wall clock when its samples stop, until the session is over: a period that
    a coach ends after a replay's last sample must not end before it began.

    Args:
        wall_s: the wall clock, Unix time in s.

    Example:
        >>> clock = TeamClock(lambda: 1000.0)
        >>> clock.now_t(1003.0), clock.now_t(4000.0), clock.now_t(None), clock.now_t(None, is_running=False)
        (1000.0, 4000.0, 4000.0, 1000.0)
    """

    def __init__(self, wall_s: Callable[[], float] = time.time) -> None:
        self._wall_s, self._ahead_s = wall_s, 0.0
        self._newest_t: float | None = None

    def now_t(self, newest_t: float | None, *, is_running: bool = True) -> float:
        """Return the present, Unix time in s.

        Args:
            newest_t: time of the newest sample of the devices that are sending, s; None without any.
            is_running: whether a team session is running.
        """
        wall_t = self._wall_s()
        if newest_t is not None and newest_t != self._newest_t:
            ahead_s = newest_t - wall_t
            self._ahead_s = ahead_s if abs(ahead_s) >= SAMPLE_CLOCK_S else 0.0
        elif newest_t is None and not is_running:
            self._ahead_s = 0.0
        self._newest_t = newest_t
        return wall_t + self._ahead_s

    def resume(self, last_t: float) -> None:
        """Resume a session of an earlier engine with its last moment ``last_t``, perhaps ahead of the wall clock."""
        ahead_s = last_t - self._wall_s()
        if ahead_s >= SAMPLE_CLOCK_S:
            self._ahead_s = max(self._ahead_s, ahead_s)
