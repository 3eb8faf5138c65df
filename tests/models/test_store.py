from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import msgspec
import pytest

from athlete_monitor.config import load_config
from athlete_monitor.errors import ModelError
from athlete_monitor.models.manifest import encode_manifest
from athlete_monitor.models.store import RETRAIN_MARK, ModelStore
from tests.models.kit import artifacts, draft, publish, store_in

KEY = b"0123456789abcdef"


def files(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def versions(store):
    return sorted(path.name for path in (store.updated.parent / "previous" / "hb_7_model").iterdir())


def test_a_published_model_is_read_back_with_its_bytes(tmp_path):
    store = store_in(tmp_path)
    manifest = publish(store)
    assert store.manifest(7) == manifest
    assert store.athlete_ids() == [7]
    for kind, content in artifacts().by_kind().items():
        assert store.read(7, kind) == (manifest, content)
    assert files(tmp_path) == {
        "updated/hb_7_model.zip",
        "updated/hb_7_model.onnx",
        "updated/hb_7_model.json",
        "pickles/Player7_rf.pkl",
    }


def test_the_default_model_is_no_athlete(tmp_path):
    store = store_in(tmp_path)
    publish(store, "default")
    assert store.athlete_ids() == []
    assert store.manifest("default") is not None
    assert (store.updated / "hb_default_model.zip").exists()


def test_files_in_service_can_be_read_by_another_user(tmp_path):
    store = store_in(tmp_path)
    publish(store)
    assert {stat.S_IMODE(path.stat().st_mode) for path in store.updated.iterdir()} == {0o644}


def test_without_a_manifest_there_is_no_model(tmp_path):
    store = store_in(tmp_path)
    assert store.manifest(7) is None
    assert store.athlete_ids() == []
    publish(store)
    (store.updated / "hb_7_model.json").unlink()
    assert store.manifest(7) is None
    with pytest.raises(FileNotFoundError):
        store.read(7, "onnx")


def test_times_of_creation_grow_even_if_the_clock_goes_back(tmp_path):
    store = store_in(tmp_path)
    future = msgspec.structs.replace(publish(store), created="2199-01-01T00:00:00.000000+00:00")
    (store.updated / "hb_7_model.json").write_bytes(encode_manifest(future))
    assert publish(store).created == "2199-01-01T00:00:00.000001+00:00"


def test_the_versions_before_are_kept_and_the_oldest_go(tmp_path):
    store = store_in(tmp_path, keep_previous=2)
    published = [publish(store, level_bpm=level) for level in (100.0, 110.0, 120.0, 130.0)]
    assert len(versions(store)) == 2
    assert store.earlier(7) == [published[2], published[1]]
    assert store.artifact(published[1], "onnx") == artifacts(level_bpm=110.0).onnx


def test_keeping_none_keeps_none(tmp_path):
    store = store_in(tmp_path, keep_previous=0)
    publish(store)
    publish(store, level_bpm=130.0)
    assert versions(store) == []


def test_a_rollback_brings_the_version_before_back_and_goes_further_when_repeated(tmp_path):
    store = store_in(tmp_path)
    first, second, _ = [publish(store, level_bpm=level) for level in (100.0, 110.0, 120.0)]
    assert store.rollback(7) == second == store.manifest(7)
    assert store.read(7, "pickle") == (second, artifacts(level_bpm=110.0).pickle)
    assert store.rollback(7) == first == store.manifest(7)
    with pytest.raises(ModelError, match="no complete earlier version"):
        store.rollback(7)
    assert store.read(7, "onnx")[0] == first
    assert sum(name.endswith("-withdrawn") for name in versions(store)) == 2


def test_a_rollback_mends_a_damaged_model(tmp_path):
    store = store_in(tmp_path)
    first = publish(store, level_bpm=100.0)
    publish(store)
    (store.updated / "hb_7_model.json").write_bytes(b"{")
    assert store.rollback(7) == first
    assert store.read(7, "hummingbird") == (first, artifacts(level_bpm=100.0).hummingbird_zip)


def test_a_damaged_version_is_never_rolled_back_to(tmp_path):
    store = store_in(tmp_path)
    publish(store, level_bpm=100.0)
    publish(store)
    (kept,) = (store.updated.parent / "previous" / "hb_7_model").iterdir()
    (kept / "hb_7_model.onnx").write_bytes(b"x")
    with pytest.raises(ModelError, match="no complete earlier version"):
        store.rollback(7)


def test_between_the_artifacts_and_the_manifest_the_old_model_is_still_read(tmp_path, monkeypatch):
    store = store_in(tmp_path)
    old = publish(store, level_bpm=100.0)

    class Killed(BaseException):
        pass

    def kill(*_):
        raise Killed

    monkeypatch.setattr("athlete_monitor.models.store.replace_file", kill)
    with pytest.raises(Killed):
        publish(store, level_bpm=130.0)
    assert (store.updated / "hb_7_model.onnx").read_bytes() == artifacts(level_bpm=130.0).onnx
    for kind, content in artifacts(level_bpm=100.0).by_kind().items():
        assert store.read(7, kind) == (old, content)
    monkeypatch.undo()
    new = publish(store, level_bpm=140.0)
    assert store.manifest(7) == new
    assert store.earlier(7) == [old]


def test_what_a_killed_writer_left_is_cleared(tmp_path):
    store = store_in(tmp_path)
    publish(store)
    publish(store)
    for path in (store.updated / ".new-x", tmp_path / "pickles" / ".new-y"):
        path.write_bytes(b"torn")
    (store.updated.parent / "previous" / "hb_7_model" / ".new-z").mkdir()
    publish(store)
    assert not any(".new-" in name for name in files(tmp_path))


@pytest.mark.parametrize("name", ["hb_7_model.onnx", "hb_7_model.json"])
def test_a_symbolic_link_is_refused(tmp_path, name):
    store = store_in(tmp_path)
    publish(store)
    path = store.updated / name
    path.symlink_to(path.rename(tmp_path / "elsewhere"))
    with pytest.raises(ModelError, match=f"{name}: cannot be read .* a regular file is needed"):
        store.read(7, "onnx")


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    store = store_in(tmp_path)
    publish(store)
    (store.updated / "hb_7_model.onnx").unlink()
    os.mkfifo(store.updated / "hb_7_model.onnx")
    with pytest.raises(ModelError, match="not a regular file"):
        store.read(7, "onnx")


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "SHA-256"), (b"short", "SHA-256"), (bytes(10**6), "at most"), (None, "is missing")]
)
def test_an_artifact_that_is_not_the_manifests_is_refused(tmp_path, content, said):
    store = store_in(tmp_path)
    publish(store)
    path = store.updated / "hb_7_model.onnx"
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(ModelError, match=r"hb_7_model\.onnx: .*" + said):
        store.read(7, "onnx")


def test_an_artifact_above_the_limit_is_refused_unread(tmp_path):
    store = store_in(tmp_path)
    publish(store)
    small = store_in(tmp_path, artifact_limit_bytes=100)
    with pytest.raises(ModelError, match="max_model_memory_mb"):
        small.read(7, "onnx")


def test_an_artifact_that_the_manifest_does_not_list_is_refused(tmp_path):
    store = store_in(tmp_path)
    store.publish(draft(), {"onnx": artifacts().onnx})
    with pytest.raises(ModelError, match=r"lists no artifact hb_7_model\.zip"):
        store.read(7, "hummingbird")


def test_a_draft_that_is_not_valid_is_not_published(tmp_path):
    store = store_in(tmp_path)
    old = publish(store)
    for wrong in (draft(feature_names=("a", "a")), draft(window=0), draft(sample_rate_hz=-1.0)):
        with pytest.raises(ModelError):
            store.publish(wrong, artifacts().by_kind())
    assert store.manifest(7) == old


def test_a_store_for_reading_does_not_publish(tmp_path):
    with pytest.raises(ModelError, match="for reading only"):
        publish(ModelStore(tmp_path))


@pytest.mark.parametrize("written", [0, 1, 2])
def test_a_disk_that_refuses_leaves_the_old_model_and_no_files_and_says_so(tmp_path, monkeypatch, written):
    store = store_in(tmp_path)
    old = publish(store, level_bpm=100.0)
    synced = []

    def full(*_):
        synced.append(True)
        if len(synced) > written:
            raise OSError(28, "No space left on device", "hb_7_model.zip")

    monkeypatch.setattr("athlete_monitor.system.files.os.fsync", full)
    with pytest.raises(ModelError, match=r"cannot be written \(No space left on device\)"):
        publish(store)
    monkeypatch.undo()
    assert store.read(7, "onnx") == (old, artifacts(level_bpm=100.0).onnx)
    assert not [path for name in ("updated", "pickles") for path in (tmp_path / name).glob(".new-*")]


def test_a_read_only_folder_is_enough_to_read(tmp_path):
    store = store_in(tmp_path)
    manifest = publish(store)
    store.updated.chmod(0o555)
    try:
        assert ModelStore(store.updated).read(7, "hummingbird") == (manifest, artifacts().hummingbird_zip)
    finally:
        store.updated.chmod(0o755)


def test_readers_meet_a_whole_model_at_any_moment_of_a_publication(tmp_path):
    store = store_in(tmp_path, keep_previous=1)
    expected = {level: artifacts(level_bpm=level).onnx for level in (100.0, 110.0, 120.0)}
    by_created = {publish(store, level_bpm=100.0).created: expected[100.0]}
    done = threading.Event()
    seen = []

    def read():
        while not done.is_set():
            seen.append(store.read(7, "onnx"))

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    try:
        for i in range(30):
            level = (100.0, 110.0, 120.0)[i % 3]
            by_created[publish(store, level_bpm=level).created] = expected[level]
    finally:
        done.set()
        for reader in readers:
            reader.join()
    assert len(seen) > 30
    assert all(content == by_created[manifest.created] for manifest, content in seen)


def test_two_writers_take_turns(tmp_path):
    store = store_in(tmp_path)
    writers = [threading.Thread(target=publish, args=(store, athlete)) for athlete in (1, 1, 2, 3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert store.athlete_ids() == [1, 2, 3]
    assert all(store.read(athlete, "onnx") for athlete in (1, 2, 3))
    assert len(store.earlier(1)) == 1


def test_with_a_key_a_foreign_signature_is_refused_and_a_missing_one_if_it_is_required(tmp_path):
    plain, signing = store_in(tmp_path), store_in(tmp_path, key=KEY)
    strict = store_in(tmp_path, key=KEY, require_signature=True)
    publish(plain)
    assert signing.manifest(7) is not None
    with pytest.raises(ModelError, match="is not signed"):
        strict.manifest(7)
    publish(signing)
    assert strict.manifest(7) is not None
    with pytest.raises(ModelError, match="was not made with"):
        store_in(tmp_path, key=KEY + b"!").manifest(7)


def test_with_signatures_required_an_unsigned_earlier_version_is_none(tmp_path):
    publish(store_in(tmp_path), level_bpm=100.0)
    strict = store_in(tmp_path, key=KEY, require_signature=True)
    publish(strict)
    assert strict.earlier(7) == []


def test_a_required_signature_needs_a_key(tmp_path):
    with pytest.raises(ModelError, match="needs signing_key_file"):
        store_in(tmp_path, require_signature=True)


def test_the_configuration_says_where_and_how_many(make_config, tmp_path):
    key = tmp_path / "key"
    key.write_bytes(KEY)
    config = load_config(
        make_config(
            model_loading={"signing_key_file": str(key), "require_signature": True, "max_model_memory_mb": 20},
            backup={"keep_previous_versions": 5},
        )
    )
    store = ModelStore.from_config(config)
    assert store.updated == config.paths.hb_tensors_updated
    assert store.previous == config.paths.hb_tensors_previous
    assert store.pickles == config.paths.models_root
    assert (store.keep_previous, store.key, store.require_signature) == (5, KEY, True)
    assert store.artifact_limit_bytes == 20_000_000
    off = load_config(make_config("off.yaml", backup={"enabled": False}))
    assert ModelStore.from_config(off, Path("elsewhere")).keep_previous == 0
    assert ModelStore.from_config(off, Path("elsewhere")).updated == Path("elsewhere")


def test_a_new_default_model_takes_the_mark_of_erased_data_off(tmp_path):
    store = store_in(tmp_path)
    publish(store, athlete_id="default")
    (store.updated / RETRAIN_MARK).touch()
    assert store.must_renew_default
    publish(store, athlete_id=7)
    assert store.must_renew_default
    publish(store, athlete_id="default")
    assert not store.must_renew_default
