"""The models on disk: published atomically, checked before every use, with earlier versions kept for a rollback.

``updated`` holds ``hb_{id}_model.zip``, ``.onnx`` and the manifest ``.json``; ``pickles`` holds ``Player{id}_rf.pkl``;
``previous/hb_{id}_model/{version}/`` holds complete earlier versions, manifest included.

A kill at any moment leaves a valid model. The version in service is first linked into ``previous``; only then are its
artifacts replaced, and the manifest last. Between the two, every reader finds the old manifest's artifacts in
``previous``, since it takes the file with the manifest's SHA-256.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from athlete_monitor.errors import ModelError
from athlete_monitor.models.files import read_regular
from athlete_monitor.models.manifest import (
    ARTIFACT_KINDS,
    MANIFEST_LIMIT_BYTES,
    Artifact,
    ArtifactKind,
    AthleteId,
    Manifest,
    artifact_name,
    encode_manifest,
    is_signed,
    manifest_name,
    parse_manifest,
    read_key,
    sign,
)
from athlete_monitor.system.files import (
    TEMPORARY_PREFIX,
    discard,
    open_folder,
    replace_file,
    sync_folder,
    sync_to_disk,
    write_temporary,
)
from athlete_monitor.system.flock import locked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from athlete_monitor.config import Config

Stamp = tuple[int, ...]

READ_ATTEMPTS: Final = 5
"""Number of retries if a model is replaced while it is read."""

WITHDRAWN: Final = "-withdrawn"

RETRAIN_MARK: Final = "hb_default_model.retrain"
"""A file beside the models in service: the squad's model was trained on data of a person that were erased."""

ROWS_FOLDER_END: Final = "_rows"
"""Suffix of the folders beside the pickled models that cache rows of sessions; backups leave them out, since they can
be rebuilt from the sessions."""

_MANIFEST_NAME: Final = re.compile(r"hb_([1-9][0-9]{0,9})_model\.json")


@dataclass(frozen=True)
class ModelStore:
    """The store in its folders. Reading only needs ``updated``; publishing needs all three.

    With a ``key``, published models are signed and a wrong signature is refused; with ``require_signature``, a missing
    one too. ``keep_previous`` versions before the one in service are kept for each athlete.
    """

    updated: Path
    previous: Path | None = None
    pickles: Path | None = None
    keep_previous: int = 2
    key: bytes | None = None
    require_signature: bool = False
    artifact_limit_bytes: int = 200_000_000

    def __post_init__(self) -> None:
        if self.require_signature and self.key is None:
            raise ModelError("model_loading.require_signature: needs signing_key_file")

    @classmethod
    def from_config(cls, config: Config, updated: Path | None = None) -> ModelStore:
        """Open the configured store; ``updated`` replaces ``paths.hb_tensors_updated``.

        Raises:
            ModelError: a signature is required without a key, or the key cannot be read.
        """
        loading, backup = config.model_loading, config.backup
        return cls(
            updated=updated or config.paths.hb_tensors_updated,
            previous=config.paths.hb_tensors_previous,
            pickles=config.paths.models_root,
            keep_previous=backup.keep_previous_versions if backup.enabled and backup.backup_on_update else 0,
            key=read_key(loading.signing_key_file) if loading.signing_key_file else None,
            require_signature=loading.require_signature,
            artifact_limit_bytes=int(loading.max_model_memory_mb * 1e6),
        )

    # ------------------------------------------------------------------------------------------------------- reading

    def athlete_ids(self) -> list[int]:
        """Ids with a manifest file, in order; it is validated when it is read."""
        try:
            names = [path.name for path in self.updated.iterdir()]
        except OSError:
            return []
        return sorted(int(match[1]) for match in map(_MANIFEST_NAME.fullmatch, names) if match)

    def manifest(self, athlete_id: AthleteId) -> Manifest | None:
        """The manifest in service, None if there is none.

        Raises:
            ModelError: it is damaged, of another format, of another athlete, or its signature is refused.
        """
        return self._manifest_at(self.updated / manifest_name(athlete_id))

    def stamp(self, athlete_id: AthleteId) -> Stamp | None:
        """A value that changes whenever the manifest file is replaced or written to; None if there is none."""
        try:
            status = os.lstat(self.updated / manifest_name(athlete_id))
        except OSError:
            return None
        return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns

    def read(self, athlete_id: AthleteId, kind: ArtifactKind) -> tuple[Manifest, bytes]:
        """The manifest in service and the bytes of one of its artifacts, whose size and SHA-256 it states.

        Raises:
            FileNotFoundError: the athlete has no model.
            ModelError: the manifest is refused, or the artifact is missing, damaged or not the manifest's.
        """
        for _ in range(READ_ATTEMPTS - 1):
            manifest = self._manifest_in_service(athlete_id)
            try:
                return manifest, self.artifact(manifest, kind)
            except ModelError:
                if self.manifest(athlete_id) == manifest:
                    raise
        manifest = self._manifest_in_service(athlete_id)
        return manifest, self.artifact(manifest, kind)

    def artifact(self, manifest: Manifest, kind: ArtifactKind) -> bytes:
        """The bytes of one artifact of exactly this version, wherever it is stored now.

        Raises:
            ModelError: there is no file with the manifest's size and SHA-256.
        """
        name = artifact_name(manifest.athlete_id, kind)
        entry = manifest.artifacts.get(name)
        if entry is None:
            raise ModelError(f"{manifest_name(manifest.athlete_id)}: lists no artifact {name}")
        in_service = self._service_folder(name) / name
        try:
            return self._verified(in_service, entry)
        except ModelError:
            folder = self._version_folder(manifest)
            if folder is None or not (folder / name).exists():
                raise
        return self._verified(folder / name, entry)

    def earlier(self, athlete_id: AthleteId) -> list[Manifest]:
        """Manifests of the complete versions before the one in service, newest first; withdrawn ones left out."""
        current = self._current(athlete_id)
        folders = [f for f in self._version_folders(athlete_id) if not f.name.endswith(WITHDRAWN)]
        found = [manifest for folder in folders if (manifest := self._intact_manifest(folder))]
        return [manifest for manifest in found if current is None or manifest.created < current.created]

    def _manifest_in_service(self, athlete_id: AthleteId) -> Manifest:
        manifest = self.manifest(athlete_id)
        if manifest is None:
            raise FileNotFoundError(f"{self.updated / manifest_name(athlete_id)}: no such model")
        return manifest

    def _manifest_at(self, path: Path) -> Manifest | None:
        try:
            content = read_regular(path, MANIFEST_LIMIT_BYTES)
        except FileNotFoundError:
            return None
        manifest = parse_manifest(content, path)
        self._check_signature(manifest, content, path)
        return manifest

    def _check_signature(self, manifest: Manifest, content: bytes, path: Path) -> None:
        if self.require_signature and manifest.signature is None:
            raise ModelError(f"{path}: is not signed, and model_loading.require_signature is true")
        if self.key and manifest.signature is not None and not is_signed(content, self.key):
            raise ModelError(f"{path}: its signature was not made with model_loading.signing_key_file")

    def _verified(self, path: Path, entry: Artifact) -> bytes:
        if entry.bytes > self.artifact_limit_bytes:
            raise ModelError(
                f"{path}: {entry.bytes} bytes, model_loading.max_model_memory_mb allows {self.artifact_limit_bytes}"
            )
        try:
            content = read_regular(path, entry.bytes)
        except FileNotFoundError:
            raise ModelError(f"{path}: is missing, though its manifest lists it") from None
        if hashlib.sha256(content).hexdigest() != entry.sha256:
            raise ModelError(f"{path}: its SHA-256 is not the manifest's")
        return content

    def _intact_manifest(self, folder: Path) -> Manifest | None:
        """The manifest of a kept version if all its files match, else None."""
        try:
            manifest = self._manifest_at(folder / f"{folder.parent.name}.json")
            for name, entry in manifest.artifacts.items() if manifest else ():
                self._verified(folder / name, entry)
        except ModelError:
            return None
        return manifest

    # ---------------------------------------------------------------------------------------------------- publishing

    def publish(self, draft: Manifest, artifacts: Mapping[ArtifactKind, bytes]) -> Manifest:
        """Put a model in service; the previous one is moved to ``previous``. A kill at any moment does no harm.

        Args:
            draft: the manifest without ``artifacts``, ``created`` and ``signature``.
            artifacts: the bytes of each artifact (``Artifacts.by_kind()``).

        Returns:
            The manifest as it was written.

        Raises:
            ModelError: the draft is not valid, or the disk refuses (full, read-only); the old model stays.
        """
        with self._writing():
            files = {artifact_name(draft.athlete_id, kind): content for kind, content in artifacts.items()}
            manifest = self._completed(draft, files)
            self._install(manifest, files)
            if draft.athlete_id == "default":
                discard(self.updated / RETRAIN_MARK)
        return manifest

    @property
    def must_renew_default(self) -> bool:
        """Whether the squad's model was trained on data of a person that were erased."""
        return (self.updated / RETRAIN_MARK).exists()

    def rollback(self, athlete_id: AthleteId) -> Manifest:
        """Restore the newest complete version before the one in service; repeated calls go further back.

        The withdrawn version is kept as ``previous/.../{version}-withdrawn`` and is never used again by itself.

        Raises:
            ModelError: there is none, or the disk refuses.
        """
        with self._writing():
            withdrawn, manifest = self._current(athlete_id), next(iter(self.earlier(athlete_id)), None)
            if manifest is None:
                raise ModelError(f"{self.previous}: holds no complete earlier version of model {athlete_id}")
            names = {artifact_name(athlete_id, kind): kind for kind in ARTIFACT_KINDS}
            files = {name: self.artifact(manifest, names[name]) for name in manifest.artifacts}
            if self.key and withdrawn is not None:
                manifest = sign(msgspec.structs.replace(manifest, follows=withdrawn.stands_for), self.key)
            self._install(manifest, files)
            if withdrawn is not None:
                self._withdraw(withdrawn)
        return manifest

    def _withdraw(self, manifest: Manifest) -> None:
        folder = self._version_folder(manifest)
        if folder is not None and folder.exists():
            folder.rename(folder.with_name(folder.name + WITHDRAWN))

    def _completed(self, draft: Manifest, files: Mapping[str, bytes]) -> Manifest:
        entries = {name: Artifact(hashlib.sha256(content).hexdigest(), len(content)) for name, content in files.items()}
        manifest = msgspec.structs.replace(
            draft, artifacts=entries, created=self._creation_time(draft.athlete_id), signature=None
        )
        signed = sign(manifest, self.key) if self.key else manifest
        return parse_manifest(encode_manifest(signed), self.updated / manifest_name(draft.athlete_id))

    def _creation_time(self, athlete_id: AthleteId) -> str:
        """Now in UTC, but later than the version in service, even if the clock was set back."""
        now = datetime.now(timezone.utc)
        current = self._current(athlete_id)
        if current is not None:
            now = max(now, datetime.fromisoformat(current.created) + timedelta(microseconds=1))
        return now.isoformat(timespec="microseconds")

    def _current(self, athlete_id: AthleteId) -> Manifest | None:
        """The manifest in service, None also if it is damaged: then there is nothing to keep."""
        try:
            return self.manifest(athlete_id)
        except ModelError:
            return None

    def _install(self, manifest: Manifest, files: Mapping[str, bytes]) -> None:
        current = self._current(manifest.athlete_id)
        if current is not None:
            self._keep(current)
        written = [(write_temporary(self._service_folder(n), content), n) for n, content in files.items()]
        for temporary, name in written:
            temporary.replace(self._service_folder(name) / name)
        for folder in {self._service_folder(name) for name in files}:
            sync_folder(folder)
        replace_file(self.updated / manifest_name(manifest.athlete_id), encode_manifest(manifest))
        self._prune(manifest)

    def _keep(self, manifest: Manifest) -> None:
        """Link the files in service into their version's folder, complete or not at all."""
        folder = self._version_folder(manifest)
        assert folder is not None  # noqa: S101  (publishing needs it)
        if folder.exists() or not self._in_service_intact(manifest):
            return
        unfinished = folder.with_name(TEMPORARY_PREFIX + folder.name)
        unfinished.mkdir(parents=True)
        for name in (*manifest.artifacts, manifest_name(manifest.athlete_id)):
            _link(self._service_folder(name) / name, unfinished / name)
        sync_folder(unfinished)
        unfinished.rename(folder)
        sync_folder(folder.parent)

    def _in_service_intact(self, manifest: Manifest) -> bool:
        try:
            for name, entry in manifest.artifacts.items():
                self._verified(self._service_folder(name) / name, entry)
        except ModelError:
            return False
        return True

    def _prune(self, manifest: Manifest) -> None:
        in_service = self._version_folder(manifest)
        others = [folder for folder in self._version_folders(manifest.athlete_id) if folder != in_service]
        for folder in others[self.keep_previous :]:
            doomed = folder.rename(folder.with_name(TEMPORARY_PREFIX + folder.name))
            shutil.rmtree(doomed)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Lock the store for one writer, clean up after a killed one, and turn disk errors into a ModelError."""
        if self.previous is None or self.pickles is None:
            raise ModelError(f"{self.updated}: opened for reading only")
        try:
            for folder in (self.updated, self.previous, self.pickles):
                folder.mkdir(parents=True, exist_ok=True)
            with open_folder(self.updated) as descriptor, locked(descriptor):
                self._clear_unfinished()
                try:
                    yield
                except OSError:
                    self._clear_unfinished()  # a full disk needs the room
                    raise
        except OSError as error:
            raise ModelError(f"{error.filename or self.updated}: cannot be written ({error.strerror})") from None

    def _clear_unfinished(self) -> None:
        for folder in (self.updated, self.pickles):
            for path in folder.glob(TEMPORARY_PREFIX + "*") if folder else ():
                discard(path)
        for path in self.previous.glob(f"*/{TEMPORARY_PREFIX}*") if self.previous else ():
            shutil.rmtree(path)

    # -------------------------------------------------------------------------------------------------------- places

    def _service_folder(self, name: str) -> Path:
        return self.pickles if name.endswith(".pkl") and self.pickles else self.updated

    def _version_folder(self, manifest: Manifest) -> Path | None:
        if self.previous is None:
            return None
        digest = hashlib.sha256(encode_manifest(manifest)).hexdigest()[:12]
        time = re.sub(r"[-:]|\+00:00", "", manifest.created)
        return self.previous / Path(manifest_name(manifest.athlete_id)).stem / f"{time}-{digest}"

    def _version_folders(self, athlete_id: AthleteId) -> list[Path]:
        """Folders of the kept versions, newest first."""
        if self.previous is None:
            return []
        parent = self.previous / Path(manifest_name(athlete_id)).stem
        folders = parent.iterdir() if parent.is_dir() else ()
        return sorted((folder for folder in folders if not folder.name.startswith(".")), reverse=True)


def _link(source: Path, target: Path) -> None:
    """Hard-link, or copy if the file system has no links."""
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, target)
        with target.open("rb") as file:
            sync_to_disk(file.fileno())
