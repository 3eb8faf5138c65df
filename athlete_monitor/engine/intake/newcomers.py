"""Devices that nobody expects: beyond a few at a time, one begins a session with its second message, not its first.

A sender with a new name in every message would else begin a session, with folders and records, for each of them. Real
devices send again: what distinguishes them is the name, so names are remembered longer than the samples that came with
them, which take a hundred times the memory.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from athlete_monitor.engine.intake.guard import Pace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.wire.sample import Sample

AT_ONCE: Final = 256
"""So many new devices may begin a session with their first message."""
PER_S: Final = 0.2
"""At this rate that number recovers."""
MOST_NAMES: Final = 32_768
"""Most devices that are remembered by their first message; the oldest are forgotten."""
MOST_HELD: Final = 4096
"""Most samples of first messages that are held, together; those of the oldest devices are dropped. The live engine
holds ``HELD_PER_DEVICE`` for each device that it may monitor, if that is more."""
HELD_PER_DEVICE: Final = 16
HELD_S: Final = 3.0
"""Samples of a first message are used if the second one is used within this time: later they would be shown as present
although they are old. Of an overloaded engine the messages between them have been dropped."""
FORGOTTEN_S: Final = 60.0
"""A device whose second message comes later begins again."""


class Newcomers:
    """Holds the first messages of devices that begin while too many others do.

    Args:
        at_once: number of devices that begin with their first message.
        most_held: number of samples that are held, together.
        most_names: number of devices that are remembered.

    Example:
        >>> from athlete_monitor.wire.sample import Sample
        >>> newcomers = Newcomers(at_once=1)
        >>> [len(newcomers.admit([Sample(name, 0.0)], 0.0)) for name in ("a", "b")], newcomers.held
        ([1, 0], 1)
        >>> [sample.t for sample in newcomers.admit([Sample("b", 0.1)], 0.1)]
        [0.0, 0.1]
    """

    def __init__(self, at_once: int = AT_ONCE, most_held: int = MOST_HELD, most_names: int = MOST_NAMES) -> None:
        self._pace = Pace(PER_S, at_once)
        self._most_held, self._most_names = most_held, most_names
        self._firsts: dict[str, float] = {}
        """When the only message of each device arrived, oldest first."""
        self._held: dict[str, Sequence[Sample]] = {}
        """Samples of those messages, oldest first."""
        self._proven: dict[str, None] = {}
        """Devices that have sent a second message, oldest first."""
        self.held = 0
        """Samples that are held at present."""
        self._forgotten = 0
        self._now_s = -math.inf
        self.last = ""
        """The device that was held last."""

    def admit(self, samples: Sequence[Sample], arrived_s: float) -> Sequence[Sample]:
        """Return the samples with which the device begins: held ones and those of this message; none if it waits."""
        device_id = samples[0].device_id
        self.expire(arrived_s)
        if device_id in self._proven:
            return samples
        if device_id in self._firsts:
            return (*self._prove(device_id), *samples)
        if samples[0].end:  # nothing begins with an end
            return samples
        self._remember(device_id, arrived_s)
        if self._pace.take(arrived_s, 1):
            return samples
        self._hold(device_id, samples)
        return ()

    def expire(self, now_s: float) -> None:
        """Forget devices that have not sent again."""
        self._now_s = max(self._now_s, now_s)
        while self._firsts:
            device_id = next(iter(self._firsts))
            if now_s - self._firsts[device_id] <= FORGOTTEN_S:
                return
            self._forget(device_id)

    def take_forgotten(self) -> int:
        """Number of samples dropped since the last call, because no second message followed soon enough."""
        forgotten, self._forgotten = self._forgotten, 0
        return forgotten

    def _prove(self, device_id: str) -> Sequence[Sample]:
        """Return what was held of a device that has sent again, if it is recent."""
        waited_s = self._now_s - self._firsts.pop(device_id)
        self._proven[device_id] = None
        if len(self._proven) > self._most_names:
            del self._proven[next(iter(self._proven))]
        held = self._take(device_id)
        if waited_s <= HELD_S:
            return held
        self._forgotten += len(held)
        return ()

    def _remember(self, device_id: str, arrived_s: float) -> None:
        self._firsts[device_id] = arrived_s
        if len(self._firsts) > self._most_names:
            self._forget(next(iter(self._firsts)))

    def _hold(self, device_id: str, samples: Sequence[Sample]) -> None:
        self._held[device_id] = samples
        self.held += len(samples)
        self.last = device_id
        while self.held > self._most_held:
            self._forgotten += len(self._take(next(iter(self._held))))

    def _take(self, device_id: str) -> Sequence[Sample]:
        samples = self._held.pop(device_id, ())
        self.held -= len(samples)
        return samples

    def _forget(self, device_id: str) -> None:
        del self._firsts[device_id]
        self._forgotten += len(self._take(device_id))
