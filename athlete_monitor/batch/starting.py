"""Worker processes are started whole: no signal comes between a process and what it is given to begin with."""

from __future__ import annotations

import os
import signal
import threading
import warnings
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Requests to end: Ctrl+C, a service manager's, and that of a terminal that is closed."""


@contextmanager
def starting() -> Iterator[None]:
    """Start processes in the block, as in one of ``uninterrupted``, and with multiprocessing's resource tracker.

    A terminal that is closed ends the tracker too, perhaps first of all. It holds nothing of ours: another is started
    without a warning.
    """
    with _silent():
        resource_tracker.ensure_running()  # starting it would allow interrupts again
    with uninterrupted(), _silent():
        yield


@contextmanager
def _silent() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold back the handlers of ``SIGNALS`` until the end of the block.

    Processes and threads that are started in the block never get a Ctrl+C, which a terminal sends to all of them: the
    process that starts them decides. Only the main thread runs handlers; elsewhere there is nothing to hold back.
    """
    maker, held = os.getpid(), list[int]()
    handlers: dict[int, Callable[[int, FrameType | None], Any]] = {}

    def hold(number: int, frame: FrameType | None) -> None:
        if os.getpid() == maker:
            held.append(number)
        else:
            handlers[number](number, frame)

    # the mask is for what is started here; a signal that an older thread gets runs the main thread's handler anyway
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        for number in SIGNALS if threading.current_thread() is threading.main_thread() else ():
            handler = signal.getsignal(number)
            if callable(handler):
                handlers[number] = handler
                signal.signal(number, hold)
        yield
    finally:
        for held_back, handler in handlers.items():
            signal.signal(held_back, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if held:
            signal.raise_signal(held[0])
