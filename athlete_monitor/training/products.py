"""A trained model with its origin: the sessions that were examined, and how many rows of each it learned from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from athlete_monitor.models.manifest import DEFAULT, LearnedSession
from athlete_monitor.training.publication import Product

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.training.athlete import Trained
    from athlete_monitor.training.finished import Finished
    from athlete_monitor.training.plan import TrainingPlan
    from athlete_monitor.training.rows import AthleteFacts
    from athlete_monitor.training.sessions import Candidates
    from athlete_monitor.training.squad import Member


def product_of(data: AthleteFacts, sessions: Candidates, trained: Trained, finished: Finished) -> Product:
    """Every examined session counts as known, also those without rows."""
    rows = {session.sha256: session.rows for session in data.sessions}
    entries = tuple(LearnedSession(file.name, file.sha256, rows.get(file.sha256, 0)) for file in sessions.files)
    return Product(data.athlete_id, data.groups, entries, data.sessions[-1].rate_hz, trained, finished)


def squad_product(
    members: Sequence[Member],
    plan: TrainingPlan,
    groups: tuple[str, ...],
    rates_hz: Sequence[float],
    trained: Trained,
    finished: Finished,
) -> Product:
    """The squad's model with the sessions of all athletes who were read."""
    rows = dict(shares for member in members for shares in member.rows)
    files = [file for standing in plan.read for file in standing.sessions.files]
    entries = tuple(LearnedSession(file.name, file.sha256, rows.get(file.sha256, 0)) for file in files)
    return Product(DEFAULT, groups, entries, rates_hz[len(rates_hz) // 2], trained, finished)
