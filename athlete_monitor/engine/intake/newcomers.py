"""Devices that nobody expects: beyond a few at a time, one begins a session with its second message, not its first.

A sender with a new name in every message would else begin a session, with folders and records, for each of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from athlete_monitor.engine.intake.guard import Pace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.wire.sample import Sample

AT_ONCE: Final = 256
"""So many new devices may begin a session with their first message."""
PER_S: Final = 0.2
"""At this rate that number recovers."""
MOST_HELD: Final = 4096
"""Most samples of first messages that are held, together; the oldest devices are forgotten."""
FORGOTTEN_S: Final = 60.0
"""A device whose second message comes later begins again."""


@dataclass
class _First:
    """The samples of a device's first message, and when it arrived."""

    arrived_s: float
    samples: list[Sample]


class Newcomers:
    """Holds the first messages of devices that begin while too many others do.

    Example:
        >>> from athlete_monitor.wire.sample import Sample
        >>> newcomers = Newcomers(at_once=1)
        >>> [len(newcomers.admit(Sample(name, 0.0), 0.0) or ()) for name in ("a", "b")], newcomers.held
        ([1, 0], 1)
        >>> [sample.t for sample in newcomers.admit(Sample("b", 0.1), 0.1)]
        [0.0, 0.1]
    """

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._pace = Pace(PER_S, at_once)
        self._firsts: dict[str, _First] = {}
        self.held = 0
        """Samples that are held at present."""
        self.forgotten = 0
        """Samples given up so far: no second message followed."""
        self.last = ""
        """The device that was held last."""

    def admit(self, sample: Sample, arrived_s: float) -> Sequence[Sample]:
        """Return the samples with which the device begins, this one last; nothing while it is held."""
        first = self._firsts.get(sample.device_id)
        if first is not None and arrived_s - first.arrived_s > FORGOTTEN_S:
            self._forget(sample.device_id)
            first = None
        if first is None and self._pace.take(arrived_s, 1):
            return (sample,)
        if first is None or first.arrived_s == arrived_s:
            self._hold(sample, arrived_s)
            return ()
        del self._firsts[sample.device_id]
        self.held -= len(first.samples)
        return (*first.samples, sample)

    def _hold(self, sample: Sample, arrived_s: float) -> None:
        self._firsts.setdefault(sample.device_id, _First(arrived_s, [])).samples.append(sample)
        self.held += 1
        self.last = sample.device_id
        while self.held > MOST_HELD:
            self._forget(next(iter(self._firsts)))

    def _forget(self, device_id: str) -> None:
        count = len(self._firsts.pop(device_id).samples)
        self.held -= count
        self.forgotten += count
