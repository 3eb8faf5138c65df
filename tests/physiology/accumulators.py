"""Every streaming metric behind one face, for the contract that all of them keep."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from athlete_monitor.fusion import AhrsMadgwick, ImuFusion, LowPassGravity
from athlete_monitor.physiology.accelerations import Accelerations
from athlete_monitor.physiology.bodies import Bodies
from athlete_monitor.physiology.clock import SampleClock
from athlete_monitor.physiology.energy import EnergyExpenditure, energy_rate_kj_per_min
from athlete_monitor.physiology.extremes import HeldExtremes
from athlete_monitor.physiology.heart_rate import HeartRateFilter, HeartRateMax, hr_reserve_fraction
from athlete_monitor.physiology.impacts import Impacts
from athlete_monitor.physiology.limits import Limits, SquadLimits, ZoneLimits
from athlete_monitor.physiology.load import PlayerLoad
from athlete_monitor.physiology.locomotion import Locomotion
from athlete_monitor.physiology.metabolic import MetabolicPower
from athlete_monitor.physiology.odometer import Odometer
from athlete_monitor.physiology.peaks import PeakDemands
from athlete_monitor.physiology.recovery import HeartRateRecovery
from athlete_monitor.physiology.speed import SpeedTrack
from athlete_monitor.physiology.speed_bands import SpeedBands
from athlete_monitor.physiology.steps import StepCount
from athlete_monitor.physiology.stress import Stress
from athlete_monitor.physiology.thresholds import ThresholdTime
from athlete_monitor.physiology.trimp import BanisterTrimp, HeartRateZones

if TYPE_CHECKING:
    from collections.abc import Callable

    from athlete_monitor.arrays import FloatArray, IntArray


@dataclass(frozen=True)
class Samples:
    """Samples of several athletes: axis 0 is the athlete, axis 1 time."""

    t: FloatArray
    heart_rate_bpm: FloatArray
    acc_mps2: FloatArray
    gyro_rad_s: FloatArray
    speed_mps: FloatArray
    x_m: FloatArray


def squad_samples(seed: int, athletes: int = 5, n: int = 80) -> Samples:
    """Irregular samples with gaps and missing values."""
    rng = np.random.default_rng(seed)
    steps = rng.choice([0.01, 0.1, 0.11, 1.0, 5.0], size=(athletes, n), p=[0.2, 0.4, 0.3, 0.08, 0.02])
    t = 1.75e9 + np.cumsum(steps, axis=1)

    def sparse(values: FloatArray, share: float) -> FloatArray:
        return np.where(rng.random(values.shape) < share, values, np.nan)

    acc = rng.normal(0, 25, (athletes, n, 3))
    acc[rng.random((athletes, n)) < 0.05] = np.nan
    gyro = rng.normal(0, 1, (athletes, n, 3))
    gyro[rng.random((athletes, n)) < 0.05] = np.nan
    heart_rate = sparse(150 + np.cumsum(rng.normal(0, 3, (athletes, n)), axis=1), 0.5)
    speed = sparse(np.abs(5 + np.cumsum(rng.normal(0, 0.6, (athletes, n)), axis=1)), 0.6)
    return Samples(t, heart_rate, acc, gyro, speed, np.cumsum(rng.normal(0, 0.3, (athletes, n)), axis=1))


class Whole:
    """All streaming metrics together, in the order in which a live engine asks them."""

    def __init__(self, capacity: int, orientation: Callable[[int], Any] = LowPassGravity) -> None:
        self.clock = SampleClock(capacity)
        self.bodies = Bodies(capacity)
        self.strap = HeartRateFilter(capacity)
        self.hr_max = HeartRateMax(capacity)
        self.trimp = BanisterTrimp(capacity)
        self.zones = HeartRateZones(capacity)
        self.energy = EnergyExpenditure(capacity)
        self.stress = Stress(capacity)
        self.load = PlayerLoad(capacity)
        self.limits = SquadLimits(capacity)
        self.speed = SpeedTrack(capacity)
        self.locomotion = Locomotion(capacity)
        self.speed_bands = SpeedBands(capacity)
        self.accelerations = Accelerations(capacity)
        self.metabolic = MetabolicPower(capacity)
        self.odometer = Odometer(capacity)
        self.steps = StepCount(capacity)
        self.extremes = HeldExtremes(capacity)
        self.recovery = HeartRateRecovery(capacity)
        self.above_threshold = ThresholdTime(capacity)
        self.peaks = PeakDemands(capacity)
        self.impacts = Impacts(capacity)
        self.orientation = orientation(capacity)
        self.parts = dict(vars(self))

    def enter(self, rows: IntArray) -> None:
        """Everybody is a woman of 30 years, 60 kg and 170 cm."""
        profile = SimpleNamespace(
            sex="female", age_years=30.0, weight_kg=60.0, height_cm=170.0, hr_max_bpm=None, hr_rest_bpm=50.0
        )
        for row in rows.tolist():
            self.bodies.set(row, profile)
            self.limits.set(row, LIMITS)
        body = self.bodies.take(rows)
        self.hr_max.set(rows, body.hr_max_measured_bpm, body.age_years)

    def update(self, rows: IntArray, s: Samples) -> list[Any]:
        """One step of the samples [k] of ``rows`` [k]; returns every figure."""
        dt_s = self.clock.update(rows, s.t)
        body = self.bodies.take(rows)
        clean = self.strap.update(rows, s.t, s.heart_rate_bpm)
        hr_max = self.hr_max.update(rows, s.t, clean)
        hr_rest = body.hr_rest_bpm
        reserve = hr_reserve_fraction(clean.bpm, hr_rest, hr_max)
        rate = energy_rate_kj_per_min(
            clean.bpm, hr_rest, hr_max, body.male, body.age_years, body.weight_kg, body.height_cm
        )
        mag = np.full_like(s.gyro_rad_s, np.nan)
        self.extremes.update(rows, s.t, clean.bpm, self.clock.longest_s(rows))
        self.above_threshold.update(rows, dt_s, clean.bpm, self.limits.threshold_bpm(rows))
        self.recovery.update(rows, s.t, clean.bpm, hr_max, np.abs(s.x_m), s.speed_mps)
        return [
            dt_s,
            clean.bpm,
            hr_max,
            self.trimp.update(rows, dt_s, reserve, body.male),
            self.zones.update(rows, dt_s, clean.bpm, hr_max, self.limits.zones_bpm(rows, hr_max, hr_rest)),
            self.energy.update(rows, dt_s, rate),
            self.stress.update(rows, s.t, reserve),
            self.load.update(rows, s.t, s.acc_mps2),
            self.move(rows, s),
            self.impacts.update(rows, s.t, s.acc_mps2),
            self.orientation.update(rows, s.t, s.acc_mps2, s.gyro_rad_s, mag),
        ]

    def move(self, rows: IntArray, s: Samples) -> FloatArray:
        """Everything from speed, position, odometer and cadence; returns the speed."""
        for step in self.speed.update(rows, s.t, s.speed_mps, s.x_m, s.x_m):
            self.locomotion.update(step)
            self.speed_bands.update(step, self.limits.speed_mps(step.rows))
            self.accelerations.update(step, self.limits.acceleration_mps2(step.rows))
            self.metabolic.update(step)
        self.odometer.update(rows, s.t, np.abs(s.x_m), self.locomotion.total("distance_m", rows))
        self.steps.update(rows, s.t, 20.0 * s.speed_mps)
        self.peaks.update(rows, s.t, np.tile(self.odometer.distance_m(rows, np.zeros(len(rows))), (4, 1)))
        return self.speed.speed_mps(rows)

    def state(self, row: int) -> dict[str, Any]:
        return {name: part.state(row) for name, part in self.parts.items()}

    def set_state(self, row: int, state: dict[str, Any]) -> None:
        for name, part in self.parts.items():
            part.set_state(row, state[name])


def at(samples: Samples, athletes: IntArray, index: IntArray) -> Samples:
    """The samples ``index`` [k] of ``athletes`` [k]."""
    return Samples(**{name: values[athletes, index] for name, values in vars(samples).items()})


LIMITS = Limits((1.0, 2.0, 4.0, 6.0), (1.0, 2.0, 3.0), ZoneLimits("percent_of_max", (50.0, 80.0)), 160.0)
ORIENTATIONS = (LowPassGravity, ImuFusion, AhrsMadgwick)
