"""Missing or wrong units in a file, detected by the range of the values. Every change is noted."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from athlete_monitor.arrays import GRAVITY_MPS2
from athlete_monitor.recordings.position import local_metres, path_length_m, slope_speed
from athlete_monitor.recordings.timeline import usual_step_s

if TYPE_CHECKING:
    from collections.abc import Collection

    from athlete_monitor.arrays import FloatArray
    from athlete_monitor.recordings.imported import Imported

RUNNING_MPS: Final = 2.2
ENOUGH_ROWS: Final = 5
"""Number of rows that suffices to recognise a unit."""
_ACC: Final = ("acc_x", "acc_y", "acc_z")
_GYRO: Final = ("gyro_x", "gyro_y", "gyro_z")
_G_RANGE: Final = (0.6, 2.0)
_MG_RANGE: Final = (600.0, 2000.0)
_FAST_MPS: Final = 12.5
_FAST_SHARE: Final = 0.02
_MOST_RUN: Final = ((60.0, 8.5), (600.0, 6.8))
"""Durations, s, and a mean speed over them, m/s, that no runner has reached: the records over 400, 800 and 5,000 m are
9.3 m/s for 43 s, 7.9 for 101 s and 6.6 for 755 s."""
_FAST_ROTATION_RAD_S: Final = 40.0
_STRIDES: Final = (40.0, 115.0)
_ODD: Final = 0.15


def by_range(recording: Imported, given: Collection[str] = ()) -> Imported:
    """Return the recording with units corrected if the values can only be in another one.

    Args:
        recording: in the units that the file seems to have.
        given: channels whose unit the file names; they are only checked, and doubts are noted.
    """
    if len(recording.t) < ENOUGH_ROWS:
        return recording
    for rule in (_acceleration, _rotation, _speed, _cadence, _heart_rate, _position, _distance):
        recording = rule(recording, frozenset(given))
    return recording


def _scaled(recording: Imported, names: Collection[str], factor: float, note: str) -> Imported:
    return recording.with_channels({name: recording.channels[name] * factor for name in names}, note)


def _magnitude(recording: Imported, names: tuple[str, ...]) -> FloatArray:
    """Return the length of a vector in the rows that have all its axes; there may be none."""
    length = np.asarray(np.sqrt(sum(recording.channels[name] ** 2 for name in names)))
    return np.asarray(length[~np.isnan(length)])


def _acceleration(recording: Imported, given: frozenset[str]) -> Imported:
    if not recording.has(*_ACC):
        return recording
    magnitude = _magnitude(recording, _ACC)
    if not len(magnitude):
        return recording
    usual = float(np.median(magnitude))
    factor, unit = (
        (GRAVITY_MPS2, "g") if _G_RANGE[0] <= usual <= _G_RANGE[1]
        else (GRAVITY_MPS2 / 1000, "mg") if _MG_RANGE[0] <= usual <= _MG_RANGE[1]
        else (1.0, "")
    )  # fmt: skip
    if not unit:
        return recording
    said = f"the acceleration's usual magnitude is {usual:.3g}, not {GRAVITY_MPS2:.1f}"
    if given & set(_ACC):
        return recording.noted(f"{said}: gravity seems to be removed; the file's unit is kept")
    return _scaled(recording, _ACC, factor, f"{said}: it is taken as {unit} and converted to m/s²")


def _rotation(recording: Imported, given: frozenset[str]) -> Imported:
    if not recording.has(*_GYRO) or given & set(_GYRO):
        return recording
    magnitude = _magnitude(recording, _GYRO)
    highest = float(np.percentile(magnitude, 99)) if len(magnitude) else 0.0
    if highest <= _FAST_ROTATION_RAD_S:
        return recording
    return _scaled(
        recording,
        _GYRO,
        math.pi / 180,
        f"the rotation reaches {highest:.0f}: it is taken as deg/s and converted to rad/s",
    )


def _speed(recording: Imported, given: frozenset[str]) -> Imported:
    if not recording.has("speed_mps"):
        return recording
    speed = recording.channels["speed_mps"]
    ratio = _against_distance(recording, speed)
    share = float((speed > _FAST_MPS).sum() / max((~np.isnan(speed)).sum(), 1))
    highest = float(np.nanmax(speed))
    if ratio is not None and abs(ratio / 3.6 - 1) < _ODD:
        why = f"it gives {ratio:.2g} times the distance"
    elif ratio is None and share > _FAST_SHARE:
        why = f"it is above {_FAST_MPS:g} m/s for {share:.0%} of the time"
    elif ratio is None and (kept := _beyond_running(recording.t, speed)):
        why = f"nobody runs {kept[1]:.1f} m/s for {kept[0]:.0f} s"
    else:
        return _doubtful_speed(recording, share, highest)
    if "speed_mps" in given:
        return recording.noted(f"the speed is doubtful, {why}; the file's unit is kept")
    return _scaled(recording, ["speed_mps"], 1 / 3.6, f"the speed is taken as km/h, since {why}, and converted to m/s")


def _beyond_running(t: FloatArray, speed: FloatArray) -> tuple[float, float] | None:
    """Return a span, s, and the mean speed over it that nobody can run; None if there is none."""
    t, speed = _in_order(t, speed)
    way = np.concatenate([[0.0], np.cumsum(speed[1:] * np.minimum(np.diff(t), 10.0))])
    for span_s, most_mps in _MOST_RUN:
        full = t + span_s <= t[-1]
        if full.any() and len(t) * usual_step_s(t) > span_s / 3:
            mean = float((np.interp(t[full] + span_s, t, way) - way[full]).max() / span_s)
            if mean > most_mps:
                return span_s, mean
    return None


def _doubtful_speed(recording: Imported, share: float, highest: float) -> Imported:
    if share > _FAST_SHARE:
        return recording.noted(f"the speed reaches {highest:.1f} m/s: this is not running")
    return recording


def _against_distance(recording: Imported, speed: FloatArray) -> float | None:
    """Return the ratio of the speed's distance to the recorded one; None if there is nothing to compare with."""
    integrated = integrated_m(recording.t, speed)
    if recording.has("distance_m"):
        known = _gain(recording.channels["distance_m"])
    elif recording.has("latitude", "longitude"):
        known = path_length_m(recording)
    else:
        return None
    return integrated / known if known > 50 and integrated > 0 else None


def integrated_m(t: FloatArray, speed: FloatArray) -> float:
    """Return the distance of a speed, m: each reading counts until the next, for ten seconds at most."""
    t, speed = _in_order(t, speed)
    if len(t) < 2:
        return 0.0
    steps = np.diff(t)
    bound = min(max(3 * float(np.median(steps)), 2.0), 10.0)
    return float((speed[1:] * np.minimum(steps, bound)).sum())


def _in_order(t: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the readings that are not missing, in the order of their times: the rows of a file may be in any."""
    good = np.flatnonzero(~np.isnan(values))
    order = good[np.argsort(t[good], kind="stable")]
    return t[order], values[order]


def _gain(distance: FloatArray) -> float:
    known = distance[~np.isnan(distance)]
    return float(known[-1] - known[0]) if len(known) else 0.0


def _cadence(recording: Imported, given: frozenset[str]) -> Imported:
    """Double a cadence of strides: many devices count one foot, here the steps of both count."""
    if not recording.has("cadence_spm"):
        return recording
    cadence = recording.channels["cadence_spm"]
    speed = _any_speed(recording)
    moving = (cadence > 0) if speed is None else (cadence > 0) & (np.nan_to_num(speed) > RUNNING_MPS)
    if moving.sum() < 5:
        return recording
    usual = float(np.median(cadence[moving]))
    if speed is None or not _STRIDES[0] <= usual <= _STRIDES[1] or "cadence_spm" in given:
        return recording
    beyond = _beyond_running(recording.t, speed)
    if beyond is not None:
        return recording.with_channels(
            {"cadence_spm": None},
            f"nobody runs {beyond[1]:.1f} m/s for {beyond[0]:.0f} s: the cadence does not count steps and is left out",
        )
    return _scaled(
        recording, ["cadence_spm"], 2.0, f"the cadence is {usual:.0f} while running: strides, doubled to steps a minute"
    )


def _any_speed(recording: Imported) -> FloatArray | None:
    """Return the speed, or without one that of the positions."""
    if recording.has("speed_mps"):
        return recording.channels["speed_mps"]
    if not recording.has("latitude", "longitude"):
        return None
    latitude, longitude = recording.channels["latitude"], recording.channels["longitude"]
    fixes = np.flatnonzero(~(np.isnan(latitude) | np.isnan(longitude)))
    if not len(fixes):
        return None
    first = int(fixes[0])
    return slope_speed(
        recording.t, *local_metres(latitude, longitude, (float(latitude[first]), float(longitude[first])))
    )


def _heart_rate(recording: Imported, given: frozenset[str]) -> Imported:
    if not recording.has("heart_rate_bpm") or "heart_rate_bpm" in given:
        return recording
    rate = recording.channels["heart_rate_bpm"]
    usual = float(np.nanmedian(rate))
    if 0.6 <= usual <= 3.7 and (rate[~np.isnan(rate)] % 1).any():
        return _scaled(
            recording,
            ["heart_rate_bpm"],
            60.0,
            f"the heart rate is {usual:.2g}: taken as beats a second, converted to bpm",
        )
    return recording


def _position(recording: Imported, _given: frozenset[str]) -> Imported:
    if not recording.has("latitude", "longitude"):
        return recording
    highest = float(np.nanmax(np.abs(recording.channels["latitude"])))
    if highest > 400:
        return _scaled(
            recording, ["latitude", "longitude"], 180 / 2**31, "positions are in semicircles, converted to degrees"
        )
    return recording


def _distance(recording: Imported, given: frozenset[str]) -> Imported:
    if not recording.has("distance_m", "speed_mps") or "distance_m" in given:
        return recording
    gain, integrated = (
        _gain(recording.channels["distance_m"]),
        integrated_m(recording.t, recording.channels["speed_mps"]),
    )
    if gain > 0 and integrated > 100 and abs(integrated / gain / 1000 - 1) < 0.3:
        return _scaled(
            recording, ["distance_m"], 1000.0, "the distance is taken as km, since the speed gives a thousand times it"
        )
    return recording
