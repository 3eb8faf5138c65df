"""Columns of groups that no row has are left out of a step: the others do not notice."""

from __future__ import annotations

import numpy as np
import pytest

from athlete_monitor.arrays import ACC, CADENCE, CHANNELS, GYRO, SPEED
from athlete_monitor.features import FeatureBank, FeatureSpec

ROWS = np.arange(3)
SPECS = (FeatureSpec(), FeatureSpec(spectrum=True), FeatureSpec(rolling_stats=False, jerk=False))


def values(rng: np.random.Generator, channels: list[int]) -> np.ndarray:
    made = np.full((3, len(CHANNELS)), np.nan)
    made[:, channels] = rng.normal(0.0, 4.0, (3, len(channels)))
    return made


@pytest.mark.parametrize("spec", SPECS)
def test_features_of_a_row_do_not_depend_on_the_channels_of_the_others(spec):
    rng = np.random.default_rng(5)
    together, apart = FeatureBank(spec, 3), FeatureBank(spec, 3)
    acc, gyro, watch = list(range(6))[ACC], list(range(6))[GYRO], [SPEED, CADENCE]
    for step in range(90):
        t = np.full(3, 1.7e9 + step) + (20.0 if step > 70 else 0.0)
        made = values(rng, list(range(len(CHANNELS))))
        for row, channels in enumerate((acc + gyro, watch, acc + watch)):
            made[row, [c for c in range(len(CHANNELS)) if c not in channels]] = np.nan
        found = together.update(ROWS, t, made)
        alone = [apart.update(ROWS[r : r + 1], t[r : r + 1], made[r : r + 1]) for r in range(3)]
        np.testing.assert_array_equal(found, np.concatenate(alone))
