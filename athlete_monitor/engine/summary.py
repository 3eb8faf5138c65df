"""The summary of a session, and what may carefully be said about load and rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from athlete_monitor.engine.heart_rate_source import SOURCE_NAMES
from athlete_monitor.engine.metrics import (
    FORMULAS,
    SCHEMA_VERSION,
    null_reasons,
    total_figures,
    variability_figures,
)
from athlete_monitor.wire.timestamps import format_timestamp

if TYPE_CHECKING:
    from athlete_monitor.config import TrainingLoad
    from athlete_monitor.engine.ingest import Quality
    from athlete_monitor.engine.kernel import Squad
    from athlete_monitor.engine.sessions import Session

LEAST_KNOWN_SHARE: Final = 0.8
"""Below this share of the session with a known heart rate its load is not called low, nor rest advised."""
ZONES: Final = ("low", "moderate", "high", "very_high")
GUIDANCE: Final = (
    "After a load of this size about {hours:g} h until the next hard session are common practice. "
    "A rule of thumb from heart rate alone, no medical advice: sleep, food, heat, illness and how the athlete feels "
    "count for more."
)


def load_zone(trimp: float | None, limits: TrainingLoad) -> str | None:
    """Zone of a session's load: ``low``, ``moderate``, ``high`` or ``very_high``."""
    if trimp is None:
        return None
    edges = (limits.moderate_from, limits.high_from, limits.very_high_from)
    return ZONES[sum(trimp >= edge for edge in edges)]


def recovery(zone: str | None, limits: TrainingLoad) -> dict[str, Any] | None:
    """Hours of rest commonly taken after a load of this zone, with a careful sentence."""
    if zone is None:
        return None
    hours = (
        limits.recovery_h_low,
        limits.recovery_h_moderate,
        limits.recovery_h_high,
        limits.recovery_h_very_high,
    )[ZONES.index(zone)]
    return {"usual_recovery_h": hours, "text": GUIDANCE.format(hours=hours)}


def identity(session: Session) -> dict[str, Any]:
    """Whose figures these are."""
    return {
        "schema_version": SCHEMA_VERSION,
        "device_id": session.device_id,
        "athlete_id": session.athlete_id,
        "name": session.wearer.name,
        "session_id": session.session_id,
        "mode": session.mode,
    }


def quality(counts: Quality, rejected: float) -> dict[str, Any]:
    """What became of the session's samples; ``rejected`` are strap readings refused as impossible."""
    percent = counts.percent
    return {
        "expected": counts.expected,
        **counts.to_dict(),
        "heart_rate_rejected": int(rejected),
        "percent": None if percent is None else round(percent, 2),
    }


def summarise(squad: Squad, session: Session, limits: TrainingLoad, reason: str) -> dict[str, Any]:
    """The summary of an ended session.

    Args:
        squad: holds the session's row.
        session: the session; its phases are closed.
        limits: thresholds of the training load.
        reason: why it ended: ``end_message``, ``idle``, ``pause`` and the like (``docs/outputs.md``).
    """
    rows = np.array([session.row])
    variability, hrv_reasons = variability_figures(squad, session.row, has_beats=session.has_beats)
    figures = {**_heart_rate(squad, session.row), **total_figures(squad, rows)[0]}
    share = _known_share(figures)
    zone = load_zone(figures["trimp"], limits) if share >= LEAST_KNOWN_SHARE else None
    figures |= {
        "heart_rate_known_percent": round(100.0 * share, 1),
        "training_load_zone": zone,
        "recovery": recovery(zone, limits),
        "model_id": squad.models.model_id(session.row),
    }
    return {
        **identity(session),
        "start": format_timestamp(session.device_start_t),
        "end": format_timestamp(session.device_t),
        "end_reason": reason,
        "duration_s": round(session.last_t - session.start_t, 3),
        **figures,
        **variability,
        **session.chronic,
        "phases_s": {name: round(seconds, 1) for name, seconds in session.phases.seconds.items()},
        "quality": quality(session.stream.quality, squad.strap.rejected(rows)[0]),
        "formulas": FORMULAS,
        "reasons": {**_reasons(squad, session, figures), **hrv_reasons, **session.chronic_reasons},
    }


def _reasons(squad: Squad, session: Session, figures: dict[str, Any]) -> dict[str, str]:
    """Why figures of the whole session are missing."""
    inputs = {
        "heart_rate_bpm": figures["heart_rate_mean_bpm"],
        "motion_mps2": figures["player_load"],
        "speed_mps": figures["distance_m"],
    }
    reasons = null_reasons(squad, session.row, session.mode_code, {**inputs, **figures})
    if figures["trimp"] is not None and figures["training_load_zone"] is None:
        known = f"heart rate known for {figures['heart_rate_known_percent']:.0f} % of the session alone"
        reasons |= {"training_load_zone": known, "recovery": known}
    return {name: reason for name, reason in reasons.items() if name in figures}


def _known_share(figures: dict[str, Any]) -> float:
    """Share of the measured time in which a heart rate was known; 0 where no time was measured."""
    by_source = figures["heart_rate_source_s"]
    counted = sum(by_source.values())
    return 1.0 - by_source["none"] / counted if counted > 0.0 else 0.0


def _heart_rate(squad: Squad, row: int) -> dict[str, Any]:
    rows = np.array([row])
    mean = float(squad.heart_rate_totals.mean_bpm(rows)[0].round(1))
    highest, lowest = squad.heart_rate_extremes.figures(rows)[:, 0].round(1).tolist()
    seconds = squad.heart_rate_totals.seconds(rows)[:, 0].round(1).tolist()
    body = squad.bodies.take(rows)
    hr_max = float(squad.hr_max.bpm(rows)[0])
    return {
        "heart_rate_mean_bpm": _known(mean),
        "heart_rate_lowest_bpm": _known(lowest),
        "heart_rate_highest_bpm": _known(highest),
        "heart_rate_source_s": {name or "none": value for name, value in zip(SOURCE_NAMES, seconds, strict=True)},
        "hr_max_bpm": _known(hr_max),
        "hr_max_source": squad.hr_max.source(row),
        "hr_rest_bpm": float(body.hr_rest_bpm[0]),
        "assumed_hr_rest": bool(body.hr_rest_assumed[0]),
    }


def _known(value: float) -> float | None:
    return None if value != value else value  # noqa: PLR0124 - NaN is unlike itself
