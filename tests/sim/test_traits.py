import dataclasses
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor.athletes import Profile
from athlete_monitor.sim.traits import POSITIONS, STYLES, Traits, traits_of
from tests.helpers import ROOT

IDS = st.integers(1, 1_000_000)
SEEDS = st.integers(0, 2**63)


@given(IDS, SEEDS)
def test_a_body_is_one_that_a_person_could_have(athlete_id, seed):
    body = traits_of(athlete_id, seed)
    assert 18 <= body.age_years <= 35
    assert 150 <= body.height_cm <= 200
    assert 45 <= body.weight_kg <= 110
    assert 170 <= body.hr_max_bpm <= 215
    assert 38 <= body.hr_rest_bpm <= 75
    assert 20 <= body.tau_up_s <= 40
    assert 40 <= body.tau_down_s <= 90
    assert 0.7 <= body.fitness_level <= 1.0
    assert 0.8 <= body.fatigue_rate <= 1.2
    assert body.position in POSITIONS
    assert body.playing_style in STYLES


@given(IDS, SEEDS)
def test_an_athlete_has_the_same_body_every_time(athlete_id, seed):
    assert traits_of(athlete_id, seed) == traits_of(athlete_id, seed)


def test_a_body_is_the_same_in_every_process():
    script = "from athlete_monitor.sim.traits import traits_of; print(traits_of(7))"
    outputs = {
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env={"PYTHONHASHSEED": hash_seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert outputs == {f"{traits_of(7)}\n"}


def test_a_squad_is_made_of_different_people():
    squad = [traits_of(i) for i in range(1, 31)]
    assert len({(t.height_cm, t.weight_kg) for t in squad}) == 30
    assert {t.sex for t in squad} == {"male", "female"}
    assert {t.position for t in squad} == set(POSITIONS)


def test_what_the_roster_knows_wins_and_changes_nothing_else():
    known = Profile(7, weight_kg=99.5, hr_max_bpm=181.0, age_years=40.5)
    drawn, body = traits_of(7), traits_of(7, 0, known, "vest-7")
    assert (body.weight_kg, body.hr_max_bpm, body.age_years, body.device_id) == (99.5, 181.0, 40.5, "vest-7")
    unknown = {f.name for f in dataclasses.fields(Traits)} - {
        *("weight_kg", "hr_max_bpm", "age_years", "device_id", "hr_rest_bpm")
    }
    assert all(getattr(body, name) == getattr(drawn, name) for name in unknown)


def test_the_fit_have_a_quicker_heart():
    squad = sorted((traits_of(i) for i in range(1, 200)), key=lambda t: t.fitness_level)
    assert all(t.tau_up_s > 33 for t in squad[:20])
    assert all(t.tau_up_s < 27 for t in squad[-20:])
