"""Preparation of a recording for writing: times in order, units, positions, physical limits; changes are noted."""

from __future__ import annotations

import dataclasses
from typing import Final

import numpy as np

from athlete_monitor.channels import BY_NAME
from athlete_monitor.recordings.imported import Imported, checked
from athlete_monitor.recordings.plural import plural
from athlete_monitor.recordings.position import located
from athlete_monitor.recordings.source import NotARecording
from athlete_monitor.recordings.timeline import ordered, sessions
from athlete_monitor.recordings.units import integrated_m

LIMITS: Final = {name: channel.limits for name, channel in BY_NAME.items()}
NO_HEART_RATE: Final = (0.0, 255.0)
"""Values that devices write while the strap has no connection."""
_SENSIBLE_RR_MS: Final = (200.0, 3000.0)
_DIFFERS: Final = 0.02
_STILL_M: Final = 20.0


@np.errstate(all="ignore")
def prepared(recording: Imported) -> list[Imported]:
    """Return the sessions of a recording, ready to be written.

    Raises:
        RecordingError: it holds no measurement.
        NotARecording: it holds that of a single moment.
    """
    whole = _limited(located(ordered(_without_missing(checked(recording)))))
    measured = [part for part in sessions(checked(whole)) if part.measures]
    parts = [_with_distance(part) for part in measured if len(part.t) > 1]
    if not parts:
        raise NotARecording(f"{recording}: holds the measurement of a single moment, not a session")
    apart = len(measured) - len(parts)
    note = f"{plural(apart, 'row', 'rows')} hours apart from all others left out" if apart else ""
    return [part.noted(note) for part in parts]


def _without_missing(recording: Imported) -> Imported:
    if not recording.has("heart_rate_bpm"):
        return recording
    heart_rate = recording.channels["heart_rate_bpm"]
    missing = np.isin(heart_rate, NO_HEART_RATE)
    if not missing.any():
        return recording
    return recording.with_channels({"heart_rate_bpm": np.where(missing, np.nan, heart_rate)})


def _limited(recording: Imported) -> Imported:
    changed, beyond = {}, 0
    for name, column in recording.channels.items():
        low, high = LIMITS.get(name, (-np.inf, np.inf))
        out = (column < low) | (column > high)
        if out.any():
            changed[name] = np.where(out, np.nan, column)
            beyond += int(out.sum())
    note = f"{plural(beyond, 'value', 'values')} out of physical range are left out ({', '.join(sorted(changed))})"
    limited = recording.with_channels(changed, note) if changed else recording
    return _limited_beats(limited)


def _limited_beats(recording: Imported) -> Imported:
    low, high = _SENSIBLE_RR_MS
    kept = {row: tuple(beat for beat in beats if low <= beat <= high) for row, beats in recording.rr.items()}
    lost = sum(map(len, recording.rr.values())) - sum(map(len, kept.values()))
    if not lost:
        return recording
    note = f"{plural(lost, 'beat interval', 'beat intervals')} outside {low:.0f} to {high:.0f} ms left out"
    return dataclasses.replace(recording, rr={row: beats for row, beats in kept.items() if beats}).noted(note)


def distances_m(recording: Imported) -> tuple[float | None, float | None]:
    """Return the distance by the device's odometer and by its speed, m; None if there is none."""
    odometer = None
    if recording.has("distance_m"):
        known = recording.channels["distance_m"][~np.isnan(recording.channels["distance_m"])]
        gains = np.diff(known)
        odometer = float(gains[gains > 0].sum())
    speed = integrated_m(recording.t, recording.channels["speed_mps"]) if recording.has("speed_mps") else None
    return odometer, speed


def _with_distance(recording: Imported) -> Imported:
    odometer, speed = distances_m(recording)
    if odometer == 0 and speed is not None and speed > _STILL_M:
        return recording.with_channels({"distance_m": None}, f"the odometer stays at 0, the speed gives {speed:,.0f} m")
    if odometer is None or speed is None or abs(odometer - speed) <= _DIFFERS * max(odometer, 1.0):
        return recording
    return recording.noted(
        f"distance: {odometer:,.0f} m by the device's odometer, which is used; its speed gives {speed:,.0f} m"
    )
