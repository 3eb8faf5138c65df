"""Everything that is computed from speed or position, played from arrays."""

from __future__ import annotations

import numpy as np

from athlete_monitor.physiology.accelerations import Accelerations
from athlete_monitor.physiology.limits import DEFAULT_LIMITS, SquadLimits
from athlete_monitor.physiology.locomotion import Locomotion
from athlete_monitor.physiology.metabolic import MetabolicPower
from athlete_monitor.physiology.speed import SpeedTrack
from athlete_monitor.physiology.speed_bands import SpeedBands

ROW = np.array([0])
START_T = 1.75e9


def play(t, speed=None, x=None, y=None, limits=DEFAULT_LIMITS):
    """Figures of one athlete from readings at ``t`` [n]."""
    nothing = np.full(len(t), np.nan)
    speeds, xs, ys = ([nothing if values is None else values] for values in (speed, x, y))
    return play_many(t, speeds, xs, ys, limits)[0]


def play_many(t, speed, x=None, y=None, limits=DEFAULT_LIMITS):
    """Figures of each of k athletes from readings [k, n] at the same times ``t`` [n]."""
    nothing = np.full((len(speed), len(t)), np.nan)
    speed, x, y = (nothing if values is None else np.asarray(values, float) for values in (speed, x, y))
    rows = np.arange(len(speed))
    k = len(rows)
    track, move, bands, efforts = SpeedTrack(k), Locomotion(k), SpeedBands(k), Accelerations(k)
    power, own = MetabolicPower(k), SquadLimits(k)
    for row in rows.tolist():
        own.set(row, limits)
    for i, now in enumerate(t):
        for step in track.update(rows, np.full(len(rows), float(now)), speed[:, i], x[:, i], y[:, i]):
            move.update(step)
            bands.update(step, own.speed_mps(step.rows))
            efforts.update(step, own.acceleration_mps2(step.rows))
            power.update(step)
    names = ("distance_m", "high_speed_running_m", "sprints", "max_speed_mps")
    columns = {
        **{name: move.total(name, rows) for name in names},
        "accelerations": efforts.hard(rows)[0],
        "decelerations": efforts.hard(rows)[1],
        "efforts": efforts.by_band(rows),
        "band_metres": bands.metres(rows),
        "band_seconds": bands.seconds(rows),
        "band_entries": bands.entries(rows),
        "high_load_m": power.high_load_m(rows),
        "mean_w_kg": power.mean_w_kg(rows),
    }
    return [{name: values[..., row].tolist() for name, values in columns.items()} for row in rows]


def intermittent(t):
    """Running of a team sport, repeated every minute: standing, walking, jogging, a run, two sprints. Speed, m/s."""
    times = [0, 5, 8, 12, 14, 20, 22, 25, 27.5, 31, 34, 40, 45, 48, 50, 60]
    speeds = [0, 0, 3, 3, 1, 1.5, 6, 6.5, 8.2, 8.4, 3, 3.5, 5, 7.3, 2, 0]
    return np.interp(np.asarray(t) % 60, times, speeds)
