"""The manifest: kind and training data of a model, its error, and the hashes of its files.

A model without a valid manifest does not exist. The manifest is JSON, decoded strictly: an unknown key, a wrong type or
a number out of range refuses the model.
"""

from __future__ import annotations

import hashlib
import hmac
import operator
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, get_args

import msgspec
from msgspec import UNSET, Meta, UnsetType

from athlete_monitor.errors import ModelError
from athlete_monitor.models.day import USUAL, DayForm
from athlete_monitor.models.files import read_regular

if TYPE_CHECKING:
    from pathlib import Path

FORMAT_VERSION: Final = 1
MANIFEST_LIMIT_BYTES: Final = 4 * 1024 * 1024
KEY_LEAST_BYTES: Final = 16

DEFAULT: Final = "default"
"""The id of the squad-wide model, for athletes without their own."""

FIRST_KIND: Final = "random_forest"
"""The kind of manifests without one: they are older than the choice of kinds."""

AthleteId = Annotated[int, Meta(ge=1, le=2**31)] | Literal["default"]
ArtifactKind = Literal["pickle", "hummingbird", "onnx"]
ARTIFACT_KINDS: Final[tuple[ArtifactKind, ...]] = get_args(ArtifactKind)
Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Count = Annotated[int, Meta(ge=0)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Error = Annotated[float, Meta(ge=0.0)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]


class LearnedSession(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One session file that the model was trained on: its name, its SHA-256 and the rows taken from it."""

    file: Name
    sha256: Sha256
    rows: Count


class Holdout(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Errors of a model of this kind on held-out rows, strap - model, in bpm.

    ``kind`` names the held-out data, for example ``latest_session``; ``baselines`` holds the MAE in bpm of simpler
    predictions on the same rows. A figure is None if it cannot be computed (no variance, too few rows).
    """

    mae_bpm: Error
    rmse_bpm: Error
    bias_bpm: float
    r2: float | None
    correlation: float | None
    coverage_80: Share | None
    baselines: dict[str, float | None]
    rows: Count
    kind: Name


class ResidualQuantiles(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """10 % and 90 % quantile of measured - predicted on held-out sessions (80 % interval), bpm."""

    q10: float
    q90: float


class Artifact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """SHA-256 and size of one file of the model."""

    sha256: Sha256
    bytes: Annotated[int, Meta(ge=1)]


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All data of one model.

    ``feature_names`` is the exact order of the columns of X (profile features last, in the default model);
    ``feature_spec`` is ``FeatureSpec.to_dict()``; ``window`` is in samples. A draft leaves out ``artifacts``,
    ``created`` and ``signature``: the store fills them in. ``kind`` names the kind of model (``models/kinds``),
    ``facts`` describe it; manifests from before there were kinds have neither, and are random forests. ``follows`` is
    the time of the model that a rollback withdrew.
    """

    format_version: int = FORMAT_VERSION
    athlete_id: AthleteId
    groups: tuple[Name, ...]
    feature_names: Annotated[tuple[Name, ...], Meta(min_length=1, max_length=10_000)]
    feature_spec: dict[str, Any]
    schema_hash: Name
    sample_rate_hz: Annotated[float, Meta(gt=0.0)]
    window: Annotated[int, Meta(ge=1)]
    sessions: tuple[LearnedSession, ...]
    holdout: Holdout
    residual_quantiles: ResidualQuantiles
    versions: dict[str, str]
    artifacts: dict[str, Artifact] = {}
    created: str = ""
    signature: str | None = None
    kind: Name | UnsetType = UNSET
    facts: dict[str, Any] | UnsetType = UNSET
    day: DayForm | UnsetType = UNSET
    follows: str | UnsetType = UNSET

    @property
    def kind_name(self) -> str:
        """The kind of model."""
        return FIRST_KIND if self.kind is UNSET else str(self.kind)

    @property
    def stands_for(self) -> str:
        """Time of the newest model that this one replaces: its own, or that of the model that a rollback withdrew."""
        return self.created if self.follows is UNSET else max(self.created, str(self.follows))

    @property
    def day_form(self) -> DayForm:
        """The persistence of a day's error; the default in older manifests."""
        return USUAL if isinstance(self.day, UnsetType) else self.day

    @property
    def model_id(self) -> str:
        """Athlete and time of creation: ``7@2026-05-01T10:00:00.000000+00:00``."""
        return f"{self.athlete_id}@{self.created}"


class _Format(msgspec.Struct):
    format_version: int


_CREATED: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00")
_manifest_decoder = msgspec.json.Decoder(Manifest)
_format_decoder = msgspec.json.Decoder(_Format)


def manifest_name(athlete_id: AthleteId) -> str:
    """File name of an athlete's manifest: ``hb_7_model.json``."""
    return f"hb_{_checked_id(athlete_id)}_model.json"


def artifact_name(athlete_id: AthleteId, kind: ArtifactKind) -> str:
    """File name of one artifact: ``Player7_rf.pkl``, ``hb_7_model.zip`` or ``hb_7_model.onnx``."""
    if kind == "pickle":
        return f"Player{_checked_id(athlete_id)}_rf.pkl"
    return f"hb_{_checked_id(athlete_id)}_model.{'zip' if kind == 'hummingbird' else 'onnx'}"


def _checked_id(athlete_id: AthleteId) -> AthleteId:
    """Return the id if it is allowed in a file name: a whole number from 1, or ``default``."""
    if athlete_id == DEFAULT:
        return athlete_id
    with suppress(TypeError):
        number = operator.index(athlete_id)
        if number >= 1:
            return number
    raise ModelError(f"athlete id {athlete_id!r} is not allowed: a whole number from 1 on, or {DEFAULT!r}")


def read_manifest(path: Path) -> Manifest:
    """Read and check one manifest file.

    Raises:
        FileNotFoundError: there is none.
        ModelError: it is not a regular file, not a valid manifest, of a newer format, or of another athlete.
    """
    return parse_manifest(read_regular(path, MANIFEST_LIMIT_BYTES), path)


def parse_manifest(content: bytes, path: Path) -> Manifest:
    """Decode the bytes of the manifest at ``path``, whose name determines the athlete; raises ModelError."""
    try:
        version = _format_decoder.decode(content).format_version
        if version != FORMAT_VERSION:
            raise ModelError(f"{path}: format {version}; this program knows format {FORMAT_VERSION}")
        manifest = _manifest_decoder.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ModelError(f"{path}: not a valid manifest ({error})") from None
    problem = _problem(manifest, path)
    if problem:
        raise ModelError(f"{path}: {problem}")
    return manifest


def _problem(manifest: Manifest, path: Path) -> str | None:
    names = manifest.feature_names
    allowed = {artifact_name(manifest.athlete_id, kind) for kind in ARTIFACT_KINDS}
    if path.name != manifest_name(manifest.athlete_id):
        return f"holds the model of athlete {manifest.athlete_id}, under another name"
    if len(set(names)) != len(names):
        return "feature_names holds a name twice"
    if not _CREATED.fullmatch(manifest.created):
        return "created must be a time in UTC, YYYY-MM-DDTHH:MM:SS.ffffff+00:00"
    if not manifest.artifacts or not set(manifest.artifacts) <= allowed:
        return f"artifacts must be some of {', '.join(sorted(allowed))}"
    return None


def encode_manifest(manifest: Manifest) -> bytes:
    """Encode for the file: indented JSON, equal manifests to equal bytes."""
    return msgspec.json.format(msgspec.json.encode(manifest, order="deterministic"), indent=1) + b"\n"


def read_key(path: Path) -> bytes:
    """Read a signing key: the file's bytes without white space around them, at least 16; raises ModelError."""
    try:
        key = path.read_bytes().strip()
    except OSError as error:
        raise ModelError(f"{path}: signing key cannot be read ({error.strerror})") from None
    if len(key) < KEY_LEAST_BYTES:
        raise ModelError(f"{path}: signing key of {len(key)} bytes; at least {KEY_LEAST_BYTES} are needed")
    return key


def sign(manifest: Manifest, key: bytes) -> Manifest:
    """Return the manifest with its signature: HMAC-SHA256 over every other field.

    The trainer and the live process have the same administrator, usually on one box, so a shared key proves as much as
    a key pair, and needs only the standard library.
    """
    unsigned = encode_manifest(msgspec.structs.replace(manifest, signature=None))
    return msgspec.structs.replace(manifest, signature=_signature(unsigned, key))


def is_signed(content: bytes, key: bytes) -> bool:
    """Return whether a manifest's file has a signature that was made with this key.

    The file counts as it was written: a field that this version no longer knows is signed all the same.
    """
    document = msgspec.json.decode(content)
    found = document.get("signature")
    unsigned = msgspec.json.format(msgspec.json.encode({**document, "signature": None}), indent=1) + b"\n"
    return isinstance(found, str) and hmac.compare_digest(found.encode(), _signature(unsigned, key).encode())


def _signature(unsigned: bytes, key: bytes) -> str:
    return "hmac-sha256:" + hmac.new(key, unsigned, hashlib.sha256).hexdigest()
