import numpy as np
import pytest

from athlete_monitor.sim.energetics import (
    GRASS_FACTOR,
    aerobic_power,
    metabolic_power,
    running_cost,
    running_share,
    walking_cost,
)


def test_the_cost_of_slopes_is_that_of_minetti_2002():
    assert running_cost(np.array([0.0, 0.1, -0.1])) == pytest.approx([3.6, 5.9678, 2.1519], abs=2e-3)
    assert walking_cost(np.array([0.0, 0.1])) == pytest.approx([2.5, 4.901], abs=2e-3)


def test_costs_are_held_beyond_the_measured_slopes():
    assert running_cost(np.array([0.45])) == running_cost(np.array([3.0]))
    assert walking_cost(np.array([-0.45])) == walking_cost(np.array([-3.0]))


def test_standing_costs_nothing_and_speed_and_acceleration_cost_more():
    still = np.zeros(1)
    assert metabolic_power(still, still)[0] == 0.0
    speeds = np.linspace(0.1, 8.0, 60)
    assert (np.diff(metabolic_power(speeds, np.zeros(60))) > 0).all()
    accelerations = np.linspace(0.0, 4.0, 30)
    assert (np.diff(metabolic_power(np.full(30, 3.0), accelerations)) > 0).all()


def test_steady_running_costs_speed_times_cost():
    power = metabolic_power(np.array([4.0]), np.zeros(1))[0]
    assert power == pytest.approx(4.0 * (3.6 * GRASS_FACTOR + 0.01 * 16), rel=1e-12)


def test_people_walk_slow_and_run_fast():
    assert running_share(np.array([1.4, 2.1, 3.0])) == pytest.approx([0.0, 0.5, 1.0])


def test_aerobic_power_follows_the_oxygen():
    assert aerobic_power(53.5) == pytest.approx(50 * 20.9 / 60)
