"""The loader's access to the machine: time, memory, and another thread. Tests replace it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from athlete_monitor.models.background import PacedThread

if TYPE_CHECKING:
    from collections.abc import Callable


def rss_bytes() -> int:
    """Resident memory of this process at present, bytes."""
    return int(psutil.Process().memory_info().rss)


def peak_rss_bytes() -> int:
    """Largest resident memory of this process so far, bytes; 0 if the system is not Linux."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return 0
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


def used_memory_percent() -> float:
    """Share of the machine's memory that is not available to programs, percent."""
    return float(psutil.virtual_memory().percent)


@dataclass(frozen=True)
class Probes:
    """The loader's environment: a clock in s, memory probes, and the runner of background loads."""

    clock: Callable[[], float] = time.monotonic
    rss_bytes: Callable[[], int] = rss_bytes
    peak_rss_bytes: Callable[[], int] = peak_rss_bytes
    used_memory_percent: Callable[[], float] = used_memory_percent
    run_aside: Callable[[Callable[[], object]], None] = field(default_factory=PacedThread)
