"""The place of each feature, and of everything that a row of the bank remembers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from athlete_monitor.channels import FEATURE_GROUPS, of_group
from athlete_monitor.features import spectrum

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athlete_monitor.arrays import FloatArray, IntArray
    from athlete_monitor.features.spec import FeatureSpec

ACCELERATION, ROTATION, SPEEDS, CADENCES, GRADE = range(len(FEATURE_GROUPS))
GRAVITY_TAU_S: Final = 1.0

CHANNELS_OF_GROUPS: Final = np.array([np.resize(of_group(group), 3) for group in FEATURE_GROUPS]).T
"""Channels that each group needs, [3, groups]; a group of fewer than three channels repeats them."""

LAST_T: Final = slice(0, len(FEATURE_GROUPS))
FIRST_T: Final = slice(LAST_T.stop, LAST_T.stop + len(FEATURE_GROUPS))
GRAVITY: Final = slice(FIRST_T.stop, FIRST_T.stop + 3)
PREVIOUS_ACC: Final = slice(GRAVITY.stop, GRAVITY.stop + 3)
SIDE: Final = PREVIOUS_ACC.stop
SMOOTH_ALTITUDE: Final = SIDE + 1
SMOOTH_SPEED: Final = SIDE + 2
_FIXED_WIDTH: Final = SIDE + 3


@dataclass(frozen=True)
class Signal:
    """One streamed quantity: its name with unit, and its group."""

    name: str
    group: int


_SPECTRAL: Final = tuple(Signal(name, ACCELERATION) for name in spectrum.NAMES)


def _effort_signals(spec: FeatureSpec) -> tuple[Signal, ...]:
    """Quantities whose averages over ``time_constants_s`` are features."""
    jerk = [Signal("acc_jerk_mps3", ACCELERATION)] if spec.jerk else []
    steps = [Signal("acc_step_rate_hz", ACCELERATION)] if spec.step_rate else []
    return (
        Signal("acc_dynamic_mps2", ACCELERATION),
        Signal("acc_dynamic_sq_m2ps4", ACCELERATION),
        *jerk,
        *steps,
        *(_SPECTRAL if spec.spectrum else ()),
        Signal("rotation_rad_s", ROTATION),
        Signal("speed_mps", SPEEDS),
        Signal("speed_sq_m2ps2", SPEEDS),
        Signal("cadence_spm", CADENCES),
        Signal("grade_power_w_kg", GRADE),
        Signal("grade_climb_mps", GRADE),
    )


def _short_signals(spec: FeatureSpec) -> tuple[Signal, ...]:
    """Quantities whose mean and deviation over the short window are features."""
    resultant = [Signal("acc_resultant_mps2", ACCELERATION)] if spec.resultant else []
    return (
        Signal("acc_vertical_mps2", ACCELERATION),
        Signal("acc_horizontal_mps2", ACCELERATION),
        *resultant,
        *(Signal(f"{axis}_mps2", ACCELERATION) for axis in spec.acc_components),
        Signal("rotation_rad_s", ROTATION),
        Signal("speed_mps", SPEEDS),
        Signal("cadence_spm", CADENCES),
    )


_TOTALS: Final = (
    Signal("acc_dynamic_mps2", ACCELERATION),
    Signal("rotation_rad_s", ROTATION),
    Signal("speed_mps", SPEEDS),
    Signal("cadence_spm", CADENCES),
    Signal("grade_power_w_kg", GRADE),
)
"""Quantities summed over the session: with work done, heart rate drifts upwards and recovers more slowly."""

SIGNALS: Final = (
    "acc_x_mps2", "acc_y_mps2", "acc_z_mps2", "acc_vertical_mps2", "acc_horizontal_mps2", "acc_resultant_mps2",
    "acc_dynamic_mps2", "acc_dynamic_sq_m2ps4", "acc_jerk_mps3", "acc_step_rate_hz", "rotation_rad_s", "speed_mps",
    "speed_sq_m2ps2", "cadence_spm", "grade_power_w_kg", "grade_climb_mps", *spectrum.NAMES,
)  # fmt: skip
"""Every quantity of a sample."""

SIGNAL_COLUMN: Final = {name: column for column, name in enumerate(SIGNALS)}


@dataclass(frozen=True)
class FeatureLayout:
    """Columns of the state, and name and group of each feature column."""

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
    fastest: int
    slowest: int
    """Places of the shortest and the longest time constant."""
    span: IntArray
    """For each weight, the time it belongs to: a column of relax, then of elapsed."""
    inverse_tau: FloatArray
    """The weights: of gravity, of each of the shorts, of each group and time constant."""
    spectrum: slice | None
    """Memory of the spectrum; None if it is not used."""
    mean: slice
    variance: slice
    effort: slice
    total: slice
    spectral: slice
    """The newest spectral features."""
    width: int


@lru_cache(maxsize=64)
def layout_of(spec: FeatureSpec, groups: tuple[str, ...] = FEATURE_GROUPS) -> FeatureLayout:
    """Lay out a specification's columns that belong to ``groups``."""
    held = np.array([number for number, name in enumerate(FEATURE_GROUPS) if name in groups], dtype=np.int64)
    shorts = [each for each in _short_signals(spec) if each.group in held] if spec.rolling_stats else []
    efforts = [each for each in _effort_signals(spec) if each.group in held]
    totals = [each for each in _TOTALS if each.group in held]
    spectral = [each for each in _SPECTRAL if each.group in held] if spec.spectrum else []
    named = _named(spec, shorts, efforts, totals)
    named += [(each.name, each.group) for each in spectral]
    memory, mean, variance, effort, total, newest = _slices(
        spectrum.WIDTH if spectral else 0,
        len(shorts),
        len(shorts),
        len(efforts) * len(spec.time_constants_s),
        len(totals),
        len(spectral),
    )
    return FeatureLayout(
        names=tuple(name for name, _ in named),
        group=tuple(group for _, group in named),
        effort_column=_columns_of(efforts),
        short_column=_columns_of(shorts),
        total_column=_columns_of(totals),
        held=held,
        effort_group=np.searchsorted(held, _groups_of(efforts)),
        total_group=_groups_of(totals),
        fastest=int(np.argmin(spec.time_constants_s)),
        slowest=int(np.argmax(spec.time_constants_s)),
        **_weights(spec, held, shorts),
        spectrum=memory if spectral else None,
        mean=mean,
        variance=variance,
        effort=effort,
        total=total,
        spectral=newest,
        width=newest.stop,
    )


def narrowed(layout: FeatureLayout, first: int, last: int) -> FeatureLayout:
    """Return a layout of all groups with the columns of the groups ``first`` to ``last`` only, in their places.

    ``names``, ``group``, ``spectrum``, ``spectral`` and ``width`` stay those of the whole.
    """
    shorts = _part(layout.span[1 : 1 + len(layout.short_column)], first, last)
    efforts = _part(layout.effort_group, first, last)
    totals = _part(layout.total_group, first, last)
    taus = (layout.effort.stop - layout.effort.start) // max(1, len(layout.effort_column))
    begin = 1 + len(layout.short_column)
    weights = np.concatenate(
        [
            [0],
            np.arange(1 + shorts.start, 1 + shorts.stop),
            np.arange(begin + first * taus, begin + (last + 1) * taus),
        ]
    )
    return replace(
        layout,
        effort_column=layout.effort_column[efforts],
        short_column=layout.short_column[shorts],
        total_column=layout.total_column[totals],
        held=layout.held[first : last + 1],
        effort_group=layout.effort_group[efforts] - first,
        total_group=layout.total_group[totals],
        span=layout.span[weights],
        inverse_tau=layout.inverse_tau[weights],
        mean=_moved(shorts, layout.mean),
        variance=_moved(shorts, layout.variance),
        effort=_moved(slice(efforts.start * taus, efforts.stop * taus), layout.effort),
        total=_moved(totals, layout.total),
    )


def _part(groups: IntArray, first: int, last: int) -> slice:
    """Where the groups ``first`` to ``last`` are in ascending ``groups``."""
    begin, end = np.searchsorted(groups, [first, last + 1]).tolist()
    return slice(begin, end)


def _moved(part: slice, where: slice) -> slice:
    return slice(where.start + part.start, where.start + part.stop)


def _named(
    spec: FeatureSpec, shorts: Sequence[Signal], efforts: Sequence[Signal], totals: Sequence[Signal]
) -> list[tuple[str, int]]:
    """Name and group of each statistic, in the order of the state."""
    return [
        *((f"{s.name}_mean", s.group) for s in shorts),
        *((f"{s.name}_deviation", s.group) for s in shorts),
        *((f"{s.name}_ewma_{tau:g}s", s.group) for s in efforts for tau in spec.time_constants_s),
        *((f"{s.name}_total_s", s.group) for s in totals),
    ]


def _weights(spec: FeatureSpec, held: IntArray, shorts: Sequence[Signal]) -> dict[str, Any]:
    """``span`` and ``inverse_tau`` of a layout."""
    taus = 1.0 / np.array(spec.time_constants_s, dtype=np.float64)
    short = np.full(len(shorts), 1.0 / spec.window_s)
    return {
        "span": np.concatenate([[ACCELERATION], _groups_of(shorts), len(FEATURE_GROUPS) + np.repeat(held, len(taus))]),
        "inverse_tau": np.concatenate([[1.0 / GRAVITY_TAU_S], short, np.tile(taus, len(held))]),
    }


def _slices(*widths: int) -> list[slice]:
    """Consecutive parts of the state behind the fixed ones."""
    ends = _FIXED_WIDTH + np.cumsum(widths)
    return [slice(int(end) - width, int(end)) for end, width in zip(ends, widths, strict=True)]


def _columns_of(signals: Sequence[Signal]) -> IntArray:
    return np.array([SIGNAL_COLUMN[signal.name] for signal in signals], dtype=np.int64)


def _groups_of(signals: Sequence[Signal]) -> IntArray:
    return np.array([signal.group for signal in signals], dtype=np.int64)
