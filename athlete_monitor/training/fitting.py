"""How a model is fitted to sessions: which rows, with which weights, and with how many trees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from athlete_monitor.models.kind import Task
from athlete_monitor.models.kinds import kind_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.arrays import IntArray
    from athlete_monitor.config import Training
    from athlete_monitor.training.rows import SessionRows

HALF_LIFE_SESSIONS: Final = 8.0

JUDGING_TREES: Final = 30
"""Trees of a model that is only judged on held-out rows: on forty runs its error is within 0.05 bpm of one of sixty.
They are the first trees of the whole model."""

INTERVAL_TREES: Final = 20
INTERVAL_ROWS: Final = 4000
"""Trees and rows of models that are only for the comparison of held-out sessions."""


def fit(sessions: Sequence[SessionRows], settings: Training, rises: IntArray, kind: str) -> Any:  # noqa: ANN401
    """Fit a model of a kind to sessions, oldest first."""
    return kind_of(kind).fit(task(sessions, settings, rises))


def task(sessions: Sequence[SessionRows], settings: Training, rises: IntArray) -> Task:
    """The training rows: every n-th row of each session, so that all fit in ``max_rows``.

    A session has half the weight of one that is ``HALF_LIFE_SESSIONS`` newer, because form and sensors change.
    """
    sessions = [session.learned for session in sessions]
    step = max(1, -(-sum(map(len, sessions)) // settings.max_rows))
    lengths = [len(session.y[::step]) for session in sessions]
    number = np.repeat(np.arange(len(sessions)), lengths)
    weight = 0.5 ** ((len(sessions) - 1 - number) / HALF_LIFE_SESSIONS)
    return Task(
        X=np.concatenate([session.X[::step] for session in sessions]),
        y=np.concatenate([session.y[::step] for session in sessions]),
        weight=weight / weight.mean(),
        session=number,
        rises=rises,
        shape=settings,
    )


def judging(settings: Training) -> Training:
    """The settings of a model that is judged on held-out rows and not published."""
    return settings.model_copy(update={"n_estimators": min(settings.n_estimators, JUDGING_TREES)})


def quick(settings: Training) -> Training:
    """The settings of a model that only compares held-out sessions, and kinds."""
    return settings.model_copy(
        update={
            "n_estimators": min(settings.n_estimators, INTERVAL_TREES),
            "max_rows": min(settings.max_rows, INTERVAL_ROWS),
        }
    )
