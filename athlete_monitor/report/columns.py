"""The figures of a report: their keys in the archive and in a summary; unit and decimals are those of the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from athlete_monitor.catalogue import FIGURES
from athlete_monitor.physiology import session_rpe
from athlete_monitor.report.numbers import number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athlete_monitor.report.texts import Language
    from athlete_monitor.report.worn import Figures


@dataclass(frozen=True)
class Shown:
    """A figure of the report.

    Attributes:
        key: column of the archive, for the whole session and for parts.
        summary_key: the same figure in the engine's summary, for comparison with earlier sessions; None: not compared.
        english: heading where the catalogue's label needs a word (a mean, a rate).
        german: heading in German.
        decimals: None: the catalogue's.
        bar: whether the table draws a bar.
        unit: None: the catalogue's.
        trims: whether a whole number has no decimals: a rating of 7, or of 6.5.
    """

    key: str
    summary_key: str | None
    english: str
    german: str
    decimals: int | None = None
    bar: bool = False
    unit: str | None = None
    trims: bool = False

    def heading(self, lang: Language) -> str:
        """The column's heading with its unit."""
        return f"{self.label(lang)}, {self.unit_text}" if self.unit_text else self.label(lang)

    def label(self, lang: Language) -> str:
        """The figure's name without its unit."""
        return self.german if lang == "de" else self.english

    def name(self, lang: Language) -> str:
        """The figure's name inside a sentence."""
        return self.german if lang == "de" else _lowered(self.english)

    @property
    def unit_text(self) -> str:
        """The unit as shown."""
        if self.unit is not None:
            return self.unit
        figure = FIGURES.get(self.key)
        return figure.unit if figure else ""

    @property
    def places(self) -> int:
        """Decimals as shown."""
        if self.decimals is not None:
            return self.decimals
        figure = FIGURES.get(self.key)
        return figure.decimals if figure else 1

    def text(self, value: float | None, lang: Language) -> str:
        """A value as shown, without its unit; empty for None."""
        return number(value, 0 if self.trims and value is not None and value == int(value) else self.places, lang)

    def of(self, figures: Figures) -> float | None:
        """The figure's value in a part."""
        return figures.get(self.key)

    def in_summary(self, summary: Mapping[str, Any]) -> float | None:
        """The figure's value in the summary of an earlier session."""
        value = summary.get(self.summary_key) if self.summary_key else None
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _lowered(name: str) -> str:
    """A name inside a sentence: an acronym or a proper name keeps its capitals.

    >>> _lowered("Mean heart rate"), _lowered("TRIMP"), _lowered("PlayerLoad")
    ('mean heart rate', 'TRIMP', 'PlayerLoad')
    """
    return name if any(character.isupper() for character in name[1:]) else name[0].lower() + name[1:]


HEART_RATE: Final = Shown("heart_rate_bpm", "heart_rate_mean_bpm", "Mean heart rate", "Mittlerer Puls", 0)
HIGHEST: Final = Shown("heart_rate_highest_bpm", "heart_rate_highest_bpm", "Peak heart rate", "Spitzenpuls", 0)
TRIMP: Final = Shown("trimp", "trimp", "TRIMP", "TRIMP", 0, bar=True, unit="")
DISTANCE: Final = Shown("distance_m", "distance_m", "Distance", "Strecke", 0, bar=True)
RATE: Final = Shown("distance_m_per_min", None, "Distance rate", "Strecke je min", 0, unit="m/min")
FAST: Final = Shown("high_speed_running_m", "high_speed_running_m", "Fast distance", "Schnelle Strecke", 0, bar=True)
SPRINTS: Final = Shown("sprints", "sprints", "Sprints", "Sprints", 0, unit="")
TOP_SPEED: Final = Shown("max_speed_mps", "max_speed_mps", "Top speed", "Spitze", 1)
LOAD: Final = Shown("player_load", "player_load", "PlayerLoad", "PlayerLoad", 0, unit="")
ENERGY: Final = Shown("energy_kcal", "energy_kcal", "Energy", "Energie", 0)
IMPACTS: Final = Shown("impact_alerts", "impact_alerts", "Hard impacts", "Harte Stöße", 0, unit="")
RPE: Final = Shown("rpe", None, "RPE", "RPE", session_rpe.RPE.decimals, unit="", trims=True)
RPE_LOAD: Final = Shown("srpe_load", None, "RPE load", "RPE-Last", session_rpe.SRPE_LOAD.decimals, bar=True, unit="")

SQUAD: Final = (HEART_RATE, HIGHEST, TRIMP, DISTANCE, RATE, FAST, SPRINTS, TOP_SPEED, LOAD, RPE, RPE_LOAD)
"""Columns of the squad's table; an empty column is left out."""

BY_PERIOD: Final = (HEART_RATE, TRIMP, DISTANCE, RATE, FAST, SPRINTS, TOP_SPEED, LOAD)
TILES: Final = (HEART_RATE, HIGHEST, TRIMP, ENERGY, DISTANCE, FAST, TOP_SPEED, LOAD, RPE, RPE_LOAD)
SORTABLE: Final = {shown.key: shown for shown in (*SQUAD, ENERGY, IMPACTS)}
