"""Every formula at its published check value, and the invariants that the values cannot show."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor.physiology import reasons
from athlete_monitor.physiology.energy import (
    KJ_PER_KCAL,
    EnergyExpenditure,
    energy_rate_kj_per_min,
    keytel_2005_kj_per_min,
    mifflin_st_jeor_1990_kcal_per_day,
    resting_kj_per_min,
)
from athlete_monitor.physiology.heart_rate import hr_max_nes_2013, hr_reserve_fraction
from athlete_monitor.physiology.stress import Stress, hr_excess_bpm
from athlete_monitor.physiology.trimp import BanisterTrimp, HeartRateZones, banister_rate, edwards_trimp, zone_of
from athlete_monitor.physiology.vo2max import vo2max_uth_2004

MAN, WOMAN, UNKNOWN = 1.0, 0.0, np.nan
ROW = np.array([0])


def array(*values):
    return np.array(values, dtype=np.float64)


def test_predicted_maximum_at_25_years_is_195():
    assert hr_max_nes_2013(array(25.0)) == pytest.approx(195.0)


def test_reserve_is_clamped_and_needs_a_rest_below_the_maximum():
    assert hr_reserve_fraction(array(130, 30, 250), array(40), array(200)).tolist() == [0.5625, 0.0, 1.0]
    assert np.isnan(hr_reserve_fraction(array(130, 130), array(200, np.nan), array(200, 200))).all()


@pytest.mark.parametrize(
    ("male", "hr_max", "hr_rest", "bpm", "minutes", "expected"),
    [(MAN, 200, 40, 130, 30, 31.80), (WOMAN, 190, 60, 150, 20, 37.84)],
)
def test_banister_trimp_of_the_published_examples(male, hr_max, hr_rest, bpm, minutes, expected):
    reserve = hr_reserve_fraction(array(bpm), array(hr_rest), array(hr_max))
    assert (minutes * banister_rate(reserve, array(male)))[0] == pytest.approx(expected, abs=0.005)
    trimp = BanisterTrimp(1)
    for _ in range(minutes * 600):
        total = trimp.update(ROW, array(0.1), reserve, array(male))
    assert total[0] == pytest.approx(expected, abs=0.005)
    assert trimp.measured_s(ROW)[0] == pytest.approx(60.0 * minutes)


def test_trimp_of_unknown_sex_is_unknown():
    assert np.isnan(banister_rate(array(0.5), array(UNKNOWN))).all()


@given(st.lists(st.tuples(st.floats(0, 2), st.one_of(st.just(np.nan), st.floats(0, 1))), max_size=50))
def test_trimp_never_falls_and_grows_with_intensity(steps):
    easy, hard = BanisterTrimp(1), BanisterTrimp(1)
    last = 0.0
    for dt_s, reserve in steps:
        total = easy.update(ROW, array(dt_s), array(reserve), array(MAN))[0]
        harder = hard.update(ROW, array(dt_s), np.minimum(array(reserve) + 0.1, 1.0), array(MAN))[0]
        if not np.isnan(total):
            assert total >= last
            assert harder >= total
            last = total


def test_edwards_trimp_of_the_published_example_is_55():
    zones = HeartRateZones(1)
    for _ in range(10 * 60):
        zones.update(ROW, array(1.0), array(150.0), array(200.0))
    for _ in range(5 * 60):
        zones.update(ROW, array(1.0), array(190.0), array(200.0))
    assert edwards_trimp(zones.seconds(ROW))[0] == pytest.approx(55.0)
    assert edwards_trimp(array(99, 60, 60, 60, 60, 60)) == pytest.approx(15.0)


def test_a_zone_begins_at_its_lower_edge_and_the_highest_has_no_upper_one():
    percent = array(30, 49.9, 50, 60, 70, 80, 90, 100, 110, np.nan)
    assert zone_of(2 * percent, array(200.0)).tolist() == [0, 0, 1, 2, 3, 4, 5, 5, 5, -1]


@given(st.lists(st.tuples(st.floats(0, 2), st.one_of(st.just(np.nan), st.floats(30, 220))), min_size=1, max_size=60))
def test_time_in_zones_adds_up_to_the_time_with_a_heart_rate(steps):
    zones = HeartRateZones(1)
    for dt_s, bpm in steps:
        zones.update(ROW, array(dt_s), array(bpm), array(190.0))
    known = [dt_s for dt_s, bpm in steps if not np.isnan(bpm)]
    if known:
        assert zones.seconds(ROW).sum() == pytest.approx(sum(known))
    else:
        assert np.isnan(zones.seconds(ROW)).all()


def test_vo2max_is_a_constant_of_the_athlete_and_needs_a_known_resting_heart_rate():
    assert vo2max_uth_2004(array(190), array(55))[0] == pytest.approx(52.85, abs=0.005)
    assert np.isnan(vo2max_uth_2004(array(190, np.nan, 190), array(np.nan, 55, 0))).all()


@pytest.mark.parametrize(
    ("male", "weight_kg", "age_years", "kcal"), [(MAN, 75.0, 35.0, 441.0), (WOMAN, 60.0, 25.0, 293.6)]
)
def test_keytel_energy_of_half_an_hour_at_150_bpm(male, weight_kg, age_years, kcal):
    rate = keytel_2005_kj_per_min(array(150), array(male), array(age_years), array(weight_kg))
    assert 30 * rate[0] / KJ_PER_KCAL == pytest.approx(kcal, abs=0.05)
    energy = EnergyExpenditure(1)
    for _ in range(30 * 60):
        energy.update(ROW, array(1.0), rate)
    assert energy.total(ROW)[0] / KJ_PER_KCAL == pytest.approx(kcal, abs=0.05)


def test_resting_energy_of_the_published_example():
    body = array(MAN), array(25.0), array(75.0), array(180.0)
    assert mifflin_st_jeor_1990_kcal_per_day(*body)[0] == pytest.approx(1755 - 0, abs=1e-9)
    assert resting_kj_per_min(*body)[0] == pytest.approx(1755 * 4.184 / 1440)
    woman = array(WOMAN), array(25.0), array(75.0), array(180.0)
    assert mifflin_st_jeor_1990_kcal_per_day(*woman)[0] == pytest.approx(1755 - 166)


@given(
    male=st.sampled_from([MAN, WOMAN]),
    age=st.floats(12, 80),
    weight=st.floats(35, 150),
    height=st.floats(140, 210),
    rest=st.floats(35, 90),
    maximum=st.floats(155, 215),
    bpm=st.floats(30, 220),
)
def test_energy_rate_is_continuous_never_negative_and_never_falls_with_the_heart_rate(
    male, age, weight, height, rest, maximum, bpm
):
    def rate(at):
        return energy_rate_kj_per_min(
            array(at), array(rest), array(maximum), array(male), array(age), array(weight), array(height)
        )[0]

    assert rate(bpm) >= 0.0
    for edge in (bpm, rest, 0.6 * maximum):
        assert abs(rate(edge + 1e-7) - rate(edge - 1e-7)) < 1e-3
    exercise = keytel_2005_kj_per_min(array(0.6 * maximum), array(male), array(age), array(weight))[0]
    if exercise >= rate(rest):
        assert rate(bpm + 1.0) >= rate(bpm)


def test_energy_follows_its_two_formulas_outside_the_blend():
    body = array(MAN), array(35.0), array(75.0)
    at = energy_rate_kj_per_min(array(150, 40, 60, 90), array(60.0), array(190.0), *body, array(180.0))
    rest, exercise = resting_kj_per_min(*body, array(180.0)), keytel_2005_kj_per_min(array(150.0, 114.0), *body)
    assert at[0] == exercise[0]
    assert at[1] == at[2] == rest[0]
    assert at[3] == pytest.approx(rest[0] + 30 / 54 * (exercise[1] - rest[0]))


def test_energy_without_height_is_unknown_also_in_exercise_or_a_total_would_lack_the_easy_minutes():
    at = energy_rate_kj_per_min(
        array(150, 100), array(60.0), array(190.0), array(MAN), array(35.0), array(75.0), array(np.nan)
    )
    assert np.isnan(at).all()


@pytest.mark.parametrize("missing", range(7))
def test_energy_of_a_body_that_is_not_known_is_unknown(missing):
    inputs = [array(100.0), array(60.0), array(190.0), array(MAN), array(35.0), array(75.0), array(180.0)]
    inputs[missing] = array(np.nan)
    assert np.isnan(energy_rate_kj_per_min(*inputs)).all()


def test_stress_settles_on_the_reserve_with_a_time_constant_of_30_seconds():
    stress = Stress(1)
    assert stress.update(ROW, array(0.0), array(0.2))[0] == pytest.approx(20.0)
    assert stress.update(ROW, array(30.0), array(1.0))[0] == pytest.approx(20 + 80 * (1 - np.exp(-1)))
    assert np.isnan(stress.update(ROW, array(31.0), array(np.nan)))[0]
    assert stress.update(ROW, array(1000.0), array(0.5))[0] == pytest.approx(50.0)


@given(st.integers(1, 40))
def test_stress_does_not_depend_on_the_sample_rate(parts):
    whole, split = Stress(1), Stress(1)
    for stress in (whole, split):
        stress.update(ROW, array(0.0), array(0.0))
    for part in range(parts):
        split.update(ROW, array(20.0 * (part + 1) / parts), array(1.0))
    whole.update(ROW, array(20.0), array(1.0))
    assert split.percent(ROW)[0] == pytest.approx(whole.percent(ROW)[0])


def test_excess_needs_both_heart_rates():
    assert hr_excess_bpm(array(160, np.nan, 160), array(150, 150, np.nan))[0] == 10.0
    assert np.isnan(hr_excess_bpm(array(160, np.nan, 160), array(150, 150, np.nan))[1:]).all()


def test_the_first_missing_input_is_named():
    known = {"heart_rate_bpm": 150.0, "hr_max_bpm": 190.0, "hr_rest_bpm": 60.0, "male": None}
    assert reasons.first_missing(reasons.TRIMP_NEEDS, known) == "sex unknown"
    assert reasons.first_missing(reasons.RESERVE_NEEDS, known) is None
    assert reasons.first_missing(reasons.EXCESS_NEEDS, {"strap_bpm": np.nan}) == "strap heart rate missing"
    needs = [getattr(reasons, name) for name in dir(reasons) if name.endswith("_NEEDS")]
    assert {need for group in needs for need in group} <= set(reasons.REASON_OF)
