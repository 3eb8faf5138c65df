"""The present of a team session."""

from __future__ import annotations

import pytest

from athlete_monitor.engine.team.clock import OddClocks, TeamClock, newest_of

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


def test_one_device_with_a_wrong_clock_does_not_move_the_present_of_the_others():
    squad = [WALL - index / 10 for index in range(29)]
    for wrong_t in (WALL + 3600, WALL - 3600, WALL + 50 * 365 * 86_400, 1.0):
        assert newest_of([*squad, wrong_t], WALL) == WALL
        replayed = [t - 86_400 * 400 for t in squad]
        assert newest_of([*replayed, wrong_t], WALL) == max(replayed)
    assert newest_of([WALL, WALL + 3600], WALL) == WALL, "one right, one wrong"
    assert newest_of([WALL + 3600], WALL) == WALL + 3600, "a single device has nobody that contradicts it"


def found(offsets, times=range(60), now_t=None):
    odd = OddClocks()
    moments = [(WALL + t if now_t is None else now_t(t), WALL + t) for t in times]
    return [
        text for now, wall in moments for text in odd.check({d: now + at(now) for d, at in offsets.items()}, now, wall)
    ]


def test_a_clock_that_is_set_wrong_is_mentioned_once_and_one_that_moves_not_at_all():
    right = {str(device): lambda _t: -1.0 for device in range(29)}
    [text] = found({**right, "x": lambda _t: -7200.0})
    assert text == "the clock of device x is 2 h 0 min behind: its samples are not in the periods of the others"
    assert found({**right, "catching up": lambda t: -3600 + 19 * (t - WALL), "near": lambda _t: 59.0}) == []


def test_a_squad_whose_clock_is_not_that_of_the_box_is_mentioned_once_unless_it_is_a_replay():
    one = {"x": lambda _t: 0.0}
    assert found(one, now_t=lambda t: WALL + t + 3600) == [
        "the clock of device x is 1 h 0 min ahead of this box: one of the two is set wrong"
    ]
    assert found(one, now_t=lambda t: WALL + t - 400 * 86_400) == []
    assert found(one, now_t=lambda t: WALL + 20 * t + 3600) == []
