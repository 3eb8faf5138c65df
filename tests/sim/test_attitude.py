import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor.sim import attitude

ANGLES = st.floats(-3.1, 3.1)
VECTORS = st.tuples(*[st.floats(-50, 50)] * 3).map(np.array)


def quaternions():
    return st.tuples(ANGLES, ANGLES, ANGLES).map(lambda a: attitude.from_euler(*(np.array(x) for x in a)))


@given(quaternions())
def test_attitudes_are_unit_quaternions(q):
    assert np.linalg.norm(q) == pytest.approx(1.0, abs=1e-12)


@given(quaternions(), VECTORS)
def test_turning_keeps_lengths_and_the_way_back_undoes_it(q, vector):
    seen = attitude.to_sensor(q, vector)
    assert np.linalg.norm(seen) == pytest.approx(np.linalg.norm(vector), abs=1e-9)
    assert attitude.to_sensor(attitude.conjugate(q), seen) == pytest.approx(vector, abs=1e-9)


@given(quaternions(), quaternions(), st.floats(0.001, 1.0))
def test_integrating_the_rate_leads_from_one_attitude_to_the_next(before, after, dt):
    rate = attitude.angular_rate(before, after, dt)
    reached = attitude.multiply(before, attitude.from_rotation_vector(rate * dt))
    assert abs(np.dot(reached, after)) == pytest.approx(1.0, abs=1e-9)
    assert np.linalg.norm(rate) * dt <= np.pi + 1e-9


@given(st.tuples(*[st.floats(-1.8, 1.8)] * 3).map(np.array))
def test_a_rotation_vector_survives_the_way_through_a_quaternion(vector):
    assert attitude.rotation_vector(attitude.from_rotation_vector(vector)) == pytest.approx(vector, abs=1e-9)


def test_leaning_forward_tips_gravity_to_the_front():
    forward = attitude.from_euler(np.array(0.0), np.array(0.3), np.array(0.0))
    assert attitude.to_sensor(forward, np.array([0.0, 0.0, 1.0]))[0] == pytest.approx(-np.sin(0.3))


def test_yaw_turns_to_the_left():
    left = attitude.from_euler(np.array(0.0), np.array(0.0), np.array(np.pi / 2))
    assert attitude.to_sensor(left, np.array([0.0, 1.0, 0.0])) == pytest.approx([1.0, 0.0, 0.0], abs=1e-12)
