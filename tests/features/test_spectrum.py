"""The spectrum: what a slow, obvious calculation gives, at any sample rate; frequencies and energies that are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athlete_monitor.arrays import CHANNELS
from athlete_monitor.features import FeatureBank, FeatureSpec, spectrum

SPEC = FeatureSpec(spectrum=True)
FREQUENCY, ENERGY = (SPEC.names().index(name) for name in spectrum.NAMES)


def times(rate_hz, seconds, seed=0, jitter=0.3):
    """Irregular times that start within a bin."""
    steps = np.random.default_rng(seed).uniform(1.0 - jitter, 1.0 + jitter, int(rate_hz * seconds)) / rate_hz
    return 1.7e9 + 0.033 + np.cumsum(steps)


def streamed(t, level):
    """Dominant frequency and spectral energy after the last sample."""
    memory = spectrum.blank(1)
    for at, value in zip(t, level, strict=True):
        found = spectrum.update(memory, np.array([at]), np.array([value]), np.array([True]))
    return found[0]


def slow(t, level):
    """The definition, with a fine integral and NumPy's transform; valid after a full window without gaps."""
    last = int(np.floor(t[-1] / spectrum.BIN_S) // spectrum.BINS_FOR_EACH_SPECTRUM) * spectrum.BINS_FOR_EACH_SPECTRUM
    edges = (last - spectrum.BINS + np.arange(spectrum.BINS + 1)) * spectrum.BIN_S
    points = np.linspace(edges[:-1], edges[1:], 4001)
    values = np.interp(points, t, level)
    bins = (values[:-1] + values[1:]).mean(axis=0) / 2.0
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(spectrum.BINS) / spectrum.BINS)
    power = np.abs(np.fft.rfft((bins - bins.mean()) * window)) ** 2
    power[-1] /= 2.0
    energy = 2.0 * power[spectrum.FIRST_LINE :].sum() / (spectrum.BINS * (window**2).sum())
    power[-1] *= 2.0
    power[: spectrum.FIRST_LINE] = 0.0
    top = int(power.argmax())
    near = [line for line in (top - 1, top, top + 1) if spectrum.FIRST_LINE <= line <= spectrum.BINS // 2]
    hz = sum(line * power[line] for line in near) / power[near].sum() / (spectrum.BINS * spectrum.BIN_S)
    return hz if energy >= spectrum.LEAST_ENERGY_M2PS4 else 0.0, energy


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), rate_hz=st.sampled_from([10.0, 25.0, 50.0, 100.0]))
def test_the_stream_gives_what_the_definition_says(seed, rate_hz):
    t = times(rate_hz, 9.0, seed)
    level = 9.8 + np.random.default_rng(seed).normal(0.0, 3.0, len(t))
    assert streamed(t, level) == pytest.approx(slow(t, level), rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("rate_hz", [10.0, 20.0, 50.0, 100.0])
@pytest.mark.parametrize("hz", [0.9, 1.7, 2.6, 3.3])
def test_the_dominant_frequency_is_that_of_the_movement_at_any_sample_rate(rate_hz, hz):
    t = times(rate_hz, 10.0)
    found = streamed(t, 12.0 + 4.0 * np.sin(2 * np.pi * hz * t))
    assert found[0] == pytest.approx(hz, abs=0.06)


def test_the_spectral_energy_is_the_mean_square_of_a_slow_movement():
    t = times(50.0, 10.0)
    found = streamed(t, 12.0 + 4.0 * np.sin(2 * np.pi * 1.25 * t))
    averaged = math.sin(math.pi * 1.25 * spectrum.BIN_S) / (math.pi * 1.25 * spectrum.BIN_S)
    assert found[1] == pytest.approx(8.0 * averaged**2, rel=0.02)


def test_a_fast_vibration_is_averaged_out_and_not_taken_for_a_slow_movement():
    t = times(100.0, 10.0, jitter=0.05)
    assert streamed(t, 10.0 + 3.0 * np.sin(2 * np.pi * 19.0 * t))[1] < 0.05 * 4.5


def test_who_stands_still_has_no_dominant_frequency():
    t = times(25.0, 10.0)
    found = streamed(t, 9.81 + np.random.default_rng(0).normal(0.0, 0.05, len(t)))
    assert found[0] == 0.0
    assert 0.0 <= found[1] < spectrum.LEAST_ENERGY_M2PS4


def test_a_gap_begins_the_window_again():
    t = times(10.0, 10.0)
    level = 12.0 + 4.0 * np.sin(2 * np.pi * 2.0 * t)
    later = t[-1] + 3.0 + times(10.0, 3.0, seed=1) - 1.7e9
    calm = np.full(len(later), 9.8)
    assert streamed(t, level)[1] > 5.0
    assert streamed(np.append(t, later), np.append(level, calm))[1] < 1e-9


def test_a_step_back_in_time_and_a_clock_that_was_set_do_no_harm():
    t = times(10.0, 10.0)
    level = 12.0 + 4.0 * np.sin(2 * np.pi * 2.0 * t)
    back = t.copy()
    back[60] = back[59] - 0.05
    assert streamed(back, level)[0] == pytest.approx(2.0, abs=0.1)
    assert streamed(np.append(t, t - 7200.0), np.append(level, level))[0] == pytest.approx(2.0, abs=0.1)


def test_the_features_and_their_averages_come_from_the_length_of_the_acceleration():
    bank, row = FeatureBank(SPEC, 1), np.array([0])
    values = np.full((1, len(CHANNELS)), np.nan)
    t = times(25.0, 40.0)
    for at in t:
        values[0, :3] = 0.0, 0.0, 12.0 + 4.0 * math.sin(2 * math.pi * 2.5 * at)
        features = bank.update(row, np.array([at]), values)[0]
    assert features[FREQUENCY] == pytest.approx(2.5, abs=0.05)
    average = SPEC.names().index("acc_dominant_frequency_hz_ewma_5s")
    assert features[average] == pytest.approx(2.5, rel=0.05)


def test_the_circle_is_that_of_the_library_within_its_last_bits():
    angles = 2 * np.pi * np.arange(spectrum.BINS) / spectrum.BINS
    np.testing.assert_allclose(spectrum.COSINE, np.cos(angles), atol=1e-15)
    np.testing.assert_allclose(spectrum.SINE, np.sin(angles), atol=1e-15)
