"""Minutes in which a strap counted steps instead of heart beats are not learned from (``squad/cadence_lock.py``)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.squad.cadence_lock import DEVIATIONS, NEAR_BPM, SUSPECT_S, WATCHED_S

if TYPE_CHECKING:
    from athlete_monitor.arrays import BoolArray, Float32Array, FloatArray
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
    """Leave out rows that follow the cadence for a minute while a straight line through all rows disagrees."""
    names = spec.names(data.groups)
    if CADENCE not in names or data.rows < LEAST_ROWS:
        return data
    predicted = _line(data)
    errors = [session.y - said for session, said in zip(data.sessions, predicted, strict=True)]
    spread = max(TO_DEVIATION * float(np.median(np.abs(np.concatenate(errors)))), LEAST_DEVIATION_BPM)
    cadence = names.index(CADENCE)
    sessions = [
        _trusted(session, np.abs(error) > DEVIATIONS * spread, session.X[:, cadence])
        for session, error in zip(data.sessions, errors, strict=True)
    ]
    return replace(data, sessions=tuple(sessions))


def _line(data: AthleteData) -> list[FloatArray]:
    from athlete_monitor.models.line import fit_line

    step = max(1, -(-data.rows // MOST_ROWS))
    X = np.concatenate([session.X[::step] for session in data.sessions])
    y = np.concatenate([session.y[::step] for session in data.sessions])
    line = fit_line(X, y, np.ones(len(y)), PENALTY)
    return [line.predict(session.X) for session in data.sessions]


def _trusted(session: SessionRows, apart: BoolArray, cadence: Float32Array) -> SessionRows:
    follows = apart & (np.abs(session.y - cadence) <= NEAR_BPM) & (session.t - session.t[0] >= WATCHED_S)
    suspect = lasting(session.t, follows)
    if not suspect.any():
        return session
    kept = session.keep(~suspect, session.columns)
    note = f"{int(suspect.sum())} rows left out: the strap follows the step rate"
    return replace(kept, notes=(*session.notes, note))


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
