"""The summary of a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from athlete_monitor.catalogue import FIGURES, FORMULAS
from athlete_monitor.engine.figures.cells import Cells
from athlete_monitor.engine.figures.reasons import null_reasons
from athlete_monitor.engine.figures.record import identity, quality
from athlete_monitor.engine.figures.variability import variability_figures
from athlete_monitor.physiology.chronic import CHRONIC
from athlete_monitor.physiology.hrv import HeartRateVariability
from athlete_monitor.physiology.load_zone import LEAST_KNOWN_SHARE, load_zone, recovery
from athlete_monitor.squad.tables import TOTAL_FIGURES
from athlete_monitor.wire.timestamps import format_timestamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.engine.sessions.session import Session
    from athlete_monitor.physiology.load_zone import LoadLimits
    from athlete_monitor.squad.kernel import Squad

SUMMARISED: Final = tuple(figure for figure in FIGURES.values() if figure.scope != "moment")
"""The figures of a summary, in order."""
_CELLS: Final = Cells(TOTAL_FIGURES)
_INPUTS: Final = {"heart_rate_bpm": "heart_rate_mean_bpm", "motion_mps2": "player_load", "speed_mps": "distance_m"}
"""For each input, the figure that shows for the whole session that it was present."""


def total_cells(squad: Squad, sessions: Sequence[Session]) -> list[list[Any]]:
    """Return the figures of whole sessions for ``summarise``: of many at once they cost a tenth."""
    return _CELLS.of(squad.total_values_of(np.array([session.row for session in sessions], dtype=np.int64)))


def summarise(
    squad: Squad, session: Session, limits: LoadLimits, reason: str, cells: list[Any] | None = None
) -> dict[str, Any]:
    """Return the summary of an ended session.

    Args:
        squad: holds the session's row.
        session: the session; its phases are closed.
        limits: thresholds of the training load.
        reason: why it ended: ``end_message``, ``idle``, ``pause`` and the like (``docs/outputs.md``).
        cells: of ``total_cells``, where the caller has them.
    """
    figures = _figures(squad, session.row, limits, total_cells(squad, [session])[0] if cells is None else cells)
    reasons = _reasons(squad, session, figures)
    variability, hrv_reasons = variability_figures(squad, session.row, has_beats=session.has_beats)
    figures |= dict(zip((figure.key for figure in HeartRateVariability.BEATS), variability, strict=True))
    figures |= dict(zip((figure.key for figure in CHRONIC), session.chronic, strict=True))
    return {
        **identity(session),
        "start": format_timestamp(session.device_start_t),
        "end": format_timestamp(session.device_t),
        "end_reason": reason,
        "duration_s": round(session.last_t - session.start_t, 3),
        **{figure.key: figures[figure.key] for figure in SUMMARISED},
        "phases_s": {name: round(seconds, 1) for name, seconds in session.phases.seconds.items()},
        "quality": quality(session.stream.quality, squad.strap.rejected(np.array([session.row]))[0]),
        "formulas": FORMULAS,
        "reasons": {**reasons, **hrv_reasons, **session.chronic_reasons},
    }


def _figures(squad: Squad, row: int, limits: LoadLimits, cells: list[Any]) -> dict[str, Any]:
    """Return all figures except those of beats and of the last weeks."""
    figures = dict(zip(_CELLS.keys, cells, strict=True))
    share = float(squad.heart_rate_totals.known_share(np.array([row]))[0])
    zone = load_zone(figures["trimp"], limits) if share >= LEAST_KNOWN_SHARE else None
    return figures | {
        "hr_max_source": squad.hr_max.source(row),
        "model_id": squad.models.model_id(row),
        "training_load_zone": zone,
        "recovery": recovery(zone, limits),
    }


def _reasons(squad: Squad, session: Session, figures: dict[str, Any]) -> dict[str, str]:
    """Return why figures of the whole session are missing."""
    inputs = {name: figures[key] for name, key in _INPUTS.items()}
    reasons = null_reasons(squad, session.row, session.mode_code, {**inputs, **figures})
    if figures["trimp"] is not None and figures["training_load_zone"] is None:
        known = f"heart rate known for only {figures['heart_rate_known_percent']:.0f} % of the session"
        reasons |= {"training_load_zone": known, "recovery": known}
    return {name: reason for name, reason in reasons.items() if name in figures}
