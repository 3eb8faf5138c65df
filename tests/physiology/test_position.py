from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor.physiology.position import EARTH_RADIUS_M, PitchPlan, Position

PITCH = (105.0, 68.0)
NONE = np.array([np.nan])


def turned(angle_deg: float, lat: float = 47.3, lon: float = 8.5) -> PitchPlan:
    """A pitch whose length points `angle_deg` north of east."""
    angle = np.radians(angle_deg)
    along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    corners = [0 * along, PITCH[0] * along, PITCH[0] * along + PITCH[1] * across, PITCH[1] * across]
    per_degree = np.radians(1.0) * EARTH_RADIUS_M
    east = per_degree * np.cos(np.radians(lat))
    return PitchPlan(*PITCH, tuple((lat + north / per_degree, lon + e / east) for e, north in corners))


@given(st.floats(-180, 180), st.floats(-60, 60))
def test_the_corners_of_the_pitch_are_the_corners_of_the_plan(angle, lat):
    plan = turned(angle, lat)
    latitude, longitude = np.array(plan.corners).T
    wanted = [[0, PITCH[0], PITCH[0], 0], [0, 0, PITCH[1], PITCH[1]]]
    assert plan.metres(latitude, longitude) == pytest.approx(np.array(wanted), abs=0.01)


@given(st.floats(-180, 180), st.floats(0, 1), st.floats(0, 1))
def test_a_place_between_the_corners_keeps_its_shares(angle, along, across):
    plan = turned(angle)
    (a, b, c, d) = np.array(plan.corners)
    place = (1 - across) * ((1 - along) * a + along * b) + across * ((1 - along) * d + along * c)
    x, y = plan.metres(place[:1], place[1:])
    assert (x[0], y[0]) == pytest.approx((along * PITCH[0], across * PITCH[1]), abs=0.02)


def test_metres_win_over_degrees_and_without_a_plan_degrees_say_nothing():
    plan = turned(0)
    degrees = np.array([47.3]), np.array([8.5])
    rows, t = np.array([0]), np.array([0.0])
    assert Position(1, plan).update(rows, t, np.array([[3.0], [4.0]]), *degrees).ravel().tolist() == [3.0, 4.0]
    assert Position(1, plan).update(rows, t, np.array([[np.nan], [np.nan]]), *degrees).ravel() == pytest.approx([0, 0])
    assert np.isnan(Position(1).update(rows, t, np.array([[np.nan], [np.nan]]), *degrees)).all()


def test_a_position_counts_for_two_seconds():
    position, rows = Position(1), np.array([0])
    position.update(rows, np.array([10.0]), np.array([[3.0], [4.0]]), NONE, NONE)
    nothing = np.array([[np.nan], [np.nan]])
    assert position.update(rows, np.array([11.9]), nothing, NONE, NONE).ravel().tolist() == [3.0, 4.0]
    assert np.isnan(position.update(rows, np.array([12.1]), nothing, NONE, NONE)).all()
