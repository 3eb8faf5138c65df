"""The squad as arrays, and the pure step that advances it: no I/O, no clock, no log.

A step takes at most one sample of each athlete. An athlete's figures depend only on that athlete's own samples, to the
last bit: the other athletes in the step, and how the samples were cut into steps, do not matter. For the same reason
predictions and outputs are due in sample time.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

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
from athlete_monitor.physiology.energy import energy_rate_kj_per_min
from athlete_monitor.physiology.heart_rate import hr_reserve_fraction
from athlete_monitor.squad.heart_rate_source import (
    HeartRate,
    ModelHeartRate,
    choose,
)
from athlete_monitor.squad.present import Present, StepResult
from athlete_monitor.squad.state import SquadArrays

if TYPE_CHECKING:
    from athlete_monitor.arrays import FloatArray, IntArray
    from athlete_monitor.physiology.heart_rate import CleanHeartRate
    from athlete_monitor.physiology.impacts import Impact
    from athlete_monitor.squad.batch import Batch

_MOVEMENT: Final = np.array([SPEED, X, Y, LATITUDE, LONGITUDE, DISTANCE, CADENCE])
"""Channels of ``Squad._move``."""


class Squad(SquadArrays):
    """The state of all athletes, and the step that advances them.

    ``add`` allocates a row and ``remove`` releases it; capacity grows by doubling.
    """

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
