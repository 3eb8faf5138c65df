"""The table of the figures that a squad computes, made from the rows of the classes that compute them."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from athlete_monitor.physiology.accelerations import Accelerations, HighIntensityActions
from athlete_monitor.physiology.bodies import Bodies
from athlete_monitor.physiology.clock import SampleClock
from athlete_monitor.physiology.energy import EnergyExpenditure
from athlete_monitor.physiology.extremes import HeldExtremes
from athlete_monitor.physiology.heart_rate import RESERVE, HeartRateMax
from athlete_monitor.physiology.impacts import Impacts
from athlete_monitor.physiology.load import PlayerLoad
from athlete_monitor.physiology.locomotion import Locomotion
from athlete_monitor.physiology.metabolic import MetabolicPower
from athlete_monitor.physiology.odometer import Distance
from athlete_monitor.physiology.peaks import PeakDemands
from athlete_monitor.physiology.position import Position
from athlete_monitor.physiology.recovery import HeartRateRecovery
from athlete_monitor.physiology.speed_bands import SpeedBands
from athlete_monitor.physiology.steps import StepCount
from athlete_monitor.physiology.stress import EXCESS, Stress
from athlete_monitor.physiology.thresholds import ThresholdTime
from athlete_monitor.physiology.trimp import BanisterTrimp, HeartRateZones
from athlete_monitor.physiology.vo2max import Vo2Max
from athlete_monitor.squad.cadence_lock import CadenceLock
from athlete_monitor.squad.heart_rate_source import (
    HeartRate,
    HeartRateTotals,
    LiveError,
    ModelHeartRate,
)
from athlete_monitor.squad.load_interval import LoadInterval
from athlete_monitor.squad.prediction import ModelBook
from athlete_monitor.squad.ticks import CleanReadings, Ticks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athlete_monitor.figures import Figure, FigureSource


SESSION_FIGURES: Final[tuple[Figure, ...]] = (
    *HeartRate.MOMENTS, *HeartRateTotals.FIGURES, *HeldExtremes.FIGURES, *CleanReadings.MOMENTS, *CadenceLock.FIGURES,
    *ModelHeartRate.MOMENTS,
    *ModelBook.TEXTS, *LiveError.FIGURES, EXCESS, *HeartRateMax.FIGURES, *HeartRateMax.TEXTS, *Bodies.FIGURES, RESERVE,
    *HeartRateZones.MOMENTS, *HeartRateZones.FIGURES, *Stress.MOMENTS, *BanisterTrimp.FIGURES,
    *EnergyExpenditure.FIGURES, *EnergyExpenditure.MOMENTS, *LoadInterval.FIGURES,
    *Vo2Max.FIGURES, *PlayerLoad.FIGURES, *Ticks.MOMENTS,
    *Impacts.FIGURES, *Locomotion.MOMENTS, *Distance.FIGURES, *Distance.SUMMARY, *Locomotion.FIGURES,
    *Accelerations.FIGURES, *HighIntensityActions.FIGURES, *SpeedBands.FIGURES, *MetabolicPower.FIGURES,
    *StepCount.FIGURES,
    *HeartRateRecovery.FIGURES, *ThresholdTime.FIGURES, *PeakDemands.FIGURES, *Position.MOMENTS, *SampleClock.FIGURES,
)  # fmt: skip
"""The figures that a squad computes, in order of publication."""

MOMENTS: Final = tuple(figure for figure in SESSION_FIGURES if figure.scope == "moment")
"""Those of ``Present.moments``."""
SOURCES: Final[Mapping[str, type[FigureSource]]] = MappingProxyType({
    "hr_max": HeartRateMax, "bodies": Bodies, "live_error": LiveError, "zones": HeartRateZones, "trimp": BanisterTrimp,
    "energy": EnergyExpenditure, "vo2max": Vo2Max, "player_load": PlayerLoad, "impacts": Impacts,
    "distance": Distance, "locomotion": Locomotion, "accelerations": Accelerations, "actions": HighIntensityActions,
    "speed_bands": SpeedBands, "metabolic": MetabolicPower, "steps": StepCount, "recovery": HeartRateRecovery,
    "above_threshold": ThresholdTime, "clock": SampleClock,
})  # fmt: skip
"""Attributes of a squad that compute figures of the session so far."""
_OF_SOURCES: Final = tuple(figure for source in SOURCES.values() for figure in source.FIGURES)
PRESENT_FIGURES: Final[tuple[Figure, ...]] = (*MOMENTS, *_OF_SOURCES)
"""The figures that ``Squad.present_values`` returns, in order."""
TOTAL_FIGURES: Final[tuple[Figure, ...]] = (
    *HeartRateTotals.FIGURES, *HeldExtremes.FIGURES, *LoadInterval.FIGURES, *CadenceLock.FIGURES, *Distance.SUMMARY,
    *PeakDemands.FIGURES,
    *_OF_SOURCES,
)  # fmt: skip
"""The figures that ``Squad.total_values`` returns, in order."""
