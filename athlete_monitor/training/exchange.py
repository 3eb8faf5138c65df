"""Sessions and models in a store that many machines reach: fetched before a pass, delivered as they are made.

The configured folders stay what everything else works with. Sessions are fetched into them once each, and again when
they change. Models, their manifest last, are put under the names that they have here; a machine that has none yet takes
those of the store into service, so that a pass goes on where one on another machine stopped.
"""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from athlete_monitor.batch.storage import found_at, read_url, store_at
from athlete_monitor.errors import MonitorError
from athlete_monitor.models.manifest import DEFAULT, manifest_name
from athlete_monitor.models.store import ModelStore
from athlete_monitor.system.files import replace_file
from athlete_monitor.training.sessions import session_roots
from athlete_monitor.wire.session_files import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from athlete_monitor.batch.storage import Store
    from athlete_monitor.config import Config
    from athlete_monitor.models.manifest import AthleteId, Manifest
    from athlete_monitor.training.outcome import TrainingOutcome

MARKS: Final = ".fetched.json"
AT_ONCE: Final = 8
"""Files that are fetched together."""

_OURS: Final = re.compile(r"hb_(default|\d+)_model\.(zip|onnx|json)|Player(default|\d+)_rf\.pkl")


class Exchange:
    """Where sessions come from and models go to, beside the configured folders.

    Args:
        config: the configuration.
        sessions: URL of a folder with ``player_<id>`` folders; None for none.
        models: URL of a folder of models; None for none.
    """

    def __init__(self, config: Config, sessions: str | None = None, models: str | None = None) -> None:
        self._config, self._sessions, self._models = config, sessions, models

    def fetch(self) -> None:
        """Fetch new sessions, and models where there are none.

        Raises:
            MonitorError: a store cannot be reached, or the disk refuses.
        """
        self.fetch_sessions()
        if self._models is not None and not any(self._config.paths.hb_tensors_updated.glob("hb_*")):
            self._fetch_models(self._store(self._models))

    def fetch_sessions(self) -> None:
        """Fetch new and changed sessions.

        Raises:
            MonitorError: see ``fetch``.
        """
        if self._sessions is None:
            return
        path = self._config.paths.data_root / MARKS
        marks = _marks(path)
        new = [each for each in self._targets(self._sessions) if marks.get(each[0]) != each[1] or not each[2].exists()]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for first in range(0, len(new), AT_ONCE):
                part = new[first : first + AT_ONCE]
                for (url, mark, target), content in zip(
                    part, pool.map(read_url, [url for url, _, _ in part]), strict=True
                ):
                    _write(target, content)
                    marks[url] = mark
                _write(path, json.dumps(marks, indent=0).encode())

    def delivered(self, outcome: TrainingOutcome) -> TrainingOutcome:
        """Put a model that has just been published into the store; the outcome says so where that fails."""
        if self._models is None or outcome.manifest is None:
            return outcome
        try:
            self._put(self._store(self._models), outcome.manifest)
        except (MonitorError, OSError) as error:
            return outcome.noted(f"not stored at {self._models}: {error}")
        return outcome

    def deliver_rest(self) -> None:
        """Put the models into the store that it does not have yet, such as those of a pass that was interrupted.

        Raises:
            MonitorError: the store or a model cannot be used.
        """
        if self._models is None:
            return
        store, models = self._store(self._models), ModelStore.from_config(self._config)
        there = store.names()
        ids: list[AthleteId] = [*models.athlete_ids(), DEFAULT]
        for athlete_id in ids:
            manifest, name = models.manifest(athlete_id), manifest_name(athlete_id)
            if manifest is not None and (name not in there or store.get(name) != self._content(name)):
                self._put(store, manifest)

    def _targets(self, url: str) -> Iterator[tuple[str, str, Path]]:
        """URL, mark and local path of each session."""
        roots = {PREFIX[mode]: root for root, mode in session_roots(self._config)}
        for place, mark in found_at(url):
            folder, _, name = place.rpartition("/")
            owner = folder.rpartition("/")[2]
            root = next((root for prefix, root in roots.items() if name.startswith(prefix)), None)
            if root is not None and owner.startswith("player_") and owner[7:].isdecimal():
                yield place, mark, root / owner / name

    def _put(self, store: Store, manifest: Manifest) -> None:
        for name in (*manifest.artifacts, manifest_name(manifest.athlete_id)):
            store.put(name, self._content(name))

    def _content(self, name: str) -> bytes:
        try:
            return self._place(name).read_bytes()
        except OSError as error:
            raise MonitorError(f"{self._place(name)}: cannot be read ({error.strerror})") from None

    def _fetch_models(self, store: Store) -> None:
        for name in sorted(store.names(), key=lambda name: name.endswith(".json")):
            if _OURS.fullmatch(name):
                _write(self._place(name), store.get(name))

    def _place(self, name: str) -> Path:
        paths = self._config.paths
        return (paths.models_root if name.endswith(".pkl") else paths.hb_tensors_updated) / name

    def _store(self, url: str) -> Store:
        return store_at(url, "")


def _marks(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, content, sync=False)
    except OSError as error:
        raise MonitorError(f"{path}: cannot be written ({error.strerror})") from None
