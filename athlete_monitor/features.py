"""The inputs of a model: the squad's streaming feature bank.

Heart rate follows effort with a lag of half a minute to several minutes, so features carry a memory: short-window
statistics of the newest second, and exponentially weighted averages (EWMA) of effort over time constants from
seconds to minutes. Each costs the same whatever its time constant and needs no buffer.

One row is one athlete. Everything a row remembers is one row of one float64 array, and every operation on it is an
elementwise IEEE addition, multiplication, division, comparison or square root. A feature therefore does not depend, to
the last bit, on which other athletes are in the call, on how the samples were cut into calls, or on the machine:
training and live prediction see the same numbers.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from athlete_monitor.arrays import (
    ACC,
    ALTITUDE,
    CADENCE,
    GYRO,
    MAX_STEP_S,
    SPEED,
    BoolArray,
    Float32Array,
    FloatArray,
    IntArray,
)
from athlete_monitor.channels import FEATURE_GROUPS, of_group

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from athlete_monitor.athletes import Profile
    from athlete_monitor.config import FeatureEngineering

GROUPS: Final = FEATURE_GROUPS
"""Channel groups. ``grade`` needs speed and altitude; the others one channel (or vector) each."""

PROFILE_FEATURES: Final = (
    "profile_male",
    "profile_age_years",
    "profile_weight_kg",
    "profile_height_cm",
    "profile_hr_max_bpm",
    "profile_hr_rest_bpm",
)
PROFILE_UNKNOWN: Final = -1.0
"""Marks an unknown profile feature; the default model is trained with such values too."""

FRESH_S: Final = 5.0
"""A group counts as available while its newest sample is at most this old."""

HOLD_S: Final = 10.0
"""Longest gap that a sample covers in full; of a longer gap it covers ``MAX_STEP_S``, the remainder counts as rest."""

SCHEMA_VERSION: Final = 1

_ACCELERATION, _ROTATION, _SPEED, _CADENCE, _GRADE = range(len(GROUPS))
_GRAVITY_TAU_S: Final = 1.0
_CLIMB_TAU_S: Final = 15.0
_STEP_THRESHOLD_MPS2: Final = 0.6
_LEAST_SPEED_MPS: Final = 0.5
_LEAST_GRAVITY_MPS2: Final = 0.1
_STEEPEST_GRADE: Final = 0.3


@dataclass(frozen=True)
class FeatureSpec:
    """The choice of features. Equal specs give equal columns; the hash is written to every model's manifest.

    ``window_s`` is the memory of the short-window statistics; ``time_constants_s`` are those of the effort averages.
    """

    window_s: float = 0.8
    time_constants_s: tuple[float, ...] = (2.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0)
    resultant: bool = True
    rolling_stats: bool = True
    jerk: bool = True
    fft_features: bool = True
    acc_components: tuple[str, ...] = ()

    @classmethod
    def from_config(cls, feature_engineering: FeatureEngineering) -> FeatureSpec:
        """The specification that the ``feature_engineering`` section of a configuration asks for."""
        chosen = feature_engineering.features
        classic = feature_engineering.enabled
        return cls(
            window_s=feature_engineering.rolling_window / feature_engineering.sampling_frequency,
            time_constants_s=tuple(float(tau) for tau in feature_engineering.time_constants_s),
            resultant=classic and chosen.resultant,
            rolling_stats=classic and chosen.rolling_stats,
            jerk=classic and chosen.jerk,
            fft_features=classic and chosen.fft_features,
            acc_components=tuple(chosen.acc_components) if classic else (),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a manifest."""
        lists = {key: list(getattr(self, key)) for key in ("time_constants_s", "acc_components")}
        return {"schema_version": SCHEMA_VERSION, **asdict(self), **lists}

    def names(self, groups: Iterable[str] = GROUPS) -> tuple[str, ...]:
        """Names of the features of ``groups``, in the order of ``columns``."""
        layout = _layout(self)
        return tuple(layout.names[column] for column in self.columns(groups))

    def columns(self, groups: Iterable[str] = GROUPS) -> IntArray:
        """Columns of ``FeatureBank.update``'s result that belong to ``groups``, ascending."""
        wanted = set(groups)
        unknown = wanted - set(GROUPS)
        if unknown:
            raise ValueError(f"unknown feature group {min(unknown)!r}, allowed: {', '.join(GROUPS)}")
        layout = _layout(self)
        return np.array([c for c, group in enumerate(layout.group) if GROUPS[group] in wanted], dtype=np.int64)

    def schema_hash(self, groups: Iterable[str] = GROUPS) -> str:
        """SHA-256 (hex) of everything that gives the columns of ``groups`` their meaning."""
        meaning = json.dumps([self.to_dict(), self.names(groups)], sort_keys=True)
        return hashlib.sha256(meaning.encode()).hexdigest()

    def rises(self, groups: Iterable[str] = GROUPS) -> IntArray:
        """1 for the features with which heart rate can only rise (averages and sums of effort), else 0; int [F]."""
        return np.array([int("_ewma_" in name or name.endswith("_total_s")) for name in self.names(groups)])


def profile_row(profile: Profile | None) -> Float32Array:
    """Profile features of an athlete, float32 [len(PROFILE_FEATURES)]; ``PROFILE_UNKNOWN`` where not known."""
    if profile is None:
        return np.full(len(PROFILE_FEATURES), PROFILE_UNKNOWN, dtype=np.float32)
    male = None if profile.sex is None else float(profile.sex == "male")
    known = (male, profile.age_years, profile.weight_kg, profile.height_cm, profile.hr_max_bpm, profile.hr_rest_bpm)
    return np.array([PROFILE_UNKNOWN if value is None else value for value in known], dtype=np.float32)


_Signals: TypeAlias = "dict[str, FloatArray]"
"""Quantities by name, float64 [k] each."""


@dataclass(frozen=True)
class _Signal:
    """One streamed quantity: its name with unit, and its group."""

    name: str
    group: int


def _effort_signals(spec: FeatureSpec) -> tuple[_Signal, ...]:
    """Quantities whose averages over ``time_constants_s`` are features, in the order of ``_efforts``."""
    jerk = [_Signal("acc_jerk_mps3", _ACCELERATION)] if spec.jerk else []
    steps = [_Signal("acc_step_rate_hz", _ACCELERATION)] if spec.fft_features else []
    return (
        _Signal("acc_dynamic_mps2", _ACCELERATION),
        _Signal("acc_dynamic_sq_m2ps4", _ACCELERATION),
        *jerk,
        *steps,
        _Signal("rotation_rad_s", _ROTATION),
        _Signal("speed_mps", _SPEED),
        _Signal("speed_sq_m2ps2", _SPEED),
        _Signal("cadence_spm", _CADENCE),
        _Signal("grade_power_w_kg", _GRADE),
        _Signal("grade_climb_mps", _GRADE),
    )


def _short_signals(spec: FeatureSpec) -> tuple[_Signal, ...]:
    """Quantities with a short-window mean and deviation, in the order of ``_shorts``."""
    resultant = [_Signal("acc_resultant_mps2", _ACCELERATION)] if spec.resultant else []
    return (
        _Signal("acc_vertical_mps2", _ACCELERATION),
        _Signal("acc_horizontal_mps2", _ACCELERATION),
        *resultant,
        *(_Signal(f"{axis}_mps2", _ACCELERATION) for axis in spec.acc_components),
        _Signal("rotation_rad_s", _ROTATION),
        _Signal("speed_mps", _SPEED),
        _Signal("cadence_spm", _CADENCE),
    )


_TOTALS: Final = (
    _Signal("acc_dynamic_mps2", _ACCELERATION),
    _Signal("rotation_rad_s", _ROTATION),
    _Signal("speed_mps", _SPEED),
    _Signal("cadence_spm", _CADENCE),
    _Signal("grade_power_w_kg", _GRADE),
)
"""Quantities summed over the session: with work done, heart rate drifts upwards and recovers more slowly."""

_SIGNALS: Final = (
    "acc_x_mps2", "acc_y_mps2", "acc_z_mps2", "acc_vertical_mps2", "acc_horizontal_mps2", "acc_resultant_mps2",
    "acc_dynamic_mps2", "acc_dynamic_sq_m2ps4", "acc_jerk_mps3", "acc_step_rate_hz", "rotation_rad_s", "speed_mps",
    "speed_sq_m2ps2", "cadence_spm", "grade_power_w_kg", "grade_climb_mps",
)  # fmt: skip
_SIGNAL_COLUMN: Final = {name: column for column, name in enumerate(_SIGNALS)}
_CHANNELS_OF_GROUPS: Final = np.array([np.resize(of_group(group), 3) for group in GROUPS]).T
"""Channels that each group needs, [3, len(GROUPS)]; a group of fewer than three channels repeats them."""


@dataclass(frozen=True)
class _Layout:
    """The layout: columns of the state, and name and group of each feature column."""

    names: tuple[str, ...]
    group: tuple[int, ...]
    effort_column: IntArray
    short_column: IntArray
    total_column: IntArray
    held: IntArray
    """Numbers of the groups."""
    effort_group: IntArray
    """Place in ``held``."""
    total_group: IntArray
    span: IntArray
    """For each weight, the time it belongs to: a column of relax, then of elapsed."""
    inverse_tau: FloatArray
    """The weights: of gravity, of each of the shorts, of each group and time constant."""
    mean: slice
    variance: slice
    effort: slice
    total: slice
    width: int


_LAST_T: Final = slice(0, len(GROUPS))
_GRAVITY: Final = slice(_LAST_T.stop, _LAST_T.stop + 3)
_PREVIOUS_ACC: Final = slice(_GRAVITY.stop, _GRAVITY.stop + 3)
_SIDE: Final = _PREVIOUS_ACC.stop
_SMOOTH_ALTITUDE: Final = _SIDE + 1
_SMOOTH_SPEED: Final = _SIDE + 2
_FIXED_WIDTH: Final = _SIDE + 3


@lru_cache(maxsize=64)
def _layout(spec: FeatureSpec, groups: tuple[str, ...] = GROUPS) -> _Layout:
    """The layout of a specification's columns that belong to ``groups``."""
    held = np.array([number for number, name in enumerate(GROUPS) if name in groups], dtype=np.int64)
    shorts = [each for each in _short_signals(spec) if each.group in held] if spec.rolling_stats else []
    efforts = [each for each in _effort_signals(spec) if each.group in held]
    totals = [each for each in _TOTALS if each.group in held]
    inverse_tau = 1.0 / np.array(spec.time_constants_s, dtype=np.float64)
    named = [(f"{s.name}_mean", s.group) for s in shorts] + [(f"{s.name}_deviation", s.group) for s in shorts]
    named += [(f"{s.name}_ewma_{tau:g}s", s.group) for s in efforts for tau in spec.time_constants_s]
    named += [(f"{s.name}_total_s", s.group) for s in totals]
    mean = slice(_FIXED_WIDTH, _FIXED_WIDTH + len(shorts))
    variance = slice(mean.stop, mean.stop + len(shorts))
    effort = slice(variance.stop, variance.stop + len(efforts) * len(spec.time_constants_s))
    total = slice(effort.stop, effort.stop + len(totals))
    return _Layout(
        names=tuple(name for name, _ in named),
        group=tuple(group for _, group in named),
        effort_column=_columns_of(efforts),
        short_column=_columns_of(shorts),
        total_column=_columns_of(totals),
        held=held,
        effort_group=np.searchsorted(held, _groups_of(efforts)),
        total_group=_groups_of(totals),
        span=np.concatenate([[_ACCELERATION], _groups_of(shorts), len(GROUPS) + np.repeat(held, len(inverse_tau))]),
        inverse_tau=np.concatenate(
            [[1.0 / _GRAVITY_TAU_S], np.full(len(shorts), 1.0 / spec.window_s), np.tile(inverse_tau, len(held))]
        ),
        mean=mean,
        variance=variance,
        effort=effort,
        total=total,
        width=total.stop,
    )


def _columns_of(signals: Sequence[_Signal]) -> IntArray:
    return np.array([_SIGNAL_COLUMN[signal.name] for signal in signals], dtype=np.int64)


def _groups_of(signals: Sequence[_Signal]) -> IntArray:
    return np.array([signal.group for signal in signals], dtype=np.int64)


def _remaining(elapsed: FloatArray) -> FloatArray:
    """Weight that an average keeps after ``elapsed`` time constants: exp(-x), by its series, 1 at 0 and 0 at infinity.

    Only elementary operations: the exponential function of NumPy differs between machines in the last bit.
    """
    series = 1.0 + elapsed * 0.25
    series = 1.0 + elapsed * series * (1.0 / 3.0)
    series = 1.0 + elapsed * series * 0.5
    series = 1.0 + elapsed * series
    weight: FloatArray = 1.0 / series
    return weight


class FeatureBank:
    """Streaming features of a squad; ``capacity`` rows, each forgotten by ``reset``.

    The result of ``update`` has the columns of ``spec.names()``; NaN where a group has never arrived in a row.
    """

    def __init__(self, spec: FeatureSpec, capacity: int) -> None:
        self.spec = spec
        self._plan = _layout(spec)
        self._state = self._blank(capacity)
        self._inverse_tau = 1.0 / np.array(spec.time_constants_s, dtype=np.float64)
        self._column_group = np.array(self._plan.group, dtype=np.int64)

    def _blank(self, rows: int) -> FloatArray:
        blank = np.zeros((rows, self._plan.width))
        blank[:, _LAST_T] = np.nan
        return blank

    @property
    def capacity(self) -> int:
        """Number of rows."""
        return len(self._state)

    def grow(self, capacity: int) -> None:
        """Add blank rows until there are ``capacity``; never shrinks."""
        missing = capacity - self.capacity
        if missing > 0:
            self._state = np.concatenate([self._state, self._blank(missing)])

    def reset(self, rows: IntArray) -> None:
        """Forget what ``rows`` remember, as at the start of a session."""
        self._state[rows] = self._blank(1)

    def state(self, row: int) -> FloatArray:
        """Copy of everything ``row`` remembers; valid for any bank of an equal spec."""
        copy: FloatArray = self._state[row].copy()
        return copy

    def set_state(self, row: int, state: FloatArray) -> None:
        """Restore what ``state`` returned earlier into ``row``; raises ``ValueError`` if it belongs to another spec."""
        if state.shape != (self._plan.width,):
            raise ValueError(f"feature state of {state.shape}, this bank's rows hold ({self._plan.width},)")
        self._state[row] = state

    def available(self, rows: IntArray, t: FloatArray) -> BoolArray:
        """Whether each group's newest sample is at most ``FRESH_S`` old at ``t`` (s), bool [k, len(GROUPS)]."""
        age = t[:, None] - self._state[rows, _LAST_T]
        return np.less_equal(age, FRESH_S)

    def update(self, rows: IntArray, t: FloatArray, values: FloatArray) -> Float32Array:
        """Advance ``rows`` (each at most once) by one sample and return their features, float32 [k, F].

        ``t`` float64 [k] seconds, ``values`` float64 [k, len(CHANNELS)], NaN where a channel was not measured. A group
        with a missing channel keeps its features. Time that runs backwards counts as no time.
        """
        state = self._state[rows]
        missing = np.isnan(values)
        present = _present(missing)
        elapsed, relax = _times(state, t, present)
        plan, known = self._plan, np.where(missing, 0.0, values)
        keep = _remaining(np.concatenate([relax, elapsed], axis=1).take(plan.span, axis=1) * plan.inverse_tau)
        signals = _signals(state, known, elapsed, relax, present, keep[:, :1])
        shorts = 1 + len(plan.short_column)
        self._average_shorts(state, signals.take(plan.short_column, axis=1), keep[:, 1:shorts])
        self._average_efforts(state, signals, elapsed, keep[:, shorts:].reshape(len(t), len(GROUPS), -1))
        last_t = state[:, _LAST_T]
        np.copyto(last_t, np.fmax(last_t, t[:, None]), where=present)
        self._state[rows] = state
        return self._features(state)

    def _average_shorts(self, state: FloatArray, signals: FloatArray, keep: FloatArray) -> None:
        """Exponential mean and variance over the short window."""
        plan = self._plan
        if not len(plan.short_column):
            return
        away = signals - state[:, plan.mean]
        step = (1.0 - keep) * away
        state[:, plan.mean] += step
        state[:, plan.variance] = keep * (state[:, plan.variance] + step * away)

    def _average_efforts(self, state: FloatArray, signals: FloatArray, elapsed: FloatArray, keep: FloatArray) -> None:
        """Exponential averages and sums of effort; the hidden part of a long gap counts as rest."""
        plan = self._plan
        gain = 1.0 - keep
        held = elapsed
        if (elapsed > HOLD_S).any():
            held = np.where(elapsed > HOLD_S, MAX_STEP_S, elapsed)
            gain = 1.0 - _remaining(held[:, :, None] * self._inverse_tau)
        effort = state[:, plan.effort].reshape(len(state), len(plan.effort_column), -1)
        effort *= keep.take(plan.effort_group, axis=1)
        effort += gain.take(plan.effort_group, axis=1) * signals.take(plan.effort_column, axis=1)[:, :, None]
        state[:, plan.effort] = effort.reshape(len(state), -1)
        state[:, plan.total] += held.take(plan.total_group, axis=1) * signals.take(plan.total_column, axis=1)

    def _features(self, state: FloatArray) -> Float32Array:
        plan = self._plan
        averages, last_t = state[:, plan.mean.start :], state[:, _LAST_T]
        return _features_of(averages, last_t, len(plan.short_column), self._column_group)


def _features_of(averages: FloatArray, last_t: FloatArray, shorts: int, column_group: IntArray) -> Float32Array:
    """Features [k, F] from means and variances of ``shorts`` signals, averages and sums of effort."""
    features = np.empty((len(averages), len(column_group)), dtype=np.float32)
    features[:, :shorts] = averages[:, :shorts]
    features[:, shorts : 2 * shorts] = np.sqrt(averages[:, shorts : 2 * shorts])
    features[:, 2 * shorts :] = averages[:, 2 * shorts :]
    never = np.isnan(last_t)
    if never.any():
        np.copyto(features, np.nan, where=never.take(column_group, axis=1))
    return features


def _present(missing: BoolArray, axis: int = 1) -> BoolArray:
    """Which groups each sample holds in full, from what is missing: from an axis of channels to one of groups."""
    first, second, third = (missing.take(channels, axis=axis) for channels in _CHANNELS_OF_GROUPS)
    present: BoolArray = ~(first | second | third)
    return present


def _times(state: FloatArray, t: FloatArray, present: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Seconds since each group's previous sample, [k, len(GROUPS)]: 0 where absent.

    The first array has 0 for a first sample (it covers no time yet), the second infinity (averages start at their first
    value).
    """
    last_t = state[:, _LAST_T]
    elapsed = np.where(present, np.fmax(t[:, None] - last_t, 0.0), 0.0)
    relax = np.where(present & np.isnan(last_t), np.inf, elapsed)
    return elapsed, relax


def _signals(
    state: FloatArray,
    known: FloatArray,
    elapsed: FloatArray,
    relax: FloatArray,
    present: BoolArray,
    gravity_keep: FloatArray,
) -> FloatArray:
    """Every quantity of this sample, [k, len(_SIGNALS)]; advances the short memories of ``state`` on the way.

    A group that no row has now is left at 0: it gets no weight.
    """
    now: list[bool] = np.logical_or.reduce(present, axis=0).tolist()
    signals: _Signals = {}
    if now[_ACCELERATION]:
        signals.update(_motion(state, known[:, ACC], elapsed[:, _ACCELERATION], relax[:, _ACCELERATION], gravity_keep))
    if now[_ROTATION]:
        signals["rotation_rad_s"] = _norm(known[:, GYRO])
    if now[_SPEED]:
        signals["speed_mps"] = known[:, SPEED]
        signals["speed_sq_m2ps2"] = known[:, SPEED] * known[:, SPEED]
    if now[_CADENCE]:
        signals["cadence_spm"] = known[:, CADENCE]
    if now[_GRADE]:
        signals.update(_slope(state, known[:, SPEED], known[:, ALTITUDE], relax[:, _GRADE]))
    columns = np.zeros((len(state), len(_SIGNALS)))
    for name, values in signals.items():
        columns[:, _SIGNAL_COLUMN[name]] = values
    return columns


def _motion(
    state: FloatArray, acc: FloatArray, elapsed: FloatArray, relax: FloatArray, gravity_keep: FloatArray
) -> _Signals:
    """Movement without gravity, for any orientation of the sensor: along gravity, across it, jerk and steps."""
    # A row without acceleration now has relax 0: nothing here moves, and its signals get no weight.
    gravity = state[:, _GRAVITY]
    previous = state[:, _PREVIOUS_ACC]
    gravity += (1.0 - gravity_keep) * (acc - gravity)
    signals, moves, rate = _movement(acc, gravity, previous, elapsed)
    signals["acc_step_rate_hz"] = _steps(state, signals["acc_vertical_mps2"], moves) * rate
    np.copyto(previous, acc, where=(relax > 0.0)[:, None])
    return signals


def _movement(
    acc: FloatArray, gravity: FloatArray, previous: FloatArray, elapsed: FloatArray
) -> tuple[_Signals, BoolArray, FloatArray]:
    """Everything about movement but steps, from vectors [..., 3]; where time has passed, and 1/s for jerk and steps."""
    dynamic = acc - gravity
    vectors = np.array([dynamic, gravity, acc, acc - previous])
    squares = _dot(vectors, vectors)
    dynamic_length, gravity_length, resultant, change = np.sqrt(squares)
    vertical = _dot(dynamic, gravity) / np.fmax(gravity_length, _LEAST_GRAVITY_MPS2)
    dynamic_sq = squares[0]
    moves = elapsed > 0.0
    rate = np.where(moves, 1.0, 0.0) / np.where(moves, elapsed, 1.0)
    signals = {
        "acc_x_mps2": acc[..., 0],
        "acc_y_mps2": acc[..., 1],
        "acc_z_mps2": acc[..., 2],
        "acc_vertical_mps2": vertical,
        "acc_horizontal_mps2": np.sqrt(np.fmax(dynamic_sq - vertical * vertical, 0.0)),
        "acc_resultant_mps2": resultant,
        "acc_dynamic_mps2": dynamic_length,
        "acc_dynamic_sq_m2ps4": dynamic_sq,
        "acc_jerk_mps3": change * rate,
    }
    return signals, moves, rate


def _steps(state: FloatArray, vertical: FloatArray, moves: BoolArray) -> BoolArray:
    """Whether the vertical acceleration rises through zero, with hysteresis: once a step or bound."""
    side = state[:, _SIDE]
    now, changes = _sides(vertical, moves)
    step: BoolArray = changes & (now > 0.0) & (side < 0.0)
    np.copyto(side, now, where=changes)
    return step


def _sides(vertical: FloatArray, moves: BoolArray) -> tuple[FloatArray, BoolArray]:
    """On which side of zero the vertical acceleration is, 1 or -1, and where that is clear."""
    rises = vertical > _STEP_THRESHOLD_MPS2
    return np.where(rises, 1.0, -1.0), moves & (rises | (vertical < -_STEP_THRESHOLD_MPS2))


def _slope(state: FloatArray, speed: FloatArray, altitude: FloatArray, relax: FloatArray) -> _Signals:
    """Climbing speed (m/s) and the metabolic power of running on this slope (W/kg).

    Cost of running by slope: Minetti et al. 2002 (J Appl Physiol 93:1039), slopes within ±0.45; here held to ±0.3.
    """
    keep = _remaining(relax * (1.0 / _CLIMB_TAU_S))
    smooth = state[:, _SMOOTH_ALTITUDE]
    smooth += (1.0 - keep) * (altitude - smooth)
    pace = state[:, _SMOOTH_SPEED]
    pace += (1.0 - keep) * (speed - pace)
    return _climbing(speed, altitude, smooth, pace)


def _climbing(speed: FloatArray, altitude: FloatArray, smooth: FloatArray, pace: FloatArray) -> _Signals:
    """The signals of ``_slope``, from altitude (m) and speed (m/s) and their averages, all of one shape."""
    climb = (altitude - smooth) * (1.0 / _CLIMB_TAU_S)
    grade = np.fmin(np.fmax(climb / np.fmax(pace, _LEAST_SPEED_MPS), -_STEEPEST_GRADE), _STEEPEST_GRADE)
    cost = 3.6 + grade * (19.5 + grade * (46.3 + grade * (-43.3 + grade * (-30.4 + grade * 155.4))))
    return {"grade_power_w_kg": cost * speed, "grade_climb_mps": climb}


def _dot(a: FloatArray, b: FloatArray) -> FloatArray:
    """Inner products of the rows of two [..., 3] arrays, in a fixed order."""
    products = a * b
    total: FloatArray = products[..., 0] + products[..., 1] + products[..., 2]
    return total


def _norm(a: FloatArray) -> FloatArray:
    """Lengths of the vectors of a [..., 3] array."""
    return np.sqrt(_dot(a, a))
