"""The contract of a kind of model; every module of ``models/kinds`` passes all of it."""

from __future__ import annotations

import pickle
from functools import cache
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athlete_monitor.config import MODEL_KINDS, load_config
from athlete_monitor.errors import ConfigError, ModelError
from athlete_monitor.models.export import check_agreement
from athlete_monitor.models.kind import Task
from athlete_monitor.models.kinds import NAMES, kind_of
from athlete_monitor.models.kinds.forest_and_line import _wins
from athlete_monitor.models.line import fit_line, whole
from athlete_monitor.models.manifest import encode_manifest, is_signed, parse_manifest, sign
from tests.models.kit import N_FEATURES, draft, publish, runtime, store_in

KINDS = pytest.mark.parametrize("name", NAMES)
SHAPE = SimpleNamespace(
    n_estimators=12, max_depth=5, min_samples_split=8, min_samples_leaf=5, max_features=0.5, random_state=1
)


def heart_rate(X):
    return 120.0 + 20.0 * np.tanh(X[:, 0]) + 6.0 * X[:, 1]


@cache
def task(rising: bool = True, sessions: int = 3, seed: int = 3) -> Task:
    rng = np.random.default_rng(seed)
    X = (rng.normal(size=(600, N_FEATURES)) * 10.0 ** rng.uniform(-1, 2, N_FEATURES)).astype(np.float32)
    X[:, :2] = rng.normal(size=(600, 2))
    rises = np.zeros(N_FEATURES, dtype=np.int64)
    rises[:2] = int(rising)
    return Task(X, heart_rate(X), np.ones(600), np.arange(600) * sessions // 600, rises, SHAPE)


@cache
def fitted(name: str) -> Any:
    return kind_of(name).fit(task())


@KINDS
def test_every_export_agrees_with_the_original(name):
    kind, model = kind_of(name), fitted(name)
    assert set(check_agreement(model, kind.export(model), task().X)) == {"hummingbird", "onnx"}


@KINDS
@pytest.mark.parametrize("runs_on", ["hummingbird", "onnx"])
@given(data=st.data())
@settings(max_examples=12, deadline=None)
def test_a_row_gets_the_same_bits_in_any_company(name, runs_on, data):
    predictor = loaded(name, runs_on)
    X = task().X[data.draw(st.lists(st.integers(0, 599), min_size=1, max_size=140))]
    alone = np.concatenate([predictor.predict(X[i : i + 1]) for i in range(len(X))])
    assert np.array_equal(predictor.predict(X), alone)


@cache
def loaded(name: str, runs_on: str) -> Any:
    chosen = runtime(runs_on)
    return chosen.load(kind_of(name).export(fitted(name)).by_kind()[chosen.kind], N_FEATURES)


@KINDS
def test_joined_models_keep_their_bits(name):
    kind, chosen = kind_of(name), runtime("hummingbird")
    models = [kind.fit(task(seed=seed)) for seed in (3, 4)]
    predictors = [chosen.load(kind.export(model).hummingbird_zip, N_FEATURES) for model in models]
    joined = chosen.join(predictors)
    X, which = task().X[:60], np.arange(60) % 2
    assert joined is not None
    alone = np.concatenate([predictors[i % 2].predict(X[i : i + 1]) for i in range(60)])
    assert np.array_equal(joined.predict(X, which), alone)


@KINDS
def test_the_same_rows_give_the_same_model(name):
    again = kind_of(name).fit(task())
    assert np.array_equal(again.predict(task().X), fitted(name).predict(task().X))


@KINDS
def test_it_learns(name):
    X = np.random.default_rng(9).normal(size=(200, N_FEATURES)).astype(np.float32) * task().X.std(axis=0)
    error = np.abs(fitted(name).predict(X) - heart_rate(X)).mean()
    assert error < 0.7 * np.abs(heart_rate(X) - 120.0).mean()


@KINDS
def test_rows_count_as_much_as_their_weights_say(name):
    good, wrong = task(), task().y + 60.0
    X, y, session = np.concatenate([good.X, good.X]), np.concatenate([good.y, wrong]), np.tile(good.session, 2)
    weight = np.repeat([1.0, 1e-6], 600)
    model = kind_of(name).fit(Task(X, y, weight, session, good.rises, SHAPE))
    assert np.abs(model.predict(good.X) - good.y).mean() < 20.0


@KINDS
def test_more_effort_never_means_a_lower_heart_rate_where_the_trees_are_held_to_it(name):
    model = kind_of(name).fit(task(sessions=1))
    trees = getattr(model, "trees", model)
    X = np.repeat(task().X[:1], 50, axis=0)
    X[:, 0] = np.linspace(-3.0, 3.0, 50)
    assert (np.diff(trees.predict(X)) >= 0.0).all()


@KINDS
def test_it_is_described_in_plain_values_and_pickles(name):
    kind, model = kind_of(name), fitted(name)
    assert msgspec.json.decode(msgspec.json.encode(kind.facts(model))) == kind.facts(model)
    assert kind.importance(model).sum() == pytest.approx(1.0)
    restored = pickle.loads(kind.export(model).pickle)
    assert np.array_equal(restored.predict(task().X), model.predict(task().X))


@KINDS
def test_few_rows_are_enough(name):
    few = Task(task().X[:60], task().y[:60], np.ones(60), np.zeros(60, dtype=np.int64), task().rises, SHAPE)
    kind = kind_of(name)
    model = kind.fit(few)
    assert np.isfinite(model.predict(task().X)).all()
    check_agreement(model, kind.export(model), task().X)


@KINDS
def test_a_feature_without_spread_does_no_harm(name):
    flat = task().X.copy()
    flat[:, 3] = 7.0
    kind = kind_of(name)
    model = kind.fit(Task(flat, task().y, np.ones(600), task().session, task().rises, SHAPE))
    asked = flat.copy()
    asked[:, 3] = 1e6
    assert np.array_equal(model.predict(asked), model.predict(flat))
    check_agreement(model, kind.export(model), flat)


def test_the_configuration_knows_the_kinds_by_their_files(make_config):
    assert MODEL_KINDS == NAMES
    path = make_config(training={"kinds": ["random_forest", "oracle"]})
    with pytest.raises(ConfigError, match=r"kinds.*'oracle' is not a kind of model; known: extra_trees"):
        load_config(path)


def test_an_unknown_kind_is_named_with_the_known_ones():
    with pytest.raises(ModelError, match="known: extra_trees, forest_and_line, random_forest"):
        kind_of("oracle")


def test_a_manifest_from_before_there_were_kinds_is_read_and_its_signature_holds(tmp_path):
    old = publish(store_in(tmp_path))
    assert b'"kind"' not in encode_manifest(msgspec.structs.replace(old, kind=msgspec.UNSET)).split(b"holdout")[0]
    signed = sign(old, b"0123456789abcdef")
    restored = parse_manifest(encode_manifest(signed), tmp_path / "hb_7_model.json")
    assert restored.kind_name == "random_forest"
    assert is_signed(encode_manifest(restored), b"0123456789abcdef")


def test_a_manifest_says_its_kind():
    assert draft(kind="extra_trees", facts={"trees": 3}).kind_name == "extra_trees"


@given(st.integers(1, 40), st.integers(0, 2**32 - 1), st.floats(0.0, 1.0), st.floats(1e-3, 1e4, allow_subnormal=False))
@settings(max_examples=60, deadline=None)
def test_a_line_in_whole_numbers_is_the_line(width, seed, share, spread):
    rng = np.random.default_rng(seed)
    X = (rng.normal(size=(80, width)) * spread + rng.normal(size=width) * spread).astype(np.float32)
    line = fit_line(X, 120.0 + 20.0 * rng.normal(size=80), np.ones(80), 1.0)
    exact = whole(line, share)
    steps = np.clip((X - exact.mean) * exact.scale, exact.low, exact.high)
    products = np.rint(steps).astype(np.float64) * exact.weight
    assert np.abs(products).sum(axis=1).max() < 2.0**53, "every partial sum is exact"
    assert np.abs(products.sum(axis=1) * exact.unit + exact.start - share * line.predict(X)).max() < 1e-3


def test_a_line_goes_on_flat_beyond_what_it_has_seen():
    X = np.linspace(0.0, 1.0, 100, dtype=np.float32)[:, None]
    line = fit_line(X, 100.0 + 50.0 * X[:, 0].astype(np.float64), np.ones(100), 1e-6)
    assert line.predict(np.array([[1.0], [1000.0]], np.float32)) == pytest.approx([150.0, 150.0], abs=0.1)


def test_another_share_needs_more_than_chance():
    assert _wins(np.array([5.0, 6.0, 5.5]), np.array([4.0, 5.0, 4.4]))
    assert not _wins(np.array([5.0, 6.0, 5.5]), np.array([4.0, 6.9, 5.4]))
