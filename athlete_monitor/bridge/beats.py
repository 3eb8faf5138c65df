"""What follows from a strap's beat intervals: which were sent twice, when readings were taken, how many are none."""

from __future__ import annotations

import statistics
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

REMEMBERED: Final = 32
"""Intervals that may be sent again after a reconnect; straps keep fewer."""
LEAST_MS: Final = 250.0
MOST_MS: Final = 2000.0
"""An interval outside is no heartbeat of an athlete: 240 to 30 bpm."""
UNLIKE: Final = 0.3
"""An interval further than this share from the median of those before is an artefact."""
_NEIGHBOURS: Final = 7
_WINDOW: Final = 120


class Repeats:
    """Removes the intervals that a strap sends again after a reconnect.

    >>> repeats = Repeats()
    >>> repeats.new((800, 810, 805))
    (800, 810, 805)
    >>> repeats.reconnected()
    >>> repeats.new((810, 805, 820))
    (820,)
    """

    def __init__(self) -> None:
        self._sent: deque[int] = deque(maxlen=REMEMBERED)
        self._suspicious = False

    def reconnected(self) -> None:
        """The next intervals may repeat earlier ones."""
        self._suspicious = True

    def new(self, beats: Sequence[int]) -> tuple[int, ...]:
        """Return the intervals that were not sent before the connection was lost.

        Those are the longest beginning of ``beats`` with which the earlier ones ended. An equal interval may be chance,
        but where beats were lost anyway one less does no harm, and one twice is false.
        """
        beats = tuple(beats)
        if self._suspicious and beats:
            self._suspicious = False
            beats = beats[self._overlap(beats) :]
        self._sent.extend(beats)
        return beats

    def _overlap(self, beats: tuple[int, ...]) -> int:
        sent = tuple(self._sent)
        lengths = range(min(len(beats), len(sent)), 0, -1)
        return next((length for length in lengths if sent[-length:] == beats[:length]), 0)


class SteadyClock:
    """Gives readings of a sensor the time of the host's clock, without the jitter of the radio.

    The sensor's own progress (the sum of the beats, or its time stamps) says how far readings are apart. The reading
    that took the shortest way says how that relates to the host's clock; it is believed a little less every second
    (``drift``), because two clocks never run alike. Where the sensor's progress falls behind by more than
    ``patience_s``, readings were lost, and the time restarts at the arrival.

    >>> clock = SteadyClock()
    >>> [round(clock.time(at, arrival), 3) for at, arrival in ((0.0, 100.0), (0.8, 101.3), (1.6, 101.6), (2.4, 102.4))]
    [100.0, 100.813, 101.6, 102.4]
    """

    def __init__(self, drift: float = 0.01, patience_s: float = 1.5) -> None:
        self._drift, self._patience_s = drift, patience_s
        self._offset_s = self._arrival_s = float("nan")

    def time(self, at_s: float, arrival_s: float) -> float:
        """Return when the reading of the sensor's time ``at_s`` was taken: host's clock, never after its arrival."""
        direct_s = arrival_s - at_s
        believed_s = self._offset_s + self._drift * max(0.0, arrival_s - self._arrival_s)
        self._arrival_s = arrival_s
        fits = direct_s - self._patience_s <= believed_s
        self._offset_s = min(direct_s, believed_s) if fits else direct_s
        return at_s + self._offset_s


class Artefacts:
    """The share of intervals among the last two minutes or so of beats that are no heartbeats.

    >>> artefacts = Artefacts()
    >>> artefacts.percent is None
    True
    >>> artefacts.take([800.0] * 9 + [3000.0])
    >>> artefacts.percent
    10.0
    """

    def __init__(self) -> None:
        self._good: deque[float] = deque(maxlen=_NEIGHBOURS)
        self._bad: deque[bool] = deque(maxlen=_WINDOW)

    def take(self, intervals_ms: Sequence[float]) -> None:
        """Judge further intervals, ms, oldest first."""
        for interval in intervals_ms:
            possible = LEAST_MS <= interval <= MOST_MS
            self._bad.append(not possible or self._is_unlike(interval))
            if possible:
                self._good.append(interval)

    @property
    def percent(self) -> float | None:
        """Artefacts, %; None before the first beat."""
        return round(100.0 * sum(self._bad) / len(self._bad), 1) if self._bad else None

    def _is_unlike(self, interval: float) -> bool:
        if len(self._good) < 3:
            return False
        middle = statistics.median(self._good)
        return abs(interval - middle) > UNLIKE * middle
