"""A thread with a bounded queue, which keeps slow work away from the kernel."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_log = logging.getLogger(__name__)

JOIN_S = 20.0
QUIET_S = 2.0


class Alarm:
    """Reports once that something fails, and once that it works again: when nothing has failed for ``quiet_s``."""

    def __init__(
        self,
        what: str,
        notify: Callable[[str, bool], None] | None = None,
        quiet_s: float = QUIET_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what, self._notify = what, notify
        self._quiet_s, self._clock = quiet_s, clock
        self._raised = False
        self._failed_s = 0.0

    @property
    def raised(self) -> bool:
        """Whether it fails at present."""
        return self._raised

    def failed(self, error: Exception) -> None:
        """Note a failed attempt."""
        self._failed_s = self._clock()
        if not self._raised:
            self._raised = True
            self._say(f"{self._what} failed: {error}", bad=True)

    def worked(self) -> None:
        """Note an attempt that worked."""
        if self._raised and self._clock() - self._failed_s >= self._quiet_s:
            self._raised = False
            self._say(f"{self._what} works again", bad=False)

    def _say(self, text: str, *, bad: bool) -> None:
        _log.log(logging.ERROR if bad else logging.WARNING, "alarm=%s %s", "raised" if bad else "cleared", text)
        if self._notify is not None:
            self._notify(text, bad)


class Worker:
    """Runs ``handle(items)`` in its own thread with whatever has been put since the last call.

    ``put`` never blocks: beyond ``limit`` waiting items the oldest is dropped and counted in ``dropped``. ``handle`` is
    called every ``period_s`` and soon after ``hurry``, with an empty sequence when nothing came, and one last time by
    ``stop``.
    An ``OSError`` from ``handle`` raises the alarm and costs those items; the thread continues.
    """

    def __init__(
        self,
        name: str,
        handle: Callable[[Sequence[Any]], None],
        *,
        limit: int = 100_000,
        period_s: float = 0.25,
        alarm: Alarm | None = None,
    ) -> None:
        self.dropped = 0
        self.alarm = alarm or Alarm(name)
        self._handle, self._period_s = handle, period_s
        self._items: deque[Any] = deque(maxlen=limit)
        self._limit = limit
        self._stopping = False
        self._awake = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def put(self, item: object) -> None:
        """Queue an item for the thread."""
        if len(self._items) >= self._limit:
            self.dropped += 1
        self._items.append(item)

    def hurry(self) -> None:
        """Do not wait for the period to end."""
        self._awake.set()

    def stop(self) -> None:
        """Handle waiting items and end the thread; work that takes longer than ``JOIN_S`` is dropped and reported."""
        self._stopping = True
        self._awake.set()
        if self._thread.is_alive():
            self._thread.join(JOIN_S)
        if self._thread.is_alive():
            _log.error("event=gave_up thread=%s", self._thread.name)

    def _run(self) -> None:
        with suppress(OSError):  # the name that top -H shows
            Path(f"/proc/self/task/{threading.get_native_id()}/comm").write_text(self._thread.name, encoding="ascii")
        while not self._stopping:
            self._awake.wait(self._period_s)
            self._awake.clear()
            self._handle_waiting()
        self._handle_waiting()

    def _handle_waiting(self) -> None:
        items = [self._items.popleft() for _ in range(len(self._items))]
        try:
            self._handle(items)
        except OSError as error:
            self.alarm.failed(error)
        else:
            self.alarm.worked()
