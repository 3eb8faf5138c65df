"""The machine's clock: whether it is set over the network, and whether files may be deleted by it.

A board without a battery starts in 1970, or where it last stopped, and a damaged one may start decades ahead. Then
everything would look older than it may become.
"""

from __future__ import annotations

import subprocess
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

EARLIEST_S: Final = 946_684_800.0
"""2000-01-01: whatever was written before was written while the clock was not set."""
LONGEST_PAUSE_S: Final = 366 * 86_400.0
"""A box is used at least once a year; over a longer gap the clock itself must know better."""

_ASK: Final = ("timedatectl", "show", "--property=NTPSynchronized", "--value")


def is_synchronised() -> bool | None:
    """Return whether the system's clock is synchronised over the network; None if that is unknown."""
    if Path("/run/systemd/timesync/synchronized").exists():
        return True
    try:
        said = subprocess.run(_ASK, capture_output=True, text=True, timeout=5, check=False).stdout.strip()  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    return {"yes": True, "no": False}.get(said)


def is_trusted(
    now_s: float, known_s: Iterable[float], synchronised: Callable[[], bool | None] = is_synchronised
) -> bool:
    """Return whether the present is late enough, and no more than a year after what is known, or set over the network.

    Args:
        now_s: the present by this clock.
        known_s: times at which something was written; those before 2000 say nothing.
        synchronised: asked only if there is a gap.

    Example:
        >>> day_s = 86_400.0
        >>> is_trusted(1.8e9, [1.8e9 - 90 * day_s], lambda: None)
        True
        >>> is_trusted(4.2e9, [1.8e9, 4.2e9 - day_s], lambda: None)  # both sides of a jump are known
        False
    """
    if now_s < EARLIEST_S:
        return False
    known = sorted({now_s, *(t for t in known_s if EARLIEST_S <= t < now_s)})
    return all(after - before <= LONGEST_PAUSE_S for before, after in pairwise(known)) or synchronised() is True
