"""An older signed model that is put back is refused, whether the engine has restarted or not; a rollback is not."""

from __future__ import annotations

import shutil

import pytest

from athlete_monitor.errors import ModelError
from athlete_monitor.models.newest import Newest
from tests.models.kit import publish, store_in

KEY = b"0123456789abcdef"


@pytest.fixture
def store(tmp_path):
    return store_in(tmp_path, key=KEY)


def test_an_older_signed_model_is_refused_after_a_restart_too(store, tmp_path):
    old, file = publish(store), tmp_path / "outputs" / "models_served.json"
    shutil.copytree(tmp_path / "updated", tmp_path / "kept")
    new = publish(store, level_bpm=130.0)
    served = Newest(file)
    for manifest in (old, new, new):
        served.check(manifest)
    shutil.copytree(tmp_path / "kept", tmp_path / "updated", dirs_exist_ok=True)
    put_back = store.manifest(7)
    for newest in (served, Newest(file)):
        with pytest.raises(ModelError, match=r"older than the model of .* only sup_ml_rf_training\.py --rollback 7"):
            newest.check(put_back)


def test_a_rollback_serves_and_what_is_trained_after_it_too(store, tmp_path):
    publish(store)
    served = Newest(tmp_path / "models_served.json")
    served.check(publish(store, level_bpm=130.0))
    back = store.rollback(7)
    served.check(back)
    assert store.manifest(7) == back
    served.check(publish(store, level_bpm=140.0))


def test_athletes_are_remembered_apart_and_unsigned_models_are_not_remembered(store, tmp_path):
    served = Newest(tmp_path / "models_served.json")
    earlier, later = publish(store, 8), publish(store, 7)
    served.check(later)
    served.check(earlier)
    unsigned = store_in(tmp_path / "other")
    first, second = publish(unsigned), publish(unsigned)
    served.check(second)
    served.check(first)


@pytest.mark.parametrize("content", [b"", b"[1]", b"\xff", b'{"7": '])
def test_a_damaged_memory_starts_anew(store, tmp_path, content):
    (tmp_path / "models_served.json").write_bytes(content)
    Newest(tmp_path / "models_served.json").check(publish(store))
