import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor.arrays import GRAVITY_MPS2
from athlete_monitor.sim.gait import step_rate, steps, stride_phase

ONE = np.ones((1, 1))


def gait_at(speed_mps, rate_hz=200, seconds=20):
    speed = np.full((1, rate_hz * seconds), float(speed_mps))
    cadence = step_rate(speed, ONE)
    return steps(speed, cadence, stride_phase(np.zeros(1), cadence, 1 / rate_hz), ONE)


@pytest.mark.parametrize(("speed_mps", "steps_a_minute"), [(1.4, 119), (3.0, 163), (8.5, 253)])
def test_cadence_follows_speed(speed_mps, steps_a_minute):
    assert 60 * step_rate(np.array([[speed_mps]]), ONE) == pytest.approx(steps_a_minute, abs=3)


def test_faster_always_means_more_steps():
    assert (np.diff(step_rate(np.linspace(0.3, 9.5, 300), np.ones(300))) > 0).all()


@given(st.floats(0, 9.5))
def test_the_trunk_gains_no_height_by_stepping(speed_mps):
    gait = gait_at(speed_mps)
    assert gait.up_mps2.mean() == pytest.approx(0.0, abs=0.2)
    assert gait.left_mps2.mean() == pytest.approx(0.0, abs=0.2)


def test_a_runner_flies_between_steps():
    up = gait_at(4.0).up_mps2 + GRAVITY_MPS2
    aloft = np.abs(up) < 1.5
    assert 0.2 < aloft.mean() < 0.45
    assert 2.0 < up.max() / GRAVITY_MPS2 < 3.5


def test_who_stands_does_not_step():
    still = gait_at(0.1)
    for signal in (still.forward_mps2, still.left_mps2, still.up_mps2, still.roll_rad, still.pitch_rad, still.yaw_rad):
        assert not signal.any()


def test_steps_dominate_the_spectrum_of_a_run():
    up = gait_at(3.5).up_mps2[0]
    spectrum = np.abs(np.fft.rfft(up))
    frequency = np.fft.rfftfreq(len(up), 1 / 200)[spectrum.argmax()]
    assert frequency == pytest.approx(float(step_rate(np.array([[3.5]]), ONE)[0, 0]), abs=0.05)
