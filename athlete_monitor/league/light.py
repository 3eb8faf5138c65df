"""Keeps large libraries out of a shard's process, which computes nothing itself.

Ray loads Arrow, NumPy and Starlette into each worker where they are installed, to register serialisers for their
objects. A shard sends plain values only; without them it needs a third less memory and starts sooner.
"""

from __future__ import annotations

import sys
from typing import Final

UNUSED: Final = ("pyarrow", "starlette")
HOOK: Final = "athlete_monitor.league.light.leave_out"
"""For ``worker_process_setup_hook`` of Ray's runtime environment."""


def leave_out() -> None:
    """Let an import of the unused libraries fail as if they were not installed."""
    for name in UNUSED:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # None is what makes an import fail
