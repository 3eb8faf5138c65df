"""German for what the engine writes in English: reasons of missing figures and refused messages, alarms, periods.

Reports read it, and the screen gets it with its own German texts. Values in a sentence are in braces.
"""

from __future__ import annotations

import re
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from athlete_monitor.german_figures import EQUATIONS, LABELS
from athlete_monitor.physiology import reasons as why

if TYPE_CHECKING:
    from collections.abc import Mapping

REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        why.HEART_RATE_MISSING: "keine Herzfrequenz",
        why.HEART_RATE_STALE: "die Herzfrequenz ist veraltet",
        why.READINGS_REFUSED: "keine Herzfrequenz: die Werte des Gurts sind unmöglich (30 bis 220 bpm, höchstens "
        "10 bpm/s Änderung)",
        why.STRAP_COUNTS_STEPS: "Gurt zweifelhaft: er folgt der Schrittfrequenz, und das Modell widerspricht",
        why.STRAP_REPEATS: "Gurt zweifelhaft: er wiederholt einen Wert, obwohl sich die Bewegung geändert hat",
        why.STRAP_HALF_OR_TWICE: "Gurt zweifelhaft: er zeigt die halbe oder doppelte Herzfrequenz",
        why.STRAP_DRIFTS: "Gurt zweifelhaft: er ist abgedriftet, obwohl sich der Lauf nicht geändert hat",
        why.MODEL_MISSING: "das Modell hat keine Herzfrequenz",
        why.STRAP_MISSING: "der Gurt hat keine Herzfrequenz",
        why.NEVER_BOTH: "Gurt und Modell hatten nie zugleich eine Herzfrequenz",
        why.RR_REQUIRED: "es kommen keine Schlagabstände (rr_intervals)",
        why.TOO_FEW_BEATS: "zu wenige fehlerfreie Schlagabstände",
        why.TOO_MANY_ARTEFACTS: "zu viele Schlagabstände sind gestört",
        why.RR_CONSTANT: "die Schlagabstände ändern sich nicht",
        why.HR_MAX_UNKNOWN: "die maximale Herzfrequenz ist unbekannt: weder gemessen noch ist das Alter bekannt",
        why.HR_REST_UNKNOWN: "der Ruhepuls ist unbekannt",
        why.HR_LIMITS_INVALID: "der Ruhepuls liegt nicht unter der maximalen Herzfrequenz",
        why.SEX_UNKNOWN: "das Geschlecht ist unbekannt",
        why.AGE_UNKNOWN: "das Alter ist unbekannt",
        why.WEIGHT_UNKNOWN: "das Gewicht ist unbekannt",
        why.HEIGHT_UNKNOWN: "die Größe ist unbekannt",
        why.ACCELERATION_MISSING: "keine Beschleunigung",
        why.SPEED_MISSING: "weder Tempo noch Position",
        why.POSITION_MISSING: "keine Position",
        why.CADENCE_MISSING: "keine Schrittfrequenz",
        why.THRESHOLD_UNKNOWN: "die Schwelle ist unbekannt: threshold_bpm fehlt unter limits in athletes.yaml",
        why.NO_RECOVERY: "noch keine Minute Ruhe nach einer Minute bei 80 % des Maximums oder mehr, mit Gurt",
        why.RATING_MISSING: "der Spieler hat keine Bewertung gegeben",
        why.RATED_TIME_UNKNOWN: "die Minuten, für die die Bewertung gilt, sind unbekannt",
        why.SESSION_TOO_SHORT: "die Einheit ist kürzer als eine Minute",
        why.NOT_YET_MEASURED: "noch zu wenige Messwerte",
        why.HISTORY_28_DAYS: "28 Tage Aufzeichnung nötig",
        why.HISTORY_7_DAYS: "7 Tage Aufzeichnung nötig",
        why.NO_CHRONIC_LOAD: "keine Belastung in den letzten Wochen",
        why.LOAD_CONSTANT: "die tägliche Belastung ist immer gleich",
        "no model for this athlete, and no default model": "weder ein eigenes noch ein allgemeines Modell",
        "the model's channels do not arrive": "dem Modell fehlen Kanäle, die nicht ankommen",
        "measured by the strap": "vom Gurt gemessen",
        "heart rate known for only {percent} % of the session": "die Herzfrequenz ist nur für {percent} % der Einheit "
        "bekannt",
        "{reason} (engine.heart_rate_source: by_mode uses only the strap in training; auto would use the model too)": (
            "{reason} (engine.heart_rate_source: by_mode nimmt im Training nur den Gurt; auto nähme auch das Modell)"
        ),
        "{reason} (engine.heart_rate_source: by_mode uses only the model in a game; auto would use the strap too)": (
            "{reason} (engine.heart_rate_source: by_mode nimmt im Spiel nur das Modell; auto nähme auch den Gurt)"
        ),
    }
)

ALARMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "{name}: heart rate {value} for two minutes": "{name}: Herzfrequenz seit zwei Minuten {value}",
        "{name}: impact of {value}, look after the athlete": "{name}: Stoß von {value}, bitte nach ihm sehen",
        "{name}: fast distance {value}, above the own mean": "{name}: schnelle Strecke {value}, mehr als im eigenen "
        "Mittel",
        "{name}: no strap reading for {value}": "{name}: seit {value} kein Wert vom Gurt",
        "{name}: device silent for {value}": "{name}: Gerät seit {value} stumm",
        "{name}: battery at {value}": "{name}: Akku bei {value}",
        "{name}: only {value} of the data arrives": "{name}: nur {value} der Daten kommen an",
    }
)
"""The texts of the built-in rules; a rule of the club's own file is in the club's language."""

REFUSED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "{reason}; the other samples of the batch are used": "{reason}; die anderen Messwerte des Pakets gelten",
        "larger than 64 KiB": "größer als 64 KiB",
        "an end message holds no samples": "eine Schlussnachricht hat keine Messwerte",
        "a batch holds measurements of one device": "ein Paket hat Messwerte eines einzigen Geräts",
        "device_id does not match the topic": "device_id ist nicht das Gerät des Topics",
        "`{key}` is missing": "`{key}` fehlt",
        "`{key}` is not 1, 0, Male or Female": "`{key}` ist nicht 1, 0, Male oder Female",
        "`{key}` is above {limit}": "`{key}` ist größer als {limit}",
        "`{key}` is below {limit}": "`{key}` ist kleiner als {limit}",
        "`{key}` is longer than {limit} characters": "`{key}` ist länger als {limit} Zeichen",
        "`{key}`: only letters, digits, `_` and `-` are allowed, 32 at most": (
            "`{key}`: erlaubt sind nur Buchstaben, Ziffern, `_` und `-`, höchstens 32"
        ),
        "`{key}`: allowed are {allowed}": "`{key}`: erlaubt sind {allowed}",
        "`{key}`: the number is too large": "`{key}`: die Zahl ist zu groß",
        "`{key}`: expected {wanted}, got {got}": "`{key}`: {wanted} erwartet, {got} erhalten",
        "expected {wanted}, got {got}": "{wanted} erwartet, {got} erhalten",
        "a number": "eine Zahl",
        "a number or text": "eine Zahl oder Text",
        "a whole number": "eine ganze Zahl",
        "a whole number or text": "eine ganze Zahl oder Text",
        "text": "Text",
        "a list": "eine Liste",
        "an object": "ein Objekt",
        "true or false": "wahr oder falsch",
        "`timestamp` looks like {unit}; epoch seconds are expected": (
            "`timestamp` sieht nach {unit} aus; erwartet werden Sekunden seit 1970"
        ),
        "milliseconds": "Millisekunden",
        "microseconds": "Mikrosekunden",
        "nanoseconds": "Nanosekunden",
        "`timestamp` is before the year 2000: the device's clock is not set": (
            "`timestamp` liegt vor dem Jahr 2000: die Uhr des Geräts ist nicht gestellt"
        ),
        "`timestamp` is not in the years 2000 to 2099": "`timestamp` liegt nicht in den Jahren 2000 bis 2099",
        "`timestamp` is not understood: 2026-01-01T10:00:00.25Z or epoch seconds are expected": (
            "`timestamp` ist unverständlich: erwartet wird 2026-01-01T10:00:00.25Z oder Sekunden seit 1970"
        ),
        "not JSON": "kein JSON",
        "not JSON: {why}": "kein JSON: {why}",
        "it is empty": "leer",
        "nested too deep": "zu tief verschachtelt",
        "it is in UTF-16, UTF-8 is expected": "in UTF-16, erwartet wird UTF-8",
        "it is not in UTF-8": "nicht in UTF-8",
        "NaN and Infinity are not allowed, send null": "NaN und Infinity sind nicht erlaubt, stattdessen null",
        "a decimal comma": "ein Dezimalkomma",
        "it ends too early": "es endet zu früh",
        "something follows the object": "nach dem Objekt folgt noch etwas",
        "keys need double quotes": "Schlüssel brauchen doppelte Anführungszeichen",
        "other": "andere",
    }
)
"""Why a message of a device is refused; ``key`` is one of the message."""

SENTENCES: Final[Mapping[str, str]] = MappingProxyType({**REASONS, **ALARMS, **REFUSED, **EQUATIONS})

PERIODS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "first half": "1. Halbzeit",
        "1st half": "1. Halbzeit",
        "second half": "2. Halbzeit",
        "2nd half": "2. Halbzeit",
        "halftime": "Halbzeitpause",
        "half time": "Halbzeitpause",
        "half": "Halbzeit",
        "first extra half": "1. Hälfte der Verlängerung",
        "second extra half": "2. Hälfte der Verlängerung",
        "extra time": "Verlängerung",
        "warmup": "Aufwärmen",
        "warm up": "Aufwärmen",
        "active": "Hauptteil",
        "main": "Hauptteil",
        "cooldown": "Abwärmen",
        "cool down": "Abwärmen",
        "drill": "Übung",
        "break": "Pause",
        "rest": "Pause",
    }
)
"""Names of periods that devices send and the screen suggests, in lower case with spaces."""

_NUMBER: Final = r"(?:–|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?: [^\s,]+)?)"
"""A value with its unit, as an alarm shows it."""
_SENTENCES: Final = frozenset({"reason", "why", "wanted", "got", "unit"})
"""Slots that hold words of the engine."""
_SLOT: Final = re.compile(r"\\\{(\w+)\\\}")
_DECIMAL: Final = re.compile(r"[-−]?\d+\.\d+( .*)?", re.DOTALL)


def in_german(text: str) -> str:
    """A sentence of the engine in German; one that is not known here stays as it is.

    >>> in_german("sex unknown"), in_german("rain")
    ('das Geschlecht ist unbekannt', 'rain')
    >>> in_german("heart rate stale; no model for this athlete, and no default model")
    'die Herzfrequenz ist veraltet; weder ein eigenes noch ein allgemeines Modell'
    >>> in_german("Ada: impact of 9.4 g, look after the athlete")
    'Ada: Stoß von 9,4 g, bitte nach ihm sehen'
    >>> in_german("Ada: Heart rate 182 bpm, Maximal speed 7.1 m/s"), in_german("`acc_x`: expected a number, got text")
    ('Ada: Herzfrequenz 182 bpm, Höchsttempo 7,1 m/s', '`acc_x`: eine Zahl erwartet, Text erhalten')
    """
    whole = _whole(text)
    return whole if whole is not None else "; ".join(_whole(part) or part for part in text.split("; "))


def _whole(text: str) -> str | None:
    if text in SENTENCES:
        return SENTENCES[text]
    for pattern, german in _patterns():
        if found := pattern.fullmatch(text):
            return german.format(**{slot: _value(slot, value) for slot, value in found.groupdict().items()})
    return _listed(text)


def _listed(text: str) -> str | None:
    """The text of an alarm whose rule has none: names of figures with their values."""
    whole, part = _figure_lists()
    found = whole.fullmatch(text)
    if found is None:
        return None
    named = (f"{LABELS[label]} {_value('value', value)}" for label, value in part.findall(found[2]))
    return f"{found[1]}: {', '.join(named)}"


@cache
def _figure_lists() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """A name with a list of figures, and one figure of it."""
    label = "|".join(re.escape(each) for each in sorted(LABELS, key=len, reverse=True))
    one = rf"(?:{label}) {_NUMBER}"
    return re.compile(rf"(.+): ({one}(?:, {one})*)", re.DOTALL), re.compile(rf"(?:^|, )({label}) ({_NUMBER})(?=, |$)")


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """The sentences with values, as patterns."""
    return tuple(
        (re.compile(_SLOT.sub(_group, re.escape(english)), re.DOTALL), german)
        for english, german in SENTENCES.items()
        if "{" in english
    )


def _group(slot: re.Match[str]) -> str:
    """What a slot takes: a value has no colon, so that a name cannot be taken for a sentence."""
    return f"(?P<{slot[1]}>{'[^:]' if slot[1] == 'value' else '.'}+)"


def _value(slot: str, text: str) -> str:
    """A value of a sentence: a number with a decimal comma, a sentence of its own, or a name."""
    if slot in _SENTENCES:
        return in_german(text)
    return text.replace(".", ",", 1) if slot != "name" and _DECIMAL.fullmatch(text) else text


def period_in_german(name: str) -> str:
    """The German name of a period; one that is not known here stays as it is.

    >>> period_in_german("first_half"), period_in_german("Warm-up"), period_in_german("Rondo 4:2")
    ('1. Halbzeit', 'Aufwärmen', 'Rondo 4:2')
    """
    return PERIODS.get(re.sub(r"[\s_-]+", " ", name).strip().casefold(), name)
