from __future__ import annotations

import gc
import shutil
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

import dynamic_model_loader
from athlete_monitor.config import load_config
from athlete_monitor.errors import ModelError
from athlete_monitor.features import PROFILE_FEATURES, FeatureSpec
from athlete_monitor.models.loader import DynamicModelLoader
from athlete_monitor.models.memory import CROWDED_S
from athlete_monitor.models.schema import features_check
from tests.models.kit import N_FEATURES, World, artifacts, draft, held_bytes, publish, rows, runtime, store_in

if TYPE_CHECKING:
    from athlete_monitor.models.manifest import ArtifactKind


@pytest.fixture
def world():
    return World()


@pytest.fixture
def store(tmp_path):
    return store_in(tmp_path)


@dataclass
class CountingRuntime:
    """The real ONNX runtime, counting its loads; a load waits for ``gate``."""

    loads: int = 0
    gate: threading.Event = field(default_factory=threading.Event)
    name: str = "onnx"
    kind: ArtifactKind = "onnx"
    device: str = "cpu"

    def load(self, artifact, n_features):
        assert self.gate.wait(30)
        self.loads += 1
        return runtime().load(artifact, n_features)

    def join(self, predictors):
        return runtime().join(predictors)


def bpm(model):
    return model.predict(rows(50)).mean()


# ----------------------------------------------------------------------------------------------------- the interface


def test_the_program_offers_the_interface_that_users_know(store):
    for athlete in (1, 2, 30):
        publish(store, athlete)
    loader = dynamic_model_loader.DynamicModelLoader(
        models_dir=str(store.updated), cache_size=3, device="cpu", enable_memory_monitoring=True
    )
    model = loader.get_model(player_id=1)
    assert model is not None
    assert model.predict(rows(4)).shape == (4,)
    assert model.predict(rows(4)).dtype == np.float32
    assert loader.get_available_player_ids() == [1, 2, 30]
    assert loader.is_model_available(30)
    assert not loader.is_model_available(3)
    loader.preload_models([2, 30])
    assert loader.get_cache_info()["cached_models"] == [1, 2, 30]
    loader.clear_cache()
    assert loader.get_cache_info()["cached_models"] == []
    assert loader.cache_size == 3
    assert loader.device == "cpu"
    assert dynamic_model_loader.create_dynamic_model_loader(cache_size=4).cache_size == 4


def test_a_model_knows_what_it_is(world, store):
    manifest = publish(store)
    model = world.loader(store).get_model(7)
    assert model.manifest == manifest
    assert model.model_id == manifest.model_id
    assert not model.is_default
    assert not model.is_fallback


def test_the_information_adds_up(world, store):
    for athlete in (1, 2, 3, 4):
        publish(store, athlete)
    loader = world.loader(store, cache_size=2)
    for athlete in (1, 2, 1, 3, 9):
        loader.get_model(athlete)
    info = loader.get_cache_info()
    assert (info["cache_hits"], info["total_requests"], info["models_loaded"], info["models_evicted"]) == (1, 6, 3, 1)
    assert info["cache_hit_rate"] == pytest.approx(1 / 6)
    assert (info["cache_size"], info["max_cache_size"], info["cached_models"]) == (2, 2, [1, 3])
    assert info["available_models"] == 4
    assert info["bytes_held"] == sum(info["bytes_per_model"].values()) == 2 * held_bytes(world, store)
    assert info["rss_bytes"] == world.rss
    assert info["peak_rss_bytes"] > 0
    assert info["average_load_time"] > 0
    assert info["refused"] == {9: "no model of its own", "default": "no default model"}
    assert (info["runtime"], info["device"]) == ("onnx", "cpu")


def test_the_configuration_opens_and_fills_a_loader(make_config, tmp_path):
    store = store_in(tmp_path)
    publish(store, 1)
    publish(store, 2)
    config = load_config(
        make_config(
            model_loading={"models_directory": str(store.updated), "runtime": "onnx", "preload_players": [2, 1]}
        )
    )
    loader = DynamicModelLoader.from_config(config)
    assert loader.get_cache_info()["cached_models"] == [2, 1]
    assert loader.runtime.name == "onnx"
    assert loader.limits.memory_warning_percent == config.performance.memory_warning_threshold
    assert loader.limits.reload_check_s == config.model_loading.reload_check_s


def test_preloading_stops_when_the_cache_is_full(world, store):
    for athlete in (1, 2, 3):
        publish(store, athlete)
    loader = world.loader(store, cache_size=2)
    loader.preload_models([1, 2, 3])
    assert loader.get_cache_info()["cached_models"] == [1, 2]


@pytest.mark.parametrize("athlete_id", [0, -1, "../7", None, 1.5])
def test_an_id_that_is_none_is_an_error(world, store, athlete_id):
    with pytest.raises(ModelError, match="is not allowed"):
        world.loader(store).get_model(athlete_id)


# ------------------------------------------------------------------------------------------- who is served by what


def test_an_athlete_without_a_model_is_served_by_the_default_one_and_it_is_marked(world, store):
    publish(store, "default", level_bpm=100.0)
    publish(store, 7)
    loader = world.loader(store)
    assert loader.get_model(9).is_default
    assert loader.why_not(9) == "no model of its own"
    assert not loader.get_model(7).is_default


def test_without_a_default_model_there_is_none_and_a_reason(world, store):
    loader = world.loader(store)
    assert loader.get_model(9) is None
    assert loader.why_not(9) == "no model of its own"


def test_a_missing_model_is_not_looked_for_again_for_a_while(world, store):
    loader = world.loader(store, missing_ttl_s=30.0, reload_check_s=1e9)
    assert loader.get_model(9) is None
    publish(store, 9)
    world.now_s += 29.0
    assert loader.get_model(9) is None
    world.now_s += 2.0
    assert loader.get_model(9).manifest.athlete_id == 9


def test_a_model_that_appears_is_seen_at_the_next_look(world, store):
    loader = world.loader(store, missing_ttl_s=1e9, reload_check_s=5.0)
    assert loader.get_model(9) is None
    publish(store, 9)
    loader.look_around()
    assert not world.jobs
    world.now_s += 5.0
    loader.look_around()
    world.run_jobs()
    assert loader.get_model(9).manifest.athlete_id == 9
    assert loader.why_not(9) is None


def damage_artifact(store):
    (store.updated / "hb_7_model.onnx").write_bytes(b"x")


def damage_manifest(store):
    (store.updated / "hb_7_model.json").write_bytes(b"{")


def newer_format(store):
    path = store.updated / "hb_7_model.json"
    path.write_bytes(path.read_bytes().replace(b'"format_version": 1', b'"format_version": 2'))


def another_athletes(store):
    publish(store, 8)
    for name in ("json", "onnx"):
        shutil.copy(store.updated / f"hb_8_model.{name}", store.updated / f"hb_7_model.{name}")


def other_features(store):
    store.publish(draft(7, n_features=9), artifacts(n_features=12).by_kind())


def bomb(store):
    store.publish(draft(7), artifacts().by_kind() | {"onnx": bytes(10_000_000)})


@pytest.mark.parametrize(
    "harm",
    [
        damage_artifact,
        damage_manifest,
        newer_format,
        another_athletes,
        other_features,
        pytest.param(bomb, marks=pytest.mark.campaign),
    ],
)
def test_a_model_that_went_bad_leaves_the_last_good_one_in_service(world, store, harm):
    first = publish(store, 7, level_bpm=100.0)
    second = publish(store, 7, level_bpm=120.0)
    publish(store, "default", level_bpm=80.0)
    loader = world.loader(store)
    serving = loader.get_model(7)
    harm(store)

    loader.reload(7)
    assert loader.get_model(7) is serving, "the one in memory stays"
    assert "hb_7_model" in loader.why_not(7) or "of model 7@" in loader.why_not(7)
    assert "\n" not in loader.why_not(7)

    del serving
    loader.clear_cache()
    gc.collect()
    earlier = loader.get_model(7)
    assert earlier.is_fallback, "else the version before, from the disk"
    assert earlier.manifest in (first, second)
    assert bpm(earlier) > 95.0

    del earlier
    loader.clear_cache()
    shutil.rmtree(store.previous)
    assert loader.get_model(7).is_default, "else the default"

    loader.clear_cache()
    shutil.rmtree(store.updated)
    assert loader.get_model(7) is None, "else nothing, with a reason"
    assert loader.why_not(7)


def test_a_fallback_ends_when_the_model_is_mended(world, store):
    publish(store, 7, level_bpm=100.0)
    publish(store, 7, level_bpm=120.0)
    whole = (store.updated / "hb_7_model.onnx").read_bytes()
    damage_artifact(store)
    loader = world.loader(store, missing_ttl_s=30.0, reload_check_s=5.0)
    assert loader.get_model(7).is_fallback
    (store.updated / "hb_7_model.onnx").write_bytes(whole)
    world.now_s += 31.0
    loader.look_around()
    world.run_jobs()
    assert not loader.get_model(7).is_fallback
    assert loader.why_not(7) is None


def test_a_folder_that_vanishes_and_comes_back_costs_no_prediction(world, store, tmp_path):
    publish(store, 7)
    loader = world.loader(store)
    serving = loader.get_model(7)
    store.updated.rename(tmp_path / "away")
    for _ in range(3):
        world.now_s += 6.0
        assert loader.get_model(7) is serving
        world.run_jobs()
    assert "no longer in the store" in loader.why_not(7)
    (tmp_path / "away").rename(store.updated)
    world.now_s += 60.0
    loader.look_around()
    world.run_jobs()
    assert loader.get_model(7).model_id == serving.model_id


def test_a_folder_that_does_not_exist_yet_is_no_error(world, store):
    loader = world.loader(store)
    assert loader.get_available_player_ids() == []
    assert loader.get_model(7) is None
    publish(store, 7)
    loader.reload(7)
    assert loader.get_model(7) is not None


def test_a_model_for_other_features_is_refused_with_what_to_do(world, store):
    spec = FeatureSpec()
    groups = ("acceleration",)
    names, schema_hash = spec.names(groups), spec.schema_hash(groups)
    right: dict[str, Any] = {"groups": groups, "schema_hash": schema_hash}
    check = features_check(spec)
    check(draft(7, feature_names=names, **right))
    check(draft("default", feature_names=(*names, *PROFILE_FEATURES), **right))
    for wrong in (
        draft(7, feature_names=names[::-1], **right),
        draft(7, feature_names=(*names, *PROFILE_FEATURES), **right),
        draft("default", feature_names=names, **right),
        draft(7, feature_names=names, groups=groups, schema_hash="other"),
    ):
        with pytest.raises(ModelError, match="train the model again"):
            check(wrong)
    with pytest.raises(ModelError, match="unknown feature group 'smell'"):
        check(draft(7, feature_names=names, groups=("smell",), schema_hash=schema_hash))
    publish(store, 7)
    loader = world.loader(store, accept=check)
    assert loader.get_model(7) is None
    assert "train the model again" in loader.why_not(7)


# --------------------------------------------------------------------------------------------------------- reloading


def test_a_new_model_replaces_the_old_one_aside(world, store):
    publish(store, 7, level_bpm=100.0)
    loader = world.loader(store, reload_check_s=5.0)
    old = loader.get_model(7)
    new = publish(store, 7, level_bpm=140.0)
    world.now_s += 5.0
    assert loader.get_model(7) is old, "until the new one is loaded"
    assert len(world.jobs) == 1
    world.run_jobs()
    assert loader.get_model(7).manifest == new
    assert bpm(loader.get_model(7)) - bpm(old) == pytest.approx(40.0, abs=1.0)
    assert loader.get_cache_info()["models_reloaded"] == 1


def test_manifests_are_not_looked_at_more_often_than_configured(world, store):
    publish(store, 7, level_bpm=100.0)
    loader = world.loader(store, reload_check_s=5.0)
    loader.get_model(7)
    publish(store, 7)
    for _ in range(4):
        world.now_s += 1.1
        loader.get_model(7)
    assert world.jobs == []
    world.now_s += 1.0
    loader.get_model(7)
    assert len(world.jobs) == 1


def test_a_notification_asks_for_one_reload_however_often_it_comes(world, store):
    publish(store, 7)
    loader = world.loader(store)
    loader.get_model(7)
    for _ in range(5):
        loader.request_reload(7)
    assert len(world.jobs) == 1
    world.run_jobs()
    loader.request_reload(7)
    assert len(world.jobs) == 1


def test_a_signal_reloads_what_changed_and_nothing_else(world, store):
    for athlete in (1, 2, 3):
        publish(store, athlete)
    loader = world.loader(store)
    loader.preload_models([1, 2, 3])
    publish(store, 2)
    assert loader.reload_changed() == [2]
    world.run_jobs()
    assert loader.reload_changed() == []


def test_a_failed_reload_is_tried_again_only_after_a_while(world, store):
    publish(store, 7)
    loader = world.loader(store, missing_ttl_s=30.0)
    serving = loader.get_model(7)
    damage_manifest(store)
    loader.reload_changed()
    world.run_jobs()
    assert loader.reload_changed() == []
    world.now_s += 31.0
    assert loader.reload_changed() == [7]
    assert loader.get_model(7) is serving
    assert loader.get_cache_info()["failed_loads"] == 1


def test_a_reload_of_an_athlete_who_is_not_in_memory_loads_nothing(world, store):
    publish(store, 7)
    loader = world.loader(store)
    assert loader.reload(7) is None
    assert loader.get_cache_info()["models_loaded"] == 0


def test_the_default_reload_thread_swaps_the_model(store):
    publish(store, 7, level_bpm=100.0)
    loader = DynamicModelLoader(store.updated, runtime=runtime(), store=store)
    old = loader.get_model(7)
    new = publish(store, 7)
    loader.request_reload(7)
    done = threading.Event()
    loader.probes.run_aside(done.set)
    assert done.wait(30)
    swapped = loader.get_model(7)
    assert swapped is not None
    assert swapped.manifest == new
    assert np.isfinite(bpm(old)), "who still uses the old model can finish"


# ------------------------------------------------------------------------------------------------ memory and crowding


def test_under_memory_pressure_the_oldest_go_and_room_comes_back(world, store):
    for athlete in range(1, 6):
        publish(store, athlete)
    loader = world.loader(store, cache_size=5, memory_warning_percent=85.0)
    loader.preload_models(range(1, 6))
    loader.get_model(1)
    world.used_percent = 90.0
    for expected in ([1, 3, 4, 5], [1, 4, 5], [1, 5], [1], [1]):
        world.now_s += 1.0
        loader.look_around()
        assert sorted(loader.get_cache_info()["cached_models"]) == expected
    world.used_percent = 82.0
    world.now_s += 1.0
    loader.look_around()
    assert loader.get_cache_info()["cache_limit"] == 1, "not eased enough to grow"
    world.used_percent = 60.0
    for limit in (2, 3, 4, 5, 5):
        world.now_s += 1.0
        loader.look_around()
        assert loader.get_cache_info()["cache_limit"] == limit


def test_without_memory_monitoring_the_cache_keeps_its_size(world, store):
    publish(store, 7)
    loader = world.loader(store)
    loader.enable_memory_monitoring = False
    world.used_percent = 99.0
    loader.get_model(7)
    world.now_s += 10.0
    loader.look_around()
    assert loader.get_cache_info()["cache_limit"] == 3


def test_the_bytes_of_all_models_stay_below_the_limit(world, store):
    for athlete in range(1, 5):
        publish(store, athlete)
    size = held_bytes(world, store)
    loader = world.loader(store, cache_size=4, total_model_memory_bytes=int(2.5 * size))
    for athlete in range(1, 5):
        loader.get_model(athlete)
    assert loader.get_cache_info()["cached_models"] == [3, 4]


def test_a_model_that_is_larger_than_all_memory_for_models_is_refused_with_the_settings_name(world, store):
    publish(store, 7)
    loader = world.loader(store, total_model_memory_bytes=100)
    assert loader.get_model(7) is None
    assert "total_model_memory_mb" in loader.why_not(7)


def test_a_version_before_that_is_too_large_is_refused_as_well(world, store):
    publish(store, 7)
    publish(store, 7)
    loader = world.loader(store, total_model_memory_bytes=100)
    assert loader.get_model(7) is None


def test_the_growth_of_memory_is_what_a_model_weighs_of_unknown_size(world, store):
    pytest.importorskip("torch")
    publish(store, 7)
    growth = iter(range(10, 1000, 50))
    loader = world.loader(store)
    loader.reader.runtime = runtime("hummingbird")
    loader.reader.rss_bytes = lambda: next(growth) * 1_000_000
    assert loader.get_model(7).held_bytes == 50_000_000


def test_more_athletes_than_the_cache_holds_are_all_served_and_one_warning_names_the_setting(world, store, caplog):
    for athlete in range(1, 7):
        publish(store, athlete)
    loader = world.loader(store, cache_size=3)
    for _ in range(4):
        for athlete in range(1, 7):
            assert loader.get_model(athlete).manifest.athlete_id == athlete
        world.now_s += 0.1
    warnings = [record.getMessage() for record in caplog.records if "cache_too_small" in record.getMessage()]
    assert len(warnings) == 1
    assert "model_loading.cache_size" in warnings[0]


def test_athletes_who_take_turns_slowly_are_no_crowd(world, store, caplog):
    for athlete in range(1, 5):
        publish(store, athlete)
    loader = world.loader(store, cache_size=2)
    for athlete in (1, 2, 3, 4, 1, 2):
        loader.get_model(athlete)
        world.now_s += CROWDED_S
    assert "cache_too_small" not in caplog.text


def test_an_evicted_model_that_is_still_used_is_taken_back_without_a_load(world, store):
    for athlete in range(1, 5):
        publish(store, athlete)
    loader = world.loader(store, cache_size=2)
    used = {athlete: loader.get_model(athlete) for athlete in range(1, 5)}
    assert loader.get_cache_info()["models_loaded"] == 4
    assert all(loader.get_model(athlete) is used[athlete] for athlete in (1, 2, 3, 4))
    info = loader.get_cache_info()
    assert (info["models_loaded"], info["cache_size"], info["models_in_use"]) == (4, 2, 4)
    assert info["bytes_in_use"] > info["bytes_held"]
    used.clear()
    gc.collect()
    assert loader.get_cache_info()["models_in_use"] == 2
    new = publish(store, 1)
    loader.get_model(1)
    assert loader.get_model(1).manifest == new, "a stale one is not taken back"


# ----------------------------------------------------------------------------------------------------------- threads


def test_a_model_is_loaded_once_however_many_threads_ask(world, store):
    publish(store, 7)
    counting = CountingRuntime()
    loader = DynamicModelLoader(store.updated, runtime=counting, store=store, probes=world.probes())
    got = []
    threads = [threading.Thread(target=lambda: got.append(loader.get_model(7))) for _ in range(16)]
    for thread in threads:
        thread.start()
    counting.gate.set()
    for thread in threads:
        thread.join()
    assert len(got) == 16
    assert len({id(model) for model in got}) == 1
    assert loader.get_cache_info()["models_loaded"] == 1
    assert counting.loads == 2, "the first model of a process is loaded once more, to be weighed"


def test_sixteen_threads_get_the_right_models_while_they_change_and_go(store):
    levels = {athlete: 80.0 + 10 * (athlete % 3) for athlete in range(1, 9)}
    for athlete, level in levels.items():
        publish(store, athlete, level)
    expected = {athlete: artifacts(level_bpm=level) for athlete, level in levels.items()}
    X = rows(5)
    answers = {athlete: runtime().load(a.onnx, N_FEATURES).predict(X) for athlete, a in expected.items()}
    loader = DynamicModelLoader(store.updated, 3, runtime=runtime(), store=store)
    problems: list[object] = []

    def ask(seed):
        chance = np.random.default_rng(seed)
        for athlete in chance.integers(1, 9, 60).tolist():
            model = loader.get_model(athlete)
            if model is None or not np.array_equal(model.predict(X), answers[athlete]):
                problems.append((athlete, model))

    def disturb():
        for athlete in (1, 2, 3, 4) * 3:
            publish(store, athlete, levels[athlete])
            loader.reload_changed()
            loader.get_cache_info()

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(15)] + [threading.Thread(target=disturb)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert loader.get_cache_info()["cache_size"] <= 3


# ------------------------------------------------------------------------------------- the cache, as the loader has it


class LoaderAgainstSlowLoader(RuleBasedStateMachine):
    """A loader over a real store does what a list of ids, oldest first, says."""

    keys = st.integers(1, 6)

    def __init__(self):
        super().__init__()
        self.world = World()
        self.loader = self.world.loader(SHARED["store"], cache_size=3)
        self.order = []
        self.loads = 0

    def slow_get(self, key):
        model = key if key in SHARED["present"] else "default"
        if model in self.order:
            self.order.remove(model)
        else:
            self.loads += 1
        self.order = [*self.order, model][-self.loader.memory.limit :]
        return model

    @rule(key=keys)
    def get(self, key):
        model = self.loader.get_model(key)
        assert model is not None
        assert model.manifest.athlete_id == self.slow_get(key)

    @rule()
    def clear(self):
        self.loader.clear_cache()
        self.order = []

    @rule(percent=st.sampled_from([50.0, 83.0, 95.0]))
    def live_a_second(self, percent):
        self.world.used_percent = percent
        self.world.now_s += 1.0
        self.loader.look_around()
        limit = self.loader.memory.limit
        self.order = self.order[-limit:]

    @invariant()
    def holds_the_same(self):
        info = self.loader.get_cache_info()
        assert set(info["cached_models"]) == set(self.order)
        assert info["models_loaded"] == self.loads
        assert info["cache_size"] <= info["cache_limit"] <= 3


SHARED: dict[str, Any] = {}


def test_the_loader_does_what_a_slow_loader_does(tmp_path):
    store = store_in(tmp_path)
    present = (1, 2, 3, 4)
    for athlete in (*present, "default"):
        publish(store, athlete)
    SHARED.update(store=store, present=present)
    case = LoaderAgainstSlowLoader.TestCase
    case.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
    case().runTest()
