"""Limits for each device, so that none can starve the others or fill the disk."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

CATCH_UP_S: Final = 30.0
"""A device may send this many seconds of the highest rate at once: samples that it kept while it was out of reach."""
CHANGE_EVERY_S: Final = 10.0
"""Interval at which a device may change its wearer, or begin a session beyond the first few."""
MOST_CHANGES: Final = 32
"""Most changes of wearer of one device until the engine is restarted: each creates a folder."""
FIRST_SESSIONS: Final = 8.0
"""Sessions that a device may begin in a row."""


class Pace:
    """A budget that refills with time.

    Example:
        >>> pace = Pace(per_s=2.0, most=4.0)
        >>> pace.take(0.0, 10), pace.take(0.0, 1), pace.take(1.0, 10)
        (4, 0, 2)
    """

    __slots__ = ("_left", "_most", "_per_s", "_seen_s")

    def __init__(self, per_s: float, most: float) -> None:
        self._per_s, self._most, self._left = per_s, most, most
        self._seen_s: float | None = None

    def left(self, now_s: float) -> float:
        """Return what the budget allows at ``now_s``."""
        if self._seen_s is not None:
            self._left = min(self._most, self._left + max(0.0, now_s - self._seen_s) * self._per_s)
        self._seen_s = now_s
        return self._left

    def take(self, now_s: float, wanted: int) -> int:
        """Return how many of ``wanted`` the budget allows at ``now_s``, and take them from it."""
        allowed = min(wanted, int(self.left(now_s)))
        self._left -= allowed
        return allowed


@dataclass
class _Budget:
    """The remaining budgets of one device."""

    samples: Pace
    sessions: Pace = field(default_factory=lambda: Pace(1.0 / CHANGE_EVERY_S, FIRST_SESSIONS))
    wearers: Pace = field(default_factory=lambda: Pace(1.0 / CHANGE_EVERY_S, 1.0))
    changes: int = 0
    is_used_up: bool = False
    """Whether samples have been refused, and the budget has not come back since."""


class IntakeBudgets:
    """The budgets of all devices; without a limit everything is allowed.

    Args:
        max_rate_hz: samples a second of one device; None for no limits at all (recordings).
        max_devices: number of devices that are tracked; beyond that all budgets are reset.

    Example:
        >>> guard = IntakeBudgets(max_rate_hz=10.0)
        >>> guard.samples("001", 0.0, 2300)
        300
        >>> guard.may_change_wearer("001", 1.0), guard.may_change_wearer("001", 2.0)
        (True, False)
    """

    def __init__(self, max_rate_hz: float | None = None, max_devices: int = 10_000) -> None:
        self._rate_hz, self._max_devices = max_rate_hz, max_devices
        self._budgets: dict[str, _Budget] = {}

    def samples(self, device_id: str, now_s: float, wanted: int) -> int:
        """Return how many of ``wanted`` samples of a device are accepted."""
        if self._rate_hz is None:
            return wanted
        budget = self._budgets.get(device_id) or self._of(device_id)
        allowed = budget.samples.take(now_s, wanted)
        if allowed < wanted:
            budget.is_used_up = True
        return allowed

    def is_exhausted(self, device_id: str, now_s: float) -> bool:
        """Whether a device has used up its budget, until a second of it is back: decoding would be useless."""
        budget = self._budgets.get(device_id)
        if budget is None or not budget.is_used_up:
            return False
        budget.is_used_up = budget.samples.left(now_s) < (self._rate_hz or 0.0)
        return budget.is_used_up

    def may_begin_session(self, device_id: str, now_s: float) -> bool:
        """Whether a device may begin another session."""
        return self._rate_hz is None or self._of(device_id).sessions.take(now_s, 1) == 1

    def may_change_wearer(self, device_id: str, now_s: float) -> bool:
        """Whether a device may name another athlete as its wearer."""
        if self._rate_hz is None:
            return True
        budget = self._of(device_id)
        if budget.changes >= MOST_CHANGES or not budget.wearers.take(now_s, 1):
            return False
        budget.changes += 1
        return True

    def _of(self, device_id: str) -> _Budget:
        found = self._budgets.get(device_id)
        if found is None:
            if len(self._budgets) >= self._max_devices:
                self._budgets.clear()
            rate_hz = self._rate_hz or 0.0
            found = self._budgets[device_id] = _Budget(Pace(rate_hz, rate_hz * CATCH_UP_S))
        return found
