"""The squad as arrays, and the pure step that advances it: no I/O, no clock, no log.

A step takes at most one sample of each athlete. An athlete's figures depend only on that athlete's own samples, to the
last bit: the other athletes in the step, and how the samples were cut into steps, do not matter. For the same reason
predictions and outputs are due in sample time.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from athlete_monitor.arrays import (
    ACC,
    CADENCE,
    CHANNELS,
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
    every,
    places,
    some,
)  # fmt: skip
from athlete_monitor.features.layout import CHANNELS_OF_GROUPS, GRADE
from athlete_monitor.physiology.energy import energy_rate_kj_per_min
from athlete_monitor.physiology.heart_rate import hr_reserve_fraction
from athlete_monitor.squad.heart_rate_source import (
    HeartRate,
    ModelHeartRate,
    choose,
    choose_strap,
)
from athlete_monitor.squad.present import Present, StepResult
from athlete_monitor.squad.state import SquadArrays

if TYPE_CHECKING:
    from collections.abc import Iterable

    from athlete_monitor.arrays import BoolArray, FloatArray, IntArray
    from athlete_monitor.physiology.bodies import Body
    from athlete_monitor.physiology.heart_rate import CleanHeartRate
    from athlete_monitor.physiology.impacts import Impact
    from athlete_monitor.physiology.speed import MotionStep
    from athlete_monitor.squad.batch import Batch

_MOVEMENT: Final = (SPEED, X, Y, LATITUDE, LONGITUDE, DISTANCE, CADENCE)
"""Channels of ``Squad._move``."""
_FEATURES: Final = tuple(sorted({int(channel) for channels in CHANNELS_OF_GROUPS for channel in channels}))
"""Channels of the feature bank."""
_ACC: Final = range(len(CHANNELS))[ACC]


class _Arrived(NamedTuple):
    """What arrived with the samples of a step, of any athlete: parts without input are skipped, with equal results."""

    any_of: list[bool]
    """By channel."""

    @classmethod
    def of(cls, values: FloatArray) -> _Arrived:
        """Return what samples [k, len(CHANNELS)] hold."""
        arrived: BoolArray = np.logical_or.reduce(~np.isnan(values), axis=0)
        return cls(arrived.tolist())

    def one(self, channels: Iterable[int]) -> bool:
        """Whether any of the channels has arrived."""
        return any(self.any_of[channel] for channel in channels)

    @property
    def acceleration(self) -> bool:
        """Whether all axes have arrived."""
        return all(self.any_of[channel] for channel in _ACC)


class Squad(SquadArrays):
    """The state of all athletes, and the step that advances them.

    ``add`` allocates a row and ``remove`` releases it; capacity grows by doubling.
    """

    def step(self, batch: Batch) -> StepResult:
        """Advance the athletes of the batch by one sample each."""
        rows, t, values = batch.rows, batch.t, batch.values
        arrived = _Arrived.of(values)
        for row, beat_t, intervals in batch.rr:
            self.hrv.add(row, beat_t, intervals)
        dt_s = self.clock.update(rows, t)
        impacts = self.impacts.update(rows, t, values[:, ACC]) if arrived.acceleration else []
        model = self._model_heart_rate(rows, t, values, arrived)
        support = None if model is None else (model.low_bpm, model.high_bpm)
        strap = self.strap.update(rows, t, values[:, HEART_RATE], support)
        if self.settings.policy == "auto":
            strap = self.cadence_lock.check(rows, t, values[:, CADENCE], strap, model, self.bodies.take(rows))
        heart_rate = self._heart_rate(rows, t, batch.mode, strap, model)
        present = self._present(batch, arrived, dt_s, strap, model, heart_rate)
        due = self.ticks.output_due(rows, t, self.settings.metrics_rate_hz)
        return StepResult(present, places(due), impacts)

    def awaits_output(self, row: int, t: float) -> bool:
        """Whether the sample of an athlete at ``t`` would cause an output."""
        return self.ticks.would_be_output(row, t, self.settings.metrics_rate_hz)

    def flush(self, row: int) -> list[Impact]:
        """The impacts of an ending session that were waiting to become certain."""
        return self.impacts.flush(np.array([row]))

    def _model_heart_rate(
        self, rows: IntArray, t: FloatArray, values: FloatArray, arrived: _Arrived
    ) -> ModelHeartRate | None:
        """Predict for the athletes who are due; the others keep their last prediction while its channels arrive.

        None where no athlete has a model.
        """
        is_used = self.models.may_serve and arrived.one(_FEATURES)
        memory = self.features.advance(rows, t, values) if is_used else None
        available = self.features.available(rows, t)
        serving = self.models.serving(rows, available)
        serves = some(serving)
        due = places(self.ticks.prediction_due(rows, t, self.prediction_rate_hz))
        if len(due) and serves:
            features = self.features.read(self.features.memory(rows) if memory is None else memory)
            self.ticks.hold(rows[due], self.models.predict(rows[due], features[due]))
        elif len(due):
            self.models.idle(rows[due])
            self.ticks.hold(rows[due], np.full((3, len(due)), np.nan))
        if not serves:
            return None
        bpm, low, high = np.where(serving, self.ticks.held(rows), np.nan)
        return ModelHeartRate(bpm, low, high, available[:, GRADE])

    def _heart_rate(
        self, rows: IntArray, t: FloatArray, mode: IntArray, strap: CleanHeartRate, model: ModelHeartRate | None
    ) -> HeartRate:
        age_s = t - self.strap.reading_t(rows)
        if model is None:
            if not self.correction.has_begun(rows):
                self.correction.learn(rows, t, np.full(len(rows), np.nan), self.models.forms(rows))
            return choose_strap(self.settings.policy, mode, strap, age_s)
        error = np.where(strap.accepted, strap.bpm - model.bpm, np.nan)
        self.live_error.update(rows, error)
        if self.settings.policy == "auto" and strap.accepted.any():
            error = np.where(self.cadence_lock.doubtful(rows, t, strap, model), np.nan, error)
        forms = self.models.forms(rows)
        self.correction.learn(rows, t, error, forms)
        correct = partial(self.correction.now, rows, t, forms)
        return choose(self.settings.policy, mode, strap, age_s, model, correct)

    def _present(
        self,
        batch: Batch,
        arrived: _Arrived,
        dt_s: FloatArray,
        strap: CleanHeartRate,
        model: ModelHeartRate | None,
        heart_rate: HeartRate,
    ) -> Present:
        rows, t, values = batch.rows, batch.t, batch.values
        longest_s = self.clock.longest_s(rows)
        hr_max = self.hr_max.update(rows, t, strap, longest_s)
        body = self.bodies.take(rows)
        self.heart_rate_totals.update(rows, dt_s, heart_rate)
        effort = self._effort(rows, t, dt_s, heart_rate, hr_max, body, has_interval=model is not None)
        nothing = np.full(len(rows), np.nan)
        motion = self._motion(rows, t, dt_s, values) if arrived.acceleration else self.ticks.motion(rows)
        x_m, y_m = self.position.update(rows, t, np.array([values[:, X], values[:, Y]]), *_degrees(values))
        speed = self._move(rows, t, values, arrived) if arrived.one(_MOVEMENT) else nothing
        self._once_a_second(rows, t, heart_rate, longest_s, np.array([strap.bpm, hr_max, motion, speed]))
        return Present(
            rows=rows,
            t=t,
            mode=batch.mode,
            heart_rate=heart_rate,
            strap_bpm=strap.bpm,
            model=ModelHeartRate(nothing, nothing, nothing, nothing > 0.0) if model is None else model,
            hr_max_bpm=hr_max,
            body=body,
            reserve=effort.reserve,
            zone=effort.zone,
            stress_percent=effort.stress_percent,
            energy_rate_kj_per_min=effort.energy_rate_kj_per_min,
            speed_mps=speed,
            motion_mps2=motion,
            x_m=x_m,
            y_m=y_m,
        )

    def _effort(
        self,
        rows: IntArray,
        t: FloatArray,
        dt_s: FloatArray,
        heart_rate: HeartRate,
        hr_max: FloatArray,
        body: Body,
        *,
        has_interval: bool,
    ) -> _Effort:
        """Advance what is computed from the heart rate."""
        bpm, rest_bpm = heart_rate.bpm, body.hr_rest_bpm
        if every(np.isnan(bpm)):
            nothing = np.full(len(rows), np.nan)
            return _Effort(nothing, np.full(len(rows), -1), nothing, nothing)
        reserve = hr_reserve_fraction(bpm, rest_bpm, hr_max)
        rate = energy_rate_kj_per_min(
            bpm, rest_bpm, hr_max, body.male, body.age_years, body.weight_kg, body.height_cm, body.resting_kj_per_min
        )
        self.trimp.update(rows, dt_s, reserve, body.male)
        self.energy.update(rows, dt_s, rate)
        if has_interval:
            self.load_interval.update(rows, dt_s, heart_rate, hr_max, body, reserve, rate)
        own = None
        if self.limits.of_heart_rate:
            self.above_threshold.update(rows, dt_s, bpm, self.limits.threshold_bpm(rows))
            own = self.limits.zones_bpm(rows, hr_max, rest_bpm)
        zone = self.zones.update(rows, dt_s, bpm, hr_max, own)
        return _Effort(reserve, zone, self.stress.update(rows, t, reserve), rate)

    def _motion(self, rows: IntArray, t: FloatArray, dt_s: FloatArray, values: FloatArray) -> FloatArray:
        """Advance what is computed from the acceleration; returns the smoothed motion [k], m/s²."""
        acc = values[:, ACC]
        linear = self.fusion.update(rows, t, acc, values[:, GYRO], values[:, MAG])
        self.player_load.update(rows, t, acc)
        return self.ticks.smooth_motion(rows, dt_s, _length(linear))

    def _move(self, rows: IntArray, t: FloatArray, values: FloatArray, arrived: _Arrived) -> FloatArray:
        """Take speed, position, odometer and cadence; returns the speed [k], m/s, NaN where there is no reading."""
        speed, x, y = values[:, SPEED], values[:, X], values[:, Y]
        if arrived.any_of[LATITUDE]:
            x, y = self.plane.metres(rows, x, y, *_degrees(values), values[:, HORIZONTAL_ACCURACY])
        for step in self._steps(rows, t, speed, x, y):
            self.locomotion.update(step)
            self.speed_bands.update(step, self.limits.speed_mps(step.rows))
            self.accelerations.update(step, self.limits.acceleration_mps2(step.rows))
            self.metabolic.update(step)
        if arrived.any_of[CADENCE]:
            self.steps.update(rows, t, values[:, CADENCE])
        if arrived.any_of[DISTANCE]:
            self.odometer.update(rows, t, values[:, DISTANCE], self.locomotion.total("distance_m", rows))
        return np.where(np.isnan(speed) & np.isnan(x + y), np.nan, self.speed.speed_mps(rows))

    def _steps(
        self, rows: IntArray, t: FloatArray, speed_mps: FloatArray, x_m: FloatArray, y_m: FloatArray
    ) -> list[MotionStep]:
        """Steps of motion, in order of time."""
        return self.speed.update(rows, t, speed_mps, x_m, y_m)

    def _once_a_second(
        self, rows: IntArray, t: FloatArray, heart_rate: HeartRate, longest_s: FloatArray, present: FloatArray
    ) -> None:
        """Advance the metrics that are updated every second; ``present`` is strap, maximum, motion, speed [4, k]."""
        due = places(self.ticks.second_due(rows, t))
        if not len(due):
            return
        read_bpm = heart_rate.read_bpm
        if len(due) < len(rows):
            rows, t, read_bpm, longest_s, present = rows[due], t[due], read_bpm[due], longest_s[due], present[:, due]
        self.heart_rate_extremes.update(rows, t, read_bpm, longest_s)
        self.recovery.update(rows, t, *present)
        high_speed = self.locomotion.total("high_speed_running_m", rows)
        totals = (self.distance.total_m(rows), high_speed, self.player_load.total(rows), self.trimp.total(rows))
        self.peaks.update(rows, t, np.array(totals))


class _Effort(NamedTuple):
    """What is computed from the heart rate, each array [k]."""

    reserve: FloatArray
    zone: IntArray
    stress_percent: FloatArray
    energy_rate_kj_per_min: FloatArray


def _degrees(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    return values[:, LATITUDE], values[:, LONGITUDE]


def _length(vectors: FloatArray) -> FloatArray:
    x, y, z = vectors[:, 0], vectors[:, 1], vectors[:, 2]
    return np.sqrt(x * x + y * y + z * z)
