"""Load over weeks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor.physiology import reasons
from athlete_monitor.physiology.chronic import acwr, chronic_load, daily_loads, ewma, ewma_lambda, monotony, strain


def test_the_published_weights():
    assert ewma_lambda(7) == 0.25
    assert ewma_lambda(28) == pytest.approx(0.069, abs=5e-4)


def test_the_average_by_hand():
    assert ewma(np.array([100.0, 0.0, 200.0]), 7).tolist() == [100.0, 75.0, 106.25]


def test_days_without_a_session_are_rest_days_of_load_zero():
    assert daily_loads({10: 50.0, 13: 70.0}, today=14).tolist() == [50, 0, 0, 70, 0]
    assert len(daily_loads({}, today=14)) == 0


def test_constant_load_has_a_ratio_of_one_and_no_monotony():
    result = chronic_load(np.full(40, 80.0))
    assert result.acwr == pytest.approx(1.0)
    assert (result.monotony, result.strain) == (None, None)
    assert result.reasons == {"monotony": reasons.LOAD_CONSTANT, "strain": reasons.LOAD_CONSTANT}


def test_a_harder_week_raises_the_ratio_and_an_easier_one_lowers_it():
    usual = np.tile([100.0, 0.0], 20)
    assert acwr(np.append(usual, [200.0] * 7)) > 1.3
    assert acwr(np.append(usual, [0.0] * 7)) < 0.7


def test_the_ratio_is_hidden_for_the_first_28_days():
    loads = np.tile([100.0, 0.0], 14)
    assert chronic_load(loads[:27]).acwr is None
    assert chronic_load(loads[:27]).reasons["acwr"] == reasons.HISTORY_28_DAYS
    assert chronic_load(loads).acwr is not None


def test_monotony_and_strain_by_hand_over_the_last_seven_days():
    week = np.array([100.0, 200.0, 0.0, 300.0, 0.0, 400.0, 0.0])
    expected = week.mean() / np.std(week, ddof=1)
    loads = np.append([9999.0], week)
    assert monotony(loads) == pytest.approx(expected)
    assert strain(loads) == pytest.approx(1000.0 * expected)
    assert chronic_load(week[:6]).reasons["strain"] == reasons.HISTORY_7_DAYS


def test_no_load_at_all_is_said_so():
    result = chronic_load(np.zeros(40))
    assert (result.acwr, result.reasons["acwr"]) == (None, reasons.NO_CHRONIC_LOAD)


@given(st.lists(st.floats(0, 1000), max_size=60))
def test_every_figure_is_a_number_or_has_a_reason(loads):
    result = chronic_load(np.array(loads))
    for name in ("acute_load", "chronic_load", "acwr", "weekly_load", "monotony", "strain"):
        value = getattr(result, name)
        assert (value is None) == (name in result.reasons)
        assert value is None or np.isfinite(value)
