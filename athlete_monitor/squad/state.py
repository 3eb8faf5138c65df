"""The state of all athletes as arrays: rows that are added and removed, totals, memories, and the figures so far."""

from __future__ import annotations

import zlib
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from athlete_monitor.features import FeatureBank
from athlete_monitor.figures import columns
from athlete_monitor.fusion import FILTERS
from athlete_monitor.models.day import FIELDS
from athlete_monitor.physiology.accelerations import Accelerations, HighIntensityActions
from athlete_monitor.physiology.bodies import Bodies
from athlete_monitor.physiology.clock import SampleClock
from athlete_monitor.physiology.energy import EnergyExpenditure
from athlete_monitor.physiology.extremes import HeldExtremes
from athlete_monitor.physiology.geodesy import LocalPlane
from athlete_monitor.physiology.heart_rate import HeartRateMax
from athlete_monitor.physiology.hrv import HeartRateVariability
from athlete_monitor.physiology.impacts import Impacts
from athlete_monitor.physiology.limits import DEFAULT_LIMITS, SquadLimits
from athlete_monitor.physiology.load import PlayerLoad
from athlete_monitor.physiology.locomotion import Locomotion
from athlete_monitor.physiology.metabolic import MetabolicPower
from athlete_monitor.physiology.odometer import Distance, Odometer
from athlete_monitor.physiology.peaks import PeakDemands
from athlete_monitor.physiology.position import Position
from athlete_monitor.physiology.recovery import HeartRateRecovery
from athlete_monitor.physiology.speed import SpeedTrack
from athlete_monitor.physiology.speed_bands import SpeedBands
from athlete_monitor.physiology.steps import StepCount
from athlete_monitor.physiology.stress import Stress
from athlete_monitor.physiology.thresholds import ThresholdTime
from athlete_monitor.physiology.trimp import BanisterTrimp, HeartRateZones
from athlete_monitor.physiology.vo2max import Vo2Max
from athlete_monitor.squad.cadence_lock import CadenceLock
from athlete_monitor.squad.heart_rate_source import (
    HeartRateTotals,
    LiveError,
    ModelCorrection,
)
from athlete_monitor.squad.load_interval import LoadInterval
from athlete_monitor.squad.tables import MOMENTS, SOURCES
from athlete_monitor.squad.ticks import CleanReadings, Ticks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from athlete_monitor.arrays import FloatArray, IntArray
    from athlete_monitor.athletes import Profile
    from athlete_monitor.figures import FigureSource
    from athlete_monitor.physiology.squad_state import SquadState
    from athlete_monitor.squad.batch import KernelSettings
    from athlete_monitor.squad.prediction import ModelBook
    from athlete_monitor.squad.present import Present


MOST_DAYS: Final = 4096
"""Number of athletes whose day's form is remembered between sessions."""


class StatePart(Protocol):
    """A part of the squad's state."""

    def grow(self, capacity: int) -> None:
        """Make room for ``capacity`` athletes."""

    def reset(self, rows: IntArray) -> None:
        """Forget ``rows`` [k]."""

    def state(self, row: int) -> Any:  # noqa: ANN401 - each part its own
        """State of one athlete."""

    def set_state(self, row: int, state: Any) -> None:  # noqa: ANN401
        """Restore what ``state`` returned."""


class SquadArrays:
    """The state of all athletes, one row each.

    ``add`` allocates a row and ``remove`` releases it; capacity grows by doubling.
    """

    def __init__(self, settings: KernelSettings, models: ModelBook, capacity: int = 32) -> None:
        self.settings = settings
        self.models = models
        self.prediction_rate_hz = settings.prediction_rate_hz
        self._capacity = capacity
        self._free = list(range(capacity - 1, -1, -1))
        self._left: list[int] = []
        """Free rows that still hold what their last athletes left."""
        self.bodies = Bodies(capacity)
        self.clock = SampleClock(capacity)
        self.hr_max = HeartRateMax(capacity)
        self.trimp = BanisterTrimp(capacity)
        self.zones = HeartRateZones(capacity)
        self.energy = EnergyExpenditure(capacity)
        self.stress = Stress(capacity)
        self.player_load = PlayerLoad(capacity)
        self.limits = SquadLimits(capacity)
        self.plane = LocalPlane(capacity)
        self.speed = SpeedTrack(capacity)
        self.locomotion = Locomotion(capacity)
        self.position = Position(capacity, settings.pitch)
        self.speed_bands = SpeedBands(capacity)
        self.accelerations = Accelerations(capacity)
        self.metabolic = MetabolicPower(capacity)
        self.odometer = Odometer(capacity)
        self.steps = StepCount(capacity)
        self.recovery = HeartRateRecovery(capacity)
        self.above_threshold = ThresholdTime(capacity)
        self.peaks = PeakDemands(capacity)
        self.impacts = Impacts(capacity, alert_g=settings.alert_g)
        self.live_error = LiveError(capacity)
        self.heart_rate_totals = HeartRateTotals(capacity)
        self.heart_rate_extremes = HeldExtremes(capacity)
        self.load_interval = LoadInterval(capacity)
        self.cadence_lock = CadenceLock(capacity)
        self.ticks = Ticks(capacity)
        self.strap = CleanReadings(capacity, fresh_s=settings.sensor_fresh_s)
        self.correction = ModelCorrection(capacity)
        self._days: dict[int, FloatArray] = {}
        self._days_left: set[int] = set()
        self.hrv = HeartRateVariability()
        self.fusion = FILTERS[settings.fusion](capacity)
        self.features = FeatureBank(settings.features, capacity)
        self.vo2max = Vo2Max(self.hr_max, self.bodies)
        self.distance = Distance(self.locomotion, self.odometer, self.clock)
        self.actions = HighIntensityActions(self.locomotion, self.accelerations)

    @property
    def sources(self) -> list[FigureSource]:
        """The parts that compute the figures of a session so far."""
        return [getattr(self, name) for name in SOURCES]

    def present_values(self, present: Present) -> FloatArray:
        """Values [sum of widths, k] of ``PRESENT_FIGURES`` for the athletes of ``present`` [k]; NaN is unknown."""
        totals = [source.values(present.rows) for source in self.sources]
        return np.concatenate([columns(MOMENTS, present.moments()), *totals])

    def total_values(self, row: int) -> FloatArray:
        """Values [sum of widths, 1] of ``TOTAL_FIGURES`` for one athlete; NaN is unknown."""
        return self.total_values_of(np.array([row]))

    def total_values_of(self, rows: IntArray) -> FloatArray:
        """Values [sum of widths, k] of ``TOTAL_FIGURES`` for ``rows`` [k]; NaN is unknown."""
        sources: list[FigureSource] = [self.peaks, *self.sources]
        summary = [source.values(rows) for source in (self.heart_rate_totals, self.heart_rate_extremes)]
        summary.append(self.load_interval.values(rows, self.trimp.total(rows), self.energy.total(rows)))
        summary.append(self.cadence_lock.values(rows))
        return np.concatenate(
            [*summary, self.distance.summary_values(rows), *(source.values(rows) for source in sources)]
        )

    def _tables(self) -> dict[str, SquadState]:
        """The totals except the maximal heart rate, whose state is more than a table.

        The strap and the model's correction are with them: an older reading would refuse the ones after a restart.
        """
        names = (
            "clock", "trimp", "zones", "energy", "stress", "player_load", "speed", "locomotion", "speed_bands",
            "accelerations", "metabolic", "odometer", "steps", "recovery", "above_threshold", "peaks", "impacts",
            "live_error", "heart_rate_totals", "heart_rate_extremes", "load_interval", "cadence_lock", "ticks",
            "strap", "correction",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names}

    def _memories(self) -> dict[str, StatePart]:
        names = ("hrv", "fusion", "features", "position", "plane")
        return {**{name: getattr(self, name) for name in names}, "peaks": self.peaks.recent}

    def _parts(self) -> list[StatePart]:
        return [self.bodies, self.limits, self.hr_max, *self._tables().values(), *self._memories().values()]

    @property
    def capacity(self) -> int:
        """Athletes that fit without growing."""
        return self._capacity

    def __len__(self) -> int:
        return self._capacity - len(self._free)

    def add(self, profile: Profile, phase: float = 0.0) -> int:
        """Begin an athlete and return the row; ``phase``, 0 ... 1, shifts the times at which outputs are due."""
        if not self._free:
            self._grow()
        self._clear_left()
        row = self._free.pop()
        self.ticks.set_phase(row, phase)
        self.learn(row, profile)
        return row

    def _clear_left(self) -> None:
        """Make the rows of athletes who have left like new: all at once, before one of them is used again."""
        if not self._left:
            return
        rows = np.array(sorted(self._left), dtype=np.int64)
        self._left.clear()
        for part in self._parts():
            part.reset(rows)

    def learn(self, row: int, profile: Profile) -> None:
        """Store an athlete's profile, at the beginning or later."""
        rows = np.array([row])
        self.bodies.set(row, profile)
        self.limits.set(row, profile.limits or DEFAULT_LIMITS)
        body = self.bodies.take(rows)
        if np.isnan(self.hr_max.bpm(rows)[0]):  # keep a known maximum; observation may have raised it
            self.hr_max.set(rows, body.hr_max_measured_bpm, body.age_years)
        self.models.add(row, profile)
        if profile.athlete_id in self._days:
            self.correction.enter(row, self._days.pop(profile.athlete_id))

    def remove(self, row: int) -> None:
        """End an athlete's session; only the day's form is kept, of a known athlete. The row may be used again."""
        athlete_id = self.models.athlete_id(row)
        if athlete_id:  # 0 stands for anybody: the next unknown person is another one
            self._days[athlete_id] = self.correction.leave(row)
            self._days_left.add(athlete_id)
            while len(self._days) > MOST_DAYS:
                self._days.pop(next(iter(self._days)))
        self.models.remove(row)
        self._free.append(row)
        self._left.append(row)

    def days_left(self, running: Iterable[int] = ()) -> list[tuple[int, dict[str, float]]]:
        """The day's form by athlete, of sessions that have ended since the last call and of the rows ``running``."""
        days = {athlete_id: self._days[athlete_id] for athlete_id in self._days_left & self._days.keys()}
        days |= {
            athlete_id: self.correction.leave(row) for row in running if (athlete_id := self.models.athlete_id(row))
        }
        self._days_left.clear()
        return [(athlete_id, dict(zip(FIELDS, day.tolist(), strict=True))) for athlete_id, day in days.items()]

    def remember_day(self, athlete_id: int, day: Mapping[str, float | None]) -> None:
        """Keep for an athlete's next session what ``days_left`` of an earlier squad returned, None for NaN.

        Raises:
            KeyError: a field is missing.
        """
        self._days[athlete_id] = np.array([day[name] for name in FIELDS], dtype=np.float64)

    def forget_days(self) -> None:
        """Forget the day's form of athletes whose sessions have ended."""
        self._days.clear()

    def _grow(self) -> None:
        larger = 2 * self._capacity
        for part in self._parts():
            part.grow(larger)
        self.models.grow(larger)
        self._free = list(range(larger - 1, self._capacity - 1, -1))
        self._capacity = larger

    @cached_property
    def layout_id(self) -> int:
        """Checksum of the layout: short enough to be written with every snapshot."""
        return zlib.crc32(repr([tuple(table.FIELDS) for table in self._tables().values()]).encode())

    @property
    def layout(self) -> list[str]:
        """Names of the numbers behind ``totals``, in order: ``table.field``."""
        return [f"{name}.{field}" for name, table in self._tables().items() for field in table.FIELDS]

    def totals(self, rows: IntArray) -> list[tuple[bytes, dict[str, Any]]]:
        """The totals of the sessions of ``rows`` [k], each as packed float64 and a few plain values."""
        block = np.concatenate([table.block(rows) for table in self._tables().values()])
        packed = np.ascontiguousarray(block.T)
        return [(packed[i].tobytes(), self.hr_max.state(row)) for i, row in enumerate(rows.tolist())]

    def memories(self, row: int) -> dict[str, Any]:
        """The state of an athlete's features, fusion and filters: plain values and one array."""
        return {name: part.state(row) for name, part in self._memories().items()}

    def restore(self, row: int, layout: Sequence[str], totals: tuple[bytes, dict[str, Any]]) -> None:
        """Restore into a new row what ``totals`` returned earlier, in a squad of that ``layout``.

        Numbers are assigned by name; a number that this squad has and the layout lacks keeps its start value.

        Raises:
            KeyError, ValueError, TypeError: it is not what ``totals`` returned.
        """
        known = dict(zip(layout, np.frombuffer(totals[0], dtype=np.float64).tolist(), strict=True))
        rows = np.array([row])
        for name, table in self._tables().items():
            state = table.block(rows)
            state[:, 0] = [
                known.get(f"{name}.{field}", value)
                for field, value in zip(table.FIELDS, state[:, 0].tolist(), strict=True)
            ]
            table.set_block(rows, state)
        self.hr_max.set_state(row, totals[1])

    def remember(self, row: int, memories: Mapping[str, Any]) -> None:
        """Restore into a row what ``memories`` returned earlier.

        Raises:
            KeyError, ValueError, TypeError: it was made for another configuration.
        """
        for name, part in self._memories().items():
            if name in memories or name not in {"peaks", "plane"}:  # earlier versions did not store these
                part.set_state(row, memories[name])
