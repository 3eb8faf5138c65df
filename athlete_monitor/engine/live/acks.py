"""Acknowledgement of messages of QoS 1: after the journal has stored their data, if the broker allows it.

Acknowledged data are on the disk, so neither a kill nor a stop loses them. A broker that allows only a few open
messages (Mosquitto: 20 by default) would hold back all others until the next commit; this is detected within a few
commits, and from then on messages are acknowledged on arrival.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

QUIET_S: Final = 0.15
"""No message for this long while some are open: the broker may be waiting for acknowledgements."""
AT_ONCE_S: Final = 0.25
"""A message that arrives this soon after an acknowledgement has waited for it."""
AGREEING: Final = 4
"""Number of consecutive commits that must show it."""
FEWEST: Final = 5
"""With fewer open messages nothing can be concluded."""


class Acknowledgements:
    """The open messages of one connection.

    Args:
        acknowledge: acknowledges messages to the broker.
        notice: called with a sentence for the operator.
        is_deferred: whether to wait for the journal at all.

    Example:
        >>> done = []
        >>> acks = Acknowledgements(done.extend, print, is_deferred=True)
        >>> acks.arrived(7, 0.0)
        7
        >>> acks.used([7])
        >>> done
        [7]
    """

    def __init__(
        self, acknowledge: Callable[[Sequence[int]], object], notice: Callable[[str], None], *, is_deferred: bool
    ) -> None:
        self._acknowledge, self._notice = acknowledge, notice
        self.is_deferred = is_deferred
        self._open: set[int] = set()
        self._lock = threading.Lock()
        self._arrived_s = self._used_s = float("-inf")
        self._held_back = 0
        self._suspected = 0
        self._is_suspect = False

    def arrived(self, number: int, now_s: float) -> int:
        """Register a message that has arrived; return its token for ``used``, 0 for none."""
        if not number:
            return 0
        if not self.is_deferred:
            self._acknowledge((number,))
            return 0
        with self._lock:
            self._open.add(number)
            if self._is_suspect:
                self._is_suspect = False
                self._suspected = self._suspected + 1 if now_s - self._used_s <= AT_ONCE_S else 0
            self._arrived_s = now_s
        return number

    def used(self, numbers: Sequence[int], now_s: float = 0.0) -> None:
        """Mark messages as used."""
        with self._lock:
            held = len(self._open)
            self._open.difference_update(numbers)
            quiet = held >= FEWEST and now_s - self._arrived_s >= QUIET_S
            self._is_suspect = quiet and (not self._suspected or held == self._held_back)
            if not self._is_suspect:
                self._suspected = 0
            self._held_back, self._used_s = held, now_s
        self._acknowledge(numbers)
        if self._suspected >= AGREEING and self.is_deferred:
            self.give_up(
                f"the broker allows only {held} open messages: they are acknowledged on arrival, and a kill may lose "
                "the last second (max_inflight_messages of the broker)"
            )

    def give_up(self, why: str | None = None) -> None:
        """Acknowledge everything now, and from now on each message on arrival; ``why`` is reported, if given."""
        self.is_deferred = False
        self.release()
        if why is not None:
            self._notice(why)

    def release(self) -> None:
        """Acknowledge everything that is open."""
        with self._lock:
            numbers, self._open = list(self._open), set()
        if numbers:
            self._acknowledge(numbers)
