"""When things happen: deadlines of a monotonic clock, how late they were met, and the wish to stop."""

from __future__ import annotations

import os
import select
import signal
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from athlete_monitor.arrays import IntArray

_BIN_S: Final = 0.0001
_BINS: Final = 50_000
BEHIND_S: Final = 0.5
"""A larger delay is reported."""
TELL_EVERY_S: Final = 10.0


class Stop:
    """The wish to end, from a signal or from within. Waiting on it takes no lock, so a signal handler may set it."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        self._wished = False
        self._handlers: dict[int, Any] = {}

    def __bool__(self) -> bool:
        return self._wished

    def wish(self) -> None:
        """Ask for the end; wakes who waits."""
        if not self._wished:
            self._wished = True
            os.write(self._write, b".")

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until the end is wished; return whether it is."""
        if seconds > 0.0 and not self._wished:
            select.select([self._read], [], [], seconds)
        return self._wished

    def on_signals(self) -> None:
        """Let SIGINT and SIGTERM wish the end; a second one of a kind ends the process the hard way."""

        def handle(number: int, _frame: object) -> None:
            signal.signal(number, signal.SIG_DFL)
            self.wish()

        for number in (signal.SIGINT, signal.SIGTERM):
            self._handlers[number] = signal.signal(number, handle)

    def close(self) -> None:
        """Put the former signal handlers back, and give the pipe back."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        os.close(self._read)
        os.close(self._write)


@dataclass
class Lateness:
    """How late deadlines were met: a histogram of 0.1 ms bins up to 5 s, in memory that does not grow."""

    counts: IntArray = field(default_factory=lambda: np.zeros(_BINS, dtype=np.int64))
    worst_s: float = 0.0

    def add(self, late_s: float) -> None:
        """Note one deadline; early ones count as met."""
        self.counts[min(max(int(late_s / _BIN_S), 0), _BINS - 1)] += 1
        self.worst_s = max(self.worst_s, late_s)

    def percentile_ms(self, percent: float) -> float:
        """Return the lateness, ms, that so many per cent of the deadlines stayed below; 0 where there were none."""
        total = np.cumsum(self.counts)
        if total[-1] == 0:
            return 0.0
        bin_index = int(np.searchsorted(total, percent / 100.0 * total[-1]))
        return round(min((bin_index + 1) * _BIN_S, self.worst_s) * 1000.0, 2)


class Pacer:
    """Maps seconds of the session to moments of a monotonic clock; errors do not add up.

    Args:
        speed: session seconds for each second of the clock; None does not wait at all.
        stop: ends every wait.
        warn: called, at most every 10 s, with how far the pace is missed.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        speed: float | None,
        stop: Stop,
        warn: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._speed, self._stop, self._warn, self._clock = speed, stop, warn, clock
        self._origin_s = clock()
        self._told_s = -TELL_EVERY_S
        self.lateness = Lateness()

    @property
    def since_start_s(self) -> float:
        """Seconds of the clock since ``start``."""
        return self._clock() - self._origin_s

    def start(self) -> None:
        """The session begins now."""
        self._origin_s = self._clock()

    def pause(self, seconds: float) -> None:
        """Move all deadlines later by this much, which was spent waiting for something else."""
        self._origin_s += seconds

    def wait(self, session_s: float) -> bool:
        """Wait for this time of the session; return False where the end is wished."""
        if self._speed is None:
            return not self._stop
        self._stop.wait(session_s / self._speed - self.since_start_s)
        return not self._stop

    def met(self, session_s: float) -> None:
        """Note that what was due at this time of the session is done now."""
        if self._speed is None:
            return
        late = self.since_start_s - session_s / self._speed
        self.lateness.add(late)
        if late > BEHIND_S and self.since_start_s - self._told_s >= TELL_EVERY_S:
            self._told_s = self.since_start_s
            reached = 100.0 * (session_s / self._speed) / self.since_start_s
            self._warn(f"cannot keep up: {late:.1f} s behind, {reached:.0f} % of the wanted pace")
