"""An athlete's own model is published only where it beats what the squad's model says about rows that neither saw."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from athlete_monitor.training.rival import over_fold
from athlete_monitor.training.squad import Fold


def trained(error, rows=600):
    """A model that is ``error`` bpm off on the last ``rows`` rows."""
    y = np.linspace(100.0, 170.0, rows)
    t = np.arange(float(rows))
    return SimpleNamespace(test_y=y, test_t=t, test_predicted=y + error * np.where(np.arange(rows) % 2, 1.0, -1.0))


def fold(model, error, rows, every=3):
    """What the others' model says about every third row of an athlete with ``rows`` rows."""
    places = np.arange(0, rows, every)
    before = rows - len(model.test_y)
    measured = np.where(places < before, 60.0, model.test_y[np.maximum(places - before, 0)])
    return Fold(7, places, measured, measured + error, measured, measured)


@pytest.mark.parametrize(("own", "squads", "wins"), [(3.0, 8.0, True), (8.0, 3.0, False), (5.0, 5.0, False)])
def test_the_two_are_compared_on_the_held_out_rows_only(own, squads, wins):
    model = trained(own)
    gain = over_fold(model, fold(model, squads, 2000), 2000)
    assert gain is not None
    assert gain.mean_bpm == pytest.approx(squads - own)
    assert (gain.least_bpm > 0.0) is wins


def test_too_few_common_rows_decide_nothing():
    model = trained(3.0, rows=60)
    assert over_fold(model, fold(model, 8.0, 2000, every=5), 2000) is None
