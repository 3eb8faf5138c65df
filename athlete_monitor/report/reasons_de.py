"""Reasons of missing figures in German: the engine writes them in English into the archive."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from athlete_monitor.physiology import reasons as why

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athlete_monitor.report.texts import Language

GERMAN: Final[Mapping[str, str]] = MappingProxyType(
    {
        why.HEART_RATE_MISSING: "Herzfrequenz fehlt",
        why.HEART_RATE_STALE: "Herzfrequenz ist veraltet",
        why.READINGS_REFUSED: "Herzfrequenz fehlt: unmögliche Werte des Gurts (möglich: 30 bis 220/min, 10/min je s)",
        why.STRAP_COUNTS_STEPS: "Gurt unglaubwürdig: er folgt der Schrittfrequenz, das Modell widerspricht",
        why.STRAP_REPEATS: "Gurt unglaubwürdig: er wiederholt einen Wert, obwohl sich die Bewegung geändert hat",
        why.STRAP_HALF_OR_TWICE: "Gurt unglaubwürdig: er zeigt die halbe oder doppelte Herzfrequenz",
        why.MODEL_MISSING: "Herzfrequenz des Modells fehlt",
        why.STRAP_MISSING: "Herzfrequenz des Gurts fehlt",
        why.NEVER_BOTH: "zu keiner Zeit Herzfrequenz von Gurt und Modell zugleich",
        why.RR_REQUIRED: "Abstände der Herzschläge (rr_intervals) nötig",
        why.TOO_FEW_BEATS: "zu wenige saubere Abstände der Herzschläge (rr_intervals)",
        why.TOO_MANY_ARTEFACTS: "zu viele gestörte Abstände der Herzschläge (rr_intervals)",
        why.RR_CONSTANT: "Abstände der Herzschläge (rr_intervals) ändern sich nicht",
        why.HR_MAX_UNKNOWN: "hr_max unbekannt: weder gemessen noch Alter bekannt",
        why.HR_REST_UNKNOWN: "hr_rest unbekannt",
        why.HR_LIMITS_INVALID: "hr_rest liegt nicht unter hr_max",
        why.SEX_UNKNOWN: "Geschlecht unbekannt",
        why.AGE_UNKNOWN: "Alter unbekannt",
        why.WEIGHT_UNKNOWN: "Gewicht unbekannt",
        why.HEIGHT_UNKNOWN: "Größe unbekannt",
        why.ACCELERATION_MISSING: "Beschleunigung fehlt",
        why.SPEED_MISSING: "Geschwindigkeit oder Position fehlt",
        why.POSITION_MISSING: "Position fehlt",
        why.CADENCE_MISSING: "Schrittfrequenz fehlt",
        why.THRESHOLD_UNKNOWN: "threshold_bpm unbekannt: steht nicht bei den Grenzen im Kader",
        why.NO_RECOVERY: "keine Minute Ruhe nach einer Minute bei 80 % von hr_max oder mehr, mit dem Gurt",
        why.SESSION_TOO_SHORT: "Einheit kürzer als eine Minute",
        why.NOT_YET_MEASURED: "noch zu wenige Messwerte",
        why.HISTORY_28_DAYS: "28 Tage Vorgeschichte nötig",
        why.HISTORY_7_DAYS: "7 Tage Vorgeschichte nötig",
        why.NO_CHRONIC_LOAD: "keine Belastung in den letzten Wochen",
        why.LOAD_CONSTANT: "die tägliche Belastung ändert sich nicht",
        "measured by the strap": "vom Gurt gemessen",
        "no model for this athlete, and no default model": "kein Modell für diesen Spieler und keines der Mannschaft",
        "the model's channels do not arrive": "die Messwerte, die das Modell braucht, kommen nicht an",
    }
)
_BY_MODE: Final = re.compile(
    r"(?P<reason>.*) \(engine\.heart_rate_source: by_mode uses only the (?P<source>strap|model) in .*\)", re.DOTALL
)
_ONLY: Final = {
    "strap": "engine.heart_rate_source: by_mode nutzt im Training nur den Gurt; auto nähme auch das Modell",
    "model": "engine.heart_rate_source: by_mode nutzt im Spiel nur das Modell; auto nähme auch den Gurt",
}


def in_language(reason: str, lang: Language) -> str:
    """A reason in the language of the report; one that is not known here stays as the engine wrote it.

    >>> in_language("sex unknown", "de"), in_language("sex unknown", "en"), in_language("new", "de")
    ('Geschlecht unbekannt', 'sex unknown', 'new')
    >>> in_language("heart rate stale; no model for this athlete, and no default model", "de")
    'Herzfrequenz ist veraltet; kein Modell für diesen Spieler und keines der Mannschaft'
    """
    if lang == "en":
        return reason
    if by_mode := _BY_MODE.fullmatch(reason):
        return f"{in_language(by_mode['reason'], lang)} ({_ONLY[by_mode['source']]})"
    return "; ".join(GERMAN.get(each, each) for each in reason.split("; "))
