"""The way from the devices to the broker: batches, messages that are lost, and messages that come late."""

from __future__ import annotations

import heapq
import math
from typing import TYPE_CHECKING, Final, NamedTuple

from athlete_monitor.sim.randomness import generator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from athlete_monitor.sim.moments import Moment
    from athlete_monitor.wire.sample import Sample

BATCHES_ABOVE_HZ: Final = 25.0
MESSAGES_HZ: Final = 10.0
"""Devices faster than 25 Hz send so many messages a second."""


class Departure(NamedTuple):
    """A message on its way, in order of the time (seconds of the session) at which it leaves."""

    due_s: float
    order: int
    samples: list[Sample]


def samples_per_message(rate_hz: float) -> int:
    """Return how many samples a device of this rate puts into a message: 1 up to 25 Hz."""
    return 1 if rate_hz <= BATCHES_ABOVE_HZ else math.ceil(rate_hz / MESSAGES_HZ)


class SimulatedRadio:
    """Collects samples into messages, loses some, delays some.

    Args:
        per_message: samples of a device in one message.
        loss: share of the messages that never arrive, 0 to 1.
        jitter_s: each message is late by up to this, evenly; messages may overtake each other.
        seed: what is lost and late follows from it.
    """

    def __init__(self, per_message: int = 1, loss: float = 0.0, jitter_s: float = 0.0, seed: int = 0) -> None:
        self._per_message, self._loss, self._jitter_s = per_message, loss, jitter_s
        self._rng = generator(seed, "radio")
        self._filling: dict[str, list[Sample]] = {}
        self._underway: list[Departure] = []
        self._order = 0
        self.lost = 0

    def take(self, moment: Moment) -> None:
        """Accept the samples of a moment. The end of a session is never lost, and comes after all that went before."""
        for sample in moment.samples:
            batch = self._filling.setdefault(sample.device_id, [])
            if sample.end:
                self._finish(moment.session_s, sample)
                continue
            batch.append(sample)
            if len(batch) >= self._per_message:
                self._send(moment.session_s, self._filling.pop(sample.device_id))

    def departures(self, until_s: float = math.inf) -> Iterator[Departure]:
        """Yield what leaves until this time of the session, in order."""
        while self._underway and self._underway[0].due_s <= until_s:
            yield heapq.heappop(self._underway)

    def _finish(self, session_s: float, end: Sample) -> None:
        if batch := self._filling.pop(end.device_id):
            self._send(session_s, batch)
        self._push(session_s + self._jitter_s, [end])

    def _send(self, session_s: float, samples: list[Sample]) -> None:
        if self._loss and self._rng.random() < self._loss:
            self.lost += 1
            return
        self._push(session_s + (self._jitter_s * self._rng.random() if self._jitter_s else 0.0), samples)

    def _push(self, due_s: float, samples: list[Sample]) -> None:
        self._order += 1
        heapq.heappush(self._underway, Departure(due_s, self._order, samples))
