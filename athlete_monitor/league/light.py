"""Prepares a worker process of Ray for a live engine: less memory, and the priority of the node's other programs.

Ray loads Arrow, NumPy and Starlette into each worker where they are installed, to register serialisers for their
objects. A shard sends plain values only; without them it needs a third less memory and starts sooner. Ray also starts
its workers with niceness 15: any busy program of the machine would then leave a live engine 3 % of its processor.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

UNUSED: Final = ("pyarrow", "starlette")
HOOK: Final = "athlete_monitor.league.light.prepare"
"""For ``worker_process_setup_hook`` of Ray's runtime environment."""


def prepare() -> None:
    """Prepare this process."""
    for name in UNUSED:  # their import fails as if they were not installed
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # None is what makes an import fail
    use_niceness(os.getpriority(os.PRIO_PROCESS, os.getppid()))


def use_niceness(wanted: int) -> None:
    """Set the niceness of all threads, where the user may; a lower one needs root, or ``RAY_worker_niceness=0``."""
    for thread in Path("/proc/self/task").iterdir():
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, int(thread.name), wanted)
