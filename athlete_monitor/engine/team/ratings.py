"""How long the session was that an athlete rates, and the load that follows from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from athlete_monitor.physiology.session_rpe import published_load

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from athlete_monitor.team.records import Stint

Span = tuple[float, float]
"""From when to when, epoch seconds."""


def minutes_played(sessions: Sequence[Span], stints: Sequence[Stint], until_t: float) -> float | None:
    """Return the minutes that count for a rating; None if nothing is known.

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
    return seconds / 60.0 if seconds > 0.0 else None


def with_load(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a rating with its load; without minutes there is none.

    >>> with_load({"rpe": 7, "minutes": 60})
    {'rpe': 7, 'minutes': 60, 'srpe_load': 420.0}
    >>> with_load({"rpe": 7})
    {'rpe': 7}
    """
    load = published_load(values.get("rpe"), values.get("minutes"))
    return dict(values) if load is None else {**values, "srpe_load": load}


def _covered(spans: Iterable[Span]) -> float:
    """Return the seconds that the spans cover; what two of them cover counts once."""
    seconds, reached = 0.0, float("-inf")
    for start, end in sorted(spans):
        seconds += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return seconds
