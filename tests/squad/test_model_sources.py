from __future__ import annotations

import gc

import numpy as np
import pytest

from athlete_monitor.athletes import Profile
from athlete_monitor.features import GROUPS, PROFILE_FEATURES, FeatureSpec
from athlete_monitor.models.model import Model
from athlete_monitor.squad.model_sources import LiveSource, RecordedSource
from athlete_monitor.squad.prediction import ModelBook
from tests.models.kit import World, artifacts, draft, store_in

SPEC = FeatureSpec()
ACCELERATION = ("acceleration",)
NAMES = SPEC.names(ACCELERATION)
EVERYTHING = np.ones((1, len(GROUPS)), dtype=bool)


def publish(store, athlete, level_bpm=120.0):
    names = (*NAMES, *PROFILE_FEATURES) if athlete == "default" else NAMES
    manifest = draft(athlete, feature_names=names, groups=ACCELERATION, schema_hash=SPEC.schema_hash(ACCELERATION))
    return store.publish(manifest, artifacts(level_bpm=level_bpm, n_features=len(names)).by_kind())


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = store_in(tmp_path_factory.mktemp("store"))
    for athlete in ("default", *range(1, 7)):
        publish(store, athlete)
    return store


def models_in_memory():
    gc.collect()
    return sum(type(each) is Model for each in gc.get_objects())


class Squad:
    """A model book over a real loader, its rows in the test's hands."""

    def __init__(self, store, cache_size, source=LiveSource):
        self.world = World()
        self.loader = self.world.loader(store, cache_size=cache_size)
        self.book = ModelBook(source(self.loader), SPEC)
        self.rows: list[int] = []

    def join(self, *athletes):
        for athlete in athletes:
            self.book.add(athlete, Profile(athlete))
            self.rows.append(athlete)

    def leave(self, athlete):
        self.book.remove(athlete)
        self.rows.remove(athlete)

    def step(self):
        """A second of life: models are chosen, used, and loaded meanwhile."""
        rows = np.array(self.rows)
        self.book.serving(rows, EVERYTHING.repeat(len(rows), axis=0))
        predicted = self.book.predict(rows, np.ones((len(rows), len(SPEC.names())), dtype=np.float32))
        self.world.run_jobs()
        self.world.now_s += 1.0
        return predicted

    def served_by(self):
        return {row: str(self.book.model_id(row)).partition("@")[0] for row in self.rows}


def test_the_squads_model_serves_until_an_athletes_own_one_is_loaded(store):
    squad = Squad(store, cache_size=7)
    squad.join(1, 2)
    assert np.isfinite(squad.step()).all()
    assert squad.served_by() == {1: "default", 2: "default"}
    squad.step()
    assert squad.served_by() == {1: "1", 2: "2"}


def test_no_more_models_than_cache_size_are_in_memory_while_more_athletes_are_live(store, caplog):
    squad = Squad(store, cache_size=3)
    before = models_in_memory()
    squad.join(1, 2, 3, 4, 5, 6)
    for _ in range(4):
        assert np.isfinite(squad.step()).all(), "everybody is served"
        squad.book.look_again()
        assert models_in_memory() - before <= 3
    assert squad.served_by() == {1: "1", 2: "2", 3: "default", 4: "default", 5: "default", 6: "default"}
    assert squad.loader.get_cache_info()["athletes_waiting"] == 4
    assert caplog.text.count("athletes_without_place") == 1

    squad.leave(1)
    for _ in range(3):
        squad.book.look_again()
        squad.step()
        assert models_in_memory() - before <= 3
    assert squad.served_by() == {2: "2", 3: "3", 4: "default", 5: "default", 6: "default"}


def test_two_devices_of_one_athlete_share_a_place_until_both_have_gone(store):
    squad = Squad(store, cache_size=2)
    squad.book.add(10, Profile(1))
    squad.rows.append(10)
    squad.join(1, 2)
    squad.step()
    squad.step()
    squad.leave(10)
    squad.book.look_again()
    squad.step()
    assert squad.served_by() == {1: "1", 2: "default"}


def test_recordings_are_served_by_their_own_models_from_the_first_row_on(store):
    squad = Squad(store, cache_size=3, source=lambda loader: RecordedSource(loader, 10**9))
    squad.join(1, 2, 3, 4, 5, 6)
    squad.step()
    assert squad.served_by() == {athlete: str(athlete) for athlete in range(1, 7)}
