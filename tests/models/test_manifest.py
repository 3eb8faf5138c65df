from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from athlete_monitor.errors import ModelError
from athlete_monitor.models.day import DayForm
from athlete_monitor.models.manifest import (
    Artifact,
    LearnedSession,
    artifact_name,
    encode_manifest,
    is_signed,
    manifest_name,
    parse_manifest,
    read_key,
    read_manifest,
    sign,
)
from tests.models.kit import draft

PATH = Path("hb_7_model.json")
FULL = draft(
    artifacts={"hb_7_model.onnx": Artifact("1" * 64, 10)},
    created="2026-05-01T10:00:00.000000+00:00",
)


def as_json(**changes):
    return json.dumps({**json.loads(encode_manifest(FULL)), **changes}).encode()


def test_what_is_encoded_decodes_to_the_same_manifest():
    assert parse_manifest(encode_manifest(FULL), PATH) == FULL
    assert FULL.model_id == "7@2026-05-01T10:00:00.000000+00:00"


@given(st.floats(allow_nan=False, allow_infinity=False), st.text(min_size=1, max_size=200), st.integers(0, 2**40))
def test_any_finite_number_and_any_text_survive(bias, file, n_rows):
    manifest = msgspec.structs.replace(
        FULL,
        holdout=msgspec.structs.replace(FULL.holdout, bias_bpm=bias),
        sessions=(LearnedSession(file, "a" * 64, n_rows),),
    )
    assert parse_manifest(encode_manifest(manifest), PATH) == manifest


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format_version": 2}, "format 2; this program knows format 1"),
        ({"format_version": 2, "something_new": 1}, "format 2"),
        ({"athlete_id": 8, "artifacts": {"hb_8_model.onnx": {"sha256": "1" * 64, "bytes": 1}}}, "of athlete 8"),
        ({"surprise": 1}, "surprise"),
        ({"window": "8"}, "window"),
        ({"window": 0}, "window"),
        ({"athlete_id": 0}, "athlete_id"),
        ({"athlete_id": "../7"}, "athlete_id"),
        ({"feature_names": []}, "feature_names"),
        ({"feature_names": ["a", "a"]}, "a name twice"),
        ({"artifacts": {}}, "artifacts must be some of"),
        ({"artifacts": {"../hb_7_model.onnx": {"sha256": "1" * 64, "bytes": 1}}}, "artifacts must be some of"),
        ({"artifacts": {"hb_7_model.onnx": {"sha256": "XYZ", "bytes": 1}}}, "sha256"),
        ({"artifacts": {"hb_7_model.onnx": {"sha256": "1" * 64, "bytes": 0}}}, "bytes"),
        ({"created": "yesterday"}, "created must be"),
        ({"created": ""}, "created must be"),
    ],
)
def test_a_manifest_that_says_something_else_is_refused_in_one_line(changes, said):
    with pytest.raises(ModelError, match=r"hb_7_model\.json: ") as refusal:
        parse_manifest(as_json(**changes), PATH)
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"null", b"[" * 100_000, b'{"format_version": 1}'])
def test_what_is_no_manifest_is_refused(content):
    with pytest.raises(ModelError, match="not a valid manifest"):
        parse_manifest(content, PATH)


def test_a_form_of_the_day_from_an_earlier_version_is_read_without_what_is_no_longer_used():
    old = {"day_variance": 5.0, "moment_variance": 9.0, "noise": 4000.0, "moment_s": 70.0}
    day = parse_manifest(as_json(day=old), PATH).day_form
    assert (day.day_variance, day.moment_variance, day.moment_s) == (5.0, 9.0, 70.0)
    assert day.day_s == DayForm().day_s


def test_a_signature_covers_fields_of_earlier_versions():
    key = b"0123456789abcdef"
    document = msgspec.json.decode(encode_manifest(FULL)) | {"day": {"day_variance": 5.0, "noise": 4000.0}}
    unsigned = msgspec.json.format(msgspec.json.encode(document | {"signature": None}), indent=1) + b"\n"
    signature = "hmac-sha256:" + hmac.new(key, unsigned, hashlib.sha256).hexdigest()
    signed = msgspec.json.encode(document | {"signature": signature})
    assert parse_manifest(signed, PATH).day_form.day_variance == 5.0
    assert is_signed(signed, key)
    assert not is_signed(signed.replace(b"4000.0", b"4001.0"), key)


def test_not_a_number_is_refused():
    with pytest.raises(ModelError):
        parse_manifest(encode_manifest(FULL).replace(b"-0.5", b"NaN"), PATH)


@pytest.mark.parametrize("athlete_id", ["..", "7/../../x", 0, -1, None, 1.5, "7", "Default"])
def test_only_whole_numbers_and_default_become_file_names(athlete_id):
    for name in (manifest_name, lambda value: artifact_name(value, "pickle")):
        with pytest.raises(ModelError, match="is not allowed"):
            name(athlete_id)


def test_the_file_names_are_those_of_the_contract():
    names = [manifest_name(7), *(artifact_name(7, kind) for kind in ("pickle", "hummingbird", "onnx"))]
    assert names == ["hb_7_model.json", "Player7_rf.pkl", "hb_7_model.zip", "hb_7_model.onnx"]
    assert artifact_name("default", "hummingbird") == "hb_default_model.zip"


def test_a_signature_covers_every_field():
    key = b"k" * 32
    signed = sign(FULL, key)
    changes = {
        "athlete_id": 8,
        "groups": ("speed",),
        "feature_names": ("a",),
        "feature_spec": {},
        "schema_hash": "x",
        "sample_rate_hz": 50.0,
        "window": 9,
        "sessions": (),
        "holdout": msgspec.structs.replace(FULL.holdout, mae_bpm=0.1),
        "residual_quantiles": msgspec.structs.replace(FULL.residual_quantiles, q10=0.0),
        "versions": {},
        "artifacts": {"hb_7_model.onnx": Artifact("2" * 64, 10)},
        "created": "2027-05-01T10:00:00.000000+00:00",
        "format_version": 2,
        "kind": "extra_trees",
        "facts": {"trees": 3},
        "day": DayForm(sessions=3),
        "follows": "2027-05-02T10:00:00.000000+00:00",
    }
    assert set(changes) | {"signature"} == set(type(FULL).__struct_fields__)
    assert is_signed(encode_manifest(signed), key)
    assert not is_signed(encode_manifest(FULL), key)
    assert not is_signed(encode_manifest(signed), b"other" * 8)
    for name, value in changes.items():
        assert not is_signed(encode_manifest(msgspec.structs.replace(signed, **{name: value})), key), name


def test_a_short_or_missing_key_is_an_error(tmp_path):
    (tmp_path / "key").write_bytes(b"short\n")
    with pytest.raises(ModelError, match="at least 16"):
        read_key(tmp_path / "key")
    with pytest.raises(ModelError, match="cannot be read"):
        read_key(tmp_path / "none")
    (tmp_path / "key").write_bytes(b"0123456789abcdef\n")
    assert read_key(tmp_path / "key") == b"0123456789abcdef"


def test_a_manifest_is_read_from_a_regular_file_alone(tmp_path):
    path = tmp_path / "hb_7_model.json"
    with pytest.raises(FileNotFoundError):
        read_manifest(path)
    path.write_bytes(encode_manifest(FULL))
    assert read_manifest(path) == FULL
    elsewhere = path.rename(tmp_path / "elsewhere")
    path.symlink_to(elsewhere)
    with pytest.raises(ModelError, match="regular file"):
        read_manifest(path)
