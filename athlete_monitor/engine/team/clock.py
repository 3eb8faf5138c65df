"""The present of a team session, also when its samples come from a simulation or a replay with a time of its own.

The devices of a squad share a clock; one whose clock is set wrong must not move the present of all others.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SAMPLE_CLOCK_S: Final = 60.0
"""Samples this far from the wall clock come from a simulation or a replay: then their time is used as team time."""
STEADY_S: Final = 10.0
"""A clock that is off for this long by the same amount is set wrong: a fast replay moves, stored samples catch up."""
STEADY_WITHIN_S: Final = 3.0
MOST_OFF_S: Final = 26 * 3600.0
"""Samples further from the wall clock than any mistake of a time zone are a replay."""

_BOX: Final = ""
"""In place of a device: the whole squad's clock against that of the box."""


def newest_of(times: Sequence[float], wall_t: float) -> float | None:
    """Return the newest of the times that most devices share; None without devices.

    The wall clock is right if half of the devices agree with it; else the middle device is.

    Args:
        times: the newest sample of each device that is sending, by its own clock, s.
        wall_t: the wall clock, s.

    >>> newest_of([1000.0, 1001.0, 4600.0], 1002.0), newest_of([70.0, 71.0, 9999.0], 5000.0), newest_of([], 0.0)
    (1001.0, 71.0, None)
    """
    if not times:
        return None
    near = [t for t in times if abs(t - wall_t) < SAMPLE_CLOCK_S]
    if 2 * len(near) >= len(times):
        return max(near)
    middle = sorted(times)[len(times) // 2]
    return max(t for t in times if abs(t - middle) < SAMPLE_CLOCK_S)


class OddClocks:
    """Finds devices whose clock is set wrong, and says so once for each.

    Example:
        >>> odd = OddClocks()
        >>> [odd.check({"007": t + 3600.0, "008": t}, t, t) for t in (0.0, 5.0, 11.0, 12.0)][2:]
        [['the clock of device 007 is 1 h 0 min ahead: its samples are not in the periods of the others'], []]
    """

    def __init__(self) -> None:
        self._since: dict[str, tuple[float, float]] = {}
        """For each device that is off: by how much, and since when."""
        self._mentioned: set[str] = set()

    def check(self, times: Mapping[str, float], now_t: float, wall_t: float) -> list[str]:
        """Return a sentence for each device that is newly found.

        Args:
            times: the newest sample of each device that is sending, by its own clock, s.
            now_t: the team's present, s.
            wall_t: the wall clock, s.
        """
        for device in self._since.keys() - times.keys() - {_BOX}:
            del self._since[device]
        odd = {device: t - now_t for device, t in times.items() if self._is_wrong(device, t - now_t, wall_t)}
        texts = [f"{_off(*each)}: its samples are not in the periods of the others" for each in odd.items()]
        if times and abs(now_t - wall_t) <= MOST_OFF_S and self._is_wrong(_BOX, now_t - wall_t, wall_t):
            texts.append(f"{_off(next(iter(times)), now_t - wall_t)} of this box: one of the two is set wrong")
        return texts

    def _is_wrong(self, device: str, off_s: float, wall_t: float) -> bool:
        if abs(off_s) < SAMPLE_CLOCK_S:
            self._mentioned.discard(device)
        if abs(off_s) < SAMPLE_CLOCK_S or device in self._mentioned:
            self._since.pop(device, None)
            return False
        known_s, since_t = self._since.get(device, (off_s, wall_t))
        if abs(off_s - known_s) > STEADY_WITHIN_S:
            known_s, since_t = off_s, wall_t
        self._since[device] = known_s, since_t
        is_found = wall_t - since_t >= STEADY_S
        if is_found:
            self._mentioned.add(device)
        return is_found


def _off(device: str, off_s: float) -> str:
    hours, minutes = divmod(round(abs(off_s) / 60.0), 60)
    days, hours = divmod(hours, 24)
    span = f"{days} d {hours} h" if days else f"{hours} h {minutes} min" if hours else f"{minutes} min"
    return f"the clock of device {device} is {span} {'ahead' if off_s > 0 else 'behind'}"


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
