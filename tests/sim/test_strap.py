import numpy as np
import pytest

from athlete_monitor.sim.randomness import generator
from athlete_monitor.sim.strap import HOLD_S, read, worn

HEART = np.tile(100 + 30 * np.sin(np.arange(20_000) / 60), (2, 1))
CADENCE = np.full_like(HEART, 165.0)


def draws(seed, seconds):
    rng = generator(seed)
    return np.concatenate((rng.standard_normal((2, 1, seconds)), rng.random((2, 2, seconds))), axis=1)


def test_a_strap_with_contact_reads_whole_numbers_close_to_the_heart():
    readings = read(worn(2), HEART, CADENCE, draws(1, HEART.shape[1]), 0.0).bpm
    assert np.array_equal(readings, np.rint(readings))
    assert np.abs(readings - HEART).mean() < 1.0
    assert np.abs(readings - HEART).max() < 5.0


@pytest.mark.parametrize("share", [0.02, 0.1, 0.4])
def test_contact_is_lost_for_the_wanted_share_of_the_time(share):
    readings = read(worn(2), HEART, CADENCE, draws(2, HEART.shape[1]), share).bpm
    wrong = np.isnan(readings) | (np.abs(readings - HEART) > 5.0)
    assert 0.3 * share < wrong.mean() < 1.2 * share


def test_a_strap_that_slips_counts_steps():
    readings = read(worn(2), HEART, CADENCE, draws(3, HEART.shape[1]), 0.1).bpm
    steps = (np.abs(readings - CADENCE) < 15) & (np.abs(readings - HEART) > 20)
    assert steps.sum() > 50


def test_a_strap_without_contact_repeats_itself_and_then_says_nothing():
    lost = np.zeros((1, 3, 12))
    lost[:, 1] = 0.9
    lost[:, 1, 0] = 1.0
    lost[:, 1, 1] = 0.0
    lost[:, 2] = 1.0
    said = read(worn(1), np.arange(100.0, 112.0)[None], np.zeros((1, 12)), lost, 0.5)
    readings = said.bpm[0]
    assert said.contact[0].tolist() == [1.0] + [0.0] * 11
    assert readings[: HOLD_S + 1].tolist() == [100.0] * (HOLD_S + 1)
    assert np.isnan(readings[HOLD_S + 1 :]).all()


@pytest.mark.parametrize("share", [0.0, 0.1, 0.4])
def test_a_strap_says_whether_it_has_contact(share):
    said = read(worn(2), HEART, CADENCE, draws(2, HEART.shape[1]), share)
    assert said.contact.mean() == pytest.approx(1.0 - share, abs=0.05)
    good = said.contact == 1.0
    assert np.abs(said.bpm - HEART)[good].max() < 5.0
