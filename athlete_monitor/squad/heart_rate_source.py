"""The choice of the heart rate: the strap's, the model's, or none, and its uncertainty.

``auto``, the default: the strap while it is valid and fresh, else the model corrected by its recent error against the
strap. ``by_mode``, for teams that must not use straps in matches: the strap in training, the model in a game; if the
sender names no mode, as ``auto``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

import numpy as np

from athlete_monitor.arrays import some
from athlete_monitor.figures import Figure, columns
from athlete_monitor.models.day import BLANK, FIELDS, correction, foresee, learn, next_session
from athlete_monitor.physiology.squad_state import SquadState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from athlete_monitor.arrays import BoolArray, FloatArray, IntArray
    from athlete_monitor.physiology.heart_rate import CleanHeartRate
    from athlete_monitor.squad.prediction import Forms

Policy = Literal["by_mode", "auto"]


class SessionMode(IntEnum):
    """Kind of session, as sent."""

    UNKNOWN = 0
    TRAINING = 1
    GAME = 2


MODE_OF: Final = MappingProxyType(
    {None: SessionMode.UNKNOWN, "training": SessionMode.TRAINING, "game": SessionMode.GAME}
)


class HeartRateSource(IntEnum):
    """Source of a heart rate."""

    NONE = 0
    SENSOR = 1
    MODEL = 2
    MODEL_CORRECTED = 3
    HELD = 4


SOURCE_NAMES: Final = (None, "sensor", "model", "model_corrected", "held")

_NONE, _SENSOR, _MODEL, _MODEL_CORRECTED, _HELD = (
    int(source) for source in HeartRateSource
)  # NumPy is slow with enums
_UNKNOWN, _TRAINING, _GAME = (int(mode) for mode in SessionMode)

DEVIATIONS_OF_INTERVAL: Final = 1.2816
"""Half of an 80 % interval, in standard deviations."""

HELD_AFTER_S: Final = 2.0
"""A strap reading older than this is ``held``; after ``sensor_fresh_s`` it is no longer used."""


class ModelCorrection(SquadState):
    """Estimates a model's present error from its errors against the strap (``models/day.py``)."""

    FIELDS = MappingProxyType(dict(zip(FIELDS, BLANK, strict=True)))
    ADVANCES = "learn"

    def update(
        self, rows: IntArray, t: FloatArray, error_bpm: FloatArray, forms: Forms
    ) -> tuple[FloatArray, FloatArray]:
        """Take the error strap − model [k], bpm (NaN: no reading now).

        Returns the correction of the model [k] and the factor that widens its interval [k].
        """
        self.learn(rows, t, error_bpm, forms)
        return self.now(rows, t, forms)

    def has_begun(self, rows: IntArray) -> bool:
        """Whether all of ``rows`` [k] have taken a sample of their session: without a model, more change nothing."""
        return not some(np.isnan(self._field("start_t", rows)))

    def learn(self, rows: IntArray, t: FloatArray, error_bpm: FloatArray, forms: Forms) -> None:
        """Take the error strap − model [k], bpm (NaN: no reading now)."""
        self._put(rows, learn(self._take(rows), t, error_bpm, forms.constants, forms.model))

    def foresee(self, before: FloatArray, args: Sequence[Any]) -> None:
        """See ``SquadState``."""
        _, t, error_bpm, forms = args
        foresee(before, t, error_bpm, forms.constants)

    def now(self, rows: IntArray, t: FloatArray, forms: Forms) -> tuple[FloatArray, FloatArray]:
        """Return what to add to the model [k], bpm, and by how much to widen its interval [k]."""
        return correction(self._take(rows), t, forms.constants)

    def leave(self, row: int) -> FloatArray:
        """The part of an athlete's state that is kept for the next session."""
        return next_session(self._table[:, row])

    def set_state(self, row: int, state: Mapping[str, Any]) -> None:
        """See ``SquadState``; earlier versions did not store how the errors of the day vary."""
        super().set_state(row, {"moments": 0.0, "moments_square": 0.0, **state})

    def enter(self, row: int, state: FloatArray) -> None:
        """Begin a session with the state that ``leave`` returned."""
        self._table[:, row] = state


class LiveError(SquadState):
    """Error of a model against the strap, over all readings of the session at which both were known."""

    FIELDS = MappingProxyType({"readings": 0.0, "sum": 0.0, "sum_abs": 0.0, "sum_sq": 0.0})
    ADDED = tuple(FIELDS)
    FIGURES: ClassVar[tuple[Figure, ...]] = (
        Figure(
            "model_error", "Model error", "bpm", 1, "map", digits=2, more_is_worse=True,
            members=("readings", "bias_bpm", "mae_bpm", "rmse_bpm"), whole=("readings",),
            equation="model against strap over the session: `readings`, `bias_bpm` (strap - model), `mae_bpm`, "
            "`rmse_bpm`",
        ),
    )  # fmt: skip

    def update(self, rows: IntArray, error_bpm: FloatArray) -> None:
        """Take the error strap - model [k], bpm; NaN: none."""
        known = ~np.isnan(error_bpm)
        if some(known):
            rows, error = rows[known], error_bpm[known]
            self._table[:, rows] += np.array([np.ones_like(error), error, np.abs(error), error * error])

    def figures(self, rows: IntArray) -> FloatArray:
        """Readings, bias, MAE and RMSE [4, k]; bpm, NaN where there was no reading."""
        count, total, total_abs, total_sq = self._take(rows)
        n = np.where(count > 0.0, count, np.nan)
        return np.stack([count, total / n, total_abs / n, np.sqrt(total_sq / n)])

    def values(self, rows: IntArray) -> FloatArray:
        """Values of ``FIGURES`` for ``rows`` [k]; all NaN before the first reading."""
        found = self._take(rows)
        found[0] = np.where(found[0] > 0.0, found[0], np.nan)
        found[1:] /= found[0]
        np.sqrt(found[3], out=found[3])
        return columns(self.FIGURES, {"model_error": found})


@dataclass(frozen=True)
class ModelHeartRate:
    """The models' heart rates, each array [k]; NaN where there is none. ``low`` and ``high`` bound 80 %.

    ``hills`` is whether an altitude that arrives shows hills; None: nowhere.
    """

    MOMENTS: ClassVar[tuple[Figure, ...]] = (
        Figure(
            "model_heart_rate_bpm", "Model", "bpm", 0, "present", "mean", scope="moment",
            equation="prediction of the model, uncorrected",
        ),
    )  # fmt: skip

    bpm: FloatArray
    low_bpm: FloatArray
    high_bpm: FloatArray
    hills: BoolArray | None = None

    @property
    def deviation_bpm(self) -> FloatArray:
        """One standard deviation [k]."""
        return (self.high_bpm - self.low_bpm) * (0.5 / DEVIATIONS_OF_INTERVAL)


@dataclass(frozen=True)
class HeartRate:
    """The chosen heart rate, each array [k]: value, source code, 80 % interval; NaN where unknown."""

    MOMENTS: ClassVar[tuple[Figure, ...]] = (
        Figure(
            "heart_rate_bpm", "Heart rate", "bpm", 0, "present", "mean", scope="moment",
            equation="the heart rate that all figures below use",
        ),
        Figure(
            "heart_rate_source", "Source", "", 0, "text", scope="moment",
            equation="`sensor`: the strap, read within 2 s; `held`: the last reading of the strap, up to "
            "`engine.sensor_fresh_s` old; `model`; `model_corrected`: the model plus what the strap has shown of the "
            "day's form, and its newest error, fading",
        ),
        Figure(
            "heart_rate_low_bpm", "Heart rate, low end", "bpm", 0, "present", scope="moment",
            equation="low end of the 80 % interval of a model's heart rate, from residuals on sessions that it had "
            "not seen",
        ),
        Figure(
            "heart_rate_high_bpm", "Heart rate, high end", "bpm", 0, "present", scope="moment",
            equation="high end of that interval",
        ),
    )  # fmt: skip

    bpm: FloatArray
    source: IntArray
    low_bpm: FloatArray
    high_bpm: FloatArray

    @property
    def read_bpm(self) -> FloatArray:
        """The heart rate [k], NaN where only an old reading is held."""
        return np.where(self.source == _HELD, np.nan, self.bpm)


class HeartRateTotals(SquadState):
    """Seconds by source of the heart rate, and its mean over the session."""

    FIELDS = MappingProxyType(
        {
            **{f"{name or 'none'}_s": 0.0 for name in SOURCE_NAMES},
            "beats": 0.0,
        }
    )
    ADDED = tuple(FIELDS)
    FIGURES: ClassVar[tuple[Figure, ...]] = (
        Figure(
            "heart_rate_mean_bpm", "Mean heart rate", "bpm", 0, "total", "mean", needs=("heart_rate_bpm",),
            scope="summary", digits=1, equation="over the time with a known heart rate",
        ),
        Figure(
            "heart_rate_known_percent", "Heart rate known", "%", 0, "share", scope="summary", digits=1,
            equation="share of the measured time with a known heart rate; TRIMP, zones and energy are sums over this "
            "part only, and below 80 % there is neither a load zone nor a recovery time",
        ),
        Figure(
            "heart_rate_source_s", "Time by source", "s", 0, "map", "difference", scope="summary", digits=1,
            members=tuple(name or "none" for name in SOURCE_NAMES),
            equation="time by source: `none`, `sensor`, `model`, `model_corrected`, `held`",
        ),
    )  # fmt: skip

    def update(self, rows: IntArray, dt_s: FloatArray, heart_rate: HeartRate) -> None:
        """Count ``dt_s`` [k] at the heart rate [k]."""
        state = self._open(rows)
        state[heart_rate.source, np.arange(len(rows))] += dt_s
        state[-1] += np.where(heart_rate.source == _NONE, 0.0, heart_rate.bpm * dt_s)
        self._put(rows, state)

    def mean_bpm(self, rows: IntArray) -> FloatArray:
        """Mean heart rate [k], bpm; NaN where none was known."""
        state = self._take(rows)
        known_s = state[1] + state[2] + state[3] + state[4]
        mean: FloatArray = state[-1] / np.where(known_s > 0.0, known_s, np.nan)
        return mean

    def seconds(self, rows: IntArray) -> FloatArray:
        """Seconds by source, in the order of ``SOURCE_NAMES`` [5, k]."""
        return self._take(rows)[: len(SOURCE_NAMES)]

    def values(self, rows: IntArray) -> FloatArray:
        """Values of ``FIGURES`` for ``rows`` [k]."""
        return columns(
            self.FIGURES,
            {
                "heart_rate_mean_bpm": self.mean_bpm(rows),
                "heart_rate_known_percent": 100.0 * self.known_share(rows),
                "heart_rate_source_s": self.seconds(rows),
            },
        )

    def known_share(self, rows: IntArray) -> FloatArray:
        """Share of the measured time with a known heart rate [k]; 0 where no time was measured."""
        seconds = np.round(self.seconds(rows), 1)  # as published, so that the share can be computed from the summary
        counted = seconds[0] + seconds[1] + seconds[2] + seconds[3] + seconds[4]
        return np.where(counted > 0.0, 1.0 - seconds[_NONE] / np.where(counted > 0.0, counted, 1.0), 0.0)


def choose(
    policy: Policy,
    mode: IntArray,
    strap: CleanHeartRate,
    strap_age_s: FloatArray,
    model: ModelHeartRate,
    correct: Callable[[], tuple[FloatArray, FloatArray]],
) -> HeartRate:
    """Choose the heart rate of each athlete.

    Args:
        policy: see the module.
        mode: ``SessionMode`` of each sample [k].
        strap: the clean strap.
        strap_age_s: age of the strap's last accepted reading [k].
        model: the models' heart rates.
        correct: returns the correction of the model [k], bpm, and what the distances of the interval's ends from the
            model are multiplied by [k]; asked only where a model is chosen.
    """
    lenient, use_strap = _uses_strap(policy, mode, strap)
    use_model = ~np.isnan(model.bpm) & ~use_strap & (lenient | (mode == _GAME))
    if not some(use_model):
        return _of_strap(use_strap, strap, strap_age_s)
    add, wider = correct()
    shift = np.where(lenient & use_model, add, 0.0)
    shown = np.where(use_strap, strap.bpm, np.where(use_model, model.bpm + shift, np.nan))
    source = _sources(use_strap, strap_age_s, use_model, shift)
    factor = np.where(lenient, wider, 1.0)
    low = np.where(use_model, shown + (model.low_bpm - model.bpm) * factor, np.nan)
    high = np.where(use_model, shown + (model.high_bpm - model.bpm) * factor, np.nan)
    return HeartRate(shown, source, low, high)


def choose_strap(policy: Policy, mode: IntArray, strap: CleanHeartRate, strap_age_s: FloatArray) -> HeartRate:
    """Choose as ``choose`` does where no athlete has a model."""
    return _of_strap(_uses_strap(policy, mode, strap)[1], strap, strap_age_s)


def _uses_strap(policy: Policy, mode: IntArray, strap: CleanHeartRate) -> tuple[BoolArray, BoolArray]:
    """Where either source may be used, and where the strap's is [k]."""
    lenient = mode == _UNKNOWN if policy == "by_mode" else np.ones(len(mode), dtype=bool)
    return lenient, ~np.isnan(strap.bpm) & (lenient | (mode == _TRAINING))


def _of_strap(use_strap: BoolArray, strap: CleanHeartRate, strap_age_s: FloatArray) -> HeartRate:
    """The choice without a model: as in training. The strap's heart rate has no interval."""
    nothing = np.full(len(use_strap), np.nan)
    source = np.where(use_strap, _measured(strap_age_s), _NONE)
    return HeartRate(np.where(use_strap, strap.bpm, np.nan), source, nothing, nothing)


def _measured(strap_age_s: FloatArray) -> IntArray:
    return np.where(strap_age_s > HELD_AFTER_S, _HELD, _SENSOR)


def _sources(use_strap: BoolArray, strap_age_s: FloatArray, use_model: BoolArray, shift: FloatArray) -> IntArray:
    measured = _measured(strap_age_s)
    predicted = np.where(shift != 0.0, _MODEL_CORRECTED, _MODEL)
    return np.where(use_strap, measured, np.where(use_model, predicted, _NONE))
