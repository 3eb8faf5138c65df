"""SIGINT, SIGTERM and SIGHUP end training cleanly: workers end, locks are released, models are complete."""

from __future__ import annotations

import os
import signal
import threading
import time
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from athlete_monitor.batch.starting import SIGNALS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

PATIENCE_S: Final = 5.0
"""A second signal this soon after the first is ignored; later the clean end has failed and the process ends at once."""


class Stopped(KeyboardInterrupt):
    """A signal asked the process to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.name = signal.Signals(number).name
        self.exit_code = 128 + number


@contextmanager
def stoppable() -> Iterator[None]:
    """Inside the block a signal raises ``Stopped`` once; the process should then end, and ignores further signals.

    To be used in the main thread.
    """
    process, since = os.getpid(), 0.0

    def stop(number: int, _frame: FrameType | None) -> None:
        nonlocal since
        if os.getpid() != process or (since and time.monotonic() - since > PATIENCE_S):
            os._exit(128 + number)
        if not since:
            since = time.monotonic()
            _silence_libraries()
            raise Stopped(number)

    ignored = {signal.SIGHUP} if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN else set()  # nohup
    before = {number: signal.signal(number, stop) for number in SIGNALS if number not in ignored}
    try:
        yield
    finally:
        if not since:
            for number, handler in before.items():
                signal.signal(number, handler)


def _silence_libraries() -> None:
    """From here the pools of worker processes lose their tasks and workers: their warnings would only repeat that."""
    warnings.simplefilter("ignore")
    threading.excepthook = lambda _args: None
