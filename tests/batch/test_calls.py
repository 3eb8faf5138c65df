"""A function called somewhere: results in order, exceptions as if it had been called here, lost workers."""

from __future__ import annotations

import multiprocessing
import os
import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor.batch.calls import each_at
from athlete_monitor.batch.places import Here, Processes
from tests.helpers import wait_until


def squared(number):
    if number < 0:
        raise ArithmeticError(number)
    return number * number


def deadly(number):
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def given_up(argument, reason):
    return argument, reason


class Shuffled(Here):
    """Somewhere where tasks end in another order than they begin."""

    def __init__(self, order):
        self._order = order

    def run(self, work, groups):
        outcomes = list(super().run(work, groups))
        for place in sorted(range(len(outcomes)), key=lambda place: self._order[place % len(self._order)]):
            yield outcomes[place]


@given(numbers=st.lists(st.integers(0, 99)), order=st.lists(st.integers(), min_size=1, max_size=9))
def test_results_come_in_the_order_of_the_arguments_whatever_ends_first(numbers, order):
    assert list(each_at(Shuffled(order), squared, numbers, given_up)) == [number * number for number in numbers]


def test_arguments_are_taken_when_they_are_needed():
    taken = []

    def arguments():
        for number in range(3):
            taken.append(number)
            yield number

    results = each_at(Here(), squared, arguments(), given_up)
    assert next(results) == 0
    assert taken == [0]


def test_an_exception_is_raised_where_its_result_is_asked_for():
    results = each_at(Here(), squared, [3, -1, 4], given_up)
    assert next(results) == 9
    with pytest.raises(ArithmeticError, match="-1"):
        next(results)


@pytest.mark.campaign
def test_an_argument_that_kills_its_workers_is_given_up_and_the_others_are_not():
    place = Processes(2)
    found = list(each_at(place, deadly, [1, 2, 3], given_up))
    assert found == [1, (2, "task 2: its worker was ended (signal 9), 3 times"), 9]
    assert place.retries == 3


@pytest.mark.campaign
def test_a_killed_worker_costs_a_retry_and_changes_no_result():
    def arguments():
        yield 1
        [worker] = wait_until(multiprocessing.active_children)
        os.kill(worker.pid, signal.SIGKILL)
        yield from (2, 3)

    place = Processes(1)
    assert list(each_at(place, squared, arguments(), given_up)) == [1, 4, 9]
    assert not multiprocessing.active_children()


def process_of(_argument):
    return os.getpid()


def process_and_argument(argument):
    return os.getpid(), argument


def test_kept_workers_serve_one_run_after_another_and_one_killed_between_them_costs_no_retry():
    place = Processes(1)
    with place.kept():
        [first] = each_at(place, process_of, ["a"], given_up)
        assert list(each_at(place, process_and_argument, ["b", "c"], given_up)) == [(first, "b"), (first, "c")]
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: not multiprocessing.active_children())
        [second] = each_at(place, process_of, ["d"], given_up)
    assert len({first, second, os.getpid()}) == 3
    assert place.retries == 0
    assert not multiprocessing.active_children()
