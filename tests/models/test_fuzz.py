"""Thousands of damaged manifests and archives: refused by us or served whole, nothing else, and nothing executed."""

from __future__ import annotations

import hashlib
import json
import random
from functools import partial
from typing import Any, Final

import msgspec
import numpy as np
import pytest
import torch

from athlete_monitor.errors import ModelError
from athlete_monitor.models.archive import torchscript_of
from athlete_monitor.models.manifest import Artifact, encode_manifest, parse_manifest
from tests.models.kit import World, artifacts, publish, rows, runtime, store_in, with_code

KINDS: Final = ("hummingbird", "onnx")


def refusal(attempt) -> str | None:
    """The text of our error, None if there is none; any other error fails the test."""
    try:
        attempt()
    except ModelError as error:
        return str(error)
    return None


def mutated(content: bytes, chance: random.Random) -> bytes:
    """Flip, cut, repeat, insert or overwrite some bytes."""
    data = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 5, 20))):
        at = chance.randrange(len(data) + 1)
        size = chance.choice((1, 2, 4, 16, 200))
        match chance.randrange(6):
            case 0 if at < len(data):
                data[at] ^= 1 << chance.randrange(8)
            case 1:
                data[at : at + size] = chance.randbytes(size)
            case 2:
                del data[at : at + size]
            case 3:
                data[at:at] = data[at : at + size]
            case 4:
                data[at:at] = chance.randbytes(size)
            case _:
                data[at : at + size] = bytes(len(data[at : at + size]))
    return bytes(data)


def odd_values(value: Any, chance: random.Random) -> Any:
    """The same JSON with one value somewhere replaced by something else."""
    odd: tuple[Any, ...] = (None, True, -1, 0, 2**70, 1e308, "", "../x", "a" * 300, [], {}, [[]], "NaN", "default")
    if isinstance(value, dict) and value and chance.random() < 0.8:
        key = chance.choice(list(value))
        rest = {k: v for k, v in value.items() if k != key}
        return rest if chance.random() < 0.1 else rest | {key: odd_values(value[key], chance)}
    if isinstance(value, list) and value and chance.random() < 0.8:
        i = chance.randrange(len(value))
        return [*value[:i], odd_values(value[i], chance), *value[i + 1 :]]
    return chance.choice(odd)


@pytest.fixture
def executed(monkeypatch):
    """What was handed to code that could run it: SHA-256 of every TorchScript file; any unpickling fails the test."""
    seen: list[str] = []
    load = torch.jit.load

    def watched(buffer, **options):
        seen.append(hashlib.sha256(buffer.getbuffer()).hexdigest())
        return load(buffer, **options)

    def forbidden(*_, **__):
        raise AssertionError("something was unpickled")

    monkeypatch.setattr("torch.jit.load", watched)
    for target in ("pickle.load", "pickle.loads", "pickle.Unpickler", "torch.load", "joblib.load"):
        monkeypatch.setattr(target, forbidden)
    return seen


def test_a_damaged_manifest_is_refused_or_says_what_it_said(tmp_path):
    manifest = publish(store_in(tmp_path))
    path = tmp_path / "updated" / "hb_7_model.json"
    content, plain = path.read_bytes(), json.loads(path.read_bytes())
    chance = random.Random(1)
    refusals = []
    for i in range(4000):
        damaged = mutated(content, chance) if i % 2 else json.dumps(odd_values(plain, chance)).encode()
        refusals.append(refusal(partial(parse_manifest, damaged, path)))
    assert parse_manifest(content, path) == manifest
    assert sum(text is not None for text in refusals) > 2000
    assert not any("\n" in text for text in refusals if text)


def test_a_signed_manifest_is_refused_after_any_damage_that_changes_its_meaning(tmp_path):
    store = store_in(tmp_path, key=b"0123456789abcdef", require_signature=True)
    manifest = publish(store)
    path = tmp_path / "updated" / "hb_7_model.json"
    content, chance = path.read_bytes(), random.Random(2)
    for _ in range(600):
        path.write_bytes(mutated(content, chance))
        assert refusal(lambda: store.manifest(7)) or store.manifest(7) == manifest


def test_a_damaged_file_serves_nothing_but_what_was_published(tmp_path, executed):
    store = store_in(tmp_path)
    publish(store)
    right = hashlib.sha256(torchscript_of(artifacts().hummingbird_zip)).hexdigest()
    exported = {"hummingbird": artifacts().hummingbird_zip, "onnx": artifacts().onnx}
    answers = {kind: runtime(kind).load(exported[kind], 12).predict(rows(5)) for kind in KINDS}
    chance, names = random.Random(3), ("hb_7_model.json", "hb_7_model.zip", "hb_7_model.onnx")
    whole = {name: (store.updated / name).read_bytes() for name in names}
    loaders = [World().loader(store), World().loader(store)]
    loaders[0].reader.runtime = loaders[0].runtime = runtime("hummingbird")
    served = 0
    for _ in range(400):
        name = chance.choice(names)
        (store.updated / name).write_bytes(mutated(whole[name], chance))
        for kind, loader in zip(KINDS, loaders, strict=True):
            loader.clear_cache()
            model = loader.get_model(7)
            if model is None:
                assert "\n" not in (loader.why_not(7) or "")
            else:
                served += 1
                assert np.array_equal(model.predict(rows(5)), answers[kind])
        (store.updated / name).write_bytes(whole[name])
    assert served > 0
    assert set(executed) == {right}


@pytest.mark.parametrize("kind", KINDS)
def test_even_with_the_right_hash_a_damaged_artifact_raises_only_our_error(tmp_path, kind):
    """The hash is the wall; behind it, a damaged file must still not bring the process down."""
    content, chance = artifacts().by_kind()[kind], random.Random(4)

    def attempt():
        assert runtime(kind).load(mutated(content, chance), 12).predict(rows(2)).shape == (2,)

    refusals = [refusal(attempt) for _ in range(700)]
    assert any(refusals)
    assert not any("\n" in text for text in refusals if text)


def test_a_manifest_that_lists_the_hash_of_a_hostile_script_still_runs_nothing_foreign(tmp_path, executed):
    """Someone may write both files, and no signature is required: the code is looked at before it is loaded."""
    store = store_in(tmp_path)
    publish(store)
    hostile = with_code(f"torch.save(x, '{tmp_path / 'owned'}')")
    (store.updated / "hb_7_model.zip").write_bytes(hostile)
    manifest = store.manifest(7)
    assert manifest is not None
    entries = manifest.artifacts | {"hb_7_model.zip": Artifact(hashlib.sha256(hostile).hexdigest(), len(hostile))}
    changed = msgspec.structs.replace(manifest, artifacts=entries)
    (store.updated / "hb_7_model.json").write_bytes(encode_manifest(changed))
    loader = World().loader(store)
    loader.reader.runtime = runtime("hummingbird")
    assert loader.get_model(7) is None
    assert "is not the code of an exported model" in (loader.why_not(7) or "")
    assert executed == []
    assert not (tmp_path / "owned").exists()
