"""Minutes in which a strap was wrong are not learned from (``squad/cadence_lock.py``, ``multiples.py``).

It counted steps, repeated one reading, or read half or twice the heart rate.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.squad.cadence_lock import DEVIATIONS, FROZEN_S, SUSPECT_S, WATCHED_S, near_steps
from athlete_monitor.training.multiples import Reading, read_multiples, signs

if TYPE_CHECKING:
    from athlete_monitor.arrays import BoolArray, FloatArray
    from athlete_monitor.features import FeatureSpec
    from athlete_monitor.training.rows import AthleteData, SessionRows

CADENCE: Final = "cadence_spm_ewma_2s"
LEAST_DEVIATION_BPM: Final = 3.0
LEAST_ROWS: Final = 600
MOST_ROWS: Final = 4000
TO_DEVIATION: Final = 1.4826
"""From the median of absolute errors to the standard deviation, where few errors are far out."""

GAP_S: Final = 5.0
PENALTY: Final = 10.0


def without_suspects(data: AthleteData, spec: FeatureSpec) -> AthleteData:
    """Leave out rows in which the strap was wrong for minutes, as a straight line through all rows says.

    It read half or twice the heart rate (``multiples.py``), followed the cadence for a minute while the line disagrees,
    or did not change at all for three minutes in which the line is usually further away than elsewhere.
    """
    if data.rows < LEAST_ROWS:
        return data
    names = spec.names(data.groups)
    cadence = names.index(CADENCE) if CADENCE in names else None
    return _without_steps_and_repeats(_without_multiples(data, cadence), cadence)


def _without_multiples(data: AthleteData, cadence: int | None) -> AthleteData:
    readings = [Reading(session, _column(session, cadence)) for session in data.sessions]
    if not any(signs(*pair) for pair in zip(readings, _line(data), strict=True)):
        return data
    found = zip(data.sessions, read_multiples(readings), strict=True)
    why = "the strap reads half or twice the heart rate"
    return replace(data, sessions=tuple(_without(*each, why) for each in found))


def _column(session: SessionRows, place: int | None) -> FloatArray:
    """A column of the features, [n]; NaN where there is none."""
    return np.full(len(session), np.nan) if place is None else session.X[:, place].astype(np.float64)


def _without_steps_and_repeats(data: AthleteData, cadence: int | None) -> AthleteData:
    if data.rows < LEAST_ROWS:
        return data
    stuck = [frozen(session.t, session.y) for session in data.sessions]
    if cadence is None and not any(part.any() for part in stuck):
        return data
    predicted = _line(data)
    errors = [session.y - said for session, said in zip(data.sessions, predicted, strict=True)]
    spread = max(TO_DEVIATION * float(np.median(np.abs(np.concatenate(errors)))), LEAST_DEVIATION_BPM)
    sessions = []
    for session, error, still in zip(data.sessions, errors, stuck, strict=True):
        away = np.abs(error) / spread
        steps = _follows_steps(session, away, cadence) if cadence is not None else np.zeros(len(error), dtype=bool)
        trusted = _without(session, steps, "the strap follows the step rate")
        repeated = (still & bool(still.any() and np.median(away[still]) > 1.0))[~steps]
        sessions.append(_without(trusted, repeated, "the strap repeats one reading for minutes"))
    return replace(data, sessions=tuple(sessions))


def _line(data: AthleteData) -> list[FloatArray]:
    from athlete_monitor.models.line import fit_line

    step = max(1, -(-data.rows // MOST_ROWS))
    X = np.concatenate([session.X[::step] for session in data.sessions])
    y = np.concatenate([session.y[::step] for session in data.sessions])
    line = fit_line(X, y, np.ones(len(y)), PENALTY)
    return [line.predict(session.X) for session in data.sessions]


def _follows_steps(session: SessionRows, away: FloatArray, cadence: int) -> BoolArray:
    near = near_steps(session.y, session.X[:, cadence].astype(np.float64))
    return lasting(session.t, near & (away > DEVIATIONS) & (session.t - session.t[:1] >= WATCHED_S))


def _without(session: SessionRows, suspect: BoolArray, why: str) -> SessionRows:
    if not suspect.any():
        return session
    kept = session.keep(~suspect, session.columns)
    return replace(kept, notes=(*session.notes, f"{int(suspect.sum())} rows left out: {why}"))


def frozen(t: FloatArray, heart_rate_bpm: FloatArray) -> BoolArray:
    """Rows of stretches in which the heart rate [n] at ``t`` [n], s, stays exactly equal for ``FROZEN_S`` and a minute.

    >>> import numpy as np
    >>> t = np.arange(400.0)
    >>> int(frozen(t, np.where(t < 200.0, 131.0, 130.0 + t % 3)).sum())
    200
    """
    if not len(t):
        return np.zeros(0, dtype=bool)
    starts = np.concatenate([[True], (np.diff(heart_rate_bpm) != 0.0) | (np.diff(t) > GAP_S)])
    stretch = np.cumsum(starts) - 1
    first = np.flatnonzero(starts)
    last = np.concatenate([first[1:], [len(t)]]) - 1
    still: BoolArray = (t[last] - t[first] >= FROZEN_S + SUSPECT_S)[stretch]
    return still


def lasting(t: FloatArray, follows: BoolArray) -> BoolArray:
    """Rows of stretches of ``follows`` that last ``SUSPECT_S`` or longer; gaps of up to ``GAP_S`` do not end one.

    >>> import numpy as np
    >>> t = np.arange(200.0)
    >>> int(lasting(t, (t >= 10) & (t < 50)).sum()), int(lasting(t, (t >= 100) & (t < 180)).sum())
    (0, 80)
    """
    suspect = np.zeros(len(t), dtype=bool)
    places = np.flatnonzero(follows)
    if not len(places):
        return suspect
    for stretch in np.split(places, np.flatnonzero(np.diff(t[places]) > GAP_S) + 1):
        if t[stretch[-1]] - t[stretch[0]] >= SUSPECT_S - 1.0:
            suspect[stretch] = True
    return suspect
