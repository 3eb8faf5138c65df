import os
import signal
from typing import Any

import pytest

from athlete_monitor.sim.pacing import Lateness, Pacer, Stop


class Clock:
    """Time that passes only when somebody waits, or works for ``work`` seconds."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class Waiting:
    """A ``Stop`` that lets the clock pass instead of waiting; it oversleeps by ``late_s``."""

    def __init__(self, clock, late_s=0.0):
        self.clock, self.late_s, self.wished = clock, late_s, False

    def __bool__(self):
        return self.wished

    def wait(self, seconds):
        if seconds > 0:
            self.clock.now += seconds + self.late_s
        return self.wished


def pacer(speed=1.0, late_s=0.0):
    clock = Clock()
    told: list[str] = []
    stop: Any = Waiting(clock, late_s)
    return Pacer(speed, stop, told.append, clock), clock, told


@pytest.mark.parametrize("speed", [0.5, 1.0, 20.0])
def test_deadlines_do_not_drift_though_every_wait_is_late(speed):
    paced, clock, _ = pacer(speed, late_s=0.003)
    paced.start()
    for tick in range(36_000):
        assert paced.wait(tick / 10)
        paced.met(tick / 10)
    assert clock.now - 1000.0 == pytest.approx(3599.9 / speed, abs=0.004)
    assert paced.lateness.percentile_ms(99) == pytest.approx(3.0, abs=0.11)


def test_full_speed_does_not_wait_and_is_never_late():
    paced, clock, _ = pacer(None)
    for tick in range(100):
        assert paced.wait(tick * 100.0)
        paced.met(tick * 100.0)
    assert clock.now == 1000.0
    assert paced.lateness.percentile_ms(99) == 0.0


def test_falling_behind_is_told_by_how_much_and_not_too_often():
    paced, clock, told = pacer()
    paced.start()
    for tick in range(600):
        paced.wait(tick / 10)
        clock.now += 0.2
        paced.met(tick / 10)
    assert 10 <= len(told) <= 13
    assert told[-1].startswith("cannot keep up: ")
    assert "50 %" in told[-1]


def test_a_pause_moves_the_deadlines():
    paced, clock, told = pacer()
    paced.start()
    clock.now += 60.0
    paced.pause(60.0)
    paced.wait(0.1)
    paced.met(0.1)
    assert paced.lateness.worst_s == pytest.approx(0.0, abs=1e-9)
    assert not told


def test_the_wish_to_stop_ends_a_wait_at_once_and_for_good():
    stop = Stop()
    assert not stop.wait(0.0)
    stop.wish()
    stop.wish()
    assert stop.wait(3600.0)
    assert stop
    stop.close()


def test_signals_wish_the_end_and_a_second_one_is_left_to_the_system():
    before = signal.getsignal(signal.SIGTERM)
    stop = Stop()
    try:
        stop.on_signals()
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.wait(10.0)
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    finally:
        stop.close()
    assert signal.getsignal(signal.SIGTERM) == before


def test_percentiles_of_lateness_are_those_of_the_deadlines():
    late = Lateness()
    for millisecond in range(1, 101):
        late.add(millisecond / 1000)
    assert late.percentile_ms(50) == pytest.approx(50.0, abs=0.2)
    assert late.percentile_ms(99) == pytest.approx(99.0, abs=0.2)
    assert late.percentile_ms(100) == pytest.approx(100.0, abs=0.2)
    late.add(100.0)
    assert late.worst_s == 100.0
