"""PlayerLoad, impacts and locomotion, against slow and obvious versions and motion with known totals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor.arrays import GRAVITY_MPS2
from athlete_monitor.physiology.impacts import BAND_EDGES_G, BANDS, Impacts
from athlete_monitor.physiology.load import PlayerLoad

ROW = np.array([0])


def play(acc_g, t):
    load = PlayerLoad(1)
    for at, acc in zip(t, acc_g, strict=True):
        load.update(ROW, np.array([at]), GRAVITY_MPS2 * np.array([acc]))
    return load


def test_player_load_is_the_sum_of_changes_of_acceleration_over_100():
    acc_g = np.random.default_rng(0).normal(0, 1, (500, 3))
    load = play(acc_g, np.arange(500) / 100)
    expected = np.sqrt(np.sum(np.diff(acc_g, axis=0) ** 2, axis=1)).sum() / 100
    assert load.total(ROW)[0] == pytest.approx(expected)
    assert load.per_minute(ROW)[0] == pytest.approx(60 * expected / 4.99)
    assert load.sample_rate_hz(ROW)[0] == pytest.approx(100)


def test_player_load_knows_nothing_of_gravity_at_rest_and_adds_nothing_over_a_gap():
    assert play([[0, 0, 1]] * 10, range(10)).total(ROW)[0] == 0.0
    assert play([[0, 0, 1], [0, 0, 2], [0, 0, 9], [0, 0, 9]], [0, 1, 4, 5]).total(ROW)[0] == pytest.approx(0.01)
    assert np.isnan(play([[0, 0, 1]], [0]).total(ROW)[0])


def test_samples_without_acceleration_do_not_break_the_chain_of_differences():
    load = play([[0, 0, 1], [np.nan] * 3, [0, 0, 2]], [0, 0.1, 0.2])
    assert load.total(ROW)[0] == pytest.approx(0.01)


def hit(g, t, alert_g=8.0):
    """The impacts in a magnitude [n], g, and how many samples each was reported after its peak."""
    impacts, found, delays = Impacts(1, alert_g), [], []
    for i, (at, magnitude) in enumerate(zip(t, g, strict=True)):
        for impact in impacts.update(ROW, np.array([at]), np.array([[0.0, 0.0, magnitude * GRAVITY_MPS2]])):
            found.append(impact)
            delays.append(i - int(np.flatnonzero(np.asarray(t) == impact.t)[0]))
    return impacts, found + impacts.flush(ROW), delays


def slow_impacts(g, t):
    """Local maxima of at least 5 g; of those closer than 0.3 s the highest."""
    peaks = [
        i for i in range(len(g)) if g[i] >= 5 and (i == 0 or g[i] > g[i - 1]) and (i + 1 == len(g) or g[i] >= g[i + 1])
    ]
    kept: list[int] = []
    for i in peaks:
        if kept and t[i] - t[kept[-1]] < 0.3:
            kept[-1] = i if g[i] > g[kept[-1]] else kept[-1]
        else:
            kept.append(i)
    return [t[i] for i in kept]


@given(
    st.lists(st.tuples(st.integers(0, 24).map(lambda half: half / 2), st.sampled_from([0.25, 0.125, 1.0])), max_size=60)
)
def test_impacts_equal_the_slow_search(samples):
    g = [magnitude for magnitude, _ in samples]
    t = np.cumsum([dt_s for _, dt_s in samples]).tolist()
    impacts, found, _ = hit(g, t)
    assert [impact.t for impact in found] == slow_impacts(g, t)
    if samples:
        assert impacts.counts(ROW).sum() == len(found)


def test_an_impact_is_reported_with_the_first_sample_that_makes_it_certain():
    t = np.arange(200) / 100
    g = 1 + 8 * np.exp(-(((t - 1.0) / 0.02) ** 2))
    _, found, delays = hit(g, t)
    assert [(impact.t, impact.band, impact.alert) for impact in found] == [(1.0, 4, True)]
    assert delays in ([30], [31])


def test_each_band_begins_at_its_lower_edge():
    for band, (edge, name) in enumerate(zip(BAND_EDGES_G, BANDS, strict=True)):
        impacts, found, _ = hit([1, edge + 1e-9, 1], [0, 1, 2])
        assert found[0].band == band, name
        assert impacts.counts(ROW)[band, 0] == 1
    assert hit([1, 4.99, 1], [0, 1, 2])[1] == []


def test_the_alert_level_is_the_configured_one():
    _, found, _ = hit([1, 6, 1], [0, 1, 2], alert_g=6.0)
    assert found[0].alert
    assert not hit([1, 6, 1], [0, 1, 2])[1][0].alert


@pytest.mark.parametrize(("rate_hz", "undersampled"), [(10, True), (49, True), (50, False), (100, False)])
def test_a_peak_below_50_hertz_is_marked_undersampled(rate_hz, undersampled):
    t = np.arange(3 * rate_hz) / rate_hz
    g = np.where(np.arange(len(t)) == len(t) // 2, 9.0, 1.0)
    impact = hit(g, t)[1][0]
    assert impact.undersampled == undersampled
    assert impact.sample_rate_hz == pytest.approx(rate_hz, rel=0.02)


def test_a_peak_in_the_first_second_has_no_known_rate_and_is_not_trusted():
    impact = hit([1, 9, 1], [0, 0.01, 0.02])[1][0]
    assert impact.undersampled
    assert impact.sample_rate_hz is None
