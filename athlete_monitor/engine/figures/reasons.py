"""Why a figure is null: a missing input, or a rule of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from athlete_monitor.catalogue import FIGURES
from athlete_monitor.physiology import reasons as why
from athlete_monitor.physiology.bodies import ASSUMED_HR_REST_BPM
from athlete_monitor.squad.heart_rate_source import SessionMode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from athlete_monitor.squad.kernel import Squad


def null_reasons(squad: Squad, row: int, mode: int, figures: Mapping[str, Any]) -> dict[str, str]:
    """Return why each null of ``figures`` is null."""
    inputs = _inputs(squad, row, figures)
    reasons = {}
    of_needs: dict[tuple[str, ...], str | None] = {}
    for key in [key for key, value in figures.items() if value is None]:
        if key in _RULES:
            reasons[key] = _RULES[key](squad, row, mode, figures)
        elif needs := _NEEDS.get(key):
            if needs not in of_needs:  # most figures need the same few inputs
                of_needs[needs] = why.first_missing(needs, inputs)
            reasons[key] = of_needs[needs] or _UNMET.get(key, why.NOT_YET_MEASURED)
    return reasons


def _heart_rate(squad: Squad, row: int, mode: int, _figures: Mapping[str, Any]) -> str:
    strap, model = _of_strap(squad, row), squad.models.reason(row)
    if squad.settings.policy == "by_mode" and mode == SessionMode.TRAINING:
        return (
            f"{strap} (engine.heart_rate_source: by_mode uses only the strap in training; auto would use the model too)"
        )
    if squad.settings.policy == "by_mode" and mode == SessionMode.GAME:
        return (
            f"{model} (engine.heart_rate_source: by_mode uses only the model in a game; auto would use the strap too)"
        )
    return f"{strap}; {model}"


def _interval(_squad: Squad, _row: int, _mode: int, figures: Mapping[str, Any]) -> str:
    return "measured by the strap" if figures["heart_rate_bpm"] is not None else why.HEART_RATE_MISSING


def _model(squad: Squad, row: int, _mode: int, _figures: Mapping[str, Any]) -> str:
    return squad.models.reason(row)


def _model_error(squad: Squad, row: int, _mode: int, _figures: Mapping[str, Any]) -> str:
    return squad.models.reason(row) if squad.models.model_id(row) is None else why.NEVER_BOTH


def _strap(squad: Squad, row: int, _mode: int, _figures: Mapping[str, Any]) -> str:
    return _of_strap(squad, row)


def _of_strap(squad: Squad, row: int) -> str:
    """Why there is no heart rate of the strap: it may read and not be believed."""
    return squad.cadence_lock.reason(row) or squad.strap.reason(row)


_RULES: Final[Mapping[str, Callable[[Squad, int, int, Mapping[str, Any]], str]]] = {
    "heart_rate_bpm": _heart_rate,
    "heart_rate_source": _heart_rate,
    "heart_rate_low_bpm": _interval,
    "heart_rate_high_bpm": _interval,
    "model_heart_rate_bpm": _model,
    "model_id": _model,
    "model_error": _model_error,
    "strap_heart_rate_bpm": _strap,
}
"""Figures whose absence depends on more than an input."""

_NEEDS: Final = {key: figure.needs for key, figure in FIGURES.items() if figure.needs}

_UNMET: Final = {
    "vo2max_ml_kg_min": why.HR_LIMITS_INVALID,
    "heart_rate_recovery_60s_bpm": why.NO_RECOVERY,
    "peak_distance_m": why.SESSION_TOO_SHORT,
    "peak_high_speed_running_m": why.SESSION_TOO_SHORT,
    "peak_player_load": why.SESSION_TOO_SHORT,
    "peak_trimp": why.SESSION_TOO_SHORT,
}
"""The reason of a figure that is null although no input is missing; the default is too few samples."""


def _inputs(squad: Squad, row: int, figures: Mapping[str, Any]) -> dict[str, Any]:
    body = squad.bodies.state(row)
    return {
        **body,
        "hr_rest_bpm": ASSUMED_HR_REST_BPM,
        "hr_rest_known_bpm": body["hr_rest_bpm"],
        "heart_rate_bpm": figures.get("heart_rate_bpm"),
        "strap_bpm": figures.get("strap_heart_rate_bpm"),
        "model_bpm": figures.get("model_heart_rate_bpm"),
        "hr_max_bpm": figures.get("hr_max_bpm"),
        "acceleration": figures.get("motion_mps2"),
        "speed_mps": figures.get("speed_mps"),
        "cadence_spm": figures.get("cadence_spm"),
        "threshold_bpm": squad.limits.state(row)["threshold_bpm"],
    }
