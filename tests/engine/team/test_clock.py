"""The present of a team session."""

from __future__ import annotations

import pytest

from athlete_monitor.engine.team.clock import TeamClock

WALL = 1_750_000_000.0


class Wall:
    t = WALL

    def __call__(self):
        return self.t


@pytest.fixture
def wall():
    return Wall()


def test_samples_of_the_present_leave_the_wall_clock_as_it_is(wall):
    clock = TeamClock(wall)
    assert clock.now_t(WALL - 59) == clock.now_t(WALL + 59) == clock.now_t(None) == WALL


@pytest.mark.parametrize("ahead_s", [-86_400.0, -61.0, 61.0, 86_400.0])
def test_another_clock_goes_on_at_the_pace_of_the_wall_clock_between_and_after_its_samples(wall, ahead_s):
    clock = TeamClock(wall)
    assert clock.now_t(WALL + ahead_s) == WALL + ahead_s
    wall.t += 3
    assert clock.now_t(WALL + ahead_s) == WALL + ahead_s + 3
    wall.t += 30
    assert clock.now_t(None) == WALL + ahead_s + 33


def test_a_session_that_is_over_takes_its_clock_with_it(wall):
    clock = TeamClock(wall)
    clock.now_t(WALL + 900)
    assert clock.now_t(None, is_running=False) == WALL
    assert clock.now_t(None) == WALL


def test_a_resumed_session_ahead_of_the_wall_clock_stays_ahead_and_one_behind_does_not_hold_the_clock_back(wall):
    clock = TeamClock(wall)
    clock.resume(WALL - 7200)
    assert clock.now_t(None) == WALL
    clock.resume(WALL + 300)
    clock.resume(WALL + 120)
    assert clock.now_t(None) == WALL + 300
