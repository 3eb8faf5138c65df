"""The squad as arrays, and the pure step that advances it: no I/O, no clock, no log.

A step takes at most one sample of each athlete. An athlete's figures depend only on that athlete's own samples, to the
last bit: the other athletes in the step, and how the samples were cut into steps, do not matter. For the same reason
predictions and outputs are due in sample time.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from functools import cached_property, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol

import numpy as np

from athlete_monitor.arrays import (
    ACC,
    CADENCE,
    DISTANCE,
    GYRO,
    HEART_RATE,
    HORIZONTAL_ACCURACY,
    LATITUDE,
    LONGITUDE,
    MAG,
    SPEED,
    X,
    Y,
)
from athlete_monitor.features import FeatureBank
from athlete_monitor.figures import Figure, columns
from athlete_monitor.fusion import FILTERS
from athlete_monitor.physiology.accelerations import Accelerations, HighIntensityActions
from athlete_monitor.physiology.bodies import Bodies
from athlete_monitor.physiology.clock import SampleClock
from athlete_monitor.physiology.energy import EnergyExpenditure, energy_rate_kj_per_min
from athlete_monitor.physiology.extremes import HeldExtremes
from athlete_monitor.physiology.geodesy import LocalPlane
from athlete_monitor.physiology.heart_rate import RESERVE, HeartRateFilter, HeartRateMax, hr_reserve_fraction
from athlete_monitor.physiology.hrv import HeartRateVariability
from athlete_monitor.physiology.impacts import Impacts
from athlete_monitor.physiology.limits import DEFAULT_LIMITS, SquadLimits
from athlete_monitor.physiology.load import PlayerLoad
from athlete_monitor.physiology.locomotion import Locomotion
from athlete_monitor.physiology.metabolic import MetabolicPower
from athlete_monitor.physiology.odometer import Distance, Odometer
from athlete_monitor.physiology.peaks import PeakDemands
from athlete_monitor.physiology.position import PitchPlan, Position
from athlete_monitor.physiology.recovery import HeartRateRecovery
from athlete_monitor.physiology.speed import SpeedTrack
from athlete_monitor.physiology.speed_bands import SpeedBands
from athlete_monitor.physiology.squad_state import SquadState
from athlete_monitor.physiology.steps import Steps
from athlete_monitor.physiology.stress import EXCESS, Stress, hr_excess_bpm
from athlete_monitor.physiology.thresholds import ThresholdTime
from athlete_monitor.physiology.trimp import BanisterTrimp, HeartRateZones
from athlete_monitor.physiology.vo2max import Vo2Max
from athlete_monitor.squad.cadence_lock import CadenceLock
from athlete_monitor.squad.heart_rate_source import (
    MODE_OF,
    HeartRate,
    HeartRateTotals,
    LiveError,
    ModelCorrection,
    ModelHeartRate,
    choose,
)
from athlete_monitor.squad.load_interval import LoadInterval
from athlete_monitor.squad.prediction import ModelBook
from athlete_monitor.wire.sample import values_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from athlete_monitor.arrays import BoolArray, FloatArray, IntArray
    from athlete_monitor.athletes import Profile
    from athlete_monitor.features import FeatureSpec
    from athlete_monitor.figures import Source
    from athlete_monitor.physiology.bodies import Body
    from athlete_monitor.physiology.heart_rate import CleanHeartRate
    from athlete_monitor.physiology.impacts import Impact
    from athlete_monitor.squad.heart_rate_source import Policy
    from athlete_monitor.wire.sample import Sample

_TICK_SLACK: Final = 1e-4
_MOTION_TAU_S: Final = 1.0
_MOVEMENT: Final = np.array([SPEED, X, Y, LATITUDE, LONGITUDE, DISTANCE, CADENCE])
"""Channels of ``Squad._move``."""

MOST_DAYS: Final = 4096
"""Number of athletes whose day's form is remembered between sessions."""


@dataclass(frozen=True)
class Batch:
    """One step's samples, each athlete at most once.

    ``rows`` [k], ``t`` [k] in seconds, ``values`` [k, len(CHANNELS)] (NaN: not measured), ``mode`` [k] as ``Mode``;
    ``rr`` holds (row, t, intervals in ms) for the few samples that have beats.
    """

    rows: IntArray
    t: FloatArray
    values: FloatArray
    mode: IntArray
    rr: tuple[tuple[int, float, tuple[float, ...]], ...] = ()

    @classmethod
    def from_samples(cls, rows: Sequence[int], samples: Sequence[Sample], modes: Sequence[int] | None = None) -> Batch:
        """Combine samples of different athletes; ``modes`` if the samples do not carry them all."""
        return cls(
            np.array(rows, dtype=np.int64),
            np.array([sample.t for sample in samples]),
            values_of(samples),
            np.array([MODE_OF[s.tags.mode] for s in samples] if modes is None else modes, dtype=np.int64),
            tuple(
                (row, sample.t, sample.rr_intervals_ms)
                for row, sample in zip(rows, samples, strict=True)
                if sample.rr_intervals_ms
            ),
        )


@dataclass(frozen=True)
class KernelSettings:
    """The settings of the kernel."""

    features: FeatureSpec
    fusion: str = "imufusion"
    policy: Policy = "auto"
    sensor_fresh_s: float = 5.0
    prediction_rate_hz: float = 10.0
    metrics_rate_hz: float = 1.0
    alert_g: float = 8.0
    pitch: PitchPlan | None = None


@dataclass(frozen=True)
class Present:
    """An athlete's present figures, each array [k]; NaN where unknown. ``rows`` are the athletes' rows."""

    rows: IntArray
    t: FloatArray
    mode: IntArray
    heart_rate: HeartRate
    strap_bpm: FloatArray
    model: ModelHeartRate
    hr_max_bpm: FloatArray
    body: Body
    reserve: FloatArray
    zone: IntArray
    stress_percent: FloatArray
    energy_rate_kj_per_min: FloatArray
    speed_mps: FloatArray
    motion_mps2: FloatArray
    x_m: FloatArray
    y_m: FloatArray

    def moments(self) -> dict[str, FloatArray]:
        """The figures of this moment by key, each [k]; NaN is unknown, a source is its code."""
        heart_rate, model = self.heart_rate, self.model
        return {
            "heart_rate_bpm": heart_rate.bpm,
            "heart_rate_source": heart_rate.source,
            "heart_rate_low_bpm": heart_rate.low_bpm,
            "heart_rate_high_bpm": heart_rate.high_bpm,
            "strap_heart_rate_bpm": self.strap_bpm,
            "model_heart_rate_bpm": model.bpm,
            "hr_excess_bpm": hr_excess_bpm(self.strap_bpm, model.bpm),
            "heart_rate_reserve_percent": 100.0 * self.reserve,
            "heart_rate_zone": np.where(self.zone < 0, np.nan, self.zone),
            "stress_percent": self.stress_percent,
            "energy_rate_kj_per_min": self.energy_rate_kj_per_min,
            "speed_mps": self.speed_mps,
            "motion_mps2": self.motion_mps2,
            "x_m": self.x_m,
            "y_m": self.y_m,
        }  # fmt: skip

    def take(self, index: IntArray) -> Present:
        """The figures of the athletes at ``index`` [m] into this one's arrays."""
        taken: Present = _take(self, index)
        return taken


def _take(record: Any, index: IntArray) -> Any:  # noqa: ANN401 - a record of arrays
    values = {
        name: value[index] if isinstance(value, np.ndarray) else _take(value, index)
        for name, value in vars(record).items()
    }
    return type(record)(**values)


@dataclass(frozen=True)
class StepResult:
    """The result of a step: the present figures, the athletes due for an output (indices into them), and impacts."""

    present: Present
    due: IntArray
    impacts: list[Impact]


class Part(Protocol):
    """A part of the squad's state."""

    def grow(self, capacity: int) -> None:
        """Make room for ``capacity`` athletes."""

    def reset(self, rows: IntArray) -> None:
        """Forget ``rows`` [k]."""

    def state(self, row: int) -> Any:  # noqa: ANN401 - each part its own
        """State of one athlete."""

    def set_state(self, row: int, state: Any) -> None:  # noqa: ANN401
        """Restore what ``state`` returned."""


class Ticks(SquadState):
    """When predictions and outputs were last due, the prediction held until the next, and the smoothed motion."""

    FIELDS = MappingProxyType(
        dict.fromkeys(("prediction", "output", "model_bpm", "low_bpm", "high_bpm", "motion_mps2"), np.nan)
        | {"phase": 0.0, "second": np.nan}
    )
    MOMENTS: ClassVar[tuple[Figure, ...]] = (
        Figure(
            "motion_mps2", "Motion", "m/s²", 1, "present", "mean", needs=("acceleration",), scope="moment",
            equation="length of the gravity-free acceleration, averaged over a second",
        ),
    )  # fmt: skip

    def set_phase(self, row: int, phase: float) -> None:
        """Shift an athlete's outputs by a part of their interval, so that not all athletes are due at once."""
        self._table[6, row] = phase

    def prediction_due(self, rows: IntArray, t: FloatArray, rate_hz: float) -> BoolArray:
        """Whether a prediction at ``rate_hz`` is due at ``t`` [k]; stores its tick."""
        return self._due(0, rows, t * rate_hz)

    def output_due(self, rows: IntArray, t: FloatArray, rate_hz: float) -> BoolArray:
        """Whether an output is due at ``t`` [k]; stores its tick."""
        return self._due(1, rows, t * rate_hz + self._table[6].take(rows))

    def second_due(self, rows: IntArray, t: FloatArray) -> BoolArray:
        """Whether a sample is the first of its whole second [k]; stores the second."""
        return self._due(7, rows, t)

    def would_be_output(self, row: int, t: float, rate_hz: float) -> bool:
        """Whether an output would be due with a sample of one athlete at ``t``; the state does not change."""
        output, phase = self._table.item(1, row), self._table.item(6, row)
        return math.floor(t * rate_hz + phase + _TICK_SLACK) != output

    def _due(self, field: int, rows: IntArray, position: FloatArray) -> BoolArray:
        tick = np.floor(position + _TICK_SLACK)
        changed: BoolArray = tick != self._table[field].take(rows)
        self._table[field, rows] = tick
        return changed

    def hold(self, rows: IntArray, prediction: FloatArray) -> None:
        """Store predictions [3, k]: value, low, high."""
        self._table[2:5, rows] = prediction

    def held(self, rows: IntArray) -> FloatArray:
        """The present predictions [3, k]."""
        return self._table[2:5].take(rows, axis=1)

    def smooth_motion(self, rows: IntArray, dt_s: FloatArray, motion_mps2: FloatArray) -> FloatArray:
        """Average over a second of |gravity-free acceleration| [k], m/s^2; NaN before the first."""
        last = self._table[5].take(rows)
        start = np.where(np.isnan(last), motion_mps2, last)
        smooth = start + (dt_s / (dt_s + _MOTION_TAU_S)) * (motion_mps2 - start)
        smooth = np.where(np.isnan(smooth), last, smooth)
        self._table[5, rows] = smooth
        return smooth


class Strap(HeartRateFilter):
    """The strap's clean readings, with the time of the newest."""

    def reading_t(self, rows: IntArray) -> FloatArray:
        """Sample time of the last accepted reading [k], s; NaN before the first."""
        return self._field("t", rows)


SESSION_FIGURES: Final[tuple[Figure, ...]] = (
    *HeartRate.MOMENTS, *HeartRateTotals.FIGURES, *HeldExtremes.FIGURES, *Strap.MOMENTS, *CadenceLock.FIGURES,
    *ModelHeartRate.MOMENTS,
    *ModelBook.TEXTS, *LiveError.FIGURES, EXCESS, *HeartRateMax.FIGURES, *HeartRateMax.TEXTS, *Bodies.FIGURES, RESERVE,
    *HeartRateZones.MOMENTS, *HeartRateZones.FIGURES, *Stress.MOMENTS, *BanisterTrimp.FIGURES,
    *EnergyExpenditure.FIGURES, *EnergyExpenditure.MOMENTS, *LoadInterval.FIGURES,
    *Vo2Max.FIGURES, *PlayerLoad.FIGURES, *Ticks.MOMENTS,
    *Impacts.FIGURES, *Locomotion.MOMENTS, *Distance.FIGURES, *Distance.SUMMARY, *Locomotion.FIGURES,
    *Accelerations.FIGURES, *HighIntensityActions.FIGURES, *SpeedBands.FIGURES, *MetabolicPower.FIGURES, *Steps.FIGURES,
    *HeartRateRecovery.FIGURES, *ThresholdTime.FIGURES, *PeakDemands.FIGURES, *Position.MOMENTS, *SampleClock.FIGURES,
)  # fmt: skip
"""The figures that a squad computes, in order of publication."""

MOMENTS: Final = tuple(figure for figure in SESSION_FIGURES if figure.scope == "moment")
"""Those of ``Present.moments``."""
_SOURCES: Final[Mapping[str, type[Source]]] = MappingProxyType({
    "hr_max": HeartRateMax, "bodies": Bodies, "live_error": LiveError, "zones": HeartRateZones, "trimp": BanisterTrimp,
    "energy": EnergyExpenditure, "vo2max": Vo2Max, "player_load": PlayerLoad, "impacts": Impacts,
    "distance": Distance, "locomotion": Locomotion, "accelerations": Accelerations, "actions": HighIntensityActions,
    "speed_bands": SpeedBands, "metabolic": MetabolicPower, "steps": Steps, "recovery": HeartRateRecovery,
    "above_threshold": ThresholdTime, "clock": SampleClock,
})  # fmt: skip
"""Attributes of a squad that compute figures of the session so far."""
_OF_SOURCES: Final = tuple(figure for source in _SOURCES.values() for figure in source.FIGURES)
PRESENT_FIGURES: Final[tuple[Figure, ...]] = (*MOMENTS, *_OF_SOURCES)
"""The figures that ``Squad.present_values`` returns, in order."""
TOTAL_FIGURES: Final[tuple[Figure, ...]] = (
    *HeartRateTotals.FIGURES, *HeldExtremes.FIGURES, *LoadInterval.FIGURES, *CadenceLock.FIGURES, *Distance.SUMMARY,
    *PeakDemands.FIGURES,
    *_OF_SOURCES,
)  # fmt: skip
"""The figures that ``Squad.total_values`` returns, in order."""


class Squad:
    """The state of all athletes, one row each.

    ``add`` allocates a row and ``remove`` releases it; capacity grows by doubling.
    """

    def __init__(self, settings: KernelSettings, models: ModelBook, capacity: int = 32) -> None:
        self.settings = settings
        self.models = models
        self.prediction_rate_hz = settings.prediction_rate_hz
        self._capacity = capacity
        self._free = list(range(capacity - 1, -1, -1))
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
        self.steps = Steps(capacity)
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
        self.strap = Strap(capacity, fresh_s=settings.sensor_fresh_s)
        self.correction = ModelCorrection(capacity)
        self._days: dict[int, FloatArray] = {}
        self.hrv = HeartRateVariability()
        self.fusion = FILTERS[settings.fusion](capacity)
        self.features = FeatureBank(settings.features, capacity)
        self.vo2max = Vo2Max(self.hr_max, self.bodies)
        self.distance = Distance(self.locomotion, self.odometer, self.clock)
        self.actions = HighIntensityActions(self.locomotion, self.accelerations)

    @property
    def sources(self) -> list[Source]:
        """The parts that compute the figures of a session so far."""
        return [getattr(self, name) for name in _SOURCES]

    def present_values(self, present: Present) -> FloatArray:
        """Values [sum of widths, k] of ``PRESENT_FIGURES`` for the athletes of ``present`` [k]; NaN is unknown."""
        totals = [source.values(present.rows) for source in self.sources]
        return np.concatenate([columns(MOMENTS, present.moments()), *totals])

    def total_values(self, row: int) -> FloatArray:
        """Values [sum of widths, 1] of ``TOTAL_FIGURES`` for one athlete; NaN is unknown."""
        rows = np.array([row])
        sources: list[Source] = [self.peaks, *self.sources]
        summary = [source.values(rows) for source in (self.heart_rate_totals, self.heart_rate_extremes)]
        summary.append(self.load_interval.values(rows, self.trimp.total(rows), self.energy.total(rows)))
        summary.append(self.cadence_lock.values(rows))
        return np.concatenate(
            [*summary, self.distance.summary_values(rows), *(source.values(rows) for source in sources)]
        )

    def _tables(self) -> dict[str, SquadState]:
        """The totals except the maximal heart rate, whose state is more than a table."""
        names = (
            "clock", "trimp", "zones", "energy", "stress", "player_load", "speed", "locomotion", "speed_bands",
            "accelerations", "metabolic", "odometer", "steps", "recovery", "above_threshold", "peaks", "impacts",
            "live_error", "heart_rate_totals", "heart_rate_extremes", "load_interval", "cadence_lock", "ticks",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names}

    def _memories(self) -> dict[str, Part]:
        names = ("strap", "correction", "hrv", "fusion", "features", "position", "plane")
        return {**{name: getattr(self, name) for name in names}, "peaks": self.peaks.recent}

    def _parts(self) -> list[Part]:
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
        row = self._free.pop()
        rows = np.array([row])
        for part in self._parts():
            part.reset(rows)
        self.ticks.set_phase(row, phase)
        self.learn(row, profile)
        return row

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
        """End an athlete's session; only the day's form is kept. The row may be used again."""
        athlete_id = self.models.athlete_id(row)
        if athlete_id is not None:
            self._days[athlete_id] = self.correction.leave(row)
            while len(self._days) > MOST_DAYS:
                self._days.pop(next(iter(self._days)))
        self.models.remove(row)
        self._free.append(row)

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

    def step(self, batch: Batch) -> StepResult:
        """Advance the athletes of the batch by one sample each."""
        rows, t, values = batch.rows, batch.t, batch.values
        for row, beat_t, intervals in batch.rr:
            self.hrv.add(row, beat_t, intervals)
        dt_s = self.clock.update(rows, t)
        impacts = self.impacts.update(rows, t, values[:, ACC])
        model = self._model_heart_rate(rows, t, values)
        strap = self.strap.update(rows, t, values[:, HEART_RATE], (model.low_bpm, model.high_bpm))
        if self.settings.policy == "auto":
            strap = self.cadence_lock.check(rows, t, values[:, CADENCE], strap, model)
        heart_rate = self._heart_rate(rows, t, batch.mode, strap, model)
        present = self._present(batch, dt_s, strap, model, heart_rate)
        due = self.ticks.output_due(rows, t, self.settings.metrics_rate_hz)
        return StepResult(present, np.flatnonzero(due), impacts)

    def awaits_output(self, row: int, t: float) -> bool:
        """Whether the sample of an athlete at ``t`` would cause an output."""
        return self.ticks.would_be_output(row, t, self.settings.metrics_rate_hz)

    def flush(self, row: int) -> list[Impact]:
        """The impacts of an ending session that were waiting to become certain."""
        return self.impacts.flush(np.array([row]))

    def _model_heart_rate(self, rows: IntArray, t: FloatArray, values: FloatArray) -> ModelHeartRate:
        """Predict for the athletes who are due; the others keep their last prediction while its channels arrive."""
        features = self.features.update(rows, t, values)
        serving = self.models.serving(rows, self.features.available(rows, t))
        due = np.flatnonzero(self.ticks.prediction_due(rows, t, self.prediction_rate_hz))
        if len(due):
            self.ticks.hold(rows[due], self.models.predict(rows[due], features[due]))
        bpm, low, high = np.where(serving, self.ticks.held(rows), np.nan)
        return ModelHeartRate(bpm, low, high)

    def _heart_rate(
        self, rows: IntArray, t: FloatArray, mode: IntArray, strap: CleanHeartRate, model: ModelHeartRate
    ) -> HeartRate:
        error = np.where(strap.accepted, strap.bpm - model.bpm, np.nan)
        self.live_error.update(rows, error)
        forms = self.models.forms(rows)
        self.correction.learn(rows, t, error, forms)
        correct = partial(self.correction.now, rows, t, forms)
        return choose(self.settings.policy, mode, strap, t - self.strap.reading_t(rows), model, correct)

    def _present(
        self, batch: Batch, dt_s: FloatArray, strap: CleanHeartRate, model: ModelHeartRate, heart_rate: HeartRate
    ) -> Present:
        rows, t, values = batch.rows, batch.t, batch.values
        acc = values[:, ACC]
        longest_s = self.clock.longest_s(rows)
        hr_max = self.hr_max.update(rows, t, strap, longest_s)
        body = self.bodies.take(rows)
        reserve = hr_reserve_fraction(heart_rate.bpm, body.hr_rest_bpm, hr_max)
        rate = energy_rate_kj_per_min(
            heart_rate.bpm, body.hr_rest_bpm, hr_max, body.male, body.age_years, body.weight_kg, body.height_cm
        )
        linear = self.fusion.update(rows, t, acc, values[:, GYRO], values[:, MAG])
        self.trimp.update(rows, dt_s, reserve, body.male)
        self.energy.update(rows, dt_s, rate)
        self.load_interval.update(rows, dt_s, heart_rate, hr_max, body, reserve, rate)
        self.player_load.update(rows, t, acc)
        self.heart_rate_totals.update(rows, dt_s, heart_rate)
        x_m, y_m = self.position.update(rows, t, values[:, [X, Y]].T, values[:, LATITUDE], values[:, LONGITUDE])
        if self.limits.of_heart_rate:
            self.above_threshold.update(rows, dt_s, heart_rate.bpm, self.limits.threshold_bpm(rows))
        own = self.limits.zones_bpm(rows, hr_max, body.hr_rest_bpm) if self.limits.of_heart_rate else None
        speed = self._move(rows, t, values)
        motion = self.ticks.smooth_motion(rows, dt_s, _length(linear))
        self._once_a_second(rows, t, heart_rate.read_bpm, longest_s, np.array([strap.bpm, hr_max, motion, speed]))
        return Present(
            rows=rows,
            t=t,
            mode=batch.mode,
            heart_rate=heart_rate,
            strap_bpm=strap.bpm,
            model=model,
            hr_max_bpm=hr_max,
            body=body,
            reserve=reserve,
            zone=self.zones.update(rows, dt_s, heart_rate.bpm, hr_max, own),
            stress_percent=self.stress.update(rows, t, reserve),
            energy_rate_kj_per_min=rate,
            speed_mps=speed,
            motion_mps2=motion,
            x_m=x_m,
            y_m=y_m,
        )

    def _move(self, rows: IntArray, t: FloatArray, values: FloatArray) -> FloatArray:
        """Take speed, position, odometer and cadence; returns the speed [k], m/s, NaN where there is no reading."""
        if np.isnan(values[:, _MOVEMENT]).all():
            return np.full(len(rows), np.nan)
        speed, x, y = values[:, SPEED], values[:, X], values[:, Y]
        latitude, longitude = values[:, LATITUDE], values[:, LONGITUDE]
        if not np.isnan(latitude).all():
            x, y = self.plane.metres(rows, x, y, latitude, longitude, values[:, HORIZONTAL_ACCURACY])
        for step in self.speed.update(rows, t, speed, x, y):
            self.locomotion.update(step)
            self.speed_bands.update(step, self.limits.speed_mps(step.rows))
            self.accelerations.update(step, self.limits.acceleration_mps2(step.rows))
            self.metabolic.update(step)
        self.steps.update(rows, t, values[:, CADENCE])
        if not np.isnan(values[:, DISTANCE]).all():
            self.odometer.update(rows, t, values[:, DISTANCE], self.locomotion.total("distance_m", rows))
        return np.where(np.isnan(speed) & np.isnan(x + y), np.nan, self.speed.speed_mps(rows))

    def _once_a_second(
        self, rows: IntArray, t: FloatArray, read_bpm: FloatArray, longest_s: FloatArray, present: FloatArray
    ) -> None:
        """Advance the metrics that are updated every second; ``present`` is strap, maximum, motion, speed [4, k]."""
        due = np.flatnonzero(self.ticks.second_due(rows, t))
        if not len(due):
            return
        rows, t = rows[due], t[due]
        self.heart_rate_extremes.update(rows, t, read_bpm[due], longest_s[due])
        self.recovery.update(rows, t, *present[:, due])
        high_speed = self.locomotion.total("high_speed_running_m", rows)
        totals = (self.distance.total_m(rows), high_speed, self.player_load.total(rows), self.trimp.total(rows))
        self.peaks.update(rows, t, np.array(totals))


def _length(vectors: FloatArray) -> FloatArray:
    x, y, z = vectors[:, 0], vectors[:, 1], vectors[:, 2]
    return np.sqrt(x * x + y * y + z * z)
