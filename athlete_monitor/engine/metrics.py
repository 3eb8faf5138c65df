"""From the squad's arrays to the figures that leave the engine: one plain dict per athlete.

``docs/outputs.md`` describes every key. None stands where a figure cannot be had; ``reasons`` says why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from athlete_monitor.engine.heart_rate_source import SOURCE_NAMES, Mode
from athlete_monitor.physiology import reasons as why
from athlete_monitor.physiology.bodies import ASSUMED_HR_REST_BPM
from athlete_monitor.physiology.energy import ENERGY_FORMULA, KJ_PER_KCAL
from athlete_monitor.physiology.impacts import BANDS
from athlete_monitor.physiology.load import PLAYER_LOAD_FORMULA
from athlete_monitor.physiology.stress import STRESS_FORMULA, hr_excess_bpm
from athlete_monitor.physiology.trimp import BANISTER_FORMULA, EDWARDS_FORMULA
from athlete_monitor.physiology.vo2max import VO2MAX_FORMULA, vo2max_uth_2004

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athlete_monitor.arrays import FloatArray, IntArray
    from athlete_monitor.engine.kernel import Present, Squad

SCHEMA_VERSION: Final = 1

FORMULAS: Final = {
    "hr_max_bpm": "roster or nes_2013, raised by observation",
    "heart_rate_reserve_percent": "karvonen_1957",
    "trimp": BANISTER_FORMULA,
    "trimp_edwards": EDWARDS_FORMULA,
    "time_in_zones_s": EDWARDS_FORMULA,
    "vo2max_ml_kg_min": VO2MAX_FORMULA,
    "energy_kj": ENERGY_FORMULA,
    "energy_kcal": ENERGY_FORMULA,
    "energy_rate_kj_per_min": ENERGY_FORMULA,
    "stress_percent": STRESS_FORMULA,
    "hr_excess_bpm": "strap_minus_model",
    "hrv_rmssd_ms": "task_force_1996",
    "baevsky_index": "baevsky_2008",
    "player_load": PLAYER_LOAD_FORMULA,
    "impacts": "peaks_5g_0.3s",
    "acwr": "ewma_williams_2017",
    "monotony": "foster_1998",
    "strain": "foster_1998",
}
"""The formula behind each computed figure."""

PRESENT_NAMES: Final = (
    "heart_rate_bpm", "heart_rate_low_bpm", "heart_rate_high_bpm", "strap_heart_rate_bpm", "model_heart_rate_bpm",
    "hr_max_bpm", "hr_rest_bpm", "heart_rate_reserve_percent", "stress_percent", "hr_excess_bpm",
    "energy_rate_kj_per_min", "speed_mps", "motion_mps2",
)  # fmt: skip
TOTAL_NAMES: Final = (
    "measured_s", "missing_s", "trimp", "trimp_edwards", "energy_kj", "energy_kcal", "vo2max_ml_kg_min", "player_load",
    "player_load_per_min", "sample_rate_hz", "distance_m", "high_speed_running_m", "max_speed_mps",
)  # fmt: skip
COUNT_NAMES: Final = ("sprints", "accelerations", "decelerations", "impact_alerts")
ZONE_NAMES: Final = ("below_50_percent", "zone_1", "zone_2", "zone_3", "zone_4", "zone_5")
ERROR_NAMES: Final = ("readings", "bias_bpm", "mae_bpm", "rmse_bpm")
HRV_NAMES: Final = ("hrv_rmssd_ms", "baevsky_index")

NEEDS: Final[Mapping[str, Sequence[str]]] = {
    "heart_rate_reserve_percent": why.RESERVE_NEEDS,
    "heart_rate_zone": why.ZONES_NEEDS,
    "hr_max_bpm": ("hr_max_bpm",),
    "hr_max_source": ("hr_max_bpm",),
    "heart_rate_mean_bpm": ("heart_rate_bpm",),
    "heart_rate_lowest_bpm": ("heart_rate_bpm",),
    "heart_rate_highest_bpm": ("heart_rate_bpm",),
    "recovery": why.TRIMP_NEEDS,
    "trimp": why.TRIMP_NEEDS,
    "trimp_edwards": why.ZONES_NEEDS,
    "time_in_zones_s": why.ZONES_NEEDS,
    "vo2max_ml_kg_min": why.VO2MAX_NEEDS,
    "energy_kj": why.ENERGY_NEEDS,
    "energy_kcal": why.ENERGY_NEEDS,
    "energy_rate_kj_per_min": why.ENERGY_NEEDS,
    "stress_percent": why.RESERVE_NEEDS,
    "hr_excess_bpm": why.EXCESS_NEEDS,
    "training_load_zone": why.TRIMP_NEEDS,
    "player_load": ("acceleration",),
    "player_load_per_min": ("acceleration",),
    "sample_rate_hz": ("acceleration",),
    "motion_mps2": ("acceleration",),
    "impacts": ("acceleration",),
    "impact_alerts": ("acceleration",),
    "speed_mps": ("speed_mps",),
    "max_speed_mps": ("speed_mps",),
    "distance_m": ("speed_mps",),
    "high_speed_running_m": ("speed_mps",),
    "sprints": ("speed_mps",),
    "accelerations": ("speed_mps",),
    "decelerations": ("speed_mps",),
}
"""What each figure needs, for the reason of a null."""


def _rows_of(columns: FloatArray, decimals: int = 3) -> list[list[float | None]]:
    """Columns [n, k] as k lists of n rounded values, None for NaN."""
    rows = np.round(columns.T, decimals).tolist()
    return [[None if value != value else value for value in row] for row in rows]  # noqa: PLR0124 - NaN


def _counts_of(columns: FloatArray) -> list[list[int | None]]:
    return [[None if value != value else int(value) for value in row] for row in columns.T.tolist()]  # noqa: PLR0124


def present_figures(present: Present) -> list[dict[str, Any]]:
    """The figures of this moment, one dict per athlete of ``present``."""
    heart_rate, model = present.heart_rate, present.model
    columns = np.stack(
        [
            heart_rate.bpm, heart_rate.low_bpm, heart_rate.high_bpm, present.strap_bpm, model.bpm, present.hr_max_bpm,
            present.body.hr_rest_bpm, 100.0 * present.reserve, present.stress_percent,
            hr_excess_bpm(present.strap_bpm, model.bpm), present.energy_rate_kj_per_min, present.speed_mps,
            present.motion_mps2,
        ]
    )  # fmt: skip
    codes = zip(heart_rate.source.tolist(), present.zone.tolist(), present.body.hr_rest_assumed.tolist(), strict=True)
    return [
        {
            **dict(zip(PRESENT_NAMES, row, strict=True)),
            "heart_rate_source": SOURCE_NAMES[source],
            "heart_rate_zone": None if zone < 0 else zone,
            "assumed_hr_rest": assumed,
        }
        for row, (source, zone, assumed) in zip(_rows_of(columns), codes, strict=True)
    ]


def total_figures(squad: Squad, rows: IntArray) -> list[dict[str, Any]]:
    """The figures of the session so far, one dict per athlete."""
    body = squad.bodies.take(rows)
    energy, zones, acceleration = squad.energy.total(rows), squad.zones.seconds(rows), squad.player_load.total(rows)
    move = squad.locomotion.total
    columns = np.stack(
        [
            squad.clock.measured_s(rows), squad.clock.missing_s(rows), squad.trimp.total(rows),
            squad.zones.edwards(rows), energy, energy / KJ_PER_KCAL,
            vo2max_uth_2004(squad.hr_max.bpm(rows), body.hr_rest_known_bpm), acceleration,
            squad.player_load.per_minute(rows), squad.player_load.sample_rate_hz(rows), move("distance_m", rows),
            move("high_speed_m", rows), move("max_speed_mps", rows),
        ]
    )  # fmt: skip
    bands = squad.impacts.counts(rows)
    alerts = np.where(np.isnan(bands[0]), np.nan, squad.impacts.alerts(rows))
    counts = np.stack([*(move(name, rows) for name in COUNT_NAMES[:3]), alerts])
    parts = zip(
        _rows_of(columns),
        _counts_of(counts),
        _rows_of(zones, 1),
        _counts_of(bands),
        _rows_of(squad.live_error.figures(rows), 2),
        strict=True,
    )
    return [
        {
            **dict(zip(TOTAL_NAMES, totals, strict=True)),
            **dict(zip(COUNT_NAMES, whole, strict=True)),
            "time_in_zones_s": _named(ZONE_NAMES, in_zones),
            "impacts": _named(BANDS, in_bands),
            "model_error": _model_error(error),
        }
        for totals, whole, in_zones, in_bands, error in parts
    ]


def _named(names: Sequence[str], values: Sequence[Any]) -> dict[str, Any] | None:
    return None if values[0] is None else dict(zip(names, values, strict=True))


def _model_error(values: Sequence[float | None]) -> dict[str, Any] | None:
    if not values[0]:
        return None
    return {"readings": int(values[0]), **dict(zip(ERROR_NAMES[1:], values[1:], strict=True))}


def variability_figures(squad: Squad, row: int, *, has_beats: bool) -> tuple[dict[str, Any], dict[str, str]]:
    """Heart-rate variability of one athlete, and the reasons of what is missing."""
    if not has_beats:
        return dict.fromkeys(HRV_NAMES), dict.fromkeys(HRV_NAMES, why.RR_REQUIRED)
    found = squad.hrv.variability(row)
    values = {"hrv_rmssd_ms": _rounded(found.rmssd_ms), "baevsky_index": _rounded(found.baevsky_index)}
    told = {"hrv_rmssd_ms": found.reasons.get("rmssd_ms"), "baevsky_index": found.reasons.get("baevsky_index")}
    return values, {name: told[name] or why.TOO_FEW_BEATS for name, value in values.items() if value is None}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def heart_rate_reason(squad: Squad, row: int, mode: int) -> str:
    """Why an athlete has no heart rate at present."""
    strap, model = squad.strap.reason(row), squad.models.reason(row)
    if squad.settings.policy == "by_mode" and mode == Mode.TRAINING:
        return f"{strap} (training takes the strap's; engine.heart_rate_source: auto would ask the model)"
    if squad.settings.policy == "by_mode" and mode == Mode.GAME:
        return f"{model} (a game takes the model's)"
    return f"{strap}; {model}"


def null_reasons(squad: Squad, row: int, mode: int, figures: Mapping[str, Any]) -> dict[str, str]:
    """Why each null of ``figures`` is null."""
    inputs = _inputs(squad, row, figures)
    reasons = {}
    for name in (name for name, value in figures.items() if value is None):
        if name in {"heart_rate_bpm", "heart_rate_source"}:
            reasons[name] = heart_rate_reason(squad, row, mode)
        elif name in {"heart_rate_low_bpm", "heart_rate_high_bpm"}:
            reasons[name] = "measured by the strap" if figures["heart_rate_bpm"] is not None else why.HEART_RATE_MISSING
        elif name in {"model_heart_rate_bpm", "model_id"}:
            reasons[name] = squad.models.reason(row)
        elif name == "model_error":
            reasons[name] = squad.models.reason(row) if squad.models.model_id(row) is None else why.NEVER_BOTH
        elif name == "strap_heart_rate_bpm":
            reasons[name] = squad.strap.reason(row)
        elif name == "vo2max_ml_kg_min":
            known = {**inputs, "hr_rest_bpm": squad.bodies.state(row)["hr_rest_bpm"]}
            reasons[name] = why.first_missing(NEEDS[name], known) or why.HR_LIMITS_INVALID
        elif name in NEEDS:
            reasons[name] = why.first_missing(NEEDS[name], inputs) or why.NOT_YET_MEASURED
    return reasons


def _inputs(squad: Squad, row: int, figures: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **squad.bodies.state(row),
        "hr_rest_bpm": ASSUMED_HR_REST_BPM,
        "heart_rate_bpm": figures.get("heart_rate_bpm"),
        "strap_bpm": figures.get("strap_heart_rate_bpm"),
        "model_bpm": figures.get("model_heart_rate_bpm"),
        "hr_max_bpm": figures.get("hr_max_bpm"),
        "acceleration": figures.get("motion_mps2"),
        "speed_mps": figures.get("speed_mps"),
    }
