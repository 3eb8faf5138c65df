"""Internal load of a session as the athlete felt it."""

from __future__ import annotations

from typing import Final

LARGEST_RPE: Final = 10.0


def srpe_load(rpe: float, minutes: float) -> float:
    """Load of a session, arbitrary units: rating of perceived exertion, 0 ... 10, times minutes.

    Source: Foster et al. 2001, J Strength Cond Res 15:109-115 (cyclists and basketball players; the rating is asked for
    about 30 min after the end).

    Raises:
        ValueError: the rating is not between 0 and 10, or the duration is negative.

    >>> srpe_load(7, 60)
    420.0
    """
    if not 0.0 <= rpe <= LARGEST_RPE:
        raise ValueError(f"rpe: {rpe:g} is not allowed (0 to {LARGEST_RPE:g})")
    if not minutes >= 0.0:
        raise ValueError(f"minutes: {minutes:g} is not allowed (0 or more)")
    return float(rpe) * float(minutes)
