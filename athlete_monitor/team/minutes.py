"""How long the session was that an athlete rates."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from athlete_monitor.team.records import Stint

Span = tuple[float, float]
"""From when to when, epoch seconds."""


def minutes_played(sessions: Sequence[Span], stints: Sequence[Stint], until_t: float) -> float | None:
    """Return the minutes that count for a rating, to 0.1; None if nothing is known.

    Args:
        sessions: the athlete's sessions within the team session.
        stints: the athlete's stints of the team session; an athlete who was on the pitch is rated for those minutes.
        until_t: end of a stint that has no end, if the athlete has no session.

    >>> minutes_played([(0.0, 3600.0), (1800.0, 5400.0)], [], 9000.0)
    90.0
    >>> minutes_played([], [], 9000.0) is None
    True
    """
    last_t = max((end for _, end in sessions), default=until_t)
    on_pitch = [(each.start_t, last_t if each.end_t is None else each.end_t) for each in stints if each.state == "on"]
    seconds = _covered(on_pitch or sessions)
    return round(seconds / 60.0, 1) if seconds > 0.0 else None


def _covered(spans: Iterable[Span]) -> float:
    """Return the seconds that the spans cover; what two of them cover counts once."""
    seconds, reached = 0.0, float("-inf")
    for start, end in sorted(spans):
        seconds += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return seconds
