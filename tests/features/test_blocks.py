"""Blocks of samples: the numbers of the streaming bank to the last bit, however the samples are cut."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athlete_monitor.arrays import CHANNELS
from athlete_monitor.features import GROUPS, FeatureBank, FeatureSpec
from athlete_monitor.features.blocks import BlockBank

SPECS = (
    FeatureSpec(),
    FeatureSpec(rolling_stats=False, step_rate=False),
    FeatureSpec(acc_components=("acc_x",), spectrum=True),
)
STEPS_S = (0.1, 0.1, 0.1, 0.1, 1.0, 0.0, -0.2, 11.0, 300.0)
ABSENT = (slice(0, 0), slice(0, 6), slice(4, None))


def recordings(seed, steps, tracks):
    """Times [T, k] with pauses and steps back, and samples [T, C, k] with gaps and, for some, without sensors."""
    rng = np.random.default_rng(seed)
    t = 1e9 + np.cumsum(rng.choice(STEPS_S, (steps, tracks)), axis=0)
    values = rng.normal(0.0, 10.0, (steps, len(CHANNELS), tracks))
    values[rng.random(values.shape) < 0.1] = np.nan
    for track in range(tracks):
        values[:, ABSENT[rng.integers(len(ABSENT))], track] = np.nan
    return t, values


def streamed(spec, t, values):
    """Features [T, k, F] and availability [T, k, groups] sample by sample, and the bank."""
    bank, rows = FeatureBank(spec, t.shape[1]), np.arange(t.shape[1])
    found = [(bank.update(rows, at, sample.T), bank.available(rows, at)) for at, sample in zip(t, values, strict=True)]
    return np.array([features for features, _ in found]), np.array([available for _, available in found]), bank


def in_blocks(bank, t, values, cuts):
    """The same from a bank of blocks."""
    features, available = [], []
    edges = sorted({0, len(t), *(cut % len(t) for cut in cuts)})
    for begin, end in pairwise(edges):
        block, steps = bank.update_block(t[begin:end], values[begin:end]), np.arange(end - begin)
        features.append(np.stack([block.features(steps, row) for row in range(t.shape[1])], axis=1))
        available.append(np.stack([block.available(steps, row) for row in range(t.shape[1])], axis=1))
    return np.concatenate(features), np.concatenate(available)


@pytest.mark.parametrize("cuts", [(), (2,), (3, 4, 40), (61,), (62, 63)])
def test_a_beginning_that_is_doubted_has_the_same_bits_in_blocks(cuts):
    t, values = recordings(7, 90, 3)
    t[:] = np.arange(90.0)[:, None]
    values[5:50] *= np.array([0.01, 0.9, 0.2])
    bank = BlockBank(SPECS[0], 3)
    features, _ = in_blocks(bank, t, values, cuts)
    expected, _, streaming = streamed(SPECS[0], t, values)
    assert features.tobytes() == expected.tobytes()
    assert all(bank.state(row).tobytes() == streaming.state(row).tobytes() for row in range(3))


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    steps=st.integers(1, 80),
    tracks=st.integers(1, 4),
    cuts=st.lists(st.integers(0, 1000), max_size=6),
    spec=st.sampled_from(SPECS),
)
def test_blocks_give_the_bits_of_the_streaming_bank_and_leave_its_state(seed, steps, tracks, cuts, spec):
    t, values = recordings(seed, steps, tracks)
    bank = BlockBank(spec, tracks)
    features, available = in_blocks(bank, t, values, cuts)
    expected, expected_available, streaming = streamed(spec, t, values)
    assert features.tobytes() == expected.tobytes()
    assert (available == expected_available).all()
    for row in range(tracks):
        assert bank.state(row).tobytes() == streaming.state(row).tobytes()


@pytest.mark.parametrize("groups", [(), ("speed",), ("acceleration", "rotation"), ("grade", "cadence"), GROUPS])
def test_a_bank_of_some_groups_has_only_their_columns_and_the_same_bits(groups):
    spec = FeatureSpec(spectrum=True)
    t, values = recordings(7, 60, 3)
    some, _ = in_blocks(BlockBank(spec, 3, groups), t, values, (20, 41))
    everything, _, _ = streamed(spec, t, values)
    assert some.tobytes() == np.ascontiguousarray(everything[:, :, spec.columns(groups)]).tobytes()
