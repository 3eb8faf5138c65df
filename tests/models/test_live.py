from __future__ import annotations

import pytest

from athlete_monitor.models.live import ARRIVALS_S
from tests.models.kit import World, held_bytes, publish, store_in


@pytest.fixture
def world():
    return World()


@pytest.fixture
def store(tmp_path):
    store = store_in(tmp_path)
    for athlete in range(1, 7):
        publish(store, athlete)
    return store


def served(loader, athletes):
    return [athlete for athlete in athletes if loader.live_model(athlete)]


def test_an_athletes_model_is_loaded_in_the_background_and_announced(world, store):
    loader = world.loader(store)
    assert loader.live_model(1) is None
    assert loader.get_cache_info()["athletes_loading"] == 1
    assert loader.live.take_arrivals() == frozenset()
    world.run_jobs()
    assert loader.live.take_arrivals() == {1}
    assert loader.live.take_arrivals() == frozenset()
    assert loader.live_model(1).manifest.athlete_id == 1
    assert loader.get_cache_info()["athletes_loading"] == 0


def test_a_few_who_come_together_are_served_by_their_own_models_at_once(world, store):
    loader = world.loader(store, cache_size=6, at_once=2)
    assert served(loader, [1, 2, 3, 4]) == [1, 2]
    assert len(world.jobs) == 2
    world.now_s += 10.0
    assert served(loader, [5]) == [], "nobody overtakes those who wait"
    world.run_jobs()
    world.now_s += 10.0
    assert served(loader, [1, 2, 3, 4, 5, 6]) == [1, 2, 3, 4, 5, 6]


def test_a_model_is_requested_once_while_it_is_loaded(world, store):
    loader = world.loader(store)
    for _ in range(5):
        loader.live_model(1)
    assert len(world.jobs) == 1


def test_arrivals_are_gathered_while_others_are_loaded(world, store):
    loader = world.loader(store, cache_size=6)
    served(loader, [1, 2, 3])
    world.jobs.pop(0)()
    assert loader.live.take_arrivals() == {1}, "the first at once"
    world.jobs.pop(0)()
    assert loader.live.take_arrivals() == frozenset()
    world.now_s += ARRIVALS_S
    assert loader.live.take_arrivals() == {2}
    world.jobs.pop(0)()
    assert loader.live.take_arrivals() == {3}, "and the last"


def test_beyond_the_cache_size_athletes_wait_in_the_order_in_which_they_came(world, store):
    loader = world.loader(store, cache_size=3)
    served(loader, [4, 5, 6, 1, 2])
    world.run_jobs()
    assert served(loader, [4, 5, 6, 1, 2]) == [4, 5, 6]
    info = loader.get_cache_info()
    assert (info["models_loaded"], info["models_in_use"], info["athletes_waiting"]) == (3, 3, 2)

    loader.live.end(5)
    served(loader, [2, 1])
    world.run_jobs()
    assert served(loader, [4, 6, 1, 2]) == [4, 6, 1]
    assert loader.get_cache_info()["athletes_waiting"] == 1
    assert loader.get_cache_info()["cached_models"] == [4, 6, 1], "the model that nobody uses made room"


def test_the_squads_model_counts_and_displaces_the_last_when_it_appears(world, store):
    loader = world.loader(store, cache_size=3)
    served(loader, [1, 2, 3])
    world.run_jobs()
    publish(store, "default")
    assert served(loader, [1, 2, 3]) == [1, 2]
    assert loader.get_model(9).is_default
    assert loader.get_cache_info()["cache_size"] == 3


def test_an_athlete_without_a_model_takes_no_place(world, store):
    loader = world.loader(store, cache_size=1)
    assert served(loader, [77, 78]) == []
    served(loader, [1])
    world.run_jobs()
    assert served(loader, [77, 78, 1]) == [1]
    assert loader.get_cache_info()["athletes_waiting"] == 0


def test_an_athlete_whose_model_is_refused_takes_no_place(world, store):
    loader = world.loader(store, cache_size=1)
    (store.updated / "hb_1_model.onnx").write_bytes(b"x")
    for _ in range(2):
        served(loader, [1, 2])
        world.run_jobs()
    assert served(loader, [1, 2]) == [2]
    assert "hb_1_model" in loader.why_not(1)


def test_the_bytes_of_models_in_use_are_bounded_as_well(world, store):
    size = held_bytes(world, store)
    loader = world.loader(store, cache_size=6, total_model_memory_bytes=int(2.5 * size))
    for _ in range(3):
        served(loader, [1, 2, 3, 4])
        world.run_jobs()
    assert served(loader, [1, 2, 3, 4]) == [1, 2]
    loaded = loader.get_cache_info()["models_loaded"]
    for _ in range(5):
        served(loader, [1, 2, 3, 4])
        world.run_jobs()
    assert loader.get_cache_info()["models_loaded"] == loaded, "who waits is not loaded again and again"

    loader.live.end(2)
    for _ in range(3):
        served(loader, [1, 3, 4])
        world.run_jobs()
    assert len(served(loader, [1, 3, 4])) == 2


def test_models_in_use_stay_when_memory_is_short_and_others_go(world, store):
    loader = world.loader(store, cache_size=5, memory_warning_percent=85.0)
    loader.preload_models([4, 5, 6])
    served(loader, [1, 2])
    world.run_jobs()
    world.used_percent = 95.0
    for _ in range(6):
        world.now_s += 1.0
        loader.look_around()
    assert sorted(loader.get_cache_info()["cached_models"]) == [1, 2]
    assert served(loader, [1, 2]) == [1, 2]


def test_a_replaced_model_is_announced(world, store):
    loader = world.loader(store)
    loader.live_model(1)
    world.run_jobs()
    loader.live.take_arrivals()
    new = publish(store, 1)
    loader.request_reload(1)
    world.run_jobs()
    assert loader.live.take_arrivals() == {1}
    assert loader.live_model(1).manifest == new


def test_an_athlete_who_left_before_the_load_began_costs_none(world, store):
    loader = world.loader(store)
    loader.live_model(1)
    loader.live.end(1)
    world.run_jobs()
    assert loader.get_cache_info()["models_loaded"] == 0
    assert loader.live.take_arrivals() == frozenset()
