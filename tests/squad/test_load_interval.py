"""A load that a model's heart rate made carries the interval of that heart rate; one of a strap does not."""

from __future__ import annotations

import numpy as np
import pytest

from athlete_monitor.physiology.bodies import Body
from athlete_monitor.physiology.energy import energy_rate_kj_per_min
from athlete_monitor.physiology.heart_rate import hr_reserve_fraction
from athlete_monitor.physiology.trimp import banister_rate
from athlete_monitor.squad.heart_rate_source import HeartRate, HeartRateSource
from athlete_monitor.squad.load_interval import LoadInterval

MAN = {
    "male": 1.0, "age_years": 25.0, "weight_kg": 75.0, "height_cm": 180.0, "hr_max_measured_bpm": 200.0,
    "hr_rest_bpm": 50.0,
}  # fmt: skip


def body(k):
    return Body(**{name: np.full(k, MAN.get(name, np.nan)) for name in Body.__dataclass_fields__})


def after(minutes, bpm, low, high):
    """Low and high end of TRIMP, of energy, and the totals, of athletes [k] after some minutes."""
    k = len(bpm)
    bpm, low, high = (np.array(values, dtype=float) for values in (bpm, low, high))
    rows, hr_max, interval = np.arange(k), np.full(k, 200.0), LoadInterval(k)
    heart_rate = HeartRate(bpm, np.full(k, int(HeartRateSource.MODEL)), low, high)
    reserve = hr_reserve_fraction(bpm, body(k).hr_rest_bpm, hr_max)
    b = body(k)
    energy = energy_rate_kj_per_min(bpm, b.hr_rest_bpm, hr_max, b.male, b.age_years, b.weight_kg, b.height_cm)
    for _ in range(minutes * 60):
        interval.update(rows, np.ones(k), heart_rate, hr_max, b, reserve, energy)
    trimp = minutes * banister_rate(reserve, b.male)
    return interval.values(rows, trimp, energy * minutes), trimp, energy * minutes


def test_the_ends_are_what_the_ends_of_the_heart_rate_would_give():
    (trimp_low, trimp_high, energy_low, energy_high), _, _ = after(10, [150.0], [140.0], [165.0])
    for bpm, trimp, energy in ((140.0, trimp_low, energy_low), (165.0, trimp_high, energy_high)):
        _, expected_trimp, expected_energy = after(10, [bpm], [np.nan], [np.nan])
        assert trimp == pytest.approx(expected_trimp)
        assert energy == pytest.approx(expected_energy)


def test_a_strap_has_no_interval_and_what_is_unknown_stays_unknown():
    ends, trimp, energy = after(5, [150.0, 130.0, np.nan], [np.nan, 120.0, np.nan], [np.nan, 140.0, np.nan])
    assert (ends[0][0], ends[1][0], ends[2][0], ends[3][0]) == (trimp[0], trimp[0], energy[0], energy[0])
    assert ends[0][1] < trimp[1] < ends[1][1]
    assert np.isnan(ends[:, 2]).all()
