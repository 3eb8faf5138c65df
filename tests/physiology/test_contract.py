"""What every streaming metric promises, checked on all of them at once."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.physiology.accumulators import ORIENTATIONS, Whole, at, squad_samples

ATHLETES = 5


def run_alone(samples, orientation):
    """Each athlete in a squad of its own."""
    states = []
    for athlete in range(ATHLETES):
        whole = Whole(1, orientation)
        row = np.array([0])
        whole.enter(row)
        for i in range(samples.t.shape[1]):
            whole.update(row, at(samples, np.array([athlete]), np.array([i])))
        states.append(whole.state(0))
    return states


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), data=st.data())
def test_an_athletes_figures_do_not_depend_on_who_else_is_in_the_call(orientation, seed, data):
    samples = squad_samples(seed, ATHLETES, 30)
    rng = np.random.default_rng(data.draw(st.integers(0, 10_000)))
    whole = Whole(ATHLETES, orientation)
    whole.enter(np.arange(ATHLETES))
    done = np.zeros(ATHLETES, dtype=np.int64)
    while (done < samples.t.shape[1]).any():
        waiting = np.flatnonzero(done < samples.t.shape[1])
        rows = rng.permutation(waiting)[: rng.integers(1, len(waiting) + 1)]
        whole.update(rows, at(samples, rows, done[rows]))
        done[rows] += 1
    assert [whole.state(row) for row in range(ATHLETES)] == run_alone(samples, orientation)


def as_json(state):
    return json.loads(json.dumps(state, allow_nan=False))


def as_pickle(state):
    return pickle.loads(pickle.dumps(state))


def test_a_big_squad_gets_bit_for_bit_what_one_athlete_gets():
    samples = squad_samples(3, 64, 40)
    many, one = Whole(64), Whole(1)
    rows = np.arange(64)
    many.enter(rows)
    one.enter(np.array([0]))
    for i in range(40):
        many.update(rows, at(samples, rows, np.full(64, i)))
        one.update(np.array([0]), at(samples, np.array([63]), np.array([i])))
    assert many.state(63) == one.state(0)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("carry", [as_json, as_pickle])
def test_state_survives_the_journal_and_goes_on_to_the_last_bit(orientation, carry):
    samples = squad_samples(1, 2, 120)
    first, second = Whole(2, orientation), Whole(3, orientation)
    row = np.array([1])
    first.enter(row)
    for i in range(80):
        first.update(row, at(samples, row, np.array([i])))
    second.set_state(1, carry(first.state(1)))
    for i in range(80, 120):
        for whole in (first, second):
            whole.update(row, at(samples, row, np.array([i])))
    expected, got = first.state(1), second.state(1)
    if orientation.__name__ == "ImuFusion":  # its start-up ramp may begin again, a matter of seconds
        expected.pop("orientation"), got.pop("orientation")
    assert got == expected


def test_growing_keeps_what_is_there_and_resetting_forgets_it():
    samples = squad_samples(2, 2, 40)
    whole, fresh = Whole(2), Whole(2)
    rows = np.arange(2)
    whole.enter(rows)
    for i in range(40):
        whole.update(rows, at(samples, rows, np.array([i, i])))
    before = [whole.state(0), whole.state(1)]
    for part in whole.parts.values():
        part.grow(7)
        assert part.capacity == 7
        part.grow(3)
        assert part.capacity == 7
    assert [whole.state(0), whole.state(1)] == before
    for part in whole.parts.values():
        part.reset(np.array([1]))
    assert whole.state(0) == before[0]
    assert whole.state(1) == whole.state(6) == fresh.state(1)


def test_nothing_measured_gives_no_numbers():
    whole = Whole(1)
    row = np.array([0])
    nothing = at(squad_samples(0, 1, 2), row, row)
    nothing = type(nothing)(nothing.t, *(np.full_like(v, np.nan) for k, v in vars(nothing).items() if k != "t"))
    whole.update(row, nothing)
    _, bpm, hr_max, trimp, zone, energy, stress, load, speed, impacts, linear = whole.update(row, nothing)
    for figure in (bpm, hr_max, trimp, energy, stress, load, speed, linear):
        assert np.isnan(figure).all()
    assert zone[0] == -1
    assert impacts == []
    assert np.isnan(whole.zones.seconds(row)).all()
    assert np.isnan(whole.locomotion.total("sprints", row)).all()
    assert np.isnan(whole.impacts.counts(row)).all()
