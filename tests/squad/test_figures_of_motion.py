"""What a squad computes from speed, odometer, cadence and limits reaches the figure of that name."""

from __future__ import annotations

import numpy as np
import pytest

from athlete_monitor.arrays import CHANNEL_INDEX, CHANNELS
from athlete_monitor.athletes import Profile
from athlete_monitor.features import FeatureSpec
from athlete_monitor.physiology.limits import Limits, ZoneLimits
from athlete_monitor.squad.batch import Batch, KernelSettings
from athlete_monitor.squad.kernel import Squad
from athlete_monitor.squad.prediction import ModelBook, NoModels
from athlete_monitor.squad.tables import TOTAL_FIGURES

SECONDS = 130
LIMITS = Limits((1.0, 2.0, 4.0, 6.0), (1.0, 2.0, 3.0), ZoneLimits("bpm", (0.0, 140.0, 170.0)), 165.0)


def speed_mps(t):
    """Stands, starts hard twice, brakes hard once, walks between; m/s."""
    return np.interp(t, [0, 5, 7, 20, 32, 40, 42.5, 60, 63, 130], [0, 0, 7.6, 7.6, 1.5, 1.5, 7.7, 7.7, 0, 0])


@pytest.fixture(scope="module")
def figures():
    spec = FeatureSpec()
    squad = Squad(KernelSettings(spec), ModelBook(NoModels(), spec))
    row = squad.add(Profile(1, sex="male", age_years=25.0, hr_max_bpm=190.0, hr_rest_bpm=50.0, limits=LIMITS))
    values = np.full((1, len(CHANNELS)), np.nan)
    for i in range(SECONDS * 10):
        t = i / 10
        sent = {
            "speed_mps": speed_mps(t),
            "heart_rate_bpm": 168.0 if t < 64 else 168.0 - min(t - 64, 60.0) / 2,
            "distance_m": 900.0 + 5.0 * t,
            "cadence_spm": 150.0,
        }
        for name, value in sent.items():
            values[0, CHANNEL_INDEX[name]] = value
        squad.step(Batch(np.array([row]), np.array([1.75e9 + t]), values.copy(), np.array([1])))
    found, place = {}, 0
    column = squad.total_values(row)[:, 0]
    for figure in TOTAL_FIGURES:
        found[figure.key] = column[place : place + figure.width].tolist()
        place += figure.width
    return found


@pytest.mark.parametrize(
    ("key", "expected", "within"),
    [
        ("distance_m", [649.5], 0.01),
        ("distance_by_speed_m", [330.8], 0.5),
        ("distance_from_odometer", [1.0], 0.0),
        ("metres_per_min", [300.0], 2.0),
        ("max_speed_mps", [7.7], 0.05),
        ("sprints", [2.0], 0.0),
        ("accelerations", [2.0], 0.0),
        ("decelerations", [1.0], 0.0),
        ("high_intensity_actions", [5.0], 0.0),
        ("accelerations_in_bands", [0.0, 1.0, 1.0], 0.0),
        ("decelerations_in_bands", [0.0, 1.0, 0.0], 0.0),
        ("steps", [323.0], 3.0),
        ("cadence_mean_spm", [150.0], 0.01),
        ("time_above_threshold_s", [69.0], 3.0),
        ("heart_rate_recovery_60s_bpm", [30.0], 2.0),
        ("heart_rate_highest_bpm", [168.0], 0.0),
    ],
)
def test_each_figure_has_its_own_value(figures, key, expected, within):
    assert figures[key] == pytest.approx(expected, abs=within)


def test_the_bands_are_the_athletes_own(figures):
    t = np.arange(0, SECONDS - 0.1, 0.001)
    band = np.searchsorted(LIMITS.speed_mps, speed_mps(t), side="right")
    assert figures["time_in_speed_bands_s"] == pytest.approx(np.bincount(band, minlength=5) / 1000, abs=0.5)
    metres = np.bincount(band, speed_mps(t), minlength=5) / 1000
    assert figures["distance_in_speed_bands_m"] == pytest.approx(metres, abs=2.0)
    assert sum(figures["distance_in_speed_bands_m"]) == pytest.approx(figures["distance_by_speed_m"][0])


def test_the_zones_are_the_athletes_own_and_edwards_is_that_of_the_maximum(figures):
    below, first, second, third, *others = figures["time_in_zones_s"]
    assert (below, others) == (0.0, [0.0, 0.0])
    assert (first, second, third) == pytest.approx((9.9, 119.0, 0.0), abs=6.0)
    assert figures["trimp_edwards"][0] > 6.0


def test_peaks_are_those_of_their_totals(figures):
    assert figures["peak_distance_m"][0] == pytest.approx(300.0, abs=1.0)
    assert figures["peak_high_speed_running_m"][0] == pytest.approx(figures["high_speed_running_m"][0], rel=0.2)
    assert np.isnan(figures["peak_player_load"]).all()
    assert 0.0 < figures["peak_trimp"][0] < figures["trimp"][0]
