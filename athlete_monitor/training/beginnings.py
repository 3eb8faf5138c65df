"""Rows from the beginning of a session that began with hard movement and a resting heart are not learned from.

At its first sample a session looks like the middle of one: nothing shows what was before (``features/bank.py``,
``BEGIN_S``). Where the heart was at rest, averages of effort are too high for some minutes, and such rows would teach a
model that the heart is slow in hard work. Models are judged on these rows all the same: live, nobody knows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.arrays import BoolArray
    from athlete_monitor.features import FeatureSpec
    from athlete_monitor.models.line import LineModel
    from athlete_monitor.training.rows import AthleteData, SessionRows

SETTLED_S: Final = 300.0
"""From here on, averages of effort cover what was really done."""

SLOW_TAU_S: Final = 60.0
LOWEST_SHARE: Final = 0.05
"""A beginning counts only if its slow averages are above the lowest 5 % of the later ones: one from rest is lower."""

DEVIATIONS: Final = 3.0
LEAST_BPM: Final = 15.0
LEAST_DEVIATION_BPM: Final = 3.0
TO_DEVIATION: Final = 1.4826
LEAST_ROWS: Final = 240
MOST_ROWS: Final = 4000
PENALTY: Final = 10.0


def without_false_beginnings(data: AthleteData, spec: FeatureSpec) -> AthleteData:
    """Mark rows whose heart rate is far below what a line through all later rows says of the same effort.

    On forty real runs this marks no row; on simulated sessions that begin with hard movement from rest, the error of a
    model of four goes from 5.1 to 2.6 bpm after the first five minutes.
    """
    settled = [session.keep(~_begins(session), session.columns) for session in data.sessions]
    slow = [place for place, name in enumerate(spec.names(data.groups)) if _is_slow(name)]
    if sum(map(len, settled)) < LEAST_ROWS or not slow:
        return data
    line, spread = _line(settled)
    lowest = np.quantile(np.concatenate([session.X[:, slow] for session in settled]), LOWEST_SHARE, axis=0)
    limit = max(DEVIATIONS * spread, LEAST_BPM)
    sessions = []
    for session in data.sessions:
        claims = (session.X[:, slow] >= lowest).all(axis=1)
        false = _begins(session) & claims & (session.y - line.predict(session.X) < -limit)
        sessions.append(replace(session, false_beginning=false) if false.any() else session)
    return replace(data, sessions=tuple(sessions))


def _begins(session: SessionRows) -> BoolArray:
    begins: BoolArray = session.t - session.t[0] < SETTLED_S
    return begins


def _is_slow(name: str) -> bool:
    """Whether a feature is a long average of how much is done, which effort from the start on has raised."""
    kind, average, tau = name.partition("_ewma_")
    effort = not kind.startswith("grade") and "step_rate" not in kind and "frequency" not in kind
    return bool(average) and effort and float(tau.removesuffix("s")) >= SLOW_TAU_S


def _line(settled: Sequence[SessionRows]) -> tuple[LineModel, float]:
    """A straight line through rows, and the usual size of its error, bpm."""
    from athlete_monitor.models.line import fit_line

    X, y = np.concatenate([session.X for session in settled]), np.concatenate([session.y for session in settled])
    step = max(1, -(-len(y) // MOST_ROWS))
    X, y = X[::step], y[::step]
    line = fit_line(X, y, np.ones(len(y)), PENALTY)
    return line, max(TO_DEVIATION * float(np.median(np.abs(y - line.predict(X)))), LEAST_DEVIATION_BPM)
