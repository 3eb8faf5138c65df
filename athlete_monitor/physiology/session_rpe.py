"""Internal load of a session as the athlete felt it."""

from __future__ import annotations

from typing import Final

from athlete_monitor.figures import Figure

LARGEST_RPE: Final = 10.0
RPE: Final = Figure(
    "rpe", "RPE", "", 1, "present", equation="the athlete's rating of the whole session, 0 (rest) to 10 (maximal)"
)
RATED_MINUTES: Final = Figure(
    "rated_minutes", "Rated time", "min", 0, "present",
    equation="minutes that the rating is about: those on the pitch, else those of the athlete's session",
)  # fmt: skip
SRPE_LOAD: Final = Figure(
    "srpe_load", "Session-RPE load", "", 0, "present", equation="`rpe` × `rated_minutes` (Foster 2001)"
)
FIGURES: Final = (RPE, RATED_MINUTES, SRPE_LOAD)
"""What follows from an athlete's rating of a session; an athlete gives it, no sensor."""


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


def published_load(rpe: float | None, minutes: float | None) -> float | None:
    """``srpe_load`` as it is published, to 0.1; None without a rating or without minutes.

    >>> published_load(6.5, 62.2), published_load(7, None), published_load(None, 90)
    (404.3, None, None)
    """
    return None if rpe is None or minutes is None else round(srpe_load(rpe, minutes), 1)
