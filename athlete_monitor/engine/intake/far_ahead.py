"""Devices whose clock is years ahead of the box's: their samples are dated by the box's clock.

Their sessions would stay the newest ones of every list for years. A clock that is less far ahead is followed: a board
without a battery for its clock may itself be months behind after a power cut, and then its devices are right.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from athlete_monitor.wire.sample import Sample

MOST_AHEAD_S: Final = 366 * 86_400.0
"""A session cannot begin further in the future of the box than this."""

SET_SINCE_T: Final = 1_600_000_000.0
"""A box whose clock is before this moment, in 2020, has not been set: then the devices' clocks are better."""


class FarAhead:
    """Moves the samples of devices whose clock is further ahead than ``MOST_AHEAD_S``, each device by one span.

    Args:
        wall_s: the box's clock, epoch seconds.
        notice: called with a sentence when a device is found.
        max_devices: most devices that are remembered.

    Example:
        >>> from athlete_monitor.wire.sample import Sample
        >>> ahead = FarAhead(lambda: 1.7e9, print, 10)
        >>> [sample.t for sample in ahead.dated([Sample("7", 3.4e9), Sample("7", 3.4e9 + 0.5)])]
        the clock of device 7 is 53 years ahead of this box: its samples are dated by the box's clock
        [1699999999.5, 1700000000.0]
        >>> [sample.t for sample in ahead.dated([Sample("7", 3.4e9 + 1.0)])]
        [1700000000.5]
    """

    def __init__(self, wall_s: Callable[[], float], notice: Callable[[str], None], max_devices: int) -> None:
        self._wall_s, self._notice, self._max_devices = wall_s, notice, max_devices
        self._behind_s: dict[str, float] = {}

    def dated(self, samples: Sequence[Sample]) -> Sequence[Sample]:
        """Return samples of one device in order of time, moved if its clock is far ahead."""
        if not samples or samples[-1].t <= self._latest_t():
            return samples
        device_id, last_t = samples[-1].device_id, samples[-1].t
        behind_s = self._behind_s.get(device_id)
        if behind_s is None or last_t - behind_s > self._latest_t():
            behind_s = self._found(device_id, last_t - self._wall_s())
        return [msgspec.structs.replace(sample, t=sample.t - behind_s) for sample in samples]

    def _latest_t(self) -> float:
        wall_t = self._wall_s()
        return wall_t + MOST_AHEAD_S if wall_t >= SET_SINCE_T else math.inf

    def _found(self, device_id: str, ahead_s: float) -> float:
        if len(self._behind_s) >= self._max_devices:
            self._behind_s.clear()
        self._behind_s[device_id] = ahead_s
        years = int(ahead_s / 86_400.0 / 365.25)
        span = f"{years} year{'s' if years > 1 else ''}"
        self._notice(
            f"the clock of device {device_id} is {span} ahead of this box: its samples are dated by the box's clock"
        )
        return ahead_s
