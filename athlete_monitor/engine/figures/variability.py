"""Heart-rate variability of one athlete as published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from athlete_monitor.physiology import reasons as why
from athlete_monitor.physiology.hrv import HeartRateVariability

if TYPE_CHECKING:
    from athlete_monitor.squad.kernel import Squad

_FIELDS: Final = {
    "hrv_rmssd_ms": "rmssd_ms",
    "hrv_sdnn_ms": "sdnn_ms",
    "hrv_pnn50_percent": "pnn50_percent",
    "baevsky_index": "baevsky_index",
}
"""Field of ``Variability`` behind each figure."""
_NONE: Final = (None,) * len(HeartRateVariability.BEATS)
_WITHOUT_BEATS: Final = {figure.key: why.RR_REQUIRED for figure in HeartRateVariability.BEATS}


def variability_figures(squad: Squad, row: int, *, has_beats: bool) -> tuple[tuple[float | None, ...], dict[str, str]]:
    """Return the values of ``HeartRateVariability.BEATS`` in order, and the reasons of those that are null."""
    if not has_beats:
        return _NONE, _WITHOUT_BEATS
    found = squad.hrv.variability(row)
    values, reasons = [], {}
    for figure in HeartRateVariability.BEATS:
        value = getattr(found, _FIELDS[figure.key])
        values.append(None if value is None else round(value, figure.digits))
        if value is None:
            reasons[figure.key] = found.reasons.get(_FIELDS[figure.key]) or why.TOO_FEW_BEATS
    return tuple(values), reasons
