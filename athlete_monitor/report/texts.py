"""Every word of the reports, in each language: a new language is one more column here."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from athlete_monitor.german import in_german, period_in_german

if TYPE_CHECKING:
    from collections.abc import Mapping

Language = Literal["en", "de"]

_ENGLISH: Final = {
    "session": "Session",
    "training": "Training",
    "game": "Match",
    "athletes": "{n} athletes",
    "athlete_one": "1 athlete",
    "minutes": "{n} min",
    "athlete": "Athlete",
    "whole": "Whole session",
    "on_pitch": "On the pitch",
    "on_pitch_min": "On pitch, min",
    "time_min": "Time, min",
    "periods": "Periods",
    "period": "Period",
    "alarms": "Alarms",
    "zones": "Heart-rate zones",
    "zones_note": "Minutes: {minutes}. Zone 0 lies below zone 1.",
    "peaks": "Peak demands",
    "peak": "Best",
    "heat_map": "Where on the pitch",
    "missing": "What is missing, and why",
    "heart_rate": "Heart rate, bpm",
    "speed": "Speed, m/s",
    "load": "Load (TRIMP)",
    "strap": "strap",
    "model": "model",
    "interval": "80 % interval",
    "data": "Data",
    "table_note": "Bars compare athletes; the percentage below a bar is the change against the athlete's mean of the "
    "last {n} sessions of this kind. – : not known; the athlete's page says why. These are estimates, not diagnoses.",
    "footer": "{title} · athlete monitor {version}",
    "most": "{name} had the highest {figure}: {value}{unit}, {percent} % above the squad's mean of {mean}{unit}.",
    "above_own": "{name}: {figure} {percent} % above their mean of the last {n} sessions ({value} against {mean}).",
    "below_own": "{name}: {figure} {percent} % below their mean of the last {n} sessions ({value} against {mean}).",
    "halves": "From {first} to {second} the squad's {figure} fell by {percent} % ({value} to {mean}{unit}).",
    "halves_up": "From {first} to {second} the squad's {figure} rose by {percent} % ({value} to {mean}{unit}).",
    "no_heart_rate": "No heart rate was known for {names}; their load is not comparable.",
    "little_data": "{name}'s figures rest on {percent} % of the data.",
    "compared_first": "This is the first session of this kind: there is nothing to compare it with yet.",
    "player_total": "You covered {distance}.",
    "player_fast": "{fast} of it was fast running{sprints}; your highest speed was {speed}.",
    "player_not_fast": "None of it was fast running; your highest speed was {speed}.",
    "player_sprint": ", with 1 sprint",
    "player_sprints": ", with {n} sprints",
    "player_heart": "Your heart beat {mean} times a minute on average, {highest} at the most.",
    "player_load": "Your load was {value}, {word} your usual {mean}.",
    "before": "before",
    "peak_distance_m": "Distance",
    "peak_high_speed_running_m": "High-speed running",
    "peak_player_load": "PlayerLoad",
    "peak_trimp": "TRIMP",
    "above": "above",
    "below": "below",
    "about": "about the same as",
    "season": "Season",
    "no_sessions": "No sessions between {start} and {end}.",
    "sessions": "Sessions",
    "week": "7 days",
    "acute": "Acute",
    "chronic": "Chronic",
    "acwr": "ACWR",
    "monotony": "Monotony",
    "strain": "Strain",
    "z_score": "z-score",
    "last_28": "Days in 28",
    "loads": "Load (TRIMP)",
    "loads_note": "Acute and chronic: averages over 7 and 28 days (Williams 2017); monotony and strain: Foster 1998. "
    "z-score: the last session against the athlete's sessions of the 28 days before (at least 5); one mark beyond ±1, "
    "two beyond ±2. These figures describe load; they predict no injury.",
    "kinds": "Match and training",
    "matches": "Matches",
    "trainings": "Trainings",
    "match_load": "TRIMP per match",
    "training_load": "TRIMP per training",
    "share": "Training of match",
    "ratings": "Ratings (RPE)",
    "ratings_note": "RPE: the athlete's own rating of a session, 0 to 10. RPE load: RPE × minutes, in arbitrary units "
    "(Foster 2001). Means are those of the rated sessions; the brackets say how many sessions of the 7 days a sum has.",
    "rated": "Rated sessions",
    "mean_rpe": "Mean RPE",
    "week_rpe": "RPE load, 7 days",
    "match_rpe": "RPE load per match",
    "training_rpe": "RPE load per training",
    "n_of": "{n} of {all}",
    "bests": "Bests",
    "per_day": "TRIMP per day: training hollow, matches filled",
    "fitness": "Strap − model by session",
    "trend": "trend {change} bpm a week",
    "profile": "Acceleration and speed",
    "profile_note": "Line through the largest accelerations at each speed from 3 m/s on, over 28 days of normal "
    "sessions (Morin 2021): A0 at rest, S0 where none is left. From one reading a second A0 is lower than from ten.",
    "points": "Points",
}

_GERMAN: Final = {
    "session": "Einheit",
    "training": "Training",
    "game": "Spiel",
    "athletes": "{n} Spieler",
    "athlete_one": "1 Spieler",
    "minutes": "{n} min",
    "athlete": "Spieler",
    "whole": "Ganze Einheit",
    "on_pitch": "Auf dem Platz",
    "on_pitch_min": "Auf dem Platz, min",
    "time_min": "Zeit, min",
    "periods": "Abschnitte",
    "period": "Abschnitt",
    "alarms": "Alarme",
    "zones": "Herzfrequenzzonen",
    "zones_note": "Minuten: {minutes}. Zone 0 liegt unter Zone 1.",
    "peaks": "Spitzenbelastung",
    "peak": "Beste",
    "heat_map": "Wo auf dem Platz",
    "missing": "Was fehlt, und warum",
    "heart_rate": "Herzfrequenz, bpm",
    "speed": "Geschwindigkeit, m/s",
    "load": "Belastung (TRIMP)",
    "strap": "Gurt",
    "model": "Modell",
    "interval": "80-%-Intervall",
    "data": "Daten",
    "table_note": "Die Balken vergleichen die Spieler; darunter die Änderung gegen das eigene Mittel der letzten {n} "
    "Einheiten dieser Art. – : nicht bekannt; die Seite des Spielers nennt den Grund. Schätzungen, keine Diagnosen.",
    "footer": "{title} · athlete monitor {version}",
    "most": "{name} hatte den höchsten Wert bei {figure}: {value}{unit}, {percent} % über dem Mittel der Mannschaft "
    "von {mean}{unit}.",
    "above_own": "{name} lag bei {figure} {percent} % über dem eigenen Mittel der letzten {n} Einheiten ({value} "
    "gegen {mean}).",
    "below_own": "{name} lag bei {figure} {percent} % unter dem eigenen Mittel der letzten {n} Einheiten ({value} "
    "gegen {mean}).",
    "halves": "Von {first} zu {second} fiel {figure} der Mannschaft um {percent} % ({value} auf {mean}{unit}).",
    "halves_up": "Von {first} zu {second} stieg {figure} der Mannschaft um {percent} % ({value} auf {mean}{unit}).",
    "no_heart_rate": "Von {names} ist keine Herzfrequenz bekannt; ihre Belastung ist nicht vergleichbar.",
    "little_data": "Die Werte von {name} beruhen auf {percent} % der Daten.",
    "compared_first": "Dies ist die erste Einheit dieser Art: Es gibt noch nichts zum Vergleichen.",
    "player_total": "Du bist {distance} gelaufen.",
    "player_fast": "{fast} davon waren schnell{sprints}; deine höchste Geschwindigkeit war {speed}.",
    "player_not_fast": "Schnelle Läufe waren nicht dabei; deine höchste Geschwindigkeit war {speed}.",
    "player_sprint": ", mit 1 Sprint",
    "player_sprints": ", mit {n} Sprints",
    "player_heart": "Dein Herz schlug im Mittel {mean}-mal in der Minute, höchstens {highest}-mal.",
    "player_load": "Deine Belastung war {value}, {word} deinem üblichen Wert von {mean}.",
    "before": "zuletzt",
    "peak_distance_m": "Strecke",
    "peak_high_speed_running_m": "Schnelle Strecke",
    "peak_player_load": "PlayerLoad",
    "peak_trimp": "TRIMP",
    "above": "über",
    "below": "unter",
    "about": "etwa gleich",
    "season": "Saison",
    "no_sessions": "Keine Einheiten zwischen {start} und {end}.",
    "sessions": "Einheiten",
    "week": "7 Tage",
    "acute": "Akut",
    "chronic": "Chronisch",
    "acwr": "ACWR",
    "monotony": "Monotonie",
    "strain": "Strain",
    "z_score": "z-Wert",
    "last_28": "Tage in 28",
    "loads": "Belastung (TRIMP)",
    "loads_note": "Akut und chronisch: Mittel über 7Tage (Williams 2017); Monotonie und Strain: Foster 1998. "
    "z-Wert: die letzte Einheit gegen die eigenen 28 Tage davor, ab 5 Einheiten; ein Zeichen jenseits von ±1, zwei "
    "jenseits von ±2. Beschreibungen der Belastung; sie sagen keine Verletzung voraus.",
    "kinds": "Spiel und Training",
    "matches": "Spiele",
    "trainings": "Trainings",
    "match_load": "TRIMP je Spiel",
    "training_load": "TRIMP je Training",
    "share": "Training zu Spiel",
    "ratings": "Bewertungen (RPE)",
    "ratings_note": "RPE: die eigene Bewertung einer Einheit, 0 bis 10. RPE-Last: RPE × Minuten, ohne Einheit "
    "(Foster 2001); Mittel über die bewerteten Einheiten; in Klammern: so viele Einheiten der 7 Tage hat die Summe.",
    "rated": "Bewertete Einheiten",
    "mean_rpe": "Mittlere RPE",
    "week_rpe": "RPE-Last, 7 Tage",
    "match_rpe": "RPE-Last je Spiel",
    "training_rpe": "RPE-Last je Training",
    "n_of": "{n} von {all}",
    "bests": "Bestwerte",
    "per_day": "TRIMP je Tag: Training leer, Spiele gefüllt",
    "fitness": "Gurt − Modell je Einheit",
    "trend": "Trend {change} bpm je Woche",
    "profile": "Beschleunigung und Geschwindigkeit",
    "profile_note": "Gerade durch die größten Beschleunigungen bei jeder Geschwindigkeit ab 3 m/s, aus 28 Tagen "
    "normaler Einheiten (Morin 2021): A0 im Stand, S0, wo keine bleibt. Aus einem Wert je Sekunde ist A0 "
    "kleiner als aus zehn.",
    "points": "Punkte",
}

TEXTS: Final[Mapping[Language, Mapping[str, str]]] = MappingProxyType(
    {"en": MappingProxyType(_ENGLISH), "de": MappingProxyType(_GERMAN)}
)


def said(text: str, lang: Language) -> str:
    """A sentence that the engine wrote in English, in the language of the report.

    >>> said("sex unknown", "en"), said("sex unknown", "de")
    ('sex unknown', 'das Geschlecht ist unbekannt')
    """
    return in_german(text) if lang == "de" else text


def spelled(name: str, lang: Language) -> str:
    """The name of a period as people write it: devices send ``first_half``.

    >>> spelled("first_half", "en"), spelled("first_half", "de")
    ('first half', '1. Halbzeit')
    """
    return (period_in_german(name) if lang == "de" else name).replace("_", " ")
